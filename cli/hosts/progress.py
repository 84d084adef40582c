"""Hosts as they end, on stderr: above a line that says who is still out, or line by line."""

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from cli.host_text import host_line
from cli.hosts.work import to_change
from cli.progress import on_terminal
from cli.session import Session

if TYPE_CHECKING:
    from collections.abc import Callable

    from orchestrator.fleet import HostReport, OnEnd

_NAMED = 3
"""Hosts that are still out and named; the others are a number."""


@contextmanager
def shown(session: Session, planned: "Mapping[str, HostReport]") -> "Iterator[OnEnd]":
    """Show each host with something to change as it ends, while the context lasts.

    What is yielded is called from several threads.
    """
    names = to_change(planned)
    if session.quiet:
        yield lambda _report: None
    elif on_terminal(session):
        with _live(session, names) as say:
            yield _Ended(names, say, colour=not session.environ.get("NO_COLOR"))
    else:
        yield _Ended(names, lambda line, _out: click.echo(line, err=True), colour=False)


class _Ended:
    """Counts the hosts, and says a line of each."""

    def __init__(
        self, names: list[str], say: "Callable[[str, list[str]], None]", *, colour: bool
    ) -> None:
        self._out = list(names)
        self._count = len(names)
        self._width = max(map(len, names), default=0)
        self._say = say
        self._colour = colour
        self._guard = threading.Lock()

    def __call__(self, report: "HostReport") -> None:
        with self._guard:
            self._out.remove(report.name)
            number = f"{self._count - len(self._out):>{len(str(self._count))}}/{self._count}"
            line = host_line(report, width=self._width, colour=self._colour)
            self._say(f"{number}  {line}", self._out)


@contextmanager
def _live(session: Session, names: list[str]) -> "Iterator[Callable[[str, list[str]], None]]":
    from rich.console import Console
    from rich.text import Text

    console = Console(stderr=True, no_color=bool(session.environ.get("NO_COLOR")))
    with console.status(Text(_still_out(names))) as status:

        def say(line: str, out: list[str]) -> None:
            console.print(Text.from_ansi(line), soft_wrap=True)
            status.update(Text(_still_out(out)))

        yield say


def _still_out(names: list[str]) -> str:
    if not names:
        return "all have ended"
    from orchestrator.phrases import first_few

    return f"{len(names)} to go: {first_few(names, _NAMED)}"
