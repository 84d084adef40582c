"""The runs of a store: their plans, how they stand, and who works on them."""

from collections.abc import Sequence

from orchestrator.errors import Locked, OtherVersion, RunNotFound
from orchestrator.rollout.plan import Plan
from orchestrator.rollout.records import Run, RunState, StepStatus
from orchestrator.rollout.store import locks
from orchestrator.rollout.store.database import Database, Row, Transaction
from orchestrator.rollout.store.locks import Locks
from orchestrator.rollout.store.workers import Workers

WORKFLOW_VERSION = "2"
"""Raise it when the engine's workflows change: a run goes on only with the version it began
with, since the engine matches steps by their position."""


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
    ) -> None:
        """Store a new run and take its locks, both or neither.

        Args:
            operator: the person who begins it.

        Raises:
            Locked: another run holds one of the resources.
        """

        def work(db: Transaction) -> None:
            self._hold(db, run_id, plan, resources, worker, operator, now_s)
            db.execute(
                "INSERT INTO runs (run_id, version, state, reason, plan, operator, worker, "
                "attempt, created_s, updated_s) VALUES (?, ?, ?, '', ?, ?, ?, 1, ?, ?)",
                run_id,
                WORKFLOW_VERSION,
                RunState.RUNNING.value,
                plan.to_json(),
                operator,
                worker,
                now_s,
                now_s,
            )

        self.database.transact(work, alone="locks")

    def _hold(
        self,
        db: Transaction,
        run_id: str,
        plan: Plan,
        resources: Sequence[str],
        worker: str,
        owner: str,
        now_s: float,
    ) -> None:
        purpose = f"{plan.kind} of {', '.join(one.name for one in plan.servers)}"
        self.locks.take(
            db, resources, run_id=run_id, worker=worker, owner=owner, reason=purpose, now_s=now_s
        )

    def take_over(self, run_id: str, *, worker: str, resources: Sequence[str], now_s: float) -> Run:
        """Make this worker the owner of a run that nobody works on, locks included.

        Returns:
            The run as it was before, with its old worker.

        Raises:
            Locked: its worker lives, or another run took one of the resources meanwhile.
            RunNotFound: no such run.
            OtherVersion: another version of the product began it.
        """

        def work(db: Transaction) -> Run:
            run = _found(db.rows("SELECT * FROM runs WHERE run_id = ?", run_id), run_id)
            if run.state is RunState.RUNNING and self.workers.is_alive(run.worker):
                raise Locked(f"run {run_id} is being worked on", owner=run_id)
            refuse_other_version(run)
            self._hold(db, run_id, run.plan, resources, worker, run.operator, now_s)
            db.execute(
                "UPDATE runs SET worker = ?, state = ?, updated_s = ? WHERE run_id = ?",
                worker,
                RunState.RUNNING.value,
                now_s,
                run_id,
            )
            return run

        return self.database.transact(work, alone="locks")

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
        ended_s = None if state in (RunState.RUNNING, RunState.PAUSED) else now_s

        def work(db: Transaction) -> None:
            changed = db.execute(
                "UPDATE runs SET state = ?, reason = ?, updated_s = ?, ended_s = ? "
                "WHERE run_id = ? AND worker = ?",
                state.value,
                reason,
                now_s,
                ended_s,
                run_id,
                worker,
            )
            if not changed:
                raise taken_over(run_id)
            if ended_s is not None:
                locks.release(db, run_id)

        self.database.transact(work)

    def run(self, run_id: str) -> Run:
        """Return a run.

        Raises:
            RunNotFound: no such run.
        """
        return _found(self.database.rows("SELECT * FROM runs WHERE run_id = ?", run_id), run_id)

    def runs(self) -> tuple[Run, ...]:
        """Return every run, newest first."""
        rows = self.database.rows("SELECT * FROM runs ORDER BY created_s DESC, run_id")
        return tuple(_run(row) for row in rows)


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


def _run(row: Row) -> Run:
    fields = dict(row)
    plan_json = fields.pop("plan")
    return Run(**{**fields, "state": RunState(row["state"]), "plan_json": plan_json})
