"""``kemp rollout report``: every step of a run, as text, document or page."""

from pathlib import Path

import click

from cli.command import Command
from cli.options import html_option
from cli.plan_text import report_text, steps_record
from cli.render import Column, table
from cli.report_document import report_document
from cli.rollout.options import run_argument
from cli.rollout.stored_runs import open_store, read_report
from cli.session import Session, pass_session

_STEP_COLUMNS = (
    Column("HOST", "host"),
    Column("STEP", "step"),
    Column("STATUS", "status"),
    Column("SECONDS", "seconds", right=True),
    Column("EVIDENCE", "evidence"),
)


@click.command(cls=Command)
@run_argument
@html_option("Write it as one self-contained page, with the servers' phases as a picture.")
@pass_session
def report(session: Session, run_id: str | None, html: Path | None) -> None:
    """Show every step of a run with its time and evidence; the newest run unless named."""
    from orchestrator.rollout.history import history

    with open_store(session) as store:
        found = read_report(store, run_id)
        events = [one for _, one in store.events(found.run_id)]
    run = history(found, events)
    if html is not None:
        from cli.report_page import report_page

        session.keep(html, report_page(run), what=f"run {found.run_id}")
        return

    def text() -> str:
        steps = table(steps_record(found), _STEP_COLUMNS, colour=session.colour)
        return f"{report_text(found, colour=session.colour)}\n\n{steps}"

    session.show(
        run.to_data(), details=text, name=found.run_id, markdown=lambda: report_document(run)
    )
