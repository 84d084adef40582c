"""A run in a store: kept, taken over, its journal and its events."""

import threading

import pytest

from orchestrator.errors import Locked, OtherVersion, RunNotFound
from orchestrator.rollout.records import Event, RunState, StepStatus
from orchestrator.rollout.store import Store
from tests.fakes.stored_run import STEP, create, enter, plan


def test_a_run_is_kept(store: Store, place: str) -> None:
    create(store, "r1", "host a", now_s=5)
    with Store(place) as other:
        kept = other.run("r1")
    assert (kept.state, kept.attempt, kept.created_s) == (RunState.RUNNING, 0, 5)
    assert kept.plan == plan()
    assert [one.run_id for one in store.runs()] == ["r1"]
    with pytest.raises(RunNotFound):
        store.run("r2")


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


def test_a_step_of_a_living_worker_is_not_begun_by_another(run: Store) -> None:
    enter(run, "w2")
    run.begin_step("r1", STEP, worker="w", now_s=1)
    with pytest.raises(Locked, match="has another worker"):
        run.begin_step("r1", STEP, worker="w2", now_s=2)
    assert run.workers.dismiss("w")
    run.begin_step("r1", STEP, worker="w2", now_s=3)


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
