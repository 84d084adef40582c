"""``kemp rollout plan``, and the plans that other verbs begin with."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from cli.command import Command
from cli.exit_codes import ExitCode, Failure
from cli.plan_text import plan_text
from cli.rollout.options import file_option, one_of, place_argument
from cli.rollout.stored_runs import open_store
from cli.session import Session, pass_session

if TYPE_CHECKING:
    from orchestrator.rollout.adapters import Adapters
    from orchestrator.rollout.plan import Plan
    from orchestrator.spec import Spec


@click.command(cls=Command)
@place_argument
@file_option
@click.option(
    "--save", type=click.Path(dir_okay=False, path_type=Path), help="Keep the plan to run later."
)
@click.option("--schema", is_flag=True, help="Print the JSON Schema of a plan instead.")
@pass_session
def plan(
    session: Session, place: str | None, file: str | None, save: Path | None, schema: bool
) -> ExitCode:
    """Show what a rollout would do; changes nothing. Exit code 20: nothing to do."""
    if schema:
        from cli.render import write
        from orchestrator.rollout.plan import plan_schema

        write(plan_schema().rstrip())
        return ExitCode.OK
    made = make(session, one_of(place, file))
    if save is not None:
        session.keep(save, made.to_json() + "\n", what="plan")
    session.show(
        made.to_data(),
        details=lambda: plan_text(made, colour=session.colour),
        name=made.fingerprint,
    )
    return ExitCode.NOTHING_TO_DO if made.empty else ExitCode.OK


def make(session: Session, file: str | None, *, alone: bool = False) -> "Plan":
    """Read everything a rollout file is about, and return the plan made from it.

    Args:
        alone: refuse while another run holds one of the services.
    """
    from orchestrator.inventory import load_spec
    from orchestrator.rollout.facts import read_facts
    from orchestrator.rollout.planner import make_plan

    if file is None:
        raise click.UsageError("name the rollout file")
    spec = load_spec(file)
    with session.adapters.rollout(spec, session) as adapters:
        if alone:
            _refuse_second_run(session, spec, adapters)
        return make_plan(spec, read_facts(spec, adapters))


def _refuse_second_run(session: Session, spec: "Spec", adapters: "Adapters") -> None:
    """Say early that another run holds one of the services.

    The run itself takes the locks. But a plan made while another run has a server out is
    refused for the server that is missing, which would hide why it is.
    """
    from orchestrator.rollout.appliances import read_appliance
    from orchestrator.rollout.facts import services_of
    from orchestrator.rollout.plan_locks import service_locks

    services = services_of(spec)
    names = dict.fromkeys(key.loadmaster for key in services)
    appliances = {name: read_appliance(adapters.loadmaster(name)) for name in names}
    wanted = [
        lock
        for key in services
        for lock in service_locks(spec, key.loadmaster, str(key.vs), appliances[key.loadmaster])
    ]
    with open_store(session) as store:
        store.locks.check(wanted, now_s=session.adapters.clock().time_s())


def read_plan(place: Path) -> "Plan":
    """Return a plan that was kept with ``plan --save``."""
    from orchestrator.errors import OrchestratorError
    from orchestrator.rollout.plan import Plan

    try:
        return Plan.from_json(place.read_text(encoding="utf-8"))
    except OSError as error:
        raise Failure(f"{place}: {error.strerror}", ExitCode.INVALID_FILE) from None
    except (OrchestratorError, UnicodeDecodeError) as error:
        raise Failure(f"{place}: {error}", ExitCode.INVALID_FILE) from None
