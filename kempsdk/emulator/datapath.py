"""The seam between the virtual LoadMaster's configuration and the traffic it moves."""

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


@dataclass(frozen=True, slots=True, kw_only=True)
class L4Connection:
    """An open connection of a layer-4 service, as one director tells another.

    Attributes:
        service: IP protocol number, address and port of the service.
        client: address and port.
        server: address and port.
        acknowledged: past its handshake, as far as the client's packets show.
        closed: by the client; what still comes belongs to its end.
    """

    service: tuple[int, bytes, bytes]
    client: bytes
    server: tuple[str, int]
    acknowledged: bool
    closed: bool


class SyncedDataPath(DataPath, Protocol):
    """A data path whose connections another one can go on with."""

    def connections(self) -> tuple[L4Connection, ...]:
        """Return the connections that are open or just being closed."""
        ...

    def hand_over(self) -> tuple[L4Connection, ...]:
        """Move nothing any more, as after ``program([])``, and return what there was."""
        ...

    def adopt(self, connections: Sequence[L4Connection]) -> None:
        """Go on with connections of another one, where service and server are known."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class L7Server:
    """A real server as the proxy sees it.

    Attributes:
        enabled: not so, it drains: known clients may still come until the drain time ends.
        limit: takes no new connection with that many open; 0 for no limit.
    """

    rs_index: int
    address: str
    port: int
    weight: int
    limit: int
    enabled: bool
    healthy: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class L7Service:
    """A TCP service at layer 7. Times are real seconds.

    Attributes:
        persist: the mode's name on the wire, "" for none.
        cookie: name of the cookie of the modes that have one.
        transparent: servers see the client's address.
        drain_time_s: how long a disabled server keeps the clients that are known to belong
            to it; 0 cuts everything at once.
        cut_after_drain: connections end with the drain time, those of unknown clients at once.
        cut_on_failure: connections end when the server's health check fails.
    """

    index: int
    address: str
    port: int
    schedule: str
    persist: str
    persist_timeout_s: float
    cookie: str
    idle_timeout_s: float
    transparent: bool
    drain_time_s: float
    cut_after_drain: bool
    cut_on_failure: bool
    servers: tuple[L7Server, ...]


class L7DataPath(Protocol):
    """Carries the connections of the services it was last given."""

    def start(self) -> None: ...
    def program(self, services: Sequence[L7Service]) -> None:
        """Replace the whole set of services; open connections of those that stay are kept."""
        ...

    def counters(self) -> Mapping[int, ServerCounters]:
        """Return totals by RsIndex since start."""
        ...

    def stop(self) -> None: ...
