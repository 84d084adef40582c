"""``kemp vs``: virtual services."""

from collections.abc import Collection, Mapping
from dataclasses import fields, replace
from typing import TYPE_CHECKING, Any

import click

from cli.command import group
from cli.names import find_parent, find_service
from cli.options import yes_option
from cli.render import Column, details, plain, table
from cli.service_settings import chosen, service_options
from cli.session import Session, pass_session

if TYPE_CHECKING:
    from kempsdk import RealServer, VirtualService

COLUMNS = (
    Column("NAME", "nickname"),
    Column("SERVICE", "ref"),
    Column("LAYER", "layer", right=True),
    Column("TYPE", "type"),
    Column("STATUS", "status"),
    Column("UP", "servers", right=True),
    Column("SCHEDULE", "schedule"),
    Column("CHECK", "check_type"),
)

SERVER_COLUMNS = (
    Column("SERVER", "ref"),
    Column("STATUS", "status"),
    Column("FORWARD", "forward"),
    Column("WEIGHT", "weight", right=True),
    Column("LIMIT", "limit", right=True),
)


@group("Virtual services: create, list, show, set, delete.")
def command() -> None:
    """Hold the verbs."""


@command.command("list")
@pass_session
def list_services(session: Session) -> None:
    """List the virtual services."""
    with session.load_master() as lm:
        services = lm.virtual_services.list()
    session.show_list(
        services, COLUMNS, row=row, name=lambda one: str(one.ref), empty="no virtual services"
    )


@command.command()
@click.argument("service")
@pass_session
def show(session: Session, service: str) -> None:
    """Show one service and its servers.

    SERVICE is a nickname, tcp/10.0.1.250:80, or address:port or an address where unique.
    """
    with session.load_master() as lm:
        found = find_service(lm, service).service
    session.show(found, details=lambda: describe(session, found), name=str(found.ref))


@command.command()
@click.argument("address")
@click.argument("port")
@click.option("--protocol", type=click.Choice(("tcp", "udp")), default="tcp", show_default=True)
@service_options
@pass_session
def create(session: Session, /, address: str, port: str, protocol: str, **options: Any) -> None:
    """Create a virtual service at ADDRESS PORT; * is every port."""
    from kempsdk import Protocol, VsRef
    from kempsdk.references import WILDCARD_PORT, check_port

    number = WILDCARD_PORT if port == "*" else check_port(port, field="port")
    ref = VsRef(Protocol(protocol), address, number)
    settings = chosen(options)
    with session.load_master() as lm:
        made = lm.virtual_services.create(ref, **settings)
    session.changed(f"{label(made)} created", made, name=str(made.ref))


@command.command("set")
@click.argument("service")
@service_options
@click.option("--allow", multiple=True, metavar="RULE", help="Break this rule knowingly.")
@pass_session
def set_service(session: Session, /, service: str, allow: tuple[str, ...], **options: Any) -> None:
    """Change settings of a service and read them back."""
    settings = chosen(options)
    if not settings:
        raise click.UsageError("nothing to set")
    with session.load_master() as lm:
        target = find_service(lm, service)
        _check(target.service, settings, allow)
        now = lm.virtual_services.update(target.ref, **settings)
    session.changed(f"{label(now)} changed: {', '.join(settings)}", now, name=str(now.ref))


def _check(service: "VirtualService", settings: Mapping[str, Any], allow: Collection[str]) -> None:
    """Refuse what would break direct return to the servers that are there."""
    from orchestrator.rules import check_service, enforce

    known = {field.name for field in fields(service)}
    after = replace(service, **{key: one for key, one in settings.items() if key in known})
    if settings.get("force_l7") or settings.get("force_l4") is False:
        after = replace(after, layer=7)
    elif settings.get("force_l4"):
        after = replace(after, layer=4)
    broken = {one.id for one in check_service(service)}
    enforce(
        (one for one in check_service(after) if one.id.startswith("dsr-") and one.id not in broken),
        allow=allow,
    )


@command.command()
@click.argument("service")
@yes_option
@pass_session
def delete(session: Session, service: str, yes: bool) -> None:
    """Delete a service with its SubVSs and server entries."""
    with session.load_master() as lm:
        ref, found = find_parent(lm, service)
        session.confirm(
            f"{label(found)} with {found.number_of_real_servers} servers will be deleted.",
            found.nickname or str(ref),
            yes=yes,
        )
        lm.virtual_services.delete(ref)
    session.say(f"{label(found)} deleted")


@command.command()
@click.argument("service")
@click.option(
    "--format",
    "form",
    type=click.Choice(("keepalived",)),
    required=True,
    help="keepalived: a keepalived.conf for an LVS director.",
)
@click.option(
    "--interface", default="eth0", show_default=True, help="The director's device for the VIP."
)
@click.option(
    "--router-id",
    type=click.IntRange(1, 255),
    default=51,
    show_default=True,
    help="VRRP id, unlike any other on the segment.",
)
@pass_session
def export(session: Session, service: str, form: str, interface: str, router_id: int) -> None:
    """Write a service as the configuration of another load balancer.

    What has no equivalent there is said in comments of the file and on stderr.
    """
    assert form == "keepalived"  # noqa: S101 - the only choice that click lets through
    from orchestrator.keepalived import keepalived_conf

    with session.load_master() as lm:
        found = find_service(lm, service).service
        made = keepalived_conf(
            found, timers=lm.health_checks.get(), interface=interface, router_id=router_id
        )
    for note in made.notes:
        session.warn(note)
    session.show(made, details=lambda: made.text.rstrip("\n"), name=str(found.ref))


def label(service: "VirtualService") -> str:
    """Return how messages name a service: with its nickname, if it has one."""
    return f"{service.ref} ({service.nickname})" if service.nickname else str(service.ref)


def row(service: "VirtualService") -> dict[str, object]:
    """Return the cells of a service in a table."""
    cells: dict[str, object] = {
        column.key: plain(getattr(service, column.key, None)) for column in COLUMNS
    }
    if service.sub_services:
        cells["servers"] = f"{len(service.sub_services)} SubVS"
    else:
        up = sum(str(plain(one.status)).lower() == "up" for one in service.real_servers)
        cells["servers"] = f"{up}/{len(service.real_servers)}"
    return cells


def server_row(server: "RealServer") -> dict[str, object]:
    """Return the cells of a real server in a table."""
    return {column.key: plain(getattr(server, column.key)) for column in SERVER_COLUMNS}


_APART = ("real_servers", "sub_services", "extra")


def describe(session: Session, service: "VirtualService") -> str:
    """Return the settings of a service and its servers, for people."""
    fields = plain(service)
    assert isinstance(fields, dict)  # noqa: S101 - a dataclass becomes a mapping
    text = details(
        {key: value for key, value in fields.items() if key not in _APART}, colour=session.colour
    )
    if service.real_servers:
        rows = [server_row(one) for one in service.real_servers]
        text += "\n\n" + table(rows, SERVER_COLUMNS, colour=session.colour)
    if service.sub_services:
        from cli.sub_virtual_services import COLUMNS as SUB_COLUMNS
        from cli.sub_virtual_services import row as sub_row

        subs = [sub_row(one) for one in service.sub_services]
        text += "\n\n" + table(subs, SUB_COLUMNS, colour=session.colour)
    return text
