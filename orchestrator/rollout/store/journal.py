"""What the steps of a run did, and what was seen: written before and after each act."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from orchestrator.errors import Locked
from orchestrator.rollout.plan import Data
from orchestrator.rollout.records import Event, StepRecord, StepStatus
from orchestrator.rollout.store.database import Database, Row, Transaction
from orchestrator.rollout.store.runs import taken_over
from orchestrator.rollout.store.turns import Together
from orchestrator.rollout.store.workers import fence

_ROWS = 100
"""Events written by one statement: SQLite allowed 999 values in it for long."""


class Journal:
    """The journal of every run, and its events."""

    database: Database
    new_events: Together[Event]

    def begin_step(self, run_id: str, step_id: str, *, worker: str, now_s: float) -> StepRecord:
        """Note that a step is about to be looked at.

        Raises:
            Locked: the step has another worker; this one must not act any more.
        """

        def work(db: Transaction) -> StepRecord:
            fence(db, worker)
            begun = db.execute(
                "INSERT INTO steps (run_id, step_id, status, worker, announced_in, "
                "first_started_s, started_s, evidence, reason) "
                "VALUES (?, ?, ?, ?, 0, ?, ?, '[]', '') "
                "ON CONFLICT (run_id, step_id) DO UPDATE SET worker = excluded.worker, "
                "started_s = excluded.started_s, ended_s = NULL, "
                "first_started_s = CASE WHEN steps.status = 'again' THEN excluded.started_s "
                "ELSE steps.first_started_s END, "
                "status = CASE WHEN steps.status IN ('done', 'unchanged', 'forced', 'skipped') "
                "THEN steps.status ELSE excluded.status END "
                "WHERE steps.worker = excluded.worker OR NOT EXISTS "
                "(SELECT 1 FROM workers WHERE workers.name = steps.worker)",
                run_id,
                step_id,
                StepStatus.RUNNING.value,
                worker,
                now_s,
                now_s,
            )
            if not begun:
                raise Locked(f"{step_id} of run {run_id} has another worker", owner=run_id)
            (row,) = db.rows(
                "SELECT * FROM steps WHERE run_id = ? AND step_id = ?", run_id, step_id
            )
            return _step(row)

        return self.database.transact(work)

    def announce(
        self, run_id: str, step_id: str, *, worker: str, before: Data, inverse: Data | None
    ) -> None:
        """Note what is about to be changed and what takes it back, before it is.

        Raises:
            Locked: the run has another worker by now; this one must not act any more.
        """
        # The first announcement has the true "before": a repeated one may see our own work.
        self._write(
            run_id,
            step_id,
            worker,
            "before = COALESCE(before, ?), inverse = COALESCE(inverse, ?), announced_in = "
            "(SELECT attempt FROM runs WHERE runs.run_id = steps.run_id)",
            _text(before),
            _text(inverse),
        )

    def withdraw(self, run_id: str, step_id: str, *, worker: str, announced_in: int) -> None:
        """Take an announcement back: it was refused, and a read showed that nothing happened.

        Args:
            announced_in: the attempt of the announcement before it, 0 if there was none.

        Raises:
            Locked: the run has another worker by now.
        """
        self._write(run_id, step_id, worker, "announced_in = ?", announced_in)

    def end_step(
        self,
        run_id: str,
        step_id: str,
        status: StepStatus,
        *,
        worker: str,
        now_s: float,
        after: Data | None = None,
        evidence: Sequence[str] = (),
        reason: str = "",
        gate: str | None = None,
    ) -> None:
        """Note how a step ended.

        Raises:
            Locked: the run has another worker by now, which sees for itself.
        """
        self._write(
            run_id,
            step_id,
            worker,
            "status = ?, ended_s = ?, after = ?, evidence = ?, reason = ?, gate = ?",
            status.value,
            now_s,
            _text(after),
            json.dumps(list(evidence)),
            reason,
            gate,
        )

    def _write(self, run_id: str, step_id: str, worker: str, changes: str, *values: object) -> None:
        def work(db: Transaction) -> None:
            fence(db, worker)
            # Nothing that a person wrote is put into the text: changes are those above.
            statement = f"UPDATE steps SET {changes} WHERE run_id = ? AND step_id = ?"  # noqa: S608
            if not db.execute(f"{statement} AND worker = ?", *values, run_id, step_id, worker):
                raise taken_over(run_id)

        self.database.transact(work)

    def step(self, run_id: str, step_id: str) -> StepRecord | None:
        """Return one entry of the journal, None if the step was not begun."""
        rows = self.database.rows(
            "SELECT * FROM steps WHERE run_id = ? AND step_id = ?", run_id, step_id
        )
        return _step(rows[0]) if rows else None

    def steps(self, run_id: str) -> Mapping[str, StepRecord]:
        """Return the journal of a run by step id."""
        rows = self.database.rows(
            "SELECT * FROM steps WHERE run_id = ? ORDER BY first_started_s", run_id
        )
        return {row["step_id"]: _step(row) for row in rows}

    def marks(self, run_id: str) -> Mapping[str, StepRecord]:
        """Return the journal of a run without what was found and seen: a fifth of the time."""
        rows = self.database.rows(
            "SELECT step_id, status, announced_in, first_started_s, started_s, ended_s, "
            "NULL AS before, NULL AS after, NULL AS inverse, '[]' AS evidence, reason, gate "
            "FROM steps WHERE run_id = ? ORDER BY first_started_s",
            run_id,
        )
        return {row["step_id"]: _step(row) for row in rows}

    def add_event(self, event: Event) -> None:
        """Keep an event; the last ones before a power cut may be missing."""
        self.new_events.add(event)

    def write_events(self, events: Sequence[Event]) -> None:
        """Keep events, in this order."""
        for run_id in dict.fromkeys(one.run_id for one in events):
            rows = [_row(one) for one in events if one.run_id == run_id]
            for start in range(0, len(rows), _ROWS):
                self._insert(run_id, rows[start : start + _ROWS])

    def _insert(self, run_id: str, rows: Sequence[tuple[object, ...]]) -> None:
        places = ", ".join(["(?, ?, ?, ?, ?, ?, ?)"] * len(rows))
        columns = "run_id, at_s, kind, server, step, text, data"
        statement = f"INSERT INTO events ({columns}) VALUES {places}"  # noqa: S608 - no value
        self.database.transact(
            lambda db: db.execute(statement, *(value for row in rows for value in row)),
            # Their numbers go up in the order in which they can be read: no reader misses one.
            alone=f"events of {run_id}",
            lasting=False,
        )

    def events(self, run_id: str, *, after: int = 0) -> tuple[tuple[int, Event], ...]:
        """Return the events of a run with their numbers, oldest first, beyond ``after``."""
        rows = self.database.rows(
            "SELECT * FROM events WHERE run_id = ? AND number > ? ORDER BY number", run_id, after
        )
        return tuple((row["number"], _event(row)) for row in rows)

    def events_of_kind(self, run_id: str, kind: str) -> tuple[Event, ...]:
        """Return the events of one kind of a run, oldest first."""
        rows = self.database.rows(
            "SELECT * FROM events WHERE run_id = ? AND kind = ? ORDER BY number", run_id, kind
        )
        return tuple(_event(row) for row in rows)

    def last_events(self, run_id: str, limit: int) -> tuple[tuple[int, Event], ...]:
        """Return the last events of a run with their numbers, oldest first."""
        rows = self.database.rows(
            "SELECT * FROM events WHERE run_id = ? ORDER BY number DESC LIMIT ?", run_id, limit
        )
        return tuple((row["number"], _event(row)) for row in reversed(rows))


def _row(event: Event) -> tuple[object, ...]:
    return (
        event.run_id,
        event.at_s,
        event.kind,
        event.server,
        event.step,
        event.text,
        json.dumps(dict(event.data)),
    )


def _text(data: Data | None) -> str | None:
    return None if data is None else json.dumps(dict(data))


def _data(text: str | None) -> Any:
    return None if text is None else json.loads(text)


def _event(row: Row) -> Event:
    return Event(
        run_id=row["run_id"],
        at_s=row["at_s"],
        kind=row["kind"],
        text=row["text"],
        server=row["server"],
        step=row["step"],
        data=json.loads(row["data"]),
    )


def _step(row: Row) -> StepRecord:
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
        evidence=tuple(json.loads(row["evidence"])) if row["evidence"] != "[]" else (),
        reason=row["reason"],
        gate=row["gate"],
    )
