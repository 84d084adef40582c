"""GEO's names and sites as plain immutable data, and how they are read and written."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from dataclasses import field as attribute
from enum import Enum
from typing import Final, TypedDict

from kempsdk.codec import MalformedAnswer, entries, flatten, nothing_else
from kempsdk.errors import InvalidRequest
from kempsdk.fields import Address, Number, Switch, Table, Text, Word, Words, field
from kempsdk.references import check_address, check_range
from kempsdk.rows import find_rows
from kempsdk.transport.call import Tree


class GeoSelection(str, Enum):
    """Which site is answered with."""

    ROUND_ROBIN = "rr"
    WEIGHTED_ROUND_ROBIN = "wrr"
    FIXED = "fw"
    SERVER_LOAD = "rsr"
    PROXIMITY = "prx"
    LOCATION = "lb"
    ALL = "all"
    OTHER = "other"


class GeoRecovery(str, Enum):
    """What happens when a failed site is well again; with ``GeoSelection.LOCATION`` only."""

    AUTOMATIC = "auto"
    MANUAL = "manual"
    OTHER = "other"


class GeoCheck(str, Enum):
    """How a site is checked."""

    NONE = "none"
    ICMP = "icmp"
    TCP = "tcp"
    CLUSTER = "clust"
    HTTP = "http"
    HTTPS = "https"
    OTHER = "other"


class GeoCheckMethod(str, Enum):
    """How a site is asked over HTTP; a number on the wire."""

    GET = "GET"
    POST = "POST"
    OTHER = "other"


class GeoState(str, Enum):
    """State of a name or site."""

    UP = "Up"
    DOWN = "Down"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class GeoSite:
    """One address that a name can be answered with.

    Attributes:
        weight: 1 to 65535.
        cluster: name of its cluster.
        check_address, check_port: where it is checked instead; None and 0 for its own.
        check_codes: HTTP codes that count as success. check_post_data: body of a POST.
        mapped_address, mapped_port: the service on the cluster's LoadMaster that stands for
            the site, under ``GeoSelection.SERVER_LOAD``.
        countries, continents: codes, and custom ``locations``, whose clients it is for.
        latitude_s, longitude_s: seconds of arc.
        extra: the rest.
    """

    address: str
    index: int
    status: GeoState
    enabled: bool
    weight: int
    check: GeoCheck
    check_url: str | None
    check_host: str | None
    check_address: str | None
    check_port: int
    check_codes: tuple[str, ...]
    check_method: GeoCheckMethod
    check_post_data: str | None
    mapped_address: str | None
    mapped_port: int
    cluster: str | None
    latitude_s: int
    longitude_s: int
    countries: tuple[str, ...] = ()
    continents: tuple[str, ...] = ()
    locations: tuple[str, ...] = ()
    extra: Mapping[str, object] = attribute(default_factory=nothing_else, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class GeoFqdn:
    """One name.

    Attributes:
        name: without the dot at its end.
        fail_time_s: how long a failed site stays in, whole minutes up to 86,400; 0 for
            ordinary checking.
        public_sites, private_sites: who is answered with public and private addresses, 0 to
            3 as in the vendor's description of publicRequestValue and privateRequestValue.
        ttl_s, sticky_s: of its own, shown while ``own_settings`` is on; else 0.
        unanimous_checks: one failed site takes the others of its cluster with it.
        extra: the rest, further records for instance.
    """

    name: str
    status: GeoState
    selection: GeoSelection
    fail_time_s: int
    recovery: GeoRecovery
    failover: bool
    public_sites: int
    private_sites: int
    own_settings: bool
    ttl_s: int
    sticky_s: int
    unanimous_checks: bool
    sites: tuple[GeoSite, ...] = ()
    extra: Mapping[str, object] = attribute(default_factory=nothing_else, compare=False)

    def site(self, address: str) -> GeoSite | None:
        """Return the site with an address, None if there is none."""
        return next((one for one in self.sites if one.address == address), None)


class GeoFqdnSettings(TypedDict, total=False):
    """What can be written; see ``GeoFqdn``."""

    selection: GeoSelection
    fail_time_s: int
    recovery: GeoRecovery
    failover: bool
    public_sites: int
    private_sites: int
    own_settings: bool
    ttl_s: int
    sticky_s: int
    unanimous_checks: bool


class GeoSiteSettings(TypedDict, total=False):
    """What can be written; see ``GeoSite``."""

    enabled: bool
    weight: int
    check: GeoCheck
    check_url: str | None
    check_host: str | None
    check_codes: Sequence[str]
    check_method: GeoCheckMethod
    check_post_data: str | None
    mapped_address: str | None
    mapped_port: int


class _FailTime(Number):
    """Whole minutes in requests, seconds in answers (a QUIRK that clients know)."""

    __slots__ = ()

    def write(self, value: object, *, name: str) -> int:
        return super().write(value, name=name) // 60


_STATE: Final = Word(GeoState, default=GeoState.UNKNOWN, other=GeoState.UNKNOWN)
FQDN: Final = Table(
    [
        field("FullyQualifiedDomainName", "name", Text(default=""), read_only=True),
        field("Status", "status", _STATE, read_only=True),
        field(
            "SelectionCriteria",
            "selection",
            Word(GeoSelection, default=GeoSelection.ROUND_ROBIN, other=GeoSelection.OTHER),
        ),
        field("FailTime", "fail_time_s", _FailTime(high=86_400, step=60)),
        field(
            "SiteRecoveryMode",
            "recovery",
            Word(GeoRecovery, default=GeoRecovery.AUTOMATIC, other=GeoRecovery.OTHER),
        ),
        field("failover", "failover", Switch()),
        field("publicRequestValue", "public_sites", Number(high=3)),
        field("privateRequestValue", "private_sites", Number(high=3)),
        field("LocalSettings", "own_settings", Switch()),
        field("LocalTTL", "ttl_s", Number(low=1, high=86_400)),
        field("LocalSticky", "sticky_s", Number(high=86_400)),
        field("UnanimousChecks", "unanimous_checks", Switch()),
    ]
)
_PATH: Final = re.compile(r"/\S*")
SITE: Final = Table(
    [
        field("Index", "index", Number(), read_only=True),
        field("IPAddress", "address", Text(default=""), read_only=True),
        field("Status", "status", _STATE, read_only=True),
        field("Enable", "enabled", Switch()),
        field("Weight", "weight", Number(low=1, high=65_535)),
        field("Checker", "check", Word(GeoCheck, default=GeoCheck.ICMP, other=GeoCheck.OTHER)),
        field("checkerurl", "check_url", Text(longest=127, pattern=_PATH, hint="begins with /")),
        field("checkerhost", "check_host", Text(longest=127)),
        field("checkercodes", "check_codes", Words(ordered=False, numbers=(100, 599))),
        field(
            "checkerhttpmethod",
            "check_method",
            Word(
                GeoCheckMethod,
                default=GeoCheckMethod.GET,
                other=GeoCheckMethod.OTHER,
                codes={"1": GeoCheckMethod.GET, "2": GeoCheckMethod.POST},
            ),
        ),
        field("checkerpostdata", "check_post_data", Text(longest=2047)),
        field("MappedAddress", "mapped_address", Address(), request="MapAddress"),
        field("MappedPort", "mapped_port", Number(low=1, high=65_535), request="MapPort"),
        field("checkerAddr", "check_address", Text(), read_only=True),
        field("CheckerPort", "check_port", Number(), read_only=True),
        field("Cluster", "cluster", Text(), read_only=True),
        field("LocationLatitude", "latitude_s", Number(), read_only=True),
        field("LocationLongitude", "longitude_s", Number(), read_only=True),
    ]
)


def check_place(*, latitude_s: int, longitude_s: int) -> None:
    """Check a place on earth, in seconds of arc.

    Raises:
        InvalidRequest: it is not on earth.
    """
    check_range(latitude_s, field="latitude_s", low=-90 * 3600, high=90 * 3600)
    check_range(longitude_s, field="longitude_s", low=-180 * 3600, high=180 * 3600)


def plain_name(name: str) -> str:
    """Return a name without the dot at its end."""
    return name.removesuffix(".")


def read_fqdns(tree: Tree) -> tuple[GeoFqdn, ...]:
    """Return the names of an answer of listfqdns."""
    rows = entries(tree, "fqdn")
    if not rows:
        find_rows(tree, "fullyqualifieddomainname")  # another shape is not an empty list
    return tuple([_fqdn(one) for one in rows])


def _fqdn(tree: Tree) -> GeoFqdn:
    fields = flatten(tree)
    fields.pop("Map", None)
    values = FQDN.read(fields)
    if not values["name"]:
        raise MalformedAnswer("a GEO entry without a name")
    values["name"] = plain_name(values["name"])
    sites = tuple([_site(one) for one in entries(tree, "Map")])
    found = GeoFqdn(**values, sites=sites)
    return replace(found, extra=fields) if fields else found


def _site(tree: Tree) -> GeoSite:
    fields = flatten(tree)
    for name in ("country", "continent", "customLocation"):
        fields.pop(name, None)
    values = SITE.read(fields)
    try:
        values["address"] = check_address(values["address"] or "", field="address")
    except InvalidRequest:
        raise MalformedAnswer("a site without an address") from None
    found = GeoSite(
        **values,
        countries=_codes(tree, "country", "code"),
        continents=_codes(tree, "continent", "code"),
        locations=_codes(tree, "customLocation", "name"),
    )
    return replace(found, extra=fields) if fields else found


def _codes(tree: Tree, name: str, key: str) -> tuple[str, ...]:
    return tuple(str(flatten(one).get(key, "")) for one in entries(tree, name))
