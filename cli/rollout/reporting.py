"""``kemp rollout report``: every step of a run, as text, document or page."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cli.command import Command
from cli.plan_text import hosts_record, measured_record, report_text, steps_record, when
from cli.render import Column, markdown, table
from cli.rollout.options import run_argument
from cli.rollout.stored_runs import open_store, read_report
from cli.session import Session, pass_session

if TYPE_CHECKING:
    from orchestrator.rollout.records import Event
    from orchestrator.rollout.report import RunReport


_HOST_COLUMNS = (
    Column("HOST", "host"),
    Column("SERVER", "server"),
    Column("OUTCOME", "outcome"),
    Column("SECONDS", "seconds", right=True),
    Column("WHY", "reason"),
)
_MEASURED_COLUMNS = (
    Column("SERVICE", "service"),
    Column("PHASE", "phase"),
    Column("SENT", "sent", right=True),
    Column("FAILED", "failed", right=True),
)


@click.command(cls=Command)
@run_argument
@click.option(
    "--html",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Write it as one self-contained page, with the servers' phases as a picture.",
)
@pass_session
def report(session: Session, run_id: str | None, html: Path | None) -> None:
    """Show every step of a run with its time and evidence; the newest run unless named."""
    with open_store(session) as store:
        found = read_report(store, run_id)
        if html is not None:
            _write_page(session, html, found, [one for _, one in store.events(found.run_id)])
            return
    columns = (
        Column("HOST", "host"),
        Column("STEP", "step"),
        Column("STATUS", "status"),
        Column("SECONDS", "seconds", right=True),
        Column("EVIDENCE", "evidence"),
    )

    def text() -> str:
        steps = table(steps_record(found), columns, colour=session.colour)
        return f"{report_text(found, colour=session.colour)}\n\n{steps}"

    def document() -> str:
        from cli.render import markdown_table

        hosts = markdown_table(hosts_record(found), _HOST_COLUMNS)
        steps = markdown_table(steps_record(found), columns)
        rows = markdown_table(measured_record(found), _MEASURED_COLUMNS)
        return "\n\n".join(
            [
                f"# {found.kind.capitalize()} of {', '.join(found.services)}: {found.state}",
                f"Run `{found.run_id}`, begun {when(found.started_s)}, "
                f"ended {when(found.ended_s) if found.ended_s else 'not yet'}. "
                f"{markdown(found.reason)}",
                f"## Servers\n\n{hosts}",
                *([f"## Requests\n\n{rows}"] if found.measured else []),
                f"## Steps\n\n{steps}",
                f"Fingerprint of what the plan was made from: `{found.fingerprint}`",
            ]
        )

    session.show(found.to_data(), details=text, name=found.run_id, markdown=document)


def _write_page(
    session: Session, place: Path, found: "RunReport", events: "Sequence[Event]"
) -> None:
    from cli.report_page import report_page
    from orchestrator.rollout.history import history

    session.keep(place, report_page(history(found, events)), what=f"run {found.run_id}")
