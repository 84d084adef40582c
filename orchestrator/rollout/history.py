"""A run over time, for pictures: who was in which phase when, and what was counted. Pure."""

import dataclasses
import json
import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from orchestrator.rollout import measured
from orchestrator.rollout.holders import Holder, longest_first
from orchestrator.rollout.plan import Data
from orchestrator.rollout.records import Event, Request, RequestState, StepStatus
from orchestrator.rollout.report import HostReport, RunReport, StepReport


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
    """A look before a change: what was seen, and what came of it.

    Attributes:
        outcome: opened, refused, forced, skipped, or in hand.
    """

    at_s: float
    step: str
    gate: str
    outcome: str
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
        holders: who was connected to it meanwhile, and for how long at most.
        words: in order.
    """

    report: RunReport
    seconds: float
    lanes: tuple[Lane, ...]
    connections: Mapping[str, tuple[Point, ...]] = field(default_factory=dict)
    holders: Mapping[str, tuple[Holder, ...]] = field(default_factory=dict)
    health: tuple[Health, ...] = ()
    gates: tuple[Gate, ...] = ()
    changes: tuple[Change, ...] = ()
    words: tuple[Word, ...] = ()

    def to_data(self) -> dict[str, Any]:
        """Return the report as plain JSON data, with what was counted over time."""
        over_time = {
            "connections": self.connections,
            "holders": self.holders,
            "health": self.health,
            "words": self.words,
        }
        data: dict[str, Any] = json.loads(json.dumps(over_time, default=dataclasses.asdict))
        return {**self.report.to_data(), **data}


_CAME_OF_IT = {
    StepStatus.FAILED: "refused",
    StepStatus.FORCED: "forced",
    StepStatus.SKIPPED: "skipped",
    StepStatus.RUNNING: "in hand",
    StepStatus.AGAIN: "in hand",
}
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
        lanes=_lanes(report, events, seconds),
        connections=_connections(events, began_s),
        holders=_holders(events),
        health=_health(events, began_s),
        gates=tuple(_gates(report)),
        changes=tuple(_changes(report)),
        words=_words(report, events),
    )


def _words(report: RunReport, events: Iterable[Event]) -> tuple[Word, ...]:
    said = [(one.at_s, one.kind, _said(one)) for one in events if one.kind not in _NOT_WORDS]
    asked = [(one.asked_s, "asked", _asked(one)) for one in report.asked]
    return tuple(
        Word(at_s=max(0.0, at_s - report.started_s), kind=kind, text=text)
        for at_s, kind, text in sorted((*said, *asked), key=lambda one: one[0])
    )


def _said(event: Event) -> str:
    return f"{event.server}: {event.text}" if event.server else event.text


def _asked(request: Request) -> str:
    note = f" ({request.note})" if request.note else ""
    answer = {
        RequestState.ASKED: "not answered yet",
        RequestState.TAKEN: request.answer or "done",
        RequestState.REFUSED: f"refused: {request.answer}",
    }[request.state]
    return f"{request.words} by {request.asked_by}{note}: {answer}"


def _lanes(report: RunReport, events: Iterable[Event], seconds: float) -> tuple[Lane, ...]:
    earlier = _earlier(report, events)
    return tuple(
        Lane(
            name=one.name,
            server=one.server,
            outcome=one.outcome,
            reason=one.reason,
            bars=tuple(
                sorted(
                    (*earlier.get(one.name, ()), *_bars(one, report.started_s, seconds)),
                    key=lambda bar: bar.from_s,
                )
            ),
        )
        for one in report.hosts.values()
    )


def _bars(host: HostReport, began_s: float, seconds: float) -> Iterable[Bar]:
    for step in host.steps:
        if step.started_s is not None:
            from_s = step.started_s - began_s
            yield Bar(
                step=_word(step.id),
                phase=step.phase,
                status=step.status,
                from_s=from_s,
                # A step without an end was in hand when the run stopped.
                to_s=seconds if step.seconds is None else from_s + step.seconds,
                text=step.reason or step.why,
            )


_ENDS = frozenset({"step-ended", "step-failed", "step-stopped", "server-skipped"})


def _earlier(report: RunReport, events: Iterable[Event]) -> dict[str, list[Bar]]:
    """Return what the journal forgot when a step was begun anew: how it went before.

    A call that a kill cut off ends with the last thing that was heard of it.
    """
    steps = {step.id: step for host in report.hosts.values() for step in host.steps}
    found: dict[str, list[Bar]] = {}
    begun: dict[str, Bar] = {}

    def keep(step_id: str) -> None:
        bar, last_s = begun.pop(step_id, None), steps[step_id].started_s
        # The last call is the journal's, which has it from its own clock.
        if bar is not None and last_s is not None and bar.to_s < last_s - report.started_s:
            found.setdefault(step_id.partition("/")[0], []).append(bar)

    for one in events:
        if one.step not in steps:
            continue
        at_s = one.at_s - report.started_s
        if one.kind == "step-started":
            keep(one.step)
            begun[one.step] = Bar(
                step=_word(one.step),
                phase=steps[one.step].phase,
                status="stopped",
                from_s=at_s,
                to_s=at_s,
                text="begun again later",
            )
        elif one.step in begun:
            bar = dataclasses.replace(begun[one.step], to_s=at_s)
            if one.kind == "step-failed":
                bar = dataclasses.replace(bar, status="failed", text=one.text)
            begun[one.step] = bar
            if one.kind in _ENDS:
                keep(one.step)
    return found


def _word(step_id: str) -> str:
    return step_id.rpartition("/")[2]


def _connections(events: Iterable[Event], began_s: float) -> dict[str, tuple[Point, ...]]:
    found: dict[str, list[Point]] = {}
    for one in events:
        if one.server is not None and "connections" in one.data:
            point = Point(at_s=one.at_s - began_s, value=one.data["connections"])
            found.setdefault(one.server, []).append(point)
    return {name: tuple(points) for name, points in found.items()}


def _holders(events: Iterable[Event]) -> dict[str, tuple[Holder, ...]]:
    found: dict[str, dict[str, Holder]] = {}
    for one in events:
        for seen in one.data.get("holders", ()):
            clients, now = found.setdefault(one.server or "", {}), Holder(**seen)
            before = clients.get(now.address, now)
            clients[now.address] = Holder(
                address=now.address,
                connections=max(before.connections, now.connections),
                seen_for_s=max(before.seen_for_s, now.seen_for_s),
                ended=max(before.ended, now.ended),
            )
    return {name: longest_first(clients.values()) for name, clients in found.items()}


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
            if step.started_s is not None and (step.gate or step.evidence or step.reason):
                said = () if step.reason in step.evidence else (step.reason,)
                yield Gate(
                    at_s=step.started_s - report.started_s,
                    step=step.id,
                    gate=step.gate or step.id.rpartition("/")[2],
                    outcome=_CAME_OF_IT.get(StepStatus(step.status), "opened"),
                    evidence=tuple(filter(None, (*said, *step.evidence))),
                )


def _changes(report: RunReport) -> Iterable[Change]:
    for host in report.hosts.values():
        for step in host.steps:
            if step.started_s is None or step.before is None:
                continue
            for setting, before, after in _settings(step, step.before):
                yield Change(
                    at_s=step.started_s - report.started_s,
                    step=step.id,
                    setting=setting,
                    before=before,
                    after=after,
                )


def _settings(step: StepReport, before: Data) -> Iterable[tuple[str, str, str]]:
    """Return what a step changed: a name, what was before, what is after."""
    if (called := _called(before)) is not None:
        yield "call", "", f"{called}: {step.reason or '; '.join(step.evidence[:1]) or step.status}"
        return
    for setting in dict.fromkeys((*before, *(step.after or ()))):
        old, new = before.get(setting), (step.after or {}).get(setting)
        if not step.after:  # it was begun, and no read has shown what came of it
            yield setting, _text(old), "not known"
        elif setting.startswith("/"):
            yield setting, _own_lines(old, new), _own_lines(new, old)
        elif old != new:
            yield setting, _text(old), _text(new)


def _called(before: Data) -> str | None:
    """Return the command or the address that a step of the operator's own called."""
    if "argv" in before:
        return shlex.join(before["argv"])
    return str(before["url"]) if "url" in before else None


def _own_lines(content: str | None, other: str | None) -> str:
    """Return the lines that only one of two versions of a file has."""
    if content is None:
        return "no file"
    theirs = (other or "").splitlines()
    return "\n".join(one for one in content.splitlines() if one not in theirs)


def _text(value: Any) -> str:
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)
