"""Virtual time: sleeping costs nothing and moves the clock."""

import threading


class FakeClock:
    """A ``kempsdk.clock.Clock`` whose time passes only by ``sleep`` and ``advance``.

    Safe between threads; every sleep moves the one shared clock.

    Attributes:
        sleeps: each length slept, in order, in seconds.
    """

    def __init__(self, *, start_s: float = 1000.0, epoch_s: float = 1_700_000_000.0) -> None:
        self._lock = threading.Lock()
        self._now_s = start_s
        self._epoch_offset_s = epoch_s - start_s
        self.sleeps: list[float] = []

    def monotonic_s(self) -> float:
        with self._lock:
            return self._now_s

    def time_s(self) -> float:
        return self.monotonic_s() + self._epoch_offset_s

    def sleep(self, seconds: float) -> None:
        with self._lock:
            self.sleeps.append(seconds)
            self._now_s += max(0.0, seconds)

    def advance(self, seconds: float) -> None:
        """Let time pass without anybody having slept."""
        with self._lock:
            self._now_s += seconds
