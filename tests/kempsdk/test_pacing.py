"""Never more calls than the appliance takes, whatever the threads do."""

import random
import threading
from collections import deque

import pytest

from kempsdk.transport.pacing import CALLS, IN_FLIGHT, WINDOW_S, Pacer
from tests.fakes.clock import FakeClock


def test_a_burst_is_not_held_up() -> None:
    clock = FakeClock()
    pacer = Pacer(clock)
    for _ in range(CALLS):
        with pacer:
            pass
    assert clock.sleeps == []


def test_the_next_one_waits_until_the_window_has_passed() -> None:
    clock = FakeClock()
    pacer = Pacer(clock)
    for _ in range(CALLS + 1):
        with pacer:
            clock.advance(0.01)
    # The first call ended 0.01 s after the start.
    assert sum(clock.sleeps) == pytest.approx(WINDOW_S + 0.01 - CALLS * 0.01)


def test_no_window_has_more_arrivals_however_long_calls_travel() -> None:
    clock = FakeClock()
    pacer = Pacer(clock)
    dice = random.Random(7)
    arrivals = []
    for _ in range(400):
        with pacer:
            clock.advance(dice.choice((0.0, 0.001, 0.05, 0.4)))
            arrivals.append(clock.monotonic_s())
            clock.advance(dice.choice((0.0, 0.001, 0.2)))
    window: deque[float] = deque()
    for one in arrivals:
        window.append(one)
        while window[0] <= one - WINDOW_S:
            window.popleft()
        assert len(window) <= CALLS


def test_threads_share_four_places() -> None:
    pacer = Pacer(FakeClock())
    at_once = most = 0
    lock = threading.Lock()
    full = threading.Barrier(IN_FLIGHT)

    def work() -> None:
        nonlocal at_once, most
        with pacer:
            with lock:
                at_once += 1
                most = max(most, at_once)
            full.wait(5)  # only passes when four are inside together
            with lock:
                at_once -= 1

    threads = [threading.Thread(target=work) for _ in range(3 * IN_FLIGHT)]
    for one in threads:
        one.start()
    for one in threads:
        one.join(10)
    assert most == IN_FLIGHT


def test_a_failed_call_gives_its_place_back() -> None:
    pacer = Pacer(FakeClock())
    for _ in range(3 * IN_FLIGHT):
        try:
            with pacer:
                raise ValueError
        except ValueError:
            continue
    with pacer:
        pass
