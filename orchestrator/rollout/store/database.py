"""The seam to the database: a few statements as one, and names that only one process holds.

Two adapters: ``sqlite.py``, files in a directory of this machine, and ``postgres.py``. The
statements are written once, in the SQL that both understand, with ``?`` for values.
"""

import queue
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from typing import Any, Generic, Protocol, TypeVar

from orchestrator.errors import StoreUnavailable

Row = Mapping[str, Any]
T = TypeVar("T")
C = TypeVar("C")

_WAIT_S = 60.0


class Transaction(Protocol):
    """Statements that are carried out together or not at all."""

    def execute(self, statement: str, *values: object) -> int:
        """Carry a statement out and return how many rows it changed."""
        ...

    def rows(self, statement: str, *values: object) -> list[Row]:
        """Return what a query finds."""
        ...


class Database(Protocol):
    """A database of one store. Safe to use from several threads and processes.

    Every method raises StoreUnavailable, or StoreReadOnly or StoreFull where the database
    says so; none lets an error of its library out, whose text may hold a password.

    Attributes:
        place: what people are told it is: a directory, or a URL without a password.
        engine_url: what the engine opens; secret, since it may hold a password.
        grace_s: a name that nobody holds may be held again within this time, since the
            database restarted.
        patience_s: a database that was there is waited for this long.
    """

    @property
    def place(self) -> str: ...

    @property
    def engine_url(self) -> str: ...

    @property
    def grace_s(self) -> float: ...

    @property
    def patience_s(self) -> float: ...

    def transact(
        self, work: Callable[[Transaction], T], *, alone: str | None = None, lasting: bool = True
    ) -> T:
        """Carry out ``work`` as one transaction.

        A connection that is lost before the commit lets ``work`` begin again; one that is
        lost in the commit is asked about first. So it must do nothing but read and write here.

        Args:
            alone: no other transaction with this word is under way at the same time.
            lasting: False lets the last moment's writes be lost when the database's machine
                dies, which is many times faster.
        """
        ...

    def rows(self, statement: str, *values: object) -> list[Row]:
        """Return what a query finds."""
        ...

    def refusal(self, error: BaseException) -> StoreUnavailable | None:
        """Return what the database refuses, where an error of the engine's rests on that.

        It is full, or may not be written. None: something else is the matter.
        """
        ...

    def prepare_engine(self) -> None:
        """Make ready what the engine opens, before it does."""
        ...

    def migrate(self, upgrades: Mapping[int, str]) -> None:
        """Bring the tables to the newest version, one process at a time.

        Args:
            upgrades: the statements that lead to each version, beginning with 1.

        Raises:
            StoreUnavailable: the tables are of a newer version.
        """
        ...

    def hold(self, name: str) -> AbstractContextManager[None]:
        """Hold a name until the end of the block, or of the process, however it ends.

        Raises:
            Locked: somebody else holds it.
        """
        ...

    def is_held(self, name: str) -> bool:
        """Return whether a process holds the name."""
        ...

    def close(self) -> None:
        """Close every connection."""
        ...


def newer_version(place: str, found: int, ours: int) -> StoreUnavailable:
    """Return the refusal of tables that a later version of the product wrote."""
    return StoreUnavailable(
        f"{place} was written by another version (schema {found}, this one has {ours}): "
        "use that version of kemp"
    )


def causes(error: BaseException | None) -> Iterator[BaseException]:
    """Return an error and what it rests on, one after another."""
    while error is not None:
        yield error
        # Where SQLAlchemy keeps the error of the driver.
        original = getattr(error, "orig", None)
        error = original if isinstance(original, BaseException) else error.__cause__


def statements(script: str) -> Iterator[str]:
    """Return the statements of a script one by one."""
    return (one.strip() for one in script.split(";") if one.strip())


class Pool(Generic[C]):
    """A few connections for any number of threads, opened when there is need."""

    def __init__(
        self,
        connect: Callable[[], C],
        *,
        close: Callable[[C], None],
        usable: Callable[[C], bool],
        size: int,
    ) -> None:
        """Make an empty pool.

        Args:
            usable: whether a connection can be lent again after it raised.
            size: how many connections are open at most.
        """
        self._connect = connect
        self._close = close
        self._usable = usable
        self._idle: queue.LifoQueue[C] = queue.LifoQueue()
        self._places = threading.Semaphore(size)
        self._closed = False

    @contextmanager
    def connection(self) -> Iterator[C]:
        """Lend a connection until the end of the block."""
        if not self._places.acquire(timeout=_WAIT_S):
            raise StoreUnavailable(f"the store did not answer for {_WAIT_S:.0f} s")
        try:
            try:
                lent = self._idle.get_nowait()
            except queue.Empty:
                lent = self._connect()
            try:
                yield lent
            finally:
                if not self._closed and self._usable(lent):
                    self._idle.put(lent)
                else:
                    self._close(lent)
        finally:
            self._places.release()

    def close(self) -> None:
        """Close the connections that nobody uses, and the others when they come back."""
        self._closed = True
        self.forget()

    def forget(self) -> None:
        """Close the connections that nobody uses; others are opened when there is need."""
        while True:
            try:
                self._close(self._idle.get_nowait())
            except queue.Empty:
                return
