"""Where runs live: plan, journal of steps, events and locks, in one SQLite file.

The engine keeps its own checkpoints in a file next to it. Nothing secret is written here.
"""

import json
import sqlite3
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from orchestrator.errors import Locked, RunNotFound, StoreUnavailable
from orchestrator.rollout.plan import Data, Plan
from orchestrator.rollout.records import Event, Lock, Run, RunState, StepRecord, StepStatus
from orchestrator.rollout.workers import Workers

SCHEMA_VERSION = 1
LOCK_EXPIRY_S = 24 * 3600.0
"""A lock whose owner is gone may be taken over when its run was not touched this long."""

_SCHEMA = """
CREATE TABLE runs (
    run_id TEXT PRIMARY KEY, state TEXT NOT NULL, reason TEXT NOT NULL, plan TEXT NOT NULL,
    worker TEXT NOT NULL, attempt INTEGER NOT NULL, created_s REAL NOT NULL,
    updated_s REAL NOT NULL, ended_s REAL);
CREATE TABLE steps (
    run_id TEXT NOT NULL, step_id TEXT NOT NULL, status TEXT NOT NULL,
    announced_in INTEGER NOT NULL, first_started_s REAL NOT NULL, started_s REAL NOT NULL,
    ended_s REAL, before TEXT, after TEXT, inverse TEXT, evidence TEXT NOT NULL,
    reason TEXT NOT NULL, gate TEXT,
    PRIMARY KEY (run_id, step_id));
CREATE TABLE events (
    number INTEGER PRIMARY KEY AUTOINCREMENT, run_id TEXT NOT NULL, at_s REAL NOT NULL,
    kind TEXT NOT NULL, server TEXT, step TEXT, text TEXT NOT NULL, data TEXT NOT NULL);
CREATE INDEX events_by_run ON events (run_id, number);
CREATE TABLE locks (
    resource TEXT PRIMARY KEY, run_id TEXT NOT NULL, worker TEXT NOT NULL, reason TEXT NOT NULL,
    acquired_s REAL NOT NULL, expires_s REAL NOT NULL);
"""


class Store:
    """The state directory. Safe to use from several threads and processes."""

    def __init__(self, directory: str | Path) -> None:
        """Open or make the directory.

        Raises:
            StoreUnavailable: not to be read or written, or of another version.
        """
        self.directory = Path(directory)
        self._local = threading.local()
        self._open: list[sqlite3.Connection] = []
        self._guard = threading.Lock()
        try:
            self.directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError as error:
            raise StoreUnavailable(f"{self.directory}: {error.strerror}") from error
        self.workers = Workers(self.directory / "workers")
        try:
            self._prepare()
        except BaseException:
            self.close()
            raise

    def _prepare(self) -> None:
        with self._transaction() as db:
            version = db.execute("PRAGMA user_version").fetchone()[0]
            if version == 0:
                for statement in _SCHEMA.split(";"):
                    db.execute(statement)
                db.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
            elif version != SCHEMA_VERSION:
                raise StoreUnavailable(
                    f"{self.directory} was written by another version (schema {version}, this "
                    f"one has {SCHEMA_VERSION}): finish its runs with that version"
                )

    @property
    def engine_path(self) -> Path:
        """Return the file of the engine's own checkpoints."""
        return self.directory / "engine.sqlite"

    def close(self) -> None:
        """Close every connection of every thread."""
        with self._guard:
            for connection in self._open:
                connection.close()
            self._open.clear()
            self._local = threading.local()

    def __enter__(self) -> "Store":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _connection(self) -> sqlite3.Connection:
        connection: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            connection = sqlite3.connect(
                self.directory / "runs.sqlite",
                timeout=30,
                isolation_level=None,
                check_same_thread=False,
            )
            with self._guard:
                self._open.append(connection)
            connection.row_factory = sqlite3.Row
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = FULL")
            self._local.connection = connection
        return connection

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        """Run statements as one; nobody else writes in between."""
        try:
            db = self._connection()
            db.execute("BEGIN IMMEDIATE")
            try:
                yield db
                db.execute("COMMIT")
            except BaseException:
                # A full disk has rolled back already, or failed only in the commit.
                if db.in_transaction:
                    db.execute("ROLLBACK")
                raise
        except sqlite3.Error as error:
            raise StoreUnavailable(f"{self.directory}: {error}") from error

    def _rows(self, statement: str, *values: object) -> list[sqlite3.Row]:
        try:
            return self._connection().execute(statement, values).fetchall()
        except sqlite3.Error as error:
            raise StoreUnavailable(f"{self.directory}: {error}") from error

    # -- runs -------------------------------------------------------------------------

    def create_run(
        self, run_id: str, plan: Plan, *, worker: str, resources: Sequence[str], now_s: float
    ) -> None:
        """Store a new run and take its locks, both or neither.

        Raises:
            Locked: another run holds one of the resources.
        """
        with self._transaction() as db:
            for resource in resources:
                self._take(db, resource, run_id, worker, _purpose(plan), now_s)
            db.execute(
                "INSERT INTO runs VALUES (?, ?, '', ?, ?, 1, ?, ?, NULL)",
                (run_id, RunState.RUNNING.value, plan.to_json(), worker, now_s, now_s),
            )

    def _take(
        self,
        db: sqlite3.Connection,
        resource: str,
        run_id: str,
        worker: str,
        reason: str,
        now_s: float,
    ) -> None:
        row = db.execute("SELECT * FROM locks WHERE resource = ?", (resource,)).fetchone()
        if row is not None and row["run_id"] != run_id:
            alive = self.workers.is_alive(row["worker"])
            if alive or now_s < row["expires_s"]:
                what = (
                    "is working on it"
                    if alive
                    else f"left it behind; go on with it (kemp rollout resume {row['run_id']})"
                )
                minutes = (now_s - row["acquired_s"]) / 60
                raise Locked(
                    f"{resource} is held for {minutes:.0f} min by run {row['run_id']} "
                    f"({row['reason']}), which {what}",
                    owner=row["run_id"],
                )
        db.execute(
            "INSERT OR REPLACE INTO locks VALUES (?, ?, ?, ?, ?, ?)",
            (resource, run_id, worker, reason, now_s, now_s + LOCK_EXPIRY_S),
        )

    def take_over(self, run_id: str, *, worker: str, resources: Sequence[str], now_s: float) -> Run:
        """Make this worker the owner of a run that nobody works on, locks included.

        Returns:
            The run as it was before, with its old worker.

        Raises:
            Locked: its worker lives, or another run took one of the resources meanwhile.
            RunNotFound: no such run.
        """
        with self._transaction() as db:
            run = self.run(run_id)
            if run.state is RunState.RUNNING and self.workers.is_alive(run.worker):
                raise Locked(f"run {run_id} is being worked on", owner=run_id)
            for resource in resources:
                self._take(db, resource, run_id, worker, _purpose(run.plan), now_s)
            db.execute(
                "UPDATE runs SET worker = ?, state = ?, updated_s = ? WHERE run_id = ?",
                (worker, RunState.RUNNING.value, now_s, run_id),
            )
        return run

    def next_attempt(self, run_id: str, again: Sequence[str]) -> int:
        """Begin a run anew where it paused; the steps given are to be run again.

        That they were announced is kept: what they did before is still ours.
        """
        with self._transaction() as db:
            for step_id in again:
                db.execute(
                    "UPDATE steps SET status = ? WHERE run_id = ? AND step_id = ?",
                    (StepStatus.AGAIN.value, run_id, step_id),
                )
            db.execute("UPDATE runs SET attempt = attempt + 1 WHERE run_id = ?", (run_id,))
        return self.run(run_id).attempt

    def end_run(
        self, run_id: str, state: RunState, reason: str, *, worker: str, now_s: float
    ) -> None:
        """Say how a run stands; a finished or abandoned one gives its locks back.

        Raises:
            Locked: the run has another worker by now.
        """
        with self._transaction() as db:
            self._fence(db, run_id, worker)
            ended = None if state in (RunState.RUNNING, RunState.PAUSED) else now_s
            db.execute(
                "UPDATE runs SET state = ?, reason = ?, updated_s = ?, ended_s = ? "
                "WHERE run_id = ?",
                (state.value, reason, now_s, ended, run_id),
            )
            if ended is not None:
                db.execute("DELETE FROM locks WHERE run_id = ?", (run_id,))

    def run(self, run_id: str) -> Run:
        """Return a run.

        Raises:
            RunNotFound: no such run.
        """
        rows = self._rows("SELECT * FROM runs WHERE run_id = ?", run_id)
        if not rows:
            raise RunNotFound(f"there is no run {run_id}")
        return _run_from(rows[0])

    def runs(self) -> tuple[Run, ...]:
        """Return every run, newest first."""
        rows = self._rows("SELECT * FROM runs ORDER BY created_s DESC, run_id")
        return tuple(_run_from(row) for row in rows)

    def locks(self) -> tuple[Lock, ...]:
        """Return every lock."""
        rows = self._rows("SELECT * FROM locks ORDER BY resource")
        return tuple(Lock(**dict(row)) for row in rows)

    # -- the journal ------------------------------------------------------------------

    def begin_step(self, run_id: str, step_id: str, *, worker: str, now_s: float) -> StepRecord:
        """Note that a step is about to be looked at, and that the run is alive.

        Raises:
            Locked: the run has another worker by now; this one must not act any more.
        """
        with self._transaction() as db:
            self._fence(db, run_id, worker)
            db.execute(
                "INSERT INTO steps VALUES (?, ?, ?, 0, ?, ?, NULL, NULL, NULL, NULL, '[]', '', "
                "NULL) ON CONFLICT DO UPDATE SET started_s = excluded.started_s, ended_s = NULL, "
                "first_started_s = CASE WHEN status = 'again' THEN excluded.started_s "
                "ELSE first_started_s END, "
                "status = CASE WHEN status IN ('done', 'unchanged', 'forced', 'skipped') "
                "THEN status ELSE excluded.status END",
                (run_id, step_id, StepStatus.RUNNING.value, now_s, now_s),
            )
            db.execute("UPDATE runs SET updated_s = ? WHERE run_id = ?", (now_s, run_id))
            db.execute(
                "UPDATE locks SET expires_s = ? WHERE run_id = ?", (now_s + LOCK_EXPIRY_S, run_id)
            )
        record = self.step(run_id, step_id)
        assert record is not None  # noqa: S101 - written above
        return record

    def announce(
        self, run_id: str, step_id: str, *, worker: str, before: Data, inverse: Data | None
    ) -> None:
        """Note what is about to be changed and what takes it back, before it is.

        Raises:
            Locked: the run has another worker by now; this one must not act any more.
        """
        with self._transaction() as db:
            self._fence(db, run_id, worker)
            # The first announcement has the true "before": a repeated one may see our own work.
            db.execute(
                "UPDATE steps SET before = COALESCE(before, ?), inverse = COALESCE(inverse, ?), "
                "announced_in = (SELECT attempt FROM runs WHERE runs.run_id = steps.run_id) "
                "WHERE run_id = ? AND step_id = ?",
                (_text(before), _text(inverse), run_id, step_id),
            )

    def withdraw(self, run_id: str, step_id: str, *, worker: str, announced_in: int) -> None:
        """Take an announcement back: it was refused, and a read showed that nothing happened.

        Args:
            announced_in: the attempt of the announcement before it, 0 if there was none.

        Raises:
            Locked: the run has another worker by now.
        """
        with self._transaction() as db:
            self._fence(db, run_id, worker)
            db.execute(
                "UPDATE steps SET announced_in = ? WHERE run_id = ? AND step_id = ?",
                (announced_in, run_id, step_id),
            )

    def end_step(
        self,
        run_id: str,
        step_id: str,
        status: StepStatus,
        *,
        now_s: float,
        after: Data | None = None,
        evidence: Sequence[str] = (),
        reason: str = "",
        gate: str | None = None,
    ) -> None:
        """Note how a step ended."""
        with self._transaction() as db:
            db.execute(
                "UPDATE steps SET status = ?, ended_s = ?, after = ?, evidence = ?, reason = ?, "
                "gate = ? WHERE run_id = ? AND step_id = ?",
                (
                    status.value,
                    now_s,
                    _text(after),
                    json.dumps(list(evidence)),
                    reason,
                    gate,
                    run_id,
                    step_id,
                ),
            )

    def _fence(self, db: sqlite3.Connection, run_id: str, worker: str) -> None:
        row = db.execute("SELECT worker FROM runs WHERE run_id = ?", (run_id,)).fetchone()
        if row is None or row["worker"] != worker:
            raise Locked(f"run {run_id} was taken over by another worker", owner=run_id)

    def step(self, run_id: str, step_id: str) -> StepRecord | None:
        """Return one entry of the journal, None if the step was not begun."""
        rows = self._rows("SELECT * FROM steps WHERE run_id = ? AND step_id = ?", run_id, step_id)
        return _step_from(rows[0]) if rows else None

    def steps(self, run_id: str) -> Mapping[str, StepRecord]:
        """Return the journal of a run by step id."""
        rows = self._rows("SELECT * FROM steps WHERE run_id = ? ORDER BY first_started_s", run_id)
        return {row["step_id"]: _step_from(row) for row in rows}

    def add_event(self, event: Event) -> None:
        """Keep an event."""
        with self._transaction() as db:
            db.execute(
                "INSERT INTO events (run_id, at_s, kind, server, step, text, data) "
                "VALUES (?, ?, ?, ?, ?, ?, ?)",
                (
                    event.run_id,
                    event.at_s,
                    event.kind,
                    event.server,
                    event.step,
                    event.text,
                    json.dumps(dict(event.data)),
                ),
            )

    def events(self, run_id: str, *, after: int = 0) -> tuple[tuple[int, Event], ...]:
        """Return the events of a run with their numbers, oldest first, beyond ``after``."""
        rows = self._rows(
            "SELECT * FROM events WHERE run_id = ? AND number > ? ORDER BY number", run_id, after
        )
        return tuple(
            (
                row["number"],
                Event(
                    run_id=row["run_id"],
                    at_s=row["at_s"],
                    kind=row["kind"],
                    text=row["text"],
                    server=row["server"],
                    step=row["step"],
                    data=json.loads(row["data"]),
                ),
            )
            for row in rows
        )


def _purpose(plan: Plan) -> str:
    return f"{plan.kind} of {', '.join(one.name for one in plan.servers)}"


def _text(data: Data | None) -> str | None:
    return None if data is None else json.dumps(dict(data))


def _data(text: str | None) -> Any:
    return None if text is None else json.loads(text)


def _run_from(row: sqlite3.Row) -> Run:
    return Run(
        run_id=row["run_id"],
        state=RunState(row["state"]),
        reason=row["reason"],
        plan_json=row["plan"],
        worker=row["worker"],
        attempt=row["attempt"],
        created_s=row["created_s"],
        updated_s=row["updated_s"],
        ended_s=row["ended_s"],
    )


def _step_from(row: sqlite3.Row) -> StepRecord:
    return StepRecord(
        step_id=row["step_id"],
        status=StepStatus(row["status"]),
        announced_in=row["announced_in"],
        first_started_s=row["first_started_s"],
        started_s=row["started_s"],
        ended_s=row["ended_s"],
        before=_data(row["before"]),
        after=_data(row["after"]),
        inverse=_data(row["inverse"]),
        evidence=tuple(json.loads(row["evidence"])),
        reason=row["reason"],
        gate=row["gate"],
    )
