"""The store as files in a directory of this machine: nothing to start, nothing to configure."""

import errno
import fcntl
import os
import sqlite3
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, TypeVar

from orchestrator.errors import Locked, StoreFull, StoreReadOnly, StoreUnavailable
from orchestrator.rollout.store.database import (
    Pool,
    Row,
    Transaction,
    causes,
    newer_version,
    statements,
)

_CONNECTIONS = 8
_CACHE_KIB = 128
"""Of each connection; SQLite would take 2,000, for a file that is read piece by piece."""
_BUSY_S = 30.0
_ROOM = 64 * 1024
"""Bytes without which SQLite cannot open a file: it keeps an index of 32 KiB beside it."""
T = TypeVar("T")


class SqliteDatabase:
    """A ``Database`` in a directory; it must be on a local disk.

    Held names are locks on files below it, which the kernel lets go when a process ends: so
    anybody can tell a dead worker from a slow one without asking a clock.
    """

    def __init__(self, directory: Path) -> None:
        """Open or make the directory.

        Raises:
            StoreUnavailable: it cannot be made.
        """
        self.directory = directory
        self.grace_s = 0.0
        self.patience_s = 0.0
        self._names = directory / "workers"
        # Our threads take turns; SQLite has who waits for a write look again and again.
        self._turn = threading.Lock()
        try:
            directory.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._names.mkdir(exist_ok=True, mode=0o700)
        except OSError as error:
            raise _refused(directory, error) from error
        self._pool: Pool[sqlite3.Connection] = Pool(
            self._connect, close=sqlite3.Connection.close, usable=_usable, size=_CONNECTIONS
        )

    @property
    def place(self) -> str:
        return str(self.directory)

    @property
    def engine_url(self) -> str:
        return f"sqlite:///{self.engine_path.absolute()}"

    @property
    def engine_path(self) -> Path:
        """Return the file of the engine's own checkpoints."""
        return self.directory / "engine.sqlite"

    def prepare_engine(self) -> None:
        with self._mapped():
            write_ahead(self.engine_path).close()

    def refusal(self, error: BaseException) -> StoreUnavailable | None:
        for one in causes(error):
            if isinstance(one, sqlite3.Error):
                found = self._meaning(one)
                return found if isinstance(found, (StoreFull, StoreReadOnly)) else None
        return None

    def _connect(self) -> sqlite3.Connection:
        path = self.directory / "runs.sqlite"
        return write_ahead(path) if os.access(self.directory, os.W_OK) else _to_look_at(path)

    def transact(
        self,
        work: Callable[[Transaction], T],
        *,
        alone: str | None = None,  # noqa: ARG002 - every transaction is alone here
        lasting: bool = True,
    ) -> T:
        with self._mapped(), self._turn, self._pool.connection() as connection:
            connection.execute(f"PRAGMA synchronous = {'FULL' if lasting else 'NORMAL'}")
            connection.execute("BEGIN IMMEDIATE")
            try:
                result = work(_Statements(connection))
                connection.execute("COMMIT")
            except BaseException:
                # A full disk has rolled back already, or failed only in the commit.
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise
            return result

    def rows(self, statement: str, *values: object) -> list[Row]:
        with self._mapped(), self._pool.connection() as connection:
            return _Statements(connection).rows(statement, *values)

    def migrate(self, upgrades: Mapping[int, str]) -> None:
        newest = max(upgrades)

        def upgrade(db: Transaction) -> None:
            # Again: another process may have been faster.
            (found,) = db.rows("PRAGMA user_version")
            for version in range(found["user_version"] + 1, newest + 1):
                for statement in statements(upgrades[version]):
                    db.execute(statement)
            db.execute(f"PRAGMA user_version = {newest}")

        (found,) = self.rows("PRAGMA user_version")
        if found["user_version"] > newest:
            raise newer_version(self.place, found["user_version"], newest)
        if found["user_version"] < newest:
            self.transact(upgrade)

    @contextmanager
    def hold(self, name: str) -> Iterator[None]:
        path = self._path(name)
        try:
            held = path.open("w")
        except OSError as error:
            raise _refused(path, error) from error
        with held:
            # Whoever held it before may have taken the file away that we have open.
            if not _lock(held) or not _same(held, path):
                raise Locked(f"another process is {name}", owner=name)
            try:
                yield
            finally:
                # Before it is unlocked: nobody finds a free lock of a worker that was.
                path.unlink(missing_ok=True)

    def is_held(self, name: str) -> bool:
        path = self._path(name)
        try:
            with path.open() as probe:
                if not _lock(probe):
                    return True
                # Left behind by a process that was killed. It says no more than a free lock
                # does, so where it may not be taken away it stays.
                with suppress(OSError):
                    path.unlink(missing_ok=True)
                return False
        except FileNotFoundError:
            return False
        except OSError as error:
            raise _refused(path, error) from error

    def close(self) -> None:
        self._pool.close()

    def _path(self, name: str) -> Path:
        return self._names / f"{name}.lock"

    @contextmanager
    def _mapped(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise self._meaning(error) from error

    def _meaning(self, error: sqlite3.Error) -> StoreUnavailable:
        # By its text: Python 3.10 does not give the code.
        text = str(error)
        message = f"{self.directory}: {text}"
        if "is full" in text:
            return StoreFull(message)
        if "readonly" in text:
            return StoreReadOnly(message)
        if "unable to open" in text or "disk I/O error" in text:
            # What is beside the database could not be made or read; SQLite does not say why.
            if not os.access(self.directory, os.W_OK):
                return StoreReadOnly(f"{self.directory} can be read and not written")
            room = os.statvfs(self.directory)
            if room.f_bavail * room.f_frsize < _ROOM:
                return StoreFull(f"{self.directory}: no room is left ({text})")
        return StoreUnavailable(message)


class _Statements:
    """A ``Transaction``, while it is under way."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def execute(self, statement: str, *values: object) -> int:
        return self._connection.execute(statement, values).rowcount

    def rows(self, statement: str, *values: object) -> list[Row]:
        cursor = self._connection.execute(statement, values)
        names = [column[0] for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor]


def write_ahead(path: Path) -> sqlite3.Connection:
    """Open a file in SQLite's write-ahead mode: half the time a step, and readers do not block.

    The mode stays with the file. The connection begins transactions only when told to.
    """
    connection = sqlite3.connect(
        path, timeout=_BUSY_S, isolation_level=None, check_same_thread=False
    )
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
    return connection


def _to_look_at(path: Path) -> sqlite3.Connection:
    """Open a file where nothing may be written, to be read only.

    What was written ahead counts as well, for which SQLite needs its index. Where nothing was,
    it is told that the file does not change, or it would want to make one.
    """
    ahead = path.with_name(f"{path.name}-wal")
    still = "" if ahead.exists() and ahead.stat().st_size else "&immutable=1"
    return sqlite3.connect(
        f"{path.absolute().as_uri()}?mode=ro{still}",
        uri=True,
        timeout=_BUSY_S,
        isolation_level=None,
        check_same_thread=False,
    )


def _usable(connection: sqlite3.Connection) -> bool:
    return not connection.in_transaction


def _lock(file: IO[str]) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _same(file: IO[str], path: Path) -> bool:
    try:
        return os.fstat(file.fileno()).st_ino == path.stat().st_ino
    except FileNotFoundError:
        return False


def _refused(path: Path, error: OSError) -> StoreUnavailable:
    kinds = {errno.EROFS: StoreReadOnly, errno.ENOSPC: StoreFull}
    kind = kinds.get(error.errno or 0, StoreUnavailable)
    return kind(f"{path}: {error.strerror}")
