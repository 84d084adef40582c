"""A run over time, for pictures: who was in which phase when, and what was counted. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from orchestrator.rollout import measured
from orchestrator.rollout.records import Event
from orchestrator.rollout.report import HostReport, RunReport


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """One step of one server, in seconds since the run began.

    Attributes:
        phase: out, action, host, in or away.
        status: as in the report of the step.
    """

    step: str
    phase: str
    status: str
    from_s: float
    to_s: float
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Lane:
    """What became of one server."""

    name: str
    server: str
    outcome: str
    reason: str
    bars: tuple[Bar, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """A count at a moment; ``value`` None: it could not be read, which is not zero."""

    at_s: float
    value: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """Healthy servers of one service over time, and the fewest that are allowed."""

    service: str
    floor: float
    points: tuple[Point, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """A look before a change: what was seen, and whether the gate opened."""

    at_s: float
    step: str
    gate: str
    opened: bool
    evidence: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One setting that a step changed."""

    at_s: float
    step: str
    setting: str
    before: str
    after: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Word:
    """What a person asked for or approved, or what the run said of itself."""

    at_s: float
    kind: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """A run as it went.

    Attributes:
        seconds: from its beginning to its last sign of life.
        connections: of each server that was drained.
        words: in order.
    """

    report: RunReport
    seconds: float
    lanes: tuple[Lane, ...]
    connections: Mapping[str, tuple[Point, ...]] = field(default_factory=dict)
    health: tuple[Health, ...] = ()
    gates: tuple[Gate, ...] = ()
    changes: tuple[Change, ...] = ()
    words: tuple[Word, ...] = ()


_NOT_WORDS = frozenset({"step-started", "acting", "waiting", "step-ended", "healthy"})


def history(report: RunReport, events: Sequence[Event]) -> History:
    """Return the run of a report, with what its events say."""
    began_s = report.started_s
    # What was counted may have been told when more than this run was over.
    events = [one for one in events if one.kind != measured.KIND]
    last_s = max([report.ended_s or began_s, *(one.at_s for one in events)])
    seconds = max(last_s - began_s, 1.0)
    return History(
        report=report,
        seconds=seconds,
        lanes=tuple(_lane(one, began_s, seconds) for one in report.hosts.values()),
        connections=_connections(events, began_s),
        health=_health(events, began_s),
        gates=tuple(_gates(report)),
        changes=tuple(_changes(report)),
        words=tuple(
            Word(at_s=one.at_s - began_s, kind=one.kind, text=_said(one))
            for one in events
            if one.kind not in _NOT_WORDS
        ),
    )


def _said(event: Event) -> str:
    return f"{event.server}: {event.text}" if event.server else event.text


def _lane(host: HostReport, began_s: float, seconds: float) -> Lane:
    bars = tuple(
        Bar(
            step=step.id.rpartition("/")[2],
            phase=step.phase,
            status=step.status,
            from_s=step.started_s - began_s,
            # A step without an end was in hand when the run stopped.
            to_s=seconds if step.seconds is None else step.started_s - began_s + step.seconds,
            text=step.reason or step.why,
        )
        for step in host.steps
        if step.started_s is not None
    )
    return Lane(
        name=host.name, server=host.server, outcome=host.outcome, reason=host.reason, bars=bars
    )


def _connections(events: Iterable[Event], began_s: float) -> dict[str, tuple[Point, ...]]:
    found: dict[str, list[Point]] = {}
    for one in events:
        if one.server is not None and "connections" in one.data:
            point = Point(at_s=one.at_s - began_s, value=one.data["connections"])
            found.setdefault(one.server, []).append(point)
    return {name: tuple(points) for name, points in found.items()}


def _health(events: Iterable[Event], began_s: float) -> tuple[Health, ...]:
    points: dict[str, list[Point]] = {}
    floors: dict[str, float] = {}
    for one in events:
        if {"service", "healthy", "floor"} <= one.data.keys():
            service = str(one.data["service"])
            floors[service] = one.data["floor"]
            point = Point(at_s=one.at_s - began_s, value=one.data["healthy"])
            points.setdefault(service, []).append(point)
    return tuple(
        Health(service=service, floor=floors[service], points=tuple(points[service]))
        for service in points
    )


def _gates(report: RunReport) -> Iterable[Gate]:
    lanes = [one.steps for one in report.hosts.values()]
    for steps in (*lanes, *(one.steps for one in report.gates)):
        for step in steps:
            if step.started_s is not None and (step.gate or step.evidence):
                yield Gate(
                    at_s=step.started_s - report.started_s,
                    step=step.id,
                    gate=step.gate or step.id.rpartition("/")[2],
                    opened=step.status != "failed",
                    evidence=step.evidence or (step.reason,),
                )


def _changes(report: RunReport) -> Iterable[Change]:
    for host in report.hosts.values():
        for step in host.steps:
            if step.started_s is None or step.before is None:
                continue
            before, after = step.before, step.after or {}
            for setting in dict.fromkeys((*before, *after)):
                if before.get(setting) != after.get(setting):
                    yield Change(
                        at_s=step.started_s - report.started_s,
                        step=step.id,
                        setting=setting,
                        before=_text(before.get(setting)),
                        after=_text(after.get(setting)),
                    )


def _text(value: Any) -> str:
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)
