"""A store in files: who may read it, what is no store, and what a run does without one."""

import sqlite3
from pathlib import Path

import pytest

from orchestrator.errors import Locked, StoreUnavailable
from orchestrator.rollout.report import report, summaries
from orchestrator.rollout.store import Store
from orchestrator.rollout.store.schema import UPGRADES
from tests.fakes.stored_run import STEP, create
from tests.orchestrator.rollout.world import ALL_IN, World

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


def test_a_store_that_breaks_stops_the_run(ready: World) -> None:
    def change(statement: str) -> None:
        connection = sqlite3.connect(Path(ready.store.place) / "runs.sqlite")
        connection.execute(statement)
        connection.close()

    def break_it() -> None:
        change("ALTER TABLE steps RENAME TO gone")

    plan = ready.plan("kind: roll")
    with pytest.raises(StoreUnavailable, match="no such table"):
        ready.run_until(plan, "web1/disable", break_it, kind="acting")
    assert len(ready.mutations()) == 1  # what was announced; nothing after it
    change("ALTER TABLE gone RENAME TO steps")
    run_id = summaries(ready.store)[0].run_id
    assert ready.resume(run_id).finished
    assert ready.enabled() == ALL_IN
    assert len(ready.mutations()) == 6


def test_engine_file_that_is_none(ready: World) -> None:
    (Path(ready.store.place) / "engine.sqlite").write_bytes(b"not a database at all" * 100)
    plan = ready.plan("kind: drain, hosts: [web1]")
    with pytest.raises(StoreUnavailable, match="not a database"):
        ready.run(plan)
    assert not ready.mutations()


def test_store_is_shared_between_openings(ready: World) -> None:
    result = ready.run("kind: add")
    with Store(ready.store.place) as second:
        assert report(result.run_id, second) == result
