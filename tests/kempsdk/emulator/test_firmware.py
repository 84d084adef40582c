"""Families of firmware: what is shown, by the recordings of 7.1, and what is there at all."""

import json
import xml.etree.ElementTree as ET

import pytest

from tests.kempsdk.emulator.conftest import Start
from tests.kempsdk.emulator.wire import Wire, recorded_xml

TRIPLET = {"vs": "10.154.75.123", "port": 80, "prot": "tcp"}


@pytest.fixture
def old(start: Start) -> Wire:
    return start(switches={"firmware": "7.1"})


def _pairs(element: ET.Element) -> list[tuple[str, str]]:
    return [(one.tag, (one.text or "").strip()) for one in element]


def _recorded(name: str) -> ET.Element:
    data = recorded_xml(name).find("Success/Data")
    assert data is not None
    return data


def test_a_fresh_service_of_7_1_is_the_recorded_one(old: Wire) -> None:
    old.v1("addvs", **TRIPLET)
    shown = old.v1("showvs", **TRIPLET).data
    recorded = _recorded("showvs-http-7.1.xml")
    assert _pairs(shown) == _pairs(recorded)
    options = [[opt.text for opt in one.iter("Opt")] for one in (shown, recorded)]
    assert options[0] == options[1]


def test_a_list_of_7_1(old: Wire) -> None:
    old.v1("addvs", **TRIPLET)
    old.v1("addvs", **{**TRIPLET, "vs": "10.154.190.229"})
    shown = list(old.v1("listvs").data)
    assert [_pairs(one) for one in shown] == [
        _pairs(one) for one in _recorded("listvs-two-vs-7.1.xml")
    ]


def test_a_sub_service_and_servers_of_7_1(old: Wire) -> None:
    old.v1("addvs", **TRIPLET)
    parent = old.v1("modvs", **TRIPLET, createsubvs="").data
    assert parent.find("EnhancedHealthChecks") is None
    sub = [one.tag for one in parent.findall("SubVS")[0]]
    assert sub == [
        "Status",
        "VSIndex",
        "RsIndex",
        "Name",
        "Forward",
        "Weight",
        "Limit",
        "Enable",
        "Critical",
    ]
    assert _pairs(old.v1("showvs", vs=2).data) == _pairs(_recorded("showvs-subvs-7.1.xml"))
    added = old.v1("addrs", vs=2, rs="198.19.0.1", rsport=80).data.find("Rs")
    assert added is not None
    assert not {"DnsName", "RateLimit", "Follow", "Nrules"} & {one.tag for one in added}
    assert old.v1("get", param="version").data[0].text == "7.1.34.3"


def test_there_is_no_second_api_in_7_1(old: Wire) -> None:
    reply = old.v2("listvs")
    assert (reply.status, reply.content_type.partition(";")[0]) == (404, "text/html")


def test_7_2_50_prints_rules_wrongly(start: Start) -> None:
    wire = start(switches={"firmware": "7.2.50"})
    wire.fresh()
    wire.v2("addrule", name="r", pattern="p")
    wire.v2("addprerule", vs=1, rule="r")
    with pytest.raises(json.JSONDecodeError):
        json.loads(wire.v2("showvs", vs=1).body)
    assert wire.v1("showvs", vs=1).data.findtext("PreProcessRules/Name") == "r"
    assert str(wire.v2("get", param="version").json["version"]).startswith("7.2.50.")


def test_interfaces_of_7_1_have_one_word_for_switches(start: Start) -> None:
    interfaces = ("198.51.100.1/24", "203.0.113.1/24")
    wire = start(switches={"firmware": "7.1", "interfaces": interfaces})
    assert [_pairs(one) for one in wire.v1("showiface").data] == [
        [
            ("Id", str(number)),
            ("IPAddress", address),
            ("Mtu", "1500"),
            ("InterfaceType", "Port"),
            ("GeoTrafficEnable", on),
            ("DefaultInterface", on),
            ("AdminWuiEnable", on),
        ]
        for number, (address, on) in enumerate(zip(interfaces, ("yes", "no"), strict=True))
    ]


def test_access_lists_of_7_1_are_plain_addresses_under_the_older_words(old: Wire) -> None:
    assert old.v1("aclcontrol", add="block", addr="203.0.113.7").status == 400
    for address in ("203.0.113.7", "203.0.113.8"):
        assert old.v1("aclcontrol", add="black", addr=address, comment="c").status == 200
    (listed,) = old.v1("aclcontrol", list="black").data
    assert listed.tag == "Blacklist"
    assert _pairs(listed) == [("addr", "203.0.113.7/32"), ("addr", "203.0.113.8/32")]


def test_counters_of_7_1(old: Wire) -> None:
    bare = ["CPU", "Memory", "Network", "TPS", "VStotals"]
    assert [one.tag for one in old.v1("stats").data] == bare
    old.v1("addvs", **TRIPLET)
    old.v1("addrs", vs=1, rs="198.19.0.1", rsport=80)
    stats = old.v1("stats").data
    assert [one.tag for one in stats] == [*bare, "Vs", "Rs"]
    memory = stats.find("Memory")
    assert memory is not None
    assert [one.tag for one in memory] == ["memused", "percentmemused", "memfree", "percentmemfree"]


def test_the_oldest_api_is_switched_on_by_the_web_interface(old: Wire) -> None:
    assert old.v1("set", param="enableapi", value="no").status == 200
    for target in ("/access/listvs", "/access/set?param=enableapi&value=yes"):
        assert old.request("GET", target, headers=old.basic()).status == 404
    switch = "/progs/doconfig/enableapi/set/yes"
    assert old.request("GET", switch).status == 401
    assert old.request("GET", switch.replace("api", "ssh"), headers=old.basic()).status == 404
    assert old.request("GET", switch, headers=old.basic()).status == 200
    assert old.request("GET", "/progs/status/logout", headers=old.basic()).status == 200
    assert old.v1("listvs").status == 200
