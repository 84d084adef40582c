"""The durable engine behind runs: the only module that knows DBOS.

One workflow a run, one child workflow a server, one engine step a plan step. The engine
checkpoints what was decided; what happened is in our own journal, so a step that is begun
twice finds its own traces.

Rules that the engine forces on us (seen with 3.4.0): every process has an executor id of
its own and a lock for it, taken before launch; nobody takes over a dead worker's work by
itself; the application version is a number of ours, since the default is a hash of the
source, with which every upgrade would orphan running work; the serializer is JSON, not
pickle.
"""

import sqlite3
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, Any

from orchestrator.errors import OrchestratorError, StoreUnavailable
from orchestrator.rollout.steps import Verdict
from orchestrator.rollout.store import Store
from orchestrator.rollout.store.runs import WORKFLOW_VERSION

if TYPE_CHECKING:
    from dbos import WorkflowHandle

_POLL_S = 0.1

Performer = Callable[[str], Verdict]
"""Carries out the step with the given id."""

_busy = threading.Lock()
_performers: dict[str, Performer] = {}
"""What runs steps, by run id; the engine's functions are global, so this is too."""


@cache
def _rollout_workflow() -> Callable[[str, list[list[list[Any]]]], str]:
    """Register the functions that the engine runs, once in a process, and return the outer one."""
    # Imported here: half a second and 40 MB that reading a plan does not need.
    from dbos import DBOS, SetWorkflowID

    @DBOS.step(name="perform")
    def perform(run_id: str, step_id: str) -> str:
        return _performers[run_id](step_id).value

    @DBOS.workflow(name="server", max_recovery_attempts=None)
    def server(run_id: str, step_ids: list[str]) -> str:
        for step_id in step_ids:
            verdict: str = perform(run_id, step_id)
            if verdict != Verdict.GO_ON.value:
                return verdict
        return Verdict.GO_ON.value

    @DBOS.workflow(name="rollout", max_recovery_attempts=None)
    def rollout(run_id: str, batches: list[list[list[Any]]]) -> str:
        workflow_id = str(DBOS.workflow_id)
        for batch in batches:
            handles: list[WorkflowHandle[str]] = []
            for name, step_ids in batch:
                with SetWorkflowID(f"{workflow_id}/{name}"):
                    handles.append(DBOS.start_workflow(server, run_id, step_ids))
            verdicts = [handle.get_result(polling_interval_sec=_POLL_S) for handle in handles]
            # The servers of a batch finish together; the next batch waits for all of them.
            if Verdict.FAILED.value in verdicts:
                return Verdict.FAILED.value
            if Verdict.STOPPED.value in verdicts:
                return Verdict.STOPPED.value
        return Verdict.GO_ON.value

    return rollout


class Engine:
    """A launched engine. At most one in a process at a time."""

    def __init__(self, worker: str) -> None:
        self._worker = worker

    def has_unfinished(self, workflow_id: str) -> bool:
        """Return whether a workflow was begun and has not come to a result."""
        from dbos import DBOS

        status = DBOS.get_workflow_status(workflow_id)
        return status is not None and status.status in ("PENDING", "ENQUEUED")

    def _adopt(self, workflow_id: str, dead_worker: str) -> None:
        """Queue here what a dead worker left of a workflow; the caller holds its run."""
        from dbos import DBOS

        # A queue of our own: the engine's default one is served by every process.
        DBOS.register_queue(_queue(self._worker), polling_interval_sec=_POLL_S)
        left = [
            one.workflow_id
            for one in DBOS.list_workflows(
                workflow_id_prefix=workflow_id, status=["PENDING", "ENQUEUED"]
            )
            if one.workflow_id == workflow_id or one.workflow_id.startswith(f"{workflow_id}/")
        ]
        DBOS.resume_workflows(left, queue_name=_queue(self._worker))
        DBOS.delete_queue(_queue(dead_worker))

    def run(
        self,
        run_id: str,
        workflow_id: str,
        batches: Sequence[Sequence[tuple[str, Sequence[str]]]],
        performer: Performer,
        stop: threading.Event,
        *,
        dead_worker: str | None,
    ) -> Verdict:
        """Run the steps of a rollout to the end, and return how it ended.

        Ctrl-C sets ``stop`` and waits for the step in hand; a second one does not wait.

        Args:
            workflow_id: an interrupted workflow goes on under the id it had.
            batches: server names with the ids of their steps.
            dead_worker: the worker that had this workflow and is gone, None to begin it.

        Raises:
            Exception: what the performer raised, after every server has come to rest.
        """
        from dbos import DBOS, SetWorkflowID

        work = _Work(performer, stop)
        _performers[run_id] = work.perform
        try:
            if dead_worker is not None:
                self._adopt(workflow_id, dead_worker)
                handle: WorkflowHandle[str] = DBOS.retrieve_workflow(workflow_id)
            else:
                plain = [[[name, list(ids)] for name, ids in batch] for batch in batches]
                with SetWorkflowID(workflow_id):
                    handle = DBOS.start_workflow(_rollout_workflow(), run_id, plain)
            verdict = _result(handle, stop)
        finally:
            _performers.pop(run_id)
        if work.failure is not None:
            raise work.failure
        return verdict


def _result(handle: "WorkflowHandle[str]", stop: threading.Event) -> Verdict:
    while True:
        try:
            return Verdict(handle.get_result(polling_interval_sec=_POLL_S))
        except KeyboardInterrupt:
            if stop.is_set():
                raise
            stop.set()


class _Work:
    """Calls the performer; what it raises stops the run and is kept for the caller.

    The engine would store an exception as text, log it, and count the workflow as failed
    for good.
    """

    def __init__(self, performer: Performer, stop: threading.Event) -> None:
        self._performer = performer
        self._stop = stop
        self.failure: BaseException | None = None

    def perform(self, step_id: str) -> Verdict:
        try:
            return self._performer(step_id)
        except BaseException as error:  # noqa: BLE001 - raised again where the run was started
            self.failure = self.failure or error
            self._stop.set()
            return Verdict.STOPPED


@contextmanager
def launched(store: Store, worker: str) -> Iterator[Engine]:
    """Launch the engine on the store's files; the caller holds the worker's lock.

    Raises:
        OrchestratorError: an engine runs in this process already.
        StoreUnavailable: its file cannot be used, now or later.
    """
    if not _busy.acquire(blocking=False):
        raise OrchestratorError("a rollout is already running in this process")
    try:
        with _mapped(store), _launched(store, worker) as engine:
            yield engine
    finally:
        _busy.release()


@contextmanager
def _launched(store: Store, worker: str) -> Iterator[Engine]:
    from dbos import DBOS, DBOSConfig, DBOSPortableJSONSerializer

    store.database.prepare_engine()
    _rollout_workflow()
    config: DBOSConfig = {
        "name": "kemp-rollout",
        "system_database_url": store.database.engine_url,
        "application_version": WORKFLOW_VERSION,
        "executor_id": worker,
        "serializer": DBOSPortableJSONSerializer(),
        "log_level": "WARNING",
        # Only so that the engine ends sooner: nothing here listens to notifications.
        "notification_listener_polling_interval_sec": 0.2,
    }
    DBOS(config=config)
    try:
        DBOS.listen_queues([_queue(worker)])
        DBOS.launch()
        try:
            yield Engine(worker)
        finally:
            DBOS.delete_queue(_queue(worker))
    finally:
        DBOS.destroy()


@contextmanager
def _mapped(store: Store) -> Iterator[None]:
    """Let none of the libraries' exceptions out."""
    from dbos import error as engine_error
    from sqlalchemy.exc import SQLAlchemyError

    try:
        yield
    except (engine_error.DBOSException, SQLAlchemyError, sqlite3.Error) as error:
        # The type only: the text holds whole statements with their values.
        raise StoreUnavailable(f"{store.place}: {type(error).__name__}") from error


def _queue(worker: str) -> str:
    return f"resumed-by-{worker}"
