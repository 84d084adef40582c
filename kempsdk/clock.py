"""Time as an argument: what waits or measures takes a clock, so tests need no real sleep."""

import time
from typing import Protocol


class Clock(Protocol):
    """The passing of time, as seen by code that waits."""

    def monotonic_s(self) -> float:
        """Return seconds since some fixed point; never goes back."""
        ...

    def time_s(self) -> float:
        """Return seconds since the epoch, for what people read; may jump."""
        ...

    def sleep(self, seconds: float) -> None:
        """Wait; returns at once for zero or less."""
        ...


class SystemClock:
    """The machine's own clock."""

    def monotonic_s(self) -> float:
        return time.monotonic()

    def time_s(self) -> float:
        return time.time()

    def sleep(self, seconds: float) -> None:
        if seconds > 0:
            time.sleep(seconds)
