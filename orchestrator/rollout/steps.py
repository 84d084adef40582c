"""Carries out one step of a plan and keeps the journal.

Nothing here knows the engine: ``perform`` may be called again at any time with the same
step, by the same worker or by another one after it, and what is done stays done.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from enum import Enum

from kempsdk.errors import KempError
from orchestrator.errors import GateRefused, Locked, OrchestratorError, StoreUnavailable
from orchestrator.rollout import (
    approval,
    bake,
    commands,
    drain,
    failover,
    healthy,
    host_changes,
    observations,
    partners,
    reverting,
    server_changes,
)
from orchestrator.rollout.changes import Result
from orchestrator.rollout.context import Context, Skipped, Stopped
from orchestrator.rollout.plan import Step, StepKind
from orchestrator.rollout.records import RequestKind, StepRecord, StepStatus


class Verdict(str, Enum):
    """What the engine does after a step."""

    GO_ON = "go_on"
    SKIP_SERVER = "skip_server"
    FAILED = "failed"
    STOPPED = "stopped"


_PERFORMERS: Mapping[StepKind, Callable[[Context, Step, StepRecord], Result]] = {
    StepKind.DISABLE: server_changes.disable,
    StepKind.DRAIN: drain.drain,
    StepKind.ACTION: commands.action,
    StepKind.PREPARE_HOST: host_changes.prepare_host,
    StepKind.VERIFY_HOST: observations.verify_host,
    StepKind.ARP_PROOF: observations.prove_arp,
    StepKind.SERVICE_BOUND: observations.service_bound,
    StepKind.ADD_SERVER: server_changes.add_server,
    StepKind.UPDATE_SERVER: server_changes.update_server,
    StepKind.ENABLE: server_changes.enable,
    StepKind.PUT_BACK: server_changes.put_back,
    StepKind.HEALTHY: healthy.wait_healthy,
    StepKind.DELETE_SERVER: server_changes.delete_server,
    StepKind.CLEAR_HOST: host_changes.clear_host,
    StepKind.RAISE_WEIGHT: server_changes.update_server,
    StepKind.HOOK: commands.hook,
    StepKind.BAKE: bake.bake,
    StepKind.APPROVE: approval.approve,
    StepKind.PARTNER: partners.partner,
}


_EYES_CLOSED = frozenset({"blind", "outcome-unknown"})
_EVERYBODY = frozenset({"floor", "floor-impossible", "progress-deadline", "failover"})
_OF_THE_RUN = _EYES_CLOSED | _EVERYBODY
"""Gates whose refusal is no failure of one server: the run stops, whatever may fail."""

_ONLY_OUT = (StepKind.PARTNER, StepKind.DISABLE, StepKind.DRAIN)
"""A server that went no further can be put back as it was found."""


def perform(context: Context, step_id: str) -> Verdict:
    """Carry out a step unless the journal says that it is done.

    Raises:
        StoreUnavailable: the journal cannot be kept, so nothing more may be done.
        Locked: another worker has the run by now.
    """
    step = context.steps[step_id]
    context.wishes.look()
    return _perform(replace(context, lane=step.server), step)


def _perform(context: Context, step: Step) -> Verdict:
    earlier = context.journal(step.id)
    if context.stops_now or _paused_before(context, step, earlier):
        return Verdict.STOPPED
    if earlier is not None and earlier.status is StepStatus.FAILED:
        # Only a new attempt tries again, and says so of each step.
        return _after_failure(context, step, earlier.gate)
    if earlier is not None and earlier.status.complete:
        return Verdict.GO_ON
    record = context.store.begin_step(
        context.run_id, step.id, worker=context.worker, now_s=context.adapters.clock.time_s()
    )
    if record.status.complete:
        return Verdict.GO_ON
    if record.status is StepStatus.SKIPPED:
        return _skip(context, step, record.reason)
    try:
        if step.id in context.steps:  # putting it back is part of skipping
            context.check_skip()
        context.emit("step-started", step.why, server=step.server, step=step.id)
        failover.check(context)
        # Whether an earlier call of it has ended is known from before this one began.
        ended_s = earlier.ended_s if earlier is not None else None
        result = _PERFORMERS[step.kind](context, step, replace(record, ended_s=ended_s))
    except Stopped:
        context.emit("step-stopped", "stopped while waiting", server=step.server, step=step.id)
        return Verdict.STOPPED
    except (StoreUnavailable, Locked):
        raise
    except Skipped as skipped:
        return _skip(context, step, str(skipped))
    except (OrchestratorError, KempError) as error:
        return _fail(context, step, error)
    _end(context, step, result.status, evidence=result.evidence, after=result.after)
    context.note_progress()
    context.emit(
        "step-ended",
        "; ".join(result.evidence) or result.status.value,
        server=step.server,
        step=step.id,
        status=result.status.value,
    )
    return Verdict.GO_ON


def _paused_before(context: Context, step: Step, earlier: StepRecord | None) -> bool:
    """Return whether the run is to pause before this server or gate, which is not begun."""
    if step is not context.lanes[step.server][0]:
        return False
    # Whoever takes it over from a worker that died walks its way again from here.
    status = earlier.status if earlier is not None else StepStatus.AGAIN
    begun = status.complete or status is StepStatus.RUNNING
    return not begun and context.wishes.open(RequestKind.PAUSE) is not None


def _end(
    context: Context,
    step: Step,
    status: StepStatus,
    *,
    evidence: tuple[str, ...] = (),
    after: Mapping[str, object] | None = None,
    reason: str = "",
    gate: str | None = None,
) -> None:
    context.store.end_step(
        context.run_id,
        step.id,
        status,
        worker=context.worker,
        now_s=context.adapters.clock.time_s(),
        evidence=evidence,
        after=after,
        reason=reason,
        gate=gate,
    )


# -- failed ---------------------------------------------------------------------------


def _fail(context: Context, step: Step, error: OrchestratorError | KempError) -> Verdict:
    gate = error.gate if isinstance(error, GateRefused) else None
    evidence = error.evidence if isinstance(error, GateRefused) else (type(error).__name__,)
    _end(context, step, StepStatus.FAILED, evidence=evidence, reason=str(error), gate=gate)
    context.emit(
        "step-failed",
        str(error),
        server=step.server,
        step=step.id,
        gate=gate,
        error=type(error).__name__,
    )
    return _after_failure(context, step, gate)


def _after_failure(context: Context, step: Step, gate: str | None) -> Verdict:
    """Return whether the run goes on without a server that failed.

    Before that it is put back, where the file says so.
    """
    if step.id not in context.steps:
        return Verdict.FAILED  # on the way back itself
    if context.rollout.on_failure == "revert-server" and gate not in _EYES_CLOSED:
        try:
            _put_back_all(context, step)
        except Stopped:
            return Verdict.STOPPED
    if step.server not in context.servers or gate in _OF_THE_RUN:
        return Verdict.FAILED
    failed = servers_with(context, StepStatus.FAILED)
    allowed = context.rollout.max_failures
    if len(failed) > allowed:
        return Verdict.FAILED
    context.emit(
        "failure-allowed",
        f"{len(failed)} of {allowed} servers that may fail: {', '.join(failed)}; it stays out",
        server=step.server,
        step=step.id,
    )
    return Verdict.SKIP_SERVER


def _put_back_all(context: Context, step: Step) -> None:
    """Put back the server that failed, or those of the batch that did not bake."""
    gates_ = [gate.name for gate in context.plan.gates]
    names = (
        (step.server, *_left_before(context, step.server))
        if step.server in context.servers
        else context.plan.batches[gates_.index(step.server) - 1]
        if step.kind is StepKind.BAKE
        else ()
    )
    for name in names:
        fate = reverting.revert(context, name, _carried_out)
        context.emit("server-reverted", fate, server=name, step=step.id)


def _left_before(context: Context, name: str) -> tuple[str, ...]:
    """Return the earlier way of a server that moved: it is taken back too."""
    waits = context.servers[name].of_kind(StepKind.PARTNER)
    return tuple(one.params["lane"] for one in waits if one.params["must"] == "out")


def _carried_out(context: Context, step: Step) -> bool:
    verdict = _perform(context, step)
    if verdict is Verdict.STOPPED:
        raise Stopped("a pause was asked for")
    return verdict is Verdict.GO_ON


def servers_with(context: Context, status: StepStatus) -> tuple[str, ...]:
    """Return the servers of which a step has ended like this and was not tried again."""
    found = {
        step_id
        for step_id, record in context.store.marks(context.run_id).items()
        if record.status is status
    }
    return tuple(
        name
        for name, server in context.servers.items()
        if any(step.id in found for step in server.steps)
    )


# -- skipped --------------------------------------------------------------------------


def _skip(context: Context, step: Step, why: str) -> Verdict:
    """Leave a server out of the rollout: as it was found, if all it lost is its traffic."""
    _end(context, step, StepStatus.SKIPPED, reason=why)
    context.emit("server-skipped", why, server=step.server, step=step.id)
    fate = "it is left as it is"
    if _only_taken_out(context, step.server):
        fate = "it is as it was found"
        for disable in context.servers[step.server].of_kind(StepKind.DISABLE):
            if _was_begun(context, disable):
                verdict = _perform(context, put_back(disable))
                if verdict is not Verdict.GO_ON:
                    return verdict
    if wish := context.wishes.open(RequestKind.SKIP, step.server):
        context.wishes.take(wish, fate)
    return Verdict.SKIP_SERVER


def _was_begun(context: Context, step: Step) -> bool:
    record = context.journal(step.id)
    return record is not None and record.intended


def _only_taken_out(context: Context, name: str) -> bool:
    """Return whether nothing was done to a server but taking it out."""
    server = context.servers.get(name)
    further = [one for one in server.steps if not _takes_out(one)] if server else []
    records = [context.journal(one.id) for one in further]
    return not any(
        record is not None and (record.intended or record.status.complete) for record in records
    )


def _takes_out(step: Step) -> bool:
    hook_at = step.params.get("at") if step.kind is StepKind.HOOK else None
    return step.kind in _ONLY_OUT or hook_at in ("before-drain", "after-drain")


def put_back(disable: Step) -> Step:
    """Return the step that takes a disable back, exactly."""
    return Step(
        id=disable.sibling_id(StepKind.PUT_BACK.value),
        server=disable.server,
        kind=StepKind.PUT_BACK,
        why="skipped: put back as it was found",
        pool=disable.pool,
        before=disable.after,
        after=disable.before,
        inverse={"kind": StepKind.DISABLE.value},
    )
