"""A run as a document of Markdown: what the page has, in tables."""

import dataclasses
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from cli.plan_text import hosts_record, measured_record, steps_record, when
from cli.render import Column, markdown, markdown_table

if TYPE_CHECKING:
    from orchestrator.rollout.history import History

Rows = Sequence[Mapping[str, object]]

_WARNINGS = (Column("WARNING", "id"), Column("WHAT", "message"), Column("CURE", "cure"))
_HOSTS = (
    Column("HOST", "host"),
    Column("SERVER", "server"),
    Column("OUTCOME", "outcome"),
    Column("SECONDS", "seconds", right=True),
    Column("WHY", "reason"),
)
_HEALTH = (
    Column("SERVICE", "service"),
    Column("LOWEST", "lowest", right=True),
    Column("FLOOR", "floor", right=True),
)
_LEFT = (
    Column("HOST", "host"),
    Column("MOST", "most", right=True),
    Column("LAST", "last", right=True),
    Column("HELD BY", "holders"),
)
_REQUESTS = (
    Column("SERVICE", "service"),
    Column("PHASE", "phase"),
    Column("SENT", "sent", right=True),
    Column("FAILED", "failed", right=True),
)
_STEPS = (
    Column("HOST", "host"),
    Column("STEP", "step"),
    Column("STATUS", "status"),
    Column("SECONDS", "seconds", right=True),
)
_WORDS = (Column("AT", "at", right=True), Column("KIND", "kind"), Column("SAID", "text"))
_GATES = (
    Column("AT", "at", right=True),
    Column("STEP", "step"),
    Column("GATE", "gate"),
    Column("OUTCOME", "outcome"),
    Column("SEEN", "seen"),
)
_CHANGES = (
    Column("AT", "at", right=True),
    Column("STEP", "step"),
    Column("SETTING", "setting"),
    Column("BEFORE", "before"),
    Column("AFTER", "after"),
)


def report_document(run: "History") -> str:
    """Return a run as Markdown. Times are seconds since it began."""
    report = run.report
    ended = when(report.ended_s) if report.ended_s else "not yet"
    by = f" by {report.operator}" if report.operator else ""
    parts = [
        f"# {report.kind.capitalize()} of {', '.join(report.services)}: {report.state}",
        f"Run `{report.run_id}`, begun {when(report.started_s)}{markdown(by)}, ended {ended}. "
        f"{markdown(report.reason)}",
    ]
    for title, rows, columns in _sections(run):
        if rows:
            parts.append(f"## {title}\n\n{markdown_table(rows, columns)}")
    parts.append(f"Fingerprint of what the plan was made from: `{report.fingerprint}`")
    return "\n\n".join(parts)


def _sections(run: "History") -> Iterator[tuple[str, Rows, Sequence[Column]]]:
    report = run.report
    yield "Warnings of the plan", [dataclasses.asdict(one) for one in report.warnings], _WARNINGS
    yield "Servers", hosts_record(report), _HOSTS
    yield "Healthy servers against the floor", _health(run), _HEALTH
    yield "Connections left while draining", _left(run), _LEFT
    yield "Requests", measured_record(report), _REQUESTS
    yield "Steps", steps_record(report), _STEPS
    yield "What was said and asked for", _timed(run.words), _WORDS
    gates = [{**one, "seen": "; ".join(one["evidence"])} for one in _timed(run.gates)]
    yield "Gates and their evidence", gates, _GATES
    yield "Every change, before and after", _timed(run.changes), _CHANGES


def _timed(found: Iterable[Any]) -> list[dict[str, Any]]:
    return [{**dataclasses.asdict(one), "at": f"{one.at_s:.1f}"} for one in found]


def _health(run: "History") -> Rows:
    return [
        {
            "service": one.service,
            "lowest": min((f.value for f in one.points if f.value is not None), default=None),
            "floor": one.floor,
        }
        for one in run.health
    ]


def _left(run: "History") -> Rows:
    from orchestrator.rollout.holders import named

    return [
        {
            "host": name,
            "most": max((f.value for f in points if f.value is not None), default=None),
            "last": "unknown" if points[-1].value is None else points[-1].value,
            "holders": named(run.holders.get(name, ())) or None,
        }
        for name, points in run.connections.items()
    ]
