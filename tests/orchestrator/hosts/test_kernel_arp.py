"""What the pure rules say, held against the answers of the real kernel."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from orchestrator.hosts.changes import AddAddress, NetChange
from orchestrator.hosts.effective import effective_arp
from orchestrator.hosts.netlink import NetlinkDriver
from orchestrator.hosts.state import HostAddress, NetState
from orchestrator.probes.arp import ArpEvidence, ArpWatch, ask_who_has
from tests.orchestrator.hosts.by_loopback import METHOD, left_alone, plan_add, plan_remove, verify
from tests.orchestrator.hosts.segment import (
    BRIDGE,
    INTERFACE,
    OTHER_VIP,
    VIP,
    VIP_ON_LO,
    Member,
    Segment,
    announcing,
    sysctl,
)
from tests.patience import until
from tests.soak import runs

pytestmark = pytest.mark.kernel
DRIVER = NetlinkDriver()
WIDE = 24


@pytest.fixture
def member(segment: Segment) -> Member:
    return segment.attach("web1")


def ask(segment: Segment, address: str, *macs: str) -> ArpEvidence:
    return ask_who_has(
        address, BRIDGE, window_s=0.03, rounds=1, unicast_to=macs, namespace=segment.bridge
    )


def read(member: Member) -> NetState:
    return DRIVER.read(member.host, METHOD.sections)


def test_arp_ignore_truth_table(segment: Segment, member: Member) -> None:
    DRIVER.apply(member.host, [AddAddress(address=VIP_ON_LO)])
    for all_value in (0, 1, 2, 3, 8):
        for interface_value in (0, 1, 2, 3, 8):
            DRIVER.apply(
                member.host,
                [
                    sysctl("all", "arp_ignore", all_value),
                    sysctl(INTERFACE, "arp_ignore", interface_value),
                ],
            )
            effective = effective_arp(read(member), INTERFACE)
            quiet = not ask(segment, VIP, member.mac).answers
            found = bool(ask(segment, member.host.address, member.mac).answers)
            assert (quiet and found) is effective.is_right("arp_ignore"), (
                all_value,
                interface_value,
            )


@pytest.mark.parametrize("scope", ["lo", "default"])
def test_arp_ignore_on_lo_or_default_is_doing_nothing(
    segment: Segment, member: Member, scope: str
) -> None:
    DRIVER.apply(member.host, [AddAddress(address=VIP_ON_LO), sysctl(scope, "arp_ignore", 1)])
    assert ask(segment, VIP).answers.keys() == {member.mac}


def test_arp_announce_truth_table(segment: Segment, member: Member) -> None:
    DRIVER.apply(member.host, [AddAddress(address=VIP_ON_LO), sysctl("all", "arp_ignore", 1)])
    unknown = iter(range(100, 200))
    for all_value in (0, 1, 2):
        for interface_value in (0, 1, 2):
            DRIVER.apply(member.host, announcing(all_value, interface_value))
            effective = effective_arp(read(member), INTERFACE)
            own = member.host.address
            with (
                ArpWatch(BRIDGE, VIP, segment.bridge) as vip,
                ArpWatch(BRIDGE, own, segment.bridge) as other,
            ):
                member.speak_from(VIP, f"198.51.100.{next(unknown)}")
                until(lambda: bool(vip.evidence().claims or other.evidence().claims), within_s=2)
            named = {
                address for address, watch in ((VIP, vip), (own, other)) if watch.evidence().claims
            }
            wanted = {own} if effective.is_right("arp_announce") else {VIP}
            assert named == wanted, (all_value, interface_value)
            # the usual probe sees nothing of it
            assert not ask(segment, VIP, member.mac).answers


def test_the_whole_method_on_the_kernel(segment: Segment, member: Member) -> None:
    host, untouched = member.host, read(member)

    def add(vip: str) -> None:
        changes = plan_add(read(member), host=host, vip=vip)
        assert changes
        DRIVER.apply(host, changes)
        assert verify(read(member), host=host, vip=vip) == ()
        assert plan_add(read(member), host=host, vip=vip) == ()

    def remove(vip: str) -> None:
        changes = plan_remove(read(member), host=host, vip=vip)
        assert changes
        DRIVER.apply(host, changes)
        assert plan_remove(read(member), host=host, vip=vip) == ()

    add(VIP)
    assert not ask(segment, VIP, member.mac).macs
    add(OTHER_VIP)
    assert {one.label for one in read(member).addresses if one.prefix == 32} == {"lo:0", "lo:1"}
    remove(VIP)
    assert verify(read(member), host=host, vip=OTHER_VIP) == ()
    assert not ask(segment, OTHER_VIP, member.mac).macs
    remove(OTHER_VIP)
    assert read(member) == untouched


def test_values_found_come_back_and_foreign_ones_stay(member: Member) -> None:
    host = member.host
    DRIVER.apply(host, [sysctl("all", "arp_ignore", 3), sysctl(INTERFACE, "arp_announce", 1)])
    DRIVER.apply(host, plan_add(read(member), host=host, vip=VIP))
    DRIVER.apply(host, [sysctl(INTERFACE, "arp_ignore", 2)])
    (left,) = left_alone(read(member), host=host, vip=VIP)
    assert left.id == "sysctl-changed-since"
    DRIVER.apply(host, plan_remove(read(member), host=host, vip=VIP))
    live = read(member).sysctls
    assert live["conf/all/arp_ignore"] == 3
    assert live[f"conf/{INTERFACE}/arp_announce"] == 1
    assert live[f"conf/{INTERFACE}/arp_ignore"] == 2


def test_wide_prefix_on_lo_is_put_right(segment: Segment, member: Member) -> None:
    member.add_address(VIP, WIDE, "lo")
    assert ask(segment, "198.51.100.77").answers, "VIP/24 on lo answers for every neighbour"
    assert "vip-prefix" in ids(member)
    DRIVER.apply(member.host, plan_add(read(member), host=member.host, vip=VIP))
    assert ids(member) == []
    assert not ask(segment, "198.51.100.77").answers


def test_vip_on_the_interface_answers_despite_the_sysctls(segment: Segment, member: Member) -> None:
    member.add_address(VIP, WIDE, INTERFACE)
    DRIVER.apply(member.host, plan_add(read(member), host=member.host, vip=VIP))
    assert ids(member) == ["vip-on-interface"]
    assert ask(segment, VIP).answers.keys() == {member.mac}


def ids(member: Member) -> list[str]:
    return [one.id for one in verify(read(member), host=member.host, vip=VIP)]


@contextmanager
def asked_all_the_time(segment: Segment, member: Member) -> Iterator[ArpWatch]:
    """Ask for the VIP in every way, 200 times a second, and record all that is heard."""
    end = threading.Event()
    rounds = 0

    def ask_on() -> None:
        nonlocal rounds
        while not end.is_set():
            ask_who_has(
                VIP,
                BRIDGE,
                window_s=0.005,
                rounds=10,
                unicast_to=[member.mac],
                namespace=segment.bridge,
            )
            rounds += 10

    with ArpWatch(BRIDGE, VIP, segment.bridge) as watch:
        asker = threading.Thread(target=ask_on)
        asker.start()
        try:
            yield watch
        finally:
            end.set()
            asker.join()
    assert rounds


def step_by_step(member: Member, changes: tuple[NetChange, ...], number: int) -> None:
    """Carry the changes out one by one, each given time to show, the host speaking in between."""
    for position, change in enumerate(changes):
        DRIVER.apply(member.host, [change])
        if any(one.address == VIP for one in read(member).addresses):
            member.speak_from(VIP, f"198.51.100.{100 + (number * 8 + position) % 100}")
        time.sleep(0.006)


@pytest.mark.soak
def test_asked_all_the_time_the_host_never_answers(segment: Segment, member: Member) -> None:
    with asked_all_the_time(segment, member) as watch:
        for number in range(runs(short=3, long=50)):
            add = plan_add(read(member), host=member.host, vip=VIP)
            step_by_step(member, add, number)
            assert len(add) == 7
            step_by_step(member, plan_remove(read(member), host=member.host, vip=VIP), number)
    assert watch.evidence() == ArpEvidence()


@pytest.mark.parametrize("wrong", ["add", "remove"])
def test_the_wrong_order_is_seen(segment: Segment, member: Member, wrong: str) -> None:
    add = plan_add(read(member), host=member.host, vip=VIP)
    if wrong == "remove":
        DRIVER.apply(member.host, add)
    with asked_all_the_time(segment, member) as watch:
        changes = add if wrong == "add" else plan_remove(read(member), host=member.host, vip=VIP)
        step_by_step(member, changes[::-1], 0)
        if wrong == "remove":
            until(lambda: bool(watch.evidence().answers), within_s=2)
    evidence = watch.evidence()
    assert evidence.answers.keys() == {member.mac}
    assert evidence.claims.keys() == {member.mac}


def test_addresses_of_another_segment_do_not_trouble_it(member: Member) -> None:
    far = HostAddress(address="203.0.113.250", prefix=32, interface="lo", label="lo:7")
    DRIVER.apply(member.host, [AddAddress(address=far)])
    DRIVER.apply(member.host, plan_add(read(member), host=member.host, vip=VIP))
    assert ids(member) == []
