"""Requests of clients, counted while a run went on by whoever made them, and kept with the run."""

import dataclasses
from collections.abc import Iterable
from dataclasses import dataclass

from orchestrator.rollout.records import Event

KIND = "measured"
"""Of the events that carry counts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasuredPhase:
    """The requests that began in one part of a run, such as ``batch 2``."""

    name: str
    sent: int
    failed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What clients of one service saw while a run went on.

    Attributes:
        service: such as ``tcp/203.0.113.250:80 on lb1``.
        source: who made the requests and counted them.
        sent, failed: requests, all phases together.
        downloads: how many ended; cut: of which not everything came.
        failures: the first few in words.
        phases: in the order in which they began.
    """

    service: str
    source: str
    sent: int
    failed: int
    downloads: int = 0
    cut: int = 0
    failures: tuple[str, ...] = ()
    phases: tuple[MeasuredPhase, ...] = ()

    @property
    def words(self) -> str:
        """Return the counts in a line."""
        downloads = f", {self.cut} of {self.downloads} downloads cut" if self.downloads else ""
        return f"{self.service}: {self.failed} of {self.sent} requests failed{downloads}"


def event_of(run_id: str, at_s: float, measured: Measured) -> Event:
    """Return the event that keeps what was measured with a run."""
    return Event(
        run_id=run_id,
        at_s=at_s,
        kind=KIND,
        text=measured.words,
        data=dataclasses.asdict(measured),
    )


def measured_in(events: Iterable[Event]) -> tuple[Measured, ...]:
    """Return what events of this kind carry."""
    return tuple(
        Measured(
            **{
                **one.data,
                "failures": tuple(one.data["failures"]),
                "phases": tuple(MeasuredPhase(**phase) for phase in one.data["phases"]),
            }
        )
        for one in events
        if one.kind == KIND
    )
