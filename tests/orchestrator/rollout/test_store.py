"""The journal, the locks and the workers, without a rollout."""

import sqlite3
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from orchestrator.errors import Locked, RunNotFound, StoreUnavailable
from orchestrator.rollout.plan import Floor, Plan, ServerPlan, Step, StepKind
from orchestrator.rollout.records import Event, RunState, StepStatus
from orchestrator.rollout.store import LOCK_EXPIRY_S, SCHEMA_VERSION, Store

STEP = "web1/disable"


def plan() -> Plan:
    step = Step(
        id=STEP, server="web1", kind=StepKind.DISABLE, why="x", before={"a": 1}, after={"a": 2}
    )
    return Plan(
        kind="drain",
        loadmaster="lb1",
        service="tcp/203.0.113.250:80",
        batches=(("web1",),),
        servers=(ServerPlan(name="web1", server="203.0.113.11:80", why="x", steps=(step,)),),
        floor=Floor(servers=2, healthy=2, lowest=1, most_out=1, min_healthy=1, max_unavailable=1),
        warnings=(),
        spec={},
        facts={"a": "1"},
    )


def create(store: Store, run_id: str, *resources: str, worker: str = "w", now_s: float = 0) -> None:
    store.create_run(run_id, plan(), worker=worker, resources=resources, now_s=now_s)


@pytest.fixture
def run(store: Store) -> Store:
    create(store, "r1", "host a")
    return store


def test_a_run_is_kept(store: Store) -> None:
    create(store, "r1", "host a", now_s=5)
    with Store(store.directory) as other:
        kept = other.run("r1")
    assert (kept.state, kept.attempt, kept.created_s) == (RunState.RUNNING, 1, 5)
    assert kept.plan == plan()
    assert [one.run_id for one in store.runs()] == ["r1"]
    with pytest.raises(RunNotFound):
        store.run("r2")


def test_locks_are_all_or_none(store: Store) -> None:
    create(store, "r1", "service x", "host a")
    with pytest.raises(Locked, match="host a is held for 2 min by run r1") as locked:
        create(store, "r2", "host b", "host a", now_s=120)
    assert locked.value.owner == "r1"
    assert {one.resource for one in store.locks()} == {"service x", "host a"}
    with pytest.raises(RunNotFound):
        store.run("r2")
    create(store, "r3", "host b")


def test_a_finished_run_gives_its_locks_back_a_paused_one_keeps_them(run: Store) -> None:
    run.end_run("r1", RunState.PAUSED, "x", worker="w", now_s=1)
    assert run.locks()
    run.end_run("r1", RunState.FINISHED, "x", worker="w", now_s=2)
    assert not run.locks()
    assert run.run("r1").ended_s == 2


def test_an_expired_lock_is_taken_unless_its_worker_lives(run: Store) -> None:
    later = LOCK_EXPIRY_S + 1
    with run.workers.hold("w"), pytest.raises(Locked, match="is working on it"):
        create(run, "r2", "host a", now_s=later)
    with pytest.raises(Locked, match="kemp rollout resume r1"):
        create(run, "r2", "host a", now_s=LOCK_EXPIRY_S - 1)
    create(run, "r2", "host a", worker="w2", now_s=later)
    assert run.locks()[0].run_id == "r2"


def test_work_keeps_the_locks_fresh(run: Store) -> None:
    run.begin_step("r1", STEP, worker="w", now_s=1000)
    assert run.locks()[0].expires_s == 1000 + LOCK_EXPIRY_S


def test_take_over(run: Store) -> None:
    with run.workers.hold("w"), pytest.raises(Locked, match="being worked on"):
        run.take_over("r1", worker="w2", resources=["host a"], now_s=1)
    before = run.take_over("r1", worker="w2", resources=["host a"], now_s=1)
    assert before.worker == "w"
    assert run.run("r1").worker == "w2"
    assert run.locks()[0].worker == "w2"


def test_a_worker_that_wakes_up_late_cannot_write(run: Store) -> None:
    run.begin_step("r1", STEP, worker="w", now_s=1)
    run.take_over("r1", worker="w2", resources=["host a"], now_s=2)
    with pytest.raises(Locked, match="taken over"):
        run.begin_step("r1", STEP, worker="w", now_s=3)
    with pytest.raises(Locked, match="taken over"):
        run.announce("r1", STEP, worker="w", before={}, inverse=None)
    with pytest.raises(Locked, match="taken over"):
        run.end_run("r1", RunState.FINISHED, "x", worker="w", now_s=3)
    run.begin_step("r1", STEP, worker="w2", now_s=3)


def test_take_over_fails_where_another_run_has_the_lock_now(run: Store) -> None:
    create(run, "r2", "host a", worker="w2", now_s=LOCK_EXPIRY_S + 1)
    with pytest.raises(Locked, match="held"):
        run.take_over("r1", worker="w3", resources=["host a"], now_s=LOCK_EXPIRY_S + 2)
    assert run.run("r1").worker == "w"


def test_journal(run: Store) -> None:
    assert run.step("r1", STEP) is None
    begun = run.begin_step("r1", STEP, worker="w", now_s=10)
    assert (begun.status, begun.intended, begun.first_started_s) == (StepStatus.RUNNING, False, 10)
    run.announce("r1", STEP, worker="w", before={"a": 1}, inverse={"kind": "enable"})
    again = run.begin_step("r1", STEP, worker="w", now_s=20)
    assert again.intended
    assert (again.first_started_s, again.started_s) == (10, 20)
    # A repeated announcement may see our own work: the first one has the truth.
    run.announce("r1", STEP, worker="w", before={"a": 2}, inverse={"kind": "other"})
    run.end_step("r1", STEP, StepStatus.DONE, now_s=30, after={"a": 2}, evidence=["seen"])
    ended = run.steps("r1")[STEP]
    assert (ended.before, ended.after, ended.inverse) == ({"a": 1}, {"a": 2}, {"kind": "enable"})
    assert (ended.evidence, ended.ended_s, ended.status) == (("seen",), 30, StepStatus.DONE)
    assert run.begin_step("r1", STEP, worker="w", now_s=40).status.complete


def test_a_new_attempt_starts_deadlines_anew_and_keeps_announcements(run: Store) -> None:
    run.begin_step("r1", STEP, worker="w", now_s=10)
    run.announce("r1", STEP, worker="w", before={}, inverse=None)
    run.end_step("r1", STEP, StepStatus.FAILED, now_s=11, reason="x", gate="floor")
    assert run.next_attempt("r1", [STEP]) == 2
    record = run.begin_step("r1", STEP, worker="w", now_s=50)
    assert (record.first_started_s, record.announced_in) == (50, 1)
    assert record.status is StepStatus.RUNNING


def test_events(run: Store) -> None:
    event = Event(run_id="r1", at_s=1, kind="waiting", text="x", server="web1", data={"n": 3})
    run.add_event(event)
    run.add_event(event)
    (first, kept), (second, _) = run.events("r1")
    assert kept == event
    assert [number for number, _ in run.events("r1", after=first)] == [second]


def test_threads_share_a_store(run: Store) -> None:
    def write() -> None:
        for _ in range(20):
            run.add_event(Event(run_id="r1", at_s=1, kind="x", text="x", data={}))

    threads = [threading.Thread(target=write) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(run.events("r1")) == 80


# -- workers ----------------------------------------------------------------------------


def test_worker_is_alive_while_it_holds_its_file(store: Store) -> None:
    assert not store.workers.is_alive("w")
    with store.workers.hold("w"):
        assert store.workers.is_alive("w")
        with pytest.raises(Locked), store.workers.hold("w"):
            pass
    assert not store.workers.is_alive("w")


def test_worker_of_a_killed_process_is_dead(store: Store) -> None:
    code = (
        "import sys, time; from pathlib import Path\n"
        "from orchestrator.rollout.workers import Workers\n"
        "with Workers(Path(sys.argv[1])).hold('w'):\n"
        "    print('held', flush=True)\n"
        "    time.sleep(60)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, str(store.directory / "workers")],
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        assert store.workers.is_alive("w")
        process.kill()
        process.wait()
    assert (store.directory / "workers" / "w.lock").exists()
    assert not store.workers.is_alive("w")


# -- a store that cannot be used --------------------------------------------------------


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
    connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION + 1}")
    connection.close()
    with pytest.raises(StoreUnavailable, match="another version"):
        Store(tmp_path)


def test_full_or_read_only(run: Store) -> None:
    connection = sqlite3.connect(run.directory / "runs.sqlite")
    connection.execute("DROP TABLE steps")
    connection.close()
    with pytest.raises(StoreUnavailable):
        run.begin_step("r1", STEP, worker="w", now_s=1)
    with pytest.raises(StoreUnavailable):
        run.steps("r1")


def test_directory_is_private(tmp_path: Path) -> None:
    Store(tmp_path / "state").close()
    assert (tmp_path / "state").stat().st_mode & 0o077 == 0
