"""``kemp lab``: servers, client and load balancer on this machine, kept up in the background."""

import contextlib
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cli.command import group
from cli.exit_codes import ExitCode, Failure
from cli.render import Column
from cli.session import Session, pass_session

if TYPE_CHECKING:
    from orchestrator.lab.supervisor import LabStatus

_COLUMNS = (Column("STATION", "name"), Column("ADDRESS", "address"), Column("MAC", "mac"))


@group("A network of servers on this machine, to rehearse in.")
def command() -> None:
    """Hold the verbs."""


@command.command()
@click.option("--hosts", type=click.IntRange(1, 200), default=3, show_default=True)
@click.option(
    "--time-scale",
    type=click.FloatRange(min=0, min_open=True),
    default=5.0,
    show_default=True,
    help="Seconds of the virtual LoadMaster in one real second.",
)
@pass_session
def up(session: Session, hosts: int, time_scale: float) -> None:
    """Build a lab that stays up until "kemp lab down"."""
    from orchestrator.errors import Locked
    from orchestrator.lab.supervisor import LabOptions, lab_up

    try:
        status = lab_up(
            LabOptions(directory=session.state_directory, hosts=hosts, time_scale=time_scale)
        )
    except Locked as error:
        advice = "see: kemp lab status; end it: kemp lab down"
        raise Failure(f"{error}\n  {advice}", ExitCode.LOCKED) from None
    session.changed(
        f"lab is up: {', '.join(status.stations)}\n"
        f"its LoadMaster is {status.url}, to be reached from admin. Try:\n"
        f"  kemp lab exec admin -- kemp vs create {status.vip} 80 --name web --l4 "
        "--check http --check-url /health\n"
        f"  kemp lab exec admin -- kemp rollout run -f {status.directory}/add.yaml",
        status,
        name="lab",
    )


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
        },
        name=str,
        empty="no stations",
    )


@command.command("exec", context_settings={"ignore_unknown_options": True})
@click.argument("station")
@click.argument("argv", nargs=-1, required=True, type=click.UNPROCESSED, metavar="-- COMMAND...")
@pass_session
def execute(session: Session, station: str, argv: tuple[str, ...]) -> int:
    """Run a command on a station of the lab; kemp finds the lab's LoadMaster there."""
    from orchestrator.lab.supervisor import lab_exec_argv, lab_exec_environment

    found = _running(session)
    if station not in found.stations:
        raise Failure(
            f"the lab has no station {station!r}; it has {', '.join(found.stations)}",
            ExitCode.NOT_FOUND,
        )
    environment = {**session.environ, **lab_exec_environment(found)}
    # A profile of the world outside would be asked for instead of the lab's LoadMaster.
    environment.pop("KEMP_PROFILE", None)
    # So that "kemp" means this one there, installed in a place of its own or not.
    ours = str(Path(sys.executable).parent)
    environment["PATH"] = f"{ours}:{environment.get('PATH', os.defpath)}"
    # Entering another world's mounts leaves one in /; file names are meant from here.
    here = ["env", f"--chdir={Path.cwd()}", *argv]
    with subprocess.Popen(lab_exec_argv(found, station, here), env=environment) as process:
        while process.poll() is None:
            # Ctrl-C is the command's business; how it ends is ours to pass on.
            with contextlib.suppress(KeyboardInterrupt):
                process.wait()
    return process.returncode if process.returncode >= 0 else 128 - process.returncode


def _running(session: Session) -> "LabStatus":
    from orchestrator.lab.supervisor import lab_status

    found = lab_status(session.state_directory)
    if found is None or not found.running:
        raise Failure("no lab is up; kemp lab up builds one", ExitCode.NOT_FOUND)
    return found
