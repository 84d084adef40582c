"""One attempt of a run: what it needs, how its stages are judged, how it ends.

A run that paused goes on in a new attempt, which repeats what must be looked at again.
"""

import threading
from collections.abc import Callable, Mapping

from orchestrator.errors import DriftDetected
from orchestrator.inventory import spec_from_data
from orchestrator.rollout.adapters import Adapters
from orchestrator.rollout.context import Context
from orchestrator.rollout.engine import Outcome
from orchestrator.rollout.facts import moved, read_facts, snapshot
from orchestrator.rollout.floors import service_floors
from orchestrator.rollout.plan import Plan, StepKind
from orchestrator.rollout.records import Event, RequestKind, Run, RunState, StepStatus
from orchestrator.rollout.report import report
from orchestrator.rollout.steps import Verdict
from orchestrator.rollout.store import Store

_REDONE = (
    StepKind.PREPARE_HOST,
    StepKind.VERIFY_HOST,
    StepKind.ARP_PROOF,
    StepKind.SERVICE_BOUND,
    StepKind.ENABLE,
    StepKind.HEALTHY,
)
"""Done again for a server that failed: a pause may have been long, and hosts change."""


def make_context(
    run: Run,
    attempt: int,
    adapters: Adapters,
    store: Store,
    *,
    worker: str,
    on_event: Callable[[Event], None],
    stop: threading.Event,
) -> Context:
    """Return what the steps of an attempt have at hand in this worker."""
    plan = run.plan
    spec = spec_from_data(plan.spec)
    return Context(
        run_id=run.run_id,
        attempt=attempt,
        worker=worker,
        plan=plan,
        steps={step.id: step for step in plan.steps},
        servers={one.name: one for one in plan.servers},
        floors=service_floors(spec),
        spec=spec,
        adapters=adapters,
        store=store,
        on_event=on_event,
        stop=stop,
    )


def refuse_drift(plan: Plan, adapters: Adapters) -> None:
    """Look at everything that the plan rests on.

    Raises:
        DriftDetected: some of it has changed.
    """
    spec = spec_from_data(plan.spec)
    different = moved(plan.facts, snapshot(spec, read_facts(spec, adapters)))
    if different:
        raise DriftDetected(
            f"{len(different)} facts that the plan rests on have changed: {different[0]}",
            moved=different,
        )


def to_repeat(plan: Plan, store: Store, run_id: str) -> list[str]:
    """Return the steps that a new attempt does again: of servers that are not finished."""
    journal = store.steps(run_id)
    steps: list[str] = []
    for server in plan.servers:
        records = [journal[step.id] for step in server.steps if step.id in journal]
        if not records or (
            len(records) == len(server.steps) and all(record.status.complete for record in records)
        ):
            continue
        if any(record.status is StepStatus.SKIPPED for record in records):
            continue
        redone = {step.id for step in server.steps if step.kind in _REDONE}
        steps += [
            record.step_id
            for record in records
            if record.step_id in redone or not record.status.complete
        ]
    return steps


def judge(_context: Context, results: Mapping[str, Outcome]) -> Verdict:
    """Say whether a run goes on after the servers of a batch have come to rest."""
    verdicts = {one.verdict for one in results.values()}
    for verdict in (Verdict.FAILED, Verdict.STOPPED):
        if verdict in verdicts:
            return verdict
    return Verdict.GO_ON


def conclude(context: Context, verdict: Verdict, reason: str) -> None:
    """Note how the run stands after this attempt, and answer what was asked of it."""
    if verdict is Verdict.STOPPED:
        pause(context, reason or "paused as asked for; resume goes on with the next step")
    elif verdict is Verdict.FAILED:
        hosts = report(context.run_id, context.store).hosts.values()
        failed = [f"{one.name} failed: {one.reason}" for one in hosts if one.outcome == "failed"]
        pause(context, f"{'; '.join(failed)}; servers not begun are left alone")
    else:
        _end(context, RunState.FINISHED, "every server is done")
        context.emit("run-finished", "every server is done")


def pause(context: Context, reason: str) -> None:
    """Note that the run has paused, and why."""
    _end(context, RunState.PAUSED, reason)
    context.emit("run-paused", reason)


def _end(context: Context, state: RunState, reason: str) -> None:
    now_s = context.adapters.clock.time_s()
    context.store.end_run(context.run_id, state, reason, worker=context.worker, now_s=now_s)
    for request in context.store.requests.open(context.run_id):
        if request.kind is RequestKind.PAUSE and state is RunState.PAUSED:
            context.store.requests.take(request, now_s=now_s, answer=reason)
        elif request.kind is RequestKind.PAUSE:
            context.store.requests.refuse(request, f"the run has {state.value}", now_s=now_s)
