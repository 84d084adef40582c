"""Waiting until a disabled server has no connections left, by the LoadMaster's counters."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from kempsdk.errors import BadAnswer

if TYPE_CHECKING:
    from kempsdk import RealServer, Statistics, VirtualService
    from kempsdk.clock import Clock


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """When a server counts as drained, and how long to wait for it.

    Attributes:
        limit: connections that may be left.
        window_s: the counter must stay at the limit this long without a break.
        interval_s: time between two looks.
        deadline_s: longest wait, counted from the first look.
    """

    limit: int
    window_s: float
    interval_s: float
    deadline_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class DrainEnd:
    """How the wait ended: drained, or not within the deadline; what was seen last."""

    drained: bool
    connections: int
    seconds: float


def connections(statistics: "Statistics", service: "VirtualService", server: "RealServer") -> int:
    """Return the open connections of one server in one service.

    Raises:
        BadAnswer: the statistics have no row for it; that is not the same as none.
    """
    for one in statistics.servers:
        if one.vs_index == service.index and one.rs_index == server.rs_index:
            return one.active_connections
    raise BadAnswer(f"the statistics say nothing of {server.ref}", command="stats")


def wait_until_drained(
    read: Callable[[], int],
    *,
    clock: "Clock",
    patience: Patience,
    on_look: Callable[[float, int], None],
) -> DrainEnd:
    """Look at the counter until it has stayed at the limit for the window, or the deadline.

    Args:
        read: returns the open connections now.
        on_look: told after each look: seconds waited, connections.
    """
    start = clock.monotonic_s()
    quiet_since: float | None = None
    while True:
        count = read()
        now = clock.monotonic_s()
        on_look(now - start, count)
        if count > patience.limit:
            quiet_since = None
        elif quiet_since is None:
            quiet_since = now
        if quiet_since is not None and now - quiet_since >= patience.window_s:
            return DrainEnd(drained=True, connections=count, seconds=now - start)
        left = start + patience.deadline_s - now
        if left <= 0:
            return DrainEnd(drained=False, connections=count, seconds=now - start)
        clock.sleep(min(patience.interval_s, left))
