"""What is found on hosts and done to them, as text for people."""

import difflib
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import click

from cli.render import Column, table

if TYPE_CHECKING:
    from orchestrator.fleet import Assignment, HostReport
    from orchestrator.hosts.changes import NetChange

_COLUMNS = (
    Column("  CHANGE", "change"),
    Column("RIGHT NOW", "runtime"),
    Column("AFTER A BOOT", "persistent"),
)
_LASTING = frozenset({"--permanent", "enable", "disable", "modify", "firewall-offline-cmd"})
"""Words of calls that count from the next boot, or the next start of what reads them."""
_COLOURS = {
    "right": "green",
    "changed": "green",
    "to-change": "yellow",
    "not-attempted": "yellow",
    "wrong": "red",
    "failed": "red",
    "unreachable": "red",
}


def plan_text(
    reports: "Mapping[str, HostReport]",
    assignments: "Mapping[str, Assignment]",
    *,
    colour: bool,
    diff: bool,
) -> str:
    """Return what is to be changed, host by host, as a change request has it.

    Args:
        diff: show the files' contents, before and after.
    """
    blocks = (
        "\n".join(_plan_lines(one, assignments[name], colour=colour, diff=diff))
        for name, one in reports.items()
    )
    return "\n\n".join(blocks)


def _plan_lines(
    report: "HostReport", of: "Assignment", *, colour: bool, diff: bool
) -> Iterator[str]:
    yield _bold(f"{of.name}  {of.host.address} on {of.host.interface}", colour)
    for part in of.parts:
        yield f"  {part.method}: {', '.join(map(str, part.wanted.services))}"
    if report.reason:
        yield _styled(f"  {report.outcome.value}: {report.reason}", "red", colour)
    elif not report.changes:
        yield _styled(f"  {report.outcome.value}: nothing to change", "green", colour)
    else:
        yield table([change_record(one) for one in report.changes], _COLUMNS, colour=colour)
        if risky := _could_cut_us_off(report, of):
            yield _styled(
                "  confirmed over a new connection, or the host takes all of it back by itself; "
                f"it could cut us off to {'; to '.join(risky)}",
                "yellow",
                colour,
            )
        if diff:
            for one in report.changes:
                yield from _file_lines(one, colour=colour)
    yield from _finding_lines(report, colour=colour)


def _could_cut_us_off(report: "HostReport", of: "Assignment") -> list[str]:
    from orchestrator.hosts.changes import describe
    from orchestrator.hosts.confirm_or_revert import cuts

    if of.host.driver != "ssh":
        return []
    return [describe(one) for one in report.changes if cuts(one, of.host)]


def change_record(change: "NetChange") -> dict[str, Any]:
    """Return a change as a row: what it does to the host as it runs, and as it will boot."""
    from orchestrator.hosts import changes

    match change:
        case changes.SetSysctl():
            return _row(f"net/ipv4/{change.key}", runtime=f"{change.before} -> {change.value}")
        case changes.WriteFile(path=path, content=content, before=before):
            how = "removed" if content is None else "new" if before is None else "changed"
            return _row(path, persistent=how)
        case changes.AddAddress(address=one):
            return _row(f"{one.address}/{one.prefix} on {one.interface}", runtime="added")
        case changes.RemoveAddress(address=one):
            return _row(f"{one.address}/{one.prefix} on {one.interface}", runtime="removed")
        case changes.SetRoute(route=route, before=was):
            before = changes.route_words(was) if was else "none"
            return _row(f"route {route.destination}", runtime=f"{before} -> {_via(route)}")
        case changes.RemoveRoute(route=route):
            return _row(f"route {changes.route_words(route)}", runtime="removed")
        case changes.AddRule(rule=rule):
            return _row(f"rule {changes.rule_words(rule)}", runtime="added")
        case changes.RemoveRule(rule=rule):
            return _row(f"rule {changes.rule_words(rule)}", runtime="removed")
        case changes.CallTool():
            # What a call makes true at once and what only a boot brings is in its words.
            lasting = _LASTING & set(change.argv)
            return _row(change.says, **{"persistent" if lasting else "runtime": "yes"})


def _via(route: Any) -> str:
    from orchestrator.hosts.changes import route_words

    return route_words(route).removeprefix(f"{route.destination} ")


def _row(what: str, *, runtime: str = "", persistent: str = "") -> dict[str, Any]:
    return {"change": f"  {what}", "runtime": runtime, "persistent": persistent}


def _file_lines(change: "NetChange", *, colour: bool) -> Iterator[str]:
    from orchestrator.hosts.changes import WriteFile
    from orchestrator.hosts.state import RECORD_FILE

    # The undo record says again what stands above it.
    if not isinstance(change, WriteFile) or change.path == RECORD_FILE:
        return
    lines = difflib.unified_diff(
        (change.before or "").splitlines(),
        (change.content or "").splitlines(),
        fromfile=change.path if change.before is not None else "/dev/null",
        tofile=change.path if change.content is not None else "/dev/null",
        lineterm="",
        n=1,
    )
    for line in lines:
        shade = {"+": "green", "-": "red"}.get(line[:1])
        yield f"    {_styled(line, shade, colour) if shade else line}"


def report_text(reports: "Mapping[str, HostReport]", *, colour: bool) -> str:
    """Return what became of each host, with what is wrong and what mends it."""
    lines: list[str] = []
    width = max((len(name) for name in reports), default=0)
    for one in reports.values():
        lines.append(host_line(one, width=width, colour=colour))
        lines += _finding_lines(one, colour=colour)
    return "\n".join(lines)


def host_line(report: "HostReport", *, width: int, colour: bool) -> str:
    """Return what became of a host as one line.

    Args:
        width: of the longest name, so that lines stand in columns.
    """
    outcome = _styled(f"{report.outcome.value:<13}", _COLOURS[report.outcome.value], colour)
    count = f"{len(report.changes)} changes" if report.changes else ""
    said = " ".join((report.reason or count or "; ".join(report.evidence)).split())
    return f"{report.name:<{width}}  {outcome}  {report.seconds:6.2f} s  {said}"


def _finding_lines(report: "HostReport", *, colour: bool) -> Iterator[str]:
    for one in report.findings:
        word, shade = ("wrong", "red") if one.blocks else ("warning", "yellow")
        yield _styled(f"  {word} {one.id}: {one.message}", shade, colour)
        yield f"    mend it: {one.cure}"


def _bold(text: str, colour: bool) -> str:
    return click.style(text, bold=True) if colour else text


def _styled(text: str, shade: str, colour: bool) -> str:
    return click.style(text, fg=shade) if colour else text
