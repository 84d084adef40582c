"""What happens to a run, its worker, its store and its clock: stories 13 to 16, 19 and 20."""

from collections import Counter
from pathlib import Path

import pytest

from orchestrator.errors import Locked, StoreUnavailable
from orchestrator.rollout.records import Event, RequestKind
from orchestrator.rollout.report import report
from orchestrator.rollout.run import abandon, plan_undo, run_rollout
from orchestrator.rollout.store import Store
from orchestrator.rollout.store.sqlite import SqliteDatabase
from tests.fakes.host import FAILS, OK
from tests.fakes.light_engine import resume_lightly
from tests.orchestrator.rollout.device import DeviceClock
from tests.orchestrator.rollout.fleet import Fleet, ShortClock, adapters_of, boxes_of, plan_of
from tests.orchestrator.rollout.stage import Stage, floor_held
from tests.orchestrator.rollout.wide_world import WideWorld
from tests.orchestrator.rollout.worker import load_host
from tests.orchestrator.rollout.world import (
    ADDRESS,
    ALL_IN,
    MUTATING,
    NAMES,
    ROLL,
    World,
    connection,
    listener,
)

CANARY = f"{ROLL}, canary: {{}}"
HOUR_S = 3600.0


@pytest.mark.parametrize("at", ["acting web1/disable", f"disable_in {ADDRESS['web1']}:80"])
def test_13_killed_before_and_after_an_act(tmp_path: Path, at: str) -> None:
    """kill -9, with the act announced and not made, or made and not noted."""
    rollout = (
        f"{ROLL}, hosts: [web1], settle_s: 1, min_healthy_s: 2, drain: {{window_s: 3, poll_s: 1}}"
    )
    with Stage(tmp_path, in_service=NAMES) as stage:
        assert stage.work("run", rollout, kill_at=at) is None
        said = stage.work("resume")
        assert said is not None
        assert said["state"] == "finished"
        assert [call[2] for call in stage.calls()] == ["N", "Y"]
        assert floor_held(stage.mutations())
        assert len(load_host(stage.hosts, "web1").commands) == 1


def test_14_a_worker_that_was_frozen_wakes_when_its_work_is_done(quick: World) -> None:
    """Taken for dead right before an act, it makes no call more."""
    calls: list[int] = []

    def freeze(event: Event) -> None:
        if event.kind == "acting" and event.step == "web1/enable" and not calls:
            calls.append(0)
            (worker,) = quick.store.workers.all()
            assert quick.store.workers.dismiss(worker.name)
            with Store(quick.store.place) as other:
                done = resume_lightly(
                    event.run_id, quick.adapters, other, on_event=quick.events.append
                )
            assert done.finished
            calls.append(len(quick.mutations()))

    with pytest.raises(Locked, match="taken for dead"):
        quick.run(f"{ROLL}, hosts: [web1]", watch=freeze)
    assert len(quick.mutations()) == calls[1] == 2
    assert len(quick.driver.hosts["web1"].commands) == 1
    assert quick.enabled() == ALL_IN
    assert report(quick.store.runs()[0].run_id, quick.store).finished


def test_15_two_runs_on_one_pool_or_on_one_host(wide: WideWorld) -> None:
    """The second one is refused, also while the first is paused, until it has ended."""
    wide.driver.hosts["web1"].on_run = lambda _: FAILS
    roll = f"{ROLL}, allow: [host-serves-elsewhere]"
    paused = wide.run(wide.wide_plan(roll, "pool: web, hosts: [web1]"))
    assert paused.state == "paused"
    for other in ("pool: web, hosts: [web2]", "pool: tls, hosts: [web1]", "hosts: [web1]"):
        with pytest.raises(Locked) as locked:
            wide.run(wide.wide_plan("kind: drain, max_unavailable: 2", other))
        assert locked.value.owner == paused.run_id
    assert not wide.resume(paused.run_id).finished
    with pytest.raises(Locked):
        wide.run(wide.wide_plan("kind: drain, max_unavailable: 2", "pool: tls, hosts: [web1]"))
    wide.driver.hosts["web1"].on_run = lambda _: OK
    assert wide.resume(paused.run_id).finished
    assert not wide.store.locks.all()
    assert wide.run(
        wide.wide_plan("kind: drain, max_unavailable: 2", "pool: web, hosts: [web2]")
    ).finished


@pytest.mark.parametrize("when", ["paused", "draining", "promoted"])
def test_16_abort_at_any_moment_says_where_each_server_stands(quick: World, when: str) -> None:
    """While it is paused, while a server drains, after a person let the others go on."""
    if when == "paused":
        quick.driver.hosts["web1"].on_run = lambda _: FAILS
        result = quick.run(ROLL)
        abandon(result.run_id, quick.store, now_s=quick.clock.time_s(), reason="no more")
        result = report(result.run_id, quick.store)
        assert result.hosts["web1"].standing == "disabled, drained, action done?"
    elif when == "draining":
        quick.driver.hosts["web1"].sockets.append(connection())
        result = quick.run_until(
            ROLL, "web1/drain", lambda: quick.clock.after(60, lambda: quick.ask(RequestKind.ABORT))
        )
        assert "web1: disabled" in result.reason
    else:
        quick.clock.after(600, lambda: quick.ask(RequestKind.APPROVE, "batch 1"))
        result = quick.run_until(CANARY, "web2/drain", lambda: quick.ask(RequestKind.ABORT))
        assert "web1: enabled, drained, action done" in result.reason
        assert "web2: disabled" in result.reason
    assert result.state == "abandoned"
    assert result.hosts["web3"].outcome == "not_attempted"
    assert not quick.store.locks.all()
    quick.driver.hosts["web1"].sockets = [listener()]
    assert quick.undo(result.run_id).finished
    assert quick.enabled() == ALL_IN


def test_16_retry_and_skip_and_an_undo_that_has_to_wait(quick: World) -> None:
    """One of two that failed is tried again, the other is left out; undo waits for its turn."""
    refused: list[str] = []

    def undo() -> None:
        with pytest.raises(Locked, match="pause or abort it first") as locked:
            plan_undo(quick.store.runs()[0].run_id, quick.adapters, quick.store)
        refused.append(str(locked.value))

    for name in ("web1", "web2"):
        quick.driver.hosts[name].on_run = lambda _: FAILS
    result = quick.run_until(f"{ROLL}, max_failures: 1, max_unavailable: 2", "web1/drain", undo)
    assert refused
    for name in ("web1", "web2"):
        quick.driver.hosts[name].on_run = lambda _: OK
    quick.ask(RequestKind.RETRY, "web1")
    quick.ask(RequestKind.SKIP, "web2")
    result = quick.resume(result.run_id)
    assert result.finished, result.reason
    assert quick.enabled() == {**ALL_IN, "web2": False}
    assert result.hosts["web1"].outcome == "done"


def test_19_the_store_goes_away_in_mid_run(quick: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a journal nothing more is done; with it again, the run goes on where it was."""
    write = SqliteDatabase.transact

    def fail(*_: object, **__: object) -> None:
        raise StoreUnavailable("no room")

    def take_away(event: Event) -> None:
        if event.kind == "step-started" and event.step == "web1/action":
            monkeypatch.setattr(SqliteDatabase, "transact", fail)

    plan = quick.plan(f"{ROLL}, hosts: [web1]")
    with pytest.raises(StoreUnavailable):
        quick.run(plan, watch=take_away)
    assert len(quick.mutations()) == 1
    assert not quick.acted_on()
    monkeypatch.setattr(SqliteDatabase, "transact", write)
    with Store(quick.store.place) as store:
        quick.store = store
        assert quick.resume(store.runs()[0].run_id).finished
    assert quick.enabled() == ALL_IN
    assert len(quick.mutations()) == 2


@pytest.mark.parametrize("jump_s", [-30 * HOUR_S, 30 * HOUR_S])
def test_19_the_clock_jumps(quick: World, jump_s: float) -> None:
    """Somebody sets the machine's clock: no deadline comes sooner or later for it."""

    class Jumping(DeviceClock):
        jump_s = 0.0

        def time_s(self) -> float:
            return super().time_s() + self.jump_s

    quick.clock = clock = Jumping(quick.box)
    quick.driver.hosts["web1"].sockets.append(connection())
    clock.after(120, quick.driver.hosts["web1"].sockets.pop)
    result = quick.run_until(
        f"{ROLL}, hosts: [web1], drain: {{deadline_s: 300}}",
        "web1/drain",
        lambda: setattr(clock, "jump_s", jump_s),
    )
    assert result.finished, result.reason
    assert all((one.seconds or 0) >= 0 for one in result.hosts["web1"].steps)


def test_20_a_fleet_is_rolled(tmp_path: Path) -> None:
    """Sixty servers on three LoadMasters; make bench has two thousand on twenty."""
    fleet, times = Fleet(loadmasters=3, each=20, batch=30), 100.0
    clock, spec = ShortClock(times), fleet.spec()
    with boxes_of(fleet, times=times) as boxes, Store(tmp_path / "state") as store:
        before = [len(box.calls) for box in boxes]
        addresses = [(box.url, box.api_key) for box in boxes]
        with adapters_of(fleet, spec, addresses, clock) as adapters:
            plan = plan_of(spec, adapters)
            result = run_rollout(plan, adapters, store, on_event=lambda _: None)
        calls = [box.calls[begun:] for box, begun in zip(boxes, before, strict=True)]

    assert result.finished, result.reason
    assert len(plan.batches) == 2
    assert Counter(one.outcome for one in result.hosts.values()) == {"done": 60}
    for of_box in calls:
        changes = [one for one in of_box if one.command in MUTATING]
        assert Counter(one.params["rs"] for one in changes) == dict.fromkeys(
            {one.address for one in changes[0].servers}, 2
        )
        for one in changes:
            out = sum(not server.enabled for server in one.servers)
            assert out + (one.params["enable"] == "N") <= 10
        # Ten servers of a batch look together: each alone would look a dozen times.
        looks = Counter(one.command for one in of_box)
        assert looks["listvs"] + looks["stats"] < 10 * 12 * len(plan.batches) / 2
