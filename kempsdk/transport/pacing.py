"""Staying below the load at which a LoadMaster drops connections.

Over 30 calls in 3 s it closes the connection, without any answer (vendor's interface
description, 2022); with about 8 parallel connections a busy unit did so too, four were
safe (seen on 7.2.50 to 7.2.63).
"""

import threading
from collections import deque
from types import TracebackType
from typing import Final

from kempsdk.clock import Clock

CALLS: Final = 28
"""Two fewer than allowed: the appliance counts the calls of all its clients."""
WINDOW_S: Final = 3.0
IN_FLIGHT: Final = 4


class Pacer:
    """A context manager around each call; waits on the clock before it lets one in.

    A call counts from the moment it ends, which is never before it arrived: so however
    long calls travel, no more than ``CALLS`` arrive within any ``WINDOW_S``.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._slots = threading.BoundedSemaphore(IN_FLIGHT)
        self._lock = threading.Lock()
        self._ended_s: deque[float] = deque()
        self._running = 0

    def __enter__(self) -> None:
        self._slots.acquire()
        try:
            while (wait_s := self._try_to_start()) > 0:
                self._clock.sleep(wait_s)
        except BaseException:
            self._slots.release()
            raise

    def _try_to_start(self) -> float:
        """Take a place, or return the seconds until there may be one."""
        with self._lock:
            now_s = self._clock.monotonic_s()
            while self._ended_s and self._ended_s[0] <= now_s - WINDOW_S:
                self._ended_s.popleft()
            if len(self._ended_s) + self._running < CALLS:
                self._running += 1
                return 0.0
            return self._ended_s[0] + WINDOW_S - now_s

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with self._lock:
            self._running -= 1
            self._ended_s.append(self._clock.monotonic_s())
        self._slots.release()
