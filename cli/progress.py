"""A rollout as it goes, on stderr: a live table on a terminal, lines with times elsewhere."""

import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

from cli.session import Session

if TYPE_CHECKING:
    from rich.table import Table

    from orchestrator.rollout.plan import Plan
    from orchestrator.rollout.records import Event

OnEvent = Callable[["Event"], None]

_RUNNING = ("step-started", "acting", "waiting")
_MARKS = {"step-failed": "failed", "server-skipped": "skipped", "step-stopped": "stopped"}


@contextmanager
def shown(session: Session, plan: "Plan") -> Iterator[OnEvent]:
    """Show the events of a run while the context lasts, and send them on where that is wanted.

    What is yielded is called from several threads.
    """
    from cli.telemetry import options_of
    from orchestrator.rollout.telemetry import telemetry

    options = options_of(session.environ)
    with _shown(session, plan) as show, telemetry(options) as watcher:

        def hear(event: "Event") -> None:
            show(event)
            watcher.hear(event)

        yield hear


@contextmanager
def _shown(session: Session, plan: "Plan") -> Iterator[OnEvent]:
    if session.quiet:
        yield _silent
    elif sys.stderr.isatty() and session.environ.get("TERM") != "dumb":
        with _live(session, plan) as on_event:
            yield on_event
    else:
        yield _Lines()


def _silent(_event: "Event") -> None:
    return


class _Lines:
    """One line an event; of repeated looks only those that say something new."""

    def __init__(self) -> None:
        self._last: dict[str | None, str] = {}
        self._guard = threading.Lock()

    def __call__(self, event: "Event") -> None:
        place = event.step or event.server
        with self._guard:
            if event.kind in ("waiting", "acting") and self._last.get(place) == event.text:
                return
            self._last[place] = event.text
            stamp = time.strftime("%H:%M:%S", time.localtime(event.at_s))
            where = f" {place}" if place else ""
            click.echo(f"{stamp} {event.kind:<12}{where} {event.text}", err=True)


class _Board:
    """What the live table shows: the last that was heard of each server."""

    def __init__(self, plan: "Plan") -> None:
        self._rows = {
            name: ["waiting" if plan.server(name).steps else "unchanged", "", ""]
            for batch in plan.batches
            for name in batch
        }
        self._left = {name: len(plan.server(name).steps) for name in self._rows}
        self._guard = threading.Lock()

    def hear(self, event: "Event") -> None:
        """Take in an event."""
        if event.server is None or event.server not in self._rows:
            return
        with self._guard:
            row = self._rows[event.server]
            if event.step is not None:
                row[1] = event.step.partition("/")[2]
            row[2] = event.text
            if event.kind == "step-ended":
                self._left[event.server] -= 1
                row[0] = "done" if self._left[event.server] <= 0 else "working"
            elif event.kind in _RUNNING:
                row[0] = "working"
            else:
                row[0] = _MARKS.get(event.kind, row[0])

    def __rich__(self) -> "Table":
        from rich.table import Table

        styles = {"done": "green", "failed": "bold red", "working": "cyan", "skipped": "yellow"}
        made = Table(box=None, pad_edge=False, expand=False)
        for heading in ("SERVER", "STATE", "STEP", ""):
            made.add_column(heading, no_wrap=heading != "")
        with self._guard:
            for name, (state, step, text) in self._rows.items():
                made.add_row(name, f"[{styles.get(state, 'dim')}]{state}", step, _escaped(text))
        return made


def _escaped(text: str) -> Any:
    from rich.text import Text

    return Text(text, overflow="ellipsis", no_wrap=True)


@contextmanager
def _live(session: Session, plan: "Plan") -> Iterator[OnEvent]:
    from rich.console import Console
    from rich.live import Live

    board = _Board(plan)
    console = Console(stderr=True, no_color=bool(session.environ.get("NO_COLOR")))

    def hear(event: "Event") -> None:
        if event.kind == "warning":
            # Must not be gone with the next event: it stays above the table.
            told = f"warning: {event.text}"
            console.print(told, style="yellow", markup=False, highlight=False)
        board.hear(event)

    with Live(board, console=console, refresh_per_second=5, redirect_stdout=False):
        yield hear
