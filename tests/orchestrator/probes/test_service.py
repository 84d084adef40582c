"""Is the service there: from sockets as data, over HTTP, and by a frame to one server's MAC."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from pyroute2 import IPRoute  # type: ignore[import-untyped] # it ships no types

from orchestrator.errors import HostUnreachable
from orchestrator.hosts.driver import Host
from orchestrator.hosts.netlink import NetlinkDriver
from orchestrator.hosts.state import NetState, Socket
from orchestrator.probes.service import bound, connections_left, http_answers
from orchestrator.probes.vip_request import FrameOutcome, answers_vip_frame
from tests.fakes.host import plain_host
from tests.orchestrator.hosts.by_loopback import METHOD, plan_add
from tests.orchestrator.hosts.segment import BRIDGE, INTERFACE, VIP, Member, Segment

DRIVER = NetlinkDriver()
RIP = "10.0.1.11"
EVERYWHERE = ".".join("0000")


def state_with(*sockets: Socket) -> NetState:
    fake = plain_host(Host(name="web1", address=RIP, interface="eth0"))
    return NetState(interfaces=fake.interfaces, addresses=(), sysctls=fake.sysctls, sockets=sockets)


def listener(address: str, *, protocol: str = "tcp", port: int = 80, state: str = "") -> Socket:
    return Socket(
        protocol=protocol,
        local_address=address,
        local_port=port,
        peer_address=EVERYWHERE,
        peer_port=0,
        state=state or ("listen" if protocol == "tcp" else "unconn"),
    )


def connection(state: str, *, address: str = VIP, port: int = 80, peer_port: int = 1) -> Socket:
    return Socket(
        protocol="tcp",
        local_address=address,
        local_port=port,
        peer_address="203.0.113.7",
        peer_port=peer_port,
        state=state,
    )


@pytest.mark.parametrize("protocol", ["tcp", "udp"])
@pytest.mark.parametrize("address", [VIP, EVERYWHERE, "::"])
def test_bound_to_the_vip_or_to_everything(protocol: str, address: str) -> None:
    one = listener(address, protocol=protocol)
    evidence = bound(state_with(one), VIP, 80, protocol)
    assert evidence.bound
    assert evidence.listeners == (one,)


@pytest.mark.parametrize(
    "one",
    [
        listener(VIP, port=8080),
        listener(VIP, protocol="udp"),
        connection("established"),
    ],
)
def test_not_bound(one: Socket) -> None:
    evidence = bound(state_with(one), VIP, 80, "tcp")
    assert not evidence.bound
    assert evidence.elsewhere == ()


def test_bound_to_the_real_address_only_is_told_apart() -> None:
    evidence = bound(state_with(listener(RIP)), VIP, 80, "tcp")
    assert not evidence.bound
    assert [one.local_address for one in evidence.elsewhere] == [RIP]


@pytest.mark.parametrize(
    ("state", "counts"),
    [
        ("established", True),
        ("syn_recv", True),
        ("fin_wait1", True),
        ("fin_wait2", True),
        ("close_wait", True),
        ("last_ack", True),
        ("closing", True),
        ("time_wait", False),
        ("listen", False),
        ("close", False),
    ],
)
def test_what_counts_as_a_connection_left(state: str, *, counts: bool) -> None:
    assert bool(connections_left(state_with(connection(state)), VIP, [80])) is counts


def test_only_the_vips_ports_count_and_peers_are_named() -> None:
    mine = connection("established", port=443)
    left = connections_left(
        state_with(
            mine,
            connection("established", address=RIP),
            connection("established", port=22),
        ),
        VIP,
        [80, 443],
    )
    assert left == (mine,)
    assert left[0].peer_address == "203.0.113.7"


@contextmanager
def serving(answer: Callable[[socket.socket], None]) -> Iterator[int]:
    """Serve one connection on loopback with the function."""

    def serve() -> None:
        with server.accept()[0] as taken:
            taken.settimeout(10)
            answer(taken)

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=serve)
        thread.start()
        yield server.getsockname()[1]
        thread.join()


def sending(data: bytes) -> Callable[[socket.socket], None]:
    def answer(taken: socket.socket) -> None:
        taken.recv(4096)
        taken.sendall(data)

    return answer


@pytest.mark.parametrize(
    ("data", "status", "healthy"),
    [
        (b"HTTP/1.1 200 OK\r\n\r\nfine", 200, True),
        (b"HTTP/1.0 204\r\n\r\n", 204, True),
        (b"HTTP/1.1 503 Busy\r\n\r\n", 503, False),
        (b"HTTP/1.1 302 Found\r\n\r\n", 302, False),
        (b"SSH-2.0-OpenSSH\r\n", None, False),
        (b"HTTP/1.1 huh\r\n", None, False),
        (b"", None, False),
    ],
)
def test_status_line(data: bytes, status: int | None, *, healthy: bool) -> None:
    with serving(sending(data)) as port:
        evidence = http_answers("127.0.0.1", port, "/health")
    assert (evidence.status, evidence.healthy) == (status, healthy)
    assert bool(evidence.failure) is (status is None)


def test_the_request_names_path_and_host() -> None:
    heard: list[bytes] = []

    def answer(taken: socket.socket) -> None:
        heard.append(taken.recv(4096))
        taken.sendall(b"HTTP/1.0 200 OK\r\n\r\n")

    with serving(answer) as port:
        http_answers("127.0.0.1", port, "/health?deep=1", host_header="www.example.com")
    assert heard[0].startswith(b"GET /health?deep=1 HTTP/1.0\r\nHost: www.example.com\r\n")


def test_an_answer_drop_by_drop_is_bounded_as_a_whole() -> None:
    def drip(taken: socket.socket) -> None:
        taken.recv(4096)
        try:
            for _ in range(100):
                taken.sendall(b"H")
                time.sleep(0.02)
        except OSError:
            return  # the asker has gone, as it should

    with serving(drip) as port:
        evidence = http_answers("127.0.0.1", port, timeout_s=0.2)
    assert "no answer within 0.2 s" in evidence.failure
    assert evidence.seconds < 1.5


def test_nobody_there() -> None:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        evidence = http_answers("127.0.0.1", holder.getsockname()[1])
    assert (evidence.status, evidence.failure) == (None, "Connection refused")


@pytest.mark.parametrize("path", ["health", "/a b", "/a\r\nX: y", "/ü", ""])
def test_paths_that_would_break_the_request_are_refused(path: str) -> None:
    with pytest.raises(ValueError, match="cannot be asked for"):
        http_answers("127.0.0.1", 1, path)


@contextmanager
def web_server(member: Member, address: str) -> Iterator[tuple[int, list[str]]]:
    """Answer HTTP in the host's namespace; gives the port and who was served."""
    served: list[str] = []
    server = member.namespace.run(lambda: socket.create_server((address, 0)))
    server.settimeout(0.05)
    end = threading.Event()

    def serve() -> None:
        while not end.is_set():
            try:
                taken, peer = server.accept()
            except TimeoutError:
                continue
            with taken:
                taken.settimeout(5)
                if taken.recv(4096):
                    served.append(peer[0])
                    taken.sendall(b"HTTP/1.0 200 OK\r\n\r\n")

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield server.getsockname()[1], served
    finally:
        end.set()
        thread.join()
        server.close()


@pytest.fixture
def ready(segment: Segment) -> Member:
    """Give a host that carries the VIP as it should."""
    member = segment.attach("web1")
    DRIVER.apply(
        member.host, plan_add(DRIVER.read(member.host, METHOD.sections), host=member.host, vip=VIP)
    )
    return member


def probe(segment: Segment, mac: str, port: int, *, attempts: int = 1) -> tuple[FrameOutcome, bool]:
    evidence = answers_vip_frame(
        interface=BRIDGE,
        server_mac=mac,
        vip=VIP,
        port=port,
        namespace=segment.bridge,
        attempts=attempts,
        window_s=0.3,
    )
    assert evidence.answers is (evidence.outcome is FrameOutcome.OPEN and evidence.via_server)
    return evidence.outcome, evidence.via_server


@pytest.mark.kernel
@pytest.mark.parametrize("address", [VIP, EVERYWHERE])
def test_a_silent_carrier_is_found_to_serve_the_vip(
    segment: Segment, ready: Member, address: str
) -> None:
    with web_server(ready, address) as (port, served):
        assert probe(segment, ready.mac, port) == (FrameOutcome.OPEN, True)
        state = DRIVER.read(ready.host)
        assert bound(state, VIP, port, "tcp").bound
        assert connections_left(state, VIP, [port]) == ()
    assert served == []


@pytest.mark.kernel
def test_listening_on_the_real_address_only_is_refused(segment: Segment, ready: Member) -> None:
    with web_server(ready, ready.host.address) as (port, _):
        assert probe(segment, ready.mac, port) == (FrameOutcome.REFUSED, True)
        state = DRIVER.read(ready.host)
        assert not bound(state, VIP, port, "tcp").bound
        assert len(bound(state, VIP, port, "tcp").elsewhere) == 1


@pytest.mark.kernel
def test_without_the_vip_there_is_silence(segment: Segment) -> None:
    member = segment.attach("web1")
    with web_server(member, EVERYWHERE) as (port, _):
        assert probe(segment, member.mac, port, attempts=2) == (FrameOutcome.SILENT, False)
        assert http_answers(member.host.address, port, namespace=segment.bridge).healthy, (
            "the health check alone would have let it in"
        )


@pytest.mark.kernel
def test_another_server_does_not_answer_for_it(segment: Segment, ready: Member) -> None:
    other = segment.attach("web2")
    with web_server(ready, EVERYWHERE) as (port, _):
        assert probe(segment, other.mac, port) == (FrameOutcome.SILENT, False)


@pytest.mark.kernel
def test_asking_from_an_address_that_is_not_ours(segment: Segment, ready: Member) -> None:
    with pytest.raises(HostUnreachable, match=r"203\.0\.113\.1"):
        answers_vip_frame(
            interface=BRIDGE,
            server_mac=ready.mac,
            vip=VIP,
            port=80,
            source="203.0.113.1",
            namespace=segment.bridge,
        )


@pytest.mark.kernel
def test_open_connections_are_seen_and_their_owner_named(segment: Segment, ready: Member) -> None:
    """The frame of a real client reaches the server by a static neighbour, as from a director."""
    other = segment.attach("client")
    with web_server(ready, VIP) as (port, _):
        client = other.namespace.run(lambda: _connect(other, ready, port))
        with client:
            (left,) = connections_left(DRIVER.read(ready.host), VIP, [port])
            assert (left.peer_address, left.state) == (other.host.address, "established")


def _connect(client: Member, server: Member, port: int) -> socket.socket:
    def work() -> socket.socket:
        with IPRoute() as netlink:
            (index,) = netlink.link_lookup(ifname=INTERFACE)
            netlink.neigh("replace", dst=VIP, lladdr=server.mac, ifindex=index, state="permanent")
        return socket.create_connection((VIP, port), timeout=5)

    return client.namespace.run(work)
