"""The store in PostgreSQL, for workers on any number of machines.

Our tables are in the schema ``kemp``, the engine's in one of its own. Held names are
advisory locks of a session: the server lets them go when the process or its machine ends,
and all at once when the server restarts.
"""

import hashlib
import threading
import time
import urllib.parse
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import TypeVar

import psycopg
from psycopg.rows import DictRow, dict_row

from orchestrator.errors import Locked, StoreFull, StoreReadOnly, StoreUnavailable
from orchestrator.rollout.store.database import (
    Pool,
    Row,
    Transaction,
    causes,
    newer_version,
    statements,
)

SCHEMES = ("postgresql", "postgres")
_CONNECTIONS = 8
_CONNECT_S = 5
_PAUSE_S = 0.5
_HELD_BY = 0x6B656D70  # "kemp"
T = TypeVar("T")
Connection = psycopg.Connection[DictRow]


class PostgresDatabase:
    """A ``Database`` on a PostgreSQL server, version 12 or newer."""

    def __init__(self, url: str, *, patience_s: float) -> None:
        """Note the address; nothing is sent yet.

        Args:
            url: ``postgresql://user:password@host:port/database``; the password may also come
                from ``~/.pgpass``, and everything that libpq takes may follow a ``?``.
            patience_s: how long a server that was there may be away.

        Raises:
            StoreUnavailable: not such a URL. The URL itself is not in the message.
        """
        self._url, self.place = _understood(url)
        self.patience_s = patience_s
        self.grace_s = 15.0
        self._pool: Pool[Connection] = Pool(
            self._connect, close=psycopg.Connection.close, usable=_usable, size=_CONNECTIONS
        )
        self._seen = False

    @property
    def engine_url(self) -> str:
        return self._url

    def refusal(self, error: BaseException) -> StoreUnavailable | None:
        for one in causes(error):
            if isinstance(one, psycopg.Error):
                return self._refused(one)
        return None

    def prepare_engine(self) -> None:
        # It makes its own schema.
        return

    def _connect(self) -> Connection:
        connection: Connection = psycopg.connect(
            self._url,
            autocommit=True,
            row_factory=dict_row,
            connect_timeout=_CONNECT_S,
            # Notices a machine that has gone without a word, in half a minute.
            keepalives_idle=10,
            keepalives_interval=5,
            keepalives_count=4,
            fallback_application_name="kemp",
        )
        connection.execute("SET search_path = kemp")
        return connection

    def transact(
        self,
        work: Callable[[Transaction], T],
        *,
        alone: str | None = None,
        lasting: bool = True,
    ) -> T:
        def once(connection: Connection) -> T:
            number: str | None = None
            try:
                with connection.transaction():
                    if not lasting:
                        connection.execute("SET LOCAL synchronous_commit = off")
                    if alone is not None:
                        connection.execute("SELECT pg_advisory_xact_lock(%s)", [_key(alone)])
                    result = work(_Statements(connection))
                    (row,) = connection.execute(
                        "SELECT pg_current_xact_id_if_assigned()::text AS number"
                    )
                    number = row["number"]
            except psycopg.OperationalError:
                # Lost in the commit: only the server knows what became of it.
                if number is None or not connection.closed or not self._committed(number):
                    raise
            return result

        return self._patiently(once)

    def rows(self, statement: str, *values: object) -> list[Row]:
        return self._patiently(lambda connection: _Statements(connection).rows(statement, *values))

    def migrate(self, upgrades: Mapping[int, str]) -> None:
        newest = max(upgrades)

        def upgrade(db: Transaction) -> None:
            db.execute("CREATE SCHEMA IF NOT EXISTS kemp")
            db.execute("CREATE TABLE IF NOT EXISTS schema_version (version INTEGER NOT NULL)")
            # Again: another process may have been faster.
            found = self._version(db.rows("SELECT version FROM schema_version"))
            for version in range(found + 1, newest + 1):
                for statement in statements(upgrades[version]):
                    # What SQLite calls a number that counts up.
                    db.execute(
                        statement.replace(
                            "INTEGER PRIMARY KEY AUTOINCREMENT",
                            "BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY",
                        )
                    )
            db.execute("DELETE FROM schema_version")
            db.execute("INSERT INTO schema_version VALUES (?)", newest)

        there = self.rows("SELECT to_regclass('kemp.schema_version')::text AS name")
        found = 0
        if there[0]["name"] is not None:
            found = self._version(self.rows("SELECT version FROM schema_version"))
        if found > newest:
            raise newer_version(self.place, found, newest)
        if found < newest:
            self.transact(upgrade, alone="migrate")

    @staticmethod
    def _version(rows: list[Row]) -> int:
        return int(rows[0]["version"]) if rows else 0

    @contextmanager
    def hold(self, name: str) -> Iterator[None]:
        keeper = _Keeper(self._connect, name)
        # On a connection of its own; the other one sees to it that the server is there.
        if not self._patiently(lambda _: keeper.take()):
            keeper.close()
            raise Locked(f"another process is {name}", owner=name)
        try:
            with keeper.kept():
                yield
        finally:
            keeper.close()

    def is_held(self, name: str) -> bool:
        # Looked up, not tried: whoever tries holds it for a moment.
        return bool(
            self.rows(
                "SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND granted AND objsubid = 2 "
                "AND classid = ? AND objid = ? AND database = "
                "(SELECT oid FROM pg_database WHERE datname = current_database())",
                _HELD_BY,
                _short_key(name) & 0xFFFFFFFF,
            )
        )

    def close(self) -> None:
        self._pool.close()

    # -- what goes wrong ------------------------------------------------------------------

    def _patiently(self, act: Callable[[Connection], T]) -> T:
        """Carry something out; again, for a while, where the connection was lost before it was."""
        give_up_s = time.monotonic() + (self.patience_s if self._seen else 0.0)
        while True:
            try:
                with self._mapped(), self._pool.connection() as connection:
                    result = act(connection)
                self._seen = True
                return result
            except _Away as away:
                if time.monotonic() >= give_up_s:
                    raise StoreUnavailable(str(away)) from None
                # The other connections are lost too, and do not know it yet.
                self._pool.forget()
                time.sleep(_PAUSE_S)

    def _committed(self, number: str) -> bool:
        """Return whether a transaction was committed whose connection was lost meanwhile."""

        def ask(connection: Connection) -> bool:
            while True:
                (row,) = connection.execute(
                    "SELECT pg_xact_status(%s::text::xid8) AS status", [number]
                )
                if row["status"] != "in progress":
                    return bool(row["status"] == "committed")
                time.sleep(_PAUSE_S)

        return self._patiently(ask)

    @contextmanager
    def _mapped(self) -> Iterator[None]:
        try:
            yield
        except psycopg.Error as error:
            if (refused := self._refused(error)) is not None:
                raise refused from None
            # Not the library's text: it may quote the URL, or statements with values.
            if error.sqlstate is None or error.sqlstate[:2] in _AWAY:
                raise _Away(f"{self.place} does not answer ({_words(error)})") from None
            raise StoreUnavailable(f"{self.place}: {_words(error)}") from None

    def _refused(self, error: psycopg.Error) -> StoreUnavailable | None:
        match error:
            case psycopg.errors.ReadOnlySqlTransaction():
                return StoreReadOnly(f"{self.place} is read-only; is it a standby?")
            case psycopg.errors.DiskFull() | psycopg.errors.OutOfMemory():
                return StoreFull(f"{self.place}: the server has no room left")
        return None


class _Away(Exception):
    """The server is not there, for now; nobody outside of this module sees it."""


_AWAY = ("08", "57")
"""Classes of errors: connection lost; the server is shut down or starts up."""


def _words(error: psycopg.Error) -> str:
    """Return what went wrong, in words that hold no value."""
    if error.diag.message_primary:
        return error.diag.message_primary
    return type(error).__name__


class _Keeper:
    """Holds a name on a connection of its own, and takes it again after the server restarted."""

    def __init__(self, connect: Callable[[], Connection], name: str) -> None:
        self._connect = connect
        self._key = _short_key(name)
        self._connection: Connection | None = None
        self._end = threading.Event()

    def take(self) -> bool:
        """Return whether the name is ours now."""
        connection = self._connect()
        self._connection = connection
        (row,) = connection.execute(
            "SELECT pg_try_advisory_lock(%s, %s) AS held", [_HELD_BY, self._key]
        )
        return bool(row["held"])

    @contextmanager
    def kept(self) -> Iterator[None]:
        """Look after the connection until the end of the block."""
        thread = threading.Thread(target=self._watch, name="kemp-keeper", daemon=True)
        thread.start()
        try:
            yield
        finally:
            self._end.set()
            thread.join()

    def _watch(self) -> None:
        while not self._end.wait(_PAUSE_S):
            try:
                if self._connection is None:
                    self.take()
                else:
                    self._connection.execute("SELECT 1")
            except psycopg.Error:
                self.close()

    def close(self) -> None:
        """Let the name go, at once: a session that is only closed ends a moment later."""
        if self._connection is not None:
            with suppress(psycopg.Error):
                self._connection.execute("SELECT pg_advisory_unlock_all()")
            self._connection.close()
            self._connection = None


class _Statements:
    """A ``Transaction``, while it is under way."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def execute(self, statement: str, *values: object) -> int:
        return self._connection.execute(_ours(statement), values).rowcount

    def rows(self, statement: str, *values: object) -> list[Row]:
        return list(self._connection.execute(_ours(statement), values))


def _ours(statement: str) -> bytes:
    return statement.replace("?", "%s").encode()


def _usable(connection: Connection) -> bool:
    return (
        not connection.closed
        and connection.info.transaction_status is psycopg.pq.TransactionStatus.IDLE
    )


def _key(word: str) -> int:
    """Return the number of a word, of 64 bits with sign."""
    return int.from_bytes(hashlib.sha256(word.encode()).digest()[:8], "big", signed=True)


def _short_key(name: str) -> int:
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:4], "big", signed=True)


def _understood(url: str) -> tuple[str, str]:
    """Return a URL as the libraries take it, and as people may see it."""
    wrong = "KEMP_STORE is not like postgresql://user@host:port/database"
    try:
        parts = urllib.parse.urlsplit(url)
        port = parts.port
    except ValueError:
        raise StoreUnavailable(wrong) from None
    if parts.scheme not in SCHEMES or len(parts.path) < 2:
        raise StoreUnavailable(wrong)
    user = f"{parts.username}@" if parts.username else ""
    where = (parts.hostname or "") + (f":{port}" if port else "")
    shown = f"postgresql://{user}{where}{parts.path}"
    return urllib.parse.urlunsplit(parts._replace(scheme="postgresql")), shown
