"""``kemp stats``: connections and rates of services and servers."""

import sys
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

import click

from cli.command import Command
from cli.names import find_service
from cli.options import interval_option
from cli.render import Column, as_json, as_yaml, plain, table, write
from cli.session import Session, pass_session

if TYPE_CHECKING:
    from kempsdk import Statistics

SERVICES = (
    Column("SERVICE", "ref"),
    Column("STATUS", "status"),
    Column("ACTIVE", "active_connections", right=True),
    Column("TOTAL", "total_connections", right=True),
    Column("CONN/S", "connections_per_s", right=True),
)
SERVERS = (
    Column("SERVICE", "service"),
    Column("SERVER", "server"),
    Column("ENABLED", "enabled"),
    Column("WEIGHT", "weight", right=True),
    Column("ACTIVE", "active_connections", right=True),
    Column("TOTAL", "total_connections", right=True),
    Column("CONN/S", "connections_per_s", right=True),
)


@click.command(cls=Command)
@click.argument("service", required=False)
@click.option("--watch", is_flag=True, help="Go on until Ctrl-C.")
@interval_option
@click.option("--count", type=click.IntRange(min=1), help="With --watch: end after so many looks.")
@pass_session
def command(
    session: Session, service: str | None, watch: bool, interval_s: float, count: int | None
) -> None:
    """Show connections and rates of all services, or of SERVICE."""
    with session.load_master() as lm:
        index = find_service(lm, service).service.index if service is not None else None

        def read() -> dict[str, object]:
            return _record(lm.statistics.read(), index)

        if not watch:
            _show(session, read())
        elif session.output in ("json", "yaml") or not sys.stdout.isatty():
            _follow(session, read, interval_s, count)
        else:
            _live(session, read, interval_s, count)


def _record(statistics: "Statistics", index: int | None) -> dict[str, object]:
    record = plain(statistics)
    assert isinstance(record, dict)  # noqa: S101 - a dataclass becomes a mapping
    if index is not None:
        record["services"] = [one for one in record["services"] if one["index"] == index]
        record["servers"] = [one for one in record["servers"] if one["vs_index"] == index]
    return record


def _tables(session: Session, record: dict[str, object]) -> str:
    services, servers = record["services"], record["servers"]
    assert isinstance(services, list)  # noqa: S101 - tuples of the model became lists
    assert isinstance(servers, list)  # noqa: S101 - as above
    names = {one["index"]: one["ref"] for one in services}
    rows = [
        {
            **one,
            "service": names.get(one["vs_index"], f"index {one['vs_index']}"),
            "server": f"{one['address']}:{one['port']}",
        }
        for one in servers
    ]
    parts = [table(services, SERVICES, colour=session.colour)]
    if rows:
        parts.append(table(rows, SERVERS, colour=session.colour))
    return "\n\n".join(parts)


def _show(session: Session, record: dict[str, object]) -> None:
    session.show(record, details=lambda: _tables(session, record), name="stats")


def _follow(
    session: Session, read: Callable[[], dict[str, object]], interval_s: float, count: int | None
) -> None:
    clock = session.adapters.clock()
    looks = 0
    while True:
        record = read()
        match session.output:
            case "json":
                write(as_json(record, indent=None))
            case "yaml":
                write("---\n" + as_yaml(record))
            case _:
                stamp = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(clock.time_s()))
                write(f"{stamp}\n{_tables(session, record)}\n")
        sys.stdout.flush()
        looks += 1
        if looks == count:
            return
        clock.sleep(interval_s)


def _live(
    session: Session, read: Callable[[], dict[str, object]], interval_s: float, count: int | None
) -> None:
    from rich.console import Console
    from rich.live import Live
    from rich.text import Text

    clock = session.adapters.clock()
    console = Console(no_color=not session.colour)
    with Live(console=console, auto_refresh=False) as live:
        looks = 0
        while True:
            live.update(Text.from_ansi(_tables(session, read())), refresh=True)
            looks += 1
            if looks == count:
                return
            clock.sleep(interval_s)
