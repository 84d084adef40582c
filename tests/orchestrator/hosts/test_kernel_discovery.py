"""IPv6 addresses on lo and neighbour discovery: the real kernel, asked in every way."""

import socket
from pathlib import Path

import pytest
from pyroute2 import IPRoute  # type: ignore[import-untyped] # it ships no types

from orchestrator.errors import HostChangeFailed
from orchestrator.hosts.changes import AddAddress
from orchestrator.hosts.findings import blocking
from orchestrator.hosts.netlink import NetlinkDriver
from orchestrator.hosts.state import HostAddress, NetState
from orchestrator.probes.arp import ArpEvidence, ArpWatch, ask_who_has
from tests.orchestrator.hosts.by_loopback import METHOD, wanted
from tests.orchestrator.hosts.segment import BRIDGE, INTERFACE, VIP, Member, Segment
from tests.patience import until

pytestmark = pytest.mark.kernel
DRIVER = NetlinkDriver()
VIP6, OWN6, LOOK_ON6 = "2001:db8::250", "2001:db8::11", "2001:db8::2"
OF_THE_LINK = "fe80::11"
"""What a host asks its neighbours from."""
ON_LO = HostAddress(address=VIP6, prefix=128, interface="lo")
WITHOUT_WAITING = 2  # IFA_F_NODAD
PROXY = 0x08  # NTF_PROXY


@pytest.fixture
def member(segment: Segment) -> Member:
    made = segment.attach("web1")
    segment.bridge.run(lambda: give(BRIDGE, LOOK_ON6))
    made.namespace.run(lambda: give(INTERFACE, OWN6))
    made.namespace.run(lambda: give(INTERFACE, OF_THE_LINK))
    return made


def give(interface: str, address: str) -> None:
    with IPRoute() as netlink:
        (index,) = netlink.link_lookup(ifname=interface)
        netlink.addr("add", index=index, address=address, prefixlen=64, flags=WITHOUT_WAITING)


def ask(segment: Segment, address: str, *macs: str) -> ArpEvidence:
    return ask_who_has(
        address, BRIDGE, window_s=0.05, rounds=1, unicast_to=macs, namespace=segment.bridge
    )


def read(member: Member) -> NetState:
    return DRIVER.read(member.host, METHOD.sections)


def set_ipv6(member: Member, key: str, value: int) -> None:
    path = Path("/proc/sys/net/ipv6/conf") / key
    member.namespace.run(lambda: path.write_text(str(value)))


def test_an_address_on_lo_is_not_answered_for(segment: Segment, member: Member) -> None:
    DRIVER.apply(member.host, [AddAddress(address=ON_LO)])
    assert ask(segment, OWN6, member.mac).answers.keys() == {member.mac}, "the question is heard"
    assert not ask(segment, VIP6, member.mac).macs
    assert METHOD.verify(read(member), wanted(member.host, VIP6))[0].id == "vip-not-persistent"


def test_only_an_entry_for_a_proxy_makes_it_answer(segment: Segment, member: Member) -> None:
    DRIVER.apply(member.host, [AddAddress(address=ON_LO)])
    answered = {}
    for entry in (False, True):
        if entry:
            member.namespace.run(make_proxy_entry)
        for forwarding in (0, 1):
            for proxy in (0, 1):
                set_ipv6(member, f"{INTERFACE}/forwarding", forwarding)
                set_ipv6(member, f"{INTERFACE}/proxy_ndp", proxy)
                answered[entry, forwarding, proxy] = bool(ask(segment, VIP6, member.mac).answers)
                warned = "ndp-proxy" in [
                    one.id for one in METHOD.verify(read(member), wanted(member.host, VIP6))
                ]
                assert warned is bool(forwarding and proxy)
    assert [case for case, heard in answered.items() if heard] == [(True, 1, 1)]


def make_proxy_entry() -> None:
    with IPRoute() as netlink:
        (index,) = netlink.link_lookup(ifname=INTERFACE)
        netlink.neigh("add", dst=VIP6, ifindex=index, flags=PROXY, family=socket.AF_INET6)


def test_it_is_never_named_as_sender(segment: Segment, member: Member) -> None:
    DRIVER.apply(member.host, [AddAddress(address=ON_LO)])

    def speak(number: int) -> None:
        with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as speaker:
            speaker.bind((VIP6, 0))
            speaker.sendto(b"x", (f"2001:db8::{number:x}", 9))

    with (
        ArpWatch(BRIDGE, VIP6, segment.bridge) as vip,
        ArpWatch(BRIDGE, OF_THE_LINK, segment.bridge) as own,
    ):
        for number in range(0x100, 0x110):
            member.namespace.run(lambda number=number: speak(number))  # type: ignore[misc] # mypy cannot infer a lambda with a default argument
        until(lambda: bool(own.evidence().claims), within_s=3)
        assert vip.evidence() == ArpEvidence()


def test_on_the_interface_it_is_answered_and_found(segment: Segment, member: Member) -> None:
    member.namespace.run(lambda: give(INTERFACE, VIP6))
    assert ask(segment, VIP6).answers.keys() == {member.mac}
    found = {one.id for one in blocking(METHOD.verify(read(member), wanted(member.host, VIP6)))}
    assert found == {"vip-on-interface", "vip-missing"}


def test_both_families_there_and_back(segment: Segment, member: Member) -> None:
    untouched = read(member)
    order = wanted(member.host, VIP, VIP6)
    DRIVER.apply(member.host, METHOD.plan_add(untouched, order))
    assert blocking(METHOD.verify(read(member), order)) == ()
    assert METHOD.plan_add(read(member), order) == ()
    for address in (VIP, VIP6):
        assert not ask(segment, address, member.mac).macs
    DRIVER.apply(member.host, METHOD.plan_remove(read(member), order))
    assert read(member) == untouched


def test_where_ipv6_is_off_it_is_refused_before_anything(member: Member) -> None:
    set_ipv6(member, "lo/disable_ipv6", 1)
    with pytest.raises(HostChangeFailed, match="IPv6 is switched off on lo"):
        METHOD.plan_add(read(member), wanted(member.host, VIP6))
    found = [one.id for one in blocking(METHOD.verify(read(member), wanted(member.host, VIP6)))]
    assert found == ["ipv6-off", "vip-missing"]
