"""``kemp subvs``: SubVSs, the services inside a service."""

from typing import TYPE_CHECKING, Any

import click

from cli.command import group
from cli.names import find_parent, find_service
from cli.options import yes_option
from cli.render import Column, plain
from cli.service_settings import chosen, service_options
from cli.session import Session, pass_session
from cli.settings import given
from cli.virtual_services import describe, label
from kempsdk import SubVsRef

if TYPE_CHECKING:
    from kempsdk import SubVs

COLUMNS = (
    Column("NAME", "name"),
    Column("SUBVS", "ref"),
    Column("STATUS", "status"),
    Column("WEIGHT", "weight", right=True),
    Column("LIMIT", "limit", right=True),
    Column("ENABLED", "enabled"),
    Column("CRITICAL", "critical"),
)

_SLOT = ("weight", "limit", "critical", "enable")


@group("SubVSs of a virtual service.")
def command() -> None:
    """Hold the verbs."""


@command.command("list")
@click.argument("service")
@pass_session
def list_services(session: Session, service: str) -> None:
    """List the SubVSs of a service."""
    with session.load_master() as lm:
        ref, _ = find_parent(lm, service)
        found = lm.sub_virtual_services.list(ref)
    session.show_list(found, COLUMNS, row=row, name=lambda one: str(one.ref), empty="no SubVSs")


@command.command()
@click.argument("subvs", metavar="SERVICE#SLOT")
@pass_session
def show(session: Session, subvs: str) -> None:
    """Show one SubVS and its servers."""
    with session.load_master() as lm:
        target = find_service(lm, subvs)
        _slot(target.ref, subvs)
    service = target.service
    session.show(service, details=lambda: describe(session, service), name=str(target.ref))


@command.command()
@click.argument("service")
@service_options
@pass_session
def create(session: Session, /, service: str, **options: Any) -> None:
    """Create a SubVS in a service that has no servers of its own."""
    settings = chosen(options)
    with session.load_master() as lm:
        ref, _ = find_parent(lm, service)
        made = lm.sub_virtual_services.create(ref, **settings)
    session.changed(f"{made.ref} created", made, name=str(made.ref))


@command.command("set")
@click.argument("subvs", metavar="SERVICE#SLOT")
@click.option("--weight", type=int, metavar="N", help="Relative share of traffic.")
@click.option("--limit", type=int, metavar="N", help="Most connections; 0 is no limit.")
@click.option("--critical/--not-critical", default=None, help="The service is down without it.")
@service_options
@pass_session
def set_service(session: Session, /, subvs: str, **options: Any) -> None:
    """Change a SubVS: its share in the parent, and its settings."""
    slot = given({key: options.pop(key) for key in _SLOT})
    settings = chosen(options)
    if not slot and not settings:
        raise click.UsageError("nothing to set")
    with session.load_master() as lm:
        ref = _slot(find_service(lm, subvs).ref, subvs)
        if settings:
            lm.sub_virtual_services.update(ref, **settings)
        if slot:
            lm.sub_virtual_services.set_slot(ref, **slot)
        now = lm.sub_virtual_services.get(ref)
    session.changed(f"{ref} changed: {', '.join({**settings, **slot})}", now, name=str(ref))


@command.command()
@click.argument("subvs", metavar="SERVICE#SLOT")
@yes_option
@pass_session
def delete(session: Session, subvs: str, yes: bool) -> None:
    """Delete a SubVS with its server entries."""
    with session.load_master() as lm:
        target = find_service(lm, subvs)
        ref = _slot(target.ref, subvs)
        session.confirm(f"{label(target.service)} will be deleted.", str(ref), yes=yes)
        lm.sub_virtual_services.delete(ref)
    session.say(f"{ref} deleted")


def _slot(ref: object, text: str) -> SubVsRef:
    if not isinstance(ref, SubVsRef):
        raise click.UsageError(f"{text!r} is a service; name a SubVS as {text}#SLOT")
    return ref


def row(sub: "SubVs") -> dict[str, object]:
    """Return the cells of a SubVS in a table."""
    return {column.key: plain(getattr(sub, column.key, None)) for column in COLUMNS}
