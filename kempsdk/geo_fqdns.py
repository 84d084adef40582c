"""GEO: names that the appliance answers DNS questions for, and the sites behind them."""

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from kempsdk.appliance import Appliance, not_found
from kempsdk.codec import MalformedAnswer, flatten
from kempsdk.errors import CommandRejected, FieldDifference, InvalidRequest, will_not_do
from kempsdk.fields import Switch, compare, write_settings
from kempsdk.geo_models import (
    FQDN,
    SITE,
    GeoFqdn,
    GeoSite,
    check_place,
    plain_name,
    read_fqdns,
)
from kempsdk.read_back import check_applied, not_applied
from kempsdk.references import check_address, check_range
from kempsdk.transport.call import ParamValue, Tree

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from kempsdk.geo_models import GeoFqdnSettings, GeoSiteSettings

_NAME: Final = re.compile(
    r"(\*\.)?([A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9])?\.)*[A-Za-z0-9-]+\.?"
)
_NO_DATA: Final = "no geo data found"
_CODE: Final = re.compile(r"[A-Z]{2}|ALL")


class GeoFqdns:
    """The names that GEO answers for on one LoadMaster: ``lm.geo_fqdns``. Needs GEO."""

    def __init__(self, appliance: Appliance) -> None:
        self._appliance = appliance

    def enabled(self) -> bool:
        """Return whether GEO is on."""
        return self._appliance.read("isgeoenabled", {}, _read_switch)

    def switch(self, *, enabled: bool) -> bool:
        """Switch GEO on or off and return what it is now. Changes the device.

        While it is off the other calls for GEO are refused.

        Raises:
            CommandRejected: the licence has no GEO.
            OutcomeUnknown: no answer; ``enabled`` tells.
            WriteNotApplied: it is as before.
        """
        command = "enablegeo" if enabled else "disablegeo"
        self._appliance.write(command, {}, target="GEO")
        now = self.enabled()
        if now is not enabled:
            raise not_applied(command, "GEO", FieldDifference("enabled", enabled, now))
        return now

    def list(self) -> tuple[GeoFqdn, ...]:
        """Return all names with their sites."""
        try:
            return self._appliance.read("listfqdns", {}, read_fqdns)
        except CommandRejected as refused:
            # QUIRK: an appliance without any GEO object refuses (7.2.54).
            if refused.reason.strip().rstrip(".").lower() != _NO_DATA:
                raise
            return ()

    def get(self, name: str) -> GeoFqdn:
        """Return one name with its sites.

        Raises:
            NotFound: there is no such name.
        """
        wanted = plain_name(name)
        for one in self.list():
            if one.name.lower() == wanted.lower():
                return one
        raise not_found(f"GEO has no name {wanted}", command="listfqdns", target=wanted)

    def create(self, name: str, **settings: "Unpack[GeoFqdnSettings]") -> GeoFqdn:
        """Make a name and return it. Changes the device.

        Args:
            name: fully qualified, with or without a dot at its end.
            settings: see ``GeoFqdn``; what is left out gets the appliance's default.

        Raises:
            InvalidRequest: a wrong name or value; nothing was sent.
            CommandRejected: the appliance refused, for instance since there is one.
            OutcomeUnknown: no answer; ``get`` tells.
            WriteNotApplied: it is there, with other settings than asked for.
        """
        wanted, asked = _checked_name(name), dict(settings)
        write_settings(FQDN, asked)
        self._appliance.write("addfqdn", {"fqdn": wanted}, target=wanted)
        made = self.get(wanted)
        return self._write(made, asked) if asked else made

    def update(self, name: str, **settings: "Unpack[GeoFqdnSettings]") -> GeoFqdn:
        """Change a name and return it as it is now. Changes the device.

        ``failover`` and ``recovery`` stay as they are, unless the selection is by location;
        ``ttl_s`` and ``sticky_s``, unless ``own_settings`` is on.

        Raises:
            NotFound: there is no such name.
            InvalidRequest, OutcomeUnknown, WriteNotApplied: as for ``create``.
        """
        asked = dict(settings)
        write_settings(FQDN, asked)
        found = self.get(name)
        return self._write(found, asked) if asked else found

    def delete(self, name: str) -> None:
        """Delete a name and its sites. Changes the device.

        Raises:
            NotFound: there is no such name.
            OutcomeUnknown: no answer; ``list`` tells.
            WriteNotApplied: it is still there.
        """
        found = self.get(name)
        self._appliance.write("delfqdn", {"fqdn": found.name}, target=found.name)
        if any(one.name == found.name for one in self.list()):
            raise not_applied("delfqdn", found.name, FieldDifference("name", None, found.name))

    def add_site(
        self,
        name: str,
        address: str,
        *,
        cluster: str | None = None,
        **settings: "Unpack[GeoSiteSettings]",
    ) -> GeoSite:
        """Add a site to a name and return it. Changes the device.

        Args:
            name: the name.
            address: IPv4 or IPv6.
            cluster: name of its cluster.
            settings: see ``GeoSite``; without them it gets answers at once.

        Raises:
            InvalidRequest: no address, or a value out of its range; nothing was sent.
            NotFound: there is no such name.
            CommandRejected: the appliance refused: it is there, or there are too many.
            OutcomeUnknown: no answer; ``get`` tells.
            WriteNotApplied: it is there, with other settings than asked for.
        """
        wanted, asked = check_address(address, field="address"), dict(settings)
        write_settings(SITE, asked)
        found = self.get(name)
        more: dict[str, ParamValue] = {} if cluster is None else {"clust": cluster}
        target = f"{found.name} {wanted}"
        self._appliance.write("addmap", {"fqdn": found.name, "ip": wanted, **more}, target=target)
        made = self._site(found.name, wanted)
        if cluster is not None and made.cluster != cluster:
            wrong = FieldDifference("cluster", cluster, made.cluster)
            raise not_applied("addmap", target, wrong)
        return self._write_site(found.name, wanted, asked) if asked else made

    def update_site(
        self, name: str, address: str, **settings: "Unpack[GeoSiteSettings]"
    ) -> GeoSite:
        """Change a site and return it as it is now. Changes the device.

        Raises:
            NotFound: there is no such name or site.
            InvalidRequest, OutcomeUnknown, WriteNotApplied: as for ``add_site``.
        """
        wanted, asked = check_address(address, field="address"), dict(settings)
        write_settings(SITE, asked)
        now = self._site(name, wanted)
        return self._write_site(plain_name(name), wanted, asked) if asked else now

    def delete_site(self, name: str, address: str) -> None:
        """Take a site off a name. Changes the device.

        Raises:
            NotFound: there is no such name or site.
            OutcomeUnknown: no answer; ``get`` tells.
            WriteNotApplied: it is still there.
        """
        wanted = check_address(address, field="address")
        self._site(name, wanted)
        target = f"{plain_name(name)} {wanted}"
        self._appliance.write("delmap", {"fqdn": plain_name(name), "ip": wanted}, target=target)
        if self.get(name).site(wanted) is not None:
            raise not_applied("delmap", target, FieldDifference("site", None, wanted))

    def move_site(self, name: str, address: str, *, latitude_s: int, longitude_s: int) -> GeoSite:
        """Say where on earth a site is. Changes the device.

        It matters while the selection is ``GeoSelection.PROXIMITY``.

        Args:
            name, address: the site.
            latitude_s: seconds of arc, -324,000 to 324,000; that south and west are
                negative is a guess.
            longitude_s: the same, -648,000 to 648,000.

        Raises:
            InvalidRequest: out of range; nothing was sent.
            NotFound: there is no such name or site.
            OutcomeUnknown: no answer; ``get`` tells.
            WriteNotApplied: it is somewhere else.
        """
        check_place(latitude_s=latitude_s, longitude_s=longitude_s)
        wanted = {"latitude_s": latitude_s, "longitude_s": longitude_s}
        params = {"lat": latitude_s, "long": longitude_s}
        return self._change_site("changemaploc", name, address, params, wanted)

    def check_site_at(
        self, name: str, address: str, instead: str | None, port: int = 80
    ) -> GeoSite:
        """Check a site at another address. Changes the device.

        Args:
            name, address: the site.
            instead: what to ask instead; None for the site's own.
            port: 1 to 65,530.

        Raises:
            InvalidRequest: no address, or a port out of range; nothing was sent.
            NotFound: there is no such name or site.
            OutcomeUnknown: no answer; ``get`` tells.
            WriteNotApplied: it is checked somewhere else.
        """
        where = None if instead is None else check_address(instead, field="instead")
        check_range(port, field="port", low=1, high=65_530)
        params: dict[str, ParamValue] = {"checkerip": where or "", "port": port}
        wanted = {"check_address": where, "check_port": port}
        return self._change_site("changecheckeraddr", name, address, params, wanted)

    def serve_country(
        self, name: str, address: str, code: str, *, continent: bool = False
    ) -> GeoSite:
        """Let a site be for the clients of a country. Changes the device.

        It matters while the selection is ``GeoSelection.LOCATION``.

        Args:
            name, address: the site.
            code: of a country or continent, two capitals; ``ALL`` for everywhere.
            continent: whether it is a continent's.

        Raises:
            InvalidRequest: no such code; nothing was sent.
            NotFound: there is no such name or site.
            OutcomeUnknown: no answer; ``get`` tells.
            WriteNotApplied: it is not for them.
        """
        return self._country("addcountry", name, address, code, continent=continent)

    def leave_country(
        self, name: str, address: str, code: str, *, continent: bool = False
    ) -> GeoSite:
        """Undo ``serve_country``; the same arguments and errors. Changes the device."""
        return self._country("removecountry", name, address, code, continent=continent)

    def serve_location(self, name: str, address: str, location: str) -> GeoSite:
        """Let a site be for the clients of a location of one's own. Changes the device.

        Args:
            name, address: the site.
            location: one of ``lm.geo_locations``.

        Raises:
            NotFound: there is no such name or site.
            CommandRejected: there is no such location.
            OutcomeUnknown: no answer; ``get`` tells.
            WriteNotApplied: it is not for them.
        """
        return self._place("addcountry", name, address, location, {"customlocation": location})

    def leave_location(self, name: str, address: str, location: str) -> GeoSite:
        """Undo ``serve_location``; the same arguments and errors. Changes the device."""
        return self._place("removecountry", name, address, location, {"customlocation": location})

    def _country(
        self, command: str, name: str, address: str, code: str, *, continent: bool
    ) -> GeoSite:
        if not _CODE.fullmatch(code):
            raise will_not_do("code", code, "two capitals, or ALL")
        everywhere = continent or code == "ALL"
        params = {"countrycode": code, "iscontinent": "yes" if everywhere else "no"}
        return self._place(command, name, address, code, params)

    def _place(
        self, command: str, name: str, address: str, place: str, params: Mapping[str, str]
    ) -> GeoSite:
        wanted = check_address(address, field="address")
        self._site(name, wanted)
        target = f"{plain_name(name)} {wanted}"
        self._appliance.write(
            command, {"fqdn": plain_name(name), "ip": wanted, **params}, target=target
        )
        now = self._site(name, wanted)
        if "customlocation" in params:
            shown = now.locations
        else:
            shown = now.continents if params["iscontinent"] == "yes" else now.countries
        if (place in shown) is not (command == "addcountry"):
            raise not_applied(command, target, FieldDifference("places", place, shown))
        return now

    def _change_site(
        self,
        command: str,
        name: str,
        address: str,
        params: Mapping[str, ParamValue],
        wanted: Mapping[str, object],
    ) -> GeoSite:
        at = check_address(address, field="address")
        self._site(name, at)
        target = f"{plain_name(name)} {at}"
        self._appliance.write(
            command, {"fqdn": plain_name(name), "ip": at, **params}, target=target
        )
        now = self._site(name, at)
        check_applied(
            command,
            target,
            [
                FieldDifference(one, value, getattr(now, one))
                for one, value in wanted.items()
                if getattr(now, one) != value
            ],
        )
        return now

    def _site(self, name: str, address: str) -> GeoSite:
        found = self.get(name).site(address)
        if found is None:
            raise not_found(f"{plain_name(name)} has no site {address}", target=address)
        return found

    def _write(self, found: GeoFqdn, asked: Mapping[str, object]) -> GeoFqdn:
        params = write_settings(FQDN, asked)
        self._appliance.write("modfqdn", {"fqdn": found.name, **params}, target=found.name)
        now = self.get(found.name)
        check_applied("modfqdn", found.name, compare(FQDN, asked, now))
        return now

    def _write_site(self, name: str, address: str, asked: Mapping[str, object]) -> GeoSite:
        params = write_settings(SITE, asked)
        target = f"{name} {address}"
        self._appliance.write("modmap", {"fqdn": name, "ip": address, **params}, target=target)
        now = self._site(name, address)
        check_applied("modmap", target, compare(SITE, asked, now))
        return now


def _checked_name(name: str) -> str:
    if not _NAME.fullmatch(name) or len(name) > 253:
        raise InvalidRequest(
            f"name: {name!r} is not a fully qualified name", field="name", value=name
        )
    return plain_name(name)


def _read_switch(tree: Tree) -> bool:
    # The name of the member is a client's; there is one.
    values = list(flatten(tree).values())
    try:
        (value,) = values
        return Switch.read(value)
    except (ValueError, KeyError, TypeError):
        raise MalformedAnswer("neither on nor off") from None
