"""Runs a plan without the durable engine: step by step, in this thread or one for each server.

What steps do, the journal, the mailbox and how a run ends are the real ones. What is missing
is what the engine is for: nothing goes on after this process has died. Simulations that are
about something else take a tenth of the time.
"""

import secrets
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from orchestrator.rollout import attempt as attempts
from orchestrator.rollout.adapters import Adapters
from orchestrator.rollout.context import Context
from orchestrator.rollout.engine import Outcome
from orchestrator.rollout.plan import Plan
from orchestrator.rollout.plan_locks import resources
from orchestrator.rollout.records import Event, Run, RunState
from orchestrator.rollout.report import RunReport, report
from orchestrator.rollout.run import new_run_id
from orchestrator.rollout.steps import Verdict, perform
from orchestrator.rollout.store import Store

OnEvent = Callable[[Event], None]


def run_lightly(
    plan: Plan,
    adapters: Adapters,
    store: Store,
    *,
    on_event: OnEvent,
    run_id: str | None = None,
    stop: threading.Event | None = None,
    threads: bool = True,
) -> RunReport:
    """Do what ``run_rollout`` does."""
    run_id, worker = run_id or new_run_id(), secrets.token_hex(6)
    clock = adapters.clock
    with store.workers.hold(worker, now_s=clock.time_s()):
        store.create_run(
            run_id, plan, worker=worker, resources=resources(plan), now_s=clock.time_s()
        )
        try:
            attempts.refuse_drift(plan, adapters)
        except BaseException as error:
            reason = f"not begun: {error}"
            store.end_run(run_id, RunState.ABANDONED, reason, worker=worker, now_s=clock.time_s())
            raise
        _work(store.run(run_id), adapters, store, worker, on_event, stop, threads=threads)
    _undo(run_id, adapters, store, on_event, threads=threads)
    return report(run_id, store)


def _undo(
    run_id: str, adapters: Adapters, store: Store, on_event: OnEvent, *, threads: bool
) -> None:
    undo_id = attempts.undo_id(run_id)
    if any(one.run_id == undo_id and one.state is RunState.QUEUED for one in store.runs()):
        resume_lightly(undo_id, adapters, store, on_event=on_event, threads=threads)


def resume_lightly(
    run_id: str,
    adapters: Adapters,
    store: Store,
    *,
    on_event: OnEvent,
    stop: threading.Event | None = None,
    threads: bool = True,
) -> RunReport:
    """Do what ``resume`` does."""
    worker = secrets.token_hex(6)
    with store.workers.hold(worker, now_s=adapters.clock.time_s()):
        before = store.take_over(run_id, worker=worker, now_s=adapters.clock.time_s())
        _work(before, adapters, store, worker, on_event, stop, threads=threads)
    _undo(run_id, adapters, store, on_event, threads=threads)
    return report(run_id, store)


def _work(
    run: Run,
    adapters: Adapters,
    store: Store,
    worker: str,
    on_event: OnEvent,
    stop: threading.Event | None,
    *,
    threads: bool,
) -> None:
    number = store.next_attempt(run.run_id, attempts.to_repeat(run.plan, store, run.run_id))
    context = attempts.make_context(
        run.run_id,
        number,
        run.plan,
        adapters,
        store,
        worker=worker,
        on_event=on_event,
        stop=stop or threading.Event(),
    )
    context.emit("run-started", context.plan.title, attempt=number)
    verdict, reason, failure = _stages(context, threads=threads)
    attempts.conclude(context, verdict, reason)
    if failure is not None:
        raise failure


def _stages(context: Context, *, threads: bool) -> tuple[Verdict, str, Exception | None]:
    for stage in context.plan.stages:
        lanes = _Lanes(context)
        results = lanes.all(stage, threads=threads)
        verdict = attempts.judge(context, results)
        if verdict is not Verdict.GO_ON:
            reason = next((one.reason for one in results.values() if one.reason), "")
            return verdict, reason, lanes.failure
    return Verdict.GO_ON, "", None


class _Lanes:
    """Works on servers or a gate together."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self.failure: Exception | None = None

    def all(self, names: Sequence[str], *, threads: bool) -> dict[str, Outcome]:
        if not threads or len(names) == 1:
            return {name: self._one(name) for name in names}
        with ThreadPoolExecutor(len(names)) as pool:
            return dict(zip(names, pool.map(self._one, names), strict=True))

    def _one(self, name: str) -> Outcome:
        return attempts.walk(
            self._context, name, perform=partial(perform, self._context), failed=self._failed
        )

    def _failed(self, error: Exception) -> None:
        self.failure = error
