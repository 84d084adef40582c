"""Workers in a store: who lives, who is dead, and whose turn it is."""

import subprocess
import sys
import time

import pytest

from orchestrator.errors import Locked
from orchestrator.rollout.store import Store
from tests.fakes.stored_run import enter


def test_worker_is_alive_while_it_holds_its_file(store: Store) -> None:
    assert not store.workers.is_alive("w")
    with store.workers.hold("w", place="here") as held:
        store.workers.serve("w")
        assert store.workers.is_alive("w")
        (one,) = store.workers.all()
        assert (one.name, one.place, one.serves) == ("w", "here", True)
        with pytest.raises(Locked), store.workers.hold("w"):
            pass
    assert held.failure is None
    assert not store.workers.is_alive("w")
    assert not store.workers.all()


def test_worker_of_a_killed_process_is_dead(store: Store, place: str) -> None:
    code = (
        "import sys, time\n"
        "from orchestrator.rollout.store import Store\n"
        "with Store(sys.stdin.readline().strip()) as store, store.workers.hold('w'):\n"
        "    print('held', flush=True)\n"
        "    time.sleep(60)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(f"{place}\n")
        process.stdin.flush()
        assert process.stdout.readline() == "held\n"
        assert store.workers.is_alive("w")
        process.kill()
        process.wait()
    deadline = time.monotonic() + 10
    while store.workers.is_alive("w"):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    # It can write no more, should somebody take the name again.
    (dead,) = store.workers.all()
    assert not store.workers.dismiss("w", beats=dead.beats + 1)
    assert store.workers.dismiss("w", beats=dead.beats)
    with store.workers.hold("w"):
        assert store.workers.is_alive("w")


def test_a_worker_that_is_dismissed_hears_of_it(store: Store) -> None:
    with store.workers.hold("w", beat_s=0.01) as held:
        deadline = time.monotonic() + 10
        while store.workers.all()[0].beats < 3:
            assert time.monotonic() < deadline
        assert store.workers.dismiss("w")
        while held.failure is None:
            assert time.monotonic() < deadline
            time.sleep(0.01)
    assert isinstance(held.failure, Locked)


def test_a_turn_belongs_to_one_worker_until_it_ends_or_counts_as_gone(store: Store) -> None:
    enter(store, "w1", "w2")
    turn = store.workers.turn
    with turn("reap", "w1") as first:
        with turn("reap", "w2") as second, turn("else", "w2") as other:
            assert (first, second, other) == (True, False, True)
        # What was refused to w2 was not ended by it either.
        with turn("reap", "w2") as second:
            assert not second
        store.workers.dismiss("w1")
        with turn("reap", "w1") as first, turn("reap", "w2") as second:
            assert (first, second) == (False, True)
    with turn("reap", "w2") as second:
        assert second
