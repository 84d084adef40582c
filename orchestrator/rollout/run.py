"""Runs a plan, and goes on with a run that paused or was killed.

``run_rollout`` and ``resume`` are the worker themselves until they return; ``enqueue``
leaves the work to others.
"""

import secrets
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from urllib.parse import urlsplit

from orchestrator.errors import SpecInvalid
from orchestrator.inventory import spec_from_data
from orchestrator.rollout.adapters import Adapters
from orchestrator.rollout.plan import Plan
from orchestrator.rollout.records import Event, RunState
from orchestrator.rollout.report import RunReport, report
from orchestrator.rollout.store import Store
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
            now_s=adapters.clock.time_s(),
            operator=operator,
        )
        worker.work(store.run(run_id), stop=stop or threading.Event())
    return report(run_id, store)


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
        run_id, plan, worker="", resources=resources(plan), now_s=now_s, operator=operator
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
        before = store.take_over(run_id, worker=worker.name, now_s=adapters.clock.time_s())
        worker.work(before, stop=stop or threading.Event())
    return report(run_id, store)


def abandon(run_id: str, store: Store, *, now_s: float, reason: str) -> None:
    """End a run that nobody works on, as it stands, and give its locks back.

    Changes nothing on the LoadMaster or the hosts; the report says how each was left.

    Raises:
        RunNotFound: no such run.
        Locked: its process still works on it.
    """
    store.stand(run_id, RunState.ABANDONED, reason, now_s=now_s)


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
    return f"service {service} of {_box(spec.loadmasters[loadmaster].url)}"


def _box(url: str) -> str:
    """Return the one spelling of a LoadMaster's address; another name of it stays another one."""
    parts = urlsplit(url)
    port = "" if parts.port in (None, 443) else f":{parts.port}"
    return f"https://{(parts.hostname or url).rstrip('.')}{port}"


def _given(adapters: Adapters) -> Callable[[Spec], AbstractContextManager[Adapters]]:
    return lambda _: nullcontext(adapters)
