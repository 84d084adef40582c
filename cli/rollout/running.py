"""The verbs of ``kemp rollout`` that work: run, resume, undo."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cli.command import Command
from cli.exit_codes import ExitCode
from cli.options import yes_option
from cli.plan_text import plan_text, report_text
from cli.rollout.options import (
    file_option,
    one_of,
    place_argument,
    run_argument,
    wanted_run,
)
from cli.rollout.planning import make, read_plan
from cli.rollout.stored_runs import RESUMABLE, conclusion, newest, open_store
from cli.session import Session, pass_session

if TYPE_CHECKING:
    from types import FrameType

    from orchestrator.rollout.adapters import Adapters
    from orchestrator.rollout.plan import Plan
    from orchestrator.rollout.report import RunReport
    from orchestrator.rollout.store import Store


@click.command("run", cls=Command)
@place_argument
@file_option
@click.option(
    "--plan",
    "plan_file",
    type=click.Path(dir_okay=False, path_type=Path),
    help='Run this plan of "plan --save", if nothing has moved since.',
)
@click.option("--detach", is_flag=True, help="Leave it to the workers (kemp worker).")
@yes_option
@pass_session
def run_command(
    session: Session,
    place: str | None,
    file: str | None,
    plan_file: Path | None,
    detach: bool,
    yes: bool,
) -> ExitCode:
    """Run a rollout: show the plan, ask, work, report. Exit code 20: nothing to do."""
    file = one_of(place, file)
    if plan_file is not None and file is not None:
        raise click.UsageError("give a rollout file or --plan, not both")
    made = read_plan(plan_file) if plan_file is not None else make(session, file, alone=True)
    session.say(plan_text(made, colour=False))
    if made.empty:
        return ExitCode.NOTHING_TO_DO
    _confirm(session, made, yes=yes)

    from cli.worker import operator
    from orchestrator.inventory import spec_from_data
    from orchestrator.rollout.run import enqueue

    if detach:
        with open_store(session) as store:
            now_s = session.adapters.clock().time_s()
            queued = enqueue(made, store, now_s=now_s, operator=operator())
            _left_to_workers(session, store, queued)
        return ExitCode.OK

    with (
        open_store(session) as store,
        session.adapters.rollout(spec_from_data(made.spec), session) as adapters,
    ):
        end = _begin(session, made, adapters, store)
    return _conclude(session, end)


@click.command(cls=Command)
@run_argument
@click.option("--detach", is_flag=True, help="Leave it to the workers (kemp worker).")
@pass_session
def resume(session: Session, run_id: str | None, detach: bool) -> ExitCode:
    """Go on with a run that paused or was killed; the newest such run unless named.

    Asks nothing: the plan was confirmed when the run began.
    """
    from cli.progress import shown
    from cli.worker import operator
    from orchestrator.inventory import spec_from_data
    from orchestrator.rollout.run import requeue
    from orchestrator.rollout.run import resume as go_on
    from orchestrator.rollout.store.runs import refuse_ended, refuse_other_version

    with open_store(session) as store:
        chosen = run_id or newest(store, RESUMABLE)
        if detach:
            now_s = session.adapters.clock().time_s()
            requeue(chosen, store, now_s=now_s, operator=operator())
            _left_to_workers(session, store, chosen)
            return ExitCode.OK
        run = store.run(chosen)
        refuse_ended(run)
        # What another version wrote may make no sense here.
        refuse_other_version(run)
        made = run.plan
        session.say(f"run {chosen} ({made.title}) goes on")
        with (
            session.adapters.rollout(spec_from_data(made.spec), session) as adapters,
            _pause_on_signal() as stop,
            shown(session, store, chosen) as on_event,
        ):
            end = go_on(chosen, adapters, store, on_event=on_event, stop=stop, operator=operator())
    return _conclude(session, end)


@click.command(cls=Command)
@wanted_run
@yes_option
@pass_session
def undo(session: Session, run_id: str, yes: bool) -> ExitCode:
    """Take a run back: show the plan, ask, work, report. Exit code 20: nothing to do."""
    from orchestrator.inventory import spec_from_data
    from orchestrator.rollout.run import plan_undo

    with open_store(session) as store:
        spec = spec_from_data(store.run(run_id).plan.spec)
        with session.adapters.rollout(spec, session) as adapters:
            made = plan_undo(run_id, adapters, store)
            session.say(plan_text(made, colour=False))
            if made.empty:
                return ExitCode.NOTHING_TO_DO
            _confirm(session, made, yes=yes)
            end = _begin(session, made, adapters, store)
    return _conclude(session, end)


def _confirm(session: Session, made: "Plan", *, yes: bool) -> None:
    touched = len({one.host for one in made.servers if one.steps})
    session.confirm(f"{touched} hosts will be worked on.", str(touched), yes=yes)


def _begin(session: Session, made: "Plan", adapters: "Adapters", store: "Store") -> "RunReport":
    """Run a plan that was confirmed, as a new run."""
    from cli.progress import shown
    from cli.worker import operator
    from orchestrator.rollout.run import new_run_id, run_rollout

    run_id = new_run_id()
    session.say(f"run {run_id}; if it stops: kemp rollout resume {run_id}")
    with _pause_on_signal() as stop, shown(session, store, run_id) as on_event:
        return run_rollout(
            made,
            adapters,
            store,
            on_event=on_event,
            run_id=run_id,
            stop=stop,
            operator=operator(),
        )


def _left_to_workers(session: Session, store: "Store", run_id: str) -> None:
    from orchestrator.rollout.report import waits_words

    if not any(one.serves for one in store.workers.all()):
        session.warn("no worker serves the store now; it waits for one (kemp worker)")
    waits = waits_words(store.waiting().get(run_id, ()))
    queued = f"run {run_id} is queued" + (f" and {waits}" if waits else "")
    session.say(f"{queued}; see: kemp rollout watch {run_id}")


@contextmanager
def _pause_on_signal() -> Iterator[threading.Event]:
    """Make SIGTERM a pause, as the engine makes Ctrl-C one: the step in hand ends first."""
    stop = threading.Event()

    def pause(_number: int, _frame: "FrameType | None") -> None:
        stop.set()

    before = signal.signal(signal.SIGTERM, pause)
    try:
        yield stop
    finally:
        signal.signal(signal.SIGTERM, before)


def _conclude(session: Session, end: "RunReport") -> ExitCode:
    session.show(
        end.to_data(), details=lambda: report_text(end, colour=session.colour), name=end.run_id
    )
    outcomes = {host.outcome for host in end.hosts.values()}
    lanes = [*(one.steps for one in end.hosts.values()), *(one.steps for one in end.gates)]
    gates = {step.gate for steps in lanes for step in steps if step.status == "failed"}
    return conclusion(session, end.run_id, end.state, outcomes=outcomes, gates=gates)
