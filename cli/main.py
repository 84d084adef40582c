"""The command ``kemp``: the nouns, the real adapters, and how it ends."""

import gc
import os
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import TYPE_CHECKING, NoReturn

import click

from cli.command import LazyGroup, Noun, OutputClosed
from cli.exit_codes import ExitCode, tell
from cli.session import Session

if TYPE_CHECKING:
    from cli.connection import Connection
    from kempsdk import LoadMaster
    from kempsdk.clock import Clock
    from orchestrator.hosts.driver import HostDriver
    from orchestrator.probes.segment import Segment
    from orchestrator.rollout.adapters import Adapters
    from orchestrator.spec import Spec

NOUNS: Mapping[str, Noun] = {
    "vs": Noun("cli.virtual_services", "Virtual services: create, list, show, set, delete."),
    "subvs": Noun("cli.sub_virtual_services", "SubVSs of a virtual service."),
    "rs": Noun("cli.real_servers", "Real servers: add, enable, disable, drain, delete."),
    "health": Noun("cli.health", "Timers of the health checks."),
    "stats": Noun("cli.stats", "Connections and rates, once or continuously."),
    "param": Noun("cli.parameters", "Global parameters: get, set, list."),
    "api": Noun("cli.api", "Send any command of the API as it is."),
    "config-export": Noun(
        "cli.configuration", "Write a whole LoadMaster as YAML.", "export_command"
    ),
    "diff": Noun("cli.configuration", "Compare a LoadMaster with a file.", "diff_command"),
    "apply": Noun("cli.configuration", "Make a LoadMaster as a file says.", "apply_command"),
    "record": Noun("cli.recorder", "Record what a command or script says to the LoadMaster."),
    "host": Noun("cli.hosts", "The servers themselves: VIP, ARP, routes, files."),
    "rollout": Noun("cli.rollout", "Plan and run safe rolling changes of servers."),
    "doctor": Noun("cli.doctor", "Look at a whole service, and say how to mend it."),
    "worker": Noun("cli.worker", "Work on rollouts that are left to workers."),
    "lab": Noun("cli.lab", "A network of servers on this machine, to rehearse in."),
    "emulator": Noun("cli.emulator", "A virtual LoadMaster that speaks the API."),
    "demo": Noun("cli.demo", "The whole story in a lab: add, roll, drain, with evidence."),
    "config": Noun("cli.config", "Profiles, trusted certificates, shell completion."),
    "help": Noun("cli.help", "Help topics: exit-codes, environment."),
}


_SECRET = ("KEMP_API_KEY", "KEMP_PASSWORD", "KEMP_STORE", "PGPASSWORD")


def _without_secrets(environ: Mapping[str, str]) -> Mapping[str, str]:
    """Return an environment for commands of operators: the store's address may hold a password."""
    return {key: value for key, value in environ.items() if key not in _SECRET}


class RealAdapters:
    """Builds what a real run talks to: LoadMasters, hosts, the segment, the clock."""

    def load_master(self, connection: "Connection", *, timeout_s: float) -> "LoadMaster":
        from kempsdk import ApiKey, LoadMaster, Password, Pin, Verify

        auth = (
            ApiKey(connection.api_key)
            if connection.api_key is not None
            else Password(connection.user or "", connection.password or "")
        )
        tls = Pin(connection.tls_pin) if connection.tls_pin else Verify(connection.ca_file)
        return LoadMaster(connection.url, auth=auth, api=connection.api, tls=tls, timeout=timeout_s)

    @contextmanager
    def rollout(
        self, spec: "Spec", session: Session, *, revert_after_s: int | None = None
    ) -> "Iterator[Adapters]":
        from orchestrator.hosts.confirm_or_revert import REVERT_AFTER_S
        from orchestrator.hosts.netlink import NetlinkDriver
        from orchestrator.hosts.ssh import SshDriver
        from orchestrator.network_namespace import NetworkNamespace
        from orchestrator.probes.segment import HostSegment, SegmentProbe
        from orchestrator.rollout.adapters import Adapters, run_here

        drivers: dict[str, HostDriver] = {"netlink": NetlinkDriver(clock=self.clock())}
        clients: dict[str, LoadMaster] = {}
        guard = threading.Lock()

        with ExitStack() as stack:

            def load_master(name: str) -> "LoadMaster":
                with guard:  # asked for from several threads
                    if name not in clients:
                        client = session.load_master_of(spec.loadmasters[name])
                        clients[name] = stack.enter_context(client)
                    return clients[name]

            machines = (*spec.hosts.values(), *spec.stations.values())
            if any(host.driver == "ssh" for host in machines):
                drivers["ssh"] = stack.enter_context(
                    SshDriver(revert_after_s=revert_after_s or REVERT_AFTER_S)
                )
            segment: Segment | None = None
            probe = spec.arp_probe
            if probe is not None and probe.station is not None:
                station = spec.station(probe.station)
                segment = HostSegment(drivers[station.driver], station)
            elif probe is not None and probe.interface is not None:
                place = probe.namespace
                namespace = stack.enter_context(NetworkNamespace(place)) if place else None
                segment = SegmentProbe(probe.interface, namespace=namespace)
            yield Adapters(
                loadmaster=load_master,
                driver=lambda host: drivers[host.driver],
                clock=self.clock(),
                segment=segment,
                here=partial(run_here, environ=_without_secrets(session.environ)),
            )

    def here(self) -> "HostDriver":
        from orchestrator.hosts.netlink import NetlinkDriver

        return NetlinkDriver(clock=self.clock())

    def clock(self) -> "Clock":
        from kempsdk.clock import SystemClock

        return SystemClock()


def _version(ctx: click.Context, _param: click.Parameter, value: bool) -> None:
    if value:
        from importlib.metadata import version

        click.echo(f"kemp {version('kemp-automation')}")
        ctx.exit()


kemp = LazyGroup(
    "kemp",
    nouns=NOUNS,
    help="""Kemp LoadMaster from the terminal, and safe rolling changes behind it.

    Data goes to stdout, messages to stderr. How it ends: kemp help exit-codes.
    """,
    no_args_is_help=True,
    params=[
        click.Option(
            ["--version"],
            is_flag=True,
            is_eager=True,
            expose_value=False,
            callback=_version,
            help="Show the version.",
        )
    ],
)


def _close_quietly() -> None:
    # What is still buffered has no reader; without this the interpreter complains at exit.
    with open(os.devnull, "w") as nowhere:  # noqa: PTH123 - a device, not a path to handle
        os.dup2(nowhere.fileno(), sys.stdout.fileno())


def run(argv: list[str] | None = None) -> int:
    """Run ``kemp`` and return its exit code (cli/exit_codes.py)."""
    session = Session(environ=os.environ, adapters=RealAdapters())
    try:
        # Tells of a usage error itself, with the usage line, when not standalone.
        result = kemp.main(
            args=argv,
            prog_name="kemp",
            complete_var="_KEMP_COMPLETE",
            standalone_mode=False,
            obj=session,
        )
        sys.stdout.flush()
    except (KeyboardInterrupt, click.Abort):
        click.echo("kemp: interrupted", err=True)
        return ExitCode.INTERRUPTED
    except OutputClosed:
        _close_quietly()
        return ExitCode.BROKEN_PIPE
    except click.UsageError as error:
        error.show()
        return error.exit_code
    except Exception as error:  # noqa: BLE001 - the last place where an error can be told
        return tell(error, url=session.address, debug=session.debug, output=session.output)
    return result if isinstance(result, int) else ExitCode.OK


# Told to stop now, or without its store: what other threads still do does not count, and the
# engine would wait for a lost database without end.
_ENDS_AT_ONCE = frozenset(
    {
        ExitCode.LOCKED,
        ExitCode.STORE,
        ExitCode.STORE_READ_ONLY,
        ExitCode.STORE_FULL,
        ExitCode.INTERRUPTED,
    }
)


def main() -> NoReturn:
    """Be the command ``kemp``: run it and end the process.

    Taking the interpreter down module by module costs a tenth of a whole listing and frees
    what the kernel frees anyway; with another thread at work it is done all the same.
    """
    # Importing makes objects by the ten thousand and no garbage: looking for it is for later.
    gc.set_threshold(50_000, 20, 20)
    code = run()
    if threading.active_count() == 1 or code in _ENDS_AT_ONCE:
        try:
            sys.stdout.flush()
            sys.stderr.flush()
        except BrokenPipeError:
            code = code or ExitCode.BROKEN_PIPE
        os._exit(code)
    sys.exit(code)


if __name__ == "__main__":
    main()
