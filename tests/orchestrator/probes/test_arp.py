"""Asking and watching on a segment of the real kernel."""

import socket

import pytest
from pyroute2 import IPRoute  # type: ignore[import-untyped] # it ships no types

from orchestrator.errors import HostUnreachable
from orchestrator.hosts.changes import AddAddress
from orchestrator.hosts.netlink import NetlinkDriver
from orchestrator.network_namespace import NetworkNamespace
from orchestrator.probes.arp import ArpWatch, ask_who_has
from orchestrator.probes.frames import ETH_P_ARP
from orchestrator.probes.packet_socket import PacketSocket
from tests.orchestrator.hosts.segment import (
    BRIDGE,
    INTERFACE,
    LOOK_ON,
    VIP,
    VIP_ON_LO,
    Member,
    Segment,
    sysctl,
)

pytestmark = pytest.mark.kernel
DRIVER = NetlinkDriver()
WINDOW_S = 0.05


def carrier(segment: Segment, name: str) -> Member:
    """Attach a host that does everything wrong."""
    member = segment.attach(name)
    DRIVER.apply(member.host, [AddAddress(address=VIP_ON_LO)])
    return member


def test_every_answer_is_counted_by_mac(segment: Segment) -> None:
    one, two = carrier(segment, "web1"), carrier(segment, "web2")
    segment.attach("web3")
    evidence = ask_who_has(VIP, BRIDGE, window_s=WINDOW_S, rounds=3, namespace=segment.bridge)
    # a broadcast with our address and one without, three times
    assert evidence.asked == 6
    assert evidence.answers == {one.mac: 6, two.mac: 6}
    assert evidence.claims == {}
    assert evidence.macs == {one.mac, two.mac}
    assert evidence.dropped == 0


def test_each_mac_is_asked_alone_too(segment: Segment) -> None:
    one, two = carrier(segment, "web1"), carrier(segment, "web2")
    evidence = ask_who_has(
        VIP, BRIDGE, window_s=WINDOW_S, rounds=1, unicast_to=[one.mac], namespace=segment.bridge
    )
    assert evidence.asked == 4
    assert evidence.answers == {one.mac: 4, two.mac: 2}


def test_nobody_answers_for_what_nobody_has(segment: Segment) -> None:
    segment.attach("web1")
    evidence = ask_who_has(VIP, BRIDGE, window_s=WINDOW_S, rounds=1, namespace=segment.bridge)
    assert (evidence.answers, evidence.claims) == ({}, {})
    assert evidence.asked == 2


def test_from_a_plain_host_and_from_one_without_an_address(segment: Segment) -> None:
    one, asker = carrier(segment, "web1"), segment.attach("asker")
    evidence = ask_who_has(VIP, INTERFACE, window_s=WINDOW_S, rounds=1, namespace=asker.namespace)
    assert evidence.answers == {one.mac: 2}

    def lose_address() -> None:
        with IPRoute() as netlink:
            (index,) = netlink.link_lookup(ifname=INTERFACE)
            netlink.flush_addr(index=index)

    asker.namespace.run(lose_address)
    evidence = ask_who_has(VIP, INTERFACE, window_s=WINDOW_S, rounds=1, namespace=asker.namespace)
    assert (evidence.asked, evidence.answers) == (1, {one.mac: 1})


def test_asking_teaches_nobody_about_the_vip(segment: Segment) -> None:
    one = segment.attach("web1")
    with ArpWatch(INTERFACE, VIP, one.namespace) as watch:
        ask_who_has(VIP, BRIDGE, window_s=WINDOW_S, rounds=2, namespace=segment.bridge)
    assert watch.evidence().macs == frozenset()


def test_a_frame_that_names_the_vip_as_sender_is_a_claim(segment: Segment) -> None:
    one, two = carrier(segment, "web1"), segment.attach("web2")
    DRIVER.apply(one.host, [sysctl("all", "arp_ignore", 1)])
    with (
        ArpWatch(BRIDGE, VIP, segment.bridge) as on_bridge,
        ArpWatch(INTERFACE, VIP, two.namespace) as on_host,
    ):
        one.speak_from(VIP, two.host.address)
        evidence = ask_who_has(
            VIP, BRIDGE, window_s=WINDOW_S, rounds=1, unicast_to=[one.mac], namespace=segment.bridge
        )
    assert evidence.answers == {}
    for watch in (on_bridge, on_host):
        assert watch.evidence().answers == {}
        assert watch.evidence().claims.keys() == {one.mac}


@pytest.mark.parametrize("operation", [1, 2], ids=["request", "reply"])
def test_gratuitous_announcements_are_claims(segment: Segment, operation: int) -> None:
    one = segment.attach("web1")
    mac, address = bytes.fromhex(one.mac.replace(":", "")), socket.inet_aton(VIP)
    announcement = b"\xff" * 6 + mac + bytes.fromhex("0806 0001 0800 06 04 00")
    announcement += bytes([operation]) + mac + address + b"\xff" * 6 + address
    with (
        ArpWatch(BRIDGE, VIP, segment.bridge) as watch,
        PacketSocket(INTERFACE, ETH_P_ARP, promiscuous=False, namespace=one.namespace) as wire,
    ):
        wire.send(announcement)
    assert (watch.evidence().answers, watch.evidence().claims) == ({}, {one.mac: 1})


def test_answers_between_others_are_heard_on_the_bridge(segment: Segment) -> None:
    one, two = carrier(segment, "web1"), segment.attach("web2")
    with ArpWatch(BRIDGE, VIP, segment.bridge) as watch:
        two.speak_from(two.host.address, VIP)
        ask_who_has(LOOK_ON, BRIDGE, window_s=WINDOW_S, rounds=1, namespace=segment.bridge)
        during = watch.evidence()
    assert watch.evidence().answers == {one.mac: 1}
    assert during.asked == 0


def test_own_frames_are_left_out(segment: Segment) -> None:
    one = carrier(segment, "web1")
    with (
        ArpWatch(INTERFACE, VIP, one.namespace) as own,
        ArpWatch(BRIDGE, VIP, segment.bridge) as other,
    ):
        ask_who_has(VIP, BRIDGE, window_s=WINDOW_S, rounds=1, namespace=segment.bridge)
    assert other.evidence().answers == {one.mac: 2}
    assert own.evidence().macs == frozenset()


def test_frames_too_short_to_be_arp_are_passed_over(segment: Segment) -> None:
    one = carrier(segment, "web1")
    with (
        ArpWatch(BRIDGE, VIP, segment.bridge) as watch,
        PacketSocket(INTERFACE, ETH_P_ARP, promiscuous=False, namespace=one.namespace) as wire,
    ):
        wire.send(b"\xff" * 12 + b"\x08\x06" + b"short")
        ask_who_has(VIP, BRIDGE, window_s=WINDOW_S, rounds=1, namespace=segment.bridge)
    assert watch.evidence().answers == {one.mac: 2}


def test_an_interface_that_is_not_there(segment: Segment) -> None:
    with pytest.raises(HostUnreachable, match="nowhere"):
        ask_who_has(VIP, "nowhere", namespace=segment.bridge)
    watch = ArpWatch("nowhere", VIP, segment.bridge)
    with pytest.raises(HostUnreachable, match="nowhere"):
        watch.__enter__()


def test_an_interface_that_goes_down_breaks_the_evidence(segment: Segment) -> None:
    one = segment.attach("web1")
    with ArpWatch(INTERFACE, VIP, one.namespace) as watch:
        set_state(one.namespace, "down")
    with pytest.raises(HostUnreachable, match="down"):
        watch.evidence()
    with pytest.raises(HostUnreachable, match="down"):
        ask_who_has(VIP, INTERFACE, window_s=WINDOW_S, rounds=1, namespace=one.namespace)


def set_state(namespace: NetworkNamespace, state: str) -> None:
    def work() -> None:
        with IPRoute() as netlink:
            (index,) = netlink.link_lookup(ifname=INTERFACE)
            netlink.link("set", index=index, state=state)

    namespace.run(work)


@pytest.mark.parametrize(("rounds", "window_s"), [(0, 0.1), (1, 0.0), (1, -1.0)])
def test_asking_nothing_is_refused(rounds: int, window_s: float) -> None:
    with pytest.raises(ValueError, match="at least one round"):
        ask_who_has(VIP, BRIDGE, rounds=rounds, window_s=window_s)


@pytest.mark.parametrize("mac", ["", "02:00", "zz:00:00:00:00:01"])
def test_odd_macs_are_refused(segment: Segment, mac: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - bytes.fromhex has words of its own
        ask_who_has(VIP, BRIDGE, unicast_to=[mac], namespace=segment.bridge)
