"""``kemp rs``: the real servers of a service."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from cli.command import group
from cli.names import find_server, find_service, server_reference
from cli.options import interval_option, yes_option
from cli.render import details, plain
from cli.session import Session, pass_session
from cli.settings import given, parse
from cli.virtual_services import SERVER_COLUMNS, label, server_row
from kempsdk.references import check_address
from orchestrator.errors import GateRefused

if TYPE_CHECKING:
    from kempsdk import Forward, RsRef, VirtualService


@group("Real servers: add, enable, disable, drain, delete.")
def command() -> None:
    """Hold the verbs."""


@command.command("list")
@click.argument("service")
@pass_session
def list_servers(session: Session, service: str) -> None:
    """List the real servers of a service."""
    with session.load_master() as lm:
        servers = find_service(lm, service).service.real_servers
    session.show_list(
        servers,
        SERVER_COLUMNS,
        row=server_row,
        name=lambda one: str(one.ref),
        empty=f"{service} has no real servers",
    )


@command.command()
@click.argument("service")
@click.argument("server")
@pass_session
def show(session: Session, service: str, server: str) -> None:
    """Show one real server of a service."""
    with session.load_master() as lm:
        target = find_service(lm, service)
        found = find_server(target.service.real_servers, server, service=service)
    record = plain(found)
    assert isinstance(record, dict)  # noqa: S101 - a dataclass becomes a mapping
    record.pop("extra", None)
    session.show(found, details=lambda: details(record, colour=session.colour), name=str(found.ref))


def _server_options(function: Any) -> Any:
    for option in (
        click.option("--allow", multiple=True, metavar="RULE", help="Break this rule knowingly."),
        click.option("--non-local/--local", default=None, help="Outside the local networks."),
        click.option("--critical/--not-critical", default=None, help="Service down without it."),
        click.option("--rate-limit", type=int, metavar="N", help="Connections per second."),
        click.option("--limit", type=int, metavar="N", help="Most connections; 0: no limit."),
        click.option("--weight", type=int, metavar="N", help="Relative share, 1 to 65535."),
        click.option("--forward", metavar="WORD", help="nat, or route for DSR."),
    ):
        function = option(function)
    return function


@command.command()
@click.argument("service")
@click.argument("server", metavar="ADDRESS[:PORT]")
@_server_options
@click.option("--enabled/--disabled", "enable", default=None, help="Start without traffic.")
@pass_session
def add(
    session: Session, /, service: str, server: str, allow: tuple[str, ...], **options: Any
) -> None:
    """Add a real server to a service."""
    from kempsdk import Forward

    settings = _settings(options)
    with session.load_master() as lm:
        target = find_service(lm, service)
        ref = server_reference(server, port=target.service.port)
        _check(target.service, ref, settings.get("forward", Forward.NAT), allow)
        made = lm.real_servers.add(target.ref, ref, **settings)
    session.changed(f"{made.ref} added to {target.ref}", made, name=str(made.ref))


@command.command("set")
@click.argument("service")
@click.argument("server")
@_server_options
@click.option("--new-port", type=int, metavar="PORT", help="Move it to another port.")
@pass_session
def set_server(
    session: Session, /, service: str, server: str, allow: tuple[str, ...], **options: Any
) -> None:
    """Change settings of a real server and read them back."""
    from kempsdk import RsRef

    settings = _settings(options)
    if not settings:
        raise click.UsageError("nothing to set")
    with session.load_master() as lm:
        target = find_service(lm, service)
        found = find_server(target.service.real_servers, server, service=service)
        after = RsRef(found.ref.address, settings.get("new_port", found.ref.port))
        _check(target.service, after, settings.get("forward", found.forward), allow)
        now = lm.real_servers.update(target.ref, found.ref, **settings)
    session.changed(
        f"{now.ref} in {target.ref} changed: {', '.join(settings)}", now, name=str(now.ref)
    )


def _settings(options: dict[str, Any]) -> dict[str, Any]:
    from kempsdk.settings import RsSettings

    settings = given(options)
    if "forward" in settings:
        settings |= parse(RsSettings, [f"forward={settings['forward']}"])
    return settings


def _check(
    service: "VirtualService", ref: "RsRef", forward: "Forward", allow: Sequence[str]
) -> None:
    from orchestrator.rules import check_real_server, enforce

    enforce(check_real_server(service, ref, forward), allow=allow)


_FLOOR = "last-server"


def _keep_one(service: "VirtualService", ref: "RsRef", allow: Sequence[str]) -> None:
    """Refuse to take away the last server that is up."""
    from kempsdk import RsStatus

    up = [one.ref for one in service.real_servers if one.status is RsStatus.UP]
    if up == [ref] and _FLOOR not in allow:
        raise GateRefused(
            f"{ref} is the only server of {label(service)} that is up; "
            f"--allow {_FLOOR} takes the service down",
            gate="floor",
            evidence=[f"{one.ref} is {one.status.value}" for one in service.real_servers],
        )


def _switch(
    session: Session, words: tuple[str, ...], *, everywhere: bool, on: bool, allow: Sequence[str]
) -> None:
    word = "enabled" if on else "disabled"
    if len(words) != (1 if everywhere else 2):
        raise click.UsageError("name SERVICE and SERVER, or only ADDRESS with --everywhere")
    with session.load_master() as lm:
        if everywhere:
            address = check_address(words[0], field="address")
            if not on:
                for service in lm.virtual_services.list():
                    for one in service.real_servers:
                        if one.ref.address == address:
                            _keep_one(service, one.ref, allow)
            servers = lm.real_servers
            (servers.enable_everywhere if on else servers.disable_everywhere)(address)
            session.say(f"{address} {word} everywhere")
            return
        target = find_service(lm, words[0])
        found = find_server(target.service.real_servers, words[1], service=words[0])
        if on:
            now = lm.real_servers.enable_in(target.ref, found.ref)
        else:
            _keep_one(target.service, found.ref, allow)
            now = lm.real_servers.disable_in(target.ref, found.ref)
    session.changed(f"{found.ref} {word} in {target.ref}", now, name=str(found.ref))


_WORDS = "SERVICE SERVER | ADDRESS --everywhere"
_allow_option = click.option(
    "--allow", multiple=True, metavar="RULE", help=f"{_FLOOR}: even the last one that is up."
)
_everywhere_option = click.option(
    "--everywhere", is_flag=True, help="In every service of the LoadMaster."
)


@command.command()
@click.argument("words", nargs=-1, metavar=_WORDS)
@_everywhere_option
@pass_session
def enable(session: Session, words: tuple[str, ...], everywhere: bool) -> None:
    """Give a server traffic, in one service or everywhere."""
    _switch(session, words, everywhere=everywhere, on=True, allow=())


@command.command()
@click.argument("words", nargs=-1, metavar=_WORDS)
@_everywhere_option
@_allow_option
@pass_session
def disable(
    session: Session, words: tuple[str, ...], everywhere: bool, allow: tuple[str, ...]
) -> None:
    """Give a server no new connections, in one service or everywhere."""
    _switch(session, words, everywhere=everywhere, on=False, allow=allow)


@command.command()
@click.argument("service")
@click.argument("server")
@click.option("--limit", type=click.IntRange(min=0), default=0, help="Connections that may stay.")
@click.option(
    "--window",
    "window_s",
    type=click.FloatRange(min=0),
    default=15.0,
    show_default=True,
    metavar="S",
    help="How long the counters must stay at the limit.",
)
@interval_option
@click.option(
    "--deadline",
    "deadline_s",
    type=click.FloatRange(min=0),
    default=900.0,
    show_default=True,
    metavar="S",
    help="Longest wait.",
)
@click.option(
    "--at-deadline",
    type=click.Choice(("fail", "force")),
    default="fail",
    show_default=True,
    help="fail: end with an error. force: count it as drained. Disabled it stays either way.",
)
@_allow_option
@pass_session
def drain(
    session: Session,
    service: str,
    server: str,
    limit: int,
    window_s: float,
    interval_s: float,
    deadline_s: float,
    at_deadline: str,
    allow: tuple[str, ...],
) -> None:
    """Disable a server and wait until its connections have ended."""
    from cli.drain import Patience, connections, wait_until_drained

    with session.load_master() as lm:
        target = find_service(lm, service)
        found = find_server(target.service.real_servers, server, service=service)
        _keep_one(target.service, found.ref, allow)
        lm.real_servers.disable_in(target.ref, found.ref)
        session.say(f"{found.ref} disabled in {target.ref}; waiting for its connections to end")
        end = wait_until_drained(
            lambda: connections(lm.statistics.read(), target.service, found),
            clock=session.adapters.clock(),
            patience=Patience(
                limit=limit, window_s=window_s, interval_s=interval_s, deadline_s=deadline_s
            ),
            on_look=lambda seconds, count: session.say(f"{seconds:6.0f} s  {count} connections"),
        )
    if not end.drained and at_deadline == "fail":
        raise GateRefused(
            f"{found.ref} still has connections after {deadline_s:g} s; it stays disabled",
            gate="drained",
            evidence=[f"{end.connections} connections"],
        )
    if not end.drained:
        session.warn(f"{end.connections} connections left at the deadline")
    session.changed(
        f"{found.ref} drained" if end.drained else f"{found.ref} counts as drained",
        {
            "service": str(target.ref),
            "server": str(found.ref),
            "drained": end.drained,
            "connections": end.connections,
            "seconds": round(end.seconds, 1),
        },
        name=str(found.ref),
    )


@command.command()
@click.argument("service")
@click.argument("server")
@yes_option
@_allow_option
@pass_session
def delete(session: Session, service: str, server: str, yes: bool, allow: tuple[str, ...]) -> None:
    """Take a real server out of a service; open connections are cut."""
    with session.load_master() as lm:
        target = find_service(lm, service)
        found = find_server(target.service.real_servers, server, service=service)
        _keep_one(target.service, found.ref, allow)
        session.confirm(
            f"{found.ref} will be deleted from {label(target.service)}.", str(found.ref), yes=yes
        )
        lm.real_servers.delete(target.ref, found.ref)
    session.say(f"{found.ref} deleted from {target.ref}")
