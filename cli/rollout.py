"""``kemp rollout``: plan, run and follow safe changes of the servers behind a service."""

import signal
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cli.command import Group, run_alone
from cli.exit_codes import ExitCode, Failure
from cli.plan_text import hosts_record, plan_text, report_text, steps_record, when
from cli.render import Column, markdown, table
from cli.session import Session, pass_session

if TYPE_CHECKING:
    from types import FrameType

    from orchestrator.rollout.plan import Plan
    from orchestrator.rollout.records import Event
    from orchestrator.rollout.report import RunReport
    from orchestrator.rollout.store import Store
    from orchestrator.spec import Spec

_file_option = click.option(
    "-f", "--file", "file", type=click.Path(dir_okay=False), metavar="FILE", help="Rollout file."
)
_place_argument = click.argument("place", metavar="[FILE]", required=False)
_yes_option = click.option("--yes", is_flag=True, help="Do not ask.")
_HOST_COLUMNS = (
    Column("HOST", "host"),
    Column("SERVER", "server"),
    Column("OUTCOME", "outcome"),
    Column("SECONDS", "seconds", right=True),
    Column("WHY", "reason"),
)
_RESUMABLE = ("paused", "interrupted")
_run_argument = click.argument("run_id", metavar="[RUN]", required=False)


@click.group(
    cls=Group,
    invoke_without_command=True,
    help="Plan and run safe rolling changes of servers; without a verb: plan.",
)
@_file_option
@click.pass_context
def command(ctx: click.Context, file: str | None) -> object:
    """Plan, where only a file is named: changing anything takes a word more."""
    if ctx.invoked_subcommand is None:
        if file is None:
            click.echo(ctx.get_help(), err=True)
            return ExitCode.USAGE
        return run_alone(ctx, plan, "--file", file)
    if file is not None:
        raise click.UsageError(f"-f comes after {ctx.invoked_subcommand}")
    return None


@command.command()
@_place_argument
@_file_option
@click.option(
    "--save", type=click.Path(dir_okay=False, path_type=Path), help="Keep the plan to run later."
)
@pass_session
def plan(session: Session, place: str | None, file: str | None, save: Path | None) -> ExitCode:
    """Show what a rollout would do; changes nothing."""
    made = _make(session, _one_of(place, file))
    if save is not None:
        save.write_text(made.to_json() + "\n", encoding="utf-8")
        session.say(f"plan written to {save}")
    session.show(
        made.to_data(),
        details=lambda: plan_text(made, colour=session.colour),
        name=made.fingerprint,
    )
    return ExitCode.NOTHING_TO_DO if made.empty else ExitCode.OK


@command.command("run")
@_place_argument
@_file_option
@click.option(
    "--plan",
    "plan_file",
    type=click.Path(dir_okay=False, path_type=Path),
    help='Run this plan of "plan --save", if nothing has moved since.',
)
@click.option("--detach", is_flag=True, help="Leave it to the workers (kemp worker).")
@_yes_option
@pass_session
def run_command(
    session: Session,
    place: str | None,
    file: str | None,
    plan_file: Path | None,
    detach: bool,
    yes: bool,
) -> ExitCode:
    """Run a rollout: show the plan, ask, work, report."""
    file = _one_of(place, file)
    if plan_file is not None and file is not None:
        raise click.UsageError("give a rollout file or --plan, not both")
    made = _read_plan(plan_file) if plan_file is not None else _make(session, file, alone=True)
    session.say(plan_text(made, colour=False))
    if made.empty:
        return ExitCode.OK
    touched = sum(bool(one.steps) for one in made.servers)
    session.confirm(f"{touched} hosts will be worked on.", str(touched), yes=yes)

    from cli.progress import shown
    from cli.worker import operator
    from orchestrator.inventory import spec_from_data
    from orchestrator.rollout.run import enqueue, new_run_id, run_rollout

    if detach:
        with _store(session) as store:
            now_s = session.adapters.clock().time_s()
            queued = enqueue(made, store, now_s=now_s, operator=operator())
            if not any(one.serves for one in store.workers.all()):
                session.warn("no worker serves the store now; it waits for one (kemp worker)")
        session.say(f"run {queued} is queued; see: kemp rollout status {queued}")
        return ExitCode.OK

    run_id = new_run_id()
    session.say(f"run {run_id}; if it stops: kemp rollout resume {run_id}")
    with (
        _store(session) as store,
        session.adapters.rollout(spec_from_data(made.spec), session) as adapters,
        _pause_on_signal() as stop,
        shown(session, made) as on_event,
    ):
        end = run_rollout(
            made,
            adapters,
            store,
            on_event=on_event,
            run_id=run_id,
            stop=stop,
            operator=operator(),
        )
    return _conclude(session, end)


@command.command()
@_run_argument
@pass_session
def resume(session: Session, run_id: str | None) -> ExitCode:
    """Go on with a run that paused or was killed; the newest such run unless named.

    Asks nothing: the plan was confirmed when the run began.
    """
    from cli.progress import shown
    from orchestrator.inventory import spec_from_data
    from orchestrator.rollout.run import resume as go_on

    with _store(session) as store:
        chosen = run_id or _newest(store, _RESUMABLE)
        made = store.run(chosen).plan
        session.say(f"run {chosen} ({made.title}) goes on")
        with (
            session.adapters.rollout(spec_from_data(made.spec), session) as adapters,
            _pause_on_signal() as stop,
            shown(session, made) as on_event,
        ):
            end = go_on(chosen, adapters, store, on_event=on_event, stop=stop)
    return _conclude(session, end)


@command.command()
@_run_argument
@pass_session
def status(session: Session, run_id: str | None) -> None:
    """Show how a run stands; the newest unless named."""
    with _store(session) as store:
        found = _report(store, run_id)
    session.show(
        found.to_data(),
        details=lambda: report_text(found, colour=session.colour),
        name=found.run_id,
    )
    if found.state in _RESUMABLE:
        session.say(f"to go on: kemp rollout resume {found.run_id}")


@command.command()
@_run_argument
@click.option(
    "--html",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Write it as one self-contained page, with the servers' phases as a picture.",
)
@pass_session
def report(session: Session, run_id: str | None, html: Path | None) -> None:
    """Show every step of a run with its time and evidence; the newest run unless named."""
    with _store(session) as store:
        found = _report(store, run_id)
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
        return "\n\n".join(
            [
                f"# {found.kind.capitalize()} of {', '.join(found.services)}: {found.state}",
                f"Run `{found.run_id}`, begun {when(found.started_s)}, "
                f"ended {when(found.ended_s) if found.ended_s else 'not yet'}. "
                f"{markdown(found.reason)}",
                f"## Servers\n\n{hosts}",
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

    try:
        place.write_text(report_page(history(found, events)), encoding="utf-8")
    except OSError as error:
        raise Failure(f"{place}: {error.strerror}", ExitCode.INVALID_FILE) from None
    session.say(f"run {found.run_id} written to {place}")


@command.command("list")
@pass_session
def list_runs(session: Session) -> None:
    """List the runs, newest first."""
    from orchestrator.rollout.report import summaries

    with _store(session) as store:
        found = summaries(store)
    session.show_list(
        found,
        (
            Column("RUN", "run"),
            Column("STATE", "state"),
            Column("KIND", "kind"),
            Column("SERVICES", "services"),
            Column("BEGUN", "begun"),
            Column("REASON", "reason"),
        ),
        row=lambda one: {
            "run": one.run_id,
            "state": one.state,
            "kind": one.kind,
            "services": ", ".join(one.services),
            "begun": when(one.started_s),
            "reason": one.reason,
        },
        name=lambda one: one.run_id,
        empty="no runs",
    )


@command.command()
@click.argument("run_id", metavar="RUN")
@click.option("--reason", default="given up by the operator", show_default=True)
@_yes_option
@pass_session
def abandon(session: Session, run_id: str, reason: str, yes: bool) -> None:
    """Give up a run as it stands and free its services and hosts; changes nothing on them."""
    from orchestrator.rollout.run import abandon as give_up

    session.confirm(f"Run {run_id} can not be resumed afterwards.", run_id, yes=yes)
    with _store(session) as store:
        give_up(run_id, store, now_s=session.adapters.clock().time_s(), reason=reason)
    session.say(f"run {run_id} abandoned")


@command.command()
@pass_session
def locks(session: Session) -> None:
    """Show which services and hosts are held, by which run, for whom, since when and why."""
    with _store(session) as store:
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


@command.command()
@click.argument("resource")
@click.option("--run", "run_id", required=True, metavar="RUN", help="The run that holds it.")
@_yes_option
@pass_session
def unlock(session: Session, resource: str, run_id: str, yes: bool) -> None:
    """Break one lock of a run that nobody works on; its name is that of "locks"."""
    session.confirm(f"Another run may then work on {resource}.", run_id, yes=yes)
    with _store(session) as store:
        store.locks.break_one(resource, run_id=run_id)
    session.say(f"{resource} is free")


def _one_of(place: str | None, file: str | None) -> str | None:
    if place is not None and file is not None:
        raise click.UsageError("name the rollout file once")
    return place or file


def _make(session: Session, file: str | None, *, alone: bool = False) -> "Plan":
    from orchestrator.inventory import load_spec
    from orchestrator.rollout.facts import read_facts
    from orchestrator.rollout.planner import make_plan

    if file is None:
        raise click.UsageError("name the rollout file")
    spec = load_spec(file)
    if alone:
        _refuse_second_run(session, spec)
    with session.adapters.rollout(spec, session) as adapters:
        return make_plan(spec, read_facts(spec, adapters))


def _refuse_second_run(session: Session, spec: "Spec") -> None:
    """Say early that another run holds one of the services.

    The run itself takes the locks. But a plan made while another run has a server out is
    refused for the server that is missing, which would hide why it is.
    """
    from orchestrator.errors import Locked
    from orchestrator.rollout.facts import services_of
    from orchestrator.rollout.plan_locks import service_lock

    wanted = {service_lock(spec, key.loadmaster, str(key.vs)) for key in services_of(spec)}
    now_s = session.adapters.clock().time_s()
    with _store(session) as store:
        for lock in store.locks.all():
            if lock.resource in wanted and lock.expires_s > now_s:
                raise Locked(
                    f"{lock.resource} is held by run {lock.run_id} ({lock.reason})",
                    owner=lock.run_id,
                )


def _read_plan(place: Path) -> "Plan":
    from orchestrator.errors import OrchestratorError
    from orchestrator.rollout.plan import Plan

    try:
        return Plan.from_json(place.read_text(encoding="utf-8"))
    except OSError as error:
        raise Failure(f"{place}: {error.strerror}", ExitCode.INVALID_FILE) from None
    except (OrchestratorError, UnicodeDecodeError) as error:
        raise Failure(f"{place}: {error}", ExitCode.INVALID_FILE) from None


@contextmanager
def _store(session: Session) -> "Iterator[Store]":
    from orchestrator.rollout.store import Store

    with Store(session.store_place) as store:
        yield store


def _report(store: "Store", run_id: str | None) -> "RunReport":
    from orchestrator.rollout.report import report as read

    return read(run_id or _newest(store, None), store)


def _newest(store: "Store", states: tuple[str, ...] | None) -> str:
    from orchestrator.rollout.report import summaries

    for one in summaries(store):
        if states is None or one.state in states:
            return one.run_id
    wanted = "" if states is None else f" that is {' or '.join(states)}"
    raise Failure(f"there is no run{wanted}", ExitCode.NOT_FOUND)


@contextmanager
def _pause_on_signal() -> Iterator[threading.Event]:
    """Make SIGTERM a pause, as the engine makes Ctrl-C one: the step in hand ends first."""
    stop = threading.Event()

    def pause(_number: int, _frame: "FrameType | None") -> None:
        stop.set()

    before = signal.signal(signal.SIGTERM, pause)
    try:
        yield stop
    finally:
        signal.signal(signal.SIGTERM, before)


def _conclude(session: Session, end: "RunReport") -> ExitCode:
    session.show(
        end.to_data(), details=lambda: report_text(end, colour=session.colour), name=end.run_id
    )
    if end.finished:
        return ExitCode.OK
    failed = any(host.outcome == "failed" for host in end.hosts.values())
    session.say(f"to go on: kemp rollout resume {end.run_id}")
    return ExitCode.PARTIAL if failed else ExitCode.STOPPED


def _ask(session: Session, run_id: str, kind: str, target: str, note: str) -> None:
    """Leave a wish in the mailbox of a run; whoever works on it answers."""
    from cli.worker import operator
    from orchestrator.rollout.records import RequestKind

    with _store(session) as store:
        asked = store.requests.ask(
            run_id,
            RequestKind(kind),
            target,
            asked_by=operator(),
            now_s=session.adapters.clock().time_s(),
            note=note,
            once=kind == "approve",
        )
    session.say(f"asked run {run_id}: {asked.words}")


_wanted_run = click.argument("run_id", metavar="RUN")
_wanted_server = click.argument("server", metavar="SERVER")
_note_option = click.option("--note", default="", help="Why; kept with the run.")


@command.command()
@_wanted_run
@click.option("--now", is_flag=True, help="Break off waiting; else servers in hand are finished.")
@_note_option
@pass_session
def pause(session: Session, run_id: str, now: bool, note: str) -> None:
    """Ask a run to pause; resume goes on with it."""
    _ask(session, run_id, "pause", "now" if now else "", note)


@command.command()
@_wanted_run
@_note_option
@pass_session
def abort(session: Session, run_id: str, note: str) -> None:
    """Ask a run that goes on to stop and end as it stands; undo takes it back."""
    _ask(session, run_id, "abort", "", note)


@command.command()
@_wanted_run
@_wanted_server
@_note_option
@pass_session
def skip(session: Session, run_id: str, server: str, note: str) -> None:
    """Ask a run to leave a server out, put back if all it lost is its traffic."""
    _ask(session, run_id, "skip", server, note)


@command.command()
@_wanted_run
@_wanted_server
@_note_option
@pass_session
def retry(session: Session, run_id: str, server: str, note: str) -> None:
    """Ask that of the servers that failed only this one is tried again; then resume."""
    _ask(session, run_id, "retry", server, note)


@command.command()
@_wanted_run
@click.argument("gate", metavar="[GATE]", default="batch 1")
@_note_option
@pass_session
def approve(session: Session, run_id: str, gate: str, note: str) -> None:
    """Approve the first batch of a run, so that the others follow."""
    _ask(session, run_id, "approve", gate, note)


@command.command()
@_wanted_run
@_yes_option
@pass_session
def undo(session: Session, run_id: str, yes: bool) -> ExitCode:
    """Take a run back: show the plan, ask, work, report."""
    from cli.progress import shown
    from cli.worker import operator
    from orchestrator.inventory import spec_from_data
    from orchestrator.rollout.run import plan_undo, run_rollout

    with _store(session) as store:
        spec = spec_from_data(store.run(run_id).plan.spec)
        with session.adapters.rollout(spec, session) as adapters, _pause_on_signal() as stop:
            made = plan_undo(run_id, adapters, store)
            session.say(plan_text(made, colour=False))
            if made.empty:
                return ExitCode.NOTHING_TO_DO
            touched = sum(bool(one.steps) for one in made.servers)
            session.confirm(f"{touched} hosts will be worked on.", str(touched), yes=yes)
            with shown(session, made) as on_event:
                end = run_rollout(
                    made, adapters, store, on_event=on_event, stop=stop, operator=operator()
                )
    return _conclude(session, end)
