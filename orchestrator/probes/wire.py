"""A place on a segment that frames are sent from and heard at, here or on another host."""

import errno
import os
import socket
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from orchestrator.errors import HostUnreachable
from orchestrator.network_namespace import NetworkNamespace
from orchestrator.probes import relay
from orchestrator.probes.packet_socket import PacketSocket, in_namespace


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Who a place is on its segment.

    Attributes:
        address: the interface's own IPv4 address, or None.
        addresses_v6: its IPv6 addresses, those of the link included.
    """

    mac: str
    address: str | None
    addresses_v6: tuple[str, ...]

    def source_for(self, address: str) -> str | None:
        """Return the address of ours that asks for another one; None where there is none."""
        if ":" not in address:
            return self.address
        # One of the link is enough to ask a neighbour, and there is nearly always one.
        return next(iter(sorted(self.addresses_v6, key=lambda one: one.startswith("fe80:"))), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """Frames to send, and which answers to keep.

    Attributes:
        frames: sent in every round, in order.
        ethertype: kind of frame that is listened to.
        needles: a frame that holds none of these bytes is passed over.
        rounds: how often it is all sent. window_s: how long each round listens, in seconds.
        promiscuous: hear all that passes the interface.
        enough: end when that many frames were kept; 0 hears every window to its end.
        last: sent once at the end, whatever was heard.
        hold: a TCP or UDP port of ours that nobody else may use meanwhile: protocol, address
            and port.
    """

    frames: Sequence[bytes]
    ethertype: int
    needles: Sequence[bytes]
    rounds: int
    window_s: float
    promiscuous: bool = False
    enough: int = 0
    last: Sequence[bytes] = ()
    hold: tuple[str, str, int] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """What was kept: how often each frame came, in the order of their first coming.

    Attributes:
        dropped: frames that the kernel had no room for: above 0, absence proves nothing.
    """

    frames: Mapping[bytes, int] = field(default_factory=dict)
    dropped: int = 0


class Wire(Protocol):
    """A place on a segment.

    Attributes:
        how: what kind of proof comes from here, for evidence.
    """

    how: str

    def identity(self) -> Identity:
        """Return who we are there.

        Raises:
            HostUnreachable: no such interface, or the place cannot be used.
        """
        ...

    def exchange(self, wanted: Exchange) -> Heard:
        """Send frames and collect what answers them.

        Raises:
            HostUnreachable: no such interface, it is down, or no right to raw sockets.
            PortTaken: the port to hold is in use; try another one.
        """
        ...


class PortTaken(HostUnreachable):
    """A port that was to be held is in use."""


class PacketWire:
    """Packet sockets on an interface of this machine, or of a network namespace of it."""

    def __init__(self, interface: str, *, namespace: NetworkNamespace | None = None) -> None:
        """Name the place; nothing is opened yet."""
        self._interface = interface
        self._namespace = namespace
        self.how = f"raw frames from {interface} of this machine"

    def identity(self) -> Identity:
        with PacketSocket(self._interface, 0, promiscuous=False, namespace=self._namespace) as wire:
            table = in_namespace(self._namespace, _table_of_addresses)
            own = tuple(addresses_v6(table, self._interface))
            return Identity(mac=wire.mac, address=wire.address, addresses_v6=own)

    def exchange(self, wanted: Exchange) -> Heard:
        kept: Counter[bytes] = Counter()
        with ExitStack() as stack:
            if wanted.hold is not None:
                stack.enter_context(_hold(*wanted.hold, self._namespace))
            wire = stack.enter_context(
                PacketSocket(
                    self._interface,
                    wanted.ethertype,
                    promiscuous=wanted.promiscuous,
                    namespace=self._namespace,
                )
            )
            for _ in range(wanted.rounds):
                for frame in wanted.frames:
                    wire.send(frame)
                for heard in wire.frames(window_s=wanted.window_s):
                    if any(needle in heard for needle in wanted.needles):
                        kept[heard] += 1
                        if kept.total() == wanted.enough:
                            break
                if kept.total() == wanted.enough > 0:
                    break
            for frame in wanted.last:
                wire.send(frame)
            return Heard(frames=dict(kept), dropped=wire.dropped())


def _hold(
    protocol: str, address: str, port: int, namespace: NetworkNamespace | None
) -> socket.socket:
    """Take a port, so that our kernel leaves what is answered to us alone.

    Without it the kernel would refuse the answer that it did not ask for, would look for the
    neighbour who has the VIP to do so, and might learn a wrong one.
    """

    def take() -> socket.socket:
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        kind = socket.SOCK_STREAM if protocol == "tcp" else socket.SOCK_DGRAM
        holder = socket.socket(family, kind)
        try:
            # One of the link has no meaning without its interface: take the port on all.
            holder.bind(("::" if address.startswith("fe80:") else address, port))
            if protocol == "tcp":
                relay.swallow(holder)
        except BaseException:
            holder.close()
            raise
        return holder

    try:
        return in_namespace(namespace, take)
    except OSError as error:
        kind = PortTaken if error.errno == errno.EADDRINUSE else HostUnreachable
        raise kind(f"cannot ask from {address}: {os.strerror(error.errno or 0)}") from error


def _table_of_addresses() -> str:
    # thread-self, not self: the main thread lives in another network
    path = Path("/proc/thread-self/net/if_inet6")
    return path.read_text() if path.exists() else ""


def addresses_v6(table: str, interface: str) -> list[str]:
    """Return the usable IPv6 addresses of an interface from ``/proc/net/if_inet6``."""
    unusable = 0x08 | 0x40  # duplicate, or not yet known to be none
    rows = [line.split() for line in table.splitlines()]
    return [
        socket.inet_ntop(socket.AF_INET6, bytes.fromhex(address))
        for address, _, _, _, flags, name in rows
        if name == interface and not int(flags, 16) & unusable
    ]
