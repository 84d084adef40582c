"""The runs of the store as the verbs of ``kemp rollout`` name them."""

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from cli.exit_codes import ExitCode, Failure
from cli.session import Session

if TYPE_CHECKING:
    from orchestrator.rollout.report import RunReport
    from orchestrator.rollout.store import Store

RESUMABLE = ("paused", "interrupted")


@contextmanager
def open_store(session: Session) -> "Iterator[Store]":
    """Open the store of this call; closed when the context ends."""
    from orchestrator.rollout.store import Store

    with Store(session.store_place) as store:
        yield store


def read_report(store: "Store", run_id: str | None) -> "RunReport":
    """Return the report of a run; the newest unless named."""
    from orchestrator.rollout.report import report as read

    return read(run_id or newest(store, None), store)


def conclusion(
    session: Session,
    run_id: str,
    state: str,
    *,
    outcomes: Collection[str],
    gates: Collection[str | None],
) -> ExitCode:
    """Return the exit code of a run that stands still, and say how to go on, if it can.

    Args:
        outcomes: of its servers, each that there is.
        gates: that refused.
    """
    if state == "finished":
        whole = {"failed", "skipped"}.isdisjoint(outcomes)
        return ExitCode.OK if whole else ExitCode.PARTIAL
    if state in RESUMABLE:
        session.say(f"to go on: kemp rollout resume {run_id}")
        if not {"action-timeout", "hook-timeout"}.isdisjoint(gates):
            session.say("it runs again what did not end in its time: look at what that did first")
            return ExitCode.COMMAND_TIMED_OUT
    return ExitCode.PARTIAL if "failed" in outcomes else ExitCode.STOPPED


def newest(store: "Store", states: tuple[str, ...] | None) -> str:
    """Return the newest run, of those in one of these states if any are given.

    Raises:
        Failure: there is none.
    """
    from orchestrator.rollout.report import summaries

    for one in summaries(store):
        if states is None or one.state in states:
            return one.run_id
    wanted = "" if states is None else f" that is {' or '.join(states)}"
    raise Failure(f"there is no run{wanted}", ExitCode.NOT_FOUND)
