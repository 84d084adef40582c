"""Names: the appliance's own, its name servers, and its hosts entries."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypedDict

from kempsdk.appliance import Appliance, not_found
from kempsdk.codec import MalformedAnswer
from kempsdk.errors import FieldDifference, InvalidRequest
from kempsdk.fields import Number, Switch, Table, Text, field
from kempsdk.parameter_groups import Items, ParameterGroup
from kempsdk.read_back import not_applied
from kempsdk.references import check_address
from kempsdk.rows import find_rows
from kempsdk.transport.call import Tree

if TYPE_CHECKING:
    from typing_extensions import Unpack

_NAME: Final = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9_.-]{0,252}[A-Za-z0-9])?")


@dataclass(frozen=True, slots=True, kw_only=True)
class DnsSettings:
    """How the appliance resolves names.

    Attributes:
        hostname: its own name. ha1_hostname, ha2_hostname: of the units of a pair.
        name_servers: the last one cannot be removed while ``dnssec`` is on.
        search_domain: added to names that are asked for.
        dnssec: check signatures; a change takes effect with a reboot, and cannot be changed
            again before that.
        update_servers: look up the names of real servers again and again.
        update_interval_min: how often, in minutes, 1 to 60.
        update_on_error: also when the health check of a server with a name fails.
    """

    hostname: str | None
    ha1_hostname: str | None
    ha2_hostname: str | None
    name_servers: tuple[str, ...]
    search_domain: str | None
    dnssec: bool
    update_servers: bool
    update_interval_min: int
    update_on_error: bool


class DnsChanges(TypedDict, total=False):
    """What can be changed; see ``DnsSettings``."""

    hostname: str
    ha1_hostname: str
    ha2_hostname: str
    name_servers: Sequence[str]
    search_domain: str | None
    dnssec: bool
    update_servers: bool
    update_interval_min: int
    update_on_error: bool


HOSTNAME: Final = Text(longest=253, pattern=_NAME, hint="letters, digits, dots and hyphens")


class Dns(ParameterGroup[DnsSettings]):
    """Name resolution of one LoadMaster: ``lm.dns``."""

    name = "DNS"
    model = DnsSettings
    table = Table(
        [
            field("hostname", "hostname", HOSTNAME),
            field("ha1hostname", "ha1_hostname", HOSTNAME),
            field("ha2hostname", "ha2_hostname", HOSTNAME),
            field("nameserver", "name_servers", Items(joiner=" ")),
            field("searchlist", "search_domain", Text()),
            # Needs a name server, so after them.
            field("dnssecclient", "dnssec", Switch()),
            field("dnsupdateinterval", "update_interval_min", Number(low=1, high=60)),
            field("dnsreloadonerror", "update_on_error", Switch()),
            field("dnsnamesenable", "update_servers", Switch()),
        ]
    )

    def update(self, **settings: "Unpack[DnsChanges]") -> DnsSettings:
        """Change some of it and return it as it is now. Changes the device.

        Raises:
            InvalidRequest: an unknown setting or a wrong value; nothing was sent.
            CommandRejected: the appliance refused.
            OutcomeUnknown: no answer; ``get`` tells.
            WriteNotApplied: the appliance made something else of it.
        """
        return self._update(settings)

    def resolve_now(self) -> None:
        """Look up the names of all real servers now. Changes the device.

        Servers get the addresses that are found. A name that is not found, or an address
        that cannot be used, changes nothing and stands in the log only:
        ``lm.virtual_services.list`` shows what came of it.

        Raises:
            OutcomeUnknown: no answer; it can be called again.
        """
        self._appliance.write("resolvenow", {}, target="DNS names")


@dataclass(frozen=True, slots=True, kw_only=True)
class HostsEntry:
    """A name that needs no name server."""

    address: str
    name: str


class Hosts:
    """The hosts entries of one LoadMaster: ``lm.hosts``. An address has one entry."""

    def __init__(self, appliance: Appliance) -> None:
        self._appliance = appliance

    def list(self) -> tuple[HostsEntry, ...]:
        """Return all entries."""
        return self._appliance.read("gethosts", {}, _read_hosts)

    def get(self, address: str) -> HostsEntry:
        """Return the entry of an address.

        Raises:
            NotFound: it has none.
        """
        wanted = check_address(address, field="address")
        for one in self.list():
            if one.address == wanted:
                return one
        raise not_found(f"{wanted} has no hosts entry", command="gethosts", target=wanted)

    def add(self, address: str, name: str) -> HostsEntry:
        """Add an entry and return it. Changes the device.

        Args:
            address: IPv4 or IPv6.
            name: fully qualified.

        Raises:
            InvalidRequest: no address or no name; nothing was sent.
            CommandRejected: the appliance refused, for instance since it has one.
            OutcomeUnknown: no answer; ``list`` tells.
            WriteNotApplied: there is no such entry afterwards.
        """
        wanted = check_address(address, field="address")
        if not _NAME.fullmatch(name):
            raise InvalidRequest(f"name: {name!r} is not a host name", field="name", value=name)
        self._appliance.write("addhostsentry", {"hostip": wanted, "hostfqdn": name}, target=wanted)
        found = {one.address: one for one in self.list()}.get(wanted)
        if found is None or found.name.lower() != name.lower():
            wrong = FieldDifference("name", name, found and found.name)
            raise not_applied("addhostsentry", wanted, wrong)
        return found

    def delete(self, address: str) -> None:
        """Delete the entry of an address. Changes the device.

        Raises:
            InvalidRequest: no address; nothing was sent.
            NotFound: it has none.
            OutcomeUnknown: no answer; ``list`` tells.
            WriteNotApplied: it is still there.
        """
        found = self.get(address)
        self._appliance.write("delhostsentry", {"hostip": found.address}, target=found.address)
        if found in self.list():
            still = FieldDifference("entry", None, found.name)
            raise not_applied("delhostsentry", found.address, still)


def _read_hosts(tree: Tree) -> tuple[HostsEntry, ...]:
    # The names are not in the vendor's description; these are guesses with alternatives.
    rows = find_rows(tree, "hostipaddress", "hostip")
    return tuple([_entry(one) for one in rows])


def _entry(row: dict[str, object]) -> HostsEntry:
    address = row.get("hostipaddress", row.get("hostip"))
    name = row.get("hostfqdn", row.get("fqdn"))
    if name is None:
        raise MalformedAnswer("a hosts entry without a name")
    try:
        return HostsEntry(address=check_address(str(address), field="address"), name=str(name))
    except InvalidRequest:
        raise MalformedAnswer("a hosts entry without an address") from None
