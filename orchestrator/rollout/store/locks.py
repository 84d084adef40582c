"""Who holds what: a service, a host, a host's network. Rows of ours, beside the engine's.

A lock belongs to a run, not to a process: it stays while the run is paused, was cancelled or
lost its worker, and goes with the run's end. Its worker renews it for as long as it lives.
"""

import time
from collections.abc import Callable, Sequence

from orchestrator.errors import Locked, LockNotFound
from orchestrator.rollout.records import Lock
from orchestrator.rollout.store.database import Database, Row, Transaction

LOCK_EXPIRY_S = 24 * 3600.0
"""A lock whose owner is gone may be taken over when its run was not touched this long."""

_RENEW_S = 600.0


class Locks:
    """The locks of a store."""

    def __init__(self, database: Database, is_alive: Callable[[str], bool]) -> None:
        self._database = database
        self._is_alive = is_alive

    def all(self) -> tuple[Lock, ...]:
        """Return every lock."""
        rows = self._database.rows("SELECT * FROM locks ORDER BY resource")
        return tuple(Lock(**row) for row in rows)

    def check(self, resources: Sequence[str], *, now_s: float) -> None:
        """Refuse what another run holds, without taking anything.

        Raises:
            Locked: a run holds one of them.
        """
        for lock in self.all():
            if lock.resource in resources:
                self._refuse(lock, now_s)

    def take(
        self,
        db: Transaction,
        resources: Sequence[str],
        *,
        run_id: str,
        worker: str,
        owner: str,
        reason: str,
        now_s: float,
    ) -> None:
        """Take all of them, in the transaction of whoever begins or takes over a run.

        Raises:
            Locked: another run holds one of them.
        """
        for resource in resources:
            for row in db.rows("SELECT * FROM locks WHERE resource = ?", resource):
                if row["run_id"] != run_id:
                    self._refuse(Lock(**row), now_s)
            db.execute(
                "INSERT INTO locks (resource, run_id, worker, owner, reason, acquired_s, "
                "expires_s) VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (resource) DO UPDATE SET "
                # A run that comes back to its own lock has held it all the time.
                "acquired_s = CASE WHEN locks.run_id = excluded.run_id THEN locks.acquired_s "
                "ELSE excluded.acquired_s END, run_id = excluded.run_id, "
                "worker = excluded.worker, owner = excluded.owner, reason = excluded.reason, "
                "expires_s = excluded.expires_s",
                resource,
                run_id,
                worker,
                owner,
                reason,
                now_s,
                now_s + LOCK_EXPIRY_S,
            )

    def renew_of(self, worker: str, *, now_s: float) -> None:
        """Note that the runs of a worker are alive, however long they wait."""
        self._database.transact(
            lambda db: db.execute(
                "UPDATE locks SET expires_s = ? WHERE expires_s < ? AND run_id IN "
                "(SELECT run_id FROM runs WHERE worker = ? AND state = 'running')",
                now_s + LOCK_EXPIRY_S,
                # Thousands of rows: not with every beat.
                now_s + LOCK_EXPIRY_S - _RENEW_S,
                worker,
            )
        )

    def _refuse(self, lock: Lock, now_s: float) -> None:
        alive = self._is_alive(lock.worker)
        if not alive and now_s >= lock.expires_s:
            return
        what = (
            "which is being worked on: wait for its end (kemp rollout watch {0}), or end it "
            "(kemp rollout abort {0})"
            if alive
            else "which nobody works on: go on with it (kemp rollout resume {0}), or give it up "
            "(kemp rollout abandon {0})"
        ).format(lock.run_id)
        by = f" of {lock.owner}" if lock.owner else ""
        raise Locked(
            f"{lock.resource} has been held since {_when(lock.acquired_s)} by run "
            f"{lock.run_id}{by} ({lock.reason}), {what}; "
            f"kept until {_when(lock.expires_s)} at least",
            owner=lock.run_id,
        )

    def break_one(self, resource: str, *, run_id: str) -> Lock:
        """Free one lock of a run that nobody works on, and return what it was.

        The run keeps its other locks; resumed, it takes this one again if it is still free.

        Args:
            run_id: who is believed to hold it, so that nobody else's lock is broken.

        Raises:
            LockNotFound: the run does not hold it.
            Locked: the run is being worked on.
        """

        def work(db: Transaction) -> Row:
            found = db.rows("SELECT * FROM locks WHERE resource = ?", resource)
            if not found or found[0]["run_id"] != run_id:
                raise LockNotFound(f"run {run_id} does not hold {resource!r}")
            if self._is_alive(found[0]["worker"]):
                raise Locked(
                    f"run {run_id} is being worked on: pause it before its lock is broken",
                    owner=run_id,
                )
            db.execute("DELETE FROM locks WHERE resource = ?", resource)
            return found[0]

        return Lock(**self._database.transact(work, alone="locks"))


def _when(seconds: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(seconds))


def release(db: Transaction, run_id: str) -> None:
    """Give back what a run holds, in the transaction that ends it."""
    db.execute("DELETE FROM locks WHERE run_id = ?", run_id)
