"""What a LoadMaster counts, as plain immutable data.

The appliance samples about every 5 s: reading more often shows the same numbers.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from kempsdk.codec import nothing_else
from kempsdk.references import RsRef, VsRef
from kempsdk.words import VsStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceStats:
    """Counters of one service; SubVSs have none of their own.

    Attributes:
        ref: the service.
        index: number on the appliance, to match with ``ServerStats.vs_index``.
        active_connections: open now; with pre-authentication more than the servers have.
        total_connections: since the counters were reset.
        connections_per_s: over the last sampling period.
    """

    ref: VsRef
    index: int
    status: VsStatus = VsStatus.UNKNOWN
    enabled: bool = False
    active_connections: int = 0
    total_connections: int = 0
    connections_per_s: int = 0
    total_packets: int = 0
    total_bytes: int = 0
    bytes_read: int = 0
    bytes_written: int = 0
    extra: Mapping[str, object] = field(default_factory=nothing_else, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerStats:
    """Counters of one server in one service.

    Attributes:
        vs_index: index of the service; renumbered now and then, so match it with the
            services of the same reading only.
        rs_index: unique on the appliance, and stable.
        active_connections: open now.
        total_connections: since the counters were reset.
        connections_per_s: over the last sampling period.
        persist_entries: clients that persist on it.
    """

    vs_index: int
    rs_index: int
    address: str
    port: int
    enabled: bool = False
    weight: int = 0
    active_connections: int = 0
    total_connections: int = 0
    connections_per_s: int = 0
    persist_entries: int = 0
    packets: int = 0
    bytes: int = 0
    bytes_read: int = 0
    bytes_written: int = 0
    extra: Mapping[str, object] = field(default_factory=nothing_else, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class TrafficTotals:
    """Sums over all services."""

    connections_per_s: int = 0
    total_connections: int = 0
    bits_per_s: int = 0
    total_bits: int = 0
    bytes_per_s: int = 0
    total_bytes: int = 0
    packets_per_s: int = 0
    total_packets: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Statistics:
    """One reading of all counters.

    Attributes:
        taken_at_s: seconds since the epoch, by the appliance's clock; 0 if it did not say.
        period_s: length of the sampling period of the rates; 0 if it did not say.
        changed_at_s: time of the last change of configuration; moves only with session
            management switched on; None if it did not say.
        extra: the rest: processors, memory, network, disks.
    """

    services: tuple[ServiceStats, ...]
    servers: tuple[ServerStats, ...]
    totals: TrafficTotals
    taken_at_s: float
    period_s: float
    changed_at_s: int | None
    extra: Mapping[str, object] = field(default_factory=nothing_else, compare=False)

    def service(self, ref: VsRef) -> ServiceStats | None:
        """Return the row of a service, None if there is none."""
        return next((one for one in self.services if one.ref == ref), None)

    def server(self, vs: VsRef, rs: RsRef) -> ServerStats | None:
        """Return the row of a server in a service; None is not the same as idle."""
        service = self.service(vs)
        if service is None:
            return None
        for one in self.servers:
            if (one.vs_index, one.address, one.port) == (service.index, rs.address, rs.port):
                return one
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class StateCounts:
    """How many are in which state."""

    up: int = 0
    down: int = 0
    disabled: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class StateTotals:
    """How many services, SubVSs and servers are in which state."""

    services: StateCounts
    sub_services: StateCounts
    servers: StateCounts
