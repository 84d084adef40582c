"""What a demonstration looks like: live on a terminal, lines in a log, a table at the end."""

from collections import defaultdict
from types import TracebackType
from typing import TYPE_CHECKING, Any

from cli.session import Session

if TYPE_CHECKING:
    from orchestrator.lab.demo import DemoResult
    from orchestrator.lab.demo_events import DemoEvent

_WORDS = {"step-started": "…", "step-ended": "ok", "step-failed": "REFUSED", "waiting": "…"}


class PlainView:
    """One line an event, with the seconds since the start, on stderr."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def show(self, event: "DemoEvent") -> None:
        """Write an event that somebody reading the log later would miss."""
        line = _line(event)
        if line:
            self._session.say(f"{event.at_s:6.1f}s {line}")

    def __enter__(self) -> "PlainView":
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing is left open."""


def _line(event: "DemoEvent") -> str:
    if event.kind == "stage":
        return f"== {event.text}"
    if event.kind != "rollout":
        return f"   {event.text}"
    if event.data["event"] not in ("step-ended", "step-failed", "run-paused"):
        return ""
    step = event.data["step"] or ""
    return f"   {step:24} {event.text}"


class LiveView:
    """Servers, their steps and the load, redrawn in place on stderr."""

    def __init__(self, hosts: int, session: Session) -> None:
        from rich.console import Console
        from rich.live import Live

        self._console = Console(stderr=True, no_color=bool(session.environ.get("NO_COLOR")))
        self._stage = ""
        self._load: dict[str, Any] = {"total": 0, "failed": 0, "by_server": {}}
        self._steps: dict[str, tuple[str, str, str]] = {
            f"web{number}": ("", "", "") for number in range(1, hosts + 1)
        }
        self._live = Live(console=self._console, get_renderable=self._table, refresh_per_second=8)

    def __enter__(self) -> "LiveView":
        self._live.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._live.stop()

    def show(self, event: "DemoEvent") -> None:
        """Take an event in; the picture follows."""
        if event.kind == "load":
            self._load = dict(event.data)
        elif event.kind == "rollout":
            server, step = event.data["server"], event.data["step"]
            word = _WORDS.get(event.data["event"])
            if server in self._steps and step and word:
                self._steps[server] = (step.rpartition("/")[2], word, event.text)
        else:
            mark = "==" if event.kind == "stage" else "  "
            self._console.print(f"{event.at_s:6.1f}s {mark} {event.text}", highlight=False)

    def _table(self) -> Any:
        from rich.table import Table

        total, failed = self._load["total"], self._load["failed"]
        table = Table(
            title=f"{total} requests, {failed} failed",
            title_style="bold red" if failed else "bold green",
            expand=False,
        )
        for heading in ("server", "requests", "step", "", ""):
            table.add_column(heading, max_width=70, no_wrap=True)
        for name, (step, word, text) in self._steps.items():
            served = str(self._load["by_server"].get(name, 0))
            table.add_row(name, served, step, word, text)
        return table


def print_evidence(result: "DemoResult", *, colour: bool) -> None:
    """Write the evidence to stdout as tables."""
    from rich.console import Console

    console = Console(no_color=not colour, highlight=False, width=None if colour else 110)
    for part in _evidence(result):
        console.print(part)


def _evidence(result: "DemoResult") -> list[Any]:
    from rich.markup import escape

    measured = result.measured
    verdict = (
        "every invariant held"
        if result.held
        else "BROKEN: " + ", ".join(one.id for one in result.invariants if not one.held)
    )
    parts: list[Any] = ["", _requests(result), _steps(result), _arp(result), _invariants(result)]
    if result.refusals:
        parts.append("what kemp said when it was handed this order as a plan:")
    parts += [f"  [yellow]{escape(refusal)}[/yellow]" for refusal in result.refusals]
    style = "bold green" if result.held else "bold red"
    load = measured.load
    parts.append(
        f"[{style}]{load.total} requests, {load.failed} failed, "
        f"{measured.seconds:.0f} s: {verdict}[/{style}]"
    )
    parts += [f"  failed: {escape(failure)}" for failure in load.failures[:3]]
    return parts


def _requests(result: "DemoResult") -> Any:
    from rich.table import Table

    load = result.measured.load
    table = Table(title="requests by phase", title_justify="left")
    for heading in ("phase", "sent", "failed", *result.measured.servers):
        table.add_column(heading, justify="left" if heading == "phase" else "right")
    for name, phase in load.by_phase.items():
        served = [str(phase.by_server.get(server, 0)) for server in result.measured.servers]
        table.add_row(name, str(phase.total), _bad(phase.failed), *served)
    served = [str(load.by_server.get(server, 0)) for server in result.measured.servers]
    table.add_section()
    table.add_row("all", str(load.total), _bad(load.failed), *served)
    return table


def _bad(count: int) -> str:
    return f"[red]{count}[/red]" if count else "0"


def _steps(result: "DemoResult") -> Any:
    from rich.table import Table

    table = Table(title="seconds per server and step", title_justify="left")
    table.add_column("rollout, step")
    for server in result.measured.servers:
        table.add_column(server, justify="right")
    seconds: defaultdict[tuple[str, str, str], float] = defaultdict(float)
    rows: dict[tuple[str, str], None] = {}
    for step in result.measured.steps:
        run = "add" if step.run.startswith("add") else step.run
        rows[run, step.step] = None
        seconds[run, step.step, step.server] += step.seconds
    shown = ""
    for run, name in sorted(rows, key=lambda row: [one[0] for one in rows].index(row[0])):
        if run != shown:
            table.add_section()
            shown = run
        cells = [
            f"{seconds[run, name, server]:.1f}" if (run, name, server) in seconds else ""
            for server in result.measured.servers
        ]
        table.add_row(f"{run}: {name}", *cells)
    return table


def _arp(result: "DemoResult") -> Any:
    from rich.table import Table

    measured = result.measured
    stations = ("lb", *measured.servers)
    table = Table(title="on the wire", title_justify="left")
    table.add_column("")
    for station in stations:
        table.add_column(station, justify="right")
    rows = (
        ("answered ARP for the VIP", measured.answered),
        ("named the VIP as ARP sender", measured.claimed),
        ("replies that reached the router", measured.replies),
    )
    for text, counts in rows:
        table.add_row(text, *(str(counts.get(station, 0)) for station in stations))
    table.add_row(
        "replies through the load balancer", str(measured.returned), *[""] * (len(stations) - 1)
    )
    return table


def _invariants(result: "DemoResult") -> Any:
    from rich.table import Table

    table = Table(title="invariants", title_justify="left")
    for heading in ("", "id", "what must hold", "seen"):
        table.add_column(heading)
    for one in result.invariants:
        mark = "[green]held[/green]" if one.held else "[red]BROKEN[/red]"
        table.add_row(mark, one.id, one.statement, one.seen)
    return table
