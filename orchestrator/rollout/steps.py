"""Carries out one step of a plan and keeps the journal.

Nothing here knows the engine: ``perform`` may be called again at any time with the same
step, by the same worker or by another one after it, and what is done stays done.
"""

from collections.abc import Callable, Mapping
from enum import Enum

from kempsdk.errors import KempError
from orchestrator.errors import GateRefused, Locked, OrchestratorError, StoreUnavailable
from orchestrator.rollout import drain, healthy, host_changes, observations, server_changes
from orchestrator.rollout.changes import Result
from orchestrator.rollout.context import Context, Stopped
from orchestrator.rollout.drain import Skipped
from orchestrator.rollout.plan import Step, StepKind
from orchestrator.rollout.records import StepRecord, StepStatus


class Verdict(str, Enum):
    """What the engine does after a step."""

    GO_ON = "go_on"
    SKIP_SERVER = "skip_server"
    FAILED = "failed"
    STOPPED = "stopped"


_PERFORMERS: Mapping[StepKind, Callable[[Context, Step, StepRecord], Result]] = {
    StepKind.DISABLE: server_changes.disable,
    StepKind.DRAIN: drain.drain,
    StepKind.ACTION: host_changes.action,
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
}


def perform(context: Context, step_id: str) -> Verdict:
    """Carry out a step unless the journal says that it is done.

    Raises:
        StoreUnavailable: the journal cannot be kept, so nothing more may be done.
        Locked: another worker has the run by now.
    """
    return _perform(context, context.steps[step_id])


def _perform(context: Context, step: Step) -> Verdict:
    if context.stop.is_set():
        return Verdict.STOPPED
    record = context.store.begin_step(
        context.run_id, step.id, worker=context.worker, now_s=context.adapters.clock.time_s()
    )
    if record.status.complete:
        return Verdict.GO_ON
    if record.status is StepStatus.SKIPPED:
        return _skip(context, step, record.reason)
    context.emit("step-started", step.why, server=step.server, step=step.id)
    try:
        result = _PERFORMERS[step.kind](context, step, record)
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
    context.emit(
        "step-ended",
        "; ".join(result.evidence) or result.status.value,
        server=step.server,
        step=step.id,
        status=result.status.value,
    )
    return Verdict.GO_ON


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
    return Verdict.FAILED


def _skip(context: Context, step: Step, why: str) -> Verdict:
    """Leave a server out of the rollout: as it was found, if this run took it out."""
    _end(context, step, StepStatus.SKIPPED, reason=why)
    context.emit("server-skipped", why, server=step.server, step=step.id)
    for disable in context.servers[step.server].of_kind(StepKind.DISABLE):
        verdict = _perform(context, put_back(disable))
        if verdict is not Verdict.GO_ON:
            return verdict
    return Verdict.SKIP_SERVER


def put_back(disable: Step) -> Step:
    """Return the step that takes a disable back, exactly."""
    return Step(
        id=disable.id.replace(f"/{StepKind.DISABLE.value}", f"/{StepKind.PUT_BACK.value}"),
        server=disable.server,
        kind=StepKind.PUT_BACK,
        why="skipped: put back as it was found",
        pool=disable.pool,
        before=disable.after,
        after=disable.before,
        inverse={"kind": StepKind.DISABLE.value},
    )
