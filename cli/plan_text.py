"""Plans and reports as text for people."""

import re
import shutil
import textwrap
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import zip_longest
from typing import TYPE_CHECKING, Any

import click

from cli.run_view import span

if TYPE_CHECKING:
    from orchestrator.rollout.plan import Expectation, Plan, Step
    from orchestrator.rollout.report import HostReport, RunReport

_NARROWEST = 60
_TOLD = 5
"""Servers named in one warning."""


def plan_text(plan: "Plan", *, colour: bool, width: int | None = None) -> str:
    """Return a plan: what happens to each server, in order, with before, after and why.

    Args:
        width: columns to keep to; those of the terminal unless given.
    """
    columns = shutil.get_terminal_size((100, 24)).columns if width is None else width
    return "\n".join(_plan_lines(plan, colour=colour, width=max(columns, _NARROWEST)))


def _plan_lines(plan: "Plan", *, colour: bool, width: int) -> Iterator[str]:
    yield from _wrapped(
        f"{plan.title}: {_many(len(plan.servers), 'server', 'servers')} in "
        f"{_many(len(plan.batches), 'batch', 'batches')}",
        width,
    )
    if plan.duration is not None and not plan.empty:
        yield ""
        yield from _duration_lines(plan.duration, width)
    yield ""
    for floor in plan.floors:
        where = f" in {floor.lowest_at}" if floor.lowest_at else ""
        # A floor says nothing where nobody is taken out, as while the first server is added.
        so = (
            f"at the lowest {floor.lowest}{where} (at least {floor.min_healthy}), at most "
            f"{floor.most_out} out (at most {floor.max_unavailable})"
            if floor.most_out
            else "no server is taken out"
        )
        yield from _wrapped(
            f"{floor.service} on {floor.loadmaster}: healthy now {floor.healthy} of "
            f"{floor.servers}; {so}",
            width,
        )
    if not plan.empty:
        yield from _wrapped(_on_failure(plan), width)
    for text in _warnings(plan):
        for line in _wrapped(text, width):
            yield _styled(line, "yellow", colour)
    gates = {one.name: one.steps for one in plan.gates}
    yield from _gate_lines(gates["before batch 1"], "before batch 1", colour=colour, width=width)
    for number, batch in enumerate(plan.batches, start=1):
        for name in batch:
            server = plan.server(name)
            yield ""
            for line in _wrapped(f"{name}  {server.server}  batch {number}  {server.why}", width):
                yield click.style(line, bold=True) if colour else line
            boxes = {one.pool: one.loadmaster for one in server.places}
            for step in server.steps:
                yield from _step_lines(step, boxes, colour=colour, width=width)
        name = f"batch {number}"
        yield from _gate_lines(gates[name], f"after {name}", colour=colour, width=width)
    if plan.empty:
        yield ""
        yield "nothing to do"


def _on_failure(plan: "Plan") -> str:
    """Return what becomes of a server that fails, and of the run."""
    rollout = plan.spec["rollout"]
    policy, most = rollout["on_failure"], rollout["max_failures"]
    fate = "is put back as it was found" if policy == "revert-server" else "stays out"
    end = "the run pauses"
    if policy == "revert-all" and not plan.undoes:
        end = "the whole run is undone"
    if most:
        return f"if a server fails, it {fate}; when more than {most} have, {end}"
    return f"if a server fails, it {fate} and {end}"


def _warnings(plan: "Plan") -> Iterator[str]:
    """Return what to warn of; what holds for several servers once, with their names."""
    from orchestrator.phrases import first_few

    hosts = {one.host for one in plan.servers}
    found: dict[tuple[str, str, str], list[str]] = {}
    for one in plan.warnings:
        name, colon, rest = one.message.partition(": ")
        about, said = ([name], rest) if colon and name in hosts else ([], one.message)
        found.setdefault((one.id, said, one.cure), []).extend(about)
    for (rule, said, cure), names in found.items():
        whose = f"{first_few(names, _TOLD)}: " if names else ""
        yield f"warning {rule}: {whose}{said}; {cure}"


def _many(count: int, one: str, more: str) -> str:
    return f"{count} {one if count == 1 else more}"


def _duration_lines(duration: "Expectation", width: int) -> Iterator[str]:
    without = f", without {' and '.join(duration.not_counted)}" if duration.not_counted else ""
    yield from _wrapped(
        f"expected to take {span(duration.expected_s)}{without}; "
        f"{span(duration.longest_s)} when every wait meets its deadline; begun now it ends "
        f"about {when(time.time() + duration.expected_s)}",
        width,
    )
    for line in duration.how:
        yield from _wrapped(line, width, "  ")
    now_s = time.time()
    for one in duration.pinned:
        first, last = (when(now_s + each) for each in (one.first_until_s, one.last_until_s))
        yield from _wrapped(
            f"persistence ({one.persist}) pins clients of {one.service} for "
            f"{span(one.each_s)} to a server that is disabled: begun now, until about {first}"
            + ("" if last == first else f" in the first batch and {last} in the last"),
            width,
        )


def _gate_lines(steps: "Sequence[Step]", name: str, *, colour: bool, width: int) -> Iterator[str]:
    if steps:
        yield ""
        yield click.style(name, bold=True) if colour else name
        for step in steps:
            yield from _step_lines(step, {}, colour=colour, width=width)


def _step_lines(
    step: "Step", boxes: Mapping[str, str], *, colour: bool, width: int
) -> Iterator[str]:
    """Return a step with what it changes.

    Args:
        boxes: the LoadMasters of its server, by pool.
    """
    head = f"  {step.kind.value:<14} "
    yield from _wrapped(step.why, width, head, " " * len(head))
    changed = {
        key: (step.before.get(key), step.after.get(key))
        for key in dict.fromkeys((*step.before, *step.after))
        if step.before.get(key) != step.after.get(key)
    }
    if step.phase == "host" or step.kind.value == "clear-host":
        yield from _host_lines(changed, colour=colour, width=width)
    elif changed:
        where = "on the LoadMaster"
        if step.pool is not None and len(boxes) > 1:
            where = f"on {boxes[step.pool]} ({step.pool})"
        for line in _wrapped(f"{where}: {_server_change(step, changed)}", width, "      "):
            yield _styled(line, "green", colour)


def _server_change(step: "Step", changed: "Mapping[str, tuple[Any, Any]]") -> str:
    if "present" in changed:
        state = step.after if step.after.get("present") else step.before
        words = ", ".join(f"{key} {_word(one)}" for key, one in state.items() if key != "present")
        return f"{'+' if step.after.get('present') else '-'} server ({words})"
    return "; ".join(
        f"{key}: {_word(before)} -> {_word(after)}" for key, (before, after) in changed.items()
    )


_PERSISTENT = re.compile(r"/|call |nmcli|firewall|systemctl")
"""How the name of a setting begins that is of a file, or of a tool that writes one."""


_RECORDS = "/var/lib/kemp/"
"""What is kept there says how to go back; its content is for the machine."""


def _host_lines(
    changed: "Mapping[str, tuple[Any, Any]]", *, colour: bool, width: int
) -> Iterator[str]:
    """Return what changes on a host in two columns: what is live, and what a boot finds."""
    live: list[str] = []
    kept: list[str] = []
    column = (width - 9) // 2
    for key, (before, after) in changed.items():
        lines = kept if _PERSISTENT.match(key) else live
        lines += _wrapped(_change(key, before, after), column, "", "  ")
        if key.startswith("/") and not key.startswith(_RECORDS):
            old, new = (_own_lines(one) for one in (before, after))
            lines += _wrapped_all([f"  - {one}" for one in old if one not in new], column)
            lines += _wrapped_all([f"  + {one}" for one in new if one not in old], column)
    if not changed:
        return
    yield f"      {'RUNTIME':<{column}}   PERSISTENT"
    for left, right in zip_longest(live, kept, fillvalue=""):
        yield _styled(f"      {left:<{column}}   {right}".rstrip(), "green", colour)


def _own_lines(content: object) -> list[str]:
    """Return the lines of a file that do something."""
    return [one for one in str(content or "").splitlines() if not one.startswith("#")]


def _wrapped_all(lines: Iterable[str], width: int) -> list[str]:
    return [part for line in lines for part in _wrapped(line, width, "", "    ")]


def _change(key: str, before: object, after: object) -> str:
    if key.startswith("/"):
        return f"{key}: {'new' if before is None else 'gone' if after is None else 'changed'}"
    if isinstance(before, bool) and isinstance(after, bool):
        return f"{'+' if after else '-'} {key}"
    return f"{key.removeprefix('net/ipv4/')}: {_word(before)} -> {_word(after)}"


def _word(value: object) -> str:
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return " ".join(str(value).split())


def _wrapped(text: str, width: int, first: str = "", later: str | None = None) -> list[str]:
    """Return a text in lines of a width, the later ones indented by two more."""
    return textwrap.wrap(
        " ".join(text.split()) if first or later is None else text,
        width,
        initial_indent=first,
        subsequent_indent=f"{first}  " if later is None else later,
        break_on_hyphens=False,
    )


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
        + (f" by {report.operator}" if report.operator else "")
        + (f", attempt {report.attempts}" if report.attempts > 1 else "")
    )
    width = max((len(name) for name in report.hosts), default=0)
    for name, host in report.hosts.items():
        seconds = "" if host.seconds is None else f"{host.seconds:8.1f} s"
        outcome = _styled(f"{host.outcome:<13}", _COLOURS.get(host.outcome, "white"), colour)
        yield f"  {name:<{width}}  {outcome}  {seconds:>10}  {host.reason}"
        if host.outcome in ("failed", "in_progress"):
            yield from _evidence_lines(host)
    yield from _measured_lines(report, colour=colour)


def _measured_lines(report: "RunReport", *, colour: bool) -> Iterator[str]:
    for one in report.measured:
        bad = one.failed or one.cut
        yield _styled(f"{one.source}: {one.words}", "red" if bad else "green", colour)
        yield "  " + ", ".join(f"{each.name} {each.failed} of {each.sent}" for each in one.phases)
        for failure in one.failures:
            yield f"    seen: {failure}"


def measured_record(report: "RunReport") -> list[dict[str, Any]]:
    """Return what clients saw as rows of a table, a row for each service and phase."""
    return [
        {"service": one.service, "phase": each.name, "sent": each.sent, "failed": each.failed}
        for one in report.measured
        for each in one.phases
    ]


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
