"""Plans: pure, from hand-made facts."""

import dataclasses
import json
from collections.abc import Iterable, Mapping
from typing import Any

import jsonschema
import pytest

from kempsdk import Forward, Persist, RealServer, RsRef, RsStatus, VirtualService, VsRef
from orchestrator.errors import GateRefused, OrchestratorError, RuleViolated, SpecInvalid
from orchestrator.hosts.driver import Host
from orchestrator.hosts.state import HostAddress, NetState, PersistentSysctl
from orchestrator.rollout.facts import Facts, LoadMasterFacts, moved, snapshot
from orchestrator.rollout.plan import Plan, Step, StepKind, plan_schema
from orchestrator.rollout.planner import make_plan
from orchestrator.spec import Spec
from tests.fakes.host import FakeHostDriver, plain_host
from tests.orchestrator.hosts import by_loopback
from tests.orchestrator.rollout.world import (
    ADDRESS,
    INVENTORY,
    MAC,
    NAMES,
    VIP,
    VS,
    connection,
    listener,
    spec_for,
)


def real_server(name: str, **changes: Any) -> RealServer:
    return RealServer(
        **{
            "ref": RsRef(ADDRESS[name], 80),
            "vs_index": 1,
            "rs_index": 10 + NAMES.index(name),
            "forward": Forward.ROUTE,
            "enabled": True,
            "status": RsStatus.UP,
            **changes,
        }
    )


def service(servers: Iterable[RealServer] = (), **changes: Any) -> VirtualService:
    return VirtualService(
        **{
            "ref": VS,
            "index": 1,
            "layer": 4,
            "enabled": True,
            "force_l4": True,
            "real_servers": tuple(servers),
            **changes,
        }
    )


def plain(name: str) -> NetState:
    driver, host = FakeHostDriver(), spec_for("kind: add").host(name)
    fake = driver.add(host, plain_host(host, mac=MAC[name]))
    fake.sockets.append(listener())
    return driver.read(host, by_loopback.METHOD.sections)


def carrying(name: str) -> NetState:
    """Return a host that carries the VIP as the product leaves it."""
    driver, host = FakeHostDriver(), spec_for("kind: add").host(name)
    fake = driver.add(host, plain_host(host, mac=MAC[name]))
    fake.sockets.append(listener())
    driver.apply(
        host,
        by_loopback.plan_add(driver.read(host, by_loopback.METHOD.sections), host=host, vip=VIP),
    )
    return driver.read(host, by_loopback.METHOD.sections)


def facts(
    vs: VirtualService | None = None,
    hosts: Mapping[str, NetState] | None = None,
    *,
    others: tuple[VirtualService, ...] = (),
    connections: Mapping[RsRef, int] | None = None,
    drain_time_s: int | None = None,
) -> Facts:
    there = vs or service([real_server(name) for name in NAMES])
    counted = {(there.ref, rs): count for rs, count in (connections or {}).items()}
    return Facts(
        loadmasters={
            "lb1": LoadMasterFacts(
                services=(there, *others),
                connections=counted,  # type: ignore[arg-type] # no SubVS here
                drain_time_s=drain_time_s,
                appliance="LoadMaster with serial number 1",
            )
        },
        hosts=hosts or {name: carrying(name) for name in NAMES},
    )


def kinds(plan: Plan, name: str) -> list[StepKind]:
    return [step.kind for step in plan.server(name).steps]


def step_of(plan: Plan, name: str, kind: StepKind) -> Step:
    return next(step for step in plan.server(name).steps if step.kind is kind)


S = StepKind
HOST = [S.PREPARE_HOST, S.VERIFY_HOST, S.ARP_PROOF, S.SERVICE_BOUND]


def test_add_new_server() -> None:
    plan = make_plan(spec_for("kind: add"), facts(service(), {name: plain(name) for name in NAMES}))
    assert plan.batches == (("web1",), ("web2",), ("web3",))
    assert kinds(plan, "web1") == [*HOST, S.ADD_SERVER, S.ENABLE, S.HEALTHY]
    added = step_of(plan, "web1", S.ADD_SERVER)
    assert added.before == {"present": False}
    assert added.after == {
        "present": True,
        "enabled": False,
        "forward": "route",
        "weight": 1000,
        "limit": 0,
    }
    prepared = step_of(plan, "web1", S.PREPARE_HOST)
    assert prepared.before["net/ipv4/conf/all/arp_ignore"] == 0
    assert prepared.after["net/ipv4/conf/all/arp_ignore"] == 1
    assert prepared.after[f"{VIP}/32 on lo"] is True
    # Silence before the VIP, here and in what would be carried out.
    assert list(prepared.after).index("net/ipv4/conf/all/arp_ignore") < list(prepared.after).index(
        f"{VIP}/32 on lo"
    )
    assert prepared.inverse is not None
    assert prepared.inverse["changes"][0]["change"] == "RemoveAddress"


def test_add_where_all_is_right_is_empty_and_says_why() -> None:
    plan = make_plan(spec_for("kind: add"), facts())
    assert plan.empty
    assert all(one.why.startswith("already in service") for one in plan.servers)


def test_add_leaves_a_disabled_server_alone_unless_it_is_named() -> None:
    vs = service([real_server("web1"), real_server("web2", enabled=False), real_server("web3")])
    plan = make_plan(spec_for("kind: add"), facts(vs))
    assert plan.empty
    assert "disabled by somebody else: left so" in plan.server("web2").why
    named = make_plan(spec_for("kind: add, hosts: [web2]"), facts(vs, {"web2": carrying("web2")}))
    assert kinds(named, "web2") == [*HOST, S.ENABLE, S.HEALTHY]


def test_add_repairs_a_host_without_touching_the_loadmaster() -> None:
    hosts = {"web1": plain("web1"), "web2": carrying("web2"), "web3": carrying("web3")}
    plan = make_plan(spec_for("kind: add"), facts(hosts=hosts))
    assert kinds(plan, "web1") == [*HOST, S.HEALTHY]
    assert not plan.server("web2").steps


def test_add_changes_a_weight() -> None:
    inventory = INVENTORY.replace("web: {service: web,", "web: {service: web, weight: 500,")
    plan = make_plan(spec_for("kind: add", inventory=inventory), facts())
    assert kinds(plan, "web1") == [S.UPDATE_SERVER]
    assert plan.server("web1").steps[0].after["weight"] == 500


def test_roll() -> None:
    plan = make_plan(spec_for("kind: roll, action: {argv: [reboot]}"), facts())
    assert kinds(plan, "web2") == [S.DISABLE, S.DRAIN, S.ACTION, *HOST, S.ENABLE, S.HEALTHY]
    enabled = step_of(plan, "web2", S.ENABLE)
    assert enabled.after == step_of(plan, "web2", S.DISABLE).before
    assert plan.floors[0].healthy == 3
    assert plan.floors[0].lowest == 2
    assert plan.floors[0].most_out == 1


def test_roll_keeps_the_old_weight() -> None:
    vs = service([real_server("web1", weight=7), real_server("web2"), real_server("web3")])
    plan = make_plan(spec_for("kind: roll"), facts(vs))
    assert step_of(plan, "web1", S.ENABLE).after["weight"] == 7


def test_roll_does_not_enable_what_was_disabled_before() -> None:
    vs = service([real_server("web1"), real_server("web2", enabled=False), real_server("web3")])
    plan = make_plan(spec_for("kind: roll, max_unavailable: 2"), facts(vs))
    assert kinds(plan, "web2") == [S.DRAIN, *HOST]
    assert "left disabled" in plan.server("web2").why


def test_drain() -> None:
    plan = make_plan(spec_for("kind: drain, hosts: [web1]"), facts())
    assert kinds(plan, "web1") == [S.DISABLE, S.DRAIN]


def test_drain_of_a_disabled_server() -> None:
    vs = service([real_server("web1", enabled=False), real_server("web2"), real_server("web3")])
    spec = spec_for("kind: drain, hosts: [web1]")
    assert make_plan(spec, facts(vs)).server("web1").why == (
        "already disabled and without connections"
    )
    busy = facts(vs, connections={RsRef(ADDRESS["web1"], 80): 2})
    assert kinds(make_plan(spec, busy), "web1") == [S.DRAIN]


def test_drain_sees_connections_that_only_the_host_knows() -> None:
    vs = service([real_server("web1", enabled=False), real_server("web2"), real_server("web3")])
    state = dataclasses.replace(carrying("web1"), sockets=(listener(), connection()))
    plan = make_plan(spec_for("kind: drain, hosts: [web1]"), facts(vs, {"web1": state}))
    assert kinds(plan, "web1") == [S.DRAIN]


def test_remove() -> None:
    plan = make_plan(spec_for("kind: remove, hosts: [web3]"), facts())
    assert kinds(plan, "web3") == [S.DISABLE, S.DRAIN, S.DELETE_SERVER, S.CLEAR_HOST]
    cleared = step_of(plan, "web3", S.CLEAR_HOST)
    # The VIP leaves before the silence does.
    assert next(iter(cleared.before)) == f"{VIP}/32 on lo"


def test_remove_what_is_gone_is_empty() -> None:
    vs = service([real_server("web1"), real_server("web2")])
    plan = make_plan(spec_for("kind: remove, hosts: [web3]"), facts(vs, {"web3": plain("web3")}))
    assert plan.empty
    assert plan.server("web3").why.startswith("already not in the service")


def test_remove_keeps_a_vip_that_another_service_needs() -> None:
    other = service(
        [real_server("web3", ref=RsRef(ADDRESS["web3"], 443))],
        ref=VsRef.parse(f"tcp/{VIP}:443"),
        index=2,
    )
    plan = make_plan(spec_for("kind: remove, hosts: [web3]"), facts(others=(other,)))
    assert S.CLEAR_HOST not in kinds(plan, "web3")
    assert "vip-still-needed" in {one.id for one in plan.warnings}


def test_batches() -> None:
    plan = make_plan(spec_for("kind: roll, batch: 2, max_unavailable: 2"), facts())
    assert plan.batches == (("web1", "web2"), ("web3",))
    assert plan.floors[0].lowest == 1
    half = make_plan(spec_for('kind: roll, batch: "50%"'), facts())
    assert half.batches == (("web1",), ("web2",), ("web3",))


def test_a_server_with_nothing_to_do_takes_nobodys_place_in_a_batch() -> None:
    vs = service([real_server(name) for name in ("web1", "web3")])
    plan = make_plan(spec_for("kind: add"), facts(vs))
    assert plan.batches == (("web1", "web2", "web3"),)
    assert make_plan(spec_for("kind: add"), facts()).batches == (("web1", "web2", "web3"),)


@pytest.mark.parametrize(
    ("rollout", "down", "words"),
    [
        ("kind: drain, hosts: [web1, web2], max_unavailable: 3", ["web3"], "min_healthy is 1"),
        ("kind: drain, hosts: [web1, web2]", [], "max_unavailable is 1"),
        ("kind: roll, min_healthy: 2", ["web3"], "leaves 1 healthy, min_healthy is 2"),
        ("kind: roll, hosts: [web1]", ["web2"], "makes 2 out, max_unavailable is 1"),
        ("kind: roll, hosts: [web1], max_unavailable: 3", ["web2", "web3"], "leaves 0 healthy"),
    ],
)
def test_floor(rollout: str, down: list[str], words: str) -> None:
    vs = service(
        real_server(name, status=RsStatus.DOWN if name in down else RsStatus.UP) for name in NAMES
    )
    with pytest.raises(GateRefused, match=words) as refused:
        make_plan(spec_for(rollout), facts(vs))
    assert refused.value.gate == "floor"


@pytest.mark.parametrize(
    ("rollout", "servers", "words"),
    [
        ("kind: roll", 1, "one server only"),
        ("kind: roll, min_healthy: 3", 3, "min_healthy 3 of 3 is all of them"),
        ("kind: roll, min_healthy: 67%", 3, "min_healthy 67% of 3 is all of them"),
        ("kind: roll, min_healthy: 51%", 2, "min_healthy 51% of 2 is all of them"),
        ("kind: roll, max_unavailable: 33%", 3, "max_unavailable 33% of 3 is less than one"),
    ],
)
def test_a_floor_under_which_nothing_can_be_done(rollout: str, servers: int, words: str) -> None:
    vs = service([real_server(name) for name in NAMES[:servers]])
    with pytest.raises(GateRefused, match=words) as refused:
        make_plan(spec_for(f"{rollout}, hosts: [web1]"), facts(vs))
    assert refused.value.gate == "floor-impossible"


def test_percentages_of_the_floor_round_to_the_safe_side() -> None:
    plan = make_plan(spec_for("kind: roll, min_healthy: 50%, max_unavailable: 67%"), facts())
    assert (plan.floors[0].min_healthy, plan.floors[0].max_unavailable) == (2, 2)


def test_the_last_server_goes_where_the_pool_may_be_empty() -> None:
    vs = service([real_server("web1")])
    plan = make_plan(spec_for("kind: drain, hosts: [web1], may_empty: [web]"), facts(vs))
    assert (plan.floors[0].lowest, plan.floors[0].min_healthy) == (0, 0)


def test_removed_servers_are_not_out_any_more() -> None:
    plan = make_plan(spec_for("kind: remove, hosts: [web1, web2]"), facts())
    assert plan.floors[0].lowest == 1
    assert plan.floors[0].most_out == 1


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
    vs = service([real_server(name) for name in NAMES], **changes)
    with pytest.raises(RuleViolated, match=rule) as violated:
        make_plan(spec_for("kind: roll"), facts(vs))
    assert violated.value.rules == (rule,)
    allowed = make_plan(spec_for(f"kind: roll, allow: [{rule}]"), facts(vs))
    assert rule in {one.id for one in allowed.warnings}
    # What is wrong can still be taken apart.
    assert not make_plan(spec_for("kind: remove, hosts: [web1]"), facts(vs)).empty


def test_forward_nat_under_loopback_is_refused() -> None:
    vs = service([real_server("web1", forward=Forward.NAT)])
    with pytest.raises(RuleViolated, match="dsr-forward-route"):
        make_plan(spec_for("kind: add"), facts(vs))


def test_critical_server() -> None:
    vs = service([real_server("web1", critical=True), real_server("web2"), real_server("web3")])
    with pytest.raises(RuleViolated, match="critical-server"):
        make_plan(spec_for("kind: roll"), facts(vs))
    make_plan(spec_for("kind: roll, hosts: [web2]"), facts(vs, {"web2": carrying("web2")}))


def test_action_on_a_host_that_serves_elsewhere() -> None:
    other = service(
        [real_server("web1", ref=RsRef(ADDRESS["web1"], 25))],
        ref=VsRef.parse("tcp/203.0.113.251:25"),
        index=2,
    )
    with pytest.raises(RuleViolated, match="host-serves-elsewhere"):
        make_plan(spec_for("kind: roll, action: {argv: [reboot]}"), facts(others=(other,)))
    make_plan(spec_for("kind: roll"), facts(others=(other,)))


def test_warnings() -> None:
    plan = make_plan(
        spec_for("kind: roll", inventory=INVENTORY.replace("arp_probe: {interface: eth0}\n", "")),
        facts(),
    )
    ids = {one.id for one in plan.warnings}
    assert {"no-arp-probe", "roll-without-action", "l4-has-no-drain"} <= ids
    assert S.ARP_PROOF not in kinds(plan, "web1")


def test_exposed_vip_is_named_with_its_cure() -> None:
    loud = dataclasses.replace(carrying("web1"), sysctls=dict.fromkeys(carrying("web1").sysctls, 0))
    plan = make_plan(
        spec_for("kind: add"),
        facts(hosts={"web1": loud, "web2": carrying("web2"), "web3": carrying("web3")}),
    )
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


def test_method_none_needs_nothing_on_the_host() -> None:
    inventory = INVENTORY.replace("method: loopback", "method: none")
    vs = service(layer=7, force_l4=False)
    plan = make_plan(
        spec_for("kind: add", inventory=inventory),
        facts(vs, {name: plain(name) for name in NAMES}),
    )
    assert kinds(plan, "web1") == [
        S.VERIFY_HOST,
        S.SERVICE_BOUND,
        S.ADD_SERVER,
        S.ENABLE,
        S.HEALTHY,
    ]
    assert step_of(plan, "web1", S.ADD_SERVER).after["forward"] == "nat"


def test_inventory_without_rollout() -> None:
    spec = spec_for("kind: add")
    with pytest.raises(SpecInvalid, match="rollout is missing"):
        make_plan(
            Spec(
                loadmasters=spec.loadmasters,
                services=spec.services,
                hosts=spec.hosts,
                pools=spec.pools,
            ),
            facts(),
        )


# -- the plan as data -------------------------------------------------------------------


def test_round_trip() -> None:
    plan = make_plan(spec_for("kind: roll, action: {argv: [reboot]}"), facts())
    again = Plan.from_json(plan.to_json())
    assert again == plan
    assert again.fingerprint == plan.fingerprint
    assert again.to_json() == plan.to_json()


def test_what_the_steps_of_many_servers_say_is_kept_once() -> None:
    plan = Plan.from_json(make_plan(spec_for("kind: roll"), facts()).to_json())
    first, second = (one.of_kind(StepKind.ENABLE)[0] for one in plan.servers[:2])
    assert first.pool is not None
    assert first.pool is second.pool


def test_stable_schema() -> None:
    data = make_plan(spec_for("kind: roll"), facts()).to_data()
    assert sorted(data) == [
        "batches", "duration", "facts", "fingerprint", "floors", "format", "gates", "kind",
        "servers", "spec", "undoes", "warnings",
    ]  # fmt: skip
    assert data["format"] == 4
    jsonschema.validate(data, json.loads(plan_schema()))
    assert sorted(data["servers"][0]) == ["host", "name", "places", "steps", "why"]
    assert sorted(data["servers"][0]["steps"][0]) == [
        "after", "before", "id", "inverse", "kind", "params", "phase", "pool", "server",
        "why",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "break_it",
    [
        lambda data: data.update(format=99),
        lambda data: data["facts"].update({"host web1 effective ARP": "absent"}),
        lambda data: data.pop("floors"),
        lambda data: data["batches"].pop(),
    ],
)
def test_a_plan_that_was_changed_is_refused(break_it: Any) -> None:
    data = make_plan(spec_for("kind: roll"), facts()).to_data()
    break_it(data)
    with pytest.raises(OrchestratorError):
        Plan.from_json(json.dumps(data))


def test_same_facts_same_fingerprint_and_moved_names_what_moved() -> None:
    spec = spec_for("kind: roll")
    plan = make_plan(spec, facts())
    assert make_plan(spec, facts()).fingerprint == plan.fingerprint
    vs = service([real_server("web1", weight=5), real_server("web2"), real_server("web3")])
    other = facts(vs, {**facts().hosts, "web2": plain("web2")})
    different = moved(plan.facts, snapshot(spec, other))
    assert any("203.0.113.11:80" in line and "weight=5" in line for line in different)
    assert any(line.startswith(f"host web2 VIP {VIP}: was lo/32, is absent") for line in different)


def test_counters_are_no_drift() -> None:
    spec = spec_for("kind: roll")
    busy = facts(connections={RsRef(ADDRESS["web1"], 80): 9})
    assert make_plan(spec, busy).fingerprint == make_plan(spec, facts()).fingerprint


def test_host_of_the_spec() -> None:
    assert spec_for("kind: add").host("web1") == Host(
        name="web1", address=ADDRESS["web1"], interface="eth0"
    )


# -- what only a person can mend --------------------------------------------------------


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
    hosts = {"web1": state, "web2": carrying("web2"), "web3": carrying("web3")}
    plan = make_plan(spec_for("kind: add"), facts(hosts=hosts))
    assert kinds(plan, "web1") == [*HOST, S.HEALTHY]
    assert "not as it must be" in plan.server("web1").why
    (warned,) = [one for one in plan.warnings if one.id == "host-needs-a-person"]
    assert words in warned.message
    assert warned.cure


def test_what_the_run_mends_needs_no_person() -> None:
    hosts = {name: plain(name) for name in NAMES}
    early = _overruled("web1", "/etc/sysctl.d/10-local.conf")
    lines = early.persistent_sysctls
    ours_later = dataclasses.replace(
        plain("web1"), persistent_sysctls=tuple(one for one in lines if "10-local" in one.path)
    )
    plan = make_plan(spec_for("kind: add"), facts(hosts={**hosts, "web1": ours_later}))
    assert "host-needs-a-person" not in {one.id for one in plan.warnings}


def test_a_vip_on_the_wrong_interface_is_exposed() -> None:
    hosts = {"web1": _on_eth0("web1"), "web2": carrying("web2"), "web3": carrying("web3")}
    plan = make_plan(spec_for("kind: add"), facts(hosts=hosts))
    assert "vip-exposed" in {one.id for one in plan.warnings}


# -- how long it takes ------------------------------------------------------------------


def loaded(connections: int, rate: int, *, drain_time_s: int | None = None, **vs: Any) -> Facts:
    """Return facts in which web1 has this load."""
    there = service([real_server(name) for name in NAMES], **vs)
    ref = RsRef(ADDRESS["web1"], 80)
    made = facts(there, connections={ref: connections}, drain_time_s=drain_time_s)
    box = dataclasses.replace(made.loadmasters["lb1"], rates={(VS, ref): rate})
    return dataclasses.replace(made, loadmasters={"lb1": box})


def test_duration_follows_connections_and_rates() -> None:
    """120 connections at 10 a second last 12 s each, and the last of them 64 s."""
    rollout = "kind: roll, hosts: [web1], action: {argv: [x]}, bake: {time_s: 30}"
    duration = make_plan(spec_for(rollout), loaded(120, 10)).duration
    assert duration is not None
    assert duration.expected_s == pytest.approx(5 + 15 + 64.4 + 10 + 30, abs=0.5)
    assert duration.longest_s == 900 + 600 + 120 + 30
    assert duration.not_counted == ("your action",)
    (how,) = duration.how
    assert how.startswith("batch 1: 124 s, by web1: drain 84 s (120 connections, 10 new a second")


@pytest.mark.parametrize(
    ("rollout", "given", "seconds", "why"),
    [
        ("kind: drain, hosts: [web1]", loaded(0, 0), 20, "0 connections open"),
        ("kind: drain, hosts: [web1]", loaded(3, 0), 680, "idle out after 660 s"),
        ("kind: drain, hosts: [web1]", loaded(3, 0, idle_timeout_s=90), 110, "after 90 s"),
        (
            "kind: drain, hosts: [web1], drain: {deadline_s: 60}",
            loaded(3, 0),
            60,
            "deadline of 60 s",
        ),
        (
            "kind: drain, hosts: [web1]",
            loaded(2, 2, drain_time_s=300, layer=7, force_l4=False, persist=Persist.SRC),
            320,
            "brings clients back for 300 s",
        ),
        ("kind: drain, hosts: [web1, web2], max_unavailable: 2", loaded(0, 0), 40, "batch 2"),
        ("kind: drain, hosts: [web1, web2], batch: 2, max_unavailable: 2", loaded(0, 0), 20, ""),
    ],
)
def test_duration(rollout: str, given: Facts, seconds: float, why: str) -> None:
    plan = make_plan(spec_for(rollout), given)
    assert plan.duration is not None
    assert plan.duration.expected_s == pytest.approx(seconds, abs=0.5)
    assert why in "\n".join(plan.duration.how)
    assert Plan.from_json(plan.to_json()) == plan


def test_until_when_persistence_pins_clients() -> None:
    """By the drain time, from the moment at which each batch is disabled; not at layer 4."""
    layer_7: Any = {"layer": 7, "force_l4": False, "persist": Persist.SRC}
    spec = spec_for("kind: drain, hosts: [web1, web2], max_unavailable: 2")
    plan = make_plan(spec, loaded(0, 0, drain_time_s=300, **layer_7))
    assert plan.duration is not None
    (pinned,) = plan.duration.pinned
    assert (pinned.service, pinned.persist) == (f"{VS} on lb1", "src")
    # The second batch begins when the first one has drained: settle, window and drain time.
    assert (pinned.each_s, pinned.first_until_s, pinned.last_until_s) == (300, 300, 620)
    jsonschema.validate(plan.to_data(), json.loads(plan_schema()))
    assert Plan.from_json(plan.to_json()) == plan
    for given in (
        loaded(0, 0, drain_time_s=300),
        loaded(0, 0, drain_time_s=0, **layer_7),
        loaded(0, 0, drain_time_s=300, **{**layer_7, "persist": Persist.NONE}),
    ):
        other = make_plan(spec, given).duration
        assert other is not None
        assert other.pinned == ()


def test_the_floor_says_where_it_is_lowest() -> None:
    floors = make_plan(spec_for("kind: drain, hosts: [web1]"), facts()).floors
    assert (floors[0].lowest, floors[0].lowest_at) == (2, "batch 1")
