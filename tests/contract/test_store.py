"""What every store does: SQLite files and a real PostgreSQL server, held to the same."""

import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from sqlalchemy.exc import OperationalError

from orchestrator.errors import (
    AlreadyAsked,
    Locked,
    LockNotFound,
    OtherVersion,
    RunNotFound,
    RunPaused,
    StoreFull,
    StoreReadOnly,
)
from orchestrator.rollout.plan import Floor, Gate, Plan, ServerPlan, Step, StepKind
from orchestrator.rollout.records import Event, RequestKind, RequestState, RunState, StepStatus
from orchestrator.rollout.store import Store, workers
from orchestrator.rollout.store.locks import LOCK_EXPIRY_S
from orchestrator.rollout.store.sqlite import SqliteDatabase
from tests.fakes.postgres import PostgresServer

STEP = "web1/disable"


def plan() -> Plan:
    step = Step(
        id=STEP, server="web1", kind=StepKind.DISABLE, why="x", before={"a": 1}, after={"a": 2}
    )
    return Plan(
        kind="drain",
        batches=(("web1",),),
        gates=(Gate(name="before batch 1"), Gate(name="batch 1")),
        servers=(ServerPlan(name="web1", host="web1", places=(), why="x", steps=(step,)),),
        floors=(
            Floor(
                loadmaster="lb1",
                service="tcp/203.0.113.250:80",
                servers=2,
                healthy=2,
                lowest=1,
                most_out=1,
                min_healthy=1,
                max_unavailable=1,
            ),
        ),
        warnings=(),
        spec={},
        facts={"a": "1"},
    )


def enter(store: Store, *names: str) -> None:
    """Be workers that nobody has taken for dead; whether they are is another question."""
    for name in names:
        if store.workers.is_gone(name):
            store.database.transact(lambda db, name=name: workers.enter(db, name))  # type: ignore[misc]


def create(store: Store, run_id: str, *resources: str, worker: str = "w", now_s: float = 0) -> None:
    enter(store, worker)
    store.create_run(run_id, plan(), worker=worker, resources=resources, now_s=now_s)


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


def test_a_run_is_kept(store: Store, place: str) -> None:
    create(store, "r1", "host a", now_s=5)
    with Store(place) as other:
        kept = other.run("r1")
    assert (kept.state, kept.attempt, kept.created_s) == (RunState.RUNNING, 0, 5)
    assert kept.plan == plan()
    assert [one.run_id for one in store.runs()] == ["r1"]
    with pytest.raises(RunNotFound):
        store.run("r2")


def test_locks_are_all_or_none(store: Store) -> None:
    create(store, "r1", "service x", "host a")
    with pytest.raises(Locked, match=r"host a has been held since .* by run r1") as locked:
        create(store, "r2", "host b", "host a", now_s=120)
    assert locked.value.owner == "r1"
    assert {one.resource for one in store.locks.all()} == {"service x", "host a"}
    with pytest.raises(RunNotFound):
        store.run("r2")
    create(store, "r3", "host b")


def test_a_finished_run_gives_its_locks_back_a_paused_one_keeps_them(run: Store) -> None:
    run.end_run("r1", RunState.PAUSED, "x", worker="w", now_s=1)
    assert run.locks.all()
    run.end_run("r1", RunState.FINISHED, "x", worker="w", now_s=2)
    assert not run.locks.all()
    assert run.run("r1").ended_s == 2


def test_an_expired_lock_is_taken_unless_its_worker_lives(run: Store) -> None:
    later = LOCK_EXPIRY_S + 1
    with run.database.hold("w"), pytest.raises(Locked, match="is being worked on"):
        create(run, "r2", "host a", now_s=later)
    with pytest.raises(Locked, match="kemp rollout resume r1"):
        create(run, "r2", "host a", now_s=LOCK_EXPIRY_S - 1)
    create(run, "r2", "host a", worker="w2", now_s=later)
    assert run.locks.all()[0].run_id == "r2"


def test_take_over(run: Store) -> None:
    enter(run, "w2")
    with run.database.hold("w"), pytest.raises(Locked, match="being worked on"):
        run.take_over("r1", worker="w2", now_s=1)
    before = run.take_over("r1", worker="w2", now_s=1)
    assert before.worker == "w"
    assert run.run("r1").worker == "w2"
    assert run.locks.all()[0].worker == "w2"


def test_a_worker_that_wakes_up_late_cannot_write(run: Store) -> None:
    run.begin_step("r1", STEP, worker="w", now_s=1)
    enter(run, "w2")
    run.take_over("r1", worker="w2", now_s=2)
    with pytest.raises(Locked, match="taken for dead"):
        run.begin_step("r1", STEP, worker="w", now_s=3)
    with pytest.raises(Locked, match="taken for dead"):
        run.announce("r1", STEP, worker="w", before={}, inverse=None)
    with pytest.raises(Locked, match="taken for dead"):
        run.withdraw("r1", STEP, worker="w", announced_in=0)
    with pytest.raises(Locked, match="taken for dead"):
        run.end_step("r1", STEP, StepStatus.DONE, worker="w", now_s=3)
    with pytest.raises(Locked, match="taken for dead"):
        run.end_run("r1", RunState.FINISHED, "x", worker="w", now_s=3)
    run.begin_step("r1", STEP, worker="w2", now_s=3)


def test_take_over_fails_where_another_run_has_the_lock_now(run: Store) -> None:
    create(run, "r2", "host a", worker="w2", now_s=LOCK_EXPIRY_S + 1)
    enter(run, "w3")
    with pytest.raises(Locked, match="held"):
        run.take_over("r1", worker="w3", now_s=LOCK_EXPIRY_S + 2)
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
    run.end_step(
        "r1", STEP, StepStatus.DONE, worker="w", now_s=30, after={"a": 2}, evidence=["seen"]
    )
    ended = run.steps("r1")[STEP]
    assert (ended.before, ended.after, ended.inverse) == ({"a": 1}, {"a": 2}, {"kind": "enable"})
    assert (ended.evidence, ended.ended_s, ended.status) == (("seen",), 30, StepStatus.DONE)
    assert run.begin_step("r1", STEP, worker="w", now_s=40).status.complete


def test_a_new_attempt_starts_deadlines_anew_and_keeps_announcements(run: Store) -> None:
    run.begin_step("r1", STEP, worker="w", now_s=10)
    run.announce("r1", STEP, worker="w", before={}, inverse=None)
    run.end_step("r1", STEP, StepStatus.FAILED, worker="w", now_s=11, reason="x", gate="floor")
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


# -- locks of runs that nobody works on --------------------------------------------------


def test_a_lock_says_who_and_why_and_a_run_that_comes_back_keeps_its_age(store: Store) -> None:
    enter(store, "w", "w2")
    store.create_run("r1", plan(), worker="w", resources=["a"], now_s=60, operator="ada@ops1")
    with pytest.raises(
        Locked,
        match=r"a has been held since 1970-01-01 00:01 UTC by run r1 of ada@ops1 "
        r"\(drain of web1\)",
    ):
        store.locks.check(["a"], now_s=120)
    store.locks.check(["b"], now_s=120)
    store.take_over("r1", worker="w2", now_s=1000)
    (lock,) = store.locks.all()
    assert (lock.acquired_s, lock.worker, lock.owner) == (60, "w2", "ada@ops1")
    assert lock.expires_s == 1000 + LOCK_EXPIRY_S


def test_a_lock_is_broken_by_name_unless_somebody_works_there(run: Store) -> None:
    with pytest.raises(LockNotFound):
        run.locks.break_one("host a", run_id="r2")
    with pytest.raises(LockNotFound):
        run.locks.break_one("host b", run_id="r1")
    with run.database.hold("w"), pytest.raises(Locked, match="pause it"):
        run.locks.break_one("host a", run_id="r1")
    assert run.locks.break_one("host a", run_id="r1").resource == "host a"
    create(run, "r2", "host a", worker="w2")
    enter(run, "w3")
    with pytest.raises(Locked, match="held"):
        run.take_over("r1", worker="w3", now_s=1)


def test_of_two_that_begin_at_once_one_gets_the_lock(place: str) -> None:
    names = [f"r{number}" for number in range(6)]
    refused: list[str] = []
    start = threading.Barrier(len(names))

    def begin(name: str) -> None:
        with Store(place) as store:
            start.wait(30)
            try:
                create(store, name, "host a", worker=name)
            except Locked:
                refused.append(name)

    threads = [threading.Thread(target=begin, args=[name]) for name in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    with Store(place) as store:
        (run_,) = store.runs()
        (lock,) = store.locks.all()
    assert lock.run_id == run_.run_id
    assert sorted([*refused, run_.run_id]) == names


def test_a_run_of_another_version_is_refused(run: Store) -> None:
    run.database.transact(lambda db: db.execute("UPDATE runs SET version = '1'"))
    enter(run, "w2")
    with pytest.raises(OtherVersion, match="finish it with that version"):
        run.take_over("r1", worker="w2", now_s=1)
    assert run.run("r1").worker == "w"


def test_runs_of_another_version_are_left_to_its_workers_and_can_be_given_up(run: Store) -> None:
    assert [one[0] for one in run.running()] == ["r1"]
    run.database.transact(lambda db: db.execute("UPDATE runs SET version = '1'"))
    assert run.running() == ()
    run.workers.dismiss("w")
    run.stand("r1", RunState.ABANDONED, "upgraded", now_s=2)
    assert run.run("r1").state is RunState.ABANDONED
    assert run.locks.all() == ()


# -- what people ask ----------------------------------------------------------------------


def test_a_request_is_asked_once_and_answered_once(run: Store) -> None:
    asked = run.requests.ask("r1", RequestKind.PAUSE, asked_by="ada", now_s=10, note="lunch")
    assert run.requests.open("r1") == (asked,)
    with pytest.raises(AlreadyAsked, match="ada asked for pause 5 s ago") as already:
        run.requests.ask("r1", RequestKind.PAUSE, asked_by="bob", now_s=15)
    assert already.value.by == "ada"
    run.requests.ask("r1", RequestKind.SKIP, "web1", asked_by="bob", now_s=15)
    run.requests.ask("r1", RequestKind.SKIP, "web2", asked_by="bob", now_s=15)
    assert run.requests.take(asked, now_s=20, answer="done")
    assert not run.requests.take(asked, now_s=21)
    assert not run.requests.refuse(asked, "too late", now_s=21)
    answered = run.requests.get(asked.number)
    assert (answered.state, answered.answer, answered.answered_s) == (
        RequestState.TAKEN,
        "done",
        20,
    )
    assert [one.words for one in run.requests.open("r1")] == ["skip web1", "skip web2"]
    # Answered, it may be asked again.
    run.requests.ask("r1", RequestKind.PAUSE, asked_by="bob", now_s=30)
    assert len(run.requests.of_run("r1")) == 4
    with pytest.raises(RunNotFound):
        run.requests.ask("r2", RequestKind.PAUSE, asked_by="ada", now_s=1)
    with pytest.raises(RunNotFound):
        run.requests.get(4711)


def test_a_gate_is_approved_once(run: Store) -> None:
    approve = RequestKind.APPROVE
    asked = run.requests.ask("r1", approve, "canary", asked_by="ada", now_s=1, once=True)
    assert run.requests.take(asked, now_s=2)
    with pytest.raises(AlreadyAsked, match="ada asked for approve canary 2 s ago, and it was done"):
        run.requests.ask("r1", approve, "canary", asked_by="bob", now_s=3, once=True)
    other = run.requests.ask("r1", approve, "half", asked_by="bob", now_s=3, once=True)
    assert run.requests.refuse(other, "it does not wait for that", now_s=4)
    run.requests.ask("r1", approve, "half", asked_by="bob", now_s=5, once=True)


def test_of_operators_who_approve_at_once_one_wins(run: Store, place: str) -> None:
    won: list[str] = []
    told: list[str] = []
    start = threading.Barrier(6)

    def approve(name: str) -> None:
        with Store(place) as store:
            start.wait(30)
            try:
                store.requests.ask(
                    "r1", RequestKind.APPROVE, "canary", asked_by=name, now_s=1, once=True
                )
            except AlreadyAsked as already:
                told.append(already.by)
            else:
                won.append(name)

    threads = [threading.Thread(target=approve, args=[f"op{n}"]) for n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(won) == 1
    assert told == won * 5


# -- workers ----------------------------------------------------------------------------


def test_worker_is_alive_while_it_holds_its_file(store: Store) -> None:
    assert not store.workers.is_alive("w")
    with store.workers.hold("w", place="here") as held:
        store.workers.serve("w")
        assert store.workers.is_alive("w")
        (one,) = store.workers.all()
        assert (one.name, one.place, one.serves) == ("w", "here", True)
        with pytest.raises(Locked), store.workers.hold("w"):
            pass
    assert held.failure is None
    assert not store.workers.is_alive("w")
    assert not store.workers.all()


def test_worker_of_a_killed_process_is_dead(store: Store, place: str) -> None:
    code = (
        "import sys, time\n"
        "from orchestrator.rollout.store import Store\n"
        "with Store(sys.stdin.readline().strip()) as store, store.workers.hold('w'):\n"
        "    print('held', flush=True)\n"
        "    time.sleep(60)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(f"{place}\n")
        process.stdin.flush()
        assert process.stdout.readline() == "held\n"
        assert store.workers.is_alive("w")
        process.kill()
        process.wait()
    deadline = time.monotonic() + 10
    while store.workers.is_alive("w"):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    # It can write no more, should somebody take the name again.
    (dead,) = store.workers.all()
    assert not store.workers.dismiss("w", beats=dead.beats + 1)
    assert store.workers.dismiss("w", beats=dead.beats)
    with store.workers.hold("w"):
        assert store.workers.is_alive("w")


def test_a_worker_that_is_dismissed_hears_of_it(store: Store) -> None:
    with store.workers.hold("w", beat_s=0.01) as held:
        deadline = time.monotonic() + 10
        while store.workers.all()[0].beats < 3:
            assert time.monotonic() < deadline
        assert store.workers.dismiss("w")
        while held.failure is None:
            assert time.monotonic() < deadline
            time.sleep(0.01)
    assert isinstance(held.failure, Locked)


# -- runs that wait for a worker ---------------------------------------------------------


def test_queued_runs_are_given_away_once_and_hold_their_locks(store: Store) -> None:
    enter(store, "w", "w2")
    store.create_run("r1", plan(), worker="", resources=["host a"], now_s=1)
    store.create_run("r2", plan(), worker="", resources=["host b"], now_s=0)
    assert store.queued() == ("r2", "r1")
    with pytest.raises(Locked, match="held"):
        create(store, "r3", "host a", now_s=2)
    before = store.take_over("r2", worker="w", now_s=3)
    assert (before.state, before.attempt, before.resources) == (RunState.QUEUED, 0, ("host b",))
    assert store.queued() == ("r1",)
    with store.database.hold("w"), pytest.raises(Locked, match="being worked on"):
        store.take_over("r2", worker="w2", now_s=4)
    assert store.running() == (("r2", 0, "w"),)
    assert store.standing("r1") == (RunState.QUEUED, 0)


def test_a_paused_run_is_queued_and_its_worker_may_live_on(run: Store) -> None:
    run.end_run("r1", RunState.PAUSED, "x", worker="w", now_s=1)
    with run.database.hold("w"):
        run.queue("r1", now_s=2)
        assert run.queued() == ("r1",)
        assert not run.workers.is_gone("w")
    run.stand("r1", RunState.ABANDONED, "no more", now_s=3)
    assert not run.locks.all()
    with pytest.raises(RunPaused, match="abandoned"):
        run.queue("r1", now_s=4)
    assert run.run("r1").ended_s == 3


def test_long_waits_do_not_cost_the_locks(run: Store) -> None:
    run.locks.renew_of("w", now_s=5000)
    run.locks.renew_of("w2", now_s=9000)
    assert run.locks.all()[0].expires_s == 5000 + LOCK_EXPIRY_S
    # Thousands of rows are not written anew with every beat.
    run.locks.renew_of("w", now_s=5005)
    assert run.locks.all()[0].expires_s == 5000 + LOCK_EXPIRY_S


def test_a_step_of_a_living_worker_is_not_begun_by_another(run: Store) -> None:
    enter(run, "w2")
    run.begin_step("r1", STEP, worker="w", now_s=1)
    with pytest.raises(Locked, match="has another worker"):
        run.begin_step("r1", STEP, worker="w2", now_s=2)
    assert run.workers.dismiss("w")
    run.begin_step("r1", STEP, worker="w2", now_s=3)


def test_a_turn_belongs_to_one_worker_until_it_ends_or_counts_as_gone(store: Store) -> None:
    enter(store, "w1", "w2")
    turn = store.workers.turn
    with turn("reap", "w1") as first:
        with turn("reap", "w2") as second, turn("else", "w2") as other:
            assert (first, second, other) == (True, False, True)
        # What was refused to w2 was not ended by it either.
        with turn("reap", "w2") as second:
            assert not second
        store.workers.dismiss("w1")
        with turn("reap", "w1") as first, turn("reap", "w2") as second:
            assert (first, second) == (False, True)
    with turn("reap", "w2") as second:
        assert second


# -- the line of queued runs ----------------------------------------------------------------


def in_line(store: Store, run_id: str, *partitions: str, worker: str = "", now_s: float) -> None:
    if worker:
        enter(store, worker)
    store.create_run(
        run_id, plan(), worker=worker, resources=[], partitions=partitions, now_s=now_s
    )


def test_a_queued_run_waits_for_those_of_its_partitions_and_no_other(store: Store) -> None:
    enter(store, "w2")
    in_line(store, "first", "lb1 a", worker="w", now_s=1)
    in_line(store, "second", "lb1 a", "lb1 b", now_s=2)
    in_line(store, "third", "lb1 b", now_s=3)
    in_line(store, "beside", "lb2 a", now_s=4)
    assert store.waiting() == {"second": ("first",), "third": ("second",), "beside": ()}
    assert store.queued() == ("beside",)
    with pytest.raises(Locked, match="not the turn of run second") as locked:
        store.take_over("second", worker="w2", now_s=5, in_turn=True)
    assert locked.value.owner == "second"
    store.take_over("beside", worker="w2", now_s=5, in_turn=True)
    # A person who asks for it need not wait.
    store.take_over("third", worker="w2", now_s=6)
    assert store.waiting() == {"second": ("first", "third")}
    store.end_run("first", RunState.FINISHED, "", worker="w", now_s=7)
    store.end_run("third", RunState.PAUSED, "", worker="w2", now_s=8)
    assert store.take_over("second", worker="w2", now_s=9, in_turn=True).run_id == "second"
    with pytest.raises(Locked):  # somebody has it
        store.take_over("second", worker="w2", now_s=9, in_turn=True)


def test_a_run_of_another_version_is_waited_for_while_somebody_works_on_it(store: Store) -> None:
    in_line(store, "old", "lb1 a", worker="w", now_s=1)
    store.database.transact(lambda db: db.execute("UPDATE runs SET version = '0'"))
    in_line(store, "new", "lb1 a", now_s=2)
    assert store.waiting() == {"new": ("old",)}
    store.workers.dismiss("w")
    assert store.queued() == ("new",)


# -- what the engine meets ------------------------------------------------------------------


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
