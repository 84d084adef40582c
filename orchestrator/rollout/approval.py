"""A gate that a person opens."""

from orchestrator.errors import GateRefused
from orchestrator.rollout.changes import Result
from orchestrator.rollout.context import Context
from orchestrator.rollout.plan import Step
from orchestrator.rollout.records import RequestKind, StepRecord

_POLL_S = 2.0
_TOLD_S = 60.0


def approve(context: Context, step: Step, record: StepRecord) -> Result:
    """Wait until somebody approves the gate.

    Raises:
        GateRefused: nobody did by the deadline.
    """
    clock, canary = context.adapters.clock, context.rollout.canary
    assert canary is not None  # noqa: S101 - the planner makes the step only where there is one
    deadline = context.first_start_s(record) + canary.deadline_s
    told_s: float | None = None
    while True:
        if wish := context.wishes.open(RequestKind.APPROVE, step.server):
            said = f"approved by {wish.asked_by}" + (f": {wish.note}" if wish.note else "")
            if context.wishes.take(wish, "the run goes on"):
                return Result(evidence=(said,), after={"approved_by": wish.asked_by})
        left_s = deadline - clock.monotonic_s()
        if left_s <= 0:
            raise GateRefused(
                f"nobody approved {step.server} within {canary.deadline_s:g} s; approve it, "
                "then resume",
                gate="approve",
                evidence=[f"kemp rollout approve {context.run_id}"],
            )
        if told_s is None or clock.monotonic_s() - told_s >= _TOLD_S:
            told_s = clock.monotonic_s()
            context.emit(
                "waiting",
                f"for a person: kemp rollout approve {context.run_id}",
                server=step.server,
                step=step.id,
                deadline_in_s=round(left_s, 1),
            )
        # Waiting for a person is not standing still.
        context.note_progress()
        context.wait(min(_POLL_S, left_s))
