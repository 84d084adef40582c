"""The verbs of ``kemp rollout`` that follow a run from any process: watch, logs."""

import dataclasses
import sys
import time
from typing import TYPE_CHECKING

import click

from cli.command import Command
from cli.exit_codes import ExitCode
from cli.rollout.options import run_argument
from cli.rollout.stored_runs import conclusion, newest, open_store
from cli.session import Session, pass_session

if TYPE_CHECKING:
    from orchestrator.rollout.records import Event
    from orchestrator.rollout.status import RunStatus
    from orchestrator.rollout.store import Store

_LOOK_S = 1.0


@click.command(cls=Command)
@run_argument
@pass_session
def watch(session: Session, run_id: str | None) -> ExitCode:
    """Follow a run as it goes, whoever works on it: one line a server; the newest unless named.

    Live on a terminal; elsewhere a line whenever something of a server has changed. It ends
    with the run, or when it pauses; Ctrl-C ends the watching only.
    """
    from cli.progress import on_terminal

    with open_store(session) as store:
        chosen = run_id or newest(store, None)
        try:
            end = (_live if on_terminal(session) else _plain)(session, store, chosen)
        except KeyboardInterrupt:
            session.say(f"no longer watched; run {chosen} is left as it is")
            return ExitCode.OK
    return conclusion(
        session,
        end.run_id,
        end.state,
        outcomes=[outcome for outcome, count in end.counts.items() if count],
        gates={one.gate for one in (*end.servers, *end.gates)},
    )


def _live(session: Session, store: "Store", run_id: str) -> "RunStatus":
    from cli.progress import LiveView

    with LiveView(session) as view:
        while True:
            view.show(found := _look(store, run_id))
            if found.over:
                return found
            session.adapters.clock().sleep(_LOOK_S)


def _plain(session: Session, store: "Store", run_id: str) -> "RunStatus":
    from cli.run_view import cells, head_lines

    told: dict[str, tuple[str, ...]] = {}
    head = ""
    while True:
        found = _look(store, run_id)
        now_s = session.adapters.clock().time_s()
        if found.state != head:
            head = found.state
            click.echo("\n".join(head_lines(found, now_s=now_s)))
        stamp = time.strftime("%H:%M:%S", time.localtime(now_s))
        for one in [*found.servers, *found.gates]:
            server, phase, left, floor, took, words = cells(found, one, now_s=now_s)
            now = (phase, left, floor, words)
            if told.get(one.name) != now:
                told[one.name] = now
                said = [phase, *([f"left {left}"] if left else []), floor, took, words]
                click.echo(f"{stamp} {server}  " + "  ".join(filter(None, said)))
        sys.stdout.flush()
        if found.over:
            return found
        session.adapters.clock().sleep(_LOOK_S)


def _look(store: "Store", run_id: str) -> "RunStatus":
    from orchestrator.rollout.status import status

    return status(run_id, store)


@click.command(cls=Command)
@run_argument
@click.option("-F", "--follow", is_flag=True, help="Go on with what happens, until the run stands.")
@click.option("--server", help="Only what is about this server or gate.")
@click.option("--last", type=click.IntRange(min=1), metavar="N", help="Only the last N events.")
@pass_session
def logs(
    session: Session, run_id: str | None, follow: bool, server: str | None, last: int | None
) -> None:
    """Show what happened in a run, event by event; the newest unless named.

    With --output json each event is one line of JSON, its number with it.
    """
    from orchestrator.rollout.status import status

    with open_store(session) as store:
        chosen = run_id or newest(store, None)
        store.standing(chosen)
        tail = store.last_events(chosen, last) if last is not None else ()
        told = tail[0][0] - 1 if tail else 0
        try:
            while True:
                # Asked before the events are: what came right before the end is among them.
                over = not follow or status(chosen, store).over
                for number, event in store.events(chosen, after=told):
                    told = number
                    if server in (None, event.server):
                        _tell(session, number, event)
                sys.stdout.flush()
                if over:
                    return
                session.adapters.clock().sleep(_LOOK_S)
        except KeyboardInterrupt:
            return


def _tell(session: Session, number: int, event: "Event") -> None:
    from cli.progress import event_line
    from cli.render import as_json, as_yaml, write

    record = {"number": number, **dataclasses.asdict(event)}
    match session.output:
        case "json":
            write(as_json(record, indent=None))
        case "yaml":
            write("---\n" + as_yaml(record))
        case "name":
            write(str(number))
        case _:
            write(event_line(event))
