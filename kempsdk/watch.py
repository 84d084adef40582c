"""Watching the counters: a reading every few seconds, with rates between two of them."""

import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Final

from kempsdk.clock import Clock
from kempsdk.counters import ServerStats, ServiceStats, Statistics
from kempsdk.errors import will_not_do
from kempsdk.references import VsRef

_SHORTEST_S: Final = 1.0
_LONGEST_S: Final = 86_400.0
_SLICE_S: Final = 0.25
"""Longest sleep at once, so that ``stop`` is noticed soon."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rates:
    """What one second brought on average, between two samples of the appliance."""

    connections_per_s: float
    packets_per_s: float
    bytes_per_s: float
    bytes_read_per_s: float
    bytes_written_per_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceReading:
    """A service's counters.

    Attributes:
        rates: None where there is nothing to compare with: the first reading, a new
            service, counters that were reset, or no new sample since the last reading.
    """

    stats: ServiceStats
    rates: Rates | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerReading:
    """A server's counters in one service.

    Attributes:
        service: the service it is in, None for a server of a SubVS.
        rates: as for ``ServiceReading``.
    """

    service: VsRef | None
    stats: ServerStats
    rates: Rates | None


@dataclass(frozen=True, slots=True)
class Renumbering:
    """A service whose index is another one than in the reading before."""

    ref: VsRef
    before: int
    after: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """One reading, compared with the one before.

    Attributes:
        statistics: the reading itself.
        elapsed_s: time between the two samples, by the appliance's clock if it says its
            time; 0 for the first reading, and when the appliance took no new sample.
        renumbered: services that got another index; rows were matched by name all the same.
        reset: counters ran backwards somewhere: the statistics were reset, or it restarted.
    """

    statistics: Statistics
    elapsed_s: float
    services: tuple[ServiceReading, ...]
    servers: tuple[ServerReading, ...]
    renumbered: tuple[Renumbering, ...] = ()
    reset: bool = False

    def service(self, ref: VsRef) -> ServiceReading | None:
        """Return the reading of a service, None if there is none."""
        return next((one for one in self.services if one.stats.ref == ref), None)

    def servers_of(self, ref: VsRef) -> tuple[ServerReading, ...]:
        """Return the readings of the servers of a service, not those of its SubVSs."""
        return tuple(one for one in self.servers if one.service == ref)


class StatisticsWatch(Iterator[Observation]):
    """Reads the counters again and again: ``for seen in lm.statistics.watch(): ...``.

    The first reading comes at once, the others in step with the clock; one that is late
    is not made up for. An error of a reading comes out of ``next``, and the watch can go
    on after it. It ends when ``stop`` is called, by any thread, or with its ``with`` block.
    """

    def __init__(
        self, read: Callable[[], Statistics], clock: Clock, *, interval_s: float = 5.0
    ) -> None:
        if not _SHORTEST_S <= interval_s <= _LONGEST_S:
            allowed = f"{_SHORTEST_S:g} to {_LONGEST_S:g} seconds"
            raise will_not_do("interval_s", interval_s, allowed)
        self._read = read
        self._clock = clock
        self._interval_s = interval_s
        self._stopped = threading.Event()
        self._due_s: float | None = None
        self._last: Statistics | None = None
        self._last_read_s = 0.0

    def __enter__(self) -> "StatisticsWatch":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """End the iteration: at once if it is asleep, else after the present reading."""
        self._stopped.set()

    def __next__(self) -> Observation:
        if not self._wait():
            raise StopIteration
        now = self._read()
        read_s = self._clock.monotonic_s()
        before, since_s = self._last, read_s - self._last_read_s
        self._last, self._last_read_s = now, read_s
        if before is None:
            return _first(now)
        return _compared(before, now, _elapsed_s(before, now, since_s))

    def _wait(self) -> bool:
        """Sleep until the next reading is due; return False when told to stop."""
        now_s = self._clock.monotonic_s()
        due_s = now_s if self._due_s is None else self._due_s
        while not self._stopped.is_set() and (left_s := due_s - self._clock.monotonic_s()) > 0:
            self._clock.sleep(min(left_s, _SLICE_S))
        # After a slow reading the next one is due from now on, not twice in a row.
        self._due_s = max(due_s, now_s) + self._interval_s
        return not self._stopped.is_set()


_Counters = tuple[int, int, int, int, int]


def _first(now: Statistics) -> Observation:
    return _observation(now, 0.0, {}, {}, ())


def _compared(before: Statistics, now: Statistics, elapsed_s: float) -> Observation:
    indices = {one.ref: one.index for one in before.services}
    renumbered = tuple(
        Renumbering(one.ref, indices[one.ref], one.index)
        for one in now.services
        if indices.get(one.ref, one.index) != one.index
    )
    return _observation(
        now,
        elapsed_s,
        {one.ref: _of_service(one) for one in before.services},
        {_key(one): _of_server(one) for one in before.servers},
        renumbered,
    )


def _observation(
    now: Statistics,
    elapsed_s: float,
    services: Mapping[VsRef, _Counters],
    servers: Mapping[tuple[int, str, int], _Counters],
    renumbered: tuple[Renumbering, ...],
) -> Observation:
    # An index means something within its own reading only.
    refs = {one.index: one.ref for one in now.services}
    rows = [(services.get(one.ref), _of_service(one)) for one in now.services]
    server_rows = [(servers.get(_key(one)), _of_server(one)) for one in now.servers]
    return Observation(
        statistics=now,
        elapsed_s=elapsed_s,
        services=tuple(
            ServiceReading(stats=one, rates=_rates(*row, elapsed_s))
            for one, row in zip(now.services, rows, strict=True)
        ),
        servers=tuple(
            ServerReading(service=refs.get(one.vs_index), stats=one, rates=_rates(*row, elapsed_s))
            for one, row in zip(now.servers, server_rows, strict=True)
        ),
        renumbered=renumbered,
        reset=any(old is not None and _ran_back(old, new) for old, new in (*rows, *server_rows)),
    )


def _key(one: ServerStats) -> tuple[int, str, int]:
    # The RsIndex is stable; with the address, so that one used again is another server.
    return one.rs_index, one.address, one.port


def _of_service(one: ServiceStats) -> _Counters:
    return (
        one.total_connections,
        one.total_packets,
        one.total_bytes,
        one.bytes_read,
        one.bytes_written,
    )


def _of_server(one: ServerStats) -> _Counters:
    return one.total_connections, one.packets, one.bytes, one.bytes_read, one.bytes_written


def _ran_back(old: _Counters, new: _Counters) -> bool:
    return any(now < before for before, now in zip(old, new, strict=True))


def _rates(old: _Counters | None, new: _Counters, elapsed_s: float) -> Rates | None:
    if old is None or elapsed_s <= 0 or _ran_back(old, new):
        return None
    gained = [(now - before) / elapsed_s for before, now in zip(old, new, strict=True)]
    return Rates(
        connections_per_s=gained[0],
        packets_per_s=gained[1],
        bytes_per_s=gained[2],
        bytes_read_per_s=gained[3],
        bytes_written_per_s=gained[4],
    )


def _elapsed_s(before: Statistics, now: Statistics, measured_s: float) -> float:
    """Return the time between the samples; ours where the appliance's clock is no help."""
    if not (before.taken_at_s and now.taken_at_s):
        return measured_s  # it says no time: firmware 7.1
    passed_s = now.taken_at_s - before.taken_at_s
    # Below 0 somebody set the clock back.
    return passed_s if passed_s >= 0 else measured_s
