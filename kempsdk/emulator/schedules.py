"""How a service chooses among the servers that may take a new connection. Pure."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol, TypeVar


class Target(Protocol):
    """A server as a schedule weighs it.

    Attributes:
        credit: kept by the weighted round robin between its turns.
    """

    credit: int

    @property
    def address(self) -> str: ...
    @property
    def weight(self) -> int: ...
    @property
    def load(self) -> int:
        """Return the load as the least-connection schedules weigh it."""
        ...


_Target = TypeVar("_Target", bound=Target)


class Chooser:
    """The schedule of one service, with what it remembers between two choices."""

    __slots__ = ("_turn", "schedule")

    def __init__(self) -> None:
        self.schedule = "rr"
        self._turn = 0

    def choose(self, eligible: Sequence[_Target], client: bytes) -> _Target | None:
        """Return the server for a new connection; None where none is eligible.

        Args:
            client: its packed address, without the port.
        """
        weighed = [one for one in eligible if one.weight > 0]
        if not weighed:
            return None
        self._turn += 1
        # A schedule that is not modelled (adaptive ones) goes round robin.
        choose = _SCHEDULES.get(self.schedule)
        if choose is None:
            return weighed[self._turn % len(weighed)]
        return weighed[choose(weighed, client)]


def _weighted_round_robin(eligible: Sequence[Target], _client: bytes) -> int:
    # Smooth: 5:1:1 gives a a b a c a a, not five times a in a row.
    for one in eligible:
        one.credit += one.weight
    chosen = max(range(len(eligible)), key=lambda at: eligible[at].credit)
    eligible[chosen].credit -= sum(one.weight for one in eligible)
    return chosen


def _least_connections(eligible: Sequence[Target], _client: bytes) -> int:
    return min(range(len(eligible)), key=lambda at: eligible[at].load)


def _weighted_least_connections(eligible: Sequence[Target], _client: bytes) -> int:
    return min(range(len(eligible)), key=lambda at: (eligible[at].load + 1) / eligible[at].weight)


def _fixed(eligible: Sequence[Target], _client: bytes) -> int:
    return max(range(len(eligible)), key=lambda at: eligible[at].weight)


def _source_hash(eligible: Sequence[Target], client: bytes) -> int:
    # Highest random weight: a server that leaves moves only its own clients.
    def score(at: int) -> bytes:
        name = eligible[at].address.encode()
        return hashlib.blake2b(client + name, digest_size=8).digest()

    return max(range(len(eligible)), key=score)


_SCHEDULES: Mapping[str, Callable[[Sequence[Target], bytes], int]] = {
    "wrr": _weighted_round_robin,
    "lc": _least_connections,
    "wlc": _weighted_least_connections,
    "fixed": _fixed,
    "sh": _source_hash,
}
