"""Trouble around a run: rates, clocks, disks, files that somebody changed."""

import dataclasses
import sqlite3
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from kempsdk.emulator import Switches, VirtualLoadMaster
from orchestrator.errors import (
    DriftDetected,
    Locked,
    OrchestratorError,
    SpecInvalid,
    StoreFull,
    StoreReadOnly,
)
from orchestrator.hosts.driver import CommandResult
from orchestrator.rollout.plan import Plan
from orchestrator.rollout.records import Event
from orchestrator.rollout.report import summaries
from orchestrator.rollout.run import run_rollout
from orchestrator.rollout.store import Store
from orchestrator.rollout.store.sqlite import SqliteDatabase, write_ahead
from tests.orchestrator.rollout.device import DeviceClock
from tests.orchestrator.rollout.world import (
    ALL_IN,
    SERVER,
    VS,
    World,
    connection,
    failed_step,
    listener,
)

FAST = 5.0


class FastClock:
    """Real time, so much faster: for the pacing of the client and the window of the device."""

    def monotonic_s(self) -> float:
        return time.monotonic() * FAST

    def time_s(self) -> float:
        return time.time() * FAST

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds / FAST)


@pytest.fixture
def strict(store: Store) -> Iterator[World]:
    """Return a world whose LoadMaster drops connections above 30 calls in 3 s, as it does."""
    world = World(store)
    world.box = VirtualLoadMaster(
        health="up",
        data_path=world.counters,
        switches=Switches(rate_limit=True, rate_limit_window_s=3.0 / FAST),
        http=True,
        time_scale=FAST,
    )
    with world, world.box.client(clock=FastClock(), timeout=200.0) as paced:
        world.lm.close()
        world.lm = paced
        yield world


def test_a_batch_of_three_stays_below_the_call_rate(strict: World) -> None:
    plan = strict.plan(
        "kind: add, batch: 3, min_healthy_s: 60, healthy_deadline_s: 200, drain: {poll_s: 1}"
    )
    before = len(strict.box.calls)
    result = run_rollout(plan, strict.adapters, strict.store, on_event=strict.events.append)
    assert result.finished, result.reason
    assert len(strict.box.calls) - before > 60  # two windows full
    # Nothing was refused on the way: no observation was lost.
    assert not any("unreadable" in one.text for one in strict.events)


class JumpingClock(DeviceClock):
    """A machine whose wall clock is set by somebody; its monotonic clock does not care."""

    jump_s = 0.0

    def time_s(self) -> float:
        return super().time_s() + self.jump_s


@pytest.mark.parametrize("jump_s", [30 * 24 * 3600.0, -30 * 24 * 3600.0])
@pytest.mark.parametrize("step", ["web1/drain", "web1/service-bound", "web1/healthy"])
def test_a_wall_clock_that_jumps_moves_no_deadline(ready: World, jump_s: float, step: str) -> None:
    ready.clock = clock = JumpingClock(ready.box)
    ready.driver.hosts["web1"].sockets.append(connection())
    clock.after(120, ready.driver.hosts["web1"].sockets.pop)

    def watch(event: Event) -> None:
        if event.kind == "step-started" and event.step == step:
            clock.jump_s = jump_s

    plan = ready.plan("kind: roll, hosts: [web1], drain: {deadline_s: 300}")
    started_s = clock.monotonic_s()
    result = run_rollout(plan, ready.adapters, ready.store, on_event=watch)
    assert result.finished, result.reason
    assert 120 <= clock.monotonic_s() - started_s < 300
    assert all((one.seconds or 0) >= 0 for one in result.hosts["web1"].steps)
    assert ready.enabled() == ALL_IN


def _fill(store: Store) -> None:
    """Let the disk be full from now on."""
    database = store.database
    assert isinstance(database, SqliteDatabase)

    def connect() -> sqlite3.Connection:
        connection = write_ahead(database.directory / "runs.sqlite")
        (pages,) = connection.execute("PRAGMA page_count").fetchone()
        connection.execute(f"PRAGMA max_page_count = {pages}")
        return connection

    database._pool._connect = connect
    database._pool.forget()


def test_a_full_disk_is_an_error_and_leaves_what_was_written(store: Store, ready: World) -> None:
    run_id = ready.run("kind: drain, hosts: [web1]").run_id
    event = Event(run_id=run_id, at_s=1, kind="x", text="x" * 100_000, data={})
    before = store.events(run_id)
    _fill(store)
    for _ in range(2):  # the second one finds no half transaction of the first
        with pytest.raises(StoreFull):
            store.add_event(event)
    assert store.events(run_id) == before
    with Store(store.place) as roomy:
        roomy.add_event(event)


def test_a_disk_that_fills_in_mid_run_stops_it_before_the_next_change(ready: World) -> None:
    # Wide evidence, so that the very next writes do not find room in half-empty pages.
    filled: list[int] = []

    def watch(event: Event) -> None:
        if event.kind == "step-started" and event.step == "web1/drain" and not filled:
            filled.append(len(ready.mutations()))
            ready.store.add_event(
                Event(run_id=event.run_id, at_s=0, kind="x", text="x" * 3000, data={})
            )
            _fill(ready.store)

    plan = ready.plan("kind: roll, drain: {window_s: 100, deadline_s: 900, poll_s: 1}")
    with pytest.raises(StoreFull):
        run_rollout(plan, ready.adapters, ready.store, on_event=watch)
    assert len(ready.mutations()) == 1
    directory = ready.store.place
    run_id = summaries(ready.store)[0].run_id
    # Somebody made room: a new process opens the store anew.
    with Store(directory) as store:
        ready.store = store
        assert ready.resume(run_id).finished
    assert ready.enabled() == ALL_IN
    assert len(ready.mutations()) == 6


def test_a_store_that_may_not_be_written_is_refused_before_anything_happens(
    ready: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = ready.plan("kind: roll")
    connect = sqlite3.connect

    def read_only(path: Path, **more: object) -> sqlite3.Connection:
        return connect(f"file:{path}?mode=ro", uri=True, **more)  # type: ignore[call-overload, no-any-return] # what the store gives

    monkeypatch.setattr("orchestrator.rollout.store.sqlite.sqlite3.connect", read_only)
    with Store(ready.store.place) as store, pytest.raises(StoreReadOnly):
        run_rollout(plan, ready.adapters, store, on_event=ready.events.append)
    monkeypatch.undo()
    assert not ready.mutations()
    assert not ready.store.locks.all()


def test_two_runs_at_once_the_second_does_nothing(ready: World) -> None:
    plan = ready.plan("kind: drain, hosts: [web2]")
    refused: list[Locked] = []

    def watch(event: Event) -> None:
        if event.kind == "step-started" and event.step == "web1/drain":
            calls = len(ready.box.calls)
            with Store(ready.store.place) as other, pytest.raises(Locked) as locked:
                run_rollout(plan, ready.adapters, other, on_event=ready.events.append)
            refused.append(locked.value)
            assert len(ready.box.calls) == calls

    plan_1 = ready.plan("kind: roll, hosts: [web1]")
    result = run_rollout(plan_1, ready.adapters, ready.store, on_event=watch)
    assert result.finished
    assert refused[0].owner == result.run_id
    assert "is being worked on" in str(refused[0])
    assert ready.enabled() == ALL_IN
    assert [one.run_id for one in summaries(ready.store)] == [result.run_id]


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('"method":"loopback"', '"method":"loopbak"', "'gateway' or 'none'"),
        ('"url":', '"ulr":', "url"),
        ('"loadmaster":"lb1","lowest"', '"loadmaster":"lb9","lowest"', "no lb9"),
    ],
)
def test_a_plan_file_changed_by_hand_is_refused(
    ready: World, old: str, new: str, words: str
) -> None:
    text = ready.plan("kind: roll").to_json()
    assert old in text
    with pytest.raises(SpecInvalid, match=words):
        ready.run(Plan.from_json(text.replace(old, new)))
    assert not ready.mutations()
    assert not ready.store.runs()


def test_plan_text_that_is_no_object() -> None:
    for text in ("[]", "3", "null", "{", '"x"'):
        with pytest.raises(OrchestratorError):
            Plan.from_json(text)


def test_an_action_waits_for_the_drain_whatever_the_plan_says(ready: World) -> None:
    plan = ready.plan("kind: roll, hosts: [web1], action: {argv: [reboot]}")
    server = plan.server("web1")
    hasty = dataclasses.replace(
        server, steps=tuple(one for one in server.steps if one.kind.value != "drain")
    )
    result = ready.run(dataclasses.replace(plan, servers=(hasty,)))
    failed = failed_step(result, "web1")
    assert (failed.id, failed.gate) == ("web1/action", "drained")
    assert not ready.driver.hosts["web1"].commands


def test_drift_names_every_fact_that_moved(ready: World) -> None:
    plan = Plan.from_json(ready.plan("kind: roll").to_json())
    ready.lm.real_servers.update(VS, SERVER["web2"], weight=5)
    ready.driver.hosts["web3"].sysctls |= {"conf/all/arp_ignore": 0, "conf/eth0/arp_ignore": 0}
    with pytest.raises(DriftDetected) as drift:
        ready.run(plan)
    moved = drift.value.moved
    assert len(moved) == 2
    assert any("host web3 effective ARP: was arp_ignore=1" in one for one in moved)
    assert any("weight=1000" in one and "weight=5" in one for one in moved)


def test_a_host_that_rebooted_during_a_pause_is_prepared_and_verified_again(ready: World) -> None:
    stop = threading.Event()

    def watch(event: Event) -> None:
        if event.kind == "step-started" and event.step == "web1/arp-proof":
            stop.set()

    plan = ready.plan("kind: roll, hosts: [web1]")
    paused = run_rollout(plan, ready.adapters, ready.store, on_event=watch, stop=stop)
    assert paused.state == "paused"
    assert ready.enabled()["web1"] is False
    ready.driver.hosts["web1"].boot()
    ready.driver.hosts["web1"].sockets = [listener()]
    ready.clock.advance(3 * 24 * 3600)
    assert ready.resume(paused.run_id).finished
    assert ready.carries_vip("web1")
    kinds = ready.kinds("web1")
    assert kinds[:4] == ["prepare-host", "verify-host", "arp-proof", "service-bound"]
    assert ready.enabled()["web1"] is True


@pytest.mark.parametrize("minutes", [1, 10])
def test_a_host_that_reboots_is_waited_for_until_the_healthy_deadline(
    ready: World, minutes: int
) -> None:
    host = ready.driver.hosts["web1"]

    def back() -> None:
        host.boot()
        host.down, host.sockets = None, [listener()]

    def reboot(_: Sequence[str]) -> CommandResult:
        host.down = "no route"
        ready.clock.after(minutes * 60, back)
        return CommandResult(exit_code=0, stdout="", stderr="")

    host.on_run = reboot
    result = ready.run("kind: roll, hosts: [web1], action: {argv: [reboot]}")
    if minutes == 1:
        assert result.finished, result.reason
        assert any("for the host: web1: no route" in one.text for one in ready.events)
        return
    assert result.state == "paused"
    assert "no route" in result.hosts["web1"].reason
    assert ready.enabled()["web1"] is False
    ready.clock.sleep(600)
    assert ready.resume(result.run_id).finished


@pytest.mark.parametrize(
    ("left_out", "refused", "gate"),
    [
        (("disable", "drain", "delete-server"), "web3/clear-host", "vip-let-go"),
        (("drain",), "web3/delete-server", "drained"),
    ],
)
def test_the_vip_leaves_last_whatever_the_plan_says(
    ready: World, left_out: tuple[str, ...], refused: str, gate: str
) -> None:
    plan = ready.plan("kind: remove, hosts: [web3]")
    server = plan.server("web3")
    hasty = dataclasses.replace(
        server, steps=tuple(one for one in server.steps if one.kind.value not in left_out)
    )
    result = ready.run(dataclasses.replace(plan, servers=(hasty,)))
    failed = failed_step(result, "web3")
    assert (failed.id, failed.gate) == (refused, gate)
    assert ready.carries_vip("web3")
    assert "web3" in ready.enabled()


def test_the_floor_holds_from_looking_to_acting_between_threads(ready: World) -> None:
    """The first to act waits for the second one to act too, which the floor must not let happen."""
    acting: list[str] = []
    second = threading.Event()

    def watch(event: Event) -> None:
        if event.kind == "run-started":
            ready.set_health("web3", up=False)
        if event.kind == "acting" and event.step in ("web1/disable", "web2/disable"):
            acting.append(event.step)
            if len(acting) == 2:
                second.set()
            second.wait(0.5)

    plan = ready.plan("kind: drain, hosts: [web1, web2], batch: 2, max_unavailable: 3")
    result = run_rollout(plan, ready.adapters, ready.store, on_event=watch)
    assert result.state == "paused"
    assert len(acting) == 1
    assert sum(ready.enabled()[name] for name in ("web1", "web2")) == 1


def test_max_unavailable_is_looked_at_right_before_the_disable(ready: World) -> None:
    def watch(event: Event) -> None:
        if event.kind == "step-started" and event.step == "web1/disable":
            ready.set_health("web3", up=False)

    result = run_rollout(ready.plan("kind: roll"), ready.adapters, ready.store, on_event=watch)
    failed = result.hosts["web1"].steps[0]
    assert (failed.status, failed.gate) == ("failed", "floor")
    assert "on lb1 would be out, max_unavailable is 1" in failed.reason
    assert ready.enabled() == ALL_IN
