"""A process that works on runs: on one of its own, or on whatever is queued in the store.

It holds a name in the store, carries out steps when the engine asks for them, and, if it
serves, takes what is queued and what dead workers left.
"""

import logging
import secrets
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, suppress
from dataclasses import dataclass
from functools import partial

from kempsdk.clock import Clock
from orchestrator.errors import Locked, OrchestratorError, StoreUnavailable
from orchestrator.inventory import spec_from_data
from orchestrator.rollout import attempt as attempts
from orchestrator.rollout import engine, placement
from orchestrator.rollout.adapters import Adapters
from orchestrator.rollout.context import Context
from orchestrator.rollout.engine import Engine, Outcome
from orchestrator.rollout.placement import Group
from orchestrator.rollout.reaper import Reaper
from orchestrator.rollout.records import Event, Run, RunState
from orchestrator.rollout.steps import Verdict, perform
from orchestrator.rollout.store import Store
from orchestrator.rollout.store.workers import BEAT_S, Held
from orchestrator.spec import Spec

_log = logging.getLogger(__name__)

_TICK_S = 0.1

AdaptersFor = Callable[[Spec], AbstractContextManager[Adapters]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How often a worker looks at what. Seconds of real time.

    Attributes:
        look_s: for queued runs.
        beat_s: says that it lives.
        reap_s: for workers that are gone.
        grace_s: a name must have been free this long; None leaves it to the database.
        frozen_s: a process that lives and has not beaten this long is taken for dead.
    """

    look_s: float = 1.0
    beat_s: float = BEAT_S
    reap_s: float = 5.0
    grace_s: float | None = None
    frozen_s: float = 60.0


@dataclass(slots=True, kw_only=True)
class _Opened:
    """An attempt of a run that this process works on."""

    context: Context
    stages: Sequence[Sequence[Group]]
    groups: Sequence[str]
    resources: ExitStack
    busy: int = 0
    failure: Exception | None = None


class _Every:
    """Says when something is to be done again; the first time is one period from now."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._last_s = time.monotonic()

    def due(self) -> bool:
        now_s = time.monotonic()
        if now_s - self._last_s < self._seconds:
            return False
        self._last_s = now_s
        return True


class Worker:
    """One worker, and the host of the engine in this process. To be entered once."""

    def __init__(
        self,
        store: Store,
        adapters: AdaptersFor,
        clock: Clock,
        *,
        on_event: Callable[[Event], None],
        place: str = "",
        serves: bool = False,
        pace: Pace | None = None,
    ) -> None:
        """Note what the worker works with.

        Args:
            adapters: builds what the runs of a specification touch; closed after the run.
            on_event: called from several threads; must not raise.
            place: where it runs, for people.
            serves: take whatever is queued, and what dead workers left.
        """
        self._name = secrets.token_hex(6)
        self._store = store
        self._adapters = adapters
        self._clock = clock
        self._on_event = on_event
        self._place = place
        self._serves = serves
        self._pace = pace or Pace()
        self._opened: dict[tuple[str, int], _Opened] = {}
        self._guard = threading.RLock()
        self._rest = threading.Condition(self._guard)
        self._leaving = False
        self._failure: OrchestratorError | None = None
        self._held: Held | None = None
        self._stack = ExitStack()
        self._ended = threading.Event()
        self._begun: set[tuple[str, int]] = set()

    def __enter__(self) -> "Worker":
        with ExitStack() as stack:
            self._held = stack.enter_context(
                self._store.workers.hold(
                    self._name,
                    place=self._place,
                    now_s=self._clock.time_s(),
                    beat_s=self._pace.beat_s,
                    on_beat=lambda: self._store.locks.renew_of(
                        self._name, now_s=self._clock.time_s()
                    ),
                )
            )
            stack.callback(self._close)
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    # -- one run of this process ----------------------------------------------------------

    def work(self, before: Run, *, stop: threading.Event) -> None:
        """Work on a run that this worker owns until it ends or pauses.

        Ctrl-C sets ``stop`` and waits for the steps in hand; a second one does not wait.

        Args:
            before: the run as it was before this worker took it.
            stop: set it to pause the run.

        Raises:
            DriftDetected: it was not begun, and reality is not what the plan rests on.
            Exception: what a step raised, after every server has come to rest.
            StoreUnavailable: the journal cannot be kept any more.
            Locked: this process was taken for dead.
        """
        self._refuse_drift(before)
        with engine.launched(self._store, self) as launched:
            number = self._begin(launched, before, stop)
            self._until_ended(launched, {before.run_id: number}, stop)
            launched.finish(before.run_id, number)
        failure = self._opened[before.run_id, number].failure
        if failure is not None:
            raise failure

    def _until_ended(
        self, launched: Engine, runs: Mapping[str, int], stop: threading.Event
    ) -> None:
        reap = _Every(self._pace.reap_s)
        while True:
            try:
                ended = self._ended.wait(_TICK_S)
                self._check()
                if ended:
                    return
                if reap.due():
                    # Servers that others were given, who died meanwhile.
                    launched.adopt(runs, self._is_dead)
            except KeyboardInterrupt:
                if stop.is_set():
                    raise
                stop.set()

    # -- whatever is queued -----------------------------------------------------------------

    def serve(self, stop: threading.Event) -> None:
        """Work on whatever is queued, and on what dead workers left, until told to stop.

        Then the steps in hand end, and the rest is left to other workers.

        Raises:
            StoreUnavailable: the store cannot be used any more.
            Locked: this process was taken for dead.
        """
        grace_s = self._pace.grace_s
        reaper = Reaper(
            self._store,
            self._name,
            grace_s=self._store.database.grace_s if grace_s is None else grace_s,
            frozen_s=self._pace.frozen_s,
        )
        with engine.launched(self._store, self) as launched:
            launched.listen()
            self._store.workers.serve(self._name)
            look, reap = _Every(self._pace.look_s), _Every(self._pace.reap_s)
            while not stop.wait(_TICK_S):
                self._check()
                if reap.due():
                    reaper.look(launched, now_s=self._clock.time_s())
                    self._begin_left(launched)
                if look.due():
                    self._take_queued(launched)
                    self._close_ended()
            self._come_to_rest()

    def _take_queued(self, launched: Engine) -> None:
        for run_id in self._store.queued():
            now_s = self._clock.time_s()
            try:
                before = self._store.take_over(run_id, worker=self._name, now_s=now_s, in_turn=True)
            except Locked as error:
                if error.owner == self._name:
                    raise
                if error.owner != run_id:  # not another worker that was faster
                    self._store.stand(run_id, RunState.PAUSED, str(error), now_s=now_s)
            else:
                self._begin_apart(launched, before)

    def _begin_left(self, launched: Engine) -> None:
        """Begin the runs that were taken over where the engine has nothing of them."""
        for run_id, attempt, worker in self._store.running():
            ours = worker == self._name and (run_id, attempt) not in self._begun
            if ours and not launched.has_unfinished(run_id, attempt):
                self._begin_apart(launched, self._store.run(run_id))

    def _begin_apart(self, launched: Engine, before: Run) -> None:
        """Begin a run in a thread of its own: to look at everything again may take long."""

        def begin() -> None:
            try:
                self._refuse_drift(before)
                self._begin(launched, before, threading.Event())
            except (StoreUnavailable, Locked) as error:
                self.left(error)
            except Exception as error:  # noqa: BLE001 - the run says so; this worker goes on
                _log.error("run %s was not begun: %s", before.run_id, error)
                self._give_up(before.run_id, f"not begun: {error}")

        self._begun |= {(before.run_id, before.attempt), (before.run_id, before.attempt + 1)}
        threading.Thread(target=begin, name=f"begin-{before.run_id}").start()

    def _give_up(self, run_id: str, reason: str) -> None:
        with suppress(StoreUnavailable, Locked):
            if self._store.standing(run_id)[0] is RunState.RUNNING:
                self._store.end_run(
                    run_id,
                    RunState.PAUSED,
                    reason,
                    worker=self._name,
                    now_s=self._clock.time_s(),
                )

    # -- runs, begun and ended ----------------------------------------------------------------

    def _refuse_drift(self, before: Run) -> None:
        if before.attempt > 0:
            return
        plan = before.plan
        try:
            with self._adapters(spec_from_data(plan.spec)) as adapters:
                attempts.refuse_drift(plan, adapters)
        except BaseException as error:
            self._store.end_run(
                before.run_id,
                RunState.ABANDONED,
                f"not begun: {error}",
                worker=self._name,
                now_s=self._clock.time_s(),
            )
            raise

    def _begin(self, launched: Engine, before: Run, stop: threading.Event) -> int:
        """Begin a run, or go on with it, and return the number of the attempt."""
        run_id, number = before.run_id, before.attempt
        goes_on = before.state is not RunState.PAUSED and launched.has_unfinished(run_id, number)
        if not goes_on:
            # Not begun, paused, or killed where the engine had not heard of it yet, or
            # had done with it.
            again = attempts.to_repeat(before.plan, self._store, run_id)
            number = self._store.next_attempt(run_id, again)
        context = self._open(run_id, number, stop).context
        context.emit("run-started", context.plan.title, attempt=number)
        if goes_on:
            launched.adopt({run_id: number}, self._is_dead)
        else:
            launched.begin(run_id, number)
        return number

    def _is_dead(self, worker: str) -> bool:
        alive = self._store.workers.is_alive(worker, patient=True)
        if not alive:
            # Should it only seem so.
            self._store.workers.dismiss(worker)
        return not alive

    def _open(self, run_id: str, number: int, stop: threading.Event | None = None) -> _Opened:
        """Return an attempt with all that its steps need, made where it is asked for first."""
        with self._guard:
            if (run_id, number) not in self._opened:
                plan = self._store.run(run_id).plan
                with ExitStack() as stack:
                    adapters = stack.enter_context(self._adapters(spec_from_data(plan.spec)))
                    context = attempts.make_context(
                        run_id,
                        number,
                        plan,
                        adapters,
                        self._store,
                        worker=self._name,
                        on_event=self._on_event,
                        stop=stop or threading.Event(),
                    )
                    self._opened[run_id, number] = _Opened(
                        context=context,
                        stages=placement.stages(plan),
                        groups=placement.group_names(plan),
                        resources=stack.pop_all(),
                    )
            return self._opened[run_id, number]

    def _close_ended(self) -> None:
        for (run_id, number), opened in list(self._opened.items()):
            if self._store.standing(run_id) != (RunState.RUNNING, number):
                with self._guard:
                    if opened.busy == 0:
                        del self._opened[run_id, number]
                        opened.resources.close()

    def _close(self) -> None:
        while self._opened:
            _, opened = self._opened.popitem()
            opened.resources.close()

    def _check(self) -> None:
        """Raise what keeps this process from going on with its work, once all is at rest."""
        assert self._held is not None  # noqa: S101 - entered
        error = self._failure or self._held.failure
        if error is not None:
            self._come_to_rest()
            raise error

    def _come_to_rest(self) -> None:
        """Begin no step any more, and wait for those in hand."""
        self._leaving = True
        with self._rest:
            for opened in self._opened.values():
                opened.context.stop.set()
            self._rest.wait_for(lambda: not any(one.busy for one in self._opened.values()))

    # -- what the engine asks -------------------------------------------------------------------

    @property
    def name(self) -> str:
        return self._name

    def stages(self, run_id: str, attempt: int) -> Sequence[Sequence[Group]]:
        return self._open(run_id, attempt).stages

    def place(self, run_id: str, attempt: int, group: str) -> str:
        if not self._serves:
            return self._name
        serving = {self._name, *(one.name for one in self._store.workers.all() if one.serves)}
        return placement.place(self._open(run_id, attempt).groups, serving)[group]

    def walk(self, run_id: str, attempt: int, server: str) -> Outcome:
        opened = self._open(run_id, attempt)

        def failed(error: Exception) -> None:
            opened.failure = error

        return attempts.walk(
            opened.context, server, perform=partial(self._perform, opened), failed=failed
        )

    def _perform(self, opened: _Opened, step_id: str) -> Verdict:
        with self._guard:
            if self._leaving:
                raise Locked("this worker ends", owner=self._name)
            opened.busy += 1
        try:
            verdict = perform(opened.context, step_id)
        finally:
            with self._rest:
                opened.busy -= 1
                self._rest.notify_all()
        if verdict is Verdict.STOPPED and self._leaving:
            raise Locked("this worker ends", owner=self._name)
        return verdict

    def judge(self, run_id: str, attempt: int, results: Mapping[str, Outcome]) -> Verdict:
        return attempts.judge(self._open(run_id, attempt).context, results)

    def conclude(self, run_id: str, attempt: int, verdict: Verdict, reason: str) -> None:
        attempts.conclude(self._open(run_id, attempt).context, verdict, reason)

    def ended(self) -> None:
        self._ended.set()

    def left(self, error: OrchestratorError) -> None:
        if not self._leaving:
            self._failure = self._failure or error

    def refused(self, error: Exception) -> bool:
        refused = self._store.database.refusal(error)
        if refused is not None:
            self.left(refused)
        return refused is not None
