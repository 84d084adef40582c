"""The twenty stories of rollouts that went wrong, each told once, in simulation.

Time is virtual where it is long. Many a story is told at length elsewhere, on real kernels or
with real processes; here is the short form, so that each has a name that can be looked up.
"""

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from kempsdk import RsRef
from kempsdk.emulator import Fault, FaultKind
from orchestrator.errors import GateRefused, HostUnreachable, Locked, StoreUnavailable
from orchestrator.hosts.changes import AddAddress, NetChange
from orchestrator.rollout.records import Event, RequestKind
from orchestrator.rollout.report import RunReport, StepReport, report
from orchestrator.rollout.run import abandon, plan_undo, run_rollout
from orchestrator.rollout.store import Store
from orchestrator.rollout.store.sqlite import SqliteDatabase
from tests.fakes.host import FAILS, OK
from tests.fakes.light_engine import resume_lightly
from tests.orchestrator.rollout.device import DeviceClock
from tests.orchestrator.rollout.fleet import Fleet, ShortClock, adapters_of, boxes_of, plan_of
from tests.orchestrator.rollout.stage import Stage, floor_held
from tests.orchestrator.rollout.wide_world import SERVICES, WideWorld
from tests.orchestrator.rollout.worker import load_host
from tests.orchestrator.rollout.world import (
    ADDRESS,
    MAC,
    MUTATING,
    NAMES,
    VS,
    World,
    connection,
    listener,
)

ROLL = "kind: roll, action: {argv: [restart]}"
ALL_IN = dict.fromkeys(NAMES, True)
HOUR_S = 3600.0
PATIENCE_S = 600.0


def _step(result: RunReport, step_id: str) -> StepReport:
    steps = result.hosts[step_id.partition("/")[0]].steps
    return next(one for one in steps if one.id == step_id)


def _web1(world: World) -> RsRef:
    return RsRef(ADDRESS["web1"], 80)


def _restarted(world: World) -> list[str]:
    return [name for name in NAMES if world.driver.hosts[name].commands]


@pytest.mark.parametrize("policy", ["fail", "skip", "force"])
def test_01_one_connection_stays_for_hours(quick: World, policy: str) -> None:
    """Somebody's download never ends: at the deadline the file decides, by name."""
    quick.driver.hosts["web1"].sockets.append(connection())
    began_s = quick.clock.monotonic_s()
    drain = f"drain: {{deadline_s: {PATIENCE_S}, at_deadline: {policy}}}"
    result = quick.run(f"{ROLL}, hosts: [web1, web2], {drain}")
    assert quick.clock.monotonic_s() - began_s >= PATIENCE_S
    seen = _step(result, "web1/drain")
    if policy == "fail":
        assert (seen.gate, result.state) == ("drain-deadline", "paused")
        assert quick.enabled() == {**ALL_IN, "web1": False}
        assert not _restarted(quick)
    elif policy == "skip":
        assert (result.hosts["web1"].outcome, result.state) == ("skipped", "finished")
        assert quick.enabled() == ALL_IN
        assert _restarted(quick) == ["web2"]
    else:
        assert (seen.status, result.state) == ("forced", "finished")
        assert seen.evidence[0].startswith("1 connections are going to be cut")
        assert _restarted(quick) == ["web1", "web2"]


def test_02_a_pinned_client_comes_back_every_second(quick: World) -> None:
    """The count is nought now and then, and never for a window; who it is, is said."""
    host, peer = quick.driver.hosts["web1"], "198.51.100.77"

    def come_and_go() -> None:
        busy = len(host.sockets) == 1
        host.sockets = [listener(), *([connection(peer)] if busy else [])]
        quick.counters.by_address[ADDRESS["web1"]] = int(busy)
        quick.clock.after(1, come_and_go)

    quick.clock.after(1, come_and_go)
    rollout = f"{ROLL}, hosts: [web1], drain: {{window_s: 10, poll_s: 1, deadline_s: 300}}"
    result = quick.run(rollout)
    assert _step(result, "web1/drain").gate == "drain-deadline"
    looks = [one for one in quick.events if one.kind == "waiting" and one.step == "web1/drain"]
    assert {one.data["connections"] for one in looks} == {0, 1}
    held = [holder for one in looks for holder in one.data["holders"]]
    assert {one["address"] for one in held} == {peer}
    left_s = [one.data["deadline_in_s"] for one in looks]
    assert left_s == sorted(left_s, reverse=True)
    assert not _restarted(quick)


def test_03_layer_4_has_no_drain_and_the_plan_says_what_will_be_cut(quick: World) -> None:
    """The appliance does not drain here; what force cuts is warned of, and counted."""
    quick.counters.by_address[ADDRESS["web1"]] = 7
    quick.box.sample_now()
    plan = quick.plan(f"{ROLL}, hosts: [web1], drain: {{deadline_s: 60, at_deadline: force}}")
    assert {"l4-has-no-drain", "drain-force"} <= {one.id for one in plan.warnings}
    assert next(one for one in plan.steps if one.id == "web1/drain").why.startswith("7 conn")
    result = quick.run(plan)
    assert _step(result, "web1/drain").evidence[0].startswith("7 connections are going to be cut")


def test_04_ok_was_said_and_nothing_happened(quick: World) -> None:
    """A disable that does not take, a server that does not come up, counters that stand still."""
    back = {"cmd": "modrs", "vs": str(VS.address), "port": 80, "prot": "tcp"}
    server = {"rs": ADDRESS["web1"], "rsport": 80, "enable": "Y"}
    undone = Fault(kind=FaultKind.CHANGE, when="after", command="modrs", calls=[{**back, **server}])
    quick.box.arm(undone)
    result = quick.run(f"{ROLL}, hosts: [web1]")
    assert _step(result, "web1/disable").status == "failed"
    assert (quick.enabled(), _restarted(quick)) == (ALL_IN, [])
    abandon(result.run_id, quick.store, now_s=quick.clock.time_s(), reason="")

    def fall_down() -> None:
        quick.box.set_health(ADDRESS["web1"], 80, False)

    result = quick.run_until(f"{ROLL}, hosts: [web1]", "web1/enable", fall_down)
    assert _step(result, "web1/healthy").gate == "healthy-deadline"
    assert quick.enabled() == {**ALL_IN, "web1": False}
    abandon(result.run_id, quick.store, now_s=quick.clock.time_s(), reason="")

    quick.box.set_health(ADDRESS["web1"], 80, True)
    quick.lm.real_servers.enable_in(VS, _web1(quick))
    result = quick.run_until(
        f"{ROLL}, hosts: [web2]", "web2/drain", lambda: quick.box.freeze_stats(True)
    )
    assert _step(result, "web2/drain").gate == "blind"
    assert "web2" not in _restarted(quick)


def test_05_somebody_disabled_it_before(quick: World) -> None:
    """It was out for a reason that is not ours: it stays out, and the others are done."""
    quick.lm.real_servers.disable_in(VS, _web1(quick))
    result = quick.run(f"{ROLL}, max_unavailable: 2")
    assert result.finished, result.reason
    assert quick.enabled() == {**ALL_IN, "web1": False}


def test_06_the_last_but_one_dies_between_plan_and_disable(quick: World) -> None:
    """The floor is what is healthy at that moment, not what was when it was planned."""
    quick.box.set_health(ADDRESS["web2"], 80, False)
    quick.box.set_health(ADDRESS["web3"], 80, False)
    quick.box.set_health(ADDRESS["web2"], 80, True)
    plan = quick.plan(f"{ROLL}, hosts: [web1], max_unavailable: 2")
    before = len(quick.mutations())

    def die() -> None:
        quick.box.set_health(ADDRESS["web2"], 80, False)

    result = quick.run_until(plan, "web1/disable", die)
    assert _step(result, "web1/disable").gate == "floor"
    assert "0 healthy servers would be left" in result.hosts["web1"].reason
    assert (len(quick.mutations()), quick.enabled()) == (before, ALL_IN)


def test_06_a_floor_that_rounds_is_never_rounded_to_nothing(quick: World) -> None:
    """Half of three is two that must stay; a third of three, cut down, is none that may go."""
    plan = quick.plan(f"{ROLL}, min_healthy: 50%")
    assert plan.floors[0].min_healthy == 2
    for floor in ("max_unavailable: 33%", "min_healthy: 67%", "min_healthy: 100%"):
        with pytest.raises(GateRefused) as refused:
            quick.plan(f"{ROLL}, {floor}")
        assert refused.value.gate == "floor-impossible"
    for name in ("web2", "web3"):
        quick.lm.real_servers.delete(VS, RsRef(ADDRESS[name], 80))
    with pytest.raises(GateRefused, match="one server only") as refused:
        quick.plan(f"{ROLL}, hosts: [web1]")
    assert refused.value.gate == "floor-impossible"


def test_07_failures_spread_over_batches_stop_at_the_budget(quick: World) -> None:
    """One of each batch fails, never two together; the run counts them all the same."""
    for name in ("web1", "web2"):
        quick.driver.hosts[name].on_run = lambda _: FAILS
    result = quick.run(f"{ROLL}, max_failures: 1, max_unavailable: 2")
    assert result.state == "paused"
    assert [result.hosts[name].outcome for name in NAMES] == ["failed", "failed", "not_attempted"]
    assert quick.enabled() == {"web1": False, "web2": False, "web3": True}


def test_08_healthy_for_two_seconds_is_not_healthy(quick: World) -> None:
    """It comes up and falls over: caught in its first seconds, and caught while it bakes."""

    def flap() -> None:
        quick.clock.after(3, lambda: quick.box.set_health(ADDRESS["web1"], 80, False))

    result = quick.run_until(f"{ROLL}, hosts: [web1], min_healthy_s: 10", "web1/healthy", flap)
    assert _step(result, "web1/healthy").gate == "healthy-deadline"
    assert quick.enabled() == {**ALL_IN, "web1": False}


def test_08_a_flap_while_it_bakes_puts_the_batch_back(quick: World) -> None:
    """All was well with the server; then it falls over before the next batch begins."""
    quick.lm.real_servers.update(VS, _web1(quick), weight=300)

    def flap() -> None:
        quick.clock.after(25, lambda: quick.box.set_health(ADDRESS["web1"], 80, False))

    action = "action: {argv: [deploy], undo: [deploy, --back]}"
    result = quick.run_until(
        f"kind: roll, {action}, bake: {{time_s: 120}}, on_failure: revert-server",
        "batch 1/bake",
        flap,
    )
    assert result.state == "paused"
    assert [one.step for one in quick.events if one.kind == "server-reverted"] == ["batch 1/bake"]
    undone = [one for one in quick.driver.hosts["web1"].commands if one[-1] == "--back"]
    assert len(undone) == 1
    assert not quick.kinds("web2")


@pytest.mark.parametrize(("settle_s", "errors"), [(0, 1), (5, 0)])
def test_09_a_request_that_was_on_its_way_when_the_server_was_disabled(
    quick: World, settle_s: float, errors: int
) -> None:
    """It arrives three seconds later: a server that was stopped at once refuses it."""
    host, refused = quick.driver.hosts["web1"], []

    def arrive() -> None:
        if host.commands:
            refused.append(1)
        else:
            quick.counters.by_address[ADDRESS["web1"]] = 1
            quick.clock.after(20, quick.counters.by_address.clear)

    quick_window = "drain: {window_s: 1, poll_s: 0.5}"
    quick.run_until(
        f"{ROLL}, hosts: [web1], settle_s: {settle_s}, {quick_window}",
        "web1/drain",
        lambda: quick.clock.after(3, arrive),
    )
    assert len(refused) == errors


@pytest.mark.parametrize("lost", ["vip", "silence"])
def test_10_a_reboot_took_the_vip_or_the_silence_away(quick: World, lost: str) -> None:
    """Its own address answers, so the LoadMaster calls it up; it is not enabled all the same."""
    host = quick.driver.hosts["web1"]

    def lose() -> None:
        if lost == "vip":
            host.addresses = [one for one in host.addresses if one.prefix != 32]
        else:
            host.sysctls |= {"conf/all/arp_ignore": 0, "conf/eth0/arp_ignore": 0}

    result = quick.run_until(f"{ROLL}, hosts: [web1]", "web1/enable", lose)
    assert _step(result, "web1/enable").gate == "host-verified"
    assert quick.enabled() == {**ALL_IN, "web1": False}
    # Looked at again, mended, and proven before it is let in.
    assert quick.resume(result.run_id).finished
    assert quick.carries_vip("web1")
    assert quick.enabled() == ALL_IN


def test_11_the_neighbours_keep_the_old_mac(quick: World) -> None:
    """The host is right again; who learned its MAC is not. A third machine is asked, twice."""
    quick.segment.claims = {MAC["web1"]: 1}
    result = quick.run(f"{ROLL}, hosts: [web1]")
    said = result.hosts["web1"].reason
    assert _step(result, "web1/arp-proof").status == "failed"
    assert "whoever learned its MAC keeps it" in said
    assert "gratuitous ARP for the VIP from the LoadMaster" in said
    assert not quick.resume(result.run_id).finished
    assert quick.enabled() == {**ALL_IN, "web1": False}
    quick.segment.claims = {}
    assert quick.resume(result.run_id).finished


@pytest.mark.parametrize("comes_back", [True, False])
def test_12_ssh_dies_in_the_middle_of_the_address_change(world: World, comes_back: bool) -> None:
    """Half the host is changed: it is read when it is back, or the run says what it knows."""
    world.light = True
    host = world.driver.hosts["web1"]

    def cut(change: NetChange) -> str | None:
        if isinstance(change, AddAddress) and host.down is None:
            host.down = "connection lost"
            if comes_back:
                world.clock.after(20, lambda: setattr(host, "down", None))
                host.refuse = lambda _: None
            raise HostUnreachable("web1: connection lost")
        return None

    host.refuse = cut
    result = world.run("kind: add, hosts: [web1]")
    if comes_back:
        assert result.finished, result.reason
    else:
        assert _step(result, "web1/prepare-host").status == "failed"
        assert result.hosts["web1"].standing == "host prepared?"
        assert not world.enabled()
        host.down, host.refuse = None, lambda _: None
        assert world.resume(result.run_id).finished
    assert world.carries_vip("web1")
    # What had been done before was seen, and not done again.
    assert len(host.applied) == len({repr(one) for one in host.applied})


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


CANARY = f"{ROLL}, canary: {{}}"


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


@pytest.mark.parametrize("what", ["enabled", "weighted"])
def test_17_another_tool_changes_the_server_while_it_drains(quick: World, what: str) -> None:
    """It is that tool's now: nothing is done to it, and it is left as it is."""
    quick.driver.hosts["web1"].sockets.append(connection())

    def meddle() -> None:
        if what == "enabled":
            quick.lm.real_servers.enable_in(VS, _web1(quick))
        else:
            quick.lm.real_servers.update(VS, _web1(quick), weight=5)
        quick.driver.hosts["web1"].sockets.pop()

    result = quick.run_until(
        f"{ROLL}, hosts: [web1]", "web1/drain", lambda: quick.clock.after(30, meddle)
    )
    assert result.state == "paused"
    assert "somebody else changed it" in result.reason
    (rs,) = (
        one
        for one in quick.lm.virtual_services.get(VS).real_servers
        if one.ref.port == 80 and one.ref.address == ADDRESS["web1"]
    )
    assert (rs.enabled, rs.weight) == ((True, 1000) if what == "enabled" else (False, 5))
    assert _restarted(quick) == ([] if what == "enabled" else ["web1"])


@pytest.mark.parametrize(
    "fault",
    [
        Fault(kind=FaultKind.REJECT, status=401, times=3),
        Fault(kind=FaultKind.PAGE, status=503, times=3),
        Fault(kind=FaultKind.GARBAGE, times=3),
        Fault(kind=FaultKind.CLOSE, times=3),
    ],
    ids=lambda fault: fault.kind.value,
)
def test_18_the_api_says_nonsense_for_a_while(quick: World, fault: Fault) -> None:
    """A few bad answers while it drains are no reason to stop, and nothing to believe."""
    quick.driver.hosts["web1"].sockets.append(connection())
    quick.clock.after(60, quick.driver.hosts["web1"].sockets.pop)
    result = quick.run_until(
        f"{ROLL}, hosts: [web1]", "web1/drain", lambda: quick.clock.after(20, _arm(quick, fault))
    )
    if result.state == "paused":
        # What was refused is not tried for ever; nothing was lost by stopping.
        assert not _restarted(quick)
        result = quick.resume(result.run_id)
    assert result.finished, result.reason
    assert quick.enabled() == ALL_IN
    assert len(quick.mutations()) == 2


def _arm(world: World, fault: Fault) -> Callable[[], object]:
    return lambda: world.box.arm(fault)


def test_18_one_of_several_loadmasters_goes_away(wide: WideWorld) -> None:
    """Then nobody knows whether the server is drained there: blind is not nought."""
    wide.driver.hosts["web1"].sockets.append(connection())
    wide.clock.after(60, wide.driver.hosts["web1"].sockets.pop)
    away = Fault(kind=FaultKind.PAGE, times=None)
    result = wide.run_until(
        wide.wide_plan(ROLL, "hosts: [web1]"),
        "web1/drain",
        lambda: wide.clock.after(20, lambda: wide.api_box.arm(away)),
    )
    assert _step(result, "web1/drain").gate == "blind"
    assert not wide.driver.hosts["web1"].commands
    wide.api_box.disarm()
    assert wide.resume(result.run_id).finished
    assert wide.states("web1") == dict.fromkeys(SERVICES, True)


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
    assert not _restarted(quick)
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
