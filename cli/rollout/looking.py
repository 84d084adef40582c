"""The verbs of ``kemp rollout`` that only look: status, list, locks."""

import click

from cli.command import Command
from cli.plan_text import when
from cli.render import Column
from cli.rollout.options import run_argument
from cli.rollout.stored_runs import RESUMABLE, newest, open_store
from cli.session import Session, pass_session


@click.command(cls=Command)
@run_argument
@pass_session
def status(session: Session, run_id: str | None) -> None:
    """Show how a run stands, a line for each server; the newest unless named."""
    from cli.run_view import status_lines
    from orchestrator.rollout.status import status as read

    with open_store(session) as store:
        found = read(run_id or newest(store, None), store)
    now_s = session.adapters.clock().time_s()
    session.show(
        found.to_data(),
        details=lambda: "\n".join(status_lines(found, colour=session.colour, now_s=now_s)),
        name=found.run_id,
    )
    if found.state in RESUMABLE:
        session.say(f"to go on: kemp rollout resume {found.run_id}")


@click.command("list", cls=Command)
@pass_session
def list_runs(session: Session) -> None:
    """List the runs, newest first."""
    from orchestrator.rollout.report import summaries

    with open_store(session) as store:
        found = summaries(store)
    session.show_list(
        found,
        (
            Column("RUN", "run"),
            Column("STATE", "state"),
            Column("KIND", "kind"),
            Column("SERVICES", "services"),
            Column("BEGUN", "begun"),
            Column("BY", "operator"),
            Column("REASON", "reason"),
        ),
        row=lambda one: {
            "run": one.run_id,
            "state": one.state,
            "kind": one.kind,
            "services": ", ".join(one.services),
            "begun": when(one.started_s),
            "operator": one.operator,
            "reason": one.reason,
        },
        name=lambda one: one.run_id,
        empty="no runs",
    )


@click.command(cls=Command)
@pass_session
def locks(session: Session) -> None:
    """Show which services and hosts are held, by which run, for whom, since when and why."""
    with open_store(session) as store:
        found = store.locks.all()
    session.show_list(
        found,
        (
            Column("HELD", "resource"),
            Column("RUN", "run"),
            Column("FOR", "owner"),
            Column("SINCE", "since"),
            Column("KEPT UNTIL", "until"),
            Column("REASON", "reason"),
        ),
        row=lambda one: {
            "resource": one.resource,
            "run": one.run_id,
            "owner": one.owner,
            "since": when(one.acquired_s),
            "until": when(one.expires_s),
            "reason": one.reason,
        },
        name=lambda one: one.resource,
        empty="nothing is held",
    )
