"""What a demonstration tells while it runs."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from orchestrator.rollout.records import Event

Kind = Literal["stage", "note", "load", "rollout"]


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoEvent:
    """Something to show while it runs.

    Attributes:
        kind: ``stage`` begins a part of the story, ``note`` explains, ``load`` carries the
            counts so far, ``rollout`` passes an event of a rollout on.
        data: counts of a ``load`` event, or the rollout event's own fields.
    """

    kind: Kind
    text: str
    at_s: float
    data: Mapping[str, Any]


class Teller:
    """Tells events to whoever shows them, with the seconds since it was made.

    Attributes:
        started_s: when it was made, by the clock on the wall.
    """

    def __init__(self, on_event: Callable[[DemoEvent], None]) -> None:
        self._on_event = on_event
        self._started = time.monotonic()
        self.started_s = time.time()

    def seconds(self) -> float:
        """Return how long it has been telling."""
        return time.monotonic() - self._started

    def stage(self, text: str) -> None:
        self._tell("stage", text)

    def note(self, text: str) -> None:
        self._tell("note", text)

    def load(self, text: str, **counts: Any) -> None:
        self._tell("load", text, **counts)

    def rollout(self, event: Event) -> None:
        self._tell("rollout", event.text, event=event.kind, server=event.server, step=event.step)

    def _tell(self, kind: Kind, text: str, **data: Any) -> None:
        self._on_event(DemoEvent(kind=kind, text=text, at_s=self.seconds(), data=data))
