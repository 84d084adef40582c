"""Static routes, and the default gateways."""

import ipaddress
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypedDict

from kempsdk.appliance import Appliance, not_found
from kempsdk.codec import MalformedAnswer
from kempsdk.errors import FieldDifference, InvalidRequest
from kempsdk.fields import Address, Switch, Table, field
from kempsdk.parameter_groups import ParameterGroup
from kempsdk.read_back import not_applied
from kempsdk.references import check_address, check_network, host_or_network
from kempsdk.rows import find_rows
from kempsdk.transport.call import Tree

if TYPE_CHECKING:
    from typing_extensions import Unpack


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """A static route.

    Attributes:
        destination: network with its prefix, ``10.9.0.0/16``; one for a destination.
        gateway: where packets to it go.
    """

    destination: str
    gateway: str


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewaySettings:
    """The default gateways, and how traffic finds its way.

    Attributes:
        ipv4, ipv6: default gateways; their interface is ``Interface.is_default``.
        on_several_interfaces: allow a default gateway on other interfaces too; not in clouds.
        only_default_routes: traffic of a service that has a default route of its own
            leaves by the interface of that route.
        strict_source_check: take packets only from the interface that routes back.
        snat: servers reach the outside with the appliance's address.
    """

    ipv4: str | None
    ipv6: str | None
    on_several_interfaces: bool
    only_default_routes: bool
    strict_source_check: bool
    snat: bool


class GatewayChanges(TypedDict, total=False):
    """What can be changed; see ``GatewaySettings``."""

    ipv4: str | None
    ipv6: str | None
    on_several_interfaces: bool
    only_default_routes: bool
    strict_source_check: bool
    snat: bool


class Gateways(ParameterGroup[GatewaySettings]):
    """The default gateways of one LoadMaster: ``lm.gateways``."""

    name = "gateways"
    model = GatewaySettings
    table = Table(
        [
            field("multigw", "on_several_interfaces", Switch()),
            field("dfltgw", "ipv4", Address()),
            field("dfltgwv6", "ipv6", Address()),
            field("onlydefaultroutes", "only_default_routes", Switch()),
            field("routefilter", "strict_source_check", Switch()),
            field("snat", "snat", Switch()),
        ]
    )

    def update(self, **settings: "Unpack[GatewayChanges]") -> GatewaySettings:
        """Change some of it and return it as it is now. Changes the device.

        A wrong gateway can cut this client off: the call then ends with OutcomeUnknown or
        Unreachable, and nothing sets it back.

        Raises:
            InvalidRequest: an unknown setting or a wrong value; nothing was sent.
            OutcomeUnknown: no answer; ``get`` tells, if it can still be reached.
            WriteNotApplied: the appliance made something else of it.
        """
        return self._update(settings)


class Routes:
    """The static routes of one LoadMaster: ``lm.routes``."""

    def __init__(self, appliance: Appliance) -> None:
        self._appliance = appliance

    def list(self) -> tuple[Route, ...]:
        """Return the static routes, without those that follow from interfaces."""
        return self._appliance.read("showroute", {}, _read)

    def get(self, destination: str) -> Route:
        """Return the route to a network.

        Raises:
            NotFound: there is none.
        """
        wanted = check_network(destination, field="destination")
        for one in self.list():
            if one.destination == wanted:
                return one
        raise not_found(f"no route to {wanted}", command="showroute", target=wanted)

    def add(self, destination: str, gateway: str) -> Route:
        """Add a route and return it. Changes the device.

        Args:
            destination: an address, or a network without host bits. That a prefix is
                accepted is not documented, but without one only hosts could be reached.
            gateway: an address of the same family on an attached network.

        Raises:
            InvalidRequest: not such addresses; nothing was sent.
            CommandRejected: the appliance refused, for instance since there is one.
            OutcomeUnknown: no answer; ``list`` tells.
            WriteNotApplied: there is no such route afterwards.
        """
        wanted, via = (
            check_network(destination, field="destination"),
            check_address(gateway, field="gateway"),
        )
        if (":" in wanted) != (":" in via):
            raise InvalidRequest(
                f"gateway: {via} is not of the family of {wanted}", field="gateway", value=via
            )
        self._appliance.write(
            "addroute", {"dest": host_or_network(wanted), "gateway": via}, target=wanted
        )
        found = {one.destination: one for one in self.list()}.get(wanted)
        if found is None or found.gateway != via:
            wrong = FieldDifference("gateway", via, found and found.gateway)
            raise not_applied("addroute", wanted, wrong)
        return found

    def delete(self, destination: str) -> None:
        """Delete the route to a network. Changes the device.

        Raises:
            InvalidRequest: no network; nothing was sent.
            NotFound: there is no such route.
            OutcomeUnknown: no answer; ``list`` tells.
            WriteNotApplied: it is still there.
        """
        found = self.get(destination)
        wanted = found.destination
        self._appliance.write("delroute", {"dest": host_or_network(wanted)}, target=wanted)
        if any(one.destination == wanted for one in self.list()):
            raise not_applied("delroute", wanted, FieldDifference("route", None, wanted))


def _read(tree: Tree) -> tuple[Route, ...]:
    # The names are not in the vendor's description; these are guesses with alternatives.
    return tuple([_route(one) for one in find_rows(tree, "destination", "dest")])


def _route(row: dict[str, object]) -> Route:
    destination = str(row.get("destination", row.get("dest"))).strip()
    try:
        return Route(
            destination=str(ipaddress.ip_network(destination, strict=False)),
            gateway=check_address(str(row.get("gateway", "")).strip(), field="gateway"),
        )
    except (ValueError, InvalidRequest):
        raise MalformedAnswer("a route without destination and gateway") from None
