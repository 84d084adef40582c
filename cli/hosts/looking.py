"""``kemp host facts|plan|verify|script``: they change nothing."""

from typing import Any

import click

from cli.command import Command
from cli.exit_codes import ExitCode
from cli.host_text import report_text
from cli.hosts.options import adopt_option, diff_option, mend_option, which_hosts
from cli.hosts.reports import ended, show, show_plan
from cli.hosts.work import work_on
from cli.session import Session, pass_session


@click.command(cls=Command)
@which_hosts
@pass_session
def facts(session: Session, /, **which: Any) -> ExitCode:
    """Show what is true on the hosts; with --output json all of it, to be replayed in tests."""
    import json

    from orchestrator.fleet import HostReport
    from orchestrator.hosts.recorded import facts_to_json
    from orchestrator.hosts.sections import Section

    with work_on(session, **which) as work:
        found = work.fleet.facts(Section)
    unread = {name: one for name, one in found.items() if isinstance(one, HostReport)}
    states = {name: one for name, one in found.items() if not isinstance(one, HostReport)}

    def text() -> str:
        from cli.host_facts import facts_text

        blocks = [
            facts_text(work.assignments[name].host, one, colour=session.colour)
            for name, one in states.items()
        ]
        if unread:
            blocks.append(report_text(unread, colour=session.colour))
        return "\n\n".join(blocks)

    record = {
        **{name: json.loads(facts_to_json(one)) for name, one in states.items()},
        **{name: {"unreachable": one.reason} for name, one in unread.items()},
    }
    # One host alone is the file that a recorded host is made of.
    whole = next(iter(record.values())) if len(record) == 1 else record
    session.show(whole, details=text, name="\n".join(states))
    return ended(unread) if unread else ExitCode.OK


@click.command(cls=Command)
@which_hosts
@adopt_option
@mend_option
@diff_option
@pass_session
def plan(session: Session, /, diff: bool, **which: Any) -> ExitCode:
    """Show what would be changed on the hosts. Changes nothing; exit code 20: nothing to do."""
    with work_on(session, **which) as work:
        reports = work.fleet.plan()
    show_plan(session, reports, work, diff=diff)
    code = ended(reports)
    if code is ExitCode.OK and not any(one.changes for one in reports.values()):
        return ExitCode.NOTHING_TO_DO
    return code


@click.command(cls=Command)
@which_hosts
@pass_session
def verify(session: Session, /, **which: Any) -> ExitCode:
    """Say whether the hosts are as they must be, now and after a boot. Changes nothing."""
    with work_on(session, **which) as work:
        reports = work.fleet.verify()
    return show(session, reports)


@click.command(cls=Command)
@which_hosts
@adopt_option
@mend_option
@pass_session
def script(session: Session, /, **which: Any) -> ExitCode:
    """Print the shell commands that do by hand what apply would do, for one host."""
    from orchestrator.hosts.by_hand import script as by_hand

    with work_on(session, **which) as work:
        if len(work.assignments) != 1:
            raise click.UsageError("a script is for one host")
        reports = work.fleet.plan()
    ((name, one),) = reports.items()
    if one.reason:
        return show(session, reports)
    of = work.assignments[name]
    methods = ", ".join(
        f"{part.method} for {' '.join(map(str, part.wanted.services))}" for part in of.parts
    )
    click.echo(by_hand(of.host, one.changes, title=f"{name}: {methods}"), nl=False)
    return ExitCode.OK
