"""Nothing is enabled before its host was verified in this run, from inside and from outside."""

import dataclasses
from collections.abc import Sequence

import pytest

from orchestrator.hosts.driver import CommandResult
from orchestrator.rollout.plan import Plan
from tests.fakes.host import OK
from tests.orchestrator.rollout.world import (
    ALL_IN,
    INVENTORY,
    VIP,
    World,
    failed_step,
    listener,
)


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
    failed = failed_step(result, "web1")
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

    def break_it() -> None:
        if fault == "no-vip":
            host.addresses = [one for one in host.addresses if one.address != VIP]
        elif fault == "loud":
            host.sysctls = dict.fromkeys(host.sysctls, 0)
        else:
            host.sockets.clear()

    result = ready.run_until("kind: roll", "web1/enable", break_it)
    assert result.state == "paused"
    failed = failed_step(result, "web1")
    assert failed.id == "web1/enable"
    assert failed.gate in ("host-verified", "service-bound")
    assert ready.enabled() == {"web1": False, "web2": True, "web3": True}


def test_reboot_as_action_is_repaired_before_the_server_is_enabled(ready: World) -> None:
    host = ready.driver.hosts["web1"]

    def reboot(_: Sequence[str]) -> CommandResult:
        host.boot()
        host.sockets.append(listener())
        return OK

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
    assert ready.enabled() == ALL_IN


def test_a_deaf_probe_proves_nothing(ready: World) -> None:
    ready.segment.deaf = True
    result = ready.run("kind: roll")
    assert "not even the LoadMaster answered" in result.hosts["web1"].reason


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
