"""Writing together: nothing is lost, and a failure reaches everybody whose write it was."""

import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest

from orchestrator.rollout.store.turns import Together


def test_who_waits_is_written_by_the_next_one() -> None:
    written: list[Sequence[int]] = []
    begun, go_on = threading.Event(), threading.Event()

    def write(values: Sequence[int]) -> None:
        begun.set()
        assert go_on.wait(30)
        written.append(values)

    together = Together(write)
    with ThreadPoolExecutor(9) as pool:
        first = pool.submit(together.add, 0)
        assert begun.wait(30)
        others = [pool.submit(together.add, number) for number in range(1, 9)]
        while len(together._waiting) < 8:
            threading.Event().wait(0.001)
        go_on.set()
        for one in (first, *others):
            one.result(30)
    assert written[0] == [0]
    assert len(written) == 2
    assert sorted(written[1]) == list(range(1, 9))


def test_a_failure_is_that_of_its_own_write_only() -> None:
    def write(values: Sequence[int]) -> None:
        if 13 in values:
            raise OSError("no")

    together = Together(write)
    with pytest.raises(OSError, match="no"):
        together.add(13)
    together.add(14)
