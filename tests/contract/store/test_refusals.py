"""What a database refuses, told as the store's own error."""

import sqlite3

import psycopg
from sqlalchemy.exc import OperationalError

from orchestrator.errors import StoreFull, StoreReadOnly
from orchestrator.rollout.store import Store
from orchestrator.rollout.store.sqlite import SqliteDatabase


def test_what_the_engine_cannot_write_is_told_as_the_stores_own_error(store: Store) -> None:
    sqlite = isinstance(store.database, SqliteDatabase)
    full: Exception = (
        sqlite3.OperationalError("database or disk is full")
        if sqlite
        else psycopg.errors.DiskFull("could not extend file")
    )
    read_only: Exception = (
        sqlite3.OperationalError("attempt to write a readonly database")
        if sqlite
        else psycopg.errors.ReadOnlySqlTransaction("cannot execute INSERT")
    )
    other: Exception = (
        sqlite3.OperationalError("no such table") if sqlite else psycopg.errors.UndefinedTable("x")
    )
    for error, kind in ((full, StoreFull), (read_only, StoreReadOnly)):
        wrapped = OperationalError("INSERT INTO x VALUES ('secret')", {}, error)
        outer = RuntimeError("the engine's own")
        outer.__cause__ = wrapped
        for one in (error, wrapped, outer):
            told = store.database.refusal(one)
            assert type(told) is kind
            assert "secret" not in str(told)
    for one in (other, OperationalError("x", {}, other), RuntimeError("x")):
        assert store.database.refusal(one) is None
