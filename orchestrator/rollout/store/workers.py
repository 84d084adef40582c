"""Who works on runs: a process that holds its name for as long as it lives."""

from contextlib import AbstractContextManager

from orchestrator.rollout.store.database import Database


class Workers:
    """The workers of a store."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def hold(self, name: str) -> AbstractContextManager[None]:
        """Be a worker until the end of the block, or of the process, however it ends.

        Raises:
            Locked: somebody else is that worker.
            StoreUnavailable: the store cannot be written.
        """
        return self._database.hold(name)

    def is_alive(self, name: str) -> bool:
        """Return whether the worker still runs.

        Raises:
            StoreUnavailable: that cannot be told.
        """
        return self._database.is_held(name)
