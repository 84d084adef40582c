"""The packet director between real kernels: client, router, load balancer and servers."""

import hashlib
import os
import socket
import struct
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from pyroute2 import IPRoute  # type: ignore[import-untyped] # it ships no types

from kempsdk.emulator.datapath import L4Server, L4Service
from kempsdk.emulator.l4 import PacketDirector
from orchestrator.lab.lab import Lab
from orchestrator.lab.recorder import ReplyRecorder

pytestmark = pytest.mark.kernel

CLIENT = "198.51.100.10"
PORT = 8080


def _carry_the_vip(vip: str) -> None:
    """Make the current namespace a DSR server by hand: silent first, then the VIP."""
    for scope in ("all", "eth0"):
        conf = Path("/proc/sys/net/ipv4/conf") / scope
        (conf / "arp_ignore").write_text("1")
        (conf / "arp_announce").write_text("2")
    with IPRoute() as ip:
        ip.addr("add", index=1, address=vip, prefixlen=32)


class EchoServer:
    """Answers each connection's first line with its name and the peer, then echoes hashes."""

    def __init__(self, lab: Lab, name: str) -> None:
        self.name = name
        self._listener = lab.namespaces[name].run(
            lambda: socket.create_server(("0.0.0.0", PORT), backlog=256)  # noqa: S104 - DSR
        )
        self._datagrams = lab.namespaces[name].run(self._open_datagrams)
        self._threads = [
            threading.Thread(target=run, daemon=True) for run in (self._accept, self._echo)
        ]
        for thread in self._threads:
            thread.start()

    @staticmethod
    def _open_datagrams() -> socket.socket:
        opened = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        opened.setsockopt(socket.IPPROTO_IP, 8, 1)  # IP_PKTINFO: answer from the VIP
        opened.bind(("0.0.0.0", PORT))  # noqa: S104 - DSR
        return opened

    def _accept(self) -> None:
        with ExitStack() as stack:
            while True:
                try:
                    connection, _peer = self._listener.accept()
                except OSError:  # closed: the end
                    return
                stack.enter_context(connection)
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        peer = connection.getpeername()[0]
        try:
            with connection, connection.makefile("rwb") as stream:
                while line := stream.readline():
                    size = int(line)
                    digest = hashlib.sha256(stream.read(size)).hexdigest()
                    stream.write(f"{self.name} {peer} {digest}\n".encode())
                    stream.flush()
        except OSError:  # the client reset it, or the test is over
            return

    def _echo(self) -> None:
        while True:
            try:
                data, control, _flags, peer = self._datagrams.recvmsg(65536, 256)
            except OSError:
                return
            if not data:  # what close() sends
                return
            answer = f"{self.name} {hashlib.sha256(data).hexdigest()}".encode()
            _index, _local, to = struct.unpack("i4s4s", control[0][2])
            info = struct.pack("i4s4s", 0, to, bytes(4))
            self._datagrams.sendmsg([answer], [(socket.IPPROTO_IP, 8, info)], 0, peer)

    def close(self, lab: Lab) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)

        def wake() -> None:
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as waking:
                waking.sendto(b"", ("127.0.0.1", PORT))

        lab.namespaces[self.name].run(wake)
        for thread in self._threads:
            thread.join()
        self._listener.close()
        self._datagrams.close()


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    if os.geteuid() != 0:
        pytest.skip("needs root for namespaces in this process: run as root")
    with Lab(hosts=3) as running, ExitStack() as stack:
        for host in running.hosts:
            running.namespaces[host.name].run(lambda: _carry_the_vip(running.vip))
            stack.callback(EchoServer(running, host.name).close, running)
        yield running


@pytest.fixture
def director(lab: Lab) -> Iterator[PacketDirector]:
    running = PacketDirector("eth0")
    lab.namespaces["lb"].run(running.start)
    yield running
    running.stop()


def program(
    lab: Lab,
    director: PacketDirector,
    *,
    schedule: str = "rr",
    eligible: tuple[str, ...] = ("web1", "web2", "web3"),
    weights: tuple[int, ...] = (1, 1, 1),
    servers: tuple[str, ...] = ("web1", "web2", "web3"),
) -> None:
    director.program(
        [
            L4Service(
                index=number,
                address=lab.vip,
                port=PORT,
                protocol=protocol,
                schedule=schedule,
                idle_timeout_s=660.0,
                servers=tuple(
                    L4Server(
                        rs_index=index,
                        address=host.address,
                        port=PORT,
                        weight=weight,
                        eligible=host.name in eligible,
                    )
                    for index, (host, weight) in enumerate(
                        zip(lab.hosts, weights, strict=True), start=10 * number
                    )
                    if host.name in servers
                ),
            )
            for number, protocol in ((1, "tcp"), (2, "udp"))
        ]
    )


@contextmanager
def connected(lab: Lab, timeout_s: float = 5.0) -> Iterator[Callable[[bytes], tuple[str, ...]]]:
    """Connect the client to the VIP; yields a function that asks: server, peer, digest."""
    with (
        lab.namespaces["client"].run(
            lambda: socket.create_connection((lab.vip, PORT), timeout_s)
        ) as connection,
        connection.makefile("rwb") as stream,
    ):

        def ask(data: bytes = b"x") -> tuple[str, ...]:
            stream.write(f"{len(data)}\n".encode() + data)
            stream.flush()
            return tuple(stream.readline().decode().split())

        yield ask


def served_by(lab: Lab) -> str:
    with connected(lab) as ask:
        return ask(b"x")[0]


class Arp:
    """ARP frames seen and sent on one station's interface."""

    def __init__(self, lab: Lab, station: str, interface: str) -> None:
        self._socket = lab.namespaces[station].run(self._open(interface))
        self.mac: bytes = self._socket.getsockname()[4]

    @staticmethod
    def _open(interface: str) -> Callable[[], socket.socket]:
        def opening() -> socket.socket:
            opened = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
            opened.bind((interface, 0x0806))
            return opened

        return opening

    def ask(self, address: str, *, to: str = "ff:ff:ff:ff:ff:ff", sender: str) -> None:
        packed = (socket.inet_aton(sender), bytes(6), socket.inet_aton(address))
        head = struct.pack("!HHHBBH", 0x0806, 1, 0x0800, 6, 4, 1)
        self._socket.send(
            bytes.fromhex(to.replace(":", "")) + self.mac + head + self.mac + b"".join(packed)
        )

    def heard(self, window_s: float) -> list[tuple[int, str, str]]:
        """Return operation, sender address and sender MAC of what comes within a time."""
        frames = []
        deadline = time.monotonic() + window_s
        while (left := deadline - time.monotonic()) > 0:
            self._socket.settimeout(left)
            try:
                frame = self._socket.recv(128)
            except TimeoutError:
                break
            operation = int.from_bytes(frame[20:22], "big")
            frames.append((operation, socket.inet_ntoa(frame[28:32]), frame[22:28].hex(":")))
        return frames

    def __enter__(self) -> "Arp":
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()


def test_the_client_gets_answers_and_the_server_sees_its_address(
    lab: Lab, director: PacketDirector
) -> None:
    program(lab, director)
    with connected(lab) as ask:
        server, peer, digest = ask(b"hello")
    assert server in {"web1", "web2", "web3"}
    assert peer == CLIENT
    assert digest == hashlib.sha256(b"hello").hexdigest()


def test_replies_do_not_pass_the_load_balancer(lab: Lab, director: PacketDirector) -> None:
    program(lab, director)
    with (
        ReplyRecorder(lab.namespaces["lb"], "eth0", lab.vip) as at_lb,
        ReplyRecorder(lab.namespaces["router"], "eth0", lab.vip) as at_router,
    ):
        for _ in range(3):
            served_by(lab)
    assert at_lb.evidence().packets == 0
    servers = {lab.macs[host.name] for host in lab.hosts}
    assert set(at_router.evidence().by_source_mac) == servers


@pytest.mark.parametrize("to_name", [None, "lb"])
@pytest.mark.parametrize("sender", ["0.0.0.0", "203.0.113.2"])  # noqa: S104 - an ARP probe's sender
def test_only_the_director_answers_arp_for_the_vip(
    lab: Lab, director: PacketDirector, to_name: str | None, sender: str
) -> None:
    program(lab, director)
    with Arp(lab, "admin", "segment") as arp:
        arp.heard(0.05)  # what the programming said
        to = lab.macs[to_name] if to_name else "ff:ff:ff:ff:ff:ff"
        arp.ask(lab.vip, to=to, sender=sender)
        replies = [frame for frame in arp.heard(0.3) if frame[:2] == (2, lab.vip)]
    assert replies == [(2, lab.vip, lab.macs["lb"])]


def test_another_stations_claim_is_not_answered(lab: Lab, director: PacketDirector) -> None:
    program(lab, director)
    with Arp(lab, "web1", "eth0") as arp:
        arp.heard(0.05)
        arp.ask(lab.vip, sender=lab.vip)
        assert [frame for frame in arp.heard(0.2) if frame[1] == lab.vip] == []
    director.announce(lab.vip)  # takes the claim back for the tests that follow


def test_a_new_vip_is_announced_once(lab: Lab, director: PacketDirector) -> None:
    with Arp(lab, "router", "eth0") as arp:
        program(lab, director)
        first = [frame for frame in arp.heard(0.2) if frame[1] == lab.vip]
        program(lab, director, weights=(2, 2, 2))
        second = [frame for frame in arp.heard(0.2) if frame[1] == lab.vip]
    assert first == [(1, lab.vip, lab.macs["lb"]), (2, lab.vip, lab.macs["lb"])]
    assert second == []


def test_announcing_cures_a_poisoned_neighbour(lab: Lab, director: PacketDirector) -> None:
    program(lab, director)

    def poison() -> None:
        with IPRoute() as ip:
            device = ip.link_lookup(ifname="eth0")[0]
            ip.neigh("replace", dst=lab.vip, lladdr=lab.macs["web2"], ifindex=device, state=2)

    def learned() -> str:
        with IPRoute() as ip:
            return str(next(iter(ip.get_neighbours(dst=lab.vip))).get("lladdr"))

    router = lab.namespaces["router"]
    router.run(poison)
    assert router.run(learned) == lab.macs["web2"]
    director.announce(lab.vip)
    deadline = time.monotonic() + 2
    while router.run(learned) != lab.macs["lb"] and time.monotonic() < deadline:
        time.sleep(0.01)
    assert router.run(learned) == lab.macs["lb"]


def test_only_programmed_addresses_are_announced(lab: Lab, director: PacketDirector) -> None:
    program(lab, director)
    for address in ("203.0.113.77", "2001:db8::1", "nonsense"):
        with pytest.raises(ValueError, match="no address of a running service"):
            director.announce(address)


def test_an_open_connection_goes_on_when_its_server_is_taken_out(
    lab: Lab, director: PacketDirector
) -> None:
    program(lab, director, eligible=("web1",))
    with connected(lab) as ask:
        assert ask(b"1")[0] == "web1"
        program(lab, director, eligible=("web2", "web3"))
        assert {served_by(lab) for _ in range(4)} == {"web2", "web3"}
        assert ask(b"2" * 100_000)[0] == "web1"
        assert director.counters()[10].active_connections == 1
    deadline = time.monotonic() + 2
    while director.counters()[10].active_connections and time.monotonic() < deadline:
        time.sleep(0.01)
    assert director.counters()[10].active_connections == 0


def test_weights_share_out_the_connections(lab: Lab, director: PacketDirector) -> None:
    program(lab, director, schedule="wrr", weights=(3, 2, 1))
    assert Counter(served_by(lab) for _ in range(12)) == {"web1": 6, "web2": 4, "web3": 2}
    counters = director.counters()
    assert [counters[n].total_connections for n in (10, 11, 12)] == [6, 4, 2]


def test_big_uploads_arrive_whole(lab: Lab, director: PacketDirector) -> None:
    program(lab, director, eligible=("web3",))
    data = os.urandom(8 << 20)
    with connected(lab) as ask:
        assert ask(data)[2] == hashlib.sha256(data).hexdigest()
    counted = director.counters()[12]
    assert counted.bytes > len(data)
    # Segments as on the wire: the kernel's big ones are not counted as one packet each.
    assert counted.packets >= len(data) // 1460


@pytest.mark.parametrize("size", [1, 1400, 5000], ids=["small", "one frame", "fragments"])
def test_udp_is_moved_too(lab: Lab, director: PacketDirector, size: int) -> None:
    program(lab, director)
    data = os.urandom(size)

    def open_socket() -> socket.socket:
        opened = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        opened.connect((lab.vip, PORT))  # answers from another address are not received
        return opened

    with lab.namespaces["client"].run(open_socket) as sending:
        sending.settimeout(5)
        answers = []
        for _ in range(3):
            sending.send(data)
            answers.append(sending.recv(200).decode().split())
    assert {digest for _server, digest in answers} == {hashlib.sha256(data).hexdigest()}
    assert len({server for server, _digest in answers}) == 1, "one flow, one server"


def test_without_an_eligible_server_nothing_is_sent_anywhere(
    lab: Lab, director: PacketDirector
) -> None:
    program(lab, director, eligible=())
    with pytest.raises(TimeoutError), connected(lab, timeout_s=0.3):
        pass
    assert director.drops["no eligible server, or no such connection"] >= 1
    assert all(counted.packets == 0 for counted in director.counters().values())


def test_a_deleted_servers_connection_is_dropped(lab: Lab, director: PacketDirector) -> None:
    program(lab, director, eligible=("web1",))
    with (
        lab.namespaces["client"].run(
            lambda: socket.create_connection((lab.vip, PORT), 5)
        ) as connection,
        connection.makefile("rwb") as stream,
    ):
        program(lab, director, servers=("web2", "web3"))
        connection.settimeout(0.4)
        stream.write(b"1\nx")
        stream.flush()
        with pytest.raises(TimeoutError):
            stream.readline()
    assert 10 not in director.counters()


def test_other_ports_of_the_vip_are_dropped(lab: Lab, director: PacketDirector) -> None:
    program(lab, director)

    def connect() -> None:
        socket.create_connection((lab.vip, PORT + 1), 0.3).close()

    with pytest.raises(TimeoutError):
        lab.namespaces["client"].run(connect)
    assert director.drops["no such service"] >= 1


def test_a_first_packet_waits_for_the_servers_mac(lab: Lab, director: PacketDirector) -> None:
    program(lab, director)
    assert served_by(lab) in {"web1", "web2", "web3"}  # the router knows the VIP from here on
    with lab.namespaces["client"].run(
        lambda: socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    ) as connection:
        director.program([])
        program(lab, director, eligible=("web2",))
        began_s = time.monotonic()
        connection.settimeout(5)
        connection.connect((lab.vip, PORT))
        # Had the first SYN been dropped, the kernel would have repeated it after 1 s.
        assert time.monotonic() - began_s < 0.9


def test_the_load_balancers_own_traffic_is_left_alone(lab: Lab, director: PacketDirector) -> None:
    program(lab, director)

    def listen() -> socket.socket:
        return socket.create_server((lab.lb_address, PORT))

    with lab.namespaces["lb"].run(listen) as listener:
        lab.namespaces["client"].run(
            lambda: socket.create_connection((lab.lb_address, PORT), 5)
        ).close()
        listener.accept()[0].close()
    assert all(counted.packets == 0 for counted in director.counters().values())


def test_after_stop_nobody_answers_and_it_can_start_again(lab: Lab) -> None:
    director = PacketDirector("eth0")
    program(lab, director)  # before the start: takes effect with it
    for _ in range(2):
        lab.namespaces["lb"].run(director.start)
        assert served_by(lab) in {"web1", "web2", "web3"}
        director.stop()
        with Arp(lab, "admin", "segment") as arp:
            arp.ask(lab.vip, sender="203.0.113.2")
            assert [frame for frame in arp.heard(0.1) if frame[1] == lab.vip] == []
    director.stop()  # harmless
    assert sum(c.total_connections for c in director.counters().values()) == 2


def test_services_that_are_not_ipv4_are_left_out(lab: Lab, director: PacketDirector) -> None:
    director.program(
        [
            L4Service(
                index=1,
                address="2001:db8::1",
                port=80,
                protocol="tcp",
                schedule="rr",
                idle_timeout_s=660,
                servers=(),
            )
        ]
    )
    assert director.counters() == {}


def test_an_interface_that_is_not_there_is_an_error(lab: Lab) -> None:
    director = PacketDirector("eth9")
    with pytest.raises(OSError, match="No such device"):
        lab.namespaces["lb"].run(director.start)
    director.stop()
