"""Finds workers that are dead or frozen, and gives their work to this one.

Nobody's clock is compared with anybody else's: a worker counts up its beats, and the
observer measures on its own clock how long it has seen no new one.
"""

import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass

from orchestrator.errors import Locked, OtherVersion, StoreUnavailable
from orchestrator.rollout.engine import Engine
from orchestrator.rollout.records import RunState, WorkerRecord
from orchestrator.rollout.store import Store

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Seen:
    """When a worker was first seen with so many beats, and since when its name is free."""

    beats: int
    since_s: float
    free_since_s: float | None


class Reaper:
    """One worker's look at the others. Used by one thread."""

    def __init__(self, store: Store, worker: str, *, grace_s: float, frozen_s: float) -> None:
        """Note how patient to be.

        Args:
            grace_s: a name must have been free this long: when a database restarts, all are
                free for a moment.
            frozen_s: a process that holds its name and has not beaten this long is frozen.
        """
        self._store = store
        self._worker = worker
        self._grace_s = grace_s
        self._frozen_s = frozen_s
        self._seen: dict[str, _Seen] = {}

    def look(self, engine: Engine, *, now_s: float) -> None:
        """Take the work of workers that are gone; another reaper's turn is left to it."""
        try:
            self._dismiss_dead()
            with self._store.workers.turn("reap", self._worker) as ours:
                if not ours:
                    return
                self._take_runs(now_s)
                adopted = engine.adopt(self._shared(), self._store.workers.is_gone)
        except Locked:
            return  # taken for dead itself, which its beat finds out
        except StoreUnavailable:
            # Whoever seems dead now may only not have been able to say otherwise.
            self._seen.clear()
            raise
        if adopted:
            _log.warning("took over %d workflows of workers that are gone", adopted)

    def _dismiss_dead(self) -> None:
        observed_s = time.monotonic()
        others = [one for one in self._store.workers.all() if one.name != self._worker]
        self._seen = {one.name: self._observe(one, observed_s) for one in others}
        for one in others:
            why = self._verdict(self._seen[one.name], observed_s)
            # Only if it has not beaten since.
            if why and self._store.workers.dismiss(one.name, beats=one.beats):
                _log.warning("worker %s (%s) %s; its work is taken over", one.name, one.place, why)

    def _observe(self, one: WorkerRecord, observed_s: float) -> _Seen:
        before = self._seen.get(one.name)
        beaten = before is None or before.beats != one.beats
        free_since_s = None
        if not self._store.workers.holds(one.name):
            was_free = None if before is None or beaten else before.free_since_s
            free_since_s = observed_s if was_free is None else was_free
        return _Seen(
            beats=one.beats,
            since_s=observed_s if beaten or before is None else before.since_s,
            free_since_s=free_since_s,
        )

    def _verdict(self, seen: _Seen, observed_s: float) -> str:
        if seen.free_since_s is not None and observed_s - seen.free_since_s >= self._grace_s:
            return "is gone"
        if observed_s - seen.since_s >= self._frozen_s:
            return f"has not answered for {observed_s - seen.since_s:.0f} s"
        return ""

    def _shared(self) -> Mapping[str, int]:
        """Return the runs of all who serve; others look after their own."""
        serving = {one.name for one in self._store.workers.all() if one.serves}
        return {
            run_id: attempt
            for run_id, attempt, worker in self._store.running()
            if worker in serving
        }

    def _take_runs(self, now_s: float) -> None:
        for run_id, _, worker in self._store.running():
            if worker == self._worker or not self._store.workers.is_gone(worker):
                continue
            try:
                self._store.take_over(run_id, worker=self._worker, now_s=now_s)
            except OtherVersion as error:
                _log.warning("%s", error)
            except Locked as error:
                if error.owner == self._worker:
                    raise
                if error.owner == run_id:
                    continue  # somebody was faster
                # Nobody worked on it for so long that its locks expired.
                self._store.stand(run_id, RunState.PAUSED, str(error), now_s=now_s)
                _log.warning("run %s is paused: %s", run_id, error)
            else:
                _log.warning("run %s is taken over", run_id)
