"""Who is still connected to a server that drains, and since when. Pure."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from orchestrator.hosts.state import Socket
from orchestrator.phrases import first_few

_ENDED = ("fin_wait1", "closing", "last_ack")
"""The server has sent its FIN, and no acknowledgement of it has come."""

_TOLD = 10
"""Clients named in one line."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """A client that is still connected.

    Attributes:
        connections: how many it has.
        ended: how many of them the server has ended without the client confirming it: a kernel
            gives these up after some 100 s. They stay where the client cannot be heard, such as
            after a takeover by a LoadMaster unit that does not know them.
        seen_for_s: how long its oldest one has been seen; it may be older.
    """

    address: str
    connections: int
    seen_for_s: float
    ended: int = 0

    def __str__(self) -> str:
        many = f"{self.connections} times " if self.connections > 1 else ""
        some = f"{self.ended} of them " if self.ended < self.connections else ""
        ended = f" ({some}ended by the server)" if self.ended else ""
        return f"{self.address} {many}for {self.seen_for_s:.0f} s{ended}"


@dataclass(slots=True)
class Holders:
    """Remembers when each connection was first seen."""

    _since: dict[tuple[str, int, int], float] = field(default_factory=dict)

    def look(self, sockets: Iterable[Socket], now_s: float) -> tuple[Holder, ...]:
        """Return the clients of these connections, those that hold on longest first."""
        here = {(one.peer_address, one.peer_port, one.local_port): one.state for one in sockets}
        self._since = {one: self._since.get(one, now_s) for one in here}
        clients: dict[str, list[float]] = {}
        for (address, *_), since_s in self._since.items():
            clients.setdefault(address, []).append(now_s - since_s)
        ended = Counter(address for (address, *_), state in here.items() if state in _ENDED)
        found = [
            Holder(
                address=address,
                connections=len(ages),
                seen_for_s=round(max(ages), 1),
                ended=ended[address],
            )
            for address, ages in clients.items()
        ]
        return longest_first(found)


def longest_first(holders: Iterable[Holder]) -> tuple[Holder, ...]:
    """Return clients in the order in which they are told."""
    return tuple(sorted(holders, key=lambda one: (-one.seen_for_s, one.address)))


def named(holders: Iterable[Holder]) -> str:
    """Return the clients in words, the first few by name."""
    return first_few([str(one) for one in holders], _TOLD)
