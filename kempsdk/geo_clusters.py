"""GEO clusters: data centres that sites belong to and are checked with."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from dataclasses import field as attribute
from enum import Enum
from typing import TYPE_CHECKING, Final, TypedDict

from kempsdk.appliance import Appliance, not_found
from kempsdk.codec import MalformedAnswer, nothing_else
from kempsdk.errors import FieldDifference, InvalidRequest
from kempsdk.fields import (
    Address,
    Number,
    Switch,
    Table,
    Text,
    Word,
    compare,
    field,
    write_settings,
)
from kempsdk.geo_models import GeoState, check_place
from kempsdk.read_back import check_applied, not_applied
from kempsdk.references import check_address
from kempsdk.rows import find_rows
from kempsdk.transport.call import Tree

if TYPE_CHECKING:
    from typing_extensions import Unpack


class GeoClusterType(str, Enum):
    """What a cluster is."""

    DEFAULT = "default"
    REMOTE = "remoteLM"
    LOCAL = "localLM"
    OTHER = "other"


class GeoClusterCheck(str, Enum):
    """How a cluster is checked."""

    NONE = "none"
    TCP = "tcp"
    ICMP = "icmp"
    OTHER = "other"


@dataclass(frozen=True, slots=True, kw_only=True)
class GeoCluster:
    """One data centre.

    Attributes:
        id: what the appliance calls it.
        check_port: 1 to 65530; 0 for none.
        latitude_s, longitude_s: seconds of arc.
    """

    id: int
    address: str
    name: str
    status: GeoState
    type: GeoClusterType
    check: GeoClusterCheck
    check_port: int
    enabled: bool
    latitude_s: int
    longitude_s: int
    extra: Mapping[str, object] = attribute(default_factory=nothing_else, compare=False)


class NewGeoCluster(TypedDict, total=False):
    """What a new cluster can be given; see ``GeoCluster``."""

    type: GeoClusterType
    check: GeoClusterCheck
    check_port: int
    enabled: bool


class GeoClusterSettings(NewGeoCluster, total=False):
    """What can be changed; see ``GeoCluster``."""

    name: str


GEO_CLUSTER: Final = Table(
    [
        field("index", "id", Number(), read_only=True),
        field("ipaddress", "address", Address(), read_only=True),
        field("name", "name", Text(default="", longest=127)),
        field(
            "status",
            "status",
            Word(GeoState, default=GeoState.UNKNOWN, other=GeoState.UNKNOWN),
            read_only=True,
        ),
        field(
            "type",
            "type",
            Word(GeoClusterType, default=GeoClusterType.DEFAULT, other=GeoClusterType.OTHER),
        ),
        field(
            "checker",
            "check",
            Word(GeoClusterCheck, default=GeoClusterCheck.NONE, other=GeoClusterCheck.OTHER),
        ),
        field("checkerport", "check_port", Number(low=1, high=65_530)),
        field("enable", "enabled", Switch()),
        field("locationlatitude", "latitude_s", Number(), read_only=True),
        field("locationlongitude", "longitude_s", Number(), read_only=True),
    ]
)


class GeoClusters:
    """The GEO clusters of one LoadMaster: ``lm.geo_clusters``. Named by their address."""

    def __init__(self, appliance: Appliance) -> None:
        self._appliance = appliance

    def list(self) -> tuple[GeoCluster, ...]:
        """Return all clusters."""
        return self._appliance.read("listclusters", {}, _read)

    def get(self, address: str) -> GeoCluster:
        """Return one cluster.

        Raises:
            NotFound: there is none with this address.
        """
        wanted = check_address(address, field="address")
        for one in self.list():
            if one.address == wanted:
                return one
        raise not_found(f"no GEO cluster {wanted}", command="listclusters", target=wanted)

    def create(self, address: str, name: str, **settings: "Unpack[NewGeoCluster]") -> GeoCluster:
        """Make a cluster and return it. Changes the device.

        Raises:
            InvalidRequest: no address, no name or a wrong value; nothing was sent.
            CommandRejected: the appliance refused, for instance since there is one.
            OutcomeUnknown: no answer; ``get`` tells.
            WriteNotApplied: it is there, with other settings than asked for.
        """
        wanted = check_address(address, field="address")
        asked: dict[str, object] = dict(settings)
        write_settings(GEO_CLUSTER, {**asked, "name": name})
        if not name:
            raise InvalidRequest("name: it needs one", field="name", value=name)
        self._appliance.write("addcluster", {"ip": wanted, "name": name}, target=wanted)
        made = self.get(wanted)
        if made.name != name:
            raise not_applied("addcluster", wanted, FieldDifference("name", name, made.name))
        return self._write(made, asked) if asked else made

    def update(self, address: str, **settings: "Unpack[GeoClusterSettings]") -> GeoCluster:
        """Change a cluster and return it as it is now. Changes the device.

        Raises:
            NotFound: there is none with this address.
            InvalidRequest, OutcomeUnknown, WriteNotApplied: as for ``create``.
        """
        asked = dict(settings)
        write_settings(GEO_CLUSTER, asked)
        found = self.get(address)
        return self._write(found, asked) if asked else found

    def move(self, address: str, *, latitude_s: int, longitude_s: int) -> GeoCluster:
        """Say where a cluster is. Changes the device.

        Args:
            address: the cluster.
            latitude_s: seconds of arc, -324,000 to 324,000. That south and west are negative
                is a guess: 3600 is one degree.
            longitude_s: the same, -648,000 to 648,000.

        Raises:
            InvalidRequest: out of range; nothing was sent.
            NotFound: there is none with this address.
            OutcomeUnknown: no answer; ``get`` tells.
            WriteNotApplied: it is somewhere else.
        """
        asked = {"latitude_s": latitude_s, "longitude_s": longitude_s}
        check_place(**asked)
        found = self.get(address)
        self._appliance.write(
            "clustchangeloc",
            {"ip": found.address, "latsecs": latitude_s, "longsecs": longitude_s},
            target=found.address,
        )
        now = self.get(address)
        wrong = [
            FieldDifference(name, value, getattr(now, name))
            for name, value in asked.items()
            if getattr(now, name) != value
        ]
        check_applied("clustchangeloc", found.address, wrong)
        return now

    def delete(self, address: str) -> None:
        """Delete a cluster; its sites then have none. Changes the device.

        Raises:
            NotFound: there is none with this address.
            OutcomeUnknown: no answer; ``list`` tells.
            WriteNotApplied: it is still there.
        """
        found = self.get(address)
        self._appliance.write("delcluster", {"ip": found.address}, target=found.address)
        if any(one.address == found.address for one in self.list()):
            still = FieldDifference("cluster", None, found.address)
            raise not_applied("delcluster", found.address, still)

    def _write(self, found: GeoCluster, asked: Mapping[str, object]) -> GeoCluster:
        params = write_settings(GEO_CLUSTER, asked)
        self._appliance.write("modcluster", {"id": found.id, **params}, target=found.address)
        now = self.get(found.address)
        check_applied("modcluster", found.address, compare(GEO_CLUSTER, asked, now))
        return now


def _read(tree: Tree) -> tuple[GeoCluster, ...]:
    # The names are the vendor's Python SDK's; its description shows no answer.
    return tuple([_cluster(one) for one in find_rows(tree, "ipaddress")])


def _cluster(row: dict[str, object]) -> GeoCluster:
    values = GEO_CLUSTER.read(row)
    if values["address"] is None:
        raise MalformedAnswer("a GEO cluster without an address")
    found = GeoCluster(**values)
    return replace(found, extra=row) if row else found
