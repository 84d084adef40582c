"""GEO's places: locations of one's own, and where addresses of clients are."""

import ipaddress
import re
from dataclasses import dataclass
from typing import Final

from kempsdk.appliance import Appliance, not_found
from kempsdk.codec import MalformedAnswer, entries, flatten
from kempsdk.errors import FieldDifference, InvalidRequest, will_not_do
from kempsdk.fields import Number, Switch, Table, Text, field
from kempsdk.geo_models import check_place
from kempsdk.read_back import not_applied
from kempsdk.references import check_network
from kempsdk.rows import find_rows
from kempsdk.transport.call import ParamValue, Tree

_COUNTRY: Final = re.compile(r"[A-Z]{2}")
_NO_COUNTRY: Final = "-1"


class GeoLocations:
    """The locations of one's own on one LoadMaster: ``lm.geo_locations``."""

    def __init__(self, appliance: Appliance) -> None:
        self._appliance = appliance

    def list(self) -> tuple[str, ...]:
        """Return the names of all locations."""
        return self._appliance.read("listcustomlocation", {}, _read_locations)

    def create(self, name: str) -> None:
        """Make a location. Changes the device.

        Raises:
            InvalidRequest: an empty name; nothing was sent.
            CommandRejected: the appliance refused, for instance since there is one.
            OutcomeUnknown: no answer; ``list`` tells.
            WriteNotApplied: there is none of that name.
        """
        self._appliance.write("addcustomlocation", {"location": _named(name)}, target=name)
        if name not in self.list():
            raise not_applied("addcustomlocation", name, FieldDifference("location", name, None))

    def rename(self, name: str, new_name: str) -> None:
        """Give a location another name, which sites and ranges follow. Changes the device.

        Raises:
            InvalidRequest: an empty name; nothing was sent.
            NotFound: there is none of that name.
            OutcomeUnknown: no answer; ``list`` tells.
            WriteNotApplied: there is none of the new name, or the old one still.
        """
        params: dict[str, ParamValue] = {"cloldname": name, "clnewname": _named(new_name)}
        self._must_have(name)
        self._appliance.write("editcustomlocation", params, target=name)
        now = self.list()
        if new_name not in now or (name != new_name and name in now):
            raise not_applied(
                "editcustomlocation", name, FieldDifference("location", new_name, now)
            )

    def delete(self, name: str) -> None:
        """Delete a location, which sites and ranges then lose. Changes the device.

        Raises:
            NotFound: there is none of that name.
            OutcomeUnknown: no answer; ``list`` tells.
            WriteNotApplied: it is still there.
        """
        self._must_have(name)
        self._appliance.write("deletecustomlocation", {"clname": name}, target=name)
        if name in self.list():
            raise not_applied("deletecustomlocation", name, FieldDifference("location", None, name))

    def _must_have(self, name: str) -> None:
        if name not in self.list():
            raise not_found(f"no location {name!r}", command="listcustomlocation", target=name)


@dataclass(frozen=True, slots=True, kw_only=True)
class GeoRange:
    """Clients whose place is known better than the location data knows it.

    Attributes:
        network: with its prefix.
        country: code, or None. location: one of one's own, or None.
        latitude_s, longitude_s: seconds of arc; None where none was set.
    """

    network: str
    country: str | None
    location: str | None
    latitude_s: int | None
    longitude_s: int | None


# The names are the vendor's Python SDK's; its description shows no answer.
_RANGE: Final = Table(
    [
        field("ipaddress", "address", Text(default="")),
        field("mask", "mask", Text(default="")),
        field("country", "country", Text()),
        field("iscustom", "custom", Switch()),
        field("latitude", "latitude_s", Number(default=None)),
        field("longitude", "longitude_s", Number(default=None)),
    ]
)


class GeoRanges:
    """The ranges of client addresses on one LoadMaster: ``lm.geo_ranges``."""

    def __init__(self, appliance: Appliance) -> None:
        self._appliance = appliance

    def list(self) -> tuple[GeoRange, ...]:
        """Return all ranges."""
        return self._appliance.read("listips", {}, _read_ranges)

    def get(self, network: str) -> GeoRange:
        """Return one range.

        Raises:
            InvalidRequest: no network.
            NotFound: there is no such range.
        """
        wanted = _network(network)
        for one in self.list():
            if one.network == wanted:
                return one
        raise not_found(f"no range {wanted}", command="listips", target=wanted)

    def create(self, network: str) -> GeoRange:
        """Make a range and return it. Changes the device.

        Args:
            network: an address, or a network without host bits, of IPv4 with a prefix of
                8 to 32.

        Raises:
            InvalidRequest: no such network; nothing was sent.
            CommandRejected: the appliance refused, for instance since there is one.
            OutcomeUnknown: no answer; ``list`` tells.
            WriteNotApplied: there is no such range.
        """
        wanted = _network(network)
        self._appliance.write("addip", {"ip": wanted}, target=wanted)
        for one in self.list():
            if one.network == wanted:
                return one
        raise not_applied("addip", wanted, FieldDifference("range", wanted, None))

    def put_in_country(self, network: str, code: str) -> GeoRange:
        """Say which country a range is in. Changes the device.

        Args:
            network: the range.
            code: two capitals.

        Raises:
            InvalidRequest: no such code; nothing was sent.
            NotFound: there is no such range.
            OutcomeUnknown: no answer; ``get`` tells.
            WriteNotApplied: it is somewhere else.
        """
        if not _COUNTRY.fullmatch(code):
            raise will_not_do("code", code, "two capitals")
        return self._place("addipcountry", network, {"countrycode": code}, country=code)

    def put_in_location(self, network: str, location: str) -> GeoRange:
        """Say which location of one's own a range is in. Changes the device.

        Raises:
            NotFound: there is no such range.
            CommandRejected: there is no such location.
            OutcomeUnknown: no answer; ``get`` tells.
            WriteNotApplied: it is somewhere else.
        """
        params = {"customloc": _named(location)}
        return self._place("addipcountry", network, params, location=location)

    def put_nowhere(self, network: str) -> GeoRange:
        """Forget which country or location a range is in. Changes the device.

        Raises:
            NotFound: there is no such range.
            OutcomeUnknown: no answer; ``get`` tells.
            WriteNotApplied: it is still somewhere.
        """
        return self._place("removeipcountry", network, {})

    def move(self, network: str, *, latitude_s: int, longitude_s: int) -> GeoRange:
        """Say where on earth a range is. Changes the device.

        Args:
            network: the range.
            latitude_s: seconds of arc, -324,000 to 324,000; that south and west are
                negative is a guess.
            longitude_s: the same, -648,000 to 648,000.

        Raises:
            InvalidRequest: out of range; nothing was sent.
            NotFound: there is no such range.
            OutcomeUnknown: no answer; ``get`` tells.
            WriteNotApplied: it is somewhere else.
        """
        check_place(latitude_s=latitude_s, longitude_s=longitude_s)
        found = self.get(network)
        params: dict[str, ParamValue] = {"lat": latitude_s, "long": longitude_s}
        params = {"ip": found.network, **params}
        self._appliance.write("modiploc", params, target=found.network)
        now = self.get(network)
        if (now.latitude_s, now.longitude_s) != (latitude_s, longitude_s):
            wrong = FieldDifference(
                "place", (latitude_s, longitude_s), (now.latitude_s, now.longitude_s)
            )
            raise not_applied("modiploc", found.network, wrong)
        return now

    def forget_place(self, network: str) -> GeoRange:
        """Forget where on earth a range is. Changes the device.

        Raises:
            NotFound: there is no such range.
            OutcomeUnknown: no answer; ``get`` tells.
            WriteNotApplied: it is still somewhere.
        """
        found = self.get(network)
        self._appliance.write("deliploc", {"ip": found.network}, target=found.network)
        now = self.get(network)
        if (now.latitude_s, now.longitude_s) != (None, None):
            still = FieldDifference("place", None, (now.latitude_s, now.longitude_s))
            raise not_applied("deliploc", found.network, still)
        return now

    def delete(self, network: str) -> None:
        """Delete a range. Changes the device.

        Raises:
            NotFound: there is no such range.
            OutcomeUnknown: no answer; ``list`` tells.
            WriteNotApplied: it is still there.
        """
        found = self.get(network)
        self._appliance.write("delip", {"ip": found.network}, target=found.network)
        if any(one.network == found.network for one in self.list()):
            raise not_applied("delip", found.network, FieldDifference("range", None, found.network))

    def _place(
        self,
        command: str,
        network: str,
        params: dict[str, str],
        *,
        country: str | None = None,
        location: str | None = None,
    ) -> GeoRange:
        found = self.get(network)
        self._appliance.write(command, {"ip": found.network, **params}, target=found.network)
        now = self.get(network)
        if (now.country, now.location) != (country, location):
            wrong = FieldDifference("place", country or location, now.country or now.location)
            raise not_applied(command, found.network, wrong)
        return now


def _named(name: str) -> str:
    if not name or name != name.strip():
        raise InvalidRequest("name: a text without blanks around it", field="name", value=name)
    return name


def _network(text: str) -> str:
    found = ipaddress.ip_network(check_network(text, field="network"))
    if found.version == 4 and found.prefixlen < 8:
        raise will_not_do("network", text, "a network with a prefix of 8 or more")
    return str(found)


def _read_locations(tree: Tree) -> tuple[str, ...]:
    rows = entries(tree, "location")
    if not rows:
        find_rows(tree, "name")  # another shape is not an empty list
    names = [str(flatten(one).get("Name", "")).strip() for one in rows]
    if not all(names):
        raise MalformedAnswer("a location without a name")
    return tuple(names)


def _read_ranges(tree: Tree) -> tuple[GeoRange, ...]:
    return tuple([_range(one) for one in find_rows(tree, "mask", "iscustom")])


def _range(row: dict[str, object]) -> GeoRange:
    values = _RANGE.read(row)
    address, mask = values["address"], values["mask"]
    try:
        network = ipaddress.ip_network(f"{address}/{mask}" if mask else address, strict=False)
    except ValueError:
        raise MalformedAnswer("a range without an address") from None
    place = None if values["country"] == _NO_COUNTRY else values["country"]
    return GeoRange(
        network=str(network),
        country=None if values["custom"] else place,
        location=place if values["custom"] else None,
        latitude_s=values["latitude_s"],
        longitude_s=values["longitude_s"],
    )
