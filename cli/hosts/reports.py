"""What was found on hosts or done to them, in the format of the call, and how that ends."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from cli.exit_codes import ExitCode
from cli.host_text import plan_text, report_text
from cli.session import Session

if TYPE_CHECKING:
    from cli.hosts.work import Work
    from orchestrator.fleet import HostReport


def show_plan(
    session: Session, reports: "Mapping[str, HostReport]", work: "Work", *, diff: bool
) -> None:
    """Show what would be changed."""
    session.show(
        _record(reports),
        details=lambda: plan_text(reports, work.assignments, colour=session.colour, diff=diff),
        name="\n".join(name for name, one in reports.items() if one.changes),
    )


def show(session: Session, reports: "Mapping[str, HostReport]") -> ExitCode:
    """Show what became of the hosts, and return how the command ends."""
    session.show(
        _record(reports),
        details=lambda: report_text(reports, colour=session.colour),
        name="\n".join(reports),
    )
    return ended(reports)


def _record(reports: "Mapping[str, HostReport]") -> dict[str, Any]:
    """Return the reports as data: stable names, changes in words and as they are."""
    from cli.render import plain
    from orchestrator.hosts.changes import describe

    return {
        "hosts": [
            {
                **dict(plain(one)),  # type: ignore[call-overload] # a record becomes a mapping
                "changes": [
                    {
                        "kind": type(change).__name__,
                        "text": describe(change),
                        **dict(plain(change)),  # type: ignore[call-overload] # as above
                    }
                    for change in one.changes
                ],
            }
            for one in reports.values()
        ]
    }


def ended(reports: "Mapping[str, HostReport]") -> ExitCode:
    """Return how a command about these hosts ends."""
    from orchestrator.fleet import Outcome

    outcomes = {one.outcome for one in reports.values()}
    if outcomes <= {Outcome.UNREACHABLE}:
        return ExitCode.UNREACHABLE
    if outcomes & {Outcome.FAILED, Outcome.UNREACHABLE, Outcome.NOT_ATTEMPTED}:
        return ExitCode.PARTIAL
    return ExitCode.FINDINGS if Outcome.WRONG in outcomes else ExitCode.OK
