"""The same probes from every place that can send frames: here, and on another host."""

import ast
import dataclasses
import inspect
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from pyroute2 import IPRoute  # type: ignore[import-untyped] # it ships no types

from orchestrator.errors import HostUnreachable
from orchestrator.hosts.changes import AddAddress
from orchestrator.hosts.driver import CommandResult, Host
from orchestrator.hosts.netlink import NetlinkDriver
from orchestrator.hosts.ssh import SshDriver
from orchestrator.network_namespace import NetworkNamespace
from orchestrator.probes import relay
from orchestrator.probes.arp import ArpWatch, ask_over
from orchestrator.probes.remote_wire import NoPython, RemoteWire
from orchestrator.probes.vip_request import FrameOutcome, passes_over, request_over
from orchestrator.probes.wire import PacketWire, Wire
from tests.fakes.host import FakeHost, FakeHostDriver, plain_host
from tests.orchestrator.hosts.segment import (
    BRIDGE,
    INTERFACE,
    VIP,
    VIP_ON_LO,
    Member,
    Segment,
    sysctl,
)
from tests.orchestrator.hosts.sshd import Sshd, need_openssh

DRIVER = NetlinkDriver()
VIP6 = "2001:db8::fa"
WINDOW_S = 0.1
EVERYWHERE = ".".join("0000")
_NO_DUPLICATE_CHECK = 2  # IFA_F_NODAD: usable at once


def add_v6(member: Member, address: str, interface: str, prefix: int) -> None:
    def add() -> None:
        with IPRoute() as netlink:
            (index,) = netlink.link_lookup(ifname=interface)
            netlink.addr(
                "add",
                index=index,
                address=address,
                prefixlen=prefix,
                family=socket.AF_INET6,
                flags=_NO_DUPLICATE_CHECK,
            )

    member.namespace.run(add)


def speak_v6(member: Member) -> None:
    """Give the host addresses of the segment that are usable at once.

    Without one of the link the kernel asks for no neighbour on behalf of an address on lo.
    """
    number = member.host.address.rpartition(".")[2]
    add_v6(member, f"fe80::{number}", INTERFACE, 64)
    add_v6(member, f"2001:db8::{number}", INTERFACE, 64)


@pytest.fixture(params=["here", "netlink"])
def place(request: pytest.FixtureRequest, segment: Segment) -> tuple[Wire, Member]:
    """Give a wire, and the host of the segment on which it ends."""
    prober = segment.attach("prober")
    speak_v6(prober)
    if request.param == "here":
        return PacketWire(INTERFACE, namespace=prober.namespace), prober
    return RemoteWire(DRIVER, prober.host), prober


@pytest.fixture
def here(segment: Segment) -> Wire:
    return PacketWire(BRIDGE, namespace=segment.bridge)


@contextmanager
def listening(namespace: NetworkNamespace, address: str) -> Iterator[int]:
    server = namespace.run(
        lambda: socket.create_server(
            (address, 0), family=socket.AF_INET6 if ":" in address else socket.AF_INET
        )
    )
    with server:
        yield server.getsockname()[1]


@contextmanager
def answering(namespace: NetworkNamespace, address: str) -> Iterator[int]:
    """Answer datagrams with what they hold, from the address they were sent to."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    server = namespace.run(lambda: socket.socket(family, socket.SOCK_DGRAM))
    server.bind((address, 0))
    server.settimeout(0.05)
    end = threading.Event()

    def serve() -> None:
        while not end.is_set():
            try:
                data, peer = server.recvfrom(2048)
            except TimeoutError:
                continue
            server.sendto(data or b"nothing", peer)

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield server.getsockname()[1]
    finally:
        end.set()
        thread.join()
        server.close()


def carrier(segment: Segment, name: str = "web1") -> Member:
    """Attach a host with both VIPs on lo, which keeps quiet about IPv4."""
    member = segment.attach(name)
    DRIVER.apply(
        member.host,
        [
            sysctl("all", "arp_ignore", 1),
            sysctl("all", "arp_announce", 2),
            AddAddress(address=VIP_ON_LO),
        ],
    )
    add_v6(member, VIP6, "lo", 128)
    speak_v6(member)
    return member


def request(
    wire: Wire, member: Member, vip: str, port: int, protocol: str = "tcp"
) -> tuple[FrameOutcome, bool]:
    evidence = request_over(
        wire,
        server_mac=member.mac,
        vip=vip,
        port=port,
        protocol=protocol,
        attempts=2,
        window_s=0.3,
    )
    assert evidence.answers is (evidence.outcome is FrameOutcome.OPEN and evidence.via_server)
    return evidence.outcome, evidence.via_server


@pytest.mark.kernel
def test_who_has_the_vip(segment: Segment, place: tuple[Wire, Member]) -> None:
    wire, _ = place
    one, quiet = segment.attach("web1"), carrier(segment, "web2")
    DRIVER.apply(one.host, [AddAddress(address=VIP_ON_LO)])
    heard = ask_over(wire, VIP, window_s=WINDOW_S, rounds=2, unicast_to=[quiet.mac])
    assert (heard.asked, heard.dropped) == (8, 0)
    assert (heard.answers, heard.claims) == ({one.mac: 4}, {})


@pytest.mark.kernel
def test_who_has_an_ipv6_vip(segment: Segment, place: tuple[Wire, Member]) -> None:
    """Neighbour discovery answers for the interface's own addresses only: lo is silent."""
    wire, _ = place
    one, quiet = segment.attach("web1"), carrier(segment, "web2")
    add_v6(one, VIP6, INTERFACE, 64)
    heard = ask_over(wire, VIP6, window_s=WINDOW_S, rounds=2, unicast_to=[one.mac, quiet.mac])
    assert heard.answers.keys() == {one.mac}
    assert heard.macs == {one.mac}
    assert heard.asked == 12


@pytest.mark.kernel
def test_a_silent_carrier_takes_a_request(segment: Segment, place: tuple[Wire, Member]) -> None:
    wire, _ = place
    member = carrier(segment)
    for vip in (VIP, VIP6):
        with listening(member.namespace, vip) as port:
            assert request(wire, member, vip, port) == (FrameOutcome.OPEN, True)
        assert request(wire, member, vip, port) == (FrameOutcome.REFUSED, True)
        with answering(member.namespace, vip) as port:
            assert request(wire, member, vip, port, "udp") == (FrameOutcome.OPEN, True)
        assert request(wire, member, vip, port, "udp") == (FrameOutcome.REFUSED, True)


@pytest.mark.kernel
def test_without_the_vip_there_is_silence(segment: Segment, here: Wire) -> None:
    member = segment.attach("web1")
    with listening(member.namespace, EVERYWHERE) as port:
        assert request(here, member, VIP, port) == (FrameOutcome.SILENT, False)


@pytest.mark.kernel
def test_a_request_leaves_the_neighbour_tables_alone(
    segment: Segment, place: tuple[Wire, Member]
) -> None:
    wire, prober = place
    member = carrier(segment)
    with listening(member.namespace, VIP) as port:
        request(wire, member, VIP, port)

    def known() -> list[str | None]:
        with IPRoute() as netlink:
            return [one.get("lladdr") for one in netlink.get_neighbours(dst=VIP)]

    # Not even an entry without a MAC: the kernel did not look for anybody.
    assert prober.namespace.run(known) == []


@pytest.mark.kernel
def test_packets_up_to_the_mtu_pass(segment: Segment, here: Wire) -> None:
    member = carrier(segment)
    address = member.host.address
    assert passes_over(here, server_mac=member.mac, address=address, size=1500, window_s=0.3)

    def shrink() -> None:
        with IPRoute() as netlink:
            (index,) = netlink.link_lookup(ifname=INTERFACE)
            netlink.link("set", index=index, mtu=1400)

    member.namespace.run(shrink)
    passes = passes_over(here, server_mac=member.mac, address=address, size=1500, window_s=0.3)
    assert passes is False
    nobody = passes_over(
        here, server_mac="02:00:00:00:00:77", address=address, size=1500, window_s=0.1
    )
    assert nobody is None


@pytest.mark.kernel
def test_over_ssh(segment: Segment, tmp_path: Path) -> None:
    need_openssh()
    prober, member = segment.attach("prober"), carrier(segment)
    speak_v6(prober)
    with (
        Sshd(prober.namespace, prober.host.address, tmp_path / "sshd") as sshd,
        SshDriver(config_file=sshd.start().config) as driver,
        segment.bridge.entered(),
    ):
        wire = RemoteWire(driver, prober.host)
        heard = ask_over(wire, member.host.address, window_s=WINDOW_S, rounds=1)
        assert heard.answers == {member.mac: 2}
        with listening(member.namespace, VIP6) as port:
            assert request(wire, member, VIP6, port) == (FrameOutcome.OPEN, True)
        # One to learn who we are, then one for each exchange.
        assert sshd.round_trips() == 3


@pytest.mark.kernel
def test_announcements_for_an_ipv6_vip_are_heard(segment: Segment) -> None:
    one = segment.attach("web1")
    with ArpWatch(BRIDGE, VIP6, segment.bridge) as watch:
        # The kernel itself asks whether the address is free, and then speaks for it.
        add_v6(one, VIP6, INTERFACE, 64)
        speak_v6(segment.attach("web2"))

        def speak() -> None:
            with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as speaker:
                speaker.bind((VIP6, 0))
                speaker.sendto(b"x", ("2001:db8::12", 9))

        one.namespace.run(speak)
        ask_over(PacketWire(BRIDGE, namespace=segment.bridge), VIP, rounds=1, window_s=0.3)
    assert watch.evidence().macs == {one.mac}


# -- another host that cannot ----------------------------------------------------------


def remote(answer: Callable[[], CommandResult]) -> RemoteWire:
    host = Host(name="prober", address="198.51.100.9", interface="eth0")
    fake: FakeHost = plain_host(host)
    fake.on_run = lambda argv: answer()
    return RemoteWire(FakeHostDriver({"prober": fake}), host)


@pytest.mark.parametrize(
    ("exit_code", "stdout", "stderr", "said"),
    [
        (127, "", "no Python here", "prober has no Python: dnf install python3"),
        (1, "", "x\nPermissionError: [Errno 1] Operation not permitted", "sudo: true"),
        (1, "", "OSError: [Errno 19] No such device", "cannot probe from eth0: OSError"),
        (None, "", "", "cannot probe"),
        (0, "Welcome!", "", "answered a probe with something else"),
    ],
)
def test_why_a_host_cannot_probe(
    exit_code: int | None, stdout: str, stderr: str, said: str
) -> None:
    wire = remote(lambda: CommandResult(exit_code=exit_code, stdout=stdout, stderr=stderr))
    with pytest.raises(HostUnreachable, match="prober") as caught:
        ask_over(wire, VIP)
    assert said in str(caught.value)
    assert isinstance(caught.value, NoPython) is (exit_code == 127)


@pytest.mark.kernel
def test_an_interface_that_is_not_there(segment: Segment) -> None:
    prober = segment.attach("prober")
    host = dataclasses.replace(prober.host, interface="nowhere")
    with pytest.raises(HostUnreachable, match="No such device"):
        ask_over(RemoteWire(DRIVER, host), VIP)


@pytest.mark.kernel
def test_a_port_that_is_taken_is_not_used(
    segment: Segment, place: tuple[Wire, Member], monkeypatch: pytest.MonkeyPatch
) -> None:
    wire, prober = place
    member = carrier(segment)
    with (
        listening(prober.namespace, prober.host.address) as taken,
        listening(member.namespace, VIP) as port,
    ):
        ports = iter([taken, taken, 50123])
        monkeypatch.setattr("orchestrator.probes.vip_request._port", lambda: next(ports))
        assert request(wire, member, VIP, port) == (FrameOutcome.OPEN, True)


def test_what_is_sent_to_a_host_is_old_python() -> None:
    """CentOS 8 has 3.6: at least the grammar is checked here."""
    source = inspect.getsource(relay)
    ast.parse(source, feature_version=(3, 6))
