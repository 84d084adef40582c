"""How a run stands as text: one line a server, with phase, connections left, floor and time."""

import time
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from orchestrator.rollout.status import RunStatus, ServerStatus

COLOURS = {
    "done": "green",
    "unchanged": "green",
    "failed": "red",
    "skipped": "yellow",
    "in_progress": "cyan",
}
_WORDS = {"not_attempted": "waiting"}
_FIRST = ("failed", "in_progress", "skipped", "not_attempted", "done", "unchanged")
"""What is shown of a run that is longer than the screen, the most pressing first."""


def status_lines(status: "RunStatus", *, colour: bool, now_s: float) -> Iterator[str]:
    """Return how a run stands: the run, its services, a line for each server and gate."""
    yield from head_lines(status, now_s=now_s)
    for line, server in server_lines(status, [*status.servers, *status.gates], now_s=now_s):
        yield _styled(line, server, colour)
        if server is not None:
            yield from (f"      seen: {one}" for one in server.evidence)


def screen_lines(
    status: "RunStatus", *, colour: bool, now_s: float, width: int, height: int
) -> Sequence[str]:
    """Return as much of it as a screen holds, the most pressing servers first."""
    head = [line[:width] for line in head_lines(status, now_s=now_s)]
    gates = [one for one in status.gates if one.outcome in ("in_progress", "failed")]
    every = [*gates, *status.servers]
    room = max(height - len(head) - 3, 1)
    shown = every
    if len(every) > room:
        pressing = sorted(every, key=lambda one: _FIRST.index(one.outcome))[:room]
        kept = {id(one) for one in pressing}
        shown = [one for one in every if id(one) in kept]
    lines = [
        _styled(line[:width], server, colour)
        for line, server in server_lines(status, shown, now_s=now_s)
    ]
    more = [f"... and {len(every) - len(shown)} more"] if len(shown) < len(every) else []
    return [*head, *lines, *more]


def head_lines(status: "RunStatus", *, now_s: float) -> Iterator[str]:
    """Return what is to be said of the run as a whole."""
    yield "; ".join(filter(None, (f"run {status.run_id}: {status.state}", status.reason)))
    began = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(status.started_s))
    words = [
        f"{status.kind}, begun {began}" + (f" by {status.operator}" if status.operator else ""),
        f"for {span((status.ended_s or now_s) - status.started_s)}",
        *([f"attempt {status.attempts}"] if status.attempts > 1 else []),
        _counts(status),
    ]
    yield "; ".join(words)
    for one in status.services:
        yield f"{one.service}: {one.healthy} of {one.servers} healthy, at least {one.floor}"
    for asked in status.asked:
        yield f"asked by {asked.asked_by}, not answered yet: {asked.words}"


def _counts(status: "RunStatus") -> str:
    batch = max((one.batch for one in status.servers if one.started_s is not None), default=0)
    found = [
        f"{status.counts[outcome]} {_WORDS.get(outcome, outcome.replace('_', ' '))}"
        for outcome in _FIRST
        if status.counts.get(outcome)
    ]
    return f"batch {batch} of {status.batches}: {', '.join(found)}"


def server_lines(
    status: "RunStatus", servers: Sequence["ServerStatus"], *, now_s: float
) -> Iterator[tuple[str, "ServerStatus | None"]]:
    """Return a heading and a line for each server, aligned."""
    rows = [(cells(status, one, now_s=now_s), one) for one in servers]
    headings = ("SERVER", "PHASE", "LEFT", "FLOOR", "TIME", "")
    widths = [
        max([len(headings[at]), *(len(row[at]) for row, _ in rows)]) for at in range(len(headings))
    ]
    yield _line(headings, widths), None
    for row, server in rows:
        yield _line(row, widths), server


def _line(row: Sequence[str], widths: Sequence[int]) -> str:
    server, phase, left, floor, took, words = row
    parts = [
        server.ljust(widths[0]),
        phase.ljust(widths[1]),
        left.rjust(widths[2]),
        floor.ljust(widths[3]),
        took.rjust(widths[4]),
        words,
    ]
    return "  ".join(parts).rstrip()


def cells(status: "RunStatus", server: "ServerStatus", *, now_s: float) -> tuple[str, ...]:
    """Return what is shown of a server: name, phase, connections left, floor, time, words."""
    working = server.outcome == "in_progress"
    phase = _WORDS.get(server.outcome, server.outcome)
    if working or server.outcome == "failed":
        phase = server.step if working else f"failed: {server.step}"
    took = server.seconds
    if took is None and server.started_s is not None:
        took = (status.updated_s if status.over else now_s) - server.started_s
    words = server.reason
    if server.outcome in ("failed", "skipped") or (working and status.over):
        words = "; ".join(filter(None, (server.standing, words)))
    return (
        server.name,
        phase,
        "" if server.connections is None else str(server.connections),
        _floor(status, server) if working else "",
        "" if took is None else span(took),
        " ".join(words.split()),
    )


def _floor(status: "RunStatus", server: "ServerStatus") -> str:
    """Return the healthy servers and the fewest allowed, of the service that can spare least."""
    found = [one for one in status.services if one.service in server.services]
    if not found:
        return ""
    one = min(found, key=lambda service: service.healthy - service.floor)
    return f"{one.healthy}/{one.servers} (>={one.floor})"


def _styled(line: str, server: "ServerStatus | None", colour: bool) -> str:
    if not colour:
        return line
    if server is None:
        return click.style(line, bold=True)
    return click.style(line, fg=COLOURS.get(server.outcome))


def span(seconds: float) -> str:
    """Return a duration as people write it: ``0:07``, ``12:30``, ``3:05:00``."""
    minutes, rest = divmod(max(0, round(seconds)), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
