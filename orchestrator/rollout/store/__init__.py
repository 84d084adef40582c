"""Where runs live: plan, journal of steps, events, locks, and what people asked for.

A directory of SQLite files by default, a PostgreSQL database for several machines. The
engine keeps its own checkpoints next to it. Nothing secret is written here.
"""

from pathlib import Path

from orchestrator.rollout.store.database import Database
from orchestrator.rollout.store.journal import Journal
from orchestrator.rollout.store.locks import Locks
from orchestrator.rollout.store.requests import Requests
from orchestrator.rollout.store.runs import Runs
from orchestrator.rollout.store.schema import UPGRADES
from orchestrator.rollout.store.turns import Together
from orchestrator.rollout.store.workers import Workers


class Store(Runs, Journal):
    """One store. Safe to use from several threads and processes.

    Attributes:
        locks: who holds what.
        requests: what people ask of runs.
        workers: who works on runs.
    """

    def __init__(self, place: str | Path, *, patience_s: float = 60.0) -> None:
        """Open the store, or make it.

        Args:
            place: a directory, or the URL of a PostgreSQL database.
            patience_s: how long a database that was there is waited for.

        Raises:
            StoreUnavailable: not to be reached, read or written, or of a later version.
        """
        self.database = _database(place, patience_s)
        try:
            self.database.migrate(UPGRADES)
        except BaseException:
            self.database.close()
            raise
        self.workers = Workers(self.database)
        self.locks = Locks(self.database, self.workers.is_alive)
        self.requests = Requests(self.database)
        self.new_events = Together(self.write_events)

    @property
    def place(self) -> str:
        """Return where it is, for people: no password."""
        return self.database.place

    def close(self) -> None:
        """Close every connection of every thread."""
        self.database.close()

    def __enter__(self) -> "Store":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _database(place: str | Path, patience_s: float) -> Database:
    # Imported here: a driver costs a tenth of a second that the other store does not need.
    if "://" in str(place):
        from orchestrator.rollout.store.postgres import PostgresDatabase

        return PostgresDatabase(str(place), patience_s=patience_s)
    from orchestrator.rollout.store.sqlite import SqliteDatabase

    return SqliteDatabase(Path(place))
