"""When a server counts as drained."""

from collections.abc import Iterator

import pytest

from cli.drain import DrainEnd, Patience, wait_until_drained


class HandClock:
    """A clock that only sleeping moves."""

    def __init__(self) -> None:
        self.now_s = 100.0

    def monotonic_s(self) -> float:
        return self.now_s

    def time_s(self) -> float:
        return self.now_s

    def sleep(self, seconds: float) -> None:
        assert seconds > 0
        self.now_s += seconds


def drain(counts: list[int], *, limit: int = 0, deadline_s: float = 60) -> DrainEnd:
    reading: Iterator[int] = iter(counts)
    return wait_until_drained(
        lambda: next(reading),
        clock=HandClock(),
        patience=Patience(limit=limit, window_s=10, interval_s=5, deadline_s=deadline_s),
        on_look=lambda _seconds, _count: None,
    )


@pytest.mark.parametrize(
    ("counts", "limit", "seconds"),
    [
        ([0, 0, 0], 0, 10),
        ([3, 1, 0, 0, 0], 0, 20),
        ([0, 0, 1, 0, 0, 0], 0, 25),  # one more look starts the window anew
        ([5, 2, 2, 2], 2, 15),
    ],
)
def test_drained_after_a_whole_quiet_window(counts: list[int], limit: int, seconds: float) -> None:
    end = drain(counts, limit=limit)
    assert end.drained
    assert end.seconds == seconds


def test_not_drained_within_the_deadline() -> None:
    end = drain([2] * 20, deadline_s=12)
    assert end == DrainEnd(drained=False, connections=2, seconds=12)


def test_quiet_at_the_deadline_but_not_long_enough() -> None:
    assert not drain([2, 2, 0, 0], deadline_s=15).drained
