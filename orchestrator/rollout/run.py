"""Runs a plan, and goes on with a run that paused or was killed.

``run_rollout`` and ``resume`` are the worker themselves until they return; ``enqueue``
leaves the work to others.
"""

import secrets
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext, suppress

from orchestrator.errors import Locked, RunNotFound
from orchestrator.inventory import spec_from_data
from orchestrator.rollout import attempt
from orchestrator.rollout.adapters import Adapters
from orchestrator.rollout.facts import read_facts
from orchestrator.rollout.plan import Plan
from orchestrator.rollout.plan_locks import partitions, resources
from orchestrator.rollout.records import Event, RunState
from orchestrator.rollout.report import RunReport, report
from orchestrator.rollout.store import Store
from orchestrator.rollout.undo import undo_plan
from orchestrator.rollout.worker import Worker
from orchestrator.spec import Spec

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
    operator: str = "",
    place: str = "",
) -> RunReport:
    """Run a plan to its end, or to a pause.

    Changes the LoadMaster and the hosts. Looks at everything again first, and does nothing
    if what the plan rests on has moved.

    Args:
        on_event: called from several threads; must not raise.
        run_id: its name; one is made up unless given.
        stop: set it to pause; Ctrl-C does the same.
        operator: the person who begins it.
        place: where this process runs, for people.

    Raises:
        DriftDetected: reality is no longer what the plan was computed from.
        Locked: another run holds the service or a host.
        StoreUnavailable: the journal cannot be kept.
        SpecInvalid: somebody changed the plan by hand, and it makes no sense any more.
        HostUnreachable, KempError: something could not be read before the start.
    """
    run_id = run_id or new_run_id()
    with Worker(store, _given(adapters), adapters.clock, on_event=on_event, place=place) as worker:
        store.create_run(
            run_id,
            plan,
            worker=worker.name,
            resources=resources(plan),
            partitions=partitions(plan),
            now_s=adapters.clock.time_s(),
            operator=operator,
        )
        worker.work(store.run(run_id), stop=stop or threading.Event())
    _go_on_with_undo(run_id, adapters, store, on_event=on_event, stop=stop, place=place)
    return report(run_id, store)


def _go_on_with_undo(
    run_id: str,
    adapters: Adapters,
    store: Store,
    *,
    on_event: OnEvent,
    stop: threading.Event | None,
    place: str,
) -> None:
    """Work on the run that undoes a failed one, where the file asked for that."""
    with suppress(RunNotFound):
        if store.standing(attempt.undo_id(run_id))[0] is RunState.QUEUED:
            resume(
                attempt.undo_id(run_id),
                adapters,
                store,
                on_event=on_event,
                stop=stop,
                place=place,
            )


def plan_undo(run_id: str, adapters: Adapters, store: Store) -> Plan:
    """Return the plan that takes a run back, from its journal and from what is now.

    Raises:
        RunNotFound: no such run.
        Locked: somebody works on it: pause or abort it first.
        GateRefused: the floor cannot be kept on the way back.
        OrchestratorError: it changed nothing.
        HostUnreachable, KempError: something could not be read.
    """
    run = store.run(run_id)
    if run.state is RunState.QUEUED or (
        run.state is RunState.RUNNING and store.workers.is_alive(run.worker)
    ):
        raise Locked(f"run {run_id} is being worked on; pause or abort it first", owner=run_id)
    spec = spec_from_data(run.plan.spec)
    facts = read_facts(spec, adapters)
    return undo_plan(run_id, run.plan, spec, facts, store.steps(run_id))


def enqueue(
    plan: Plan, store: Store, *, now_s: float, operator: str = "", run_id: str | None = None
) -> str:
    """Leave a plan to the workers that serve the store, and return the name of its run.

    Its locks are taken now. Whoever begins it looks at everything again first.

    Raises:
        Locked: another run holds the service or a host.
        SpecInvalid: somebody changed the plan by hand, and it makes no sense any more.
    """
    run_id = run_id or new_run_id()
    store.create_run(
        run_id,
        plan,
        worker="",
        resources=resources(plan),
        partitions=partitions(plan),
        now_s=now_s,
        operator=operator,
    )
    return run_id


def resume(
    run_id: str,
    adapters: Adapters,
    store: Store,
    *,
    on_event: OnEvent,
    stop: threading.Event | None = None,
    place: str = "",
    operator: str = "",
) -> RunReport:
    """Go on with a run that paused, or whose process is gone.

    Completed steps are not repeated. For a server that failed, its host is verified again
    from the start, and the failed step is tried again.

    Raises:
        RunNotFound: no such run.
        RunPaused: the run has ended; there is nothing to go on with.
        Locked: its process still works on it.
    """
    with Worker(store, _given(adapters), adapters.clock, on_event=on_event, place=place) as worker:
        now_s = adapters.clock.time_s()
        before = store.take_over(run_id, worker=worker.name, now_s=now_s)
        if operator:
            _note_resumed(run_id, store, now_s=now_s, operator=operator)
        worker.work(before, stop=stop or threading.Event())
    _go_on_with_undo(run_id, adapters, store, on_event=on_event, stop=stop, place=place)
    return report(run_id, store)


def requeue(run_id: str, store: Store, *, now_s: float, operator: str = "") -> None:
    """Leave a run that paused, or whose process is gone, to the workers that serve the store.

    Raises:
        RunNotFound: no such run.
        RunPaused: the run has ended; there is nothing to go on with.
        Locked: somebody works on it.
    """
    store.queue(run_id, now_s=now_s)
    if operator:
        _note_resumed(run_id, store, now_s=now_s, operator=operator)


def _note_resumed(run_id: str, store: Store, *, now_s: float, operator: str) -> None:
    """Keep who went on with a run: whoever reads its report asks for that."""
    text = f"by {operator}"
    store.add_event(Event(run_id=run_id, at_s=now_s, kind="resumed", text=text, data={}))


def abandon(run_id: str, store: Store, *, now_s: float, reason: str) -> None:
    """End a run that nobody works on, as it stands, and give its locks back.

    Changes nothing on the LoadMaster or the hosts; the report says how each was left.

    Raises:
        RunNotFound: no such run.
        Locked: its process still works on it.
    """
    store.stand(run_id, RunState.ABANDONED, reason, now_s=now_s)


def _given(adapters: Adapters) -> Callable[[Spec], AbstractContextManager[Adapters]]:
    return lambda _: nullcontext(adapters)
