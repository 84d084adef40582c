"""The segment asked from a host that has no Python: its own tools, whichever are there."""

import dataclasses
import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import pytest

from kempsdk import CheckMethod, CheckType
from orchestrator.errors import HostUnreachable
from orchestrator.hosts.changes import AddAddress
from orchestrator.hosts.driver import CommandResult, Host
from orchestrator.hosts.netlink import NetlinkDriver
from orchestrator.probes import host_tools, remote_wire
from orchestrator.probes.arp import Proof
from orchestrator.probes.health_check import HealthCheck
from orchestrator.probes.host_check import check_from
from orchestrator.probes.host_tools import ask_with_tools, frames_of, listen_with_tools
from orchestrator.probes.neighbours import FramePath, frame_path
from orchestrator.probes.remote_wire import NoPython
from orchestrator.probes.segment import HostSegment
from orchestrator.probes.traffic import watch_traffic
from tests.fakes.host import FakeHostDriver, plain_host
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
from tests.orchestrator.probes.test_wires import VIP6, add_v6, carrier, listening, speak_v6

DRIVER = NetlinkDriver()


def loud(segment: Segment, name: str) -> Member:
    """Attach a host that answers for the VIP."""
    member = segment.attach(name)
    DRIVER.apply(member.host, [AddAddress(address=VIP_ON_LO)])
    return member


def hide(patch: pytest.MonkeyPatch, *tools: str) -> None:
    """Make the scripts find these tools no more."""
    names = "|".join(tools)
    patch.setattr(
        host_tools,
        "_ASK",
        host_tools._ASK.replace("have() {", f"have() {{ case $1 in {names}) return 1 ;; esac;"),
    )


# -- who has the VIP -------------------------------------------------------------------


@pytest.mark.kernel
def test_tcpdump_hears_answers_and_claims(segment: Segment) -> None:
    one, other, prober = loud(segment, "web1"), carrier(segment, "web2"), segment.attach("prober")
    # Silent, but it names the VIP as sender: its own doing, in the middle of the question.
    DRIVER.apply(other.host, [sysctl("all", "arp_announce", 0)])
    speaker = threading.Timer(1.8, lambda: other.speak_from(VIP, "198.51.100.77"))
    speaker.start()
    heard = ask_with_tools(DRIVER, prober.host, VIP)
    speaker.join()
    assert heard.proof is Proof.FRAMES
    assert heard.by == "tcpdump and arping on prober"
    assert heard.answers.keys() == {one.mac}
    assert heard.asked >= heard.answers[one.mac] >= 2
    assert heard.claims.keys() == {other.mac}
    assert heard.dropped == 0


@pytest.mark.kernel
def test_without_tcpdump_every_answer_is_heard(
    segment: Segment, monkeypatch: pytest.MonkeyPatch
) -> None:
    hide(monkeypatch, "tcpdump")
    one, two, prober = loud(segment, "web1"), loud(segment, "web2"), segment.attach("prober")
    heard = ask_with_tools(DRIVER, prober.host, VIP)
    assert (heard.proof, heard.by) == (Proof.ANSWERS, "arping on prober")
    assert heard.answers.keys() == {one.mac, two.mac}
    assert heard.claims == {}


@pytest.mark.kernel
def test_without_both_one_answer_is_known(
    segment: Segment, monkeypatch: pytest.MonkeyPatch
) -> None:
    hide(monkeypatch, "tcpdump", "arping")
    one, two, prober = loud(segment, "web1"), loud(segment, "web2"), segment.attach("prober")
    heard = ask_with_tools(DRIVER, prober.host, VIP)
    assert (heard.proof, heard.by) == (
        Proof.NEIGHBOUR,
        "a datagram and the neighbour table of prober",
    )
    assert len(heard.answers) == 1
    assert heard.macs < {one.mac, two.mac}


@pytest.mark.kernel
def test_an_ipv6_vip_is_asked_for_by_a_datagram(segment: Segment) -> None:
    one, prober = segment.attach("web1"), segment.attach("prober")
    carrier(segment, "web2")
    add_v6(one, VIP6, INTERFACE, 64)
    speak_v6(prober)
    heard = ask_with_tools(DRIVER, prober.host, VIP6)
    assert (heard.proof, heard.by) == (Proof.FRAMES, "tcpdump and a datagram on prober")
    assert heard.macs == {one.mac}


@pytest.mark.kernel
def test_nobody_has_it(segment: Segment) -> None:
    carrier(segment)
    heard = ask_with_tools(DRIVER, segment.attach("prober").host, VIP)
    assert heard.proof is Proof.FRAMES
    assert (heard.macs, heard.dropped) == (frozenset(), 0)


def station(answer: Callable[[Sequence[str]], CommandResult]) -> tuple[FakeHostDriver, Host]:
    host = Host(name="prober", address="198.51.100.9", interface="eth0")
    fake = plain_host(host)
    fake.on_run = answer
    return FakeHostDriver({"prober": fake}), host


def saying(stdout: str = "", stderr: str = "", exit_code: int | None = 0) -> CommandResult:
    return CommandResult(exit_code=exit_code, stdout=stdout, stderr=stderr)


ARPING = """\
ARPING 198.51.100.250 from 198.51.100.9 eth0
Unicast reply from 198.51.100.250 [02:00:00:00:00:0A]  0.6ms
Broadcast reply from 198.51.100.250 [02:00:00:00:00:0A]  0.5ms
Sent 2 probes (2 broadcast(s))
Received 2 response(s)
neighbour
"""


def test_tcpdump_that_may_not_listen_leaves_the_answers() -> None:
    said = f"tcpdump: eth0: You don't have permission to capture on that device\n{ARPING}"
    heard = ask_with_tools(*station(lambda argv: saying(said)), VIP)
    assert (heard.proof, heard.asked) == (Proof.ANSWERS, 2)
    assert heard.answers == {"02:00:00:00:00:0a": 2}


def test_arping_that_may_not_ask_leaves_the_neighbour_table() -> None:
    said = "arping: socket: Operation not permitted\nARPING x\n"
    said += "neighbour 198.51.100.250 lladdr 02:00:00:00:00:0a REACHABLE\n"
    heard = ask_with_tools(*station(lambda argv: saying(said)), VIP)
    assert heard.proof is Proof.NEIGHBOUR
    assert heard.answers == {"02:00:00:00:00:0a": 1}


def test_a_tcpdump_that_did_not_end_well_may_have_lost_frames() -> None:
    said = f"tcpdump: listening on eth0, link-type EN10MB\n{ARPING}"
    assert ask_with_tools(*station(lambda argv: saying(said)), VIP).dropped == 1


@pytest.mark.parametrize(
    ("result", "why"),
    [
        (saying(stderr="no ip here", exit_code=127), "cannot be asked from: no ip here"),
        (saying(exit_code=None), "exit code None"),
    ],
)
def test_no_way_to_ask(result: CommandResult, why: str) -> None:
    with pytest.raises(HostUnreachable, match=why):
        ask_with_tools(*station(lambda argv: result), VIP)


def test_no_value_becomes_shell() -> None:
    asked: list[Sequence[str]] = []

    def answer(argv: Sequence[str]) -> CommandResult:
        asked.append(argv)
        return saying("neighbour\n")

    driver, _ = station(answer)
    host = Host(name="prober", address="198.51.100.9", interface="eth0; reboot")
    ask_with_tools(driver, host, VIP)
    (argv,) = asked
    assert argv[4:6] == ["eth0; reboot", VIP]
    assert "reboot" not in argv[2]
    with pytest.raises(ValueError, match="does not appear to be"):
        ask_with_tools(driver, host, "$(reboot)")


def test_hex_of_tcpdump_between_other_lines() -> None:
    said = (
        "12:00:00 ARP, Request\n\t0x0000:  ffff ffff ffff 0200 0000 0001 0806 0001\n"
        "Unicast reply from\n\t0x0010:  08\n12:00:01\n\t0x0000:  ffff\n0x0000 no\n"
    )
    assert list(frames_of(said)) == [
        bytes.fromhex("ffffffffffff0200000000010806000108"),
        b"\xff\xff",
    ]


# -- HostSegment -----------------------------------------------------------------------


def test_a_host_without_python_is_asked_by_its_tools() -> None:
    def answer(argv: Sequence[str]) -> CommandResult:
        if "no Python here" in argv[2]:
            return saying(stderr="no Python here", exit_code=127)
        return saying(ARPING)

    place = HostSegment(*station(answer))
    heard = place.ask_who_has(VIP, unicast_to=["02:00:00:00:00:0a"])
    assert heard.by == "arping on prober"
    with pytest.raises(NoPython, match="dnf install python3"):
        place.answers_vip(VIP, 80, server_mac="02:00:00:00:00:0a")


@pytest.mark.kernel
def test_a_host_with_python_sends_frames(segment: Segment) -> None:
    one, prober = carrier(segment), segment.attach("prober")
    place = HostSegment(DRIVER, prober.host)
    heard = place.ask_who_has(one.host.address, unicast_to=[])
    assert (heard.by, set(heard.answers)) == (
        f"raw frames from {INTERFACE} of prober",
        {one.mac},
    )
    with listening(one.namespace, VIP) as port:
        assert place.answers_vip(VIP, port, server_mac=one.mac).answers
    assert place.passes(one.host.address, server_mac=one.mac, size=1500)


# -- where frames go -------------------------------------------------------------------


def _once_learned(client: Member, vip: str) -> FramePath:
    """Return the path when the kernel has got its answer, which takes what it takes."""
    deadline = time.monotonic() + 10
    while (path := frame_path(DRIVER, client.host, vip)).mac is None:
        assert time.monotonic() < deadline, path
        time.sleep(0.02)
    return path


@pytest.mark.kernel
def test_the_frame_path_of_a_machine(segment: Segment) -> None:
    one, client = loud(segment, "web1"), segment.attach("client")
    before = frame_path(DRIVER, client.host, VIP)
    assert (before.device, before.next_hop, before.mac) == (INTERFACE, VIP, None)
    client.speak_from(client.host.address, VIP)
    learned = _once_learned(client, VIP)
    assert (learned.mac, learned.direct, learned.local) == (one.mac, True, False)
    assert learned.state in ("REACHABLE", "DELAY", "STALE")
    assert learned.flush == f"ip neigh flush to {VIP} dev {INTERFACE}"
    # The server is silenced, and the client keeps what it learned.
    DRIVER.apply(one.host, [sysctl("all", "arp_ignore", 1), sysctl("all", "arp_announce", 2)])
    assert frame_path(DRIVER, client.host, VIP).mac == one.mac
    done = DRIVER.run(client.host, learned.flush.split(), timeout_s=10)
    assert done.exit_code == 0
    assert frame_path(DRIVER, client.host, VIP).mac is None


@pytest.mark.kernel
def test_the_frame_path_through_a_router_and_of_a_carrier(segment: Segment) -> None:
    client = carrier(segment)
    away = frame_path(DRIVER, client.host, "203.0.113.7")
    assert (away.next_hop, away.direct) == (LOOK_ON, False)
    assert frame_path(DRIVER, client.host, VIP).local


@pytest.mark.kernel
def test_the_frame_path_of_an_ipv6_vip(segment: Segment) -> None:
    one, client = segment.attach("web1"), segment.attach("client")
    for member in (one, client):
        speak_v6(member)
    add_v6(one, VIP6, INTERFACE, 64)

    def speak() -> None:
        with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as speaker:
            speaker.sendto(b"x", (VIP6, 9))

    client.namespace.run(speak)
    learned = _once_learned(client, VIP6)
    assert (learned.mac, learned.direct) == (one.mac, True)
    assert DRIVER.run(client.host, learned.flush.split(), timeout_s=10).exit_code == 0
    assert frame_path(DRIVER, client.host, VIP6).mac is None


def test_a_frame_path_that_cannot_be_read() -> None:
    nowhere = saying(stderr="RTNETLINK answers: Network is unreachable", exit_code=2)
    with pytest.raises(HostUnreachable, match="Network is unreachable"):
        frame_path(*station(lambda argv: nowhere), VIP)


@pytest.mark.parametrize("python", [True, False], ids=["python", "tcpdump"])
@pytest.mark.kernel
def test_traffic_is_seen_by_the_mac_that_brings_it(
    segment: Segment, monkeypatch: pytest.MonkeyPatch, *, python: bool
) -> None:
    if not python:
        monkeypatch.setattr(remote_wire, "_RUN", "exit 127")
    one, other, client = carrier(segment, "web1"), carrier(segment, "web2"), segment.attach("c")
    _learn(client, one.mac)
    end = threading.Event()

    def talk() -> None:
        while not end.wait(0.02):
            client.speak_from(client.host.address, VIP)

    with _running(talk, end):
        seen = watch_traffic(DRIVER, one.host, VIP, mac=one.mac)
    assert seen.by_mac.keys() == {client.mac}
    assert 10 < seen.by_mac[client.mac] <= 100
    assert seen.by == (f"raw frames from {INTERFACE} of web1" if python else "tcpdump on web1")
    assert watch_traffic(DRIVER, other.host, VIP, mac=other.mac, seconds=0.2).by_mac == {}


@contextmanager
def _running(work: Callable[[], None], end: threading.Event) -> Iterator[None]:
    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield
    finally:
        end.set()
        thread.join()


def _learn(client: Member, mac: str) -> None:
    words = ["ip", "neigh", "replace", VIP, "lladdr", mac, "dev", INTERFACE]
    assert DRIVER.run(client.host, words, timeout_s=10).exit_code == 0


def test_a_host_that_cannot_listen() -> None:
    with pytest.raises(HostUnreachable, match="no tcpdump: dnf install tcpdump"):
        listen_with_tools(
            *station(lambda argv: saying(exit_code=127)), filter_words="arp", seconds=1, most=1
        )
    refused = saying("tcpdump: eth0: You don't have permission to capture on that device\n")
    with pytest.raises(HostUnreachable, match="have permission"):
        listen_with_tools(*station(lambda argv: refused), filter_words="arp", seconds=1, most=1)


# -- the health check from there -------------------------------------------------------


@contextmanager
def serving(member: Member, answer: bytes) -> Iterator[tuple[int, list[bytes]]]:
    """Answer one request of a host's own address."""
    heard: list[bytes] = []
    server = member.namespace.run(lambda: socket.create_server((member.host.address, 0)))
    server.settimeout(20)

    def serve() -> None:
        with server.accept()[0] as taken:
            taken.settimeout(10)
            heard.append(taken.recv(4096))
            taken.sendall(answer)

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield server.getsockname()[1], heard
    finally:
        thread.join()
        server.close()


@pytest.mark.kernel
def test_http_from_another_host(segment: Segment) -> None:
    one, prober = segment.attach("web1"), segment.attach("prober")
    check = HealthCheck(
        type=CheckType.HTTP,
        address=one.host.address,
        port=1,
        http11=True,
        host="www.example.com",
        method=CheckMethod.POST,
        url="/health?a=[1]",
        post_data="a=$(id)",
        headers="X-One:1",
        pattern="al+ good",
    )
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nall good\n"
    with serving(one, answer) as (port, heard):
        made = check_from(DRIVER, prober.host, _at(check, port))
    assert (made.passed, made.said) == (True, "it answered 200, with the pattern 'al+ good'")
    assert heard[0].startswith(b"POST /health?a=[1] HTTP/1.1\r\nHost: www.example.com\r\n")
    assert b"\r\nX-One: 1\r\n" in heard[0]
    assert heard[0].endswith(b"a=$(id)")
    with serving(one, b"HTTP/1.0 503 Busy\r\n\r\n") as (port, heard):
        page = HostSegment(DRIVER, prober.host).answers_http(one.host.address, port, "/x")
    assert (page.status, page.healthy) == (503, False)
    assert heard[0].startswith(b"GET /x HTTP/1.0\r\n")
    refused = check_from(DRIVER, prober.host, _at(check, port))
    assert refused.passed is False
    assert "onnect" in refused.said


def _at(check: HealthCheck, port: int) -> HealthCheck:
    return dataclasses.replace(check, port=port)


@pytest.mark.kernel
def test_other_checks_from_another_host(segment: Segment) -> None:
    one, prober = segment.attach("web1"), segment.attach("prober")

    def made(kind: CheckType, port: int) -> tuple[bool | None, str]:
        check = HealthCheck(type=kind, address=one.host.address, port=port, timeout_s=2)
        evidence = check_from(DRIVER, prober.host, check)
        return evidence.passed, evidence.said

    with listening(one.namespace, one.host.address) as port:
        assert made(CheckType.TCP, port) == (True, "it takes connections")
        assert made(CheckType.SMTP, port)[1].endswith("no more was looked at")
    assert made(CheckType.TCP, port)[0] is False
    assert made(CheckType.ICMP, 1) == (True, "it answered")
    assert made(CheckType.NONE, 1)[0] is None
    assert made(CheckType.DNS, 53) == (None, "a dns check cannot be made from prober")


def test_a_missing_tool_is_named_and_nothing_is_said_of_the_server() -> None:
    check = HealthCheck(type=CheckType.HTTP, address="198.51.100.11", port=80)
    made = check_from(*station(lambda argv: saying(exit_code=127)), check)
    assert (made.passed, made.said) == (None, "not made: prober has no curl: dnf install curl")


@pytest.mark.kernel
def test_the_bridge_is_a_station_too(segment: Segment) -> None:
    """A station in a namespace of this machine, by its path."""
    one = loud(segment, "web1")
    host = Host(name="here", address=LOOK_ON, interface=BRIDGE, namespace=segment.bridge.path)
    assert HostSegment(DRIVER, host).ask_who_has(VIP, unicast_to=[]).macs == {one.mac}
