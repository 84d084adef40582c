"""How a server goes out and comes back: stories 1 to 9."""

import dataclasses

import pytest

from kempsdk import Forward
from kempsdk.emulator import Fault, FaultKind
from orchestrator.errors import GateRefused
from orchestrator.rollout.run import abandon
from tests.fakes.host import FAILS
from tests.orchestrator.rollout.facts import facts, planned, real_server, service
from tests.orchestrator.rollout.world import (
    ADDRESS,
    ALL_IN,
    INVENTORY,
    NAMES,
    ROLL,
    SERVER,
    VS,
    World,
    connection,
    listener,
    step,
)

PATIENCE_S = 600.0


@pytest.mark.parametrize("policy", ["fail", "skip", "force"])
def test_01_one_connection_stays_for_hours(quick: World, policy: str) -> None:
    """Somebody's download never ends: at the deadline the file decides, by name."""
    quick.driver.hosts["web1"].sockets.append(connection())
    began_s = quick.clock.monotonic_s()
    drain = f"drain: {{deadline_s: {PATIENCE_S}, at_deadline: {policy}}}"
    result = quick.run(f"{ROLL}, hosts: [web1, web2], {drain}")
    assert quick.clock.monotonic_s() - began_s >= PATIENCE_S
    seen = step(result, "web1/drain")
    if policy == "fail":
        assert (seen.gate, result.state) == ("drain-deadline", "paused")
        assert quick.enabled() == {**ALL_IN, "web1": False}
        assert not quick.acted_on()
    elif policy == "skip":
        assert (result.hosts["web1"].outcome, result.state) == ("skipped", "finished")
        assert quick.enabled() == ALL_IN
        assert quick.acted_on() == ["web2"]
    else:
        assert (seen.status, result.state) == ("forced", "finished")
        assert seen.evidence[0].startswith("1 connections are going to be cut")
        assert quick.acted_on() == ["web1", "web2"]


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
    assert step(result, "web1/drain").gate == "drain-deadline"
    looks = [one for one in quick.events if one.kind == "waiting" and one.step == "web1/drain"]
    assert {one.data["connections"] for one in looks} == {0, 1}
    held = [holder for one in looks for holder in one.data["holders"]]
    assert {one["address"] for one in held} == {peer}
    left_s = [one.data["deadline_in_s"] for one in looks]
    assert left_s == sorted(left_s, reverse=True)
    assert not quick.acted_on()


def test_03_layer_4_has_no_drain_and_the_plan_says_what_will_be_cut(quick: World) -> None:
    """The appliance does not drain here; what force cuts is warned of, and counted."""
    quick.counters.by_address[ADDRESS["web1"]] = 7
    quick.box.sample_now()
    plan = quick.plan(f"{ROLL}, hosts: [web1], drain: {{deadline_s: 60, at_deadline: force}}")
    assert {"l4-has-no-drain", "drain-force"} <= {one.id for one in plan.warnings}
    assert next(one for one in plan.steps if one.id == "web1/drain").why.startswith("7 conn")
    result = quick.run(plan)
    assert step(result, "web1/drain").evidence[0].startswith("7 connections are going to be cut")


def test_03_a_drain_time_of_nought_cuts_at_the_disable_and_the_plan_counts_it() -> None:
    """At layer 7 there is nothing to wait for then: who is served is cut off at once."""
    inventory = INVENTORY.replace("method: loopback", "method: none")
    vs = service((real_server(name, forward=Forward.NAT) for name in NAMES), layer=7)
    vs = dataclasses.replace(vs, force_l4=False)
    told = {}
    for drain_time_s in (0, 300):
        given = facts(vs, connections={SERVER["web1"]: 7}, drain_time_s=drain_time_s)
        plan = planned("kind: drain, hosts: [web1]", given, inventory=inventory)
        told[drain_time_s] = next(one.why for one in plan.steps if one.id == "web1/disable")
        assert any(one.id == "drain-time-zero" for one in plan.warnings) is (drain_time_s == 0)
    assert told == {
        0: "cuts 7 connections: the L7 drain time is 0",
        300: "no new connections; those that are open go on",
    }


def test_04_ok_was_said_and_nothing_happened(quick: World) -> None:
    """A disable that does not take, a server that does not come up, counters that stand still."""
    back = {"cmd": "modrs", "vs": str(VS.address), "port": 80, "prot": "tcp"}
    server = {"rs": ADDRESS["web1"], "rsport": 80, "enable": "Y"}
    undone = Fault(kind=FaultKind.CHANGE, when="after", command="modrs", calls=[{**back, **server}])
    quick.box.arm(undone)
    result = quick.run(f"{ROLL}, hosts: [web1]")
    assert step(result, "web1/disable").status == "failed"
    assert (quick.enabled(), quick.acted_on()) == (ALL_IN, [])
    abandon(result.run_id, quick.store, now_s=quick.clock.time_s(), reason="")

    result = quick.run_until(
        f"{ROLL}, hosts: [web1]", "web1/enable", lambda: quick.set_health("web1", up=False)
    )
    assert step(result, "web1/healthy").gate == "healthy-deadline"
    assert quick.enabled() == {**ALL_IN, "web1": False}
    abandon(result.run_id, quick.store, now_s=quick.clock.time_s(), reason="")

    quick.set_health("web1", up=True)
    quick.lm.real_servers.enable_in(VS, SERVER["web1"])
    result = quick.run_until(
        f"{ROLL}, hosts: [web2]", "web2/drain", lambda: quick.box.freeze_stats(True)
    )
    assert step(result, "web2/drain").gate == "blind"
    assert "web2" not in quick.acted_on()


def test_05_somebody_disabled_it_before(quick: World) -> None:
    """It was out for a reason that is not ours: it stays out, and the others are done."""
    quick.lm.real_servers.disable_in(VS, SERVER["web1"])
    result = quick.run(f"{ROLL}, max_unavailable: 2")
    assert result.finished, result.reason
    assert quick.enabled() == {**ALL_IN, "web1": False}


def test_06_the_last_but_one_dies_between_plan_and_disable(quick: World) -> None:
    """The floor is what is healthy at that moment, not what was when it was planned."""
    quick.set_health("web2", up=False)
    quick.set_health("web3", up=False)
    quick.set_health("web2", up=True)
    plan = quick.plan(f"{ROLL}, hosts: [web1], max_unavailable: 2")
    before = len(quick.mutations())

    result = quick.run_until(plan, "web1/disable", lambda: quick.set_health("web2", up=False))
    assert step(result, "web1/disable").gate == "floor"
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
        quick.lm.real_servers.delete(VS, SERVER[name])
    with pytest.raises(GateRefused, match="one server only") as refused:
        quick.plan(f"{ROLL}, hosts: [web1]")
    assert refused.value.gate == "floor-impossible"


@pytest.mark.parametrize("floor", ["max_unavailable: 50%", "min_healthy: 50%"])
def test_06_a_percentage_of_no_servers_keeps_nobody_out(floor: str) -> None:
    """The first server of a service comes in; there is none that could be taken out."""
    given = facts(service(()))
    assert planned(f"kind: add, hosts: [web1], {floor}", given).server("web1").steps
    assert planned(f"kind: drain, hosts: [web1], {floor}", given).empty


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
        quick.clock.after(3, lambda: quick.set_health("web1", up=False))

    result = quick.run_until(f"{ROLL}, hosts: [web1], min_healthy_s: 10", "web1/healthy", flap)
    assert step(result, "web1/healthy").gate == "healthy-deadline"
    assert quick.enabled() == {**ALL_IN, "web1": False}


def test_08_a_flap_while_it_bakes_puts_the_batch_back(quick: World) -> None:
    """All was well with the server; then it falls over before the next batch begins."""
    quick.lm.real_servers.update(VS, SERVER["web1"], weight=300)

    def flap() -> None:
        quick.clock.after(25, lambda: quick.set_health("web1", up=False))

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
