"""The vendor's Python SDK on interfaces, templates, log-ins and GEO: what it sends and reads.

It was run itself against the virtual LoadMaster, too; what it cannot do there it cannot do
anywhere (it looks for a range under ``cluster``, and for one location in a list).
"""

from typing import Any

import pytest

from tests.kempsdk.emulator.conftest import Start
from tests.kempsdk.emulator.test_third_party_vendor import Sdk, tree


@pytest.fixture
def sdk(start: Start) -> Sdk:
    return Sdk(start(switches={"interfaces": ("192.0.2.10/24", "198.51.100.1/24")}))


def _list(value: Any) -> list[Any]:
    """Make a list as the SDK does: of nothing, one or many."""
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def test_interfaces_are_written_one_setting_a_call(sdk: Sdk) -> None:
    both = sdk.data("showiface")["Interface"]
    assert [one["Id"] for one in both] == ["0", "1"]
    one = sdk.data("showiface", "interface=1")["Interface"]
    assert one == both[1]
    # It sends back all that it read, whether it changed or not, and skips this one failure.
    for name, value in (
        ("addr", one["IPAddress"]),
        ("mtu", "1400"),
        ("geotraffic", one["GeoTrafficEnable"]),
        ("gwiface", one["DefaultInterface"]),
        ("interfacetype", one["InterfaceType"]),
    ):
        reply = sdk.send("GET", "modiface", f"interface=1&{name}={value}")
        changed = name == "mtu"
        assert changed or reply.error == (422, "Nothing Modified"), name
        assert reply.status == (200 if changed else 422)
    assert sdk.data("showiface", "interface=1")["Interface"]["Mtu"] == "1400"
    address = "addr=198.18.1.1%2F24"
    assert sdk.send("GET", "addadditional", f"interface=1&{address}").status == 200
    listed = sdk.data("showiface", "interface=1")["Interface"]["AdditionalAddresses"]
    assert listed == {"IPaddress": "198.18.1.1/24"}
    assert sdk.send("GET", "deladditional", f"interface=1&{address}").status == 200
    assert "AdditionalAddresses" not in sdk.data("showiface", "interface=1")["Interface"]
    # Where a list is refused it goes by the counters instead.
    numbers = [one["ifaceID"] for one in sdk.data("stats")["Network"].values()]
    assert numbers == ["0", "1"]


def test_templates_from_the_upload_to_the_service(sdk: Sdk) -> None:
    assert sdk.data("listtemplates") == {}
    sdk.send("GET", "addvs", "vs=10.0.0.4&port=8080&prot=tcp&schedule=lc&idletime=100")
    exported = sdk.send("GET", "exportvstmplt", "vs=10.0.0.4&port=8080&prot=tcp").body
    assert sdk.send("POST", "uploadtemplate", body=exported).status == 200
    (template,) = _list(sdk.data("listtemplates")["template"])
    assert set(template) == {"name", "comment", "certified"}
    query = f"vs=10.0.0.5&port=80&prot=tcp&template={template['name']}&nickname=made"
    assert tree(sdk.send("GET", "addvs", query).xml)["Success"] == "Template VS added"
    # It looks for the service that was not there before.
    (made,) = [one for one in sdk.data("listvs")["VS"] if one["VSAddress"] == "10.0.0.5"]
    assert (made["NickName"], made["Schedule"], made["Idletime"]) == ("made", "lc", "100")
    assert sdk.send("GET", "deltemplate", f"name={template['name']}").status == 200
    assert sdk.data("listtemplates") == {}


def test_log_in_domains(sdk: Sdk) -> None:
    assert sdk.data("showdomain") == {}
    for name in ("dom1", "dom2"):
        assert sdk.send("GET", "adddomain", f"domain={name}").status == 200
    both = sdk.data("showdomain")["Domain"]
    assert [one["Name"] for one in both] == ["DOM1", "DOM2"]
    # It names the domain otherwise when it reads one and when it writes.
    one = sdk.data("showdomain", "name=DOM1")["Domain"]
    assert one["Name"] == "DOM1"
    written = "&".join(f"{key}={one[key]}" for key in ("logon_fmt", "unblock_tout", "ldapephc"))
    query = f"name=DOM1&id={one['Id']}&{written}&auth_type=RADIUS&server=10.0.0.1"
    changed = sdk.data("moddomain", query)["Domain"]
    assert (changed["auth_type"], changed["server"]) == ("RADIUS", "10.0.0.1")
    assert sdk.send("GET", "deldomain", "domain=DOM2").status == 200
    assert sdk.data("showdomain")["Domain"]["Name"] == "DOM1"


def test_ldap_end_points(sdk: Sdk) -> None:
    assert sdk.send("GET", "addldapendpoint", "name=l1&server=10.0.0.9&ldaptype=0").status == 200
    shown = sdk.data("showldapendpoint", "name=l1")
    assert (shown["name"], shown["server"]) == ("l1", "10.0.0.9")
    assert sdk.data("showldaplist")["EndPoint"]["name"] == "l1"


def test_fqdns_and_their_sites(sdk: Sdk) -> None:
    assert sdk.send("GET", "enablegeo").status == 200
    # A failure, which it takes for an empty list.
    assert sdk.send("GET", "listfqdns").error == (422, "No geo data found")
    fqdn = "fqdn=www.example.com."
    assert sdk.send("GET", "addfqdn", "fqdn=www.example.com").status == 200
    shown = sdk.data("showfqdn", fqdn)["fqdn"]
    assert (shown["FullyQualifiedDomainName"], "Map" in shown) == ("www.example.com.", False)
    names = (
        "SelectionCriteria FailTime SiteRecoveryMode publicRequestValue privateRequestValue"
        " LocalSettings UnanimousChecks"
    )
    query = "&".join(f"{one.lower()}={shown[one]}" for one in names.split())
    assert sdk.send("GET", "modfqdn", f"{fqdn}&{query}").status == 200
    assert sdk.data("showfqdn", fqdn)["fqdn"] == shown

    def sites() -> list[dict[str, Any]]:
        return _list(sdk.data("listfqdns", fqdn)["fqdn"].get("Map"))

    for host in (1, 2):
        assert sdk.send("GET", "addmap", f"{fqdn}&ip=10.1.1.{host}").status == 200
        assert [one["IPAddress"] for one in sites()][-1] == f"10.1.1.{host}"
    query = "checker=tcp&weight=500&enable=Y&locationlatitude=0&locationlongitude=0"
    # All that it has is sent, its login too.
    assert sdk.send("GET", "modmap", f"{fqdn}&ip=10.1.1.1&auth=bal&{query}").status == 200
    assert (sites()[0]["Weight"], sites()[0]["Checker"]) == ("500", "tcp")
    int(sites()[0]["CheckerPort"])
    for add, name, entry in (
        ("countrycode=DE&iscontinent=no", "Country", {"code": "DE"}),
        ("countrycode=EU&iscontinent=yes", "Continent", {"code": "EU"}),
        ("customlocation=here", "CustomLocation", {"name": "here"}),
    ):
        sdk.send("GET", "addcustomlocation", "clname=here&location=here")
        assert sdk.send("GET", "addcountry", f"{fqdn}&ip=10.1.1.1&{add}").status == 200
        found = {key.lower(): value for key, value in sites()[0].items()}
        assert found[name.lower()] == entry
        assert sdk.send("GET", "removecountry", f"{fqdn}&ip=10.1.1.1&{add}").status == 200
    assert sdk.send("GET", "changemaploc", f"{fqdn}&ip=10.1.1.1&lat=3600&long=7200").status == 200
    assert sites()[0]["LocationLatitude"] == "3600"
    assert sdk.send("GET", "delmap", f"{fqdn}&ip=10.1.1.2").status == 200
    assert len(sites()) == 1
    assert sdk.send("GET", "delfqdn", fqdn).status == 200


def test_clusters_ranges_and_locations(sdk: Sdk) -> None:
    sdk.send("GET", "enablegeo")
    sdk.send("GET", "addcluster", "ip=10.2.2.2&name=east")
    cluster = sdk.data("showcluster", "ip=10.2.2.2")["cluster"]
    assert (cluster["IPAddress"], cluster["Name"]) == ("10.2.2.2", "east")
    query = f"id={cluster['Index']}&name=east&ip=10.2.2.2&checker=tcp&type=default&enable=Y"
    assert sdk.send("GET", "modcluster", query).status == 200
    assert sdk.data("listclusters")["cluster"]["Checker"] == "tcp"
    assert sdk.send("GET", "addip", "ip=10.3.0.0%2F16").status == 200
    # A range is addressed without its prefix from then on.
    assert sdk.data("showip", "ip=10.3.0.0")
    assert sdk.send("GET", "modiploc", "ip=10.3.0.0&mask=16&lat=10&long=20").status == 200
    assert sdk.send("GET", "addipcountry", "countrycode=DE&ip=10.3.0.0").status == 200
    shown = {key.lower(): value for key, value in sdk.data("listips")["IPAddress"].items()}
    assert (shown["mask"], shown["country"], shown["iscustom"]) == ("16", "DE", "N")
    assert sdk.send("GET", "removeipcountry", "ip=10.3.0.0").status == 200
    assert sdk.send("GET", "deliploc", "ip=10.3.0.0").status == 200
    for name in ("here", "there"):
        sdk.send("GET", "addcustomlocation", f"clname={name}&location={name}")
    found = [one["Name"] for one in sdk.data("listcustomlocation")["location"]]
    assert found == ["here", "there"]
    assert sdk.send("GET", "editcustomlocation", "cloldname=here&clnewname=far").status == 200
    assert sdk.send("GET", "deletecustomlocation", "clname=far&location=far").status == 200


def test_parameters_and_lists_of_geo(sdk: Sdk) -> None:
    sdk.send("GET", "enablegeo")
    assert sdk.send("GET", "modparams", "ttl=60").status == 200

    def find(found: dict[str, Any], name: str) -> Any:
        for key, value in found.items():
            if key.lower() == name:
                return value
            if isinstance(value, dict) and (inner := find(value, name)) is not None:
                return inner
        return None

    assert find(sdk.data("listparams"), "ttl") == "60"
    settings = sdk.data("geoacl/getsettings")["GeoAcl"]
    names = "autoupdate autoinstall installtime lastupdated lastinstalled"
    assert {key.lower() for key in settings} == set(names.split())
    assert settings["LastUpdated"] == "Never"
    assert sdk.send("GET", "geoacl/setautoupdate", "enable=yes").status == 200
    assert sdk.send("GET", "geoacl/updatenow").status == 200
    for word, group in (("white", "Whitelist"), ("black", "Blacklist")):
        query = f"type={word}&addr=10.9.9.9"
        assert sdk.send("GET", "geoacl/addcustom", query).status == 200
        listed = sdk.data("geoacl/listcustom", f"type={word}")[group]
        assert _list(listed["addr"]) == ["10.9.9.9"]
    downloaded = sdk.send("GET", "geoacl/downloadlist").xml
    assert (downloaded.get("code"), downloaded.findtext("Success")) == ("ok", "10.9.9.9")


def test_checks_of_servers(sdk: Sdk) -> None:
    # One of the two has a group of its own.
    assert sdk.data("showadaptive")["Data"]["AdaptiveURL"] == "/load"
    assert sdk.send("GET", "modadaptive", "AdaptiveURL=%2Fx&MinPercent=5").status == 200
    assert sdk.data("showadaptive")["Data"]["MinPercent"] == "5"
    timers = {key.lower(): int(value) for key, value in sdk.data("showhealth").items()}
    assert timers == {"retryinterval": 9, "timeout": 4, "retrycount": 2}
