"""``kemp lab``: servers, client and load balancer on this machine, kept up in the background."""

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cli.command import group
from cli.exit_codes import ExitCode, Failure
from cli.load_options import downloads_option, rate_option
from cli.options import time_scale_option
from cli.render import Column
from cli.session import Session, pass_session

if TYPE_CHECKING:
    from orchestrator.lab.supervisor import LabStatus

_COLUMNS = (
    Column("STATION", "name"),
    Column("ADDRESS", "address"),
    Column("MAC", "mac"),
    Column("LOOKS LIKE", "release"),
)
_RELEASES = ("centos7", "stream8", "stream9", "stream10", "mixed")
_METHODS = ("loopback", "arptables", "firewalld", "gateway", "none")
# How the virtual service of each method is made.
_SERVICE = {"gateway": "--force-l7 --transparent", "none": "--force-l7 --no-transparent"}
_TELL_S = 5.0


@group("A network of servers on this machine, to rehearse in.")
def command() -> None:
    """Hold the verbs."""


@command.command()
@click.option("--hosts", type=click.IntRange(1, 200), default=3, show_default=True)
@time_scale_option(5.0, "Seconds of the virtual LoadMaster in one real second.")
@click.option(
    "--os",
    "release",
    type=click.Choice(_RELEASES),
    default="stream9",
    show_default=True,
    help="What the hosts look like; mixed: one of each in turn.",
)
@click.option(
    "--method",
    type=click.Choice(_METHODS),
    default="loopback",
    show_default=True,
    help="How the servers are to get their traffic; nothing of it is set up yet.",
)
@click.option(
    "--init",
    type=click.Choice(("none", "systemd")),
    default="none",
    show_default=True,
    help="systemd: hosts that boot, reached over ssh. Needs root.",
)
@click.option(
    "--pair", is_flag=True, help="Two LoadMasters as a high availability pair: lb1 and lb2."
)
@pass_session
def up(
    session: Session,
    hosts: int,
    time_scale: float,
    release: str,
    method: str,
    init: str,
    pair: bool,
) -> None:
    """Build a lab that stays up until "kemp lab down"."""
    from orchestrator.errors import Locked
    from orchestrator.lab.release import Release
    from orchestrator.lab.station import LabOptions
    from orchestrator.lab.supervisor import lab_up

    try:
        options = LabOptions(
            directory=session.state_directory,
            hosts=hosts,
            releases=tuple(Release) if release == "mixed" else (Release(release),),
            init="systemd" if init == "systemd" else "none",
            method=method,  # type: ignore[arg-type] # click has let only these through
            time_scale=time_scale,
            pair=pair,
        )
    except ValueError as error:
        raise click.UsageError(str(error)) from None
    try:
        status = lab_up(options)
    except Locked as error:
        advice = "see: kemp lab status; end it: kemp lab down"
        raise Failure(f"{error}\n  {advice}", ExitCode.LOCKED) from None
    session.changed(
        f"lab is up: {', '.join(status.stations)}\n{_advice(status)}", status, name="lab"
    )


def _advice(status: "LabStatus") -> str:
    service = _SERVICE.get(status.method, "--l4")
    lines = [
        f"its LoadMaster is {status.url}, to be reached from admin. Try:",
        f"  kemp lab exec admin -- kemp vs create {status.vip} 80 --name web {service} "
        "--check http --check-url /health",
        f"  kemp lab exec admin -- kemp rollout run -f {status.directory}/add.yaml",
        f"  kemp lab exec admin -- kemp doctor -f {status.directory}/add.yaml",
    ]
    if status.control_url:
        lines += [
            "  kemp lab exec admin -- kemp param set hal4update yes",
            "  kemp lab failover",
        ]
    if status.init == "systemd":
        lines += [
            "  kemp lab exec admin -- ssh web1",
            "  kemp lab exec web1 -- systemctl",
            "  kemp lab reboot web1",
            f"  kemp lab exec admin -- kemp rollout run -f {status.directory}/reboot.yaml",
        ]
    return "\n".join(lines)


@command.command()
@pass_session
def down(session: Session) -> None:
    """End the lab and everything that runs in it."""
    from orchestrator.lab.supervisor import lab_down

    ended = lab_down(session.state_directory)
    session.say("no lab was up" if ended is None else "lab is down")


@command.command()
@pass_session
def status(session: Session) -> None:
    """Show the stations of the lab; not found when none is up."""
    found = _running(session)
    if session.output in ("json", "yaml"):
        session.show(found, details=str, name="lab")
        return
    session.show_list(
        list(found.stations),
        _COLUMNS,
        row=lambda name: {
            "name": name,
            "address": found.stations[name].address,
            "mac": found.stations[name].mac,
            "release": found.stations[name].release,
        },
        name=str,
        empty="no stations",
    )


@command.command("exec", context_settings={"ignore_unknown_options": True})
@click.argument("station")
@click.argument("argv", nargs=-1, required=True, type=click.UNPROCESSED, metavar="-- COMMAND...")
@pass_session
def execute(session: Session, station: str, argv: tuple[str, ...]) -> int:
    """Run a command on a station of the lab; kemp finds the lab's LoadMaster there.

    On a host with systemd it is a login of root's: another root directory, no kemp.
    """
    from orchestrator.lab.supervisor import lab_exec_argv, lab_exec_environment

    found = _running(session)
    _known(found, station)
    environment = {**session.environ, **lab_exec_environment(found)}
    # A profile of the world outside would be asked for instead of the lab's LoadMaster.
    environment.pop("KEMP_PROFILE", None)
    # So that "kemp" means this one there, installed in a place of its own or not.
    ours = str(Path(sys.executable).parent)
    environment["PATH"] = f"{ours}:{environment.get('PATH', os.defpath)}"
    # File names are meant from here, where the station sees them.
    command_line = lab_exec_argv(found, station, argv, directory=Path.cwd())
    with subprocess.Popen(command_line, env=environment) as process:
        while process.poll() is None:
            # Ctrl-C is the command's business; how it ends is ours to pass on.
            with contextlib.suppress(KeyboardInterrupt):
                process.wait()
    return process.returncode if process.returncode >= 0 else 128 - process.returncode


@command.command()
@rate_option(100.0)
@downloads_option(0)
@click.option(
    "--seconds",
    type=click.FloatRange(1, 86400),
    default=600.0,
    show_default=True,
    help="How long; Ctrl-C ends it sooner.",
)
@pass_session
def load(session: Session, rate: float, downloads: int, seconds: float) -> ExitCode:
    """Make load through the VIP, and keep with runs that go on meanwhile what was counted.

    "kemp rollout report" then has the requests of the run, batch by batch. Ends with 0 only
    if none failed and no download was cut.
    """
    from orchestrator.lab.load import LoadOptions, LoadResult
    from orchestrator.lab.load_beside_runs import load_beside_runs
    from orchestrator.lab.rollout_file import PORT
    from orchestrator.rollout.store import Store

    found = _running(session)
    options = LoadOptions(
        address=found.vip,
        port=PORT,
        rate_per_s=rate,
        downloads=downloads,
        max_seconds=seconds,
        max_requests=10_000_000,
        phase="no run",
    )
    stop = threading.Event()
    told = [time.monotonic()]

    def look(counts: LoadResult) -> None:
        if time.monotonic() - told[0] >= _TELL_S:
            told[0] = time.monotonic()
            session.say(f"{counts.total} requests, {counts.failed} failed")

    before = signal.signal(signal.SIGINT, lambda _number, _frame: stop.set())
    try:
        with Store(session.store_place) as store:
            clock = session.adapters.clock()
            result = load_beside_runs(found, options, store, clock, stop=stop, on_look=look)
    finally:
        signal.signal(signal.SIGINT, before)
    record = {
        "requests": result.total,
        "failed": result.failed,
        "downloads": len(result.downloads),
        "cut": len(result.cut),
        "by_server": dict(result.by_server),
        "by_phase": {
            name: {"sent": one.total, "failed": one.failed} for name, one in result.by_phase.items()
        },
        "failures": [*result.failures, *(one.failure for one in result.cut)],
    }
    session.show(record, details=lambda: _load_text(record), name="load")
    return ExitCode.FINDINGS if result.failed or result.cut else ExitCode.OK


def _load_text(record: Mapping[str, Any]) -> str:
    lines = [f"{record['failed']} of {record['requests']} requests failed"]
    if record["downloads"]:
        lines.append(f"{record['cut']} of {record['downloads']} downloads were cut")
    lines += [
        f"  {name}: {one['failed']} of {one['sent']}" for name, one in record["by_phase"].items()
    ]
    return "\n".join([*lines, *(f"seen: {one}" for one in record["failures"][:5])])


@command.command()
@click.argument("host")
@click.option("--hard", is_flag=True, help="As if the power had failed: no unit is stopped first.")
@pass_session
def reboot(session: Session, host: str, hard: bool) -> None:
    """Boot a host of a lab with systemd anew, from its files alone."""
    from orchestrator.lab.supervisor import lab_reboot

    found = _running(session)
    _known(found, host)
    if not found.stations[host].boot_file:
        raise Failure(
            f"{host} has nothing to boot: build the lab with kemp lab up --init systemd",
            ExitCode.USAGE,
        )
    began = time.monotonic()
    state = lab_reboot(found, host, clean=not hard)
    seconds = round(time.monotonic() - began, 1)
    session.changed(
        f"{host} is up again after {seconds:g} s: {state}",
        {"host": host, "state": state, "seconds": seconds},
        name="reboot",
    )


@command.command()
@click.option(
    "--power",
    is_flag=True,
    help="The active unit loses its power for it, and comes back as the waiting one.",
)
@pass_session
def failover(session: Session, power: bool) -> None:
    """Let the other unit of a lab's pair take over."""
    from orchestrator.lab.supervisor import lab_failover

    found = _running(session)
    if not found.control_url:
        raise Failure(
            "this lab has one LoadMaster: build one with a pair by kemp lab up --pair",
            ExitCode.USAGE,
        )
    active = lab_failover(found, power=power)
    session.changed(f"{active} is active now", {"active": active}, name="failover")


def _known(found: "LabStatus", station: str) -> None:
    if station not in found.stations:
        raise Failure(
            f"the lab has no station {station!r}; it has {', '.join(found.stations)}",
            ExitCode.NOT_FOUND,
        )


def _running(session: Session) -> "LabStatus":
    from orchestrator.lab.supervisor import lab_status

    found = lab_status(session.state_directory)
    if found is None or not found.running:
        raise Failure("no lab is up; kemp lab up builds one", ExitCode.NOT_FOUND)
    return found
