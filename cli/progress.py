"""A rollout as it goes, on stderr: a live view on a terminal, lines with times elsewhere."""

import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

from cli.session import Session

if TYPE_CHECKING:
    from rich.text import Text

    from orchestrator.rollout.records import Event
    from orchestrator.rollout.status import RunStatus
    from orchestrator.rollout.store import Store

OnEvent = Callable[["Event"], None]

LOOK_S = 0.5
_SHARE = 10
"""Looking takes at most this part of the time: a run of thousands has better things to do."""


@contextmanager
def shown(session: Session, store: "Store", run_id: str) -> Iterator[OnEvent]:
    """Show a run of this process while the context lasts, and send its events on.

    What is yielded is called from several threads.
    """
    with _shown(session, store, run_id) as show, _sent_on(session, show) as hear:
        yield hear


@contextmanager
def told(session: Session) -> Iterator[OnEvent]:
    """Write a line for each event of any number of runs, and send them on."""
    with _sent_on(session, _silent if session.quiet else Lines(many_runs=True)) as hear:
        yield hear


@contextmanager
def _sent_on(session: Session, show: OnEvent) -> Iterator[OnEvent]:
    from cli.telemetry import options_of
    from orchestrator.rollout.telemetry import telemetry

    with telemetry(options_of(session.environ)) as watcher:

        def hear(event: "Event") -> None:
            show(event)
            watcher.hear(event)

        yield hear


@contextmanager
def _shown(session: Session, store: "Store", run_id: str) -> Iterator[OnEvent]:
    if session.quiet:
        yield _silent
    elif on_terminal(session):
        with _live(session, store, run_id) as on_event:
            yield on_event
    else:
        yield Lines()


def on_terminal(session: Session) -> bool:
    """Return whether messages go to a terminal that can be drawn on."""
    return sys.stderr.isatty() and session.environ.get("TERM") != "dumb"


def _silent(_event: "Event") -> None:
    return


_REPEATED = ("waiting", "acting", "healthy")
"""What is told again with every look, though it may say nothing new."""
_ENDS = ("step-ended", "step-failed", "step-stopped")
"""What is kept of a step is forgotten then: a worker sees many."""


class Lines:
    """One line an event; of repeated looks only those that say something new."""

    def __init__(self, *, many_runs: bool = False) -> None:
        """Begin; where there are many runs, each line says of which one it is."""
        self._many_runs = many_runs
        self._last: dict[tuple[str, str | None], str] = {}
        self._guard = threading.Lock()

    def __call__(self, event: "Event") -> None:
        place = (event.run_id, event.step or event.server or event.data.get("service"))
        with self._guard:
            if event.kind in _REPEATED and self._last.get(place) == event.text:
                return
            self._last[place] = event.text
            if event.kind in _ENDS:
                del self._last[place]
            run = f"{event.run_id} " if self._many_runs else ""
            click.echo(f"{run}{event_line(event)}", err=True)


def event_line(event: "Event") -> str:
    """Return an event as one line."""
    stamp = time.strftime("%H:%M:%S", time.localtime(event.at_s))
    place = event.step or event.server
    where = f" {place}" if place else ""
    return f"{stamp} {event.kind:<12}{where} {' '.join(event.text.split())}"


class LiveView:
    """A run on a terminal, drawn anew whenever it was looked at. To be entered once."""

    def __init__(self, session: Session) -> None:
        from rich.console import Console
        from rich.live import Live

        self.console = Console(stderr=True, no_color=bool(session.environ.get("NO_COLOR")))
        self._status: RunStatus | None = None
        self._live = Live(
            get_renderable=self._drawn,
            console=self.console,
            refresh_per_second=2,
            redirect_stdout=False,
            redirect_stderr=False,
        )

    def show(self, status: "RunStatus") -> None:
        """Show how the run stands now."""
        self._status = status

    def say(self, text: str) -> None:
        """Write a line that stays, above the view."""
        self.console.print(text, style="yellow", markup=False, highlight=False)

    def _drawn(self) -> "Text":
        from rich.text import Text

        from cli.run_view import screen_lines

        if self._status is None:
            return Text("")
        lines = screen_lines(
            self._status,
            colour=not self.console.no_color,
            now_s=time.time(),
            width=self.console.width,
            height=self.console.height,
        )
        return Text.from_ansi("\n".join(lines), no_wrap=True, overflow="crop")

    def __enter__(self) -> "LiveView":
        self._live.__enter__()
        return self

    def __exit__(self, *error: Any) -> None:
        self._live.__exit__(*error)


@contextmanager
def _live(session: Session, store: "Store", run_id: str) -> Iterator[OnEvent]:
    from orchestrator.errors import OrchestratorError
    from orchestrator.rollout.status import status

    ended = threading.Event()
    view = LiveView(session)

    def look() -> None:
        # Not stored yet, or the store is away: whoever works on the run says what that means.
        try:
            view.show(status(run_id, store))
        except OrchestratorError:
            return

    def follow() -> None:
        pause_s = LOOK_S
        while not ended.wait(pause_s):
            began_s = time.monotonic()
            look()
            pause_s = max(LOOK_S, _SHARE * (time.monotonic() - began_s))

    def hear(event: "Event") -> None:
        if event.kind == "warning":
            # Must not be gone with the next look.
            view.say(f"warning: {event.text}")

    follower = threading.Thread(target=follow, name="view", daemon=True)
    with view:
        follower.start()
        try:
            yield hear
        finally:
            ended.set()
            follower.join()
            look()
