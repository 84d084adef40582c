"""The verbs of ``kemp rollout`` that ask something of a run, or free what one holds."""

import click

from cli.command import Command
from cli.rollout.options import note_option, wanted_run, wanted_server, yes_option
from cli.rollout.stored_runs import open_store
from cli.session import Session, pass_session


@click.command(cls=Command)
@wanted_run
@click.option("--now", is_flag=True, help="Break off waiting; else servers in hand are finished.")
@note_option
@pass_session
def pause(session: Session, run_id: str, now: bool, note: str) -> None:
    """Ask a run to pause; resume goes on with it."""
    _ask(session, run_id, "pause", "now" if now else "", note)


@click.command(cls=Command)
@wanted_run
@note_option
@pass_session
def abort(session: Session, run_id: str, note: str) -> None:
    """Ask a run that goes on to stop and end as it stands; undo takes it back."""
    _ask(session, run_id, "abort", "", note)


@click.command(cls=Command)
@wanted_run
@wanted_server
@note_option
@pass_session
def skip(session: Session, run_id: str, server: str, note: str) -> None:
    """Ask a run to leave a server out, put back if all it lost is its traffic."""
    _ask(session, run_id, "skip", server, note)


@click.command(cls=Command)
@wanted_run
@wanted_server
@note_option
@pass_session
def retry(session: Session, run_id: str, server: str, note: str) -> None:
    """Ask that of the servers that failed only this one is tried again; then resume."""
    _ask(session, run_id, "retry", server, note)


@click.command(cls=Command)
@wanted_run
@click.argument("gate", metavar="[GATE]", default="batch 1")
@note_option
@pass_session
def approve(session: Session, run_id: str, gate: str, note: str) -> None:
    """Approve the first batch of a run, so that the others follow."""
    _ask(session, run_id, "approve", gate, note)


@click.command(cls=Command)
@click.argument("run_id", metavar="RUN")
@click.option("--reason", default="given up by the operator", show_default=True)
@yes_option
@pass_session
def abandon(session: Session, run_id: str, reason: str, yes: bool) -> None:
    """Give up a run as it stands and free its services and hosts; changes nothing on them."""
    from orchestrator.rollout.run import abandon as give_up

    session.confirm(f"Run {run_id} can not be resumed afterwards.", run_id, yes=yes)
    with open_store(session) as store:
        give_up(run_id, store, now_s=session.adapters.clock().time_s(), reason=reason)
    session.say(f"run {run_id} abandoned")


@click.command(cls=Command)
@click.argument("resource")
@click.option("--run", "run_id", required=True, metavar="RUN", help="The run that holds it.")
@yes_option
@pass_session
def unlock(session: Session, resource: str, run_id: str, yes: bool) -> None:
    """Break one lock of a run that nobody works on; its name is that of "locks"."""
    session.confirm(f"Another run may then work on {resource}.", run_id, yes=yes)
    with open_store(session) as store:
        store.locks.break_one(resource, run_id=run_id)
    session.say(f"{resource} is free")


def _ask(session: Session, run_id: str, kind: str, target: str, note: str) -> None:
    """Leave a wish in the mailbox of a run; whoever works on it answers."""
    from cli.worker import operator
    from orchestrator.rollout.records import RequestKind

    with open_store(session) as store:
        asked = store.requests.ask(
            run_id,
            RequestKind(kind),
            target,
            asked_by=operator(),
            now_s=session.adapters.clock().time_s(),
            note=note,
            once=kind == "approve",
        )
    session.say(f"asked run {run_id}: {asked.words}")
