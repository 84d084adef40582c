"""``kemp rollout rehearse``: the plan run in the lab, under load and with faults."""

import dataclasses
import json
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cli.command import Command, nearest
from cli.exit_codes import ExitCode, Failure
from cli.load_options import downloads_option, rate_option
from cli.options import html_option
from cli.rollout.options import file_option, one_of, place_argument
from cli.session import Session, pass_session

if TYPE_CHECKING:
    from orchestrator.spec import Spec


def _list_faults(ctx: click.Context, _param: click.Parameter, value: bool) -> None:
    if value:
        from cli.render import Column, table, write
        from orchestrator.rehearsal.faults import FAULTS

        rows = [
            {"name": one.name, "kinds": ", ".join(one.kinds) or "all", "summary": one.summary}
            for one in FAULTS.values()
        ]
        columns = (Column("FAULT", "name"), Column("ROLLOUTS", "kinds"), Column("WHAT", "summary"))
        write(table(rows, columns, colour=False))
        ctx.exit()


def _known_faults(
    _ctx: click.Context, _param: click.Parameter, value: tuple[str, ...]
) -> tuple[str, ...]:
    if value:
        from orchestrator.rehearsal.faults import FAULTS

        for one in value:
            name = one.partition(":")[0]
            if name not in FAULTS:
                close = nearest(name, list(FAULTS))
                known = ", ".join(FAULTS)
                raise click.BadParameter(f"there is no fault {name!r}{close}; there are: {known}")
    return value


@click.command(cls=Command)
@place_argument
@file_option
@click.option(
    "--from",
    "sources",
    multiple=True,
    metavar="[NAME=]FILE",
    help="Take an export (kemp config-export) instead of asking the LoadMaster; repeatable.",
)
@click.option(
    "--fault",
    "faults",
    multiple=True,
    metavar="NAME[:SERVER]",
    callback=_known_faults,
    help="Let this go wrong; may be repeated. Without a server: the first one that meets it.",
)
@click.option(
    "--list-faults",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_list_faults,
    help="Show what can be made to go wrong.",
)
@rate_option(50.0)
@downloads_option(4, "Downloads kept under way for each service.")
@click.option(
    "--speed",
    type=click.FloatRange(1, 20),
    default=1.0,
    show_default=True,
    help="Seconds of the plan that pass in one second.",
)
@html_option("Write the run's report as a page, too.")
@pass_session
def rehearse(
    session: Session,
    /,
    place: str | None,
    file: str | None,
    sources: tuple[str, ...],
    faults: tuple[str, ...],
    html: Path | None,
    **options: float,
) -> int:
    """Run a rollout's plan in a lab on this machine, built like production, under load.

    The services are read from the LoadMaster, or from a file, and nothing of production is
    changed. Ends with 0 if it was clean and with 27 if there are findings.
    """
    from orchestrator.inventory import load_spec
    from orchestrator.rehearsal.faults import choose
    from orchestrator.rehearsal.site import lay_out
    from orchestrator.rollout.facts import rollout_of

    file = one_of(place, file)
    if file is None:
        raise click.UsageError("name the rollout file")
    spec = load_spec(file)
    for one in faults:
        choose(one, kind=rollout_of(spec).kind)
    exports = _exports(session, spec, sources)
    # What cannot be built is said before anything is.
    lay_out(spec, exports)
    job = {
        "spec": dataclasses.asdict(spec),
        "exports": exports,
        "faults": faults,
        "options": {
            "rate_per_s": options["rate"],
            "downloads": options["downloads"],
            "speed": options["speed"],
        },
        "quiet": session.quiet,
        "debug": session.debug,
        "output": session.output,
    }
    code, done = _in_a_world(session, job)
    if done is None:
        return code
    result = done["result"]
    if html is not None:
        if done["page"] is None:
            session.warn("nothing was run, so there is no page")
        else:
            session.keep(html, done["page"], what="page")
    _show(session, result)
    return ExitCode.FINDINGS if result["findings"] else ExitCode.OK


def _exports(session: Session, spec: "Spec", sources: Sequence[str]) -> dict[str, Any]:
    """Return what each LoadMaster is configured with, read from it or from files."""
    from orchestrator.rehearsal.site import loadmasters_of

    wanted = loadmasters_of(spec)
    if sources:
        return dict(_from_file(one, wanted) for one in sources)
    from kempsdk.configuration import export
    from orchestrator.rehearsal.configuration import EXPORTED

    found = {}
    for name in wanted:
        with session.load_master_of(spec.loadmasters[name]) as lm:
            found[name] = export(lm, EXPORTED).data
        session.say(f"{name}: read, nothing changed")
    return found


def _from_file(source: str, wanted: Sequence[str]) -> tuple[str, Any]:
    import yaml

    from kempsdk.configuration_file import read_wanted
    from kempsdk.configuration_shapes import InvalidConfiguration

    name, separator, path = source.rpartition("=")
    if not separator and len(wanted) > 1:
        raise click.UsageError(f"say whose it is: --from NAME={path} ({', '.join(wanted)})")
    if separator and name not in wanted:
        raise click.UsageError(f"--from {source}: the rollout is about {', '.join(wanted)}")
    try:
        data = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise Failure(f"{path}: {error.strerror}", ExitCode.INVALID_FILE) from None
    except (yaml.YAMLError, UnicodeDecodeError):
        raise Failure(f"{path}: is no YAML", ExitCode.INVALID_FILE) from None
    if not isinstance(data, Mapping) or "services" not in data:
        raise Failure(
            f"{path}: is no export; make one with: kemp config-export --out {path}",
            ExitCode.INVALID_FILE,
        )
    try:
        read_wanted(data)
    except InvalidConfiguration as error:
        raise Failure(f"{path}: {error}", ExitCode.INVALID_FILE) from None
    return name or wanted[0], data


def _in_a_world(session: Session, job: Mapping[str, Any]) -> tuple[int, Any]:
    """Run a job in a private world; returns its exit code and, if it came to one, its result."""
    from orchestrator.lab.isolation import run_isolated

    # Without names: nothing of them is left when this process is killed.
    with tempfile.TemporaryFile() as asked, tempfile.TemporaryFile() as answered:
        asked.write(json.dumps(job).encode())
        asked.seek(0)
        given = (asked.fileno(), answered.fileno())
        code = run_isolated(
            [sys.executable, "-m", "cli.rehearsal_process", *map(str, given)],
            environment={
                key: value for key, value in session.environ.items() if not key.startswith("KEMP_")
            },
            inherit=given,
        )
        if code != 0:
            return code, None
        answered.seek(0)
        return code, json.load(answered)


def _show(session: Session, result: Mapping[str, Any]) -> None:
    from cli.rehearsal_text import rehearsal_document, rehearsal_text

    session.show(
        result,
        details=lambda: rehearsal_text(result, colour=session.colour),
        name=result["state"],
        markdown=lambda: rehearsal_document(result),
    )
