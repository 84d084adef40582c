"""One LoadMaster as all servers of a run look at it: a reading serves everybody who waits.

So the calls that waiting costs do not grow with the number of servers.
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from kempsdk import HaStatus, LoadMaster, Statistics, VirtualService, VsRef
from kempsdk.clock import Clock
from kempsdk.errors import KempError

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading(Generic[T]):
    """An answer.

    Attributes:
        number: later questions have higher ones.
        at_s: when it was asked for, on the monotonic clock.
        fresh: it was asked for by this very look; the others get it second-hand.
    """

    number: int
    at_s: float
    value: T
    fresh: bool = False


class Shared(Generic[T]):
    """The newest answer to one question; whoever finds it too old asks again for all."""

    def __init__(self, read: Callable[[], T], clock: Clock) -> None:
        self._read = read
        self._clock = clock
        self._lock = threading.Lock()
        self._begun = 0
        self._last: Reading[T | KempError] | None = None

    def mark(self) -> int:
        """Return the number of the question that was begun last: later ones have seen what is."""
        return self._begun

    def get(self, *, after: int, max_age_s: float) -> Reading[T]:
        """Return an answer to a question begun after a mark, and not longer ago than that.

        Raises:
            KempError: it failed; whoever asks within the same time is told the same.
        """
        with self._lock:
            last, now_s = self._last, self._clock.monotonic_s()
            fresh = False
            if last is None or last.number <= after or now_s - last.at_s >= max_age_s:
                self._begun += 1
                fresh = True
                last = self._last = Reading(number=self._begun, at_s=now_s, value=self._try())
        if isinstance(last.value, KempError):
            raise last.value
        return Reading(number=last.number, at_s=last.at_s, value=last.value, fresh=fresh)

    def _try(self) -> T | KempError:
        try:
            return self._read()
        except KempError as error:
            return error


class LoadMasterWatch:
    """The readings of one LoadMaster that are shared; safe between threads.

    Attributes:
        floor: held from looking at the floor until the disable is read back, so that two
            servers do not both take the last place.
        statistics: all counters.
        services: all services by name.
        unit: what the unit that answers is; held while it is looked at: ``failover``.
        single: it is no pair.
        active_since_s: of the unit that this worker knows as the active one.
        inactive_since_s: no unit was active since then, on the monotonic clock.
    """

    def __init__(self, loadmaster: LoadMaster, clock: Clock) -> None:
        self.floor = threading.Lock()
        self.statistics: Shared[Statistics] = Shared(loadmaster.statistics.read, clock)
        self.services: Shared[dict[VsRef, VirtualService]] = Shared(
            lambda: _by_ref(loadmaster), clock
        )
        self.failover = threading.Lock()
        self.unit: Shared[HaStatus] = Shared(loadmaster.high_availability.status, clock)
        self.single = False
        self.active_since_s: int | None = None
        self.inactive_since_s: float | None = None


def _by_ref(loadmaster: LoadMaster) -> dict[VsRef, VirtualService]:
    found = loadmaster.virtual_services.list()
    return {one.ref: one for one in found if isinstance(one.ref, VsRef)}
