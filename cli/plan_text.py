"""Plans and reports as text for people."""

import time
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from orchestrator.rollout.plan import Plan, Step
    from orchestrator.rollout.report import HostReport, RunReport

_LONGEST = 60


def plan_text(plan: "Plan", *, colour: bool) -> str:
    """Return a plan: what happens to each server, in order, with before, after and why."""
    return "\n".join(_plan_lines(plan, colour=colour))


def _plan_lines(plan: "Plan", *, colour: bool) -> Iterator[str]:
    yield f"{plan.title}: {len(plan.servers)} servers in {len(plan.batches)} batches"
    for floor in plan.floors:
        yield (
            f"{floor.service}: healthy now {floor.healthy} of {floor.servers}; at the lowest "
            f"{floor.lowest} (at least {floor.min_healthy}), at most {floor.most_out} out "
            f"(at most {floor.max_unavailable})"
        )
    for warned in plan.warnings:
        yield _styled(f"warning {warned.id}: {warned.message}; {warned.cure}", "yellow", colour)
    for number, batch in enumerate(plan.batches, start=1):
        for name in batch:
            server = plan.server(name)
            yield ""
            head = f"{name}  {server.server}  batch {number}  {server.why}"
            yield click.style(head, bold=True) if colour else head
            for step in server.steps:
                yield from _step_lines(step, colour=colour)
    if plan.empty:
        yield ""
        yield "nothing to do"


def _step_lines(step: "Step", *, colour: bool) -> Iterator[str]:
    yield f"  {step.kind.value:<14} {step.why}"
    for key in dict.fromkeys((*step.before, *step.after)):
        before, after = step.before.get(key), step.after.get(key)
        if before == after:
            continue
        if before is not None and key not in ("present",):
            yield _styled(f"      - {key}: {_short(before)}", "red", colour)
        if after is not None:
            yield _styled(f"      + {key}: {_short(after)}", "green", colour)


def _short(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    text = " ".join(str(value).split())
    return text if len(text) <= _LONGEST else text[: _LONGEST - 3] + "..."


def _styled(text: str, colour_name: str, colour: bool) -> str:
    return click.style(text, fg=colour_name) if colour else text


_COLOURS: Mapping[str, str] = {
    "done": "green",
    "unchanged": "green",
    "failed": "red",
    "skipped": "yellow",
    "in_progress": "yellow",
}


def report_text(report: "RunReport", *, colour: bool) -> str:
    """Return what became of a run: every host with its outcome, failures with evidence."""
    return "\n".join(_report_lines(report, colour=colour))


def _report_lines(report: "RunReport", *, colour: bool) -> Iterator[str]:
    yield "; ".join(filter(None, (f"run {report.run_id}: {report.state}", report.reason)))
    yield (
        f"{report.kind} on {', '.join(report.services)}, begun {when(report.started_s)}"
        + (f", attempt {report.attempts}" if report.attempts > 1 else "")
    )
    width = max((len(name) for name in report.hosts), default=0)
    for name, host in report.hosts.items():
        seconds = "" if host.seconds is None else f"{host.seconds:8.1f} s"
        outcome = _styled(f"{host.outcome:<13}", _COLOURS.get(host.outcome, "white"), colour)
        yield f"  {name:<{width}}  {outcome}  {seconds:>10}  {host.reason}"
        if host.outcome in ("failed", "in_progress"):
            yield from _evidence_lines(host)


def _evidence_lines(host: "HostReport") -> Iterator[str]:
    for step in host.steps:
        if step.status not in ("failed", "running"):
            continue
        gate = f" (gate {step.gate})" if step.gate else ""
        yield f"      {step.id}: {step.status}{gate}"
        for one in step.evidence:
            yield f"        seen: {one}"


def when(seconds: float) -> str:
    """Return a time since the epoch as local date and time."""
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(seconds))


def hosts_record(report: "RunReport") -> list[dict[str, Any]]:
    """Return what became of each host as rows of a table."""
    return [
        {
            "host": one.name,
            "server": one.server,
            "outcome": one.outcome.replace("_", " "),
            "seconds": None if one.seconds is None else f"{one.seconds:.1f}",
            "reason": one.reason,
        }
        for one in report.hosts.values()
    ]


def steps_record(report: "RunReport") -> list[dict[str, Any]]:
    """Return the steps of all hosts as rows of a table."""
    return [
        {
            "host": name,
            "step": step.id.partition("/")[2],
            "status": step.status,
            "seconds": None if step.seconds is None else f"{step.seconds:.1f}",
            "evidence": "; ".join(step.evidence) or step.reason or None,
        }
        for name, host in report.hosts.items()
        for step in host.steps
    ]
