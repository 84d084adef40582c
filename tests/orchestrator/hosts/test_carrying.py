"""Several methods on one host, and a VIP that changes from one to another; in memory."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

import pytest

from kempsdk import VsRef
from orchestrator.errors import HostChangeFailed
from orchestrator.hosts.arp_rules import FLUSHER_DROP_IN
from orchestrator.hosts.carrying import Part, plan_add, plan_remove, read_carrying
from orchestrator.hosts.changes import CallTool, NetChange, WriteFile, describe
from orchestrator.hosts.driver import Host
from orchestrator.hosts.effective import effective_arp
from orchestrator.hosts.foresight import foreseen
from orchestrator.hosts.methods.method import MethodName, Wanted
from orchestrator.hosts.methods.record_file import read_record
from orchestrator.hosts.revert import SECTIONS, plan_revert
from orchestrator.hosts.sections import Arptables, Firewalld, Section, Zone
from orchestrator.hosts.state import RECORD_FILE, SYSCTL_FILE, NetState, Route
from orchestrator.hosts.vip_at_boot import QUIET
from tests.fakes.host import FakeHostDriver
from tests.orchestrator.hosts.releases import RELEASES, host_of

VIP, OTHER = "10.0.1.250", "10.0.1.251"
HOST = Host(name="web1", address="10.0.1.11", interface="ens32")
IFCFG = "/etc/sysconfig/network-scripts/ifcfg-ens32"


def part(method: MethodName, *vips: str, gateway: str | None = None) -> Part:
    services = tuple(VsRef.parse(f"tcp/{vip}:80") for vip in vips)
    return Part(method=method, wanted=Wanted(host=HOST, services=services, gateway=gateway))


class World:
    """One host in memory; arptables only keeps what it is told."""

    def __init__(self, release: str) -> None:
        self.driver = FakeHostDriver()
        self.fake = self.driver.add(HOST, host_of(HOST, release))
        self.fake.arptables = Arptables(version="arptables 0.0.4 (legacy)", service="")
        others = self.fake.on_tool

        def tool(call: CallTool) -> str | None:
            return self._arptables(call) if call.argv[0] == "arptables" else others(call)

        self.fake.on_tool = tool

    def _arptables(self, call: CallTool) -> str | None:
        _, verb, *words = call.argv
        line = f"-A {' '.join(words)}"
        rules = [one for one in self.fake.arptables.rules.splitlines() if one != line]
        if verb == "-I":
            rules.insert(0, line)
        self.fake.arptables = replace(self.fake.arptables, rules="\n".join(rules))
        return None

    def read(self) -> NetState:
        return self.driver.read(HOST, SECTIONS)

    def carry(self, *parts: Part) -> tuple[NetChange, ...]:
        changes = plan_add(self.read(), parts)
        self.driver.apply(HOST, changes)
        assert [one.how.verify(self.read(), one.wanted) for one in parts] == [()] * len(parts)
        return changes

    def methods(self) -> dict[str, str]:
        record = read_record(self.read(), HOST)
        return {vip: how.method for vip, how in record.vips.items()}


@pytest.fixture(params=RELEASES)
def world(request: pytest.FixtureRequest) -> World:
    return World(request.param)


@pytest.mark.parametrize("method", ["loopback", "arptables"])
def test_what_is_foreseen_is_what_comes(world: World, method: MethodName) -> None:
    before = world.read()
    changes = plan_add(before, [part(method, VIP, OTHER)])
    seen = foreseen(before, changes)
    world.driver.apply(HOST, changes)
    after = world.read()
    for name in ("sysctls", "persistent_sysctls", "files", "routes", "rules"):
        assert getattr(seen, name) == getattr(after, name), name
    assert set(seen.addresses) == set(after.addresses)
    assert seen.persistence is not None
    assert after.persistence is not None
    assert seen.persistence.units == after.persistence.units
    assert seen.persistence.profiles == after.persistence.profiles
    assert seen.persistence.files == after.persistence.files
    assert (seen.arptables and seen.arptables.saved) == (after.arptables and after.arptables.saved)


def test_a_read_goes_again_where_another_method_is_in_use(world: World) -> None:
    world.carry(part("arptables", VIP))
    reads: list[frozenset[Section]] = []
    real = world.driver.read

    def counted(host: Host, sections: Sequence[Section] = ()) -> NetState:
        reads.append(frozenset(sections))
        return real(host, sections)

    world.driver.read = counted  # type: ignore[method-assign, assignment] # counts the reads
    state = read_carrying(world.driver, HOST, [Section.PERSISTENCE])
    assert state.arptables is not None
    assert reads == [{Section.PERSISTENCE}, {Section.PERSISTENCE, Section.ARPTABLES}]
    reads.clear()
    read_carrying(world.driver, HOST, SECTIONS)
    assert len(reads) == 1


def with_rules(state: NetState, changes: Sequence[NetChange]) -> Iterator[NetState]:
    """Yield the state after each change, arptables included."""
    for change in changes:
        state = foreseen(state, [change])
        if isinstance(change, CallTool) and change.argv[0] == "arptables":
            assert state.arptables is not None
            _, verb, *words = change.argv
            line = f"-A {' '.join(words)}"
            rules = [one for one in state.arptables.rules.splitlines() if one != line]
            rules = [line, *rules] if verb == "-I" else rules
            state = replace(state, arptables=replace(state.arptables, rules="\n".join(rules)))
        yield state


@pytest.mark.parametrize(("old", "new"), [("loopback", "arptables"), ("arptables", "loopback")])
def test_a_vip_changes_method_and_is_always_there_and_never_loud(
    world: World, old: MethodName, new: MethodName
) -> None:
    world.carry(part(old, VIP))
    state = world.read()
    changes = plan_add(state, [part(new, VIP)])
    for now in with_rules(state, changes):
        assert any(one.address == VIP and one.interface in QUIET for one in now.addresses)
        arp, rules = effective_arp(now, HOST.interface), now.arptables
        assert rules is not None
        silent = arp.is_right("arp_ignore") and arp.is_right("arp_announce")
        assert silent or (f"-d {VIP} -j DROP" in rules.rules and f"-s {VIP} -j" in rules.rules)
    world.carry(part(new, VIP))
    assert world.methods() == {VIP: new}
    after = world.read()
    if new == "arptables":
        assert SYSCTL_FILE not in after.files
        assert not effective_arp(after, HOST.interface).is_right("arp_ignore")
    else:
        assert after.arptables is not None
        assert after.arptables.rules == ""
        assert "/etc/systemd/system/kemp-arptables.service" not in world.fake.files
    assert plan_add(after, [part(new, VIP)]) == ()
    # The record still knows the way back to the beginning.
    world.driver.apply(HOST, plan_remove(world.read(), part(new, VIP)))
    assert VIP not in {one.address for one in world.read().addresses}
    assert RECORD_FILE not in world.read().files


def test_what_is_removed_goes_by_the_method_that_the_host_carries_it_by(world: World) -> None:
    world.carry(part("arptables", VIP))
    world.driver.apply(HOST, plan_remove(world.read(), part("loopback", VIP)))
    after = world.read()
    assert after.arptables is not None
    assert (after.arptables.rules, VIP in {one.address for one in after.addresses}) == ("", False)


def test_the_port_that_a_redirect_opened_is_closed_by_the_method_that_came_after_it() -> None:
    world = World("stream9")
    closed = Zone(name="public")
    world.fake.firewalld = Firewalld(
        version="1.3.4", running=True, service="enabled", zone="public", permanent=closed
    )
    calls: list[str] = []

    def firewall(call: CallTool) -> str | None:
        calls.append(call.says)
        zone = closed if "--remove" in call.argv[-1] else replace(closed, ports=("80/tcp",))
        world.fake.firewalld = replace(world.fake.firewalld, runtime=zone, permanent=zone)
        return None

    others = world.fake.on_tool
    world.fake.on_tool = lambda call: (
        firewall(call) if call.argv[0] == "firewall-cmd" else others(call)
    )
    redirect = part("firewalld", VIP)
    state = read_carrying(world.driver, HOST, redirect.how.sections)
    world.driver.apply(HOST, plan_add(state, [redirect]))
    state = read_carrying(world.driver, HOST, SECTIONS)
    world.driver.apply(HOST, plan_add(state, [part("loopback", VIP)]))
    assert world.fake.firewalld.runtime == replace(closed, ports=("80/tcp",))

    calls.clear()
    # The firewall is read although neither method that is at work needs it.
    state = read_carrying(world.driver, HOST, [Section.PERSISTENCE])
    world.driver.apply(HOST, plan_remove(state, part("loopback", VIP)))
    assert [one.rpartition(": ")[2] for one in calls] == ["port 80/tcp"] * 2
    assert RECORD_FILE not in world.read().files


def test_the_service_that_flushes_the_rules_is_not_enabled_and_warned_of(world: World) -> None:
    # Stopped at a shutdown, it leaves the VIP without rules: a host answered (measured).
    world.fake.arptables = replace(world.fake.arptables, service="disabled")
    changes = world.carry(part("arptables", VIP))
    assert not any(
        "arptables.service" in (*one.argv,) for one in changes if isinstance(one, CallTool)
    )
    world.fake.arptables = replace(world.fake.arptables, service="enabled")
    one = part("arptables", VIP)
    (found,) = one.how.verify(world.read(), one.wanted)
    assert (found.id, found.blocks) == ("arptables-flushes", False)
    assert found in one.how.not_mended(world.read(), one.wanted)
    assert "--mend arptables-flushes web1" in found.cure
    assert plan_add(world.read(), [one]) == ()


def test_the_service_that_flushes_is_switched_off_where_that_is_asked_for(world: World) -> None:
    world.fake.arptables = replace(world.fake.arptables, service="enabled")
    others = world.fake.on_tool

    def tool(call: CallTool) -> str | None:
        match call.argv:
            case ("systemctl", "enable" | "disable" as verb, "arptables.service"):
                world.fake.arptables = replace(world.fake.arptables, service=f"{verb}d")
                return None
        return others(call)

    world.fake.on_tool = tool
    plain = part("arptables", VIP)
    world.driver.apply(HOST, plan_add(world.read(), [plain]))
    asked = replace(plain, wanted=replace(plain.wanted, mend=frozenset({"arptables-flushes"})))
    assert asked.how.not_mended(world.read(), asked.wanted) == ()
    changes = world.carry(asked)
    said = [describe(one) for one in changes]
    # Told to end without flushing before it is disabled: it runs until the next shutdown.
    assert said.index(f"write the file {FLUSHER_DROP_IN}") < said.index(
        "have arptables.service no longer started at boot"
    )
    assert plan_add(world.read(), [asked]) == ()

    record = read_record(world.read(), HOST)
    back = plan_revert(record, world.read())
    assert back.left == ()
    assert "have arptables.service started at boot" in map(describe, back.changes)
    assert f"remove the file {FLUSHER_DROP_IN}" in map(describe, back.changes)

    foreign = World("centos7")
    foreign.fake.arptables = replace(foreign.fake.arptables, service="enabled")
    foreign.fake.files[FLUSHER_DROP_IN] = "[Service]\nNice=5\n"
    with pytest.raises(HostChangeFailed, match="was not written by kemp"):
        plan_add(foreign.read(), [asked])

    # One VIP of two is no end of it; the last one gives the service back.
    both = part("arptables", VIP, OTHER)
    world.carry(both)
    world.driver.apply(HOST, plan_remove(world.read(), part("arptables", OTHER)))
    assert world.fake.arptables.service == "disabled"
    world.driver.apply(HOST, plan_remove(world.read(), plain))
    assert world.fake.arptables.service == "enabled"
    assert FLUSHER_DROP_IN not in world.fake.files
    assert RECORD_FILE not in world.read().files


def test_two_methods_are_planned_in_one_pass(world: World) -> None:
    parts = part("loopback", VIP), part("arptables", OTHER)
    changes = world.carry(*parts)
    assert {one.path for one in changes if isinstance(one, WriteFile)} >= {RECORD_FILE, SYSCTL_FILE}
    assert plan_add(world.read(), parts) == ()
    assert world.methods() == {VIP: "loopback", OTHER: "arptables"}
    # Each goes by itself: the other one's protection stays.
    world.driver.apply(HOST, plan_remove(world.read(), part("loopback", VIP)))
    assert SYSCTL_FILE not in world.read().files
    assert plan_add(world.read(), [part("arptables", OTHER)]) == ()


def test_from_direct_return_to_the_gateway_and_back() -> None:
    world = World("centos7")
    world.fake.files[IFCFG] = "DEVICE=ens32\nIPADDR=10.0.1.11\nGATEWAY=10.0.1.1\n"
    world.fake.persistence = replace(
        world.fake.persistence, units={"network": "enabled", "NetworkManager": ""}
    )
    world.fake.routes = [Route(destination="default", gateway="10.0.1.1", interface="ens32")]
    world.carry(part("loopback", VIP))
    world.carry(part("gateway", VIP, gateway="10.0.1.5"))
    assert VIP not in {one.address for one in world.read().addresses}
    assert SYSCTL_FILE not in world.read().files
    assert world.read().default_route == ("10.0.1.5", "ens32")
    world.carry(part("loopback", VIP))
    assert world.read().default_route == ("10.0.1.1", "ens32")
    assert "GATEWAY=10.0.1.1" in world.fake.files[IFCFG]
    # And to nothing at all.
    world.carry(part("none", VIP))
    assert (RECORD_FILE in world.read().files, world.methods()) == (False, {})


@pytest.mark.parametrize(
    ("parts", "says"),
    [
        ([part("loopback", VIP), part("arptables", VIP)], "name one method for all services"),
        (
            [part("gateway", VIP, gateway="10.0.1.5"), part("gateway", OTHER, gateway="10.0.1.6")],
            "has one default route",
        ),
        (
            [part("gateway", VIP, gateway="10.0.1.5"), part("loopback", OTHER)],
            "its default route cannot do both",
        ),
    ],
)
def test_what_no_host_can_do_is_refused(parts: list[Part], says: str) -> None:
    world = World("centos7")
    with pytest.raises(HostChangeFailed, match=says):
        plan_add(world.read(), parts)
