"""``kemp emulator``: a virtual LoadMaster as a process."""

from pathlib import Path
from typing import Any

import click

from cli.command import Command
from cli.exit_codes import ExitCode, Failure
from cli.options import time_scale_option
from cli.session import Session, pass_session
from cli.settings import parse

_FILE = click.Path(dir_okay=False, path_type=Path)


def _listen(_ctx: click.Context, _param: click.Parameter, value: str) -> tuple[str, int]:
    address, separator, port = value.rpartition(":")
    if not separator or not port.isascii() or not port.isdigit() or int(port) > 65535:
        raise click.BadParameter(f"{value!r}: write ADDRESS:PORT; port 0 takes a free one")
    return address.strip("[]") or "127.0.0.1", int(port)


@click.command(cls=Command)
@click.option(
    "--listen",
    default="127.0.0.1:9443",
    show_default=True,
    metavar="ADDRESS:PORT",
    callback=_listen,
    help="Port 0 takes a free one.",
)
@click.option("--user", default="bal", show_default=True)
@click.option("--password-file", type=_FILE, help="Its first line is the user's password.")
@click.option(
    "--api-key-file", type=_FILE, help="One key a line; made with one key where there is none."
)
@click.option("--state", type=_FILE, help="Keep the configuration in this file.")
@click.option("--http", is_flag=True, help="Plain HTTP instead of HTTPS.")
@click.option("--port-file", type=_FILE, help="Written with the port once it listens.")
@click.option("--cert-file", type=_FILE, help="PEM certificate; a self-signed one without.")
@click.option("--key-file", type=_FILE, help="PEM key of that certificate.")
@click.option(
    "--health",
    type=click.Choice(("auto", "real", "up", "down")),
    default="auto",
    show_default=True,
    help="auto checks servers on loopback only; real checks all; up and down assume.",
)
@time_scale_option(1.0, "Seconds of the device in one real second.")
@click.option("--l4-interface", metavar="NAME", help="Move DSR packets that arrive there.")
@click.option("--l7", is_flag=True, help="Carry the connections of layer-7 services.")
@click.option(
    "--l7-interface", metavar="NAME", help="The same; this interface gets the services' addresses."
)
@click.option("--pair", is_flag=True, help="Two units with a shared address, which --listen is.")
@click.option(
    "--control-port",
    type=click.IntRange(0, 65535),
    metavar="PORT",
    help="Take faults and the like there, on loopback, without credentials; 0 is a free port.",
)
@click.option("--control-port-file", type=_FILE, help="Written with that port, like --port-file.")
@click.option("--no-rate-limit", is_flag=True, help="Take more than 30 calls in 3 seconds.")
@click.option(
    "--switch",
    "switches",
    multiple=True,
    metavar="NAME=VALUE",
    help="Behaviour that differs between firmwares; --switch list shows them.",
)
@click.option("--coverage", is_flag=True, help="List how each command is answered.")
@click.option("--until-stdin-closes", is_flag=True, help="End with whoever started it.")
@pass_session
def command(
    session: Session,
    /,
    switches: tuple[str, ...],
    no_rate_limit: bool,
    coverage: bool,
    **options: Any,
) -> None:
    """Be a virtual LoadMaster until SIGTERM or Ctrl-C.

    A line on stderr says when it listens and where; a second one names the control port.
    """
    import dataclasses

    from kempsdk.emulator.switches import Switches

    if coverage:
        _list_coverage(session)
        return
    if switches == ("list",):
        _list_switches(session)
        return
    if options["pair"] and any(
        options[one] for one in ("state", "l4_interface", "l7", "l7_interface")
    ):
        raise click.UsageError("--pair: two units cannot share a state file or carry traffic")
    if options["control_port_file"] and options["control_port"] is None:
        raise click.UsageError("--control-port-file needs --control-port; 0 takes a free port")
    from kempsdk.emulator.process import EmulatorOptions, serve

    def ready(url: str) -> None:
        click.echo(f"kemp emulator: ready on {url}", err=True)
        if not any(options[one] for one in ("password_file", "api_key_file", "state")):
            session.warn("nobody can log in without --password-file or --api-key-file")

    chosen = parse(Switches, switches, what="switch")
    if no_rate_limit:
        chosen["rate_limit"] = False
    try:
        serve(
            EmulatorOptions(**options, switches=dataclasses.replace(Switches(), **chosen)),
            ready,
            lambda url: click.echo(f"kemp emulator: control port on {url}", err=True),
        )
    except OSError as error:
        # An address that cannot be bound has no file name.
        code = ExitCode.USAGE if error.filename is None else ExitCode.INVALID_FILE
        raise Failure(f"emulator: {error}", code) from None
    except ValueError as error:
        raise Failure(f"emulator: {error}", ExitCode.INVALID_FILE) from None


def _list_switches(session: Session) -> None:
    import dataclasses

    from cli.render import Column
    from kempsdk.emulator.switches import Switches

    session.show_list(
        [
            {"name": one.name, "default": getattr(Switches(), one.name)}
            for one in dataclasses.fields(Switches)
        ],
        (Column("SWITCH", "name"), Column("DEFAULT", "default")),
        row=dict,
        name=lambda one: str(one["name"]),
        empty="",
    )


def _list_coverage(session: Session) -> None:
    from cli.render import Column
    from kempsdk.emulator import coverage

    session.show_list(
        [{"command": name, "answered": how} for name, how in coverage().items()],
        (Column("COMMAND", "command"), Column("ANSWERED", "answered")),
        row=dict,
        name=lambda one: str(one["command"]),
        empty="",
    )
