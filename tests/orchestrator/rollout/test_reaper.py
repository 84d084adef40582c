"""Who takes the work of workers that are gone: one of them, and never a frozen one for ever."""

import time
from collections.abc import Callable, Mapping
from typing import cast

from orchestrator.rollout.engine import Engine
from orchestrator.rollout.reaper import Reaper
from orchestrator.rollout.store import Store


class _Engine:
    """Counts how often it is asked to take what was left."""

    def __init__(self) -> None:
        self.asked = 0

    def adopt(self, runs: Mapping[str, int], is_gone: Callable[[str], bool]) -> int:
        self.asked += 1
        return 0


def test_one_takes_at_a_time_and_one_that_was_frozen_in_its_turn_keeps_nobody(
    store: Store,
) -> None:
    engine = _Engine()
    asked = cast("Engine", engine)
    reaper = Reaper(store, "second", grace_s=0, frozen_s=0.2)
    with store.workers.hold("second", now_s=2):
        with store.database.hold("reaper"):
            reaper.look(asked, now_s=3)
            assert engine.asked == 0
            time.sleep(0.2)
            reaper.look(asked, now_s=4)
            assert engine.asked == 1
        reaper.look(asked, now_s=5)
        assert engine.asked == 2
        with store.database.hold("reaper"):
            reaper.look(asked, now_s=6)
        assert engine.asked == 2
