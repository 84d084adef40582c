"""Who takes the work of workers that are gone: one of them, and never a frozen one for ever."""

import time
from collections.abc import Callable, Mapping
from typing import Any, cast

import pytest

from orchestrator.rollout.engine import Engine
from orchestrator.rollout.reaper import Reaper
from orchestrator.rollout.records import Run, RunState
from orchestrator.rollout.store import Store
from tests.fakes.stored_run import create

_FROZEN_S = 0.2


class _Engine:
    """Counts how often it is asked to take what was left."""

    def __init__(self) -> None:
        self.asked = 0

    def adopt(self, runs: Mapping[str, int], is_gone: Callable[[str], bool]) -> int:
        self.asked += 1
        return 0


def _look(reaper: Reaper, engine: _Engine) -> int:
    reaper.look(cast("Engine", engine), now_s=3)
    return engine.asked


def test_one_takes_at_a_time_however_slow_it_is(store: Store) -> None:
    engine = _Engine()
    reaper = Reaper(store, "second", grace_s=9, frozen_s=_FROZEN_S)
    with store.workers.hold("first", beat_s=_FROZEN_S / 10), store.workers.hold("second"):
        with store.workers.turn("reap", "first"):
            assert _look(reaper, engine) == 0
            time.sleep(1.5 * _FROZEN_S)
            assert _look(reaper, engine) == 0
        assert _look(reaper, engine) == 1


def test_one_that_was_frozen_in_its_turn_keeps_nobody(store: Store) -> None:
    first, second = _Engine(), _Engine()
    reaper = Reaper(store, "second", grace_s=9, frozen_s=_FROZEN_S)
    with store.workers.hold("first", beat_s=60), store.workers.hold("second"):
        with store.workers.turn("reap", "first"):
            assert _look(reaper, second) == 0
            time.sleep(_FROZEN_S)
            assert _look(reaper, second) == 1
        # It wakes up, and takes nothing any more.
        assert _look(Reaper(store, "first", grace_s=9, frozen_s=9), first) == 0
        assert _look(reaper, second) == 2


def test_one_that_is_taken_for_dead_in_its_turn_pauses_no_run(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It cannot take the run over any more, which is no reason of the run's."""
    create(store, "r1", "host a", worker="gone")
    store.workers.dismiss("gone")
    take_over, tried = store.take_over, []

    def late(run_id: str, **more: Any) -> Run:
        tried.append(run_id)
        store.workers.dismiss("frozen")
        return take_over(run_id, **more)

    monkeypatch.setattr(store, "take_over", late)
    with store.workers.hold("frozen"):
        assert _look(Reaper(store, "frozen", grace_s=9, frozen_s=9), _Engine()) == 0
    assert tried == ["r1"]
    assert store.standing("r1")[0] is RunState.RUNNING
