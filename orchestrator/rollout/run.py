"""Runs a plan, and goes on with a run that paused or was killed.

Who calls this is the worker: it holds the run until the function returns.
"""

import contextlib
import secrets
import threading
from collections.abc import Callable

from orchestrator.errors import (
    DriftDetected,
    Locked,
    RunPaused,
    SpecInvalid,
    StoreUnavailable,
)
from orchestrator.inventory import spec_from_data
from orchestrator.rollout import engine
from orchestrator.rollout.adapters import Adapters
from orchestrator.rollout.context import Context
from orchestrator.rollout.facts import moved, read_facts, snapshot
from orchestrator.rollout.floors import service_floors
from orchestrator.rollout.plan import Plan, StepKind
from orchestrator.rollout.records import Event, Run, RunState, StepStatus
from orchestrator.rollout.report import RunReport, report
from orchestrator.rollout.steps import Verdict, perform
from orchestrator.rollout.store import Store
from orchestrator.spec import Spec

_REDONE = (
    StepKind.PREPARE_HOST,
    StepKind.VERIFY_HOST,
    StepKind.ARP_PROOF,
    StepKind.SERVICE_BOUND,
    StepKind.ENABLE,
    StepKind.HEALTHY,
)
"""Done again for a server that failed: a pause may have been long, and hosts change."""

OnEvent = Callable[[Event], None]


def new_run_id() -> str:
    """Return a name for a run: short, for people to type, and unlikely to be met again."""
    return secrets.token_hex(4)


def run_rollout(
    plan: Plan,
    adapters: Adapters,
    store: Store,
    *,
    on_event: OnEvent,
    run_id: str | None = None,
    stop: threading.Event | None = None,
) -> RunReport:
    """Run a plan to its end, or to a pause.

    Changes the LoadMaster and the hosts. Looks at everything again first, and does nothing
    if what the plan rests on has moved.

    Args:
        on_event: called from several threads; must not raise.
        run_id: its name; one is made up unless given.
        stop: set it to pause; Ctrl-C does the same.

    Raises:
        DriftDetected: reality is no longer what the plan was computed from.
        Locked: another run holds the service or a host.
        StoreUnavailable: the journal cannot be kept.
        SpecInvalid: somebody changed the plan by hand, and it makes no sense any more.
        HostUnreachable, KempError: something could not be read before the start.
    """
    held = resources(plan)
    run_id = run_id or new_run_id()
    worker = f"{run_id}-{secrets.token_hex(4)}"
    now_s = adapters.clock.time_s()
    with store.workers.hold(worker):
        store.create_run(run_id, plan, worker=worker, resources=held, now_s=now_s)
        try:
            _refuse_drift(plan, adapters)
            run = store.run(run_id)
        except BaseException as error:
            reason = f"not begun: {error}"
            store.end_run(
                run_id,
                RunState.ABANDONED,
                reason,
                worker=worker,
                now_s=adapters.clock.time_s(),
            )
            raise
        return _work(run, adapters, store, worker, on_event, stop, dead_worker=None)


def resume(
    run_id: str,
    adapters: Adapters,
    store: Store,
    *,
    on_event: OnEvent,
    stop: threading.Event | None = None,
) -> RunReport:
    """Go on with a run that paused, or whose process is gone.

    Completed steps are not repeated. For a server that failed, its host is verified again
    from the start, and the failed step is tried again.

    Raises:
        RunNotFound: no such run.
        RunPaused: the run has ended; there is nothing to go on with.
        Locked: its process still works on it.
    """
    worker = f"{run_id}-{secrets.token_hex(4)}"
    with store.workers.hold(worker):
        run = store.run(run_id)
        if run.state in (RunState.FINISHED, RunState.ABANDONED):
            raise RunPaused(f"run {run_id} is {run.state.value}; make a new plan")
        run = store.take_over(
            run_id,
            worker=worker,
            resources=resources(run.plan),
            now_s=adapters.clock.time_s(),
        )
        interrupted = run.state is RunState.RUNNING
        return _work(
            run,
            adapters,
            store,
            worker,
            on_event,
            stop,
            dead_worker=run.worker if interrupted else None,
        )


def abandon(run_id: str, store: Store, *, now_s: float, reason: str) -> None:
    """End a run that nobody works on, as it stands, and give its locks back.

    Changes nothing on the LoadMaster or the hosts; the report says how each was left.

    Raises:
        RunNotFound: no such run.
        Locked: its process still works on it.
    """
    worker = f"{run_id}-{secrets.token_hex(4)}"
    with store.workers.hold(worker):
        store.take_over(run_id, worker=worker, resources=(), now_s=now_s)
        store.end_run(run_id, RunState.ABANDONED, reason, worker=worker, now_s=now_s)


def resources(plan: Plan) -> tuple[str, ...]:
    """Return what a run of the plan holds: its services and its hosts.

    Raises:
        SpecInvalid: the plan names what its specification does not have.
    """
    spec = spec_from_data(plan.spec)
    try:
        return tuple(
            dict.fromkeys(
                [
                    *(service_lock(spec, one.loadmaster, one.service) for one in plan.floors),
                    *(f"host {spec.hosts[one.host].address}" for one in plan.servers),
                ]
            )
        )
    except KeyError as error:
        raise SpecInvalid(f"there is no {error.args[0]} in it", path="plan") from None


def service_lock(spec: Spec, loadmaster: str, service: str) -> str:
    """Return what a run holds for a service."""
    return f"service {service} of {spec.loadmasters[loadmaster].url}"


def _refuse_drift(plan: Plan, adapters: Adapters) -> None:
    spec = spec_from_data(plan.spec)
    different = moved(plan.facts, snapshot(spec, read_facts(spec, adapters)))
    if different:
        raise DriftDetected(
            f"{len(different)} facts that the plan rests on have changed: {different[0]}",
            moved=different,
        )


def _work(
    run: Run,
    adapters: Adapters,
    store: Store,
    worker: str,
    on_event: OnEvent,
    stop: threading.Event | None,
    *,
    dead_worker: str | None,
) -> RunReport:
    plan, run_id, attempt = run.plan, run.run_id, run.attempt
    with engine.launched(store, worker) as launched:
        again = run.state is RunState.PAUSED
        if dead_worker is not None and not launched.has_unfinished(f"{run_id}.{attempt}"):
            # Killed before the engine heard of it, or after it had done with it.
            dead_worker = None
            again = True
        if again:
            attempt = store.next_attempt(run_id, _to_repeat(plan, store, run_id))
        spec = spec_from_data(plan.spec)
        context = Context(
            run_id=run_id,
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
            stop=stop or threading.Event(),
        )
        context.emit("run-started", plan.title, attempt=attempt)
        try:
            verdict = launched.run(
                run_id,
                f"{run_id}.{attempt}",
                [
                    [(name, [step.id for step in context.servers[name].steps]) for name in batch]
                    for batch in plan.batches
                ],
                lambda step_id: perform(context, step_id),
                context.stop,
                dead_worker=dead_worker,
            )
        except Exception as error:
            # A store that is gone, or a run taken over: then it stays as it is stored.
            with contextlib.suppress(StoreUnavailable, Locked):
                _pause(context, f"{type(error).__name__}: {error}")
            raise
    return _conclude(context, verdict)


def _to_repeat(plan: Plan, store: Store, run_id: str) -> list[str]:
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


def _pause(context: Context, reason: str) -> None:
    _end(context, RunState.PAUSED, reason)
    context.emit("run-paused", reason)


def _end(context: Context, state: RunState, reason: str) -> None:
    now_s = context.adapters.clock.time_s()
    context.store.end_run(context.run_id, state, reason, worker=context.worker, now_s=now_s)


def _conclude(context: Context, verdict: Verdict) -> RunReport:
    if verdict is Verdict.STOPPED:
        _pause(context, "paused as asked for; resume goes on with the next step")
    elif verdict is Verdict.FAILED:
        hosts = report(context.run_id, context.store).hosts.values()
        failed = [f"{one.name} failed: {one.reason}" for one in hosts if one.outcome == "failed"]
        _pause(context, f"{'; '.join(failed)}; servers not begun are left alone")
    else:
        _end(context, RunState.FINISHED, "every server is done")
        context.emit("run-finished", "every server is done")
    return report(context.run_id, context.store)
