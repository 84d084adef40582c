"""``kemp doctor``: a whole service looked at, and how to mend what is wrong with it."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import click

from cli.command import Command
from cli.exit_codes import ExitCode, Failure
from cli.session import Session, pass_session

if TYPE_CHECKING:
    from orchestrator.doctor.diagnosis import Check, Diagnosis, Report
    from orchestrator.spec import Spec


@click.command(cls=Command)
@click.argument("service", required=False)
@click.option(
    "-f",
    "--file",
    type=click.Path(dir_okay=False),
    metavar="FILE",
    help="Inventory or rollout file [KEMP_INVENTORY].",
)
@click.option(
    "--listen",
    "listen_s",
    type=click.FloatRange(0.1, 600),
    default=2.0,
    show_default=True,
    metavar="SECONDS",
    help="How long to listen to ARP and to each server's traffic.",
)
@click.option("--evidence", is_flag=True, help="Also what was seen where nothing is wrong.")
@pass_session
def command(
    session: Session, service: str | None, file: str | None, listen_s: float, evidence: bool
) -> ExitCode:
    """Look at a service from end to end, and say how to mend what is wrong. Changes nothing.

    With a file: the LoadMaster, the hosts, the segment and the routers of SERVICE in it, or of
    every service. Without: SERVICE on the LoadMaster alone, against the rules of direct return
    and layer 7.
    """
    place = file or session.environ.get("KEMP_INVENTORY")
    if place:
        reports = _examined(session, place, service, listen_s)
    elif service is not None:
        reports = [_alone(session, service)]
    else:
        raise click.UsageError("name a service of the LoadMaster, or a file: -f FILE")
    if session.output == "name":
        found = [one for report in reports for one in report.findings]
        click.echo("".join(f"{one.id} {one.subject}\n" for one in found), nl=False)
    else:
        session.show(
            {"reports": [_record(one) for one in reports]},
            details=lambda: _text(reports, evidence=evidence, colour=session.colour),
            name="",
        )
    return ExitCode.OK if all(one.healthy for one in reports) else ExitCode.FINDINGS


def _examined(session: Session, place: str, service: str | None, listen_s: float) -> "list[Report]":
    from orchestrator.doctor.examination import examine
    from orchestrator.inventory import load_spec

    spec = load_spec(place)
    names = list(spec.services) if service is None else [_named(spec, service)]
    with session.adapters.rollout(spec, session) as adapters:
        return [examine(spec, name, adapters, listen_s=listen_s) for name in names]


def _named(spec: "Spec", service: str) -> str:
    for name, entry in spec.services.items():
        if service in (name, entry.service):
            return name
    raise Failure(
        f"there is no service {service} in the file; there are {', '.join(spec.services)}",
        ExitCode.NOT_FOUND,
    )


def _alone(session: Session, service: str) -> "Report":
    from cli.names import find_parent
    from orchestrator.doctor.examination import examine_alone

    with session.load_master() as lm:
        _, found = find_parent(lm, service)
        return examine_alone(found, loadmaster=lm)


# -- what is shown ---------------------------------------------------------------------


def _record(report: "Report") -> dict[str, Any]:
    return {
        "service": report.service,
        "healthy": report.healthy,
        "findings": report.findings,
        "checks": report.checks,
    }


def _text(reports: "Sequence[Report]", *, evidence: bool, colour: bool) -> str:
    return "\n\n".join("\n".join(_lines(one, evidence=evidence, colour=colour)) for one in reports)


def _lines(report: "Report", *, evidence: bool, colour: bool) -> Iterator[str]:
    from orchestrator.doctor.diagnosis import Verdict

    by_verdict = {
        verdict: [one for one in report.checks if one.verdict is verdict] for verdict in Verdict
    }
    good, left = by_verdict[Verdict.GOOD], by_verdict[Verdict.NOT_MADE]
    found = _count(len(report.findings), "finding")
    counts = f"{found}, {_count(len(good), 'check')} good, {len(left)} not made"
    yield _bold(f"{report.service}: {counts}", colour)
    for one in report.findings:
        yield ""
        yield from _finding(one, colour=colour)
    if evidence:
        yield from _checks("Good:", good)
    yield from _checks("Not made:", left)


def _finding(one: "Diagnosis", *, colour: bool) -> Iterator[str]:
    word = one.severity.value
    shade = "red" if word == "error" else "yellow"
    yield f"{click.style(word, fg=shade) if colour else word}: {one.id}: {one.subject}"
    yield f"  seen: {one.message}"
    yield f"  so:   {one.consequence}"
    yield f"  mend: {one.cure}"


def _checks(heading: str, checks: "Sequence[Check]") -> Iterator[str]:
    if checks:
        yield ""
        yield heading
    for one in checks:
        yield f"  {one.name}, {one.subject}"
        yield from (f"    {said}" for said in one.said)


def _count(number: int, word: str) -> str:
    return f"{number or 'no'} {word}{'' if number == 1 else 's'}"


def _bold(text: str, colour: bool) -> str:
    return click.style(text, bold=True) if colour else text
