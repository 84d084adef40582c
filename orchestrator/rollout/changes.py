"""Steps that change something: look, act only if needed, look again.

What an act is going to change and what takes it back is in the journal before the act.
A killed run therefore finds either the old state (act), or the new one and its own
announcement (done); the new state without an announcement is somebody else's work.
"""

from dataclasses import dataclass
from typing import Protocol

from kempsdk.errors import BadAnswer, KempError, Outcome, OutcomeUnknown, Unreachable
from orchestrator.errors import GateRefused, HostUnreachable
from orchestrator.rollout.context import Context
from orchestrator.rollout.plan import Data, Step
from orchestrator.rollout.records import StepRecord, StepStatus
from orchestrator.rollout.words import differences

_READ_BACK_S = 60.0
"""After an act, reading is tried this long: the outcome is worth waiting for."""

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
    failure = _act(context, change, seen)
    after = _look_back(context, step, change, failure)
    if _unknown(failure) and not change.reached(after):
        # Read back, then decide: it may still arrive. Only then is it sent once more.
        context.wait(_LATE_ANSWER_S)
        after = _look_back(context, step, change, failure)
        if not change.reached(after):
            change.gate(after)
            failure = _act(context, change, after)
            after = _look_back(context, step, change, failure)
    if change.reached(after):
        unheard = ("its answer was lost; a read shows it",) if failure else ()
        return Result(evidence=(*evidence, *unheard), after=after)
    if failure is not None and not _unknown(failure):
        if dict(after) == dict(seen):
            # Nothing happened: whoever does it from now on, it was not us.
            context.store.withdraw(
                context.run_id, step.id, worker=context.worker, announced_in=record.announced_in
            )
        raise failure
    raise GateRefused(
        f"{step.server}: {step.kind.value} was accepted, but a read does not show it",
        gate="not-applied" if failure is None else "outcome-unknown",
        evidence=differences(step.after, after, was="wanted", now="read"),
    )


def _act(context: Context, change: Change, seen: Data) -> KempError | HostUnreachable | None:
    """Act; return what went wrong, which need not mean that nothing happened.

    The SDK reads back itself: what it raises may be about that read, after a good write.

    Raises:
        Locked: this process was frozen so long that another one has its work.
    """
    context.store.workers.refuse_gone(context.worker)
    try:
        change.act(seen)
    except (KempError, HostUnreachable) as error:
        return error
    return None


def _unknown(failure: KempError | HostUnreachable | None) -> bool:
    """Return whether the act may still arrive: it was sent, or the way in broke off."""
    return isinstance(failure, HostUnreachable) or (
        failure is not None and failure.outcome is Outcome.UNKNOWN
    )


def _look_back(
    context: Context, step: Step, change: Change, failure: KempError | HostUnreachable | None
) -> Data:
    """Read what became of an act, however long the other side takes to come back.

    Raises:
        GateRefused: it did not come back in time; what happened is not known.
    """
    clock = context.adapters.clock
    deadline = clock.monotonic_s() + _READ_BACK_S
    while True:
        try:
            return change.look()
        except (Unreachable, OutcomeUnknown, BadAnswer, HostUnreachable) as error:
            if clock.monotonic_s() >= deadline:
                raise GateRefused(
                    f"{step.server}: nobody knows whether {step.kind.value} happened: it was "
                    f"begun, and for {_READ_BACK_S:g} s nothing could be read ({error}); resume "
                    "reads first, then decides",
                    gate="outcome-unknown",
                    evidence=[f"the act: {failure or 'accepted'}", f"the read: {error}"],
                ) from error
            context.emit("waiting", f"to read back: {error}", server=step.server, step=step.id)
        context.wait(_LATE_ANSWER_S)
