"""What GEO remembers: FQDNs with their sites, clusters, address ranges, locations."""

from dataclasses import dataclass, field
from typing import Final

from kempsdk.emulator.answers import Refusal
from kempsdk.emulator.appliance import Appliance
from kempsdk.emulator.records import Table, Values, flag, number, text, word
from kempsdk.emulator.sections import GEO, section
from kempsdk.emulator.values import address_of

NO_DATA: Final = "No geo data found"

FQDN_TABLE: Final = Table(
    word("SelectionCriteria", "rr", ("rr", "wrr", "fw", "rsr", "prx", "lb", "all")),
    number("FailTime", 0, 1440, 0),
    word("SiteRecoveryMode", "auto", ("auto", "manual")),
    flag("failover"),
    number("publicRequestValue", 0, 3, 0),
    number("privateRequestValue", 0, 3, 0),
    flag("LocalSettings"),
    number("LocalTTL", 1, 86400, 10),
    number("LocalSticky", 0, 86400, 0),
    flag("UnanimousChecks"),
)
MAP_TABLE: Final = Table(
    word("Checker", "icmp", ("none", "icmp", "tcp", "clust", "http", "https")),
    text("checkerurl", longest=127),
    text("checkercodes", longest=127),
    text("checkerhost", longest=127),
    text("checkerhttpmethod"),
    text("checkerpostdata", longest=2047),
    number("Weight", 1, 65535, 1000),
    flag("Enable", default=True),
    text("MappedAddress"),
    text("MappedPort"),
    request={"MappedAddress": "MapAddress", "MappedPort": "MapPort"},
)
CLUSTER_TABLE: Final = Table(
    text("Name", optional=False),
    word("Type", "default", ("default", "remoteLM", "localLM")),
    word("Checker", "none", ("none", "tcp", "icmp")),
    number("CheckerPort", 1, 65530, 0, zero=True),
    flag("Enable", default=True),
)
PARAMETER_TABLE: Final = Table(
    text("zone", optional=False),
    flag("PerZoneSOA"),
    text("SourceOfAuthority", optional=False),
    text("namesrv", optional=False),
    text("SOAEmail", optional=False),
    flag("dclustunavail"),
    text("glueip", "0.0.0.0", optional=False),  # noqa: S104 - what is shown while unset
    number("TTL", 1, 86400, 10),
    text("Txt", optional=False),
    flag("EDNSECS", default=True),
    number("persist", 0, 86400, 0),
    number("CheckInterval", 9, 3600, 120),
    number("ConnTimeout", 4, 60, 20),
    number("RetryAttempts", 2, 10, 2),
)


@dataclass(slots=True, kw_only=True)
class Site:
    """One address of an FQDN (``Map``).

    Attributes:
        cluster: number of its cluster, 0 for none.
    """

    index: int
    address: str
    settings: Values
    cluster: int = 0
    check_address: str = ""
    check_port: int = 0
    latitude_s: int = 0
    longitude_s: int = 0
    continents: list[str] = field(default_factory=list)
    countries: list[str] = field(default_factory=list)
    locations: list[str] = field(default_factory=list)


@dataclass(slots=True, kw_only=True)
class Record:
    """A TXT, CNAME or MX record."""

    index: int
    type: str
    data: str
    priority: int = 0


@dataclass(slots=True, kw_only=True)
class Fqdn:
    settings: Values
    sites: list[Site] = field(default_factory=list)
    records: list[Record] = field(default_factory=list)


@dataclass(slots=True, kw_only=True)
class Cluster:
    index: int
    address: str
    settings: Values
    latitude_s: int = 0
    longitude_s: int = 0


@dataclass(slots=True, kw_only=True)
class Range:
    """An address or network of clients.

    Attributes:
        country: code, or the name of a custom location; empty for none.
    """

    index: int
    mask: int
    country: str = ""
    is_custom: bool = False
    latitude_s: int | None = None
    longitude_s: int | None = None


@dataclass(slots=True, kw_only=True)
class AccessList:
    auto_update: bool = False
    auto_install: bool = False
    install_hour: int = 4
    updated: str = "Never"
    installed: str = "Never"
    allowed: list[str] = field(default_factory=list)
    blocked: list[str] = field(default_factory=list)


@dataclass(slots=True, kw_only=True)
class Dnssec:
    enabled: bool = False
    algorithm: str = ""
    key_size: int = 0


@section("geo", part=GEO)
@dataclass(slots=True, kw_only=True)
class Geo:
    """Attributes:
    fqdns: by name with its final dot.
    ranges: by address.
    next_index: one sequence for sites, clusters and ranges (a guess).
    """

    enabled: bool = True
    fqdns: dict[str, Fqdn] = field(default_factory=dict)
    clusters: dict[int, Cluster] = field(default_factory=dict)
    ranges: dict[str, Range] = field(default_factory=dict)
    locations: list[str] = field(default_factory=list)
    parameters: Values = field(default_factory=PARAMETER_TABLE.defaults)
    access: AccessList = field(default_factory=AccessList)
    dnssec: Dnssec = field(default_factory=Dnssec)
    next_index: int = 1

    def new_index(self) -> int:
        self.next_index += 1
        return self.next_index - 1


def geo_of(box: Appliance) -> Geo:
    """Return GEO's data.

    Raises:
        Refusal: GEO is off.
    """
    geo = box.state.section(Geo)
    if not geo.enabled:
        raise Refusal(NO_DATA)
    return geo


def site_address(value: str, name: str = "ip") -> str:
    """Return an address in its canonical spelling.

    Raises:
        Refusal: it is none; the text is aclcontrol's, so a guess here.
    """
    found = address_of(value)
    if found is None:
        raise Refusal(f"{name}: Invalid address format")
    return found
