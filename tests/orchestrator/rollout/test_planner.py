"""Which steps each kind of rollout plans, and why none: pure, from facts made by hand."""

import dataclasses

import pytest

from kempsdk import RsRef, VsRef
from orchestrator.errors import SpecInvalid
from orchestrator.rollout.planner import make_plan
from orchestrator.spec import Spec
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
    step_of,
)
from tests.orchestrator.rollout.world import (
    ADDRESS,
    INVENTORY,
    SERVER,
    VIP,
    connection,
    listener,
    spec_for,
)


def test_add_new_server() -> None:
    plan = planned("kind: add", facts(service(), plains()))
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
    plan = planned("kind: add")
    assert plan.empty
    assert all(one.why.startswith("already in service") for one in plan.servers)


def test_add_leaves_a_disabled_server_alone_unless_it_is_named() -> None:
    vs = all_three({"web2": {"enabled": False}})
    plan = planned("kind: add", facts(vs))
    assert plan.empty
    assert "disabled by somebody else: left so" in plan.server("web2").why
    named = planned("kind: add, hosts: [web2]", facts(vs, {"web2": carrying("web2")}))
    assert kinds(named, "web2") == [*HOST, S.ENABLE, S.HEALTHY]


def test_add_repairs_a_host_without_touching_the_loadmaster() -> None:
    plan = planned("kind: add", facts(hosts=carriers(web1=plain("web1"))))
    assert kinds(plan, "web1") == [*HOST, S.HEALTHY]
    assert not plan.server("web2").steps


def test_add_changes_a_weight() -> None:
    inventory = INVENTORY.replace("web: {service: web,", "web: {service: web, weight: 500,")
    plan = planned("kind: add", inventory=inventory)
    assert kinds(plan, "web1") == [S.UPDATE_SERVER]
    assert plan.server("web1").steps[0].after["weight"] == 500


def test_roll() -> None:
    plan = planned("kind: roll, action: {argv: [reboot]}")
    assert kinds(plan, "web2") == [S.DISABLE, S.DRAIN, S.ACTION, *HOST, S.ENABLE, S.HEALTHY]
    enabled = step_of(plan, "web2", S.ENABLE)
    assert enabled.after == step_of(plan, "web2", S.DISABLE).before
    assert plan.floors[0].healthy == 3
    assert plan.floors[0].lowest == 2
    assert plan.floors[0].most_out == 1


def test_roll_keeps_the_old_weight() -> None:
    vs = all_three({"web1": {"weight": 7}})
    plan = planned("kind: roll", facts(vs))
    assert step_of(plan, "web1", S.ENABLE).after["weight"] == 7


def test_roll_does_not_enable_what_was_disabled_before() -> None:
    vs = all_three({"web2": {"enabled": False}})
    plan = planned("kind: roll, max_unavailable: 2", facts(vs))
    assert kinds(plan, "web2") == [S.DRAIN, *HOST]
    assert "left disabled" in plan.server("web2").why


def test_drain() -> None:
    plan = planned("kind: drain, hosts: [web1]")
    assert kinds(plan, "web1") == [S.DISABLE, S.DRAIN]


def test_drain_of_a_disabled_server() -> None:
    vs = all_three({"web1": {"enabled": False}})
    spec = spec_for("kind: drain, hosts: [web1]")
    assert make_plan(spec, facts(vs)).server("web1").why == (
        "already disabled and without connections"
    )
    busy = facts(vs, connections={SERVER["web1"]: 2})
    assert kinds(make_plan(spec, busy), "web1") == [S.DRAIN]


def test_drain_sees_connections_that_only_the_host_knows() -> None:
    vs = all_three({"web1": {"enabled": False}})
    state = dataclasses.replace(carrying("web1"), sockets=(listener(), connection()))
    plan = planned("kind: drain, hosts: [web1]", facts(vs, {"web1": state}))
    assert kinds(plan, "web1") == [S.DRAIN]


def test_remove() -> None:
    plan = planned("kind: remove, hosts: [web3]")
    assert kinds(plan, "web3") == [S.DISABLE, S.DRAIN, S.DELETE_SERVER, S.CLEAR_HOST]
    cleared = step_of(plan, "web3", S.CLEAR_HOST)
    # The VIP leaves before the silence does.
    assert next(iter(cleared.before)) == f"{VIP}/32 on lo"


def test_remove_what_is_gone_is_empty() -> None:
    vs = service([real_server("web1"), real_server("web2")])
    plan = planned("kind: remove, hosts: [web3]", facts(vs, {"web3": plain("web3")}))
    assert plan.empty
    assert plan.server("web3").why.startswith("already not in the service")


def test_remove_keeps_a_vip_that_another_service_needs() -> None:
    other = service(
        [real_server("web3", ref=RsRef(ADDRESS["web3"], 443))],
        ref=VsRef.parse(f"tcp/{VIP}:443"),
        index=2,
    )
    plan = planned("kind: remove, hosts: [web3]", facts(others=(other,)))
    assert S.CLEAR_HOST not in kinds(plan, "web3")
    assert "vip-still-needed" in {one.id for one in plan.warnings}


def test_batches() -> None:
    plan = planned("kind: roll, batch: 2, max_unavailable: 2")
    assert plan.batches == (("web1", "web2"), ("web3",))
    assert plan.floors[0].lowest == 1
    half = planned('kind: roll, batch: "50%"')
    assert half.batches == (("web1",), ("web2",), ("web3",))


def test_a_server_with_nothing_to_do_takes_nobodys_place_in_a_batch() -> None:
    vs = service([real_server(name) for name in ("web1", "web3")])
    plan = planned("kind: add", facts(vs))
    assert plan.batches == (("web1", "web2", "web3"),)
    assert planned("kind: add").batches == (("web1", "web2", "web3"),)


def test_method_none_needs_nothing_on_the_host() -> None:
    inventory = INVENTORY.replace("method: loopback", "method: none")
    vs = service(layer=7, force_l4=False)
    plan = planned("kind: add", facts(vs, plains()), inventory=inventory)
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
