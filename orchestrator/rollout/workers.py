"""Who works on runs: a process that holds a file lock for as long as it lives.

So anybody can tell a dead worker from a slow one without asking a clock. The directory
must be on a local disk.
"""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from orchestrator.errors import Locked, StoreUnavailable


class Workers:
    """The lock files of all workers of a store."""

    def __init__(self, directory: Path) -> None:
        """Make the directory if it is not there.

        Raises:
            StoreUnavailable: it cannot be made.
        """
        self._directory = directory
        try:
            directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError as error:
            raise StoreUnavailable(f"{directory}: {error.strerror}") from error

    @contextmanager
    def hold(self, name: str) -> Iterator[None]:
        """Be a worker until the end of the block, or of the process, however it ends.

        Raises:
            Locked: somebody else is that worker.
            StoreUnavailable: the file cannot be written.
        """
        path = self._path(name)
        try:
            held = path.open("w")
        except OSError as error:
            raise StoreUnavailable(f"{path}: {error.strerror}") from error
        with held:
            if not _lock(held):
                raise Locked(f"another process is worker {name}", owner=name)
            try:
                yield
            finally:
                # Before it is unlocked: nobody finds a free lock of a worker that was.
                path.unlink(missing_ok=True)

    def is_alive(self, name: str) -> bool:
        """Return whether the worker still runs.

        Raises:
            StoreUnavailable: the file is there and cannot be read.
        """
        path = self._path(name)
        try:
            with path.open() as probe:
                return not _lock(probe)
        except FileNotFoundError:
            return False
        except OSError as error:
            raise StoreUnavailable(f"{path}: {error.strerror}") from error

    def _path(self, name: str) -> Path:
        return self._directory / f"{name}.lock"


def _lock(file: IO[str]) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
