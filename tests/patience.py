"""Waiting for what comes in real time."""

import time
from collections.abc import Callable


def until(holds: Callable[[], bool], *, within_s: float, every_s: float = 0.01) -> None:
    """Wait until something holds; it must in that many seconds."""
    deadline = time.monotonic() + within_s
    while not holds():
        assert time.monotonic() < deadline, "it never came"
        time.sleep(every_s)
