"""``kemp demo``: the main job on one machine, under load, with evidence."""

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from cli.command import Command
from cli.exit_codes import ExitCode, Failure
from cli.load_options import rate_option
from cli.options import html_option
from cli.session import Session, pass_session

_INSIDE = "KEMP_DEMO_INSIDE"
"""Set for the copy of this command that runs in the private world."""


@click.command(cls=Command)
@click.option(
    "--break",
    "broken",
    type=click.Choice(("arp-order", "enable-first")),
    help="Do it in the wrong order by hand and show what happens.",
)
@click.option(
    "--hosts",
    type=click.IntRange(2, 8),
    default=3,
    show_default=True,
    help="Real servers behind the load balancer.",
)
@click.option(
    "--init",
    type=click.Choice(("none", "systemd")),
    default="none",
    show_default=True,
    help="systemd: servers that boot, reached over ssh; the roll reboots them. Needs root.",
)
@rate_option(100.0)
@html_option("Write the report of the roll as a page, with the requests that were measured.")
@pass_session
def command(session: Session, /, **options: Any) -> int:
    """Add, roll and remove servers of a DSR service under load, and show the evidence.

    Everything happens in network namespaces of this machine and is gone at the end: a
    client, a router, a virtual LoadMaster and the servers. Ends with 0 only if every
    invariant held; with --break it never does, on purpose.
    """
    if session.environ.get(_INSIDE):
        return _inside(session, **options)
    from orchestrator.lab.isolation import run_isolated
    from orchestrator.lab.release import Release
    from orchestrator.lab.systemd_host import require_systemd

    boots = options["init"] == "systemd"
    if boots:
        require_systemd([Release.STREAM9], firewalld=False)
    return run_isolated(
        [sys.executable, "-m", "cli.main", *sys.argv[1:]],
        environment={**session.environ, _INSIDE: "1"},
        boots_machines=boots,
    )


def _inside(
    session: Session, *, broken: Any, hosts: int, init: Any, rate: float, html: Path | None
) -> int:
    from cli.demo_view import LiveView, PlainView, print_evidence
    from orchestrator.lab.demo import DemoOptions, run_demo
    from orchestrator.lab.evidence import to_data

    live = sys.stderr.isatty() and not session.quiet
    view = LiveView(hosts, session) if live else PlainView(session)
    with view:
        result = run_demo(
            DemoOptions(hosts=hosts, init=init, broken=broken, rate_per_s=rate),
            kemp=lambda arguments, environ: _kemp(session, arguments, environ),
            on_event=view.show,
        )
    if session.output in ("json", "yaml"):
        from cli import render

        data = to_data(result.measured, result.invariants, result.refusals)
        render.write(render.as_json(data) if session.output == "json" else render.as_yaml(data))
    else:
        print_evidence(result, colour=session.colour)
    if html is not None:
        if result.roll is None:
            session.warn("nothing was rolled, so there is no page")
        else:
            from cli.report_page import report_page

            session.keep(html, report_page(result.roll), what="page")
    return int(ExitCode.OK if result.held else ExitCode.INVARIANT)


def _kemp(session: Session, arguments: Sequence[str], environ: Mapping[str, str]) -> None:
    """Run this very command with other arguments, as an operator would.

    Raises:
        Failure: it ended badly; with its message.
    """
    import subprocess

    kept = {key: value for key, value in session.environ.items() if not key.startswith("KEMP_")}
    done = subprocess.run(
        [sys.executable, "-m", "cli.main", *arguments],
        env={**kept, **environ},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    if done.returncode != 0:
        raise Failure(done.stderr.strip().removeprefix("kemp: "), ExitCode(done.returncode))
