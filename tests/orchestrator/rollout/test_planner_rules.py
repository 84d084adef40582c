"""What the planner refuses by a rule, and what it warns of."""

import dataclasses
from typing import Any

import pytest

from kempsdk import Forward, Persist, RsRef, VsRef
from orchestrator.errors import RuleViolated
from orchestrator.hosts.state import HostAddress, NetState, PersistentSysctl
from orchestrator.rollout.planner import make_plan
from tests.orchestrator.rollout.facts import (
    HOST,
    S,
    all_three,
    carriers,
    carrying,
    facts,
    kinds,
    plain,
    plains,
    planned,
    real_server,
    service,
)
from tests.orchestrator.rollout.world import ADDRESS, INVENTORY, NAMES, VIP, spec_for


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({"layer": 7, "force_l4": False}, "dsr-needs-l4"),
        ({"ssl_acceleration": True}, "dsr-no-ssl"),
        ({"persist": Persist.COOKIE}, "dsr-no-cookie-persistence"),
        ({"cache": True}, "dsr-no-cache"),
        ({"request_rules": ("r",)}, "dsr-no-content-rules"),
    ],
)
def test_rules_of_direct_return(changes: dict[str, Any], rule: str) -> None:
    vs = all_three(**changes)
    with pytest.raises(RuleViolated, match=rule) as violated:
        planned("kind: roll", facts(vs))
    assert violated.value.rules == (rule,)
    allowed = planned(f"kind: roll, allow: [{rule}]", facts(vs))
    assert rule in {one.id for one in allowed.warnings}
    # What is wrong can still be taken apart.
    assert not planned("kind: remove, hosts: [web1]", facts(vs)).empty


def test_forward_nat_under_loopback_is_refused() -> None:
    vs = service([real_server("web1", forward=Forward.NAT)])
    with pytest.raises(RuleViolated, match="dsr-forward-route"):
        planned("kind: add", facts(vs))


def test_critical_server() -> None:
    vs = all_three({"web1": {"critical": True}})
    with pytest.raises(RuleViolated, match="critical-server"):
        planned("kind: roll", facts(vs))
    planned("kind: roll, hosts: [web2]", facts(vs, {"web2": carrying("web2")}))


def test_action_on_a_host_that_serves_elsewhere() -> None:
    other = service(
        [real_server("web1", ref=RsRef(ADDRESS["web1"], 25))],
        ref=VsRef.parse("tcp/203.0.113.251:25"),
        index=2,
    )
    with pytest.raises(RuleViolated, match="host-serves-elsewhere"):
        planned("kind: roll, action: {argv: [reboot]}", facts(others=(other,)))
    planned("kind: roll", facts(others=(other,)))


def test_warnings() -> None:
    plan = planned("kind: roll", inventory=INVENTORY.replace("arp_probe: {interface: eth0}\n", ""))
    ids = {one.id for one in plan.warnings}
    assert {"no-arp-probe", "roll-without-action", "l4-has-no-drain"} <= ids
    assert S.ARP_PROOF not in kinds(plan, "web1")


def test_an_addition_is_not_warned_of_drains() -> None:
    assert "l4-has-no-drain" not in {one.id for one in planned("kind: add").warnings}


def test_exposed_vip_is_named_with_its_cure() -> None:
    loud = dataclasses.replace(carrying("web1"), sysctls=dict.fromkeys(carrying("web1").sysctls, 0))
    plan = planned("kind: add", facts(hosts=carriers(web1=loud)))
    warned = next(one for one in plan.warnings if one.id == "vip-exposed")
    assert "gratuitous ARP" in warned.cure
    assert plan.server("web1").steps


def test_drain_time_zero_and_pinning_are_warned_of_at_layer_7() -> None:
    inventory = INVENTORY.replace("method: loopback", "method: none")
    vs = service(
        (real_server(name, forward=Forward.NAT) for name in NAMES),
        layer=7,
        force_l4=False,
        persist=Persist.COOKIE,
    )
    spec = spec_for("kind: drain, hosts: [web1]", inventory=inventory)
    zero = make_plan(spec, facts(vs, drain_time_s=0))
    assert "drain-time-zero" in {one.id for one in zero.warnings}
    pinned = make_plan(spec, facts(vs, drain_time_s=300))
    (warned,) = [one for one in pinned.warnings if one.id == "persistence-pins"]
    assert "by cookie" in warned.message
    assert "for up to 300 s" in warned.message
    assert "stays away for" not in warned.message
    short = dataclasses.replace(vs, persist_timeout_s=60)
    forgets = make_plan(spec, facts(short, drain_time_s=300))
    assert any("stays away for 60 s" in one.message for one in forgets.warnings)


def _on_eth0(name: str) -> NetState:
    state = carrying(name)
    vip = HostAddress(address=VIP, prefix=32, interface="eth0")
    return dataclasses.replace(state, addresses=(*state.addresses, vip))


def _overruled(name: str, path: str) -> NetState:
    state = carrying(name)
    line = PersistentSysctl(path=path, key="conf/eth0/arp_announce", value="0")
    every = PersistentSysctl(path=path, key="conf/all/arp_announce", value="0")
    return dataclasses.replace(state, persistent_sysctls=(*state.persistent_sysctls, line, every))


@pytest.mark.parametrize(
    ("state", "words"),
    [
        (_on_eth0("web1"), "is on eth0"),
        (_overruled("web1", "/etc/sysctl.d/99-local.conf"), "after a reboot"),
        (_overruled("web1", "/etc/sysctl.conf"), "after 'sysctl --system'"),
    ],
)
def test_a_host_that_only_a_person_can_mend_is_not_called_right(
    state: NetState, words: str
) -> None:
    plan = planned("kind: add", facts(hosts=carriers(web1=state)))
    assert kinds(plan, "web1") == [*HOST, S.HEALTHY]
    assert "not as it must be" in plan.server("web1").why
    (warned,) = [one for one in plan.warnings if one.id == "host-needs-a-person"]
    assert words in warned.message
    assert warned.cure


def test_what_the_run_mends_needs_no_person() -> None:
    early = _overruled("web1", "/etc/sysctl.d/10-local.conf")
    lines = early.persistent_sysctls
    ours_later = dataclasses.replace(
        plain("web1"), persistent_sysctls=tuple(one for one in lines if "10-local" in one.path)
    )
    plan = planned("kind: add", facts(hosts={**plains(), "web1": ours_later}))
    assert "host-needs-a-person" not in {one.id for one in plan.warnings}


def test_a_vip_on_the_wrong_interface_is_exposed() -> None:
    plan = planned("kind: add", facts(hosts=carriers(web1=_on_eth0("web1"))))
    assert "vip-exposed" in {one.id for one in plan.warnings}
