"""A request to the VIP, sent straight to one server, as the load balancer would hand it over.

The frame goes to the server's MAC with the VIP as destination: it tests the server before it
gets any traffic, whatever the neighbours believe, and leaves every neighbour table as it is.
"""

import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

from orchestrator.errors import HostUnreachable
from orchestrator.network_namespace import NetworkNamespace
from orchestrator.probes.frames import (
    ACK,
    RST,
    SYN,
    Ends,
    Packet,
    echo,
    ethertype_of,
    flow,
    packed,
    read_packet,
    tcp,
    udp,
)
from orchestrator.probes.health_check import DNS_QUESTION
from orchestrator.probes.wire import Exchange, Heard, Identity, PacketWire, PortTaken, Wire

_PORT_TRIES = 5


class FrameOutcome(str, Enum):
    """What became of a request to the VIP, sent straight to one server."""

    OPEN = "open"
    REFUSED = "refused"
    SILENT = "silent"


@dataclass(frozen=True, slots=True, kw_only=True)
class FrameEvidence:
    """What came back.

    Attributes:
        outcome: ``open``: the service took it; ``refused``: the host has the VIP but nobody
            listens, or a firewall rejects; ``silent``: no answer (no VIP there, a firewall
            that drops, no way back to us; over UDP also a program that keeps quiet).
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
    """Ask one server for a TCP connection to the VIP, from an interface of this machine.

    See ``request_over``.
    """
    return request_over(
        PacketWire(interface, namespace=namespace),
        server_mac=server_mac,
        vip=vip,
        port=port,
        source=source,
        attempts=attempts,
        window_s=window_s,
    )


def request_over(
    wire: Wire,
    *,
    server_mac: str,
    vip: str,
    port: int,
    protocol: str = "tcp",
    source: str | None = None,
    attempts: int = 3,
    window_s: float = 0.5,
) -> FrameEvidence:
    """Ask one server for the VIP's service. Changes nothing on the server.

    Over TCP a connection is asked for; one that opens is reset at once, and the program on
    the server never sees it. Over UDP a datagram is sent: a DNS question to port 53, an empty
    one to others, which many programs do not answer.

    Args:
        source: our address; the interface's own unless given. The answer must be routed
            back to it through the interface.
        attempts: how many requests, 1 or more, each waited for ``window_s`` seconds.

    Raises:
        HostUnreachable: no such interface, it has no address of that kind, or no right to raw
            sockets.
        ValueError: the VIP is not an address, or the MAC is none.
    """
    own = wire.identity()
    ends = _ends(own, server_mac=server_mac, address=vip, source=source)
    sequence = random.getrandbits(32)
    started = time.monotonic()

    def ask(from_port: int) -> Exchange:
        ports = {"from_port": from_port, "to_port": port}
        if protocol == "tcp":
            question = tcp(ends, **ports, flags=SYN, sequence=sequence)
            last = [tcp(ends, **ports, flags=RST, sequence=(sequence + 1) % 2**32)]
        else:
            data = DNS_QUESTION if port == 53 else b""
            question, last = udp(ends, **ports, data=data), []
        return Exchange(
            frames=[question],
            ethertype=ethertype_of(vip),
            # The answer; or, within an ICMP message, our own request.
            needles=[
                flow(vip, ends.source, port, from_port),
                flow(ends.source, vip, from_port, port),
            ],
            rounds=attempts,
            window_s=window_s,
            enough=1,
            last=last,
            hold=(protocol, ends.source, from_port),
        )

    heard = _from_a_free_port(wire, ask)
    for packet in map(read_packet, heard.frames):
        outcome = packet and _outcome(packet, ends, sequence)
        if packet and outcome:
            return FrameEvidence(
                outcome=outcome,
                answered_by=packet.mac,
                via_server=packet.mac == ends.to_mac,
                seconds=time.monotonic() - started,
            )
    return FrameEvidence(
        outcome=FrameOutcome.SILENT,
        answered_by=None,
        via_server=False,
        seconds=time.monotonic() - started,
    )


def passes_over(
    wire: Wire, *, server_mac: str, address: str, size: int, window_s: float = 0.5
) -> bool | None:
    """Return whether a packet of this size gets to a server's own address and back.

    None where not even a small one does: the host does not answer pings.

    Args:
        size: of the whole packet, in bytes, as an MTU is counted.

    Raises:
        HostUnreachable: as for ``request_over``; or the packet is too long for our interface.
    """
    own = wire.identity()
    ends = _ends(own, server_mac=server_mac, address=address, source=None)

    def answered(length: int) -> bool:
        number = random.getrandbits(16)
        heard = wire.exchange(
            Exchange(
                frames=[echo(ends, identifier=number, size=length)],
                ethertype=ethertype_of(address),
                needles=[packed(address) + packed(ends.source)],
                rounds=2,
                window_s=window_s,
                enough=1,
            )
        )
        packets = map(read_packet, heard.frames)
        return any(packet is not None and packet.answers_echo(number) for packet in packets)

    return answered(size) or (False if answered(84) else None)


def _ends(own: Identity, *, server_mac: str, address: str, source: str | None) -> Ends:
    source = source or own.source_for(address)
    if source is None:
        kind = "IPv6" if ":" in address else "IPv4"
        raise HostUnreachable(f"there is no {kind} address to ask {address} from")
    return Ends(from_mac=own.mac, to_mac=server_mac.lower(), source=source, destination=address)


def _from_a_free_port(wire: Wire, ask: Callable[[int], Exchange]) -> Heard:
    for _ in range(_PORT_TRIES - 1):
        try:
            return wire.exchange(ask(_port()))
        except PortTaken:
            continue
    return wire.exchange(ask(_port()))


def _port() -> int:
    return 49152 + random.getrandbits(14)


def _outcome(packet: Packet, ends: Ends, sequence: int) -> FrameOutcome | None:
    """Return what an answer means; None for a packet that is none."""
    if packet.is_unreachable():
        return FrameOutcome.REFUSED
    if packet.source != ends.destination:
        return None
    flags = packet.tcp_flags
    if not flags:
        return FrameOutcome.OPEN  # a datagram
    if packet.tcp_confirms != (sequence + 1) % 2**32:
        return None
    if flags & RST:
        return FrameOutcome.REFUSED
    return FrameOutcome.OPEN if flags & ACK else None
