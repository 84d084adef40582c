"""Whole runs against a virtual LoadMaster and hosts in memory, on virtual time."""

import dataclasses
import sqlite3
import threading
from collections.abc import Sequence
from pathlib import Path

import pytest

from kempsdk import Forward, RsRef, ServiceType, VsRef
from orchestrator.errors import (
    DriftDetected,
    GateRefused,
    HostUnreachable,
    Locked,
    OrchestratorError,
    RunNotFound,
    RunPaused,
    StoreUnavailable,
)
from orchestrator.hosts.changes import AddAddress, RemoveAddress, SetSysctl
from orchestrator.hosts.driver import CommandResult
from orchestrator.rollout.facts import read_facts
from orchestrator.rollout.plan import Plan, ServerPlan
from orchestrator.rollout.records import Event, StepStatus
from orchestrator.rollout.report import report, summaries
from orchestrator.rollout.run import abandon, new_run_id, run_rollout
from orchestrator.rollout.store import Store
from tests.orchestrator.rollout.world import (
    ADDRESS,
    INVENTORY,
    NAMES,
    VIP,
    VS,
    World,
    bare,
    connection,
    listener,
    spec_for,
)

ROLL = "kind: roll, action: {argv: [restart, '{host}', '{address}']}"


# -- the four kinds, and that a second plan is empty --------------------


def test_add(world: World) -> None:
    report = world.run("kind: add")
    assert report.finished
    assert {one.outcome for one in report.hosts.values()} == {"done"}
    assert world.enabled() == dict.fromkeys(NAMES, True)
    for name in NAMES:
        assert world.carries_vip(name)
        applied = world.driver.hosts[name].applied
        silence = [n for n, one in enumerate(applied) if isinstance(one, SetSysctl)]
        vip = [n for n, one in enumerate(applied) if isinstance(one, AddAddress)]
        assert max(silence) < min(vip)
    # Added disabled, so that it gets no traffic before its host is verified.
    for call in world.mutations():
        if call.command == "addrs":
            assert call.params["enable"].lower() in ("n", "no", "0", "false")
    assert world.plan("kind: add").empty
    assert world.run("kind: add").finished


def test_roll(ready: World) -> None:
    report = ready.run(ROLL)
    assert report.finished
    assert ready.enabled() == dict.fromkeys(NAMES, True)
    for name in NAMES:
        (command,) = ready.driver.hosts[name].commands
        assert bare(command) == ("restart", name, ADDRESS[name])
        assert ready.kinds(name) == [
            "disable", "drain", "action", "prepare-host", "verify-host", "arp-proof",
            "service-bound", "enable", "healthy",
        ]  # fmt: skip
    # One disable and one enable a server, one server after the other.
    calls = [(one.params["rs"], one.params["enable"]) for one in ready.mutations()]
    assert len(calls) == 6
    assert all(first[0] == second[0] for first, second in zip(calls[::2], calls[1::2], strict=True))
    for call in ready.mutations():
        others = [one for one in call.servers if one.address != call.params["rs"]]
        assert all(one.enabled and one.healthy for one in others)
    # Whoever watches is told that a server is out when it is, not with the next look at all.
    kinds = [(one.kind, one.step, one.data.get("healthy")) for one in ready.events]
    for number, (kind, step, _) in enumerate(kinds):
        if kind == "step-ended" and step and step.endswith("/disable"):
            assert kinds[number - 1] == ("healthy", None, 2)


def test_drain_then_add_by_name(ready: World) -> None:
    assert ready.run("kind: drain, hosts: [web2]").finished
    assert ready.enabled() == {"web1": True, "web2": False, "web3": True}
    assert ready.carries_vip("web2")
    assert ready.plan("kind: drain, hosts: [web2]").empty
    assert ready.run("kind: add, hosts: [web2]").finished
    assert ready.enabled() == dict.fromkeys(NAMES, True)


def test_remove(ready: World) -> None:
    report = ready.run("kind: remove, hosts: [web3]")
    assert report.finished, report.reason
    assert ready.enabled() == {"web1": True, "web2": True}
    host = ready.driver.hosts["web3"]
    assert not ready.carries_vip("web3")
    assert host.sysctls["conf/all/arp_ignore"] == 0
    applied = host.applied
    vip = [n for n, one in enumerate(applied) if isinstance(one, RemoveAddress)]
    loud = [n for n, one in enumerate(applied) if isinstance(one, SetSysctl)]
    assert max(vip) < min(loud)
    assert ready.plan("kind: remove, hosts: [web3]").empty
    kinds = ready.kinds("web3")
    assert kinds == ["disable", "drain", "delete-server", "clear-host"]


def test_batch_of_two(ready: World) -> None:
    report = ready.run("kind: roll, batch: 2, max_unavailable: 2")
    assert report.finished
    assert ready.enabled() == dict.fromkeys(NAMES, True)


def test_weights_come_back(world: World) -> None:
    world.in_service()
    world.lm.real_servers.update(VS, RsRef(ADDRESS["web1"], 80), weight=7)
    assert world.run("kind: roll").finished
    servers = {rs.address: rs.weight for rs in world.lm.virtual_services.get(VS).real_servers}
    assert servers[ADDRESS["web1"]] == 7


def test_evidence_and_journal(ready: World) -> None:
    result = ready.run("kind: roll, hosts: [web1]")
    steps = {one.id: one for one in result.hosts["web1"].steps}
    assert steps["web1/disable"].before is not None
    assert steps["web1/disable"].before["enabled"] is True
    assert steps["web1/disable"].after is not None
    assert steps["web1/disable"].after["enabled"] is False
    assert any("2 of 3 healthy" in one for one in steps["web1/disable"].evidence)
    assert any("LoadMaster 0, host 0" in one for one in steps["web1/drain"].evidence)
    assert steps["web1/healthy"].seconds is not None
    assert steps["web1/healthy"].seconds >= 10
    journal = ready.store.steps(result.run_id)
    assert journal["web1/disable"].inverse is not None
    assert journal["web1/disable"].inverse["kind"] == "enable"
    assert summaries(ready.store)[0].run_id == result.run_id
    assert report(result.run_id, ready.store) == result


# -- 1: nothing is enabled before its host was verified in this run --------------------


def _reordered(plan: Plan, name: str) -> Plan:
    """Return the plan with a server enabled before anything else happens to it."""
    server = plan.server(name)
    enable = next(one for one in server.steps if one.kind.value == "enable")
    first = [one for one in server.steps if one.kind.value == "add-server"]
    rest = [one for one in server.steps if one is not enable and one not in first]
    changed = dataclasses.replace(server, steps=(*first, enable, *rest))
    return dataclasses.replace(
        plan,
        servers=tuple(changed if one.name == name else one for one in plan.servers),
    )


def test_enable_before_verified_is_refused(world: World) -> None:
    result = world.run(_reordered(world.plan("kind: add"), "web1"))
    assert result.state == "paused"
    assert result.hosts["web1"].outcome == "failed"
    failed = next(one for one in result.hosts["web1"].steps if one.status == "failed")
    assert (failed.id, failed.gate) == ("web1/enable", "host-verified")
    assert {result.hosts[name].outcome for name in ("web2", "web3")} == {"not_attempted"}
    assert world.enabled() == {"web1": False}
    assert not world.carries_vip("web1")


def test_verified_in_an_earlier_run_does_not_count(world: World) -> None:
    world.in_service()
    assert world.run("kind: drain, hosts: [web1]").finished
    plan = world.plan("kind: add, hosts: [web1]")
    server = plan.server("web1")
    only = tuple(one for one in server.steps if one.kind.value in ("enable", "healthy"))
    plan = dataclasses.replace(plan, servers=(dataclasses.replace(server, steps=only),))
    result = world.run(plan)
    assert result.hosts["web1"].outcome == "failed"
    assert "this run has not done its verify-host" in result.hosts["web1"].reason
    assert world.enabled()["web1"] is False


@pytest.mark.parametrize("fault", ["no-vip", "loud", "deaf-service"])
def test_a_host_that_changed_after_it_was_verified_is_not_enabled(ready: World, fault: str) -> None:
    """A server that comes back from its reboot half done looks healthy at its own address."""
    host = ready.driver.hosts["web1"]

    def break_it(event: Event) -> None:
        ready.events.append(event)
        if event.kind == "step-started" and event.step == "web1/enable":
            if fault == "no-vip":
                host.addresses = [one for one in host.addresses if one.address != VIP]
            elif fault == "loud":
                host.sysctls = dict.fromkeys(host.sysctls, 0)
            else:
                host.sockets.clear()

    plan = ready.plan("kind: roll")
    result = run_rollout(plan, ready.adapters, ready.store, on_event=break_it)
    assert result.state == "paused"
    failed = next(one for one in result.hosts["web1"].steps if one.status == "failed")
    assert failed.id == "web1/enable"
    assert failed.gate in ("host-verified", "service-bound")
    assert ready.enabled() == {"web1": False, "web2": True, "web3": True}


def test_reboot_as_action_is_repaired_before_the_server_is_enabled(ready: World) -> None:
    host = ready.driver.hosts["web1"]

    def reboot(_: Sequence[str]) -> CommandResult:
        host.boot()
        host.sockets.append(listener())
        return CommandResult(exit_code=0, stdout="", stderr="")

    host.on_run = reboot
    assert ready.run("kind: roll, hosts: [web1], action: {argv: [reboot]}").finished
    assert ready.carries_vip("web1")
    assert ready.enabled()["web1"] is True


def test_arp_answer_of_the_server_stops_it_and_names_the_cure(ready: World) -> None:
    ready.segment.claims = {ready.driver.hosts["web1"].interfaces["eth0"]: 1}
    result = ready.run("kind: roll")
    assert result.hosts["web1"].outcome == "failed"
    assert "gratuitous ARP" in result.hosts["web1"].reason
    assert ready.enabled() == {"web1": False, "web2": True, "web3": True}
    # The proof is made again before the run goes on.
    ready.segment.claims = {}
    assert ready.resume(result.run_id).finished
    assert ready.enabled() == dict.fromkeys(NAMES, True)


def test_a_deaf_probe_proves_nothing(ready: World) -> None:
    ready.segment.deaf = True
    result = ready.run("kind: roll")
    assert "not even the LoadMaster answered" in result.hosts["web1"].reason


# -- 4: the floor, live --------------------


def test_the_floor_is_looked_at_right_before_the_disable(ready: World) -> None:
    def watch(event: Event) -> None:
        ready.events.append(event)
        if event.kind == "step-started" and event.step == "web2/disable":
            ready.box.set_health(ADDRESS["web3"], 80, False)

    plan = ready.plan("kind: roll, max_unavailable: 2, min_healthy: 2")
    result = run_rollout(plan, ready.adapters, ready.store, on_event=watch)
    assert result.hosts["web1"].outcome == "done"
    assert result.hosts["web2"].outcome == "failed"
    failed = result.hosts["web2"].steps[0]
    assert (failed.id, failed.gate) == ("web2/disable", "floor")
    assert any(f"{ADDRESS['web3']}:80 is enabled and Down" in one for one in failed.evidence)
    assert result.hosts["web3"].outcome == "not_attempted"
    assert ready.enabled() == dict.fromkeys(NAMES, True)
    ready.box.set_health(ADDRESS["web3"], 80, True)
    assert ready.resume(result.run_id).finished


def test_two_servers_of_a_batch_do_not_both_take_the_last_place(ready: World) -> None:
    def watch(event: Event) -> None:
        if event.kind == "run-started":
            ready.box.set_health(ADDRESS["web3"], 80, False)

    plan = ready.plan("kind: drain, hosts: [web1, web2], batch: 2, max_unavailable: 3")
    result = run_rollout(plan, ready.adapters, ready.store, on_event=watch)
    assert result.state == "paused"
    outcomes = sorted(one.outcome for one in result.hosts.values())
    assert outcomes == ["done", "failed"]
    assert sum(ready.enabled()[name] for name in ("web1", "web2")) == 1


# -- 5: a failed server stays out --------------------


def test_a_server_that_does_not_come_up_is_taken_out_again(ready: World) -> None:
    def watch(event: Event) -> None:
        if event.kind == "step-started" and event.step == "web1/enable":
            ready.box.set_health(ADDRESS["web1"], 80, False)

    plan = ready.plan("kind: roll")
    result = run_rollout(plan, ready.adapters, ready.store, on_event=watch)
    assert result.state == "paused"
    assert "web1 failed" in result.reason
    assert "stays out" in result.hosts["web1"].reason
    assert {result.hosts[name].outcome for name in ("web2", "web3")} == {"not_attempted"}
    assert ready.enabled() == {"web1": False, "web2": True, "web3": True}
    ready.box.set_health(ADDRESS["web1"], 80, True)
    again = ready.resume(result.run_id)
    assert again.finished
    assert again.attempts == 2
    assert ready.enabled() == dict.fromkeys(NAMES, True)


def test_up_for_two_seconds_is_not_healthy(ready: World) -> None:
    def flap() -> None:
        ready.box.set_health(ADDRESS["web1"], 80, False)

    def watch(event: Event) -> None:
        if event.kind == "step-started" and event.step == "web1/healthy":
            ready.clock.after(2, flap)

    plan = ready.plan("kind: roll, drain: {poll_s: 1}")
    result = run_rollout(plan, ready.adapters, ready.store, on_event=watch)
    assert result.hosts["web1"].outcome == "failed"
    assert "1 breaks" in result.hosts["web1"].reason
    assert ready.enabled()["web1"] is False


def test_failed_action_keeps_the_server_out(ready: World) -> None:
    ready.driver.hosts["web2"].on_run = lambda argv: CommandResult(
        exit_code=3, stdout="", stderr="disk full"
    )
    result = ready.run(ROLL)
    assert result.hosts["web1"].outcome == "done"
    assert result.hosts["web2"].outcome == "failed"
    assert "exit code 3" in result.hosts["web2"].reason
    failed = next(one for one in result.hosts["web2"].steps if one.status == "failed")
    assert failed.evidence == ("disk full",)
    assert ready.enabled() == {"web1": True, "web2": False, "web3": True}


def test_action_that_never_ends(ready: World) -> None:
    ready.driver.hosts["web1"].on_run = lambda argv: CommandResult(
        exit_code=None, stdout="", stderr=""
    )
    result = ready.run(ROLL)
    assert "did not end within 600 s" in result.hosts["web1"].reason


def test_action_here(ready: World) -> None:
    rollout = "kind: roll, hosts: [web1], action: {argv: [deploy, '{host}', '{run}'], on: here}"
    result = ready.run(rollout, run_id="abc")
    assert result.finished
    assert [bare(one) for one in ready.here_calls] == [("deploy", "web1", "abc")]


# -- 6: only what was enabled is enabled again --------------------


def test_a_server_disabled_by_somebody_else_stays_disabled(ready: World) -> None:
    ready.lm.real_servers.disable_in(VS, RsRef(ADDRESS["web2"], 80))
    result = ready.run(ROLL.replace("kind: roll", "kind: roll, max_unavailable: 2"))
    assert result.finished
    assert ready.enabled() == {"web1": True, "web2": False, "web3": True}
    assert ready.driver.hosts["web2"].commands  # worked on, but not put in
    assert "enable" not in ready.kinds("web2")


# -- foreign changes and drift --------------------


def test_drift_before_the_start(ready: World) -> None:
    plan = ready.plan("kind: roll")
    ready.lm.real_servers.update(VS, RsRef(ADDRESS["web2"], 80), weight=5)
    ready.calls_before = len(ready.box.calls)
    with pytest.raises(DriftDetected, match="weight=5") as drift:
        ready.run(plan)
    assert len(drift.value.moved) == 1
    assert not ready.mutations()
    assert not ready.store.locks.all()
    assert summaries(ready.store)[0].state == "abandoned"


def test_drift_on_a_host(ready: World) -> None:
    plan = ready.plan("kind: roll")
    ready.driver.hosts["web3"].sysctls |= {"conf/all/arp_ignore": 0, "conf/eth0/arp_ignore": 0}
    with pytest.raises(DriftDetected, match="web3 effective ARP") as drift:
        ready.run(plan)
    assert drift.value.moved


def test_a_drained_server_enabled_by_somebody_else(ready: World) -> None:
    ready.driver.hosts["web1"].sockets.append(connection())
    ready.clock.after(30, lambda: ready.lm.real_servers.enable_in(VS, RsRef(ADDRESS["web1"], 80)))
    result = ready.run("kind: drain, hosts: [web1]")
    failed = result.hosts["web1"].steps[-1]
    assert (failed.id, failed.gate) == ("web1/drain", "foreign-change")
    assert ready.enabled()["web1"] is True  # left as it was found


def test_a_weight_changed_in_mid_run_stops_the_server(ready: World) -> None:
    ready.clock.after(
        8, lambda: ready.lm.real_servers.update(VS, RsRef(ADDRESS["web1"], 80), weight=3)
    )
    result = ready.run("kind: roll")
    failed = next(one for one in result.hosts["web1"].steps if one.status == "failed")
    assert (failed.id, failed.gate) == ("web1/enable", "foreign-change")
    assert failed.evidence == ("weight: left as 1000, found 3",)


def test_somebody_else_disables_it_first(ready: World) -> None:
    def watch(event: Event) -> None:
        if event.kind == "step-started" and event.step == "web1/disable":
            ready.lm.real_servers.disable_in(VS, RsRef(ADDRESS["web1"], 80))

    plan = ready.plan("kind: roll")
    result = run_rollout(plan, ready.adapters, ready.store, on_event=watch)
    failed = result.hosts["web1"].steps[0]
    assert (failed.status, failed.gate) == ("failed", "foreign-change")
    assert ready.enabled()["web1"] is False


# -- draining --------------------


def test_waits_for_both_sides(ready: World) -> None:
    host = ready.driver.hosts["web1"]
    host.sockets.append(connection("198.51.100.7"))
    ready.counters.by_address[ADDRESS["web1"]] = 2
    ready.clock.after(60, lambda: ready.counters.by_address.clear())
    ready.clock.after(120, lambda: host.sockets.remove(connection("198.51.100.7")))
    result = ready.run("kind: drain, hosts: [web1]")
    assert result.finished
    drain = result.hosts["web1"].steps[-1]
    assert drain.seconds is not None
    assert 120 <= drain.seconds < 160
    waiting = [one for one in ready.events if one.kind == "waiting"]
    assert "LoadMaster 2, host 1 (198.51.100.7 for 0 s)" in waiting[0].text


@pytest.mark.parametrize("side", ["loadmaster", "host"])
@pytest.mark.parametrize("policy", ["fail", "skip", "force"])
def test_deadline(ready: World, policy: str, side: str) -> None:
    host = ready.driver.hosts["web1"]
    if side == "host":
        host.sockets.append(connection("198.51.100.7"))
    else:
        ready.counters.by_address[ADDRESS["web1"]] = 1
    started = ready.clock.time_s()
    result = ready.run(
        f"kind: roll, action: {{argv: [x]}}, drain: {{deadline_s: 60, at_deadline: {policy}}}"
    )
    outcome = result.hosts["web1"].outcome
    drain = next(one for one in result.hosts["web1"].steps if one.id == "web1/drain")
    if policy == "fail":
        assert outcome == "failed"
        assert drain.gate == "drain-deadline"
        assert ready.clock.time_s() - started < 120
        assert ready.enabled() == {"web1": False, "web2": True, "web3": True}
        assert not host.commands
    elif policy == "skip":
        assert result.finished
        assert outcome == "skipped"
        assert not host.commands  # nothing was done to it, and it is back as it was
        assert ready.enabled() == dict.fromkeys(NAMES, True)
        assert result.hosts["web2"].outcome == "done"
    else:
        assert result.finished
        assert drain.status == "forced"
        assert "1 connections are going to be cut" in drain.evidence[0]
        assert host.commands
        assert ready.enabled() == dict.fromkeys(NAMES, True)


def test_limit_above_zero(ready: World) -> None:
    ready.counters.by_address[ADDRESS["web1"]] = 2
    assert ready.run("kind: drain, hosts: [web1], drain: {connections: 2}").finished


def test_frozen_statistics_are_not_zero(ready: World) -> None:
    def watch(event: Event) -> None:
        if event.kind == "step-started" and event.step == "web1/drain":
            ready.box.freeze_stats(True)

    plan = ready.plan("kind: roll, drain: {at_deadline: force}")
    result = run_rollout(plan, ready.adapters, ready.store, on_event=watch)
    drain = next(one for one in result.hosts["web1"].steps if one.id == "web1/drain")
    assert (drain.status, drain.gate) == ("failed", "blind")
    assert ready.enabled() == {"web1": False, "web2": True, "web3": True}


def test_host_that_cannot_be_read_is_not_drained(ready: World) -> None:
    def watch(event: Event) -> None:
        if event.kind == "step-started" and event.step == "web1/drain":
            ready.driver.hosts["web1"].down = "no route"

    plan = ready.plan("kind: drain, hosts: [web1], drain: {at_deadline: force, deadline_s: 30}")
    result = run_rollout(plan, ready.adapters, ready.store, on_event=watch)
    assert result.hosts["web1"].outcome == "failed"
    assert "nobody knows how many would be cut" in result.hosts["web1"].reason


def test_vip_stays_while_somebody_is_connected(ready: World) -> None:
    def watch(event: Event) -> None:
        if event.kind == "step-started" and event.step == "web3/clear-host":
            ready.driver.hosts["web3"].sockets.append(connection())

    plan = ready.plan("kind: remove, hosts: [web3]")
    result = run_rollout(plan, ready.adapters, ready.store, on_event=watch)
    failed = result.hosts["web3"].steps[-1]
    assert (failed.id, failed.gate) == ("web3/clear-host", "vip-let-go")
    assert ready.carries_vip("web3")


def test_vip_stays_while_another_service_uses_it(ready: World) -> None:
    other = VsRef.parse(f"tcp/{VIP}:443")

    def watch(event: Event) -> None:
        if event.kind == "step-started" and event.step == "web3/clear-host":
            ready.lm.virtual_services.create(other, force_l4=True)
            ready.lm.real_servers.add(other, RsRef(ADDRESS["web3"], 443), forward=Forward.ROUTE)

    plan = ready.plan("kind: remove, hosts: [web3]")
    result = run_rollout(plan, ready.adapters, ready.store, on_event=watch)
    assert result.hosts["web3"].steps[-1].gate == "vip-let-go"
    assert ready.carries_vip("web3")


# -- 7: unknown outcomes --------------------


def test_lost_answers_are_read_back_not_repeated(ready: World) -> None:
    def watch(event: Event) -> None:
        if event.kind == "acting" and event.step in ("web1/disable", "web1/enable"):
            ready.box.drop_after_read(1)

    plan = ready.plan("kind: roll, hosts: [web1]")
    result = run_rollout(plan, ready.adapters, ready.store, on_event=watch)
    assert result.finished, result.reason
    assert [one.params["enable"] for one in ready.mutations()] == ["N", "Y"]
    assert ready.enabled()["web1"] is True


def test_a_refused_disable_changes_nothing(ready: World) -> None:
    ready.box.reject("modrs", n=9)
    result = ready.run("kind: roll")
    assert result.hosts["web1"].outcome == "failed"
    assert result.hosts["web1"].steps[0].status == "failed"
    assert ready.enabled() == dict.fromkeys(NAMES, True)


# -- eyes -------------------------------------------------------------------------------


def test_one_bad_answer_while_draining_is_no_reason_to_stop(ready: World) -> None:
    ready.driver.hosts["web1"].sockets.append(connection())
    ready.clock.after(20, lambda: ready.box.html(1))
    ready.clock.after(60, ready.driver.hosts["web1"].sockets.pop)
    result = ready.run("kind: drain, hosts: [web1]")
    assert result.finished
    assert any("LoadMaster unknown" in one.text for one in ready.events)


def test_a_loadmaster_that_stays_away_stops_the_run(ready: World) -> None:
    ready.driver.hosts["web1"].sockets.append(connection())
    ready.clock.after(20, lambda: ready.box.html(10_000))
    result = ready.run("kind: drain, hosts: [web1]")
    drain = result.hosts["web1"].steps[-1]
    assert (drain.status, drain.gate) == ("failed", "blind")
    assert "for 6" in drain.reason  # stopped after a minute of darkness, not at the deadline


def test_a_loadmaster_that_goes_away_while_a_server_comes_up(ready: World) -> None:
    def watch(event: Event) -> None:
        if event.kind == "step-started" and event.step == "web1/healthy":
            ready.box.html(3)

    result = run_rollout(
        ready.plan("kind: roll, hosts: [web1]"), ready.adapters, ready.store, on_event=watch
    )
    assert result.finished


def test_a_store_that_breaks_stops_the_run(ready: World) -> None:
    def watch(event: Event) -> None:
        if event.kind == "acting" and event.step == "web1/disable":
            connection = sqlite3.connect(Path(ready.store.place) / "runs.sqlite")
            connection.execute("ALTER TABLE steps RENAME TO gone")
            connection.close()

    plan = ready.plan("kind: roll")
    with pytest.raises(StoreUnavailable, match="no such table"):
        run_rollout(plan, ready.adapters, ready.store, on_event=watch)
    assert len(ready.mutations()) == 1  # what was announced; nothing after it
    connection = sqlite3.connect(Path(ready.store.place) / "runs.sqlite")
    connection.execute("ALTER TABLE gone RENAME TO steps")
    connection.close()
    run_id = summaries(ready.store)[0].run_id
    assert ready.resume(run_id).finished
    assert ready.enabled() == dict.fromkeys(NAMES, True)
    assert len(ready.mutations()) == 6


# -- layer 7, where the servers carry nothing ---------------------------------------------


def test_layer_7(world: World) -> None:
    service = VsRef.parse("tcp/203.0.113.251:80")
    world.lm.virtual_services.create(service, type=ServiceType.HTTP)
    inventory = INVENTORY.replace("203.0.113.250", "203.0.113.251").replace("loopback", "none")
    for rollout in ("kind: add", "kind: roll", "kind: remove, hosts: [web3]"):
        plan = world.plan(rollout, inventory=inventory)
        result = world.run(plan)
        assert result.finished, result.reason
    servers = world.lm.virtual_services.get(service).real_servers
    assert [(rs.address, rs.enabled, rs.forward) for rs in servers] == [
        (ADDRESS["web1"], True, Forward.NAT),
        (ADDRESS["web2"], True, Forward.NAT),
    ]
    assert not any(world.driver.hosts[name].applied for name in NAMES)


def test_layer_7_sees_connections_to_the_servers_own_address(world: World) -> None:
    service = VsRef.parse("tcp/203.0.113.251:80")
    world.lm.virtual_services.create(service, type=ServiceType.HTTP)
    inventory = INVENTORY.replace("203.0.113.250", "203.0.113.251").replace("loopback", "none")
    assert world.run(world.plan("kind: add", inventory=inventory)).finished
    here = dataclasses.replace(connection(), local_address=ADDRESS["web1"])
    world.driver.hosts["web1"].sockets.append(here)
    world.clock.after(100, world.driver.hosts["web1"].sockets.pop)
    result = world.run(world.plan("kind: drain, hosts: [web1]", inventory=inventory))
    assert result.finished
    assert (result.hosts["web1"].steps[-1].seconds or 0) >= 100


def test_health_page_is_asked_for_where_there_is_a_place_to_ask_from(ready: World) -> None:
    inventory = INVENTORY.replace("method: loopback", "method: loopback, health: {path: /ok}")
    ready.segment.pages["/ok"] = 503
    result = ready.run(ready.plan("kind: roll", inventory=inventory))
    assert "/ok answered 503" in result.hosts["web1"].reason
    ready.segment.pages["/ok"] = 200
    assert ready.resume(result.run_id).finished
    blind = ready.plan(
        "kind: roll", inventory=inventory.replace("arp_probe: {interface: eth0}\n", "")
    )
    assert "health-not-asked" in {one.id for one in blind.warnings}


def test_half_an_addition_is_mended(world: World) -> None:
    # The appliance ignores forward when a server is added, and then refuses the change.
    world.box.reject("modrs", n=1)
    result = world.run("kind: add, hosts: [web1]")
    assert result.hosts["web1"].outcome == "failed"
    assert world.enabled() == {"web1": False}
    assert world.resume(result.run_id).finished
    (server,) = world.lm.virtual_services.get(VS).real_servers
    assert (server.enabled, server.forward) == (True, Forward.ROUTE)


def test_engine_file_that_is_none(ready: World) -> None:
    (Path(ready.store.place) / "engine.sqlite").write_bytes(b"not a database at all" * 100)
    plan = ready.plan("kind: drain, hosts: [web1]")
    with pytest.raises(StoreUnavailable, match="not a database"):
        ready.run(plan)
    assert not ready.mutations()


# -- locks, stop, resume, list --------------------


def test_second_run_on_the_same_service(ready: World) -> None:
    plan = ready.plan("kind: drain, hosts: [web2]")
    refused: list[Locked] = []

    def watch(event: Event) -> None:
        if event.kind == "step-started" and event.step == "web1/drain":
            with pytest.raises(Locked, match="is being worked on") as locked:
                ready.store.create_run(
                    "other",
                    plan,
                    worker="",
                    resources=[f"service {VS} of https://127.0.0.1:1"],
                    now_s=ready.clock.time_s(),
                )
            refused.append(locked.value)

    run = run_rollout(ready.plan("kind: roll"), ready.adapters, ready.store, on_event=watch)
    assert run.finished
    assert refused[0].owner == run.run_id
    assert not ready.store.locks.all()


def test_a_paused_run_keeps_its_locks(ready: World) -> None:
    ready.driver.hosts["web1"].on_run = lambda argv: CommandResult(
        exit_code=1, stdout="", stderr=""
    )
    paused = ready.run(ROLL)
    assert paused.state == "paused"
    with pytest.raises(Locked, match=f"kemp rollout resume {paused.run_id}") as locked:
        ready.run("kind: drain, hosts: [web2], max_unavailable: 2")
    assert locked.value.owner == paused.run_id
    abandon(paused.run_id, ready.store, now_s=ready.clock.time_s(), reason="given up")
    assert ready.run("kind: drain, hosts: [web2], max_unavailable: 2").finished
    with pytest.raises(RunPaused, match="abandoned"):
        ready.resume(paused.run_id)


def test_a_forgotten_lock_expires(ready: World) -> None:
    host = ready.driver.hosts["web1"]
    host.on_run = lambda argv: CommandResult(exit_code=1, stdout="", stderr="")
    paused = ready.run(ROLL)
    ready.clock.advance(25 * 3600)
    assert ready.run("kind: add, hosts: [web1]").finished
    # The old run may be taken up again, but it does nothing to a server that is in use.
    again = ready.resume(paused.run_id)
    failed = next(one for one in again.hosts["web1"].steps if one.status == "failed")
    assert (failed.id, failed.gate) == ("web1/action", "out-of-rotation")
    assert len(host.commands) == 1
    assert ready.enabled()["web1"] is True


def test_pause_and_resume(ready: World) -> None:
    stop = threading.Event()

    def watch(event: Event) -> None:
        ready.events.append(event)
        if event.kind == "acting" and event.step == "web2/disable":
            stop.set()

    result = run_rollout(ready.plan(ROLL), ready.adapters, ready.store, on_event=watch, stop=stop)
    assert result.state == "paused"
    assert "as asked for" in result.reason
    assert result.hosts["web1"].outcome == "done"
    assert result.hosts["web2"].outcome == "in_progress"
    assert result.hosts["web3"].outcome == "not_attempted"
    assert ready.enabled() == {"web1": True, "web2": False, "web3": True}
    assert ready.resume(result.run_id).finished
    assert ready.enabled() == dict.fromkeys(NAMES, True)
    # web1 was not touched again, web2 not disabled again.
    assert len(ready.mutations()) == 6
    assert all(len(ready.driver.hosts[name].commands) == 1 for name in NAMES)


def test_pause_while_draining(ready: World) -> None:
    ready.driver.hosts["web1"].sockets.append(connection())
    stop = threading.Event()
    ready.clock.after(50, stop.set)
    started = ready.clock.time_s()
    result = run_rollout(
        ready.plan("kind: drain, hosts: [web1]"),
        ready.adapters,
        ready.store,
        on_event=ready.events.append,
        stop=stop,
    )
    assert result.state == "paused"
    assert ready.clock.time_s() - started < 60
    ready.driver.hosts["web1"].sockets.pop()
    assert ready.resume(result.run_id).finished


def test_unreadable_host_before_the_start(ready: World) -> None:
    ready.driver.hosts["web2"].down = "no route"
    with pytest.raises(HostUnreachable, match="no route"):
        ready.plan("kind: roll")
    with pytest.raises(HostUnreachable):
        read_facts(spec_for("kind: add"), ready.adapters)


def test_resume_of_nothing(ready: World) -> None:
    with pytest.raises(RunNotFound):
        ready.resume("none")
    done = ready.run("kind: drain, hosts: [web1]")
    with pytest.raises(RunPaused, match="finished"):
        ready.resume(done.run_id)


def test_one_engine_in_a_process(ready: World, tmp_path: Path) -> None:
    plan = ready.plan("kind: drain, hosts: [web1]")
    refused: list[str] = []

    def watch(event: Event) -> None:
        if event.kind == "step-started" and event.step == "web1/drain":
            with (
                Store(tmp_path / "other") as other,
                pytest.raises(OrchestratorError, match="already running in this process") as error,
            ):
                run_rollout(
                    ready.plan("kind: add"), ready.adapters, other, on_event=ready.events.append
                )
            refused.append(str(error.value))

    assert run_rollout(plan, ready.adapters, ready.store, on_event=watch).finished
    assert refused


def test_an_empty_plan_finishes(ready: World) -> None:
    result = ready.run("kind: add")
    assert result.finished
    assert {one.outcome for one in result.hosts.values()} == {"unchanged"}
    assert all(one.reason.startswith("already in service") for one in result.hosts.values())


def test_run_ids_are_short_and_differ() -> None:
    assert len({new_run_id() for _ in range(100)}) == 100
    assert len(new_run_id()) == 8


def test_every_host_has_an_outcome(ready: World) -> None:
    ready.driver.hosts["web2"].on_run = lambda argv: CommandResult(
        exit_code=1, stdout="", stderr=""
    )
    result = ready.run(ROLL)
    assert {name: one.outcome for name, one in result.hosts.items()} == {
        "web1": "done",
        "web2": "failed",
        "web3": "not_attempted",
    }
    data = result.to_data()
    assert data["hosts"]["web3"]["outcome"] == "not_attempted"
    assert data["state"] == "paused"


def test_statuses_that_count_as_complete() -> None:
    assert {one for one in StepStatus if one.complete} == {
        StepStatus.DONE,
        StepStatus.UNCHANGED,
        StepStatus.FORCED,
    }


def test_plan_refuses_a_server_in_no_batch(ready: World) -> None:
    plan = ready.plan("kind: roll")
    with pytest.raises(ValueError, match="exactly one batch"):
        dataclasses.replace(
            plan, servers=(*plan.servers, ServerPlan(name="web9", host="web9", places=(), why=""))
        )


def test_gate_refused_is_an_error_with_evidence() -> None:
    refused = GateRefused("no", gate="floor", evidence=["a"])
    assert refused.evidence == ("a",)


def test_store_is_shared_between_openings(ready: World) -> None:
    result = ready.run("kind: add")
    with Store(ready.store.place) as second:
        assert report(result.run_id, second) == result
