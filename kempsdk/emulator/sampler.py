"""Counters of services and servers, sampled once a statistics period as on the appliance."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol

from kempsdk.emulator.datapath import ServerCounters
from kempsdk.emulator.state import ApplianceState

PERIOD_S: Final = 5.0
"""Seconds of the device between two samples."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rates:
    """Totals at the last sample, and what one second of the last period brought.

    Attributes:
        active_connections: open at the moment of the last sample, up to a period ago.
    """

    active_connections: int = 0
    connections: int = 0
    packets: int = 0
    bytes: int = 0
    connections_per_s: int = 0
    packets_per_s: int = 0
    bytes_per_s: int = 0

    @property
    def moving(self) -> bool:
        """Whether anything went through in the last period."""
        return bool(self.connections_per_s or self.packets_per_s or self.bytes_per_s)


@dataclass(slots=True)
class Sample:
    """One reading of all counters.

    Attributes:
        servers: by RsIndex. services: by uid; a service keeps what removed servers had.
        period_s: device seconds since the sample before.
    """

    taken_at_s: float
    period_s: float = PERIOD_S
    servers: dict[int, Rates] = field(default_factory=dict)
    services: dict[int, Rates] = field(default_factory=dict)
    total: Rates = field(default_factory=Rates)


_NOTHING: Final = ServerCounters()
_SILENT: Final = Rates()


def _advance(old: Rates, gained: ServerCounters, active: int, period_s: float) -> Rates:
    # Most servers of a large configuration are idle, and making objects is what sampling costs.
    if gained is _NOTHING and active == old.active_connections and not old.moving:
        return old
    return Rates(
        active_connections=active,
        connections=old.connections + gained.total_connections,
        packets=old.packets + gained.packets,
        bytes=old.bytes + gained.bytes,
        connections_per_s=round(gained.total_connections / period_s),
        packets_per_s=round(gained.packets / period_s),
        bytes_per_s=round(gained.bytes / period_s),
    )


class Counting(Protocol):
    """What a sample is taken of: a data path, by either layer."""

    def counters(self) -> Mapping[int, ServerCounters]: ...


class Sampler:
    """Reads the data paths' counters; without a data path everything stays 0.

    Attributes:
        last: the sample that ``stats`` shows.
        frozen: while set, samples are skipped: a device whose counters stand still.
    """

    def __init__(
        self,
        data_paths: Sequence[Counting],
        *,
        time_scale: float,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._data_paths = data_paths
        self._time_scale = time_scale
        self._now = now
        self._monotonic_s = now()
        self._before: dict[int, ServerCounters] = {}
        self.last = Sample(taken_at_s=time.time())
        self.frozen = False
        self.interval_s = PERIOD_S / time_scale

    def sample(self, state: ApplianceState) -> None:
        """Take a sample now."""
        if self.frozen:
            return
        # A server's service is at one layer, so each RsIndex is counted by one of them.
        counters = {
            index: one for path in self._data_paths for index, one in path.counters().items()
        }
        elapsed_s = max(self._now() - self._monotonic_s, 1e-6)
        self._monotonic_s += elapsed_s
        sample = Sample(taken_at_s=time.time(), period_s=elapsed_s * self._time_scale)
        total_gain = _NOTHING
        total_active = 0
        for service in state.services.values():
            service_gain = _NOTHING
            active = 0
            for server in service.servers:
                read = counters.get(server.rs_index, _NOTHING)
                active += read.active_connections
                gain = _difference(read, self._before.get(server.rs_index, _NOTHING))
                sample.servers[server.rs_index] = _advance(
                    self.last.servers.get(server.rs_index, _SILENT),
                    gain,
                    read.active_connections,
                    sample.period_s,
                )
                service_gain = _sum(service_gain, gain)
            sample.services[service.uid] = _advance(
                self.last.services.get(service.uid, _SILENT),
                service_gain,
                active,
                sample.period_s,
            )
            total_gain = _sum(total_gain, service_gain)
            total_active += active
        sample.total = _advance(self.last.total, total_gain, total_active, sample.period_s)
        self._before = counters
        self.last = sample

    def reset(self) -> None:
        """Begin all totals anew at 0; rates and open connections are those of the next sample."""
        self.last = Sample(taken_at_s=time.time())


def _difference(now: ServerCounters, before: ServerCounters) -> ServerCounters:
    if now == before:
        return _NOTHING
    # Counters that ran backwards belong to a data path that was started anew.
    if now.total_connections < before.total_connections or now.packets < before.packets:
        return now
    return ServerCounters(
        total_connections=now.total_connections - before.total_connections,
        packets=now.packets - before.packets,
        bytes=now.bytes - before.bytes,
    )


def _sum(one: ServerCounters, other: ServerCounters) -> ServerCounters:
    if other is _NOTHING:
        return one
    return ServerCounters(
        total_connections=one.total_connections + other.total_connections,
        packets=one.packets + other.packets,
        bytes=one.bytes + other.bytes,
    )
