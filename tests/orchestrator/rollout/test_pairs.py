"""Kinds of which a server's way depends on another one: replace, and rehome."""

from collections.abc import Iterator

import pytest

from kempsdk import Forward, VsRef
from orchestrator.errors import GateRefused, SpecInvalid
from orchestrator.hosts.changes import AddAddress, RemoveAddress, SetSysctl
from orchestrator.rollout.facts import read_facts
from orchestrator.rollout.plan import Plan
from orchestrator.rollout.planner import make_plan
from orchestrator.rollout.run import abandon, plan_undo
from orchestrator.rollout.store import Store
from tests.orchestrator.rollout.world import (
    ADDRESS,
    INVENTORY,
    LOADMASTER_MAC,
    OTHER_METHOD,
    SERVER,
    VIP,
    VS,
    World,
    connection,
    listener,
    spec_for,
)

REPLACE = "kind: replace, replace: {web1: web3}"
NEW_VIP = "203.0.113.251"
NEW_VS = VsRef.parse(f"tcp/{NEW_VIP}:80")
MOVING = (
    INVENTORY.replace("hosts:\n", f"  new: {{loadmaster: lb1, service: 'tcp/{NEW_VIP}:80', "
                      "method: loopback}\nhosts:\n", 1)
    .replace("arp_probe", "  new: {service: new, hosts: [web1, web2, web3]}\narp_probe")
)  # fmt: skip
REHOME = "kind: rehome, moves_from: web, hosts: [web1]"


@pytest.fixture
def two(world: World) -> World:
    """Return a world in which web1 and web2 are in service, and web3 is a new machine."""
    world.light = True
    world.in_service(("web1", "web2"))
    world.lm.real_servers.update(VS, SERVER["web1"], weight=7, limit=50)
    world.calls_before = len(world.box.calls)
    return world


def least_healthy(world: World) -> int:
    """Return how many healthy servers were left at the worst call that took one out."""
    return min(
        sum(one.enabled and one.healthy for one in call.servers if one.address != call.params["rs"])
        for call in world.mutations()
        if call.command == "modrs" and call.params.get("enable") == "N"
    )


class Moving(World):
    """A second service on the same LoadMaster, with a VIP of its own."""

    light = True

    def prepare(self) -> None:
        super().prepare()
        self.lm.virtual_services.create(NEW_VS, nickname="new", force_l4=True)
        self.segment.others[NEW_VIP] = [LOADMASTER_MAC]
        self.in_service()

    def rehome(self, rollout: str = REHOME, inventory: str = MOVING, pool: str = "new") -> Plan:
        spec = spec_for(rollout, inventory=inventory, about=f"pool: {pool}")
        return make_plan(spec, read_facts(spec, self.adapters))

    def servers(self, vs: VsRef) -> dict[str, tuple[bool, int, Forward]]:
        found = self.lm.virtual_services.get(vs).real_servers
        return {rs.address: (rs.enabled, rs.weight, rs.forward) for rs in found}

    def vips(self, name: str) -> set[str]:
        mine = {VIP, NEW_VIP}
        return {one.address for one in self.driver.hosts[name].addresses if one.address in mine}


@pytest.fixture
def moving(store: Store) -> Iterator[Moving]:
    with Moving(store) as world:
        yield world


# -- replace ----------------------------------------------------------------------------------


def test_the_new_server_is_in_before_the_old_one_goes(two: World) -> None:
    plan = two.plan(REPLACE)
    assert plan.batches == (("web3",), ("web1",))
    assert [one.kind.value for one in plan.server("web1").steps] == [
        "partner", "disable", "drain", "delete-server", "clear-host",
    ]  # fmt: skip
    assert plan.floors[0].lowest == 2
    done = two.run(plan)
    assert done.finished, done.reason
    assert two.enabled() == {"web2": True, "web3": True}
    servers = {rs.address: rs for rs in two.lm.virtual_services.get(VS).real_servers}
    assert (servers[ADDRESS["web3"]].weight, servers[ADDRESS["web3"]].limit) == (7, 50)
    assert two.carries_vip("web3")
    assert not two.carries_vip("web1")
    order = list(dict.fromkeys((one.command, one.params["rs"]) for one in two.mutations()))
    assert order == [
        ("addrs", ADDRESS["web3"]),
        ("modrs", ADDRESS["web3"]),
        ("modrs", ADDRESS["web1"]),
        ("delrs", ADDRESS["web1"]),
    ]
    assert two.plan(REPLACE).empty


def test_one_server_alone_is_replaced_without_a_gap(two: World) -> None:
    two.lm.real_servers.delete(VS, SERVER["web2"])
    two.calls_before = len(two.box.calls)
    done = two.run(REPLACE)
    assert done.finished, done.reason
    assert two.enabled() == {"web3": True}
    assert least_healthy(two) == 1


def test_an_old_server_stays_when_the_new_one_does_not_come_up(two: World) -> None:
    two.driver.hosts["web3"].sockets.clear()
    done = two.run(f"{REPLACE}, healthy_deadline_s: 15")
    assert not done.finished
    assert two.enabled()["web1"] is True
    assert two.carries_vip("web1")
    # Also where one may fail: its old server is left as it is, and says why.
    abandon(done.run_id, two.store, now_s=two.clock.time_s(), reason="test")
    again = two.run(f"{REPLACE}, healthy_deadline_s: 15, max_failures: 1")
    assert two.enabled()["web1"] is True
    record = two.store.steps(again.run_id)["web1/partner"]
    assert "web3 is not in service" in record.reason


def test_an_old_server_stays_when_the_new_one_has_died_since(two: World) -> None:
    spec = two.plan(f"{REPLACE}, min_healthy: 1, max_unavailable: 2")

    def die() -> None:
        two.box.set_health(ADDRESS["web3"], 80, up=False)

    done = two.run_until(spec, "web1/disable", die)
    assert not done.finished
    record = two.store.steps(done.run_id)["web1/disable"]
    assert record.gate == "partner"
    assert two.enabled()["web1"] is True


def test_a_replacement_is_undone(two: World) -> None:
    done = two.run(REPLACE)
    undone = two.undo(done.run_id)
    assert undone.finished, undone.reason
    assert two.enabled() == {"web1": True, "web2": True}
    servers = {rs.address: rs for rs in two.lm.virtual_services.get(VS).real_servers}
    assert servers[ADDRESS["web1"]].weight == 7
    assert two.carries_vip("web1")
    assert not two.carries_vip("web3")
    assert least_healthy(two) == 2


@pytest.mark.parametrize(
    ("rollout", "line", "text"),
    [
        ("kind: replace", 12, "say who replaces whom"),
        ("kind: replace, replace: {web1: web9}", 12, "no host web9; did you mean"),
        ("kind: replace, replace: {web7: web3}", 12, "no host web7"),
        ("kind: replace, replace: {web1: web3, web2: web3}", 12, "web3 replaces web1 already"),
        ("kind: replace, replace: {web1: web2, web2: web3}", 12, "web2 is to go itself"),
        ("kind: replace, replace: {web1: web3}, hosts: [web1]", 12, "not by hosts"),
        ("kind: add, replace: {web1: web3}", 12, "belongs to kind: replace"),
        ("kind: rehome", 12, "moves_from"),
        ("kind: rehome, moves_from: web", 12, "is the pool that the servers come into"),
        ("kind: rehome, moves_from: wbe", 12, "no pool wbe; did you mean web"),
        ("kind: drain, moves_from: web", 12, "belongs to kind: rehome"),
        (
            "kind: replace, replace: {web1: web3}, hooks: "
            "[{at: before-action, name: x, argv: [a]}]",
            12,
            "a replace never comes to before-action",
        ),
    ],
)
def test_mistakes_are_said_with_their_line(rollout: str, line: int, text: str) -> None:
    with pytest.raises(SpecInvalid) as caught:
        spec_for(rollout)
    assert text in str(caught.value)
    assert f"test.yaml:{line}" in str(caught.value)


# -- rehome -----------------------------------------------------------------------------------


def test_a_server_moves_to_another_vip(moving: Moving) -> None:
    moving.lm.real_servers.update(VS, SERVER["web1"], weight=7)
    moving.calls_before = len(moving.box.calls)
    plan = moving.rehome()
    assert plan.batches == (("web1",), ("web1@new",))
    host = moving.driver.hosts["web1"]
    host.applied.clear()
    done = moving.run(plan)
    assert done.finished, done.reason
    assert ADDRESS["web1"] not in moving.servers(VS)
    assert moving.servers(NEW_VS) == {ADDRESS["web1"]: (True, 7, Forward.ROUTE)}
    assert moving.vips("web1") == {NEW_VIP}
    gone = [n for n, one in enumerate(host.applied) if isinstance(one, RemoveAddress)]
    came = [n for n, one in enumerate(host.applied) if isinstance(one, AddAddress)]
    silence = [
        n for n, one in enumerate(host.applied) if isinstance(one, SetSysctl) and one.value != 0
    ]
    assert max(gone) < min(silence)
    assert max(silence) < min(came)
    assert moving.rehome().empty
    undone = moving.undo(done.run_id)
    assert undone.finished, undone.reason
    assert moving.servers(VS)[ADDRESS["web1"]] == (True, 7, Forward.ROUTE)
    assert not moving.servers(NEW_VS)
    assert moving.vips("web1") == {VIP}


def test_a_server_is_served_by_another_method(moving: Moving) -> None:
    plan = moving.rehome(inventory=OTHER_METHOD, pool="plain")
    done = moving.run(plan)
    assert done.finished, done.reason
    assert moving.servers(VS)[ADDRESS["web1"]] == (True, 1000, Forward.NAT)
    assert moving.vips("web1") == set()
    assert moving.rehome(inventory=OTHER_METHOD, pool="plain").empty
    undone = moving.undo(done.run_id)
    assert undone.finished, undone.reason
    assert moving.servers(VS)[ADDRESS["web1"]] == (True, 1000, Forward.ROUTE)
    assert moving.vips("web1") == {VIP}


def test_a_move_waits_until_the_old_vip_is_drained(moving: Moving) -> None:
    host = moving.driver.hosts["web1"]
    host.sockets.append(connection())
    done = moving.run(moving.rehome(f"{REHOME}, drain: {{deadline_s: 60}}"))
    assert not done.finished
    assert not moving.servers(NEW_VS)
    assert moving.vips("web1") == {VIP}


def test_a_move_that_fails_is_put_back_whole(moving: Moving) -> None:
    host = moving.driver.hosts["web1"]
    host.sockets[:] = [listener(8080)]
    done = moving.run(moving.rehome(f"{REHOME}, healthy_deadline_s: 15, on_failure: revert-server"))
    assert not done.finished
    assert not moving.servers(NEW_VS)
    # The program is gone for the old VIP too, so it is not enabled there either.
    assert moving.servers(VS).get(ADDRESS["web1"], (False,))[0] is False


def test_a_server_that_somebody_disabled_moves_disabled(moving: Moving) -> None:
    moving.lm.real_servers.disable_in(VS, SERVER["web1"])
    done = moving.run(moving.rehome())
    assert done.finished, done.reason
    assert moving.servers(NEW_VS)[ADDRESS["web1"]][0] is False


def test_the_last_servers_of_the_old_service_need_a_word(moving: Moving) -> None:
    everyone = "kind: rehome, moves_from: web"
    with pytest.raises(GateRefused):
        moving.rehome(everyone)
    done = moving.run(moving.rehome(f"{everyone}, may_empty: [web]"))
    assert done.finished, done.reason
    assert len(moving.servers(NEW_VS)) == 3
    assert not moving.servers(VS)
    assert [one.name for one in plan_undo(done.run_id, moving.adapters, moving.store).servers][
        :2
    ] == ["web3@new", "web3"]
