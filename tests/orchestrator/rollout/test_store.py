"""A store in files: who may read it, and what is no store."""

import sqlite3
from pathlib import Path

import pytest

from orchestrator.errors import Locked, StoreUnavailable
from orchestrator.rollout.report import summaries
from orchestrator.rollout.store import Store
from orchestrator.rollout.store.schema import UPGRADES
from tests.contract.test_store import STEP, create

OLD_PLAN = '{"kind": "roll", "floors": [{"service": "tcp/v:80", "loadmaster": "lb1"}]}'


def test_not_a_directory(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreUnavailable, match="file"):
        Store(tmp_path / "file")


def test_not_a_database(tmp_path: Path) -> None:
    (tmp_path / "runs.sqlite").write_bytes(b"something else entirely, for certain" * 100)
    with pytest.raises(StoreUnavailable, match="not a database"):
        Store(tmp_path)


def test_another_version(tmp_path: Path) -> None:
    Store(tmp_path).close()
    connection = sqlite3.connect(tmp_path / "runs.sqlite")
    connection.execute(f"PRAGMA user_version = {max(UPGRADES) + 1}")
    connection.close()
    with pytest.raises(StoreUnavailable, match="another version"):
        Store(tmp_path)


def test_a_table_that_is_gone(tmp_path: Path) -> None:
    run = Store(tmp_path)
    create(run, "r1", "host a")
    connection = sqlite3.connect(tmp_path / "runs.sqlite")
    connection.execute("DROP TABLE steps")
    connection.close()
    with pytest.raises(StoreUnavailable):
        run.begin_step("r1", STEP, worker="w", now_s=1)
    with pytest.raises(StoreUnavailable):
        run.steps("r1")
    run.close()


def test_directory_is_private(tmp_path: Path) -> None:
    Store(tmp_path / "state").close()
    assert (tmp_path / "state").stat().st_mode & 0o077 == 0


def test_a_store_of_the_first_version_is_brought_up_to_date(tmp_path: Path) -> None:
    connection = sqlite3.connect(tmp_path / "runs.sqlite")
    connection.executescript(UPGRADES[1])
    connection.execute("INSERT INTO locks VALUES ('host a', 'old', 'gone', 'roll of web1', 0, 100)")
    connection.execute(
        "INSERT INTO runs VALUES ('old', 'paused', '', ?, 'gone', 1, 0, 0, NULL)", [OLD_PLAN]
    )
    connection.execute("PRAGMA user_version = 1")
    connection.commit()
    connection.close()
    with Store(tmp_path) as store:
        (line,) = summaries(store)
        assert (line.run_id, line.kind, line.services) == ("old", "roll", ("tcp/v:80 on lb1",))
        assert store.run("old").plan_json == OLD_PLAN
        with pytest.raises(Locked, match="by run old"):
            create(store, "r1", "host a", now_s=99)
        create(store, "r1", "host a", now_s=101)
    Store(tmp_path).close()
