"""The runs of a store: their plans, how they stand, and who works on them."""

import json
from collections.abc import Mapping, Sequence
from typing import Protocol

from orchestrator.errors import Locked, OtherVersion, RunNotFound, RunPaused
from orchestrator.rollout.outline import Outline, outline_of
from orchestrator.rollout.plan import UNDO_KIND, Plan
from orchestrator.rollout.records import Run, RunLine, RunState, StepStatus
from orchestrator.rollout.store import locks
from orchestrator.rollout.store.database import Database, Row, Transaction
from orchestrator.rollout.store.line import InLine, ahead
from orchestrator.rollout.store.locks import Locks
from orchestrator.rollout.store.workers import Workers, fence

WORKFLOW_VERSION = "3"
"""Raise it when the engine's workflows change: a run goes on only with the version it began
with, since the engine matches steps by their position."""

_ONE = (
    "SELECT runs.run_id, version, state, reason, plans.plan AS plan_json, resources, operator, "
    "worker, attempt, created_s, updated_s, ended_s "
    "FROM runs JOIN plans ON plans.run_id = runs.run_id WHERE runs.run_id = ?"
)
_LINES = (
    "SELECT run_id, state, reason, kind, services, operator, worker, attempt, created_s, "
    "updated_s, ended_s FROM runs"
)


class Runs:
    """The runs, without their journal."""

    database: Database
    workers: Workers
    locks: Locks

    def create_run(
        self,
        run_id: str,
        plan: Plan,
        *,
        worker: str,
        resources: Sequence[str],
        now_s: float,
        operator: str = "",
        partitions: Sequence[str] = (),
    ) -> None:
        """Store a new run and take its locks, both or neither.

        A run that is undone ends with this, and gives its locks to the one that undoes it.

        Args:
            worker: who works on it; empty leaves it queued for whoever is free.
            operator: the person who begins it.
            partitions: of which workers do one run after another; see ``line``.

        Raises:
            Locked: another run holds one of the resources.
        """
        queued, plan_json, outline = not worker, plan.to_json(), outline_of(plan)

        def work(db: Transaction) -> None:
            if not queued:
                fence(db, worker)
            if plan.undoes:
                self._give_way(db, plan.undoes, run_id, now_s)
            self.locks.take(
                db,
                resources,
                run_id=run_id,
                worker=worker,
                owner=operator,
                reason=purpose(plan),
                now_s=now_s,
            )
            db.execute(
                "INSERT INTO runs (run_id, version, state, reason, plan, kind, services, "
                "resources, partitions, operator, worker, attempt, created_s, updated_s) "
                "VALUES (?, ?, ?, '', '', ?, ?, ?, ?, ?, ?, 0, ?, ?)",
                run_id,
                WORKFLOW_VERSION,
                RunState.QUEUED.value if queued else RunState.RUNNING.value,
                plan.kind,
                json.dumps(list(plan.services)),
                json.dumps(list(resources)),
                json.dumps(list(partitions)),
                operator,
                worker,
                now_s,
                now_s,
            )
            db.execute(
                "INSERT INTO plans (run_id, outline, plan) VALUES (?, ?, ?)",
                run_id,
                outline.to_json(),
                plan_json,
            )

        self.database.transact(work, alone="locks")

    def _give_way(self, db: Transaction, run_id: str, undone_by: str, now_s: float) -> None:
        run = self._free(db, run_id)
        reason = "; ".join(filter(None, (run.reason, f"undone by run {undone_by}")))
        if run.ended_s is None:
            _stand(db, run_id, RunState.ABANDONED, reason, now_s)
        else:
            db.execute("UPDATE runs SET reason = ? WHERE run_id = ?", reason, run_id)

    def take_over(self, run_id: str, *, worker: str, now_s: float, in_turn: bool = False) -> Run:
        """Make this worker the owner of a run that nobody works on, locks included.

        Args:
            in_turn: only if it is queued, and no run is before it in the line.

        Returns:
            The run as it was before, with its old worker.

        Raises:
            Locked: its worker lives, it is not its turn, or another run took one of the
                resources meanwhile.
            RunNotFound: no such run.
            RunPaused: it has ended.
            OtherVersion: another version of the product began it.
        """

        def work(db: Transaction) -> Run:
            if in_turn and _ahead(db).get(run_id) != ():
                raise Locked(f"it is not the turn of run {run_id}", owner=run_id)
            run = self._free(db, run_id)
            refuse_ended(run)
            refuse_other_version(run)
            self._give(db, run, worker, now_s)
            return run

        return self.database.transact(work, alone="locks")

    def queue(self, run_id: str, *, now_s: float) -> None:
        """Leave a run that nobody works on to whichever worker is free.

        Raises:
            RunNotFound: no such run.
            RunPaused: it has ended.
            Locked: somebody works on it.
            OtherVersion: another version of the product began it.
        """

        def work(db: Transaction) -> None:
            run = self._free(db, run_id)
            refuse_ended(run)
            refuse_other_version(run)
            _stand(db, run_id, RunState.QUEUED, run.reason, now_s)

        self.database.transact(work, alone="locks")

    def stand(self, run_id: str, state: RunState, reason: str, *, now_s: float) -> None:
        """Say how a run stands that nobody works on; an abandoned one gives its locks back.

        Raises:
            RunNotFound: no such run.
            Locked: somebody works on it.
        """

        def work(db: Transaction) -> None:
            self._free(db, run_id)
            _stand(db, run_id, state, reason, now_s)

        self.database.transact(work, alone="locks")

    def _free(self, db: Transaction, run_id: str) -> Run:
        """Return a run that nobody works on; whoever did cannot write any more."""
        run = _found(db.rows(_ONE, run_id), run_id)
        if run.state is RunState.RUNNING:
            if self.workers.is_alive(run.worker, patient=True):
                raise Locked(f"run {run_id} is being worked on", owner=run_id)
            # Should it only seem dead.
            db.execute("DELETE FROM workers WHERE name = ?", run.worker)
        return run

    def _give(self, db: Transaction, run: Run, worker: str, now_s: float) -> None:
        fence(db, worker)
        self.locks.take(
            db,
            run.resources,
            run_id=run.run_id,
            worker=worker,
            owner=run.operator,
            reason=purpose(run.plan),
            now_s=now_s,
        )
        db.execute(
            "UPDATE runs SET worker = ?, state = ?, updated_s = ? WHERE run_id = ?",
            worker,
            RunState.RUNNING.value,
            now_s,
            run.run_id,
        )

    def next_attempt(self, run_id: str, again: Sequence[str]) -> int:
        """Begin a run anew where it paused; the steps given are to be run again.

        That they were announced is kept: what they did before is still ours.
        """

        def work(db: Transaction) -> None:
            for step_id in again:
                db.execute(
                    "UPDATE steps SET status = ? WHERE run_id = ? AND step_id = ?",
                    StepStatus.AGAIN.value,
                    run_id,
                    step_id,
                )
            db.execute("UPDATE runs SET attempt = attempt + 1 WHERE run_id = ?", run_id)

        self.database.transact(work)
        return self.run(run_id).attempt

    def end_run(
        self, run_id: str, state: RunState, reason: str, *, worker: str, now_s: float
    ) -> None:
        """Say how a run stands; a finished or abandoned one gives its locks back.

        Raises:
            Locked: the run has another worker by now.
        """

        def work(db: Transaction) -> None:
            fence(db, worker)
            if not _stand(db, run_id, state, reason, now_s, worker=worker):
                raise taken_over(run_id)

        self.database.transact(work)

    def run(self, run_id: str) -> Run:
        """Return a run.

        Raises:
            RunNotFound: no such run.
        """
        return _found(self.database.rows(_ONE, run_id), run_id)

    def runs(self) -> tuple[RunLine, ...]:
        """Return every run, newest first, without the plans."""
        rows = self.database.rows(f"{_LINES} ORDER BY created_s DESC, run_id")
        return tuple(_line(row) for row in rows)

    def line(self, run_id: str) -> tuple[RunLine, Outline]:
        """Return a run without its plan, and what its plan is about.

        Raises:
            RunNotFound: no such run.
        """
        found = self.database.rows(f"{_LINES} WHERE run_id = ?", run_id)
        if not found:
            raise RunNotFound(f"there is no run {run_id}")
        (row,) = self.database.rows("SELECT outline FROM plans WHERE run_id = ?", run_id)
        kept = str(row["outline"])
        # A run that an early version stored has none.
        return _line(found[0]), Outline.from_json(kept) if kept else outline_of(
            self.run(run_id).plan
        )

    def queued(self) -> tuple[str, ...]:
        """Return the ids of queued runs of this version whose turn it is, the oldest first."""
        return tuple(run_id for run_id, before in self.waiting().items() if not before)

    def waiting(self) -> Mapping[str, tuple[str, ...]]:
        """Return the ids of queued runs of this version, with those right before each."""
        return _ahead(self.database)

    def running(self) -> tuple[tuple[str, int, str], ...]:
        """Return the id, the attempt and the worker of runs of this version that are worked on.

        Those of another version are taken over by its own workers, or by nobody.
        """
        rows = self.database.rows(
            "SELECT run_id, attempt, worker FROM runs WHERE state = ? AND version = ?",
            RunState.RUNNING.value,
            WORKFLOW_VERSION,
        )
        return tuple((row["run_id"], row["attempt"], row["worker"]) for row in rows)

    def standing(self, run_id: str) -> tuple[RunState, int]:
        """Return the state and the attempt of a run, without its plan.

        Raises:
            RunNotFound: no such run.
        """
        rows = self.database.rows("SELECT state, attempt FROM runs WHERE run_id = ?", run_id)
        if not rows:
            raise RunNotFound(f"there is no run {run_id}")
        return RunState(rows[0]["state"]), rows[0]["attempt"]


class _Readable(Protocol):
    def rows(self, statement: str, *values: object) -> list[Row]: ...


def _ahead(database: _Readable) -> Mapping[str, tuple[str, ...]]:
    rows = database.rows(
        # One of another version keeps others waiting only while somebody works on it: it
        # is not taken over here.
        "SELECT run_id, state, kind, partitions FROM runs WHERE (state = ? AND "
        "(version = ? OR worker IN (SELECT name FROM workers))) OR (state = ? AND version = ?) "
        "ORDER BY CASE state WHEN 'queued' THEN 1 ELSE 0 END, updated_s, run_id",
        RunState.RUNNING.value,
        WORKFLOW_VERSION,
        RunState.QUEUED.value,
        WORKFLOW_VERSION,
    )
    return ahead(
        InLine(
            run_id=row["run_id"],
            partitions=tuple(json.loads(row["partitions"])),
            waits=row["state"] == RunState.QUEUED.value,
            undoes=row["kind"] == UNDO_KIND,
        )
        for row in rows
    )


def purpose(plan: Plan) -> str:
    """Return what a run of a plan does, for whoever finds its locks."""
    return f"{plan.kind} of {', '.join(one.name for one in plan.servers)}"


def refuse_ended(run: Run) -> None:
    """Raise RunPaused if there is nothing to go on with."""
    if run.state in (RunState.FINISHED, RunState.ABANDONED):
        raise RunPaused(f"run {run.run_id} is {run.state.value}; make a new plan")


def refuse_other_version(run: Run) -> None:
    """Raise OtherVersion unless the run was begun with our workflows."""
    if run.version != WORKFLOW_VERSION:
        raise OtherVersion(
            f"run {run.run_id} was begun by another version of kemp (its workflows are "
            f"{run.version}, ours {WORKFLOW_VERSION}): finish it with that version, or give it "
            f"up (kemp rollout abandon {run.run_id})"
        )


def taken_over(run_id: str) -> Locked:
    """Return the refusal of a worker that woke up late."""
    return Locked(f"run {run_id} was taken over by another worker", owner=run_id)


def _found(rows: Sequence[Row], run_id: str) -> Run:
    if not rows:
        raise RunNotFound(f"there is no run {run_id}")
    return _run(rows[0])


def _stand(
    db: Transaction,
    run_id: str,
    state: RunState,
    reason: str,
    now_s: float,
    *,
    worker: str | None = None,
) -> bool:
    """Write down how a run stands; False: it has another worker than the one given."""
    ended_s = now_s if state in (RunState.FINISHED, RunState.ABANDONED) else None
    changed = db.execute(
        "UPDATE runs SET state = ?, reason = ?, updated_s = ?, ended_s = ? "
        "WHERE run_id = ? AND worker = COALESCE(?, worker)",
        state.value,
        reason,
        now_s,
        ended_s,
        run_id,
        worker,
    )
    if changed and ended_s is not None:
        locks.release(db, run_id)
    return changed == 1


def _run(row: Row) -> Run:
    fields = dict(row)
    return Run(
        state=RunState(fields.pop("state")),
        resources=tuple(json.loads(fields.pop("resources"))),
        **fields,
    )


def _line(row: Row) -> RunLine:
    fields = dict(row)
    return RunLine(
        state=RunState(fields.pop("state")),
        services=tuple(json.loads(fields.pop("services"))),
        **fields,
    )
