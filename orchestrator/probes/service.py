"""Does a real server serve the VIP, does its health check answer, who is still connected."""

import random
import socket
import struct
import time
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum

from orchestrator.errors import HostUnreachable
from orchestrator.hosts.state import NetState, Socket
from orchestrator.network_namespace import NetworkNamespace
from orchestrator.probes.packet_socket import ETH_P_IP, PacketSocket, in_namespace, mac_bytes

_ANY = ("0.0.0.0", "::")  # noqa: S104 - what a listener says, not a place to listen
_NO_CONNECTION = ("listen", "time_wait", "close", "unconn")


@dataclass(frozen=True, slots=True, kw_only=True)
class BoundEvidence:
    """Who listens on a port of a host.

    Attributes:
        listeners: those that take what is sent to the VIP.
        elsewhere: those on the same port that do not, as they listen on other addresses only.
    """

    listeners: tuple[Socket, ...]
    elsewhere: tuple[Socket, ...]

    @property
    def bound(self) -> bool:
        return bool(self.listeners)


def bound(state: NetState, vip: str, port: int, protocol: str) -> BoundEvidence:
    """Return who listens for the VIP's port. Pure.

    A listener on ``::`` is taken to serve IPv4 too, as it does unless the program asked
    otherwise: a guess, which ``answers_vip_frame`` confirms.
    """
    open_state = "listen" if protocol == "tcp" else "unconn"
    there = [
        one
        for one in state.sockets
        if (one.protocol, one.local_port, one.state) == (protocol, port, open_state)
    ]
    wanted = (vip, *_ANY)
    return BoundEvidence(
        listeners=tuple(one for one in there if one.local_address in wanted),
        elsewhere=tuple(one for one in there if one.local_address not in wanted),
    )


def connections_left(state: NetState, vip: str, ports: Iterable[int]) -> tuple[Socket, ...]:
    """Return the connections to the VIP's ports that are open or still closing. Pure.

    ``peer_address`` says whose they are. Listeners and time_wait, which is only a memory of
    a connection, are left out.
    """
    wanted = frozenset(ports)
    return tuple(
        one
        for one in state.sockets
        if one.local_address == vip and one.local_port in wanted and one.state not in _NO_CONNECTION
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpEvidence:
    """How a health check over HTTP ended.

    Attributes:
        status: the status code, or None where there was no HTTP answer.
        failure: why there was none, or "".
        seconds: how long it took.
    """

    status: int | None
    failure: str
    seconds: float

    @property
    def healthy(self) -> bool:
        """Return whether the LoadMaster's default check would take it: any 2xx."""
        return self.status is not None and 200 <= self.status < 300


def http_answers(
    address: str,
    port: int,
    path: str = "/",
    *,
    namespace: NetworkNamespace | None = None,
    timeout_s: float = 2.0,
    host_header: str | None = None,
) -> HttpEvidence:
    """Ask for a page as a health check does and look at the status line.

    Args:
        timeout_s: for everything together, in seconds.
        host_header: the Host to name; the address unless given.

    Raises:
        ValueError: the path or the host cannot stand in a request.
    """
    host = host_header or address
    if not path.startswith("/") or any(not "!" <= letter <= "~" for letter in path + host):
        raise ValueError(f"{path!r} on {host!r} cannot be asked for")
    request = f"GET {path} HTTP/1.0\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode()
    started = time.monotonic()
    deadline = started + timeout_s

    def evidence(status: int | None, failure: str = "") -> HttpEvidence:
        return HttpEvidence(status=status, failure=failure, seconds=time.monotonic() - started)

    try:
        connection = in_namespace(namespace, lambda: socket.socket(socket.AF_INET))
        with connection:
            connection.settimeout(timeout_s)
            connection.connect((address, port))
            connection.sendall(request)
            line = _first_line(connection, deadline)
    except TimeoutError:
        return evidence(None, f"no answer within {timeout_s:g} s")
    except OSError as error:
        return evidence(None, error.strerror or str(error))
    word, _, rest = line.partition(" ")
    if not word.startswith("HTTP/") or not rest[:3].isdigit():
        return evidence(None, f"not HTTP: {line[:40]!r}")
    return evidence(int(rest[:3]))


def _first_line(connection: socket.socket, deadline: float) -> str:
    heard = b""
    while b"\n" not in heard and len(heard) < 4096:
        left = deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError
        connection.settimeout(left)
        piece = connection.recv(4096)
        if not piece:
            break
        heard += piece
    return heard.partition(b"\n")[0].decode("latin-1").strip()


class FrameOutcome(str, Enum):
    """What became of a connection request to the VIP, sent straight to one server."""

    OPEN = "open"
    REFUSED = "refused"
    SILENT = "silent"


@dataclass(frozen=True, slots=True, kw_only=True)
class FrameEvidence:
    """What came back.

    Attributes:
        outcome: ``open``: the service took it; ``refused``: the host has the VIP but nobody
            listens, or a firewall rejects; ``silent``: no answer (no VIP there, a firewall
            that drops, no way back to us).
        answered_by: MAC of the answer, or None.
        via_server: the answer came from the very MAC that was asked.
        seconds: how long it took.
    """

    outcome: FrameOutcome
    answered_by: str | None
    via_server: bool
    seconds: float

    @property
    def answers(self) -> bool:
        """Return whether the server itself serves the VIP."""
        return self.outcome is FrameOutcome.OPEN and self.via_server


_ETHERNET = struct.Struct("!6s6sH")
_IP = struct.Struct("!BBHHHBBH4s4s")
_TCP = struct.Struct("!HHLLBBHHH")
_SYN, _RST, _ACK = 0x02, 0x04, 0x10
_MAX_SEGMENT = bytes((2, 4)) + struct.pack("!H", 1460)


def answers_vip_frame(
    *,
    interface: str,
    server_mac: str,
    vip: str,
    port: int,
    namespace: NetworkNamespace | None = None,
    source: str | None = None,
    attempts: int = 3,
    window_s: float = 0.5,
) -> FrameEvidence:
    """Ask one server for a TCP connection to the VIP, as the load balancer would hand it over.

    The frame goes to the server's MAC with the VIP as destination, so it tests the server
    before it gets any traffic, whatever the neighbours believe. An open connection is reset
    at once; the program on the server never sees it. Changes nothing on the server.

    Args:
        interface: ours, on the server's segment.
        source: our address; the interface's own unless given. The answer must be routed
            back to it through the interface.
        attempts: how many requests, 1 or more, each waited for ``window_s`` seconds.

    Raises:
        HostUnreachable: no such interface, it has no address, or no right to raw sockets.
        ValueError: the VIP is not an IPv4 address, or the MAC is none.
    """
    server = mac_bytes(server_mac)
    started = time.monotonic()
    with PacketSocket(interface, ETH_P_IP, promiscuous=False, namespace=namespace) as wire:
        own = source or wire.address
        if own is None:
            raise HostUnreachable(f"{interface} has no IPv4 address to ask from")
        own_address = own
        # Bound and not listening: nobody else gets the port. Our kernel answers the unexpected
        # SYN-ACK with a reset of its own; by its neighbour table that goes to whoever has the
        # VIP, the load balancer, which knows no such connection. Ours goes to the server.
        with in_namespace(namespace, lambda: _reserve(own_address)) as reserved:
            route = _Route(
                from_mac=mac_bytes(wire.mac),
                to_mac=server,
                source=socket.inet_aton(own),
                destination=socket.inet_aton(vip),
                source_port=reserved.getsockname()[1],
                port=port,
            )
            sequence = random.getrandbits(32)
            for _ in range(attempts):
                wire.send(route.segment(_SYN, sequence))
                for frame in wire.frames(window_s=window_s):
                    flags = route.answer(frame, sequence)
                    if flags is None:
                        continue
                    outcome = FrameOutcome.REFUSED if flags & _RST else FrameOutcome.OPEN
                    if outcome is FrameOutcome.OPEN:
                        wire.send(route.segment(_RST, (sequence + 1) % 2**32))
                    mac = frame[6:12]
                    return FrameEvidence(
                        outcome=outcome,
                        answered_by=mac.hex(":"),
                        via_server=mac == server,
                        seconds=time.monotonic() - started,
                    )
    return FrameEvidence(
        outcome=FrameOutcome.SILENT,
        answered_by=None,
        via_server=False,
        seconds=time.monotonic() - started,
    )


def _reserve(address: str) -> socket.socket:
    holder = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        holder.bind((address, 0))
    except OSError as error:
        holder.close()
        raise HostUnreachable(f"cannot ask from {address}: {error.strerror}") from error
    return holder


@dataclass(frozen=True, slots=True, kw_only=True)
class _Route:
    from_mac: bytes
    to_mac: bytes
    source: bytes
    destination: bytes
    source_port: int
    port: int

    def segment(self, flags: int, sequence: int) -> bytes:
        """Return the frame of a TCP segment without data from us to the VIP."""
        options = _MAX_SEGMENT if flags & _SYN else b""
        length = _TCP.size + len(options)

        def tcp(checksum: int) -> bytes:
            return (
                _TCP.pack(
                    self.source_port,
                    self.port,
                    sequence,
                    0,
                    length // 4 << 4,
                    flags,
                    64240,
                    checksum,
                    0,
                )
                + options
            )

        def ip(checksum: int) -> bytes:
            return _IP.pack(
                0x45,
                0,
                _IP.size + length,
                0,
                0x4000,  # do not fragment
                64,
                socket.IPPROTO_TCP,
                checksum,
                self.source,
                self.destination,
            )

        pseudo = self.source + self.destination + struct.pack("!HH", socket.IPPROTO_TCP, length)
        return (
            _ETHERNET.pack(self.to_mac, self.from_mac, ETH_P_IP)
            + ip(_checksum(ip(0)))
            + tcp(_checksum(pseudo + tcp(0)))
        )

    def answer(self, frame: bytes, sequence: int) -> int | None:
        """Return the TCP flags if the frame answers our request, else None."""
        packet = frame[_ETHERNET.size :]
        if len(packet) < _IP.size:
            return None
        version, _, _, _, _, _, protocol, _, source, destination = _IP.unpack_from(packet)
        start = (version & 0x0F) * 4
        if (protocol, source, destination) != (
            socket.IPPROTO_TCP,
            self.destination,
            self.source,
        ) or len(packet) < start + _TCP.size:
            return None
        from_port, to_port, _, confirmed, _, flags, *_ = _TCP.unpack_from(packet, start)
        if (from_port, to_port, confirmed) != (self.port, self.source_port, (sequence + 1) % 2**32):
            return None
        return int(flags) if flags & (_RST | _ACK) else None


def _checksum(data: bytes) -> int:
    if len(data) % 2:
        data += b"\0"
    total: int = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF
