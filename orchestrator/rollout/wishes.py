"""What people ask of a run while it goes on, as its steps see it."""

import threading
from dataclasses import dataclass, field

from kempsdk.clock import Clock
from orchestrator.rollout.records import Request, RequestKind
from orchestrator.rollout.store import Store

LOOK_S = 1.0
"""The mailbox is looked into this often, however many servers wait."""

NOW = "now"
"""Target of a pause that breaks off waiting; without it the servers in hand are finished."""


@dataclass(slots=True)
class Wishes:
    """The open requests of one run; safe between threads."""

    run_id: str
    store: Store
    clock: Clock
    _guard: threading.Lock = field(default_factory=threading.Lock)
    _seen_s: float | None = None
    _open: tuple[Request, ...] = ()

    def open(self, kind: RequestKind, target: str | None = None) -> Request | None:
        """Return the first open request of a kind, about that if a target is given."""
        for one in self._look():
            if one.kind is kind and target in (None, one.target):
                return one
        return None

    def take(self, request: Request, answer: str) -> bool:
        """Say that it is done; False: somebody else has answered it."""
        taken = self.store.requests.take(request, now_s=self.clock.time_s(), answer=answer)
        with self._guard:
            self._open = tuple(one for one in self._open if one.number != request.number)
        return taken

    def look(self) -> tuple[Request, ...]:
        """Look into the mailbox now, whenever that was done last."""
        with self._guard:
            self._seen_s = None
        return self._look()

    def _look(self) -> tuple[Request, ...]:
        with self._guard:
            now_s = self.clock.monotonic_s()
            if self._seen_s is None or now_s - self._seen_s >= LOOK_S:
                self._open = self.store.requests.open(self.run_id)
                self._seen_s = now_s
            return self._open
