"""GEO: FQDNs and their sites, clusters, ranges, locations, parameters, lists."""

import pytest

from tests.kempsdk.emulator.wire import Wire

NAME = "www.example.com"


@pytest.fixture
def filled(wire: Wire) -> Wire:
    wire.v2("addcluster", ip="192.0.2.50", name="east")
    wire.v2("addfqdn", fqdn=NAME)
    wire.v2("addmap", fqdn=NAME, ip="198.18.0.1", clust="east")
    return wire


def test_without_data_and_without_geo(wire: Wire) -> None:
    no_data = (422, "No geo data found")
    assert wire.v2("listfqdns").error == no_data
    assert wire.v2("isgeoenabled").json["IsEnabled"] is True
    assert wire.v2("disablegeo").status == 200
    assert wire.v2("isgeoenabled").json["IsEnabled"] is False
    assert wire.v1("listclusters").error == no_data
    assert wire.v1("addfqdn", fqdn=NAME).error == no_data
    assert wire.v1("enablegeo").status == 200
    assert wire.v1("addfqdn", fqdn=NAME).status == 200


def test_an_fqdn_with_its_site(filled: Wire) -> None:
    # Names come back with a final dot, and are found with and without.
    for name in (NAME, f"{NAME}."):
        shown = filled.v2("showfqdn", fqdn=name).json["fqdn"]
        assert shown["FullyQualifiedDomainName"] == f"{NAME}."
    assert (shown["SelectionCriteria"], shown["FailTime"], shown["failover"]) == ("rr", 0, False)
    (site,) = shown["Map"]
    assert (site["IPAddress"], site["Cluster"], site["Checker"]) == ("198.18.0.1", "east", "icmp")
    assert (site["Weight"], site["Enable"], site["CheckerPort"]) == (1000, True, 0)
    (listed,) = filled.v1("listfqdns").data
    assert listed.tag == "fqdn"
    assert listed.findtext("Map/Enable") == "Y"
    assert filled.v2("addfqdn", fqdn=f"{NAME}.").status == 422
    assert filled.v2("addmap", fqdn=NAME, ip="198.18.0.1").status == 422
    assert filled.v2("showfqdn", fqdn="other").status == 422


def test_settings_of_an_fqdn(filled: Wire) -> None:
    filled.v2("modfqdn", fqdn=NAME, FailTime=2, failover=1, siterecoverymode="manual", localttl=5)
    shown = filled.v2("showfqdn", fqdn=NAME).json["fqdn"]
    # Set in minutes, shown in seconds; the others need something else first.
    assert shown["FailTime"] == 120
    assert (shown["failover"], shown["SiteRecoveryMode"]) == (False, "auto")
    assert "LocalTTL" not in shown
    filled.v2("modfqdn", fqdn=NAME, SelectionCriteria="lb", failover=1, siterecoverymode="manual")
    filled.v2("modfqdn", fqdn=NAME, LocalSettings=1, localttl=5, publicRequestValue=9)
    shown = filled.v2("showfqdn", fqdn=NAME).json["fqdn"]
    assert (shown["failover"], shown["SiteRecoveryMode"]) == (True, "manual")
    assert (shown["LocalTTL"], shown["publicRequestValue"]) == (5, 0)


def test_settings_of_a_site(filled: Wire) -> None:
    site = {"fqdn": NAME, "ip": "198.18.0.1"}
    filled.v2("modmap", **site, Checker="http", checkerurl="/x", Weight=7, MapAddress="198.18.0.9")
    filled.v2("changecheckeraddr", **site, checkerip="198.18.0.8", port=8080)
    filled.v2("changemaploc", **site, lat=3661, long=-60)
    filled.v2("addcustomlocation", location="office")
    filled.v2("addcountry", **site, countrycode="IE", iscontinent="no")
    filled.v2("addcountry", **site, countrycode="EU", iscontinent="yes", customlocation="office")
    (shown,) = filled.v2("showfqdn", fqdn=NAME).json["fqdn"]["Map"]
    assert (shown["Checker"], shown["checkerurl"], shown["Weight"]) == ("http", "/x", 7)
    assert (shown["checkerAddr"], shown["CheckerPort"]) == ("198.18.0.8", 8080)
    assert shown["MappedAddress"] == "198.18.0.9"
    assert (shown["LocationLatitude"], shown["LocationLongitude"]) == (3661, -60)
    assert shown["country"] == [{"code": "IE"}]
    assert shown["continent"] == [{"code": "EU"}]
    assert shown["customLocation"] == [{"name": "office"}]
    filled.v2("editcustomlocation", cloldname="office", clnewname="home")
    filled.v2("removecountry", **site, countrycode="IE", iscontinent="no")
    filled.v2("changecheckeraddr", **site, checkerip="", port="")
    filled.v2("modmap", **site, Enable=0, Cluster="")
    (shown,) = filled.v2("showfqdn", fqdn=NAME).json["fqdn"]["Map"]
    assert shown["customLocation"] == [{"name": "home"}]
    assert not {"country", "checkerAddr", "Cluster"} & set(shown)
    assert (shown["Status"], shown["CheckerPort"]) == ("Down", 80)
    assert filled.v2("addcountry", **site).status == 400
    assert filled.v2("addcountry", **site, customlocation="none").status == 422
    assert filled.v2("delmap", **site).status == 200
    assert filled.v2("delmap", **site).status == 422


def test_there_is_a_most_of_sites(wire: Wire) -> None:
    wire.v2("addfqdn", fqdn=NAME)
    for number in range(256):
        assert wire.v2("addmap", fqdn=NAME, ip=f"198.18.1.{number}").status == 200
    refused = wire.v2("addmap", fqdn=NAME, ip="198.18.2.1")
    assert refused.error == (422, "Too many IP addresses already specified")


def test_additional_records(filled: Wire) -> None:
    assert filled.v2("addrr", fqdn=NAME, type="mx", rdata="mail.example.com").status == 200
    assert filled.v2("addrr", fqdn=NAME, type="cname", name="x.example.com").status == 200
    assert filled.v2("addrr", fqdn=NAME, type="txt").status == 400
    assert filled.v2("addrr", fqdn=NAME, type="a", rdata="x").status == 400
    change = {"fqdn": NAME, "type": "mx", "id": 1}
    assert filled.v2("modrr", **change, param="priority", value=10).status == 200
    assert filled.v2("modrr", **change, param="name", value="x").status == 400
    first, _ = filled.v2("showfqdn", fqdn=NAME).json["fqdn"]["AdditionalRecord"]
    assert (first["Index"], first["Priority"]) == (1, 10)
    assert filled.v2("delrr", fqdn=NAME, id=1).status == 200
    assert filled.v2("delrr", fqdn=NAME, id=1).status == 422


def test_clusters(filled: Wire) -> None:
    (listed,) = filled.v2("listclusters").json["cluster"]
    number = listed["Index"]
    assert (listed["Name"], listed["IPAddress"], listed["Type"]) == (
        "east",
        "192.0.2.50",
        "default",
    )
    assert filled.v2("addcluster", ip="192.0.2.50", name="x").status == 422
    filled.v2("modcluster", id=number, type="remoteLM", checker="tcp", checkerport=80, enable=0)
    filled.v2("clustchangeloc", ip="192.0.2.50", latsecs=60, longsecs=120)
    # By number as documented, and by address as clients do.
    shown = filled.v2("showcluster", id=number).json["cluster"]
    assert shown == filled.v2("showcluster", ip="192.0.2.50").json["cluster"]
    assert (shown["Type"], shown["CheckerPort"], shown["Enable"]) == ("remoteLM", 80, False)
    assert (shown["LocationLatitude"], shown["LocationLongitude"]) == (60, 120)
    assert filled.v1("showcluster", id=number).data.findtext("cluster/Type") == "remoteLM"
    assert filled.v2("showcluster").error == (400, "id: String Value missing")
    assert filled.v2("delcluster", ip="192.0.2.50").status == 200
    assert filled.v2("delcluster", ip="192.0.2.50").status == 422
    assert "Cluster" not in filled.v2("showfqdn", fqdn=NAME).json["fqdn"]["Map"][0]


def test_ranges_and_locations(wire: Wire) -> None:
    assert wire.v2("addip", ip="198.18.0.0/16").status == 200
    assert wire.v2("addip", ip="198.18.0.0/16").status == 422
    assert wire.v2("addip", ip="198.0.0.0/4").status == 422
    (listed,) = wire.v2("listips").json["IPAddress"]
    assert (listed["IPAddress"], listed["Mask"], listed["Country"]) == ("198.18.0.0", 16, "-1")
    assert "Latitude" not in listed
    wire.v2("modiploc", ip="198.18.0.0", lat=3600, long=7200)
    wire.v2("addcustomlocation", location="office")
    assert wire.v2("addipcountry", ip="198.18.0.0", customloc="none").status == 422
    wire.v2("addipcountry", ip="198.18.0.0", customloc="office")
    shown = wire.v2("showip", ip="198.18.0.0").json["IPAddress"]
    assert (shown["Country"], shown["IsCustom"], shown["Longitude"]) == ("office", True, 7200)
    wire.v2("deletecustomlocation", clName="office")
    wire.v2("deliploc", ip="198.18.0.0")
    shown = wire.v2("showip", ip="198.18.0.0").json["IPAddress"]
    assert (shown["Country"], shown["IsCustom"]) == ("-1", False)
    assert "location" not in wire.v2("listcustomlocation").json
    assert wire.v2("delip", ip="198.18.0.0").status == 200
    assert wire.v2("showip", ip="198.18.0.0").error == (422, "Unknown IP")


def test_parameters(wire: Wire) -> None:
    wire.v2("modparams", zone="example.com", TTL=30, persist=60, ConnTimeout=60, RetryAttempts=5)
    shown = wire.v2("listparams").json
    assert (shown["zone"], shown["TTL"], shown["persist"]) == ("example.com", 30, 60)
    # Raised by itself.
    assert shown["CheckInterval"] == 301
    wire.v2("modparams", glueip="192.0.2.1")
    assert wire.v1("listparams").data.findtext("glueip") == "192.0.2.1"
    wire.v2("modparams", glueip="")
    unset = wire.v1("listparams").data.findtext("glueip")
    assert unset == "0.0.0.0"  # noqa: S104 - what is shown while unset
    wire.v2("addfqdn", fqdn=NAME)
    wire.v2("modfqdn", fqdn=NAME, LocalSettings=1)
    assert wire.v2("showfqdn", fqdn=NAME).json["fqdn"]["LocalTTL"] == 30


def test_the_access_list(wire: Wire) -> None:
    assert wire.v2("geoacl.setinstalltime", hour=5).status == 422
    wire.v2("geoacl.setautoupdate", enable="yes")
    wire.v2("geoacl.setautoinstall", enable=1)
    assert wire.v2("geoacl.setinstalltime", hour=5).status == 200
    wire.v1("geoacl/updatenow")
    settings = wire.v1("geoacl/getsettings").data.find("GeoAcl")
    assert settings is not None
    assert settings.findtext("AutoUpdate") == "yes"
    assert settings.findtext("InstallTime") == "5"
    assert settings.findtext("LastInstalled") == "Never"
    assert settings.findtext("LastUpdated") != "Never"
    assert wire.v2("geoacl.addcustom", addr="198.18.0.0/16").status == 200
    assert wire.v2("geoacl.addcustom", addr="198.18.0.0/16").status == 422
    assert wire.v1("geoacl/addcustom", addr="192.0.2.1", type="black").status == 200
    assert wire.v2("geoacl.listcustom").json["Addr"] == ["198.18.0.0/16"]
    black = wire.v1("geoacl/listcustom", type="black").data
    assert [one.text for one in black.iter("addr")] == ["192.0.2.1"]
    assert wire.v2("geoacl.removecustom", addr="198.18.0.0/16").status == 200
    assert wire.v2("geoacl.removecustom", addr="198.18.0.0/16").status == 422
    assert wire.v2("geoacl.addcustom", addr="nonsense").status == 422


def test_dnssec_and_partners(wire: Wire) -> None:
    assert wire.v2("geosetdnssec", enable="yes").status == 422
    assert wire.v2("geogenerateksk", keysize=4096).status == 200
    assert wire.v2("geosetdnssec", enable="yes").status == 200
    assert wire.v2("geoshowdnssec").json["DNSSEC"] == "yes"
    assert wire.v2("geodeleteksk").status == 200
    assert wire.v2("geoshowdnssec").json["DNSSEC"] == "no"
    assert wire.v2("geogenerateksk", keysize=7).status == 400
    assert wire.v2("getgeopartnerstatus").json == {"code": 200, "status": "ok"}
    wire.v2("set", param="geopartners", value="192.0.2.77")
    (partner,) = wire.v2("getgeopartnerstatus").json["Partner"]
    assert partner == {"Address": "192.0.2.77", "Status": "Unknown"}
