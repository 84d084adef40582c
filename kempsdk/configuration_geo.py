"""GEO in a file: its settings, locations, ranges, clusters, and names with their sites."""

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from typing import Any, Final

from kempsdk.configuration_things import Settings, Things, some_name
from kempsdk.desired_state import Kind
from kempsdk.errors import InvalidRequest
from kempsdk.fields import Address, Number, Switch, Table, Text, Words, field
from kempsdk.geo_clusters import GEO_CLUSTER
from kempsdk.geo_models import FQDN, SITE, GeoSite, plain_name
from kempsdk.geo_parameters import GEO_SETTINGS, GeoSettings
from kempsdk.geo_places import GeoRange
from kempsdk.geo_records import GeoRecordType
from kempsdk.managers import Managers
from kempsdk.references import check_address, check_network

_LATITUDE: Final = field("latitude", "latitude_s", Number(low=-324_000, high=324_000))
_LONGITUDE: Final = field("longitude", "longitude_s", Number(low=-648_000, high=648_000))
_PLACE: Final = ("latitude_s", "longitude_s")


def _while_on(
    read: Callable[[Managers], dict[str, object]],
) -> Callable[[Managers, Collection[str]], dict[str, object]]:
    """While GEO is off nothing of it can be read: it is then as if there were none."""
    return lambda hands, _names: read(hands) if hands.geo_fqdns.enabled() else {}


def _but(settings: Settings, *names: str) -> dict[str, Any]:
    return {name: value for name, value in settings.items() if name not in names}


def _place(settings: Settings, now: Any) -> dict[str, int] | None:
    """Return both halves of a place, if one of them is to change."""
    if not settings.keys() & set(_PLACE):
        return None
    return {one: settings.get(one, getattr(now, one) or 0) for one in _PLACE}


# -- settings


class _Geo:
    """Whether GEO is on, and its settings: none are told while it is off."""

    def __init__(self, settings: GeoSettings | None) -> None:
        self.enabled = settings is not None
        self._settings = settings

    def __getattr__(self, name: str) -> object:
        return getattr(self._settings, name, None)


def _settings_now(hands: Managers, _names: Collection[str]) -> dict[str, object]:
    on = hands.geo_fqdns.enabled()
    return {"GEO": _Geo(hands.geo_parameters.get() if on else None)}


def _change_settings(hands: Managers, _name: str, settings: Settings, now: Any) -> None:
    wanted = settings.get("enabled", now.enabled)
    if wanted and not now.enabled:
        hands.geo_fqdns.switch(enabled=True)
    if rest := _but(settings, "enabled"):
        hands.geo_parameters.update(**rest)
    if now.enabled and not wanted:
        hands.geo_fqdns.switch(enabled=False)


def _off_with_settings(settings: Settings) -> str | None:
    if settings.get("enabled") is False and len(settings) > 1:
        return "while GEO is off, nothing else of it can be set or read: leave the rest out"
    return None


GEO: Final = Things(
    key="geo",
    kind=Kind.GEO,
    table=Table([field("enabled", "enabled", Switch()), *GEO_SETTINGS.fields]),
    name=lambda text: text,
    now=_settings_now,
    update=_change_settings,
    single="GEO",
    contradiction=_off_with_settings,
)


# -- places


GEO_LOCATIONS: Final = Things(
    key="geo_locations",
    kind=Kind.GEO_LOCATION,
    table=Table([]),
    name=some_name,
    now=_while_on(lambda hands: {one: one for one in hands.geo_locations.list()}),
    create=lambda hands, name, _settings: hands.geo_locations.create(name),
    delete=lambda hands, name: hands.geo_locations.delete(name),
)
"""Places of one's own."""


def _add_range(hands: Managers, name: str, settings: Settings) -> None:
    _change_range(hands, name, settings, hands.geo_ranges.create(name))


def _change_range(hands: Managers, name: str, settings: Settings, now: GeoRange) -> None:
    ranges = hands.geo_ranges
    if settings.keys() & {"country", "location"}:
        if location := settings.get("location"):
            ranges.put_in_location(name, location)
        elif country := settings.get("country"):
            ranges.put_in_country(name, country)
        else:
            ranges.put_nowhere(name)
    if place := _place(settings, now):
        ranges.move(name, **place)


GEO_RANGES: Final = Things(
    key="geo_ranges",
    kind=Kind.GEO_RANGE,
    table=Table(
        [
            field("country", "country", Text()),
            field("location", "location", Text()),
            _LATITUDE,
            _LONGITUDE,
        ]
    ),
    name=lambda text: check_network(text, field="geo_ranges"),
    now=_while_on(lambda hands: {one.network: one for one in hands.geo_ranges.list()}),
    create=_add_range,
    update=_change_range,
    delete=lambda hands, name: hands.geo_ranges.delete(name),
)
"""Clients whose place is known better than the location data knows it."""


# -- clusters


def _add_cluster(hands: Managers, name: str, settings: Settings) -> None:
    more = _but(settings, "name", *_PLACE)
    made = hands.geo_clusters.create(name, settings["name"], **more)
    if place := _place(settings, made):
        hands.geo_clusters.move(name, **place)


def _change_cluster(hands: Managers, name: str, settings: Settings, now: object) -> None:
    if rest := _but(settings, *_PLACE):
        hands.geo_clusters.update(name, **rest)
    if place := _place(settings, now):
        hands.geo_clusters.move(name, **place)


GEO_CLUSTERS: Final = Things(
    key="geo_clusters",
    kind=Kind.GEO_CLUSTER,
    table=Table([*GEO_CLUSTER.fields, _LATITUDE, _LONGITUDE]),
    name=lambda text: check_address(text, field="geo_clusters"),
    now=_while_on(lambda hands: {one.address: one for one in hands.geo_clusters.list()}),
    create=_add_cluster,
    update=_change_cluster,
    delete=lambda hands, name: hands.geo_clusters.delete(name),
    needs=("name",),
)


# -- names


def _lower(text: str) -> str:
    return plain_name(some_name(text)).lower()


def _change_fqdn(hands: Managers, name: str, settings: Settings, _now: object) -> None:
    hands.geo_fqdns.update(name, **settings)


GEO_FQDNS: Final = Things(
    key="geo_fqdns",
    kind=Kind.GEO_FQDN,
    table=FQDN,
    name=_lower,
    now=_while_on(lambda hands: {_lower(one.name): one for one in hands.geo_fqdns.list()}),
    create=lambda hands, name, settings: hands.geo_fqdns.create(name, **settings),
    update=_change_fqdn,
    delete=lambda hands, name: hands.geo_fqdns.delete(name),
)


def _site_name(text: str) -> str:
    name, _, address = text.partition(" ")
    return f"{_lower(name)} {check_address(address, field='sites')}"


def _sites(hands: Managers) -> dict[str, object]:
    return {
        f"{_lower(one.name)} {site.address}": site
        for one in hands.geo_fqdns.list()
        for site in one.sites
    }


_ASIDE: Final = (
    *_PLACE,
    "check_address",
    "check_port",
    "countries",
    "continents",
    "locations",
    "cluster",
)
"""Settings of a site that have commands of their own."""


def _add_site(hands: Managers, name: str, settings: Settings) -> None:
    fqdn, _, address = name.partition(" ")
    more = _but(settings, *_ASIDE)
    made = hands.geo_fqdns.add_site(fqdn, address, cluster=settings.get("cluster"), **more)
    _aside(hands, name, settings, made)


def _change_site(hands: Managers, name: str, settings: Settings, now: GeoSite) -> None:
    if rest := _but(settings, *_ASIDE):
        hands.geo_fqdns.update_site(*_split(name), **rest)
    _aside(hands, name, settings, now)


def _split(name: str) -> tuple[str, str]:
    fqdn, _, rest = name.partition(" ")
    return fqdn, rest


def _aside(hands: Managers, name: str, settings: Settings, now: GeoSite) -> None:
    fqdn, address = _split(name)
    names = hands.geo_fqdns
    if place := _place(settings, now):
        names.move_site(fqdn, address, **place)
    if settings.keys() & {"check_address", "check_port"}:
        instead = settings.get("check_address", now.check_address)
        # A site that is not checked elsewhere shows 0.
        port = settings.get("check_port", now.check_port or 80)
        names.check_site_at(fqdn, address, instead, port)
    for key, continent in (("countries", False), ("continents", True)):
        if key in settings:
            gone, new = _moved(getattr(now, key), settings[key])
            for code in gone:
                names.leave_country(fqdn, address, code, continent=continent)
            for code in new:
                names.serve_country(fqdn, address, code, continent=continent)
    if "locations" in settings:
        gone, new = _moved(now.locations, settings["locations"])
        for location in gone:
            names.leave_location(fqdn, address, location)
        for location in new:
            names.serve_location(fqdn, address, location)


def _moved(before: Iterable[str], after: Iterable[str]) -> tuple[list[str], list[str]]:
    old, new = list(before), list(after)
    return [one for one in old if one not in new], [one for one in new if one not in old]


GEO_SITES: Final = Things(
    key="geo_sites",
    kind=Kind.GEO_SITE,
    table=Table(
        [
            *SITE.fields,
            field("Cluster", "cluster", Text()),
            field("checkerAddr", "check_address", Address()),
            field("CheckerPort", "check_port", Number(low=1, high=65_530)),
            _LATITUDE,
            _LONGITUDE,
            *(
                field(one, one, Words(ordered=False))
                for one in ("countries", "continents", "locations")
            ),
        ]
    ),
    name=_site_name,
    now=_while_on(_sites),
    create=_add_site,
    update=_change_site,
    delete=lambda hands, name: hands.geo_fqdns.delete_site(*_split(name)),
    fixed=frozenset({"cluster"}),
    within=(GEO_FQDNS, "sites"),
)
"""Addresses that a name is answered with."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Record:
    """A further record by what it says; its number is the appliance's own."""

    id: int
    priority: int | None


def _record_name(text: str) -> str:
    name, _, record = text.partition(" ")
    word, _, data = record.partition(" ")
    words = [one.value for one in GeoRecordType if one is not GeoRecordType.OTHER]
    if word not in words or not data:
        raise InvalidRequest(
            f"{record!r} is not TYPE DATA with one of {', '.join(words)}",
            field="records",
            value=record,
        )
    return f"{_lower(name)} {word} {data}"


def _records(hands: Managers) -> dict[str, object]:
    return {
        f"{_lower(one.name)} {record.type.value} {record.data}": _Record(
            id=record.id,
            priority=record.priority if record.type is GeoRecordType.MX else None,
        )
        for one in hands.geo_fqdns.list()
        for record in hands.geo_records.list(one.name)
    }


def _add_record(hands: Managers, name: str, settings: Settings) -> None:
    fqdn, record = _split(name)
    word, data = _split(record)
    hands.geo_records.add(fqdn, GeoRecordType(word), data, priority=settings.get("priority"))


def _change_record(hands: Managers, name: str, settings: Settings, now: _Record) -> None:
    hands.geo_records.update(_split(name)[0], now.id, priority=settings["priority"])


def _delete_record(hands: Managers, name: str) -> None:
    fqdn, record = _split(name)
    for one in hands.geo_records.list(fqdn):
        if f"{one.type.value} {one.data}" == record:
            hands.geo_records.delete(fqdn, one.id)
            return


GEO_RECORDS: Final = Things(
    key="geo_records",
    kind=Kind.GEO_RECORD,
    table=Table([field("priority", "priority", Number(high=65_535))]),
    name=_record_name,
    now=_while_on(_records),
    create=_add_record,
    update=_change_record,
    delete=_delete_record,
    within=(GEO_FQDNS, "records"),
)
"""Further records of a name: ``mx mail.example.com``."""
