"""Who works on runs: processes that hold their name for as long as they live.

A worker is alive while it holds its name and counts up its beats. Whoever finds that it
does not takes its row away, and from then on it cannot write, should it wake up: every
write of a worker asks for that row. So at most the one act that it was in is done twice.
"""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from orchestrator.errors import Locked, OrchestratorError, StoreUnavailable
from orchestrator.rollout.records import WorkerRecord
from orchestrator.rollout.store.database import Database, Transaction

BEAT_S = 5.0
"""A worker says this often that it lives."""

_TAKEN = (
    "this process did not answer for a while and was taken for dead; what it worked on has "
    "another worker"
)
_PATIENCE_S = 3.0
_BREATH_S = 0.2


@dataclass(slots=True, kw_only=True)
class Held:
    """A worker's name while it is held.

    Attributes:
        failure: Locked where the worker was taken for dead, StoreUnavailable where it cannot
            say that it lives; None while all is well.
    """

    failure: OrchestratorError | None = None


class Workers:
    """The workers of a store."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @contextmanager
    def hold(
        self,
        name: str,
        *,
        place: str = "",
        now_s: float = 0.0,
        beat_s: float = BEAT_S,
        on_beat: Callable[[], object] = lambda: None,
    ) -> Iterator[Held]:
        """Be a worker until the end of the block, or of the process, however it ends.

        Args:
            name: never used before.
            place: where it runs, for people.
            on_beat: called with every beat, from a thread; what it raises loses the name.

        Raises:
            Locked: somebody else is that worker.
            StoreUnavailable: the store cannot be written.
        """
        held = Held()
        end = threading.Event()

        def beat() -> None:
            while not end.wait(beat_s):
                try:
                    self._beat(name)
                    on_beat()
                except OrchestratorError as error:
                    held.failure = error
                    return

        with self._database.hold(name):
            self._database.transact(lambda db: enter(db, name, place=place, now_s=now_s))
            thread = threading.Thread(target=beat, name="kemp-beat", daemon=True)
            thread.start()
            try:
                yield held
            finally:
                end.set()
                thread.join()
                # What it leaves unfinished is free for others at once.
                with suppress(StoreUnavailable):
                    self.dismiss(name)

    def _beat(self, name: str) -> None:
        beaten = self._database.transact(
            lambda db: db.execute("UPDATE workers SET beats = beats + 1 WHERE name = ?", name)
        )
        if not beaten:
            raise Locked(_TAKEN, owner=name)

    def serve(self, name: str) -> None:
        """Say that a worker takes whatever is queued from now on, not only a run of its own."""
        self._database.transact(
            lambda db: db.execute("UPDATE workers SET serves = 1 WHERE name = ?", name)
        )

    def all(self) -> tuple[WorkerRecord, ...]:
        """Return every worker that nobody has taken for dead yet."""
        rows = self._database.rows("SELECT * FROM workers ORDER BY started_s, name")
        return tuple(WorkerRecord(**{**row, "serves": bool(row["serves"])}) for row in rows)

    def is_alive(self, name: str, *, patient: bool = False) -> bool:
        """Return whether the worker still runs.

        Args:
            patient: give it a moment to come back, where the database may have restarted.

        Raises:
            StoreUnavailable: that cannot be told.
        """
        if self.is_gone(name):
            return False
        give_up_s = time.monotonic() + (min(_PATIENCE_S, self._database.grace_s) if patient else 0)
        while not self._database.is_held(name):
            if time.monotonic() >= give_up_s:
                return False
            time.sleep(_BREATH_S)
        return True

    def is_gone(self, name: str) -> bool:
        """Return whether a worker ended, or was taken for dead."""
        return not self._database.rows("SELECT 1 AS found FROM workers WHERE name = ?", name)

    def refuse_gone(self, name: str) -> None:
        """Refuse a worker that was taken for dead, right before it changes something outside.

        Raises:
            Locked: it must not act any more.
        """
        if self.is_gone(name):
            raise Locked(_TAKEN, owner=name)

    @contextmanager
    def turn(self, what: str, worker: str) -> Iterator[bool]:
        """Be the only worker that does something, until the end of the block.

        A turn belongs to a worker, however slow it is, and is over when that one counts as
        gone: one that was frozen in its turn keeps nobody.

        Returns:
            Whether it is this worker's turn; not while it is another one's.
        """

        def take(db: Transaction) -> bool:
            if not _is_there(db, worker):
                return False
            if any(
                one["worker"] != worker and _is_there(db, one["worker"])
                for one in db.rows("SELECT worker FROM turns WHERE what = ?", what)
            ):
                return False
            db.execute(
                "INSERT INTO turns (what, worker) VALUES (?, ?) "
                "ON CONFLICT (what) DO UPDATE SET worker = excluded.worker",
                what,
                worker,
            )
            return True

        taken = self._database.transact(take, alone="turns")
        try:
            yield taken
        finally:
            # One that cannot be given back goes with the worker.
            with suppress(StoreUnavailable):
                self._database.transact(
                    lambda db: db.execute(
                        "DELETE FROM turns WHERE what = ? AND worker = ?", what, worker
                    )
                )

    def holds(self, name: str) -> bool:
        """Return whether a process holds the name right now."""
        return self._database.is_held(name)

    def dismiss(self, name: str, *, beats: int | None = None) -> bool:
        """Take a worker's right to write away. False: it is not there, or has beaten since.

        Args:
            beats: how many it had when it was found dead.
        """
        more, values = ("", ()) if beats is None else (" AND beats = ?", (beats,))
        statement = f"DELETE FROM workers WHERE name = ?{more}"  # noqa: S608 - as above
        return self._database.transact(lambda db: db.execute(statement, name, *values)) == 1


def fence(db: Transaction, worker: str) -> None:
    """Refuse a worker that was taken for dead.

    Raises:
        Locked: it must not act any more.
    """
    if not _is_there(db, worker):
        raise Locked(_TAKEN, owner=worker)


def _is_there(db: Transaction, name: str) -> bool:
    return bool(db.rows("SELECT 1 AS found FROM workers WHERE name = ?", name))


def enter(db: Transaction, name: str, *, place: str = "", now_s: float = 0.0) -> None:
    """Write down a worker, in a transaction of its own process.

    Raises:
        Locked: somebody was that worker before.
    """
    if _is_there(db, name):
        raise Locked(f"another process was worker {name}", owner=name)
    db.execute(
        "INSERT INTO workers (name, place, serves, started_s, beats) VALUES (?, ?, 0, ?, 0)",
        name,
        place,
        now_s,
    )
