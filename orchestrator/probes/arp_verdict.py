"""What a heard answer for the VIP means: nobody, the LoadMaster alone, or others by name. Pure."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import Enum

from orchestrator.probes.arp import ArpEvidence, Proof


class Outcome(str, Enum):
    """Who gave out a MAC for the VIP.

    Attributes:
        CULPRITS: a machine that is not the LoadMaster, whoever else did.
        UNKNOWN: a machine that may be the LoadMaster: nobody knows the LoadMaster's MAC.
        UNPROVEN: nobody else was heard, but the evidence is not whole.
    """

    UNANSWERED = "unanswered"
    LOADMASTER_ONLY = "loadmaster-only"
    CULPRITS = "culprits"
    UNKNOWN = "unknown"
    UNPROVEN = "unproven"


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """One that gave out a MAC for the VIP.

    Attributes:
        name: of the server or the LoadMaster; "" for a machine that nobody knows.
        answers: replies to a question. claims: other frames that name the VIP as sender.
    """

    mac: str
    name: str
    answers: int
    claims: int

    def __str__(self) -> str:
        return f"{self.name} ({self.mac})" if self.name else f"{self.mac} (an unknown machine)"


@dataclass(frozen=True, slots=True, kw_only=True)
class ArpVerdict:
    """What was heard, sorted.

    Attributes:
        loadmaster: machines with a MAC of the LoadMaster.
        culprits: all others.
    """

    outcome: Outcome
    loadmaster: tuple[Machine, ...]
    culprits: tuple[Machine, ...]


def judge(
    heard: ArpEvidence, *, loadmaster: Collection[str], servers: Mapping[str, str]
) -> ArpVerdict:
    """Sort who was heard.

    One unknown MAC alone is not taken for the LoadMaster: a forgotten machine that has the
    VIP while the LoadMaster is away looks just like it.

    Args:
        loadmaster: its MACs, in lower case; none where they are not known.
        servers: names by MAC, in lower case. A server's MAC is never the LoadMaster's.
    """
    ours: list[Machine] = []
    others: list[Machine] = []
    for mac in sorted(heard.macs):
        is_loadmaster = mac in loadmaster and mac not in servers
        machine = Machine(
            mac=mac,
            name="the LoadMaster" if is_loadmaster else servers.get(mac, ""),
            answers=heard.answers.get(mac, 0),
            claims=heard.claims.get(mac, 0),
        )
        (ours if is_loadmaster else others).append(machine)
    return ArpVerdict(
        outcome=_outcome(heard, others, pinned=bool(loadmaster)),
        loadmaster=tuple(ours),
        culprits=tuple(others),
    )


def _outcome(heard: ArpEvidence, others: list[Machine], *, pinned: bool) -> Outcome:
    if others:
        alone = len(others) == 1 and not others[0].name
        return Outcome.CULPRITS if pinned or not alone else Outcome.UNKNOWN
    if heard.dropped:
        return Outcome.UNPROVEN
    # A gratuitous ARP alone shows that the LoadMaster is there, not that we were heard.
    return Outcome.LOADMASTER_ONLY if heard.answers else Outcome.UNANSWERED


_LIMITS = {
    Proof.FRAMES: "",
    Proof.ANSWERS: "; frames that name it as sender without being asked were not heard",
    Proof.NEIGHBOUR: "; only the one answer that the kernel kept was seen",
}


def asked(heard: ArpEvidence, vip: str) -> str:
    """Return how the question was put, and how much its silence is worth."""
    return f"asked {times(heard.asked)} who has {vip}, by {heard.by}{_LIMITS[heard.proof]}"


def described(heard: ArpEvidence, verdict: ArpVerdict) -> tuple[str, ...]:
    """Return who said what, one line a machine and kind."""
    machines = (*verdict.loadmaster, *verdict.culprits)
    return (
        *(f"{one} answered {times(one.answers)}" for one in machines if one.answers),
        *(f"{one} named it as its own {times(one.claims)}" for one in machines if one.claims),
        *([f"{heard.dropped} frames were lost"] if heard.dropped else []),
        *([] if machines else ["nobody answered"]),
    )


def times(count: int) -> str:
    """Return a number of times in words."""
    return "once" if count == 1 else f"{count} times"
