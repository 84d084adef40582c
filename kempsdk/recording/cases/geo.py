"""GEO: names and sites, clusters, locations and ranges of clients."""

from typing import TYPE_CHECKING, Final

from kempsdk.geo_clusters import GeoClusterCheck, GeoClusterType
from kempsdk.geo_models import GeoCheck, GeoSelection
from kempsdk.geo_records import GeoRecordType
from kempsdk.recording.cases.case import case

if TYPE_CHECKING:
    from kempsdk.client import LoadMaster

_NAME: Final = "www.shop.example"
_SITE: Final = "198.51.100.10"
_CLUSTER: Final = "192.0.2.50"
_RANGE: Final = "203.0.113.0/24"


def _with_name(lm: "LoadMaster") -> None:
    lm.geo_fqdns.create(_NAME, selection=GeoSelection.LOCATION)


def _with_site(lm: "LoadMaster") -> None:
    _with_name(lm)
    lm.geo_locations.create("office")
    lm.geo_fqdns.add_site(_NAME, _SITE)


def _with_checked_site(lm: "LoadMaster") -> None:
    _with_site(lm)
    lm.geo_fqdns.update_site(_NAME, _SITE, check=GeoCheck.TCP)


def _with_record(lm: "LoadMaster") -> None:
    _with_name(lm)
    lm.geo_records.add(_NAME, GeoRecordType.TXT, "old")


def _with_places_of_site(lm: "LoadMaster") -> None:
    _with_site(lm)
    lm.geo_fqdns.serve_country(_NAME, _SITE, "DE")
    lm.geo_fqdns.serve_country(_NAME, _SITE, "EU", continent=True)
    lm.geo_fqdns.serve_location(_NAME, _SITE, "office")


def _with_cluster(lm: "LoadMaster") -> None:
    lm.geo_clusters.create(_CLUSTER, "north")


def _with_name_and_cluster(lm: "LoadMaster") -> None:
    _with_name(lm)
    _with_cluster(lm)


def _with_range(lm: "LoadMaster") -> None:
    lm.geo_locations.create("office")
    lm.geo_ranges.create(_RANGE)


def _with_range_in_country(lm: "LoadMaster") -> None:
    _with_range(lm)
    lm.geo_ranges.put_in_country(_RANGE, "DE")


CASES: Final = (
    case("isgeoenabled/on", lambda lm: lm.geo_fqdns.enabled()),
    case("disablegeo/done", lambda lm: lm.geo_fqdns.switch(enabled=False)),
    case(
        "enablegeo/done",
        lambda lm: lm.geo_fqdns.switch(enabled=True),
        prepare=lambda lm: lm.geo_fqdns.switch(enabled=False),
    ),
    case("listfqdns/none", lambda lm: lm.geo_fqdns.list()),
    case(
        "listfqdns/one",
        lambda lm: lm.geo_fqdns.list(),
        lambda lm: lm.geo_fqdns.get(_NAME),
        prepare=_with_places_of_site,
    ),
    case("addfqdn/defaults", lambda lm: lm.geo_fqdns.create(_NAME)),
    case(
        "modfqdn/own-settings",
        lambda lm: lm.geo_fqdns.update(_NAME, own_settings=True, ttl_s=30, fail_time_s=300),
        prepare=_with_name,
    ),
    case(
        "delfqdn/one",
        lambda lm: lm.geo_fqdns.delete(_NAME),
        lambda lm: lm.geo_fqdns.list(),
        prepare=_with_name,
    ),
    case(
        "addmap/in-a-cluster",
        lambda lm: lm.geo_fqdns.add_site(_NAME, _SITE, cluster="north", weight=500),
        prepare=_with_name_and_cluster,
    ),
    case(
        "modmap/check",
        lambda lm: lm.geo_fqdns.update_site(_NAME, _SITE, check=GeoCheck.HTTP, check_url="/up"),
        prepare=_with_site,
    ),
    case(
        "delmap/one",
        lambda lm: lm.geo_fqdns.delete_site(_NAME, _SITE),
        lambda lm: lm.geo_fqdns.get(_NAME),
        prepare=_with_site,
    ),
    case(
        "addcountry/country-continent-location",
        lambda lm: lm.geo_fqdns.serve_country(_NAME, _SITE, "DE"),
        lambda lm: lm.geo_fqdns.serve_country(_NAME, _SITE, "EU", continent=True),
        lambda lm: lm.geo_fqdns.serve_location(_NAME, _SITE, "office"),
        prepare=_with_site,
    ),
    case(
        "removecountry/country-and-location",
        lambda lm: lm.geo_fqdns.leave_country(_NAME, _SITE, "DE"),
        lambda lm: lm.geo_fqdns.leave_location(_NAME, _SITE, "office"),
        prepare=_with_places_of_site,
    ),
    case(
        "changemaploc/north-east",
        lambda lm: lm.geo_fqdns.move_site(_NAME, _SITE, latitude_s=3600, longitude_s=7200),
        prepare=_with_site,
    ),
    case(
        "changecheckeraddr/another-address",
        lambda lm: lm.geo_fqdns.check_site_at(_NAME, _SITE, "192.0.2.80", 8080),
        prepare=_with_checked_site,
    ),
    case(
        "showfqdn/records",
        lambda lm: lm.geo_records.list(_NAME),
        lambda lm: lm.geo_records.get(_NAME, lm.geo_records.list(_NAME)[0].id),
        lambda lm: lm.geo_records.list("none.example"),
        prepare=_with_record,
    ),
    case(
        "addrr/txt-cname-mx",
        lambda lm: lm.geo_records.add(_NAME, GeoRecordType.TXT, "v=spf1 -all"),
        lambda lm: lm.geo_records.add(_NAME, GeoRecordType.CNAME, "other.example"),
        lambda lm: lm.geo_records.add(_NAME, GeoRecordType.MX, "mail.example", priority=10),
        prepare=_with_name,
    ),
    case(
        "modrr/data",
        lambda lm: lm.geo_records.update(_NAME, lm.geo_records.list(_NAME)[0].id, data="new"),
        prepare=_with_record,
    ),
    case(
        "delrr/one",
        lambda lm: lm.geo_records.delete(_NAME, lm.geo_records.list(_NAME)[0].id),
        lambda lm: lm.geo_records.list(_NAME),
        prepare=_with_record,
    ),
    case("listparams/defaults", lambda lm: lm.geo_parameters.get()),
    case(
        "modparams/zone-and-checks",
        lambda lm: lm.geo_parameters.update(
            zone="shop.example", ttl_s=60, check_interval_s=30, check_timeout_s=5
        ),
    ),
    case("listclusters/none", lambda lm: lm.geo_clusters.list()),
    case(
        "listclusters/one",
        lambda lm: lm.geo_clusters.list(),
        lambda lm: lm.geo_clusters.get(_CLUSTER),
        prepare=_with_cluster,
    ),
    case("addcluster/defaults", lambda lm: lm.geo_clusters.create(_CLUSTER, "north")),
    case(
        "modcluster/type-and-check",
        lambda lm: lm.geo_clusters.update(
            _CLUSTER, type=GeoClusterType.REMOTE, check=GeoClusterCheck.TCP, check_port=443
        ),
        prepare=_with_cluster,
    ),
    case(
        "clustchangeloc/south-west",
        lambda lm: lm.geo_clusters.move(_CLUSTER, latitude_s=-3600, longitude_s=-7200),
        prepare=_with_cluster,
    ),
    case(
        "delcluster/one",
        lambda lm: lm.geo_clusters.delete(_CLUSTER),
        lambda lm: lm.geo_clusters.list(),
        prepare=_with_cluster,
    ),
    case("listcustomlocation/none", lambda lm: lm.geo_locations.list()),
    case(
        "listcustomlocation/one",
        lambda lm: lm.geo_locations.list(),
        prepare=lambda lm: lm.geo_locations.create("office"),
    ),
    case(
        "addcustomlocation/new",
        lambda lm: lm.geo_locations.create("office"),
        lambda lm: lm.geo_locations.list(),
    ),
    case(
        "editcustomlocation/renamed",
        lambda lm: lm.geo_locations.rename("office", "tower"),
        lambda lm: lm.geo_locations.list(),
        prepare=lambda lm: lm.geo_locations.create("office"),
    ),
    case(
        "deletecustomlocation/one",
        lambda lm: lm.geo_locations.delete("office"),
        lambda lm: lm.geo_locations.list(),
        prepare=lambda lm: lm.geo_locations.create("office"),
    ),
    case("listips/none", lambda lm: lm.geo_ranges.list()),
    case(
        "listips/one",
        lambda lm: lm.geo_ranges.list(),
        lambda lm: lm.geo_ranges.get(_RANGE),
        prepare=_with_range,
    ),
    case(
        "deliploc/nowhere-again",
        lambda lm: lm.geo_ranges.move(_RANGE, latitude_s=3600, longitude_s=-60),
        lambda lm: lm.geo_ranges.forget_place(_RANGE),
        prepare=_with_range,
    ),
    case("addip/network", lambda lm: lm.geo_ranges.create(_RANGE)),
    case(
        "addipcountry/country-then-location",
        lambda lm: lm.geo_ranges.put_in_country(_RANGE, "DE"),
        lambda lm: lm.geo_ranges.put_in_location(_RANGE, "office"),
        prepare=_with_range,
    ),
    case(
        "removeipcountry/nowhere",
        lambda lm: lm.geo_ranges.put_nowhere(_RANGE),
        prepare=_with_range_in_country,
    ),
    case(
        "modiploc/north-west",
        lambda lm: lm.geo_ranges.move(_RANGE, latitude_s=3600, longitude_s=-60),
        prepare=_with_range,
    ),
    case(
        "delip/one",
        lambda lm: lm.geo_ranges.delete(_RANGE),
        lambda lm: lm.geo_ranges.list(),
        prepare=_with_range,
    ),
)
