"""The seam between the virtual LoadMaster's configuration and the packets it moves."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class L4Server:
    """A real server as the director sees it.

    Attributes:
        eligible: enabled and healthy: may be chosen for new connections. Open ones
            stay with a server that stopped being eligible, as at layer 4 on the appliance.
    """

    rs_index: int
    address: str
    port: int
    weight: int
    eligible: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class L4Service:
    """A layer-4 service with forward=route servers."""

    index: int
    address: str
    port: int
    protocol: str
    schedule: str
    idle_timeout_s: float
    servers: tuple[L4Server, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerCounters:
    """Running totals of one real server of one service (key: its RsIndex)."""

    active_connections: int = 0
    total_connections: int = 0
    packets: int = 0
    bytes: int = 0


class DataPath(Protocol):
    """Moves packets for the services it was last given."""

    def start(self) -> None: ...
    def program(self, services: Sequence[L4Service]) -> None:
        """Replace the whole set of services; open connections are kept."""
        ...

    def counters(self) -> Mapping[int, ServerCounters]:
        """Return totals by RsIndex since start."""
        ...

    def stop(self) -> None: ...
