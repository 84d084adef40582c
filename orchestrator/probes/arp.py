"""Who answers ARP for a VIP, and who names it as sender: asked and watched on the wire.

For an IPv6 VIP neighbour discovery takes the place of ARP, with the same evidence.

Answers alone prove little: a host with arp_announce below 2 answers nobody and still puts
its own MAC into the neighbour tables of those it asks something ("who has X, tell VIP").
Such frames are counted as claims.
"""

import ipaddress
import threading
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from types import TracebackType

from orchestrator.errors import HostUnreachable
from orchestrator.network_namespace import NetworkNamespace
from orchestrator.probes.frames import (
    BROADCAST,
    ETH_P_ARP,
    ETH_P_IPV6,
    arp_question,
    claim,
    discovery_question,
    packed,
)
from orchestrator.probes.packet_socket import PacketSocket
from orchestrator.probes.wire import Exchange, Identity, PacketWire, Wire

_NOBODY = "0.0.0.0"  # noqa: S104 - the sender of an ARP probe, not a place to listen
_WATCH_S = 0.05


class Proof(str, Enum):
    """How much was heard.

    Attributes:
        FRAMES: every answer, and every other frame that names the address as sender.
        ANSWERS: answers to questions only.
        NEIGHBOUR: the one answer that a kernel keeps, whoever else gave one.
    """

    FRAMES = "frames"
    ANSWERS = "answers"
    NEIGHBOUR = "neighbour"


@dataclass(frozen=True, slots=True, kw_only=True)
class ArpEvidence:
    """What was heard about one address.

    Attributes:
        answers: replies that say where the VIP is, by the MAC they name.
        claims: other frames that name the VIP as their sender (requests, gratuitous ARP),
            by MAC. Whoever hears one may learn that MAC.
        asked: requests that were sent; 0 for one who only watched.
        dropped: ARP frames that the kernel had no room for: above 0, absence proves nothing.
        proof: how much was heard. by: with what, and where.
    """

    answers: Mapping[str, int] = field(default_factory=dict)
    claims: Mapping[str, int] = field(default_factory=dict)
    asked: int = 0
    dropped: int = 0
    proof: Proof = Proof.FRAMES
    by: str = "raw frames"

    @property
    def macs(self) -> frozenset[str]:
        """Return every MAC that was given out for the VIP."""
        return frozenset(self.answers) | frozenset(self.claims)


@dataclass(slots=True)
class Tally:
    """Counts what frames say of one address."""

    vip: str
    by: str = "raw frames"
    answers: Counter[str] = field(default_factory=Counter)
    claims: Counter[str] = field(default_factory=Counter)
    asked: int = 0
    dropped: int = 0

    def note(self, frame: bytes, times: int = 1) -> None:
        """Count a frame that was heard so often."""
        found = claim(frame)
        if found is not None and found.address == self.vip:
            counter = self.answers if found.solicited else self.claims
            counter[found.mac] += times

    def evidence(self) -> ArpEvidence:
        """Return the counts."""
        return ArpEvidence(
            answers=dict(self.answers),
            claims=dict(self.claims),
            asked=self.asked,
            dropped=self.dropped,
            by=self.by,
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
    """Ask the segment who has the VIP, from an interface of this machine: ``ask_over``."""
    wire = PacketWire(interface, namespace=namespace)
    return ask_over(wire, vip, window_s=window_s, rounds=rounds, unicast_to=unicast_to)


def ask_over(
    wire: Wire,
    vip: str,
    *,
    window_s: float = 0.2,
    rounds: int = 3,
    unicast_to: Sequence[str] = (),
) -> ArpEvidence:
    """Ask the segment who has the VIP, and count who answers. Takes rounds x window_s.

    Each round asks in every way that a host treats differently: by broadcast and to each of
    the given MACs alone, with the interface's own address as sender (if it has one) and with
    none. It sends no frame that names the VIP as sender, so it teaches nobody anything
    about the VIP. For an IPv6 address the question is neighbour discovery's.

    Args:
        window_s: how long each round listens, in seconds, above 0.
        rounds: 1 or more; one answer can get lost, and two answers race.
        unicast_to: MACs to ask one by one; a host that ignores broadcasts still answers these.

    Raises:
        HostUnreachable: no such interface, it is down, it has no IPv6 address to ask for one,
            or no right to raw sockets.
        ValueError: the VIP is not an address, or a MAC is none.
    """
    if rounds < 1 or window_s <= 0:
        raise ValueError("ask at least one round, and listen for a time")
    vip = str(ipaddress.ip_address(vip))
    questions = _questions(vip, wire.identity(), unicast_to)
    heard = wire.exchange(
        Exchange(
            frames=questions,
            ethertype=_ethertype(vip),
            needles=[packed(vip)],
            rounds=rounds,
            window_s=window_s,
            promiscuous=True,
        )
    )
    tally = Tally(vip, by=wire.how, asked=rounds * len(questions), dropped=heard.dropped)
    for frame, times in heard.frames.items():
        tally.note(frame, times)
    return tally.evidence()


def _ethertype(vip: str) -> int:
    return ETH_P_IPV6 if ":" in vip else ETH_P_ARP


def _questions(vip: str, own: Identity, unicast_to: Sequence[str]) -> list[bytes]:
    source = own.source_for(vip)
    if ":" not in vip:
        return [
            arp_question(vip, mac=own.mac, sender=sender, to=mac)
            for sender in ([_NOBODY] if source is None else [source, _NOBODY])
            for mac in (BROADCAST, *unicast_to)
        ]
    if source is None:
        raise HostUnreachable(f"there is no IPv6 address to ask for {vip} from")
    return [
        discovery_question(vip, mac=own.mac, sender=sender, to=mac)
        for sender in (source, "::")
        for mac in (None, *unicast_to)
    ]


class ArpWatch:
    """Listens for as long as the ``with`` block runs, on a thread of its own; sends nothing.

    On the bridge interface of a segment it hears every ARP frame that crosses the segment.
    Frames that this machine itself sends on the interface are left out.
    """

    def __init__(self, interface: str, vip: str, namespace: NetworkNamespace | None = None) -> None:
        """Prepare to watch; listening starts with the ``with`` block."""
        self._interface = interface
        self._namespace = namespace
        self._tally = Tally(str(ipaddress.ip_address(vip)))
        self._lock = threading.Lock()
        self._end = threading.Event()
        self._failure: Exception | None = None

    def __enter__(self) -> "ArpWatch":
        """Start listening: whatever is sent from now on is heard.

        Raises:
            HostUnreachable: no such interface, or no right to raw sockets.
        """
        self._wire = PacketSocket(
            self._interface,
            _ethertype(self._tally.vip),
            promiscuous=True,
            namespace=self._namespace,
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
