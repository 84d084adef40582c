"""A store of each kind, and a run in it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from orchestrator.rollout.store import Store
from tests.fakes.postgres import PostgresServer
from tests.fakes.stored_run import create


@pytest.fixture(params=["sqlite", "postgres"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return str(tmp_path / "state")
    server: PostgresServer = request.getfixturevalue("postgres")
    return server.new_database()


@pytest.fixture
def store(place: str) -> Iterator[Store]:
    with Store(place) as store:
        yield store


@pytest.fixture
def run(store: Store) -> Store:
    create(store, "r1", "host a")
    store.next_attempt("r1", [])
    return store
