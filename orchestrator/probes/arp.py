"""Who answers ARP for a VIP, and who names it as sender: asked and watched on the wire.

Answers alone prove little: a host with arp_announce below 2 answers nobody and still puts
its own MAC into the neighbour tables of those it asks something ("who has X, tell VIP").
Such frames are counted as claims.
"""

import socket
import struct
import threading
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import TracebackType

from orchestrator.network_namespace import NetworkNamespace
from orchestrator.probes.packet_socket import ETH_P_ARP, PacketSocket, mac_bytes

_REQUEST, _REPLY = 1, 2
_BROADCAST = "ff:ff:ff:ff:ff:ff"
_NOBODY = "0.0.0.0"  # noqa: S104 - the sender of an ARP probe, not a place to listen
_ETHERNET = struct.Struct("!6s6sH")
_ARP = struct.Struct("!HHBBH6s4s6s4s")
_WATCH_S = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class ArpEvidence:
    """What was heard about one address.

    Attributes:
        answers: replies that say where the VIP is, by the MAC they name.
        claims: other frames that name the VIP as their sender (requests, gratuitous ARP),
            by MAC. Whoever hears one may learn that MAC.
        asked: requests that were sent; 0 for one who only watched.
        dropped: ARP frames that the kernel had no room for: above 0, absence proves nothing.
    """

    answers: Mapping[str, int] = field(default_factory=dict)
    claims: Mapping[str, int] = field(default_factory=dict)
    asked: int = 0
    dropped: int = 0

    @property
    def macs(self) -> frozenset[str]:
        """Return every MAC that was given out for the VIP."""
        return frozenset(self.answers) | frozenset(self.claims)


@dataclass(slots=True)
class _Tally:
    vip: bytes
    answers: Counter[str] = field(default_factory=Counter)
    claims: Counter[str] = field(default_factory=Counter)
    asked: int = 0
    dropped: int = 0

    def note(self, frame: bytes) -> None:
        if len(frame) < _ETHERNET.size + _ARP.size:
            return
        _, _, _, _, operation, mac, sender, _, target = _ARP.unpack_from(frame, _ETHERNET.size)
        if sender != self.vip:
            return
        counter = self.answers if operation == _REPLY and target != self.vip else self.claims
        counter[mac.hex(":")] += 1

    def evidence(self) -> ArpEvidence:
        return ArpEvidence(
            answers=dict(self.answers),
            claims=dict(self.claims),
            asked=self.asked,
            dropped=self.dropped,
        )


def ask_who_has(
    vip: str,
    interface: str,
    *,
    window_s: float = 0.2,
    rounds: int = 3,
    unicast_to: Sequence[str] = (),
    namespace: NetworkNamespace | None = None,
) -> ArpEvidence:
    """Ask the segment who has the VIP, and count who answers. Takes rounds x window_s.

    Each round asks in every way that a host treats differently: by broadcast and to each of
    the given MACs alone, with the interface's own address as sender (if it has one) and with
    none. It sends no frame that names the VIP as sender, so it teaches nobody anything
    about the VIP.

    Args:
        window_s: how long each round listens, in seconds, above 0.
        rounds: 1 or more; one answer can get lost, and two answers race.
        unicast_to: MACs to ask one by one; a host that ignores broadcasts still answers these.

    Raises:
        HostUnreachable: no such interface, it is down, or no right to raw sockets.
        ValueError: the VIP is not an IPv4 address, or a MAC is none.
    """
    if rounds < 1 or window_s <= 0:
        raise ValueError("ask at least one round, and listen for a time")
    tally = _Tally(socket.inet_aton(vip))
    with PacketSocket(interface, ETH_P_ARP, promiscuous=True, namespace=namespace) as wire:
        senders = [_NOBODY] if wire.address is None else [wire.address, _NOBODY]
        questions = [
            _question(vip, own_mac=wire.mac, sender=sender, to=mac)
            for sender in senders
            for mac in (_BROADCAST, *unicast_to)
        ]
        for _ in range(rounds):
            for question in questions:
                wire.send(question)
                tally.asked += 1
            for frame in wire.frames(window_s=window_s):
                tally.note(frame)
        tally.dropped += wire.dropped()
    return tally.evidence()


def _question(vip: str, *, own_mac: str, sender: str, to: str) -> bytes:
    source = mac_bytes(own_mac)
    return _ETHERNET.pack(mac_bytes(to), source, ETH_P_ARP) + _ARP.pack(
        1,  # Ethernet
        0x0800,  # IPv4
        6,
        4,
        _REQUEST,
        source,
        socket.inet_aton(sender),
        bytes(6),
        socket.inet_aton(vip),
    )


class ArpWatch:
    """Listens for as long as the ``with`` block runs, on a thread of its own; sends nothing.

    On the bridge interface of a segment it hears every ARP frame that crosses the segment.
    Frames that this machine itself sends on the interface are left out.
    """

    def __init__(self, interface: str, vip: str, namespace: NetworkNamespace | None = None) -> None:
        """Prepare to watch; listening starts with the ``with`` block."""
        self._interface = interface
        self._namespace = namespace
        self._tally = _Tally(socket.inet_aton(vip))
        self._lock = threading.Lock()
        self._end = threading.Event()
        self._failure: Exception | None = None

    def __enter__(self) -> "ArpWatch":
        """Start listening: whatever is sent from now on is heard.

        Raises:
            HostUnreachable: no such interface, or no right to raw sockets.
        """
        self._wire = PacketSocket(
            self._interface, ETH_P_ARP, promiscuous=True, namespace=self._namespace
        )
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()
        return self

    def _listen(self) -> None:
        try:
            while not self._end.is_set():
                self._take(_WATCH_S)
            self._take(0)
        except Exception as error:  # noqa: BLE001 - evidence() raises it where it is noticed
            self._failure = error

    def _take(self, window_s: float) -> None:
        for frame in self._wire.frames(window_s=window_s):
            with self._lock:
                self._tally.note(frame)
        with self._lock:
            self._tally.dropped += self._wire.dropped()

    def evidence(self) -> ArpEvidence:
        """Return what was heard so far; after the ``with`` block, all of it.

        Raises:
            HostUnreachable: listening broke off, so the evidence is not whole.
        """
        if self._failure is not None:
            raise self._failure
        with self._lock:
            return self._tally.evidence()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._end.set()
        self._thread.join()
        self._wire.close()
