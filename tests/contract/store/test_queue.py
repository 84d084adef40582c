"""Runs that wait in a store for a worker, and for one another."""

import pytest

from orchestrator.errors import Locked, RunPaused
from orchestrator.rollout.records import RunState
from orchestrator.rollout.store import Store
from tests.fakes.stored_run import create, enter, plan


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
