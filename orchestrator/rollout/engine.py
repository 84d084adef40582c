"""The durable engine behind runs: the only module that knows DBOS.

One workflow a run, one a group of servers that are worked on in one process, one a server,
whose way is one engine step. The engine knows what is to be done and by whom; what happened is
in our own journal, step by step, so a way that is gone twice finds its own traces. A
checkpoint of the engine after every step would say the same again, for 4 ms of processor each.

Rules that the engine forces on us (seen with 3.4.0): every process has an executor id of
its own and a lock for it, taken before launch; nobody takes over a dead worker's work by
itself; the application version is a number of ours, since the default is a hash of the
source, with which every upgrade would orphan running work; the serializer is JSON, not
pickle; a lost database is waited for without end, so whoever waits must not wait in it.
"""

import logging
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeout
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, NamedTuple, Protocol, TypeVar

from orchestrator.errors import Locked, OrchestratorError, StoreUnavailable
from orchestrator.rollout.placement import Group
from orchestrator.rollout.steps import Verdict
from orchestrator.rollout.store import Store
from orchestrator.rollout.store.runs import WORKFLOW_VERSION

if TYPE_CHECKING:
    from dbos import DBOSConfig, WorkflowHandle

_POLL_S = 0.2
_TICK_S = 0.02
_PAUSE_S = 0.5
_ANSWER_S = 30.0
"""As long as a single answer may take, however short the store's patience is."""
_CONNECTIONS = 10
T = TypeVar("T")

_busy = threading.Lock()
_log = logging.getLogger("dbos")


class Outcome(NamedTuple):
    """How a server's way ended; ``reason`` where it stopped."""

    verdict: Verdict
    reason: str = ""


class Host(Protocol):
    """What the engine asks the process that it runs in; from many threads.

    What raises StoreUnavailable or Locked is left as it is, for another worker or for later.
    """

    @property
    def name(self) -> str:
        """Return the worker's name, which is unique for all time."""
        ...

    def stages(self, run_id: str, attempt: int) -> Sequence[Sequence[Group]]:
        """Return the groups that are worked on together, one after another."""
        ...

    def place(self, run_id: str, attempt: int, group: str) -> str:
        """Return the worker that a group is given to."""
        ...

    def walk(self, run_id: str, attempt: int, server: str) -> Outcome:
        """Carry out the steps of a server or a gate, one after another, until one ends it."""
        ...

    def judge(self, run_id: str, attempt: int, results: Mapping[str, Outcome]) -> Verdict:
        """Say whether the run goes on after a stage."""
        ...

    def conclude(self, run_id: str, attempt: int, verdict: Verdict, reason: str) -> None:
        """Note how the run stands now."""
        ...

    def ended(self) -> None:
        """Hear that a run has come to its end here, or was left."""
        ...

    def left(self, error: OrchestratorError) -> None:
        """Hear that this process cannot go on with its work."""
        ...

    def refused(self, error: Exception) -> bool:
        """Hear of an error of the engine's; return whether the store is what refuses to write."""
        ...


class _Left(BaseException):
    """Passes through the engine without a checkpoint: the work is unfinished, for others."""


_host: Host | None = None
"""The engine's functions are global, so this is too."""


def _ask(question: Callable[[Host], T]) -> T:
    """Ask the process; what it cannot know or do now is left to another one."""
    host = _host
    if host is None:
        raise _Left
    try:
        return question(host)
    except (StoreUnavailable, Locked) as error:
        host.left(error)
        raise _Left from None


@cache
def _workflow() -> Callable[[str, int], None]:
    """Register the functions that the engine runs, once in a process, and return the outer one."""
    # Imported here: half a second and 40 MB that reading a plan does not need.
    from dbos import DBOS, SetWorkflowID

    @DBOS.step(name="walk")
    def walk(run_id: str, attempt: int, name: str) -> list[str]:
        verdict, reason = _ask(lambda host: host.walk(run_id, attempt, name))
        return [verdict.value, reason]

    @DBOS.workflow(name="server", max_recovery_attempts=None)
    def server(run_id: str, attempt: int, name: str) -> list[str]:
        return walk(run_id, attempt, name)

    @DBOS.workflow(name="group", max_recovery_attempts=None)
    def group(run_id: str, attempt: int, servers: list[str]) -> dict[str, list[str]]:
        handles: dict[str, WorkflowHandle[list[str]]] = {}
        for name in servers:
            with SetWorkflowID(f"{DBOS.workflow_id}/{name}"):
                handles[name] = DBOS.start_workflow(server, run_id, attempt, name)
        return {
            name: handle.get_result(polling_interval_sec=_POLL_S)
            for name, handle in handles.items()
        }

    @DBOS.step(name="place")
    def place(run_id: str, attempt: int, name: str) -> str:
        return _ask(lambda host: host.place(run_id, attempt, name))

    @DBOS.step(name="judge")
    def judge(run_id: str, attempt: int, results: dict[str, list[str]]) -> str:
        outcomes = {name: Outcome(Verdict(one[0]), one[1]) for name, one in results.items()}
        return _ask(lambda host: host.judge(run_id, attempt, outcomes)).value

    @DBOS.step(name="conclude")
    def conclude(run_id: str, attempt: int, verdict: str, reason: str) -> None:
        _ask(lambda host: host.conclude(run_id, attempt, Verdict(verdict), reason))

    def stage_by_stage(run_id: str, attempt: int) -> None:
        verdict, reason = Verdict.GO_ON.value, ""
        for number, stage in enumerate(_ask(lambda host: host.stages(run_id, attempt))):
            handles: list[WorkflowHandle[dict[str, list[str]]]] = []
            for one in stage:
                worker = place(run_id, attempt, one.name)
                with SetWorkflowID(f"{DBOS.workflow_id}/{number}.{one.name}"):
                    given = (run_id, attempt, list(one.servers))
                    if worker == _ask(lambda host: host.name):
                        handles.append(DBOS.start_workflow(group, *given))
                    else:
                        handles.append(DBOS.enqueue_workflow(_queue(worker), group, *given))
            results: dict[str, list[str]] = {}
            for handle in handles:
                results |= handle.get_result(polling_interval_sec=_POLL_S)
            verdict = judge(run_id, attempt, results)
            if verdict != Verdict.GO_ON.value:
                reason = next((why for _, why in results.values() if why), "")
                break
        conclude(run_id, attempt, verdict, reason)

    @DBOS.workflow(name="rollout", max_recovery_attempts=None)
    def rollout(run_id: str, attempt: int) -> None:
        try:
            stage_by_stage(run_id, attempt)
        except Exception as error:
            if _host is not None and _host.refused(error):
                raise _Left from None
            raise
        finally:
            if _host is not None:
                _host.ended()

    return rollout


class Engine:
    """A launched engine. At most one in a process at a time."""

    def __init__(self, store: Store, worker: str) -> None:
        self._store = store
        self._worker = worker

    def _patiently(self, ask: Callable[[], T]) -> T:
        """Ask the engine; again, for a while, where its database is away.

        Raises:
            StoreUnavailable: it stayed away.
        """
        give_up_s = time.monotonic() + self._store.database.patience_s
        while True:
            try:
                with _mapped(self._store):
                    return _answer(ask, timeout_s=max(give_up_s - time.monotonic(), _ANSWER_S))
            except FutureTimeout:
                raise StoreUnavailable(f"{self._store.place} does not answer") from None
            except StoreUnavailable:
                if time.monotonic() >= give_up_s:
                    raise
                time.sleep(_PAUSE_S)

    def begin(self, run_id: str, attempt: int) -> None:
        """Start an attempt of a run here; a second call for the same one does nothing."""
        from dbos import DBOS, SetWorkflowID

        def start() -> None:
            with SetWorkflowID(_id(run_id, attempt)):
                DBOS.start_workflow(_workflow(), run_id, attempt)

        self._patiently(start)

    def has_unfinished(self, run_id: str, attempt: int) -> bool:
        """Return whether an attempt was begun and has not come to its end."""
        from dbos import DBOS

        status = self._patiently(lambda: DBOS.get_workflow_status(_id(run_id, attempt)))
        return status is not None and status.status in _UNFINISHED

    def finish(self, run_id: str, attempt: int) -> None:
        """Let the engine note the end of an attempt that has come to it."""
        from dbos import DBOS

        def finished() -> None:
            DBOS.retrieve_workflow(_id(run_id, attempt)).get_result(polling_interval_sec=_TICK_S)

        self._patiently(finished)

    def adopt(self, runs: Mapping[str, int], is_gone: Callable[[str], bool]) -> int:
        """Queue here what workers that are gone have left; nobody else may do so meanwhile.

        Raises:
            Locked: this one was taken for dead.

        Args:
            runs: attempts of runs by their id: nothing of any other.

        Returns:
            How many workflows that were.
        """
        if not runs:
            return 0
        gone: dict[str, bool] = {}
        left: list[str] = []
        for workflow_id, owner in self._patiently(lambda: _unfinished(runs)):
            if owner != self._worker and owner not in gone:
                gone[owner] = is_gone(owner)
            if gone.get(owner):
                left.append(workflow_id)
        if left:
            self.listen()
            # It may have been frozen since it began to look.
            self._store.workers.refuse_gone(self._worker)
            self._patiently(lambda: _resume(left, self._worker))
        return len(left)

    def stop_listening(self) -> None:
        """Take nothing more: this worker ends."""
        from dbos import DBOS

        self._patiently(lambda: DBOS.delete_queue(_queue(self._worker)))

    def listen(self) -> None:
        """Take what is queued for this worker."""
        from dbos import DBOS

        # A queue of our own: the engine's default one is served by every process.
        self._patiently(
            lambda: DBOS.register_queue(_queue(self._worker), polling_interval_sec=_POLL_S)
        )


_UNFINISHED = ("PENDING", "ENQUEUED")


def _answer(ask: Callable[[], T], *, timeout_s: float) -> T:
    """Return what the engine answers, asked in a thread that may be left behind.

    In its own calls the engine waits for a lost database without end (seen with 3.4.0).

    Raises:
        FutureTimeout: nothing yet; whoever asked gives up.
    """
    future: Future[T] = Future()

    def work() -> None:
        try:
            future.set_result(ask())
        except BaseException as error:  # noqa: BLE001 - raised again where it was asked
            future.set_exception(error)

    threading.Thread(target=work, name="ask-engine", daemon=True).start()
    return future.result(timeout_s)


def _unfinished(runs: Mapping[str, int]) -> list[tuple[str, str]]:
    """Return the unfinished workflows of attempts of runs, each with the worker that has it."""
    from dbos import DBOS

    found: list[tuple[str, str]] = []
    for one in DBOS.list_workflows(
        status=list(_UNFINISHED),
        workflow_id_prefix=[_id(run_id, attempt) for run_id, attempt in runs.items()],
        load_input=False,
        load_output=False,
    ):
        run_id, _, attempt = one.workflow_id.partition("/")[0].partition(".")
        # A prefix is not all of it: r1.1 is one of r1.10.
        if runs.get(run_id) == int(attempt):
            queued = one.status == "ENQUEUED"
            owner = (one.queue_name or "").removeprefix(_queue("")) if queued else one.executor_id
            found.append((one.workflow_id, owner or ""))
    return found


def _resume(workflow_ids: list[str], worker: str) -> None:
    from dbos import DBOS

    DBOS.resume_workflows(workflow_ids, queue_name=_queue(worker))


@contextmanager
def launched(store: Store, host: Host) -> Iterator[Engine]:
    """Launch the engine on the store; the caller holds the worker's name.

    Raises:
        OrchestratorError: an engine runs in this process already.
        StoreUnavailable: its database cannot be used, now or later.
    """
    global _host
    if not _busy.acquire(blocking=False):
        raise OrchestratorError("a rollout is already running in this process")
    try:
        _host = host
        with _mapped(store), _launched(store, host.name) as engine:
            yield engine
    finally:
        _host = None
        _busy.release()


@contextmanager
def _launched(store: Store, worker: str) -> Iterator[Engine]:
    from dbos import DBOS, DBOSPortableJSONSerializer

    store.database.prepare_engine()
    _workflow()
    config: DBOSConfig = {
        "name": "kemp-rollout",
        "system_database_url": store.database.engine_url,
        "dbos_system_schema": "kemp_engine",
        "application_version": WORKFLOW_VERSION,
        "executor_id": worker,
        "serializer": DBOSPortableJSONSerializer(),
        "log_level": "WARNING",
        "sys_db_pool_size": _CONNECTIONS,
        # Nothing here waits for its messages.
        "use_listen_notify": False,
        # Only so that the engine ends sooner.
        "notification_listener_polling_interval_sec": 0.2,
    }
    DBOS(config=config)
    # It brings a handler of its own; how we log is decided by whoever runs us.
    _log.handlers.clear()
    _log.addFilter(_hear)
    _log.propagate = True
    _log.disabled = False
    try:
        DBOS.listen_queues([_queue(worker)])
        DBOS.launch()
        try:
            engine = Engine(store, worker)
            yield engine
            # Not where it is left for another reason, such as a database that is away.
            engine.stop_listening()
        finally:
            # What is still under way ends without its database, which it would tell at length.
            _log.disabled = True
    finally:
        DBOS.destroy()
        _log.removeFilter(_hear)


def _hear(record: logging.LogRecord) -> bool:
    """Hear what the engine tells in its log alone, and keep that out of ours.

    A thread of the engine that cannot write how something ended logs that and ends; whoever
    waits for it waits without end (seen with 3.4.0). What its caller hears too is logged at
    length as well, with statements and their values.
    """
    error = record.exc_info[1] if record.exc_info else None
    return not (isinstance(error, Exception) and _host is not None and _host.refused(error))


@contextmanager
def _mapped(store: Store) -> Iterator[None]:
    """Let none of the libraries' exceptions out."""
    from dbos import error as engine_error
    from sqlalchemy.exc import SQLAlchemyError

    try:
        yield
    except (engine_error.DBOSException, SQLAlchemyError, sqlite3.Error) as error:
        if (refused := store.database.refusal(error)) is not None:
            raise refused from error
        # The type only: the text holds whole statements with their values.
        raise StoreUnavailable(f"{store.place}: {type(error).__name__}") from error


def _id(run_id: str, attempt: int) -> str:
    return f"{run_id}.{attempt}"


def _queue(worker: str) -> str:
    return f"for-{worker}"
