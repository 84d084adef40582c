"""Locks in a store: all or none, whose they are, and when they go."""

import pytest

from orchestrator.errors import Locked, LockNotFound, RunNotFound
from orchestrator.rollout.records import RunState
from orchestrator.rollout.store import Store
from orchestrator.rollout.store.locks import LOCK_EXPIRY_S
from tests.contract.store.at_once import at_once
from tests.fakes.stored_run import create, enter, plan


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


def test_take_over_fails_where_another_run_has_the_lock_now(run: Store) -> None:
    create(run, "r2", "host a", worker="w2", now_s=LOCK_EXPIRY_S + 1)
    enter(run, "w3")
    with pytest.raises(Locked, match="held"):
        run.take_over("r1", worker="w3", now_s=LOCK_EXPIRY_S + 2)
    assert run.run("r1").worker == "w"


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

    def begin(store: Store, name: str) -> None:
        try:
            create(store, name, "host a", worker=name)
        except Locked:
            refused.append(name)

    at_once(place, names, begin)
    with Store(place) as store:
        (run_,) = store.runs()
        (lock,) = store.locks.all()
    assert lock.run_id == run_.run_id
    assert sorted([*refused, run_.run_id]) == names


def test_long_waits_do_not_cost_the_locks(run: Store) -> None:
    run.locks.renew_of("w", now_s=5000)
    run.locks.renew_of("w2", now_s=9000)
    assert run.locks.all()[0].expires_s == 5000 + LOCK_EXPIRY_S
    # Thousands of rows are not written anew with every beat.
    run.locks.renew_of("w", now_s=5005)
    assert run.locks.all()[0].expires_s == 5000 + LOCK_EXPIRY_S
