"""Whole runs against a virtual LoadMaster and hosts in memory, on virtual time."""

import dataclasses

import pytest

from kempsdk import Forward, ServiceType, VsRef
from orchestrator.errors import GateRefused
from orchestrator.hosts.changes import AddAddress, RemoveAddress, SetSysctl
from orchestrator.rollout.plan import ServerPlan
from orchestrator.rollout.records import StepStatus
from orchestrator.rollout.report import report, summaries
from orchestrator.rollout.run import new_run_id
from tests.fakes.host import FAILS
from tests.orchestrator.rollout.world import (
    ADDRESS,
    ALL_IN,
    INVENTORY,
    NAMES,
    ROLL,
    SERVER,
    VS,
    World,
    bare,
    connection,
)


def test_add(world: World) -> None:
    report = world.run("kind: add")
    assert report.finished
    assert {one.outcome for one in report.hosts.values()} == {"done"}
    assert world.enabled() == ALL_IN
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
    report = ready.run("kind: roll, action: {argv: [restart, '{host}', '{address}']}")
    assert report.finished
    assert ready.enabled() == ALL_IN
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
    assert ready.enabled() == ALL_IN


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
    assert ready.enabled() == ALL_IN


def test_weights_come_back(world: World) -> None:
    world.in_service()
    world.lm.real_servers.update(VS, SERVER["web1"], weight=7)
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


def test_action_here(ready: World) -> None:
    rollout = "kind: roll, hosts: [web1], action: {argv: [deploy, '{host}', '{run}'], on: here}"
    result = ready.run(rollout, run_id="abc")
    assert result.finished
    assert [bare(one) for one in ready.here_calls] == [("deploy", "web1", "abc")]


def test_a_server_disabled_by_somebody_else_stays_disabled(ready: World) -> None:
    ready.lm.real_servers.disable_in(VS, SERVER["web2"])
    result = ready.run(ROLL.replace("kind: roll", "kind: roll, max_unavailable: 2"))
    assert result.finished
    assert ready.enabled() == {"web1": True, "web2": False, "web3": True}
    assert ready.driver.hosts["web2"].commands  # worked on, but not put in
    assert "enable" not in ready.kinds("web2")


def test_an_empty_plan_finishes(ready: World) -> None:
    result = ready.run("kind: add")
    assert result.finished
    assert {one.outcome for one in result.hosts.values()} == {"unchanged"}
    assert all(one.reason.startswith("already in service") for one in result.hosts.values())


def test_every_host_has_an_outcome(ready: World) -> None:
    ready.driver.hosts["web2"].on_run = lambda _: FAILS
    result = ready.run(ROLL)
    assert {name: one.outcome for name, one in result.hosts.items()} == {
        "web1": "done",
        "web2": "failed",
        "web3": "not_attempted",
    }
    data = result.to_data()
    assert data["hosts"]["web3"]["outcome"] == "not_attempted"
    assert data["state"] == "paused"


def test_half_an_addition_is_mended(world: World) -> None:
    # The appliance ignores forward when a server is added, and then refuses the change.
    world.box.reject("modrs", n=1)
    result = world.run("kind: add, hosts: [web1]")
    assert result.hosts["web1"].outcome == "failed"
    assert world.enabled() == {"web1": False}
    assert world.resume(result.run_id).finished
    (server,) = world.lm.virtual_services.get(VS).real_servers
    assert (server.enabled, server.forward) == (True, Forward.ROUTE)


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


def test_run_ids_are_short_and_differ() -> None:
    assert len({new_run_id() for _ in range(100)}) == 100
    assert len(new_run_id()) == 8


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
