"""One attempt of a run: what it needs, how its stages are judged, how it ends.

A run that paused goes on in a new attempt, which repeats what must be looked at again.
"""

import threading
from collections.abc import Callable, Mapping

from kempsdk.errors import KempError
from orchestrator.errors import (
    DriftDetected,
    Locked,
    OrchestratorError,
    RunNotFound,
    StoreUnavailable,
)
from orchestrator.inventory import spec_from_data
from orchestrator.rollout.adapters import Adapters
from orchestrator.rollout.context import Context, Progress
from orchestrator.rollout.engine import Outcome
from orchestrator.rollout.facts import moved, read_facts, snapshot
from orchestrator.rollout.floors import service_floors
from orchestrator.rollout.plan import Plan, StepKind
from orchestrator.rollout.plan_locks import partitions, resources
from orchestrator.rollout.records import Event, RequestKind, RunState, StepStatus
from orchestrator.rollout.report import report
from orchestrator.rollout.standing import standing
from orchestrator.rollout.step_ids import by_lane
from orchestrator.rollout.steps import Verdict, servers_with
from orchestrator.rollout.store import Store
from orchestrator.rollout.undo import reverted_s, undo_plan
from orchestrator.rollout.wishes import Wishes

_REDONE = (
    StepKind.PARTNER,
    StepKind.PREPARE_HOST,
    StepKind.VERIFY_HOST,
    StepKind.ARP_PROOF,
    StepKind.SERVICE_BOUND,
    StepKind.ENABLE,
    StepKind.RAISE_WEIGHT,
    StepKind.HEALTHY,
)
"""Done again for a server that failed: a pause may have been long, and hosts change."""


def make_context(
    run_id: str,
    attempt: int,
    plan: Plan,
    adapters: Adapters,
    store: Store,
    *,
    worker: str,
    on_event: Callable[[Event], None],
    stop: threading.Event,
) -> Context:
    """Return what the steps of an attempt have at hand in this worker."""
    spec = spec_from_data(plan.spec)
    hosts = {one.name: spec.hosts[one.host] for one in plan.servers}
    return Context(
        run_id=run_id,
        attempt=attempt,
        worker=worker,
        plan=plan,
        steps={step.id: step for step in plan.steps},
        servers={one.name: one for one in plan.servers},
        lanes=plan.lanes,
        floors=service_floors(spec),
        spec=spec,
        addresses=tuple(one.address for one in hosts.values()),
        planned_macs={
            plan.facts.get(f"host {name} {one.interface}", "").lower(): name
            for name, one in hosts.items()
        },
        adapters=adapters,
        store=store,
        on_event=on_event,
        stop=stop,
        wishes=Wishes(run_id, store, adapters.clock),
        progress=Progress(adapters.clock.monotonic_s()),
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
    """Return the steps that a new attempt does again: of servers and gates not finished.

    Where a person asked to try servers again by name, other servers that failed stay as
    they are.
    """
    lanes = by_lane(store.steps(run_id))
    named = {one.target for one in store.requests.open(run_id) if one.kind is RequestKind.RETRY} - {
        ""
    }
    steps: list[str] = []
    for name, lane in plan.lanes.items():
        journal = lanes.get(name, {})
        records = [journal[step.id] for step in lane if step.id in journal]
        statuses = {record.status for record in records}
        if len(records) == len(lane) and all(record.status.complete for record in records):
            continue
        if StepStatus.SKIPPED in statuses:
            continue
        if StepStatus.FAILED in statuses and named and name not in named:
            continue
        redone = {step.id for step in lane if step.kind in _REDONE}
        back_s = reverted_s(name, journal)
        steps += [
            record.step_id
            for record in records
            if record.step_id in redone
            or not record.status.complete
            # It was put back as it was found after this: all begins anew.
            or (back_s is not None and record.ended_s is not None and record.ended_s <= back_s)
        ]
    return steps


def walk(
    context: Context,
    server: str,
    *,
    perform: Callable[[str], Verdict],
    failed: Callable[[Exception], None],
) -> Outcome:
    """Carry out the steps of a server or a gate, one after another, until one ends it.

    Args:
        perform: carries out a step.
        failed: told of what no step may raise; the run pauses and says why.

    Raises:
        StoreUnavailable, Locked: this worker must not go on.
    """
    for step in context.lanes[server]:
        try:
            verdict = perform(step.id)
        except (StoreUnavailable, Locked):
            raise
        except Exception as error:  # noqa: BLE001 - the run pauses and says why
            failed(error)
            context.stop.set()
            return Outcome(Verdict.STOPPED, f"{type(error).__name__}: {error}")
        if verdict is not Verdict.GO_ON:
            return Outcome(verdict)
    return Outcome(Verdict.GO_ON)


def judge(_context: Context, results: Mapping[str, Outcome]) -> Verdict:
    """Say whether a run goes on after the servers of a batch have come to rest."""
    verdicts = {one.verdict for one in results.values()}
    for verdict in (Verdict.FAILED, Verdict.STOPPED):
        if verdict in verdicts:
            return verdict
    return Verdict.GO_ON


def conclude(context: Context, verdict: Verdict, reason: str) -> None:
    """Note how the run stands after this attempt, and answer what was asked of it."""
    abort = context.wishes.open(RequestKind.ABORT)
    if verdict is not Verdict.GO_ON and abort is not None:
        why = f"aborted by {abort.asked_by}" + (f": {abort.note}" if abort.note else "")
        _end(context, RunState.ABANDONED, f"{why}; {_standings(context)}")
        context.emit("run-aborted", why)
    elif verdict is Verdict.STOPPED:
        asked = reason or "paused as asked for; resume goes on with the next step"
        pause(context, f"{asked}; {_standings(context)}")
    elif verdict is Verdict.FAILED:
        why = f"{_failures(context)}; servers not begun are left alone"
        if context.rollout.on_failure == "revert-all" and not context.plan.undoes:
            _begin_undo(context, why)
        else:
            pause(context, why)
    else:
        why = _end_words(context)
        _end(context, RunState.FINISHED, why)
        context.emit("run-finished", why)


def _end_words(context: Context) -> str:
    """Return whether every server is done, and which are not."""
    stays = "failed" if context.rollout.on_failure == "revert-server" else "failed, and stays out"
    but = [
        f"{', '.join(names)} ({word})"
        for status, word in ((StepStatus.FAILED, stays), (StepStatus.SKIPPED, "skipped"))
        if (names := servers_with(context, status))
    ]
    return "every server is done" + (f" but {'; '.join(but)}" if but else "")


def undo_id(run_id: str) -> str:
    """Return the name of the run that undoes one by itself."""
    return f"{run_id}-undo"


def _begin_undo(context: Context, why: str) -> None:
    """End the run and leave a run that undoes it to whoever is free, first of all this worker."""
    store, run_id = context.store, context.run_id
    try:
        facts = read_facts(context.spec, context.adapters)
        plan = undo_plan(run_id, context.plan, context.spec, facts, store.steps(run_id))
    except (OrchestratorError, KempError) as error:
        pause(context, f"{why}; it could not be undone: {error}")
        return
    _end(context, RunState.ABANDONED, why)
    context.emit("run-reverted", f"{why}; run {undo_id(run_id)} takes it back")
    if _is_there(store, undo_id(run_id)):
        return
    store.create_run(
        undo_id(run_id),
        plan,
        worker="",
        resources=resources(plan),
        partitions=partitions(plan),
        now_s=context.adapters.clock.time_s(),
        operator=store.line(run_id)[0].operator,
    )


def _is_there(store: Store, run_id: str) -> bool:
    try:
        store.standing(run_id)
    except RunNotFound:
        return False
    return True


def _failures(context: Context) -> str:
    found = report(context.run_id, context.store)
    servers = [
        f"{one.name} failed: {one.reason}"
        for one in found.hosts.values()
        if one.outcome == "failed"
    ]
    gates = [
        f"{gate.name} failed: {step.reason}"
        for gate in found.gates
        for step in gate.steps
        if step.status == StepStatus.FAILED.value
    ]
    return "; ".join([*servers, *gates])


def _standings(context: Context) -> str:
    """Return where each server stands that was begun, in words."""
    lanes = by_lane(context.store.marks(context.run_id))
    servers = [name for batch in context.plan.batches for name in batch]
    begun = [f"{one}: {standing(one, lanes[one])}" for one in servers if one in lanes]
    return "; ".join(begun) or "no server was begun"


def pause(context: Context, reason: str) -> None:
    """Note that the run has paused, and why."""
    _end(context, RunState.PAUSED, reason)
    context.emit("run-paused", reason)


def _end(context: Context, state: RunState, reason: str) -> None:
    now_s = context.adapters.clock.time_s()
    context.store.end_run(context.run_id, state, reason, worker=context.worker, now_s=now_s)
    _answer(context, state, reason)


_GRANTED = {
    RunState.PAUSED: (RequestKind.PAUSE,),
    RunState.ABANDONED: (RequestKind.PAUSE, RequestKind.ABORT),
}
"""What was asked for when a run has come to stand so. A paused run goes on some day: what
was asked of its servers and gates stays in the mailbox until then."""


def _answer(context: Context, state: RunState, reason: str) -> None:
    requests, now_s = context.store.requests, context.adapters.clock.time_s()
    for request in requests.open(context.run_id):
        if request.kind in _GRANTED.get(state, ()):
            requests.take(request, now_s=now_s, answer=reason)
        elif state is not RunState.PAUSED or request.kind is RequestKind.ABORT:
            requests.refuse(request, f"the run has {state.value}: {reason}", now_s=now_s)
