"""Interfaces, routes and hosts entries in a file."""

import ipaddress
from collections.abc import Collection, Iterable, Mapping
from typing import Final

from kempsdk.configuration_things import Settings, Things
from kempsdk.desired_state import Kind
from kempsdk.dns import HOSTNAME, HostsEntry
from kempsdk.errors import CommandRejected, InvalidRequest
from kempsdk.fields import Address, Table, field
from kempsdk.interfaces import INTERFACE, Interface
from kempsdk.managers import Managers
from kempsdk.references import check_address, check_network
from kempsdk.routes import Route

_UNSHOWN: Final = frozenset({"ha_check", "cluster_sync", "bond_mode"})
"""Answers do not tell them, so a file that says one could never be fulfilled."""

_WAY_IN: Final = frozenset(
    {"address", "shared_address", "partner_address", "is_default", "web_interface"}
)

_PORT: Final = "port"
_REFUSED: Final = (CommandRejected, InvalidRequest)
"""Nothing was made, so what was taken away for it can be put back."""


def _interface_name(text: str) -> str:
    if not text.isascii() or not text.isdigit():
        raise InvalidRequest(
            f"{text!r} is not the number of an interface", field="interfaces", value=text
        )
    return str(int(text))


def _interfaces(hands: Managers, _names: Collection[str]) -> dict[str, object]:
    return {str(one.id): one for one in hands.interfaces.list()}


def _update_interface(hands: Managers, name: str, settings: Settings, _now: object) -> None:
    hands.interfaces.update(int(name), **settings)


def _made_by_hand(name: str, one: Interface) -> Iterable[str]:
    if (one.kind or _PORT).lower() != _PORT:
        # What answers show of a VLAN's tag or a bond's ports is not known.
        yield f"interface {name}: that it is a {one.kind}; make it before a file is applied"


INTERFACES: Final = Things(
    key="interfaces",
    kind=Kind.INTERFACE,
    table=Table([one for one in INTERFACE.fields if one.setting not in _UNSHOWN]),
    name=_interface_name,
    now=_interfaces,
    update=_update_interface,
    own=_WAY_IN,
    guarded=_WAY_IN,
    left_out=_made_by_hand,
)
"""By their numbers. VLANs, VXLANs and bonds are made by hand before."""


def _address_name(text: str) -> str:
    number, _, address = text.partition(" ")
    if "/" not in address:
        raise InvalidRequest(
            f"{address!r} is not an address with its prefix: 10.0.0.15/24",
            field="addresses",
            value=address,
        )
    try:
        return f"{_interface_name(number)} {ipaddress.ip_interface(address)}"
    except ValueError:
        raise InvalidRequest(
            f"{address!r} is not an address", field="addresses", value=address
        ) from None


def _addresses(hands: Managers, _names: Collection[str]) -> dict[str, object]:
    return {
        f"{one.id} {address}": one for one in hands.interfaces.list() for address in one.additional
    }


def _add_address(hands: Managers, name: str, _settings: Settings) -> None:
    number, _, address = name.partition(" ")
    hands.interfaces.add_address(int(number), address)


def _remove_address(hands: Managers, name: str) -> None:
    number, _, address = name.partition(" ")
    hands.interfaces.remove_address(int(number), address)


ADDRESSES: Final = Things(
    key="addresses",
    kind=Kind.ADDRESS,
    table=Table([]),
    name=_address_name,
    now=_addresses,
    create=_add_address,
    delete=_remove_address,
    within=(INTERFACES, "addresses"),
)
"""Further addresses of an interface."""


def _route_name(text: str) -> str:
    return check_network(text, field="routes")


def _routes(hands: Managers, _names: Collection[str]) -> dict[str, object]:
    return {one.destination: one for one in hands.routes.list()}


def _add_route(hands: Managers, name: str, settings: Settings) -> None:
    hands.routes.add(name, settings["gateway"])


def _change_route(hands: Managers, name: str, settings: Settings, now: Route) -> None:
    # A route cannot be changed: it is gone for a moment.
    hands.routes.delete(name)
    try:
        hands.routes.add(name, settings["gateway"])
    except _REFUSED:
        hands.routes.add(name, now.gateway)
        raise


ROUTES: Final = Things(
    key="routes",
    kind=Kind.ROUTE,
    table=Table([field("gateway", "gateway", Address())]),
    name=_route_name,
    now=_routes,
    create=_add_route,
    update=_change_route,
    delete=lambda hands, name: hands.routes.delete(name),
    needs=("gateway",),
    guarded=frozenset({"gateway"}),
)
"""Static routes, by their destination."""


def _host_name(text: str) -> str:
    return check_address(text, field="hosts")


def _hosts(hands: Managers, _names: Collection[str]) -> Mapping[str, object]:
    return {one.address: one for one in hands.hosts.list()}


def _add_host(hands: Managers, name: str, settings: Settings) -> None:
    hands.hosts.add(name, settings["name"])


def _change_host(hands: Managers, name: str, settings: Settings, now: HostsEntry) -> None:
    hands.hosts.delete(name)
    try:
        hands.hosts.add(name, settings["name"])
    except _REFUSED:
        hands.hosts.add(name, now.name)
        raise


HOSTS: Final = Things(
    key="hosts",
    kind=Kind.HOSTS_ENTRY,
    table=Table([field("hostfqdn", "name", HOSTNAME)]),
    name=_host_name,
    now=_hosts,
    create=_add_host,
    update=_change_host,
    delete=lambda hands, name: hands.hosts.delete(name),
    needs=("name",),
)
"""Names that need no name server, by their address."""
