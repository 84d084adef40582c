"""Steps that change something: look, act only if needed, look again.

What an act is going to change and what takes it back is in the journal before the act.
A killed run therefore finds either the old state (act), or the new one and its own
announcement (done); the new state without an announcement is somebody else's work.
"""

from dataclasses import dataclass
from typing import Protocol

from kempsdk.errors import KempError, Outcome
from orchestrator.errors import GateRefused
from orchestrator.rollout.context import Context
from orchestrator.rollout.plan import Data, Step
from orchestrator.rollout.records import StepRecord, StepStatus

_LATE_ANSWER_S = 2.0
"""A call whose answer got lost may still be on its way: wait before believing what is read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """How a step ended well."""

    status: StepStatus = StepStatus.DONE
    evidence: tuple[str, ...] = ()
    after: Data | None = None


class Change(Protocol):
    """One change, in the parts that ``carry_out`` puts together."""

    def look(self) -> Data:
        """Read what is now."""
        ...

    def reached(self, seen: Data, /) -> bool:
        """Return whether what was seen is what is wanted."""
        ...

    def gate(self, seen: Data, /) -> tuple[str, ...]:
        """Open, with evidence, or raise GateRefused."""
        ...

    def inverse(self) -> Data | None:
        """Return what takes the change back."""
        ...

    def act(self, seen: Data, /) -> None:
        """Make the change; safe to repeat."""
        ...


def carry_out(context: Context, step: Step, record: StepRecord, change: Change) -> Result:
    """Make a change that is not there yet, and believe it only after reading it.

    Raises:
        GateRefused: a gate did not open, or the change is not there after the act.
    """
    seen = change.look()
    if change.reached(seen) and record.intended:
        return Result(evidence=("found done as announced",), after=seen)
    evidence = change.gate(seen)
    if change.reached(seen):
        return Result(status=StepStatus.UNCHANGED, evidence=("already so",), after=seen)
    context.store.announce(
        context.run_id,
        step.id,
        worker=context.worker,
        before=seen,
        inverse=change.inverse(),
    )
    context.emit("acting", step.why, server=step.server, step=step.id)
    unsure = _act(change, seen)
    after = change.look()
    if unsure and not change.reached(after):
        # Read back, then decide: it may still arrive. Only then is it sent once more.
        context.wait(_LATE_ANSWER_S)
        after = change.look()
        if not change.reached(after):
            change.gate(after)
            unsure = _act(change, after)
            after = change.look()
    if not change.reached(after):
        raise GateRefused(
            f"{step.server}: {step.kind.value} was accepted, but a read does not show it",
            gate="outcome-unknown" if unsure else "not-applied",
            evidence=[f"wanted {dict(step.after)}", f"seen {dict(after)}"],
        )
    return Result(evidence=evidence, after=after)


def _act(change: Change, seen: Data) -> bool:
    """Act; return whether the outcome is unknown."""
    try:
        change.act(seen)
    except KempError as error:
        if error.outcome is not Outcome.UNKNOWN:
            raise
        return True
    return False
