"""GEO: names, sites and clusters."""

import pytest

from kempsdk.client import LoadMaster
from kempsdk.codec import XmlTree, parse_xml
from kempsdk.errors import BadAnswer, CommandRejected, InvalidRequest, NotFound, WriteNotApplied
from kempsdk.geo_clusters import GeoClusterCheck, GeoClusterType
from kempsdk.geo_models import GeoCheck, GeoCheckMethod, GeoSelection, GeoState, read_fqdns
from tests.kempsdk.test_virtual_services import DONE, scripted


def test_names(lm: LoadMaster) -> None:
    assert lm.geo_fqdns.list() == ()
    made = lm.geo_fqdns.create(
        "www.shop.example.",
        selection=GeoSelection.LOCATION,
        failover=True,
        fail_time_s=300,
        own_settings=True,
        ttl_s=30,
    )
    assert (made.name, made.selection) == ("www.shop.example", GeoSelection.LOCATION)
    assert (made.failover, made.fail_time_s, made.ttl_s) == (True, 300, 30)
    assert lm.geo_fqdns.get("WWW.shop.example") == made
    assert lm.geo_fqdns.update("www.shop.example", public_sites=3).public_sites == 3
    with pytest.raises(CommandRejected):
        lm.geo_fqdns.create("www.shop.example")
    # Failover goes with the selection by location only.
    with pytest.raises(WriteNotApplied, match="failover"):
        lm.geo_fqdns.update("www.shop.example", selection=GeoSelection.ROUND_ROBIN, failover=False)
    lm.geo_fqdns.delete("www.shop.example")
    with pytest.raises(NotFound):
        lm.geo_fqdns.get("www.shop.example")


def test_sites(lm: LoadMaster) -> None:
    name = "www.shop.example"
    lm.geo_fqdns.create(name)
    lm.geo_clusters.create("10.8.0.1", "north")
    site = lm.geo_fqdns.add_site(
        name, "10.8.0.10", cluster="north", weight=500, check=GeoCheck.HTTP, check_url="/up"
    )
    assert (site.address, site.weight, site.check) == ("10.8.0.10", 500, GeoCheck.HTTP)
    assert (site.check_url, site.cluster, site.status) == ("/up", "north", GeoState.UP)
    second = lm.geo_fqdns.add_site(name, "2001:db8::10")
    assert second.index != site.index
    assert not lm.geo_fqdns.update_site(name, "10.8.0.10", enabled=False).enabled
    now = lm.geo_fqdns.serve_country(name, "10.8.0.10", "DE")
    now = lm.geo_fqdns.serve_country(name, "10.8.0.10", "FR")
    now = lm.geo_fqdns.serve_country(name, "10.8.0.10", "EU", continent=True)
    assert (now.countries, now.continents) == (("DE", "FR"), ("EU",))
    assert lm.geo_fqdns.leave_country(name, "10.8.0.10", "DE").countries == ("FR",)
    assert len(lm.geo_fqdns.get(name).sites) == 2
    lm.geo_fqdns.delete_site(name, "10.8.0.10")
    assert [one.address for one in lm.geo_fqdns.get(name).sites] == ["2001:db8::10"]
    for call in (lm.geo_fqdns.delete_site, lm.geo_fqdns.update_site):
        with pytest.raises(NotFound):
            call(name, "10.8.0.10")


def test_clusters(lm: LoadMaster) -> None:
    assert lm.geo_clusters.list() == ()
    made = lm.geo_clusters.create("10.8.0.1", "north", check=GeoClusterCheck.TCP, check_port=443)
    assert (made.name, made.check, made.check_port) == ("north", GeoClusterCheck.TCP, 443)
    now = lm.geo_clusters.update("10.8.0.1", name="south", type=GeoClusterType.REMOTE)
    assert (now.name, now.type, now.id) == ("south", GeoClusterType.REMOTE, made.id)
    now = lm.geo_clusters.move("10.8.0.1", latitude_s=-3600, longitude_s=7200)
    assert (now.latitude_s, now.longitude_s) == (-3600, 7200)
    lm.geo_clusters.create("10.9.0.1", "east")
    lm.geo_clusters.delete("10.8.0.1")
    assert [one.address for one in lm.geo_clusters.list()] == ["10.9.0.1"]
    for call in (lm.geo_clusters.get, lm.geo_clusters.delete):
        with pytest.raises(NotFound):
            call("10.8.0.1")


def test_wrong_values_are_not_sent() -> None:
    lm, transport = scripted()
    for name in ("", "www shop", "-.example", "x" * 254):
        with pytest.raises(InvalidRequest):
            lm.geo_fqdns.create(name)
    with pytest.raises(InvalidRequest, match="steps of 60"):
        lm.geo_fqdns.create("www.example", fail_time_s=90)
    with pytest.raises(InvalidRequest):
        lm.geo_fqdns.add_site("www.example", "here")
    with pytest.raises(InvalidRequest, match="capitals"):
        lm.geo_fqdns.serve_country("www.example", "10.0.0.1", "de")
    with pytest.raises(InvalidRequest, match="324000"):
        lm.geo_clusters.move("10.8.0.1", latitude_s=324_001, longitude_s=0)
    with pytest.raises(InvalidRequest):
        lm.geo_clusters.create("10.8.0.1", "")
    assert transport.calls == []


def test_odd_answers() -> None:
    fqdn = {"FullyQualifiedDomainName": "www.example.", "Map": [{"IPAddress": "10.0.0.1"}]}
    lm, _ = scripted(listfqdns=[{"fqdn": [fqdn]}], modfqdn=[DONE], delfqdn=[DONE], delmap=[DONE])
    with pytest.raises(WriteNotApplied, match="selection"):
        lm.geo_fqdns.update("www.example", selection=GeoSelection.ALL)
    with pytest.raises(WriteNotApplied):
        lm.geo_fqdns.delete("www.example")
    with pytest.raises(WriteNotApplied):
        lm.geo_fqdns.delete_site("www.example", "10.0.0.1")
    refused = CommandRejected("no", status=422, reason="GEO is not licensed")
    lm, _ = scripted(listfqdns=[refused])
    with pytest.raises(CommandRejected):
        lm.geo_fqdns.list()
    for odd in ({"names": ["x"]}, {"fqdn": [{"Status": "Up"}]}):
        lm, _ = scripted(listfqdns=[odd])
        with pytest.raises(BadAnswer):
            lm.geo_fqdns.list()


def test_one_and_many_in_v1() -> None:
    one = "<fqdn><FullyQualifiedDomainName>a.example.</FullyQualifiedDomainName>{}</fqdn>"
    place = "<Map><IPAddress>10.0.0.{}</IPAddress><Checker>clust</Checker><Enable>Y</Enable></Map>"
    text = "<Data>" + one.format(place.format(1) + place.format(2)) + one.format("") + "</Data>"
    first, second = read_fqdns(XmlTree(parse_xml(text.encode())))
    assert [site.address for site in first.sites] == ["10.0.0.1", "10.0.0.2"]
    assert (first.sites[0].check, first.sites[0].enabled) == (GeoCheck.CLUSTER, True)
    assert second.sites == ()


def test_where_a_site_is_and_is_checked(lm: LoadMaster) -> None:
    name, address = "www.shop.example", "10.8.0.10"
    lm.geo_fqdns.create(name, selection=GeoSelection.PROXIMITY)
    lm.geo_fqdns.add_site(name, address)
    now = lm.geo_fqdns.move_site(name, address, latitude_s=189_000, longitude_s=-3600)
    assert (now.latitude_s, now.longitude_s) == (189_000, -3600)
    now = lm.geo_fqdns.check_site_at(name, address, "10.8.0.11", 8080)
    assert (now.check_address, now.check_port) == ("10.8.0.11", 8080)
    now = lm.geo_fqdns.check_site_at(name, address, None)
    assert (now.check_address, now.check_port) == (None, 80)
    with pytest.raises(NotFound):
        lm.geo_fqdns.move_site(name, "10.8.0.99", latitude_s=0, longitude_s=0)
    for latitude_s, port in ((324_001, 80), (0, 65_531)):
        with pytest.raises(InvalidRequest):
            lm.geo_fqdns.move_site(name, address, latitude_s=latitude_s, longitude_s=648_001)
        with pytest.raises(InvalidRequest):
            lm.geo_fqdns.check_site_at(name, address, "here", port)


def test_how_a_site_is_checked(lm: LoadMaster) -> None:
    name, address = "www.shop.example", "10.8.0.10"
    lm.geo_fqdns.create(name)
    now = lm.geo_fqdns.add_site(
        name,
        address,
        check=GeoCheck.HTTP,
        check_codes=["200", "204"],
        check_method=GeoCheckMethod.POST,
        check_post_data="ping=1",
        mapped_address="10.8.0.20",
        mapped_port=8080,
    )
    assert set(now.check_codes) == {"200", "204"}
    assert (now.check_method, now.check_post_data) == (GeoCheckMethod.POST, "ping=1")
    assert (now.mapped_address, now.mapped_port) == ("10.8.0.20", 8080)
    assert lm.geo_fqdns.update_site(name, address, mapped_address=None).mapped_address is None


def test_a_site_that_does_not_move() -> None:
    site = {"IPAddress": "10.8.0.10", "Index": 1, "LocationLatitude": 5, "LocationLongitude": 5}
    fqdn = {"fqdn": {"FullyQualifiedDomainName": "a.", "Map": [site]}}
    lm, _ = scripted(listfqdns=[fqdn], changemaploc=[DONE])
    with pytest.raises(WriteNotApplied, match="latitude_s: asked 7, got 5"):
        lm.geo_fqdns.move_site("a", "10.8.0.10", latitude_s=7, longitude_s=5)
