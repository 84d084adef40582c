"""The verbs of ``kemp rollout`` that ask something of a run, or free what one holds."""

import click

from cli.command import Command
from cli.exit_codes import ExitCode, Failure
from cli.options import yes_option
from cli.rollout.options import note_option, wait_option, wanted_run, wanted_server
from cli.rollout.stored_runs import open_store
from cli.session import Session, pass_session

_LOOK_S = 0.3


@click.command(cls=Command)
@wanted_run
@click.option("--now", is_flag=True, help="Break off waiting; else servers in hand are finished.")
@note_option
@wait_option
@pass_session
def pause(session: Session, run_id: str, now: bool, note: str, wait_s: float) -> None:
    """Ask a run to pause, and say where each server stands; resume goes on with it.

    One that is queued, or whose process is gone, is paused at once.
    """
    _ask(session, run_id, "pause", "now" if now else "", note, wait_s)


@click.command(cls=Command)
@wanted_run
@note_option
@wait_option
@pass_session
def abort(session: Session, run_id: str, note: str, wait_s: float) -> None:
    """End a run as it stands, and say where each server stands; undo takes it back.

    A run that goes on breaks off waiting and ends; one that nobody works on ends at once.
    """
    _ask(session, run_id, "abort", "", note, wait_s)


@click.command(cls=Command)
@wanted_run
@wanted_server
@note_option
@wait_option
@pass_session
def skip(session: Session, run_id: str, server: str, note: str, wait_s: float) -> None:
    """Ask a run to leave a server out, put back if all it lost is its traffic."""
    _ask(session, run_id, "skip", server, note, wait_s)


@click.command(cls=Command)
@wanted_run
@wanted_server
@note_option
@pass_session
def retry(session: Session, run_id: str, server: str, note: str) -> None:
    """Say that of the servers that failed only this one is tried again; then resume."""
    _ask(session, run_id, "retry", server, note, 0.0)


@click.command(cls=Command)
@wanted_run
@click.argument("gate", metavar="[GATE]", default="batch 1")
@note_option
@wait_option
@pass_session
def approve(session: Session, run_id: str, gate: str, note: str, wait_s: float) -> None:
    """Approve the first batch of a run, so that the others follow."""
    _ask(session, run_id, "approve", gate, note, wait_s)


@click.command(cls=Command)
@wanted_run
@click.option("--reason", default="", help="Why; it is kept, and so is who you are.")
@yes_option
@pass_session
def abandon(session: Session, run_id: str, reason: str, yes: bool) -> None:
    """Give up a run as it stands and free its services and hosts; changes nothing on them."""
    from cli.worker import operator
    from orchestrator.rollout.run import abandon as give_up

    session.confirm(f"Run {run_id} can not be resumed afterwards.", run_id, yes=yes)
    with open_store(session) as store:
        why = f"given up by {operator()}" + (f": {reason}" if reason else "")
        give_up(run_id, store, now_s=session.adapters.clock().time_s(), reason=why)
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


def _ask(session: Session, run_id: str, kind: str, target: str, note: str, wait_s: float) -> None:
    """Ask, wait a while for the answer, and show how the run stands then."""
    from cli.run_view import status_lines
    from cli.worker import operator
    from orchestrator.rollout.asking import ask
    from orchestrator.rollout.records import RequestKind, RequestState
    from orchestrator.rollout.status import status

    clock = session.adapters.clock()
    with open_store(session) as store:
        answer = ask(
            run_id,
            RequestKind(kind),
            target,
            store,
            asked_by=operator(),
            now_s=clock.time_s(),
            note=note,
        )
        session.say(answer.words)
        if (asked := answer.waiting) is not None:
            deadline_s = clock.monotonic_s() + wait_s
            while asked.state is RequestState.ASKED and clock.monotonic_s() < deadline_s:
                clock.sleep(_LOOK_S)
                asked = store.requests.get(asked.number)
            if asked.state is RequestState.REFUSED:
                raise Failure(f"run {run_id} refused: {asked.answer}", ExitCode.NOT_NOW)
            session.say(
                f"run {run_id} ends what it has in hand first; see: kemp rollout watch {run_id}"
                if asked.state is RequestState.ASKED
                else f"run {run_id} answered: {asked.answer or 'done'}"
            )
        found = status(run_id, store)
    session.show(
        found.to_data(),
        details=lambda: "\n".join(status_lines(found, colour=session.colour, now_s=clock.time_s())),
        name=run_id,
    )
