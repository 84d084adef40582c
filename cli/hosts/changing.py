"""``kemp host apply|revert|ensure``: what changes hosts."""

from typing import Any

import click

from cli.command import Command
from cli.exit_codes import ExitCode
from cli.hosts.options import (
    adopt_option,
    diff_option,
    keep_going_option,
    local_options,
    mend_option,
    revert_after_option,
    which_hosts,
)
from cli.hosts.progress import shown
from cli.hosts.reports import show
from cli.hosts.this_machine import fleet_of_this_machine
from cli.hosts.work import confirm_plan, nobody_else, to_change, work_on
from cli.options import yes_option
from cli.session import Session, pass_session


@click.command(cls=Command)
@which_hosts
@adopt_option
@mend_option
@diff_option
@revert_after_option
@keep_going_option
@yes_option
@pass_session
def apply(session: Session, /, diff: bool, keep_going: bool, yes: bool, **which: Any) -> ExitCode:
    """Make the hosts as they must be: shows the plan, asks, changes, verifies.

    The LoadMaster is not touched: a server that is not enabled there gets no traffic.
    """
    with work_on(session, **which) as work:
        reports = work.fleet.plan()
        if not to_change(reports):
            return show(session, reports)
        confirm_plan(session, reports, work, diff=diff, yes=yes)
        with nobody_else(session, work), shown(session, reports) as on_end:
            done = work.fleet.apply(reports, keep_going=keep_going, on_end=on_end)
    return show(session, done)


@click.command(cls=Command)
@which_hosts
@diff_option
@revert_after_option
@keep_going_option
@click.option(
    "--force",
    multiple=True,
    metavar="HOST",
    help="Give this host back though a LoadMaster still sends it traffic.",
)
@yes_option
@pass_session
def revert(
    session: Session,
    /,
    diff: bool,
    keep_going: bool,
    force: tuple[str, ...],
    yes: bool,
    **which: Any,
) -> ExitCode:
    """Give the hosts back as they were found, where nobody else has changed them since."""
    from orchestrator.fleet import refuse_enabled

    with work_on(session, **which) as work:
        reports = work.fleet.plan_revert()
        changing = to_change(reports)
        if not changing:
            return show(session, reports)
        refuse_enabled(
            work.spec, [one for one in changing if one not in force], work.adapters.loadmaster
        )
        confirm_plan(session, reports, work, diff=diff, yes=yes)
        with nobody_else(session, work), shown(session, reports) as on_end:
            done = work.fleet.revert(reports, keep_going=keep_going, on_end=on_end)
    return show(session, done)


@click.command(cls=Command)
@which_hosts
@adopt_option
@mend_option
@revert_after_option
@keep_going_option
@click.option("--local", is_flag=True, help="This very machine; no inventory is needed.")
@local_options
@pass_session
def ensure(
    session: Session,
    /,
    keep_going: bool,
    local: bool,
    services: tuple[str, ...],
    method: str,
    interface: str | None,
    address: str | None,
    **which: Any,
) -> ExitCode:
    """Make hosts as they must be, without asking; one that is right is left as it is.

    For automation: run it as often as you like. With --local on the server itself, from
    cloud-init, an image or the unit of "kemp host unit".
    """
    if not local:
        if services:
            raise click.UsageError("--service goes with --local")
        with work_on(session, **which) as work:
            reports = work.fleet.plan()
            with nobody_else(session, work), shown(session, reports) as on_end:
                done = work.fleet.apply(reports, keep_going=keep_going, on_end=on_end)
        return show(session, done)
    if which["names"] or which["file"] or which["everything"] or which["groups"]:
        raise click.UsageError("--local is this machine: name no other host")
    fleet = fleet_of_this_machine(
        session,
        services,
        method,
        interface=interface,
        address=address,
        adopt=which["adopt"],
        mend=which["mend"],
    )
    return show(session, fleet.apply(fleet.plan()))
