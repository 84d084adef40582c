"""Interfaces, VLANs, bonds, addresses, routes, hosts."""

import pytest

from tests.kempsdk.emulator.conftest import Start
from tests.kempsdk.emulator.wire import Wire, recorded_xml

TWO = {"switches": {"interfaces": ("10.0.0.14/24", "")}}
NOTHING = (422, "Nothing Modified")


def test_an_interface_has_the_recorded_form(start: Start) -> None:
    wire = start(switches={"interfaces": ("10.0.0.14/24",)})
    recorded = recorded_xml("showiface-eth0-7.2.63.xml").find("Success/Data/Interface")
    assert recorded is not None
    for number in ({"interface": 0}, {"iface": 0}, {}):
        shown = wire.v1("showiface", **number).data.find("Interface")
        assert shown is not None
        assert [(one.tag, one.text) for one in shown] == [(one.tag, one.text) for one in recorded]
    assert wire.v2("showiface", iface=0).json["Interface"] == [
        {
            "Id": 0,
            "IPAddress": "10.0.0.14/24",
            "Mtu": "1500",
            "InterfaceType": "Port",
            "GeoTrafficEnable": True,
            "DefaultInterface": True,
        }
    ]


def test_a_list_repeats_the_address_before_one_without(start: Start) -> None:
    wire = start(**TWO)
    listed = wire.v2("showiface").json["Interface"]
    assert [one["IPAddress"] for one in listed] == ["10.0.0.14/24", "10.0.0.14/24"]
    assert wire.v2("showiface", interface=1).json["Interface"][0]["IPAddress"] == ""
    assert wire.v2("showiface", interface=2).status == 422


def test_one_setting_a_call_and_nothing_modified_is_a_failure(start: Start) -> None:
    wire = start(**TWO)
    changed = wire.v1("modiface", iface=1, addr="10.0.1.14/24", mtu=9000)
    assert changed.xml.findtext("Success") == "Address changed"
    (shown,) = wire.v2("showiface", interface=1).json["Interface"]
    assert (shown["IPAddress"], shown["Mtu"]) == ("10.0.1.14/24", "1500")
    assert wire.v1("modiface", interface=1, addr="10.0.1.14/24").error == NOTHING
    assert wire.v2("modiface", interface=1, mtu=9000).json["message"] == "Command completed ok"
    assert wire.v2("modiface", interface=1, mtu=9000).error == NOTHING
    assert wire.v2("modiface", interface=1).error == NOTHING
    assert wire.v2("modiface", interface=1, mtu=100).status == 422
    assert wire.v2("modiface", interface=1, addr="nonsense").status == 422
    assert wire.v2("modiface", addr="10.0.1.14/24").error == (
        400,
        "interface: String Value missing",
    )


def test_some_switches_only_move(start: Start) -> None:
    wire = start(**TWO)
    assert wire.v2("modiface", interface=0, gwiface="no").error == NOTHING
    assert wire.v2("modiface", interface=1, gwiface="yes").status == 200
    defaults = [one["DefaultInterface"] for one in wire.v2("showiface").json["Interface"]]
    assert defaults == [False, True]
    assert wire.v2("modiface", interface=1, hacheck=1).status == 200
    assert wire.v2("modiface", interface=0, hacheck=0).error == NOTHING
    assert wire.v2("modiface", interface=1, adminwuienable=1).error == NOTHING
    wire.v2("set", param="multihomedwui", value="yes")
    assert wire.v2("modiface", interface=1, adminwuienable=1).status == 200


def test_addresses_of_a_pair_under_both_names(wire: Wire) -> None:
    assert wire.v2("modiface", interface=0, PartnerIPAddress="192.0.2.11").status == 200
    assert wire.v2("modiface", interface=0, shared="192.0.2.12").status == 200
    assert wire.v2("modiface", interface=0, sharedipaddress="192.0.2.12").error == NOTHING
    (shown,) = wire.v2("showiface").json["Interface"]
    assert shown["SharedIPAddress"] == "192.0.2.12"
    assert wire.v1("showiface").data.findtext("Interface/PartnerIPAddress") == "192.0.2.11"


def test_additional_addresses(wire: Wire) -> None:
    for address in ("198.18.1.1/24", "198.18.2.1/24"):
        assert wire.v2("addadditional", interface=0, addr=address).status == 200
    assert wire.v2("addadditional", interface=0, addr="198.18.1.1/24").status == 422
    found = [one.text for one in wire.v1("showiface").data.iter("IPaddress")]
    assert found == ["198.18.1.1/24", "198.18.2.1/24"]
    assert wire.v2("showiface").json["Interface"][0]["AdditionalAddresses"] == found
    assert wire.v2("deladditional", interface=0, addr="198.18.1.1/24").status == 200
    assert wire.v2("deladditional", interface=0, addr="198.18.1.1/24").status == 422


def test_vlans_and_vxlans(wire: Wire) -> None:
    assert wire.v2("addvlan", interface=0, vlanid=100).status == 200
    assert wire.v2("addvlan", interface=0, vlanid=100).status == 422
    assert wire.v2("addvlan", interface=0, vlanid=5000).status == 422
    assert wire.v2("modiface", interface=1, addr="198.18.3.1/24").status == 200
    (shown,) = wire.v2("showiface", interface=1).json["Interface"]
    assert (shown["InterfaceType"], shown["IPAddress"]) == ("VLAN", "198.18.3.1/24")
    assert wire.v2("delvlan", interface=0, vlanid=100).status == 200
    assert wire.v2("delvlan", interface=0, vlanid=100).status == 422
    assert wire.v2("addvxlan", interface=0, vni=7).status == 400
    assert wire.v2("addvxlan", interface=0, vni=7, remote="192.0.2.9").status == 200
    assert wire.v2("delvxlan", interface=0).status == 422
    assert wire.v2("delvxlan", interface=1).status == 200
    assert len(wire.v2("showiface").json["Interface"]) == 1


def test_bonds(start: Start) -> None:
    wire = start(switches={"interfaces": ("10.0.0.14/24", "", "")})
    assert wire.v2("addbond", interface=1, bond=2).status == 422
    assert wire.v2("createbond", interface=2).status == 200
    assert wire.v2("createbond", interface=2).error == NOTHING
    assert wire.v2("modiface", interface=2, bondmode=4).status == 200
    assert wire.v2("addbond", interface=0, bond=2).error == NOTHING
    assert wire.v2("addbond", interface=1, bond=2).status == 200
    assert wire.v2("delbond", interface=1, bond=2).status == 200
    assert wire.v2("delbond", interface=1, bond=2).error == NOTHING
    assert wire.v2("unbond", interface=2).status == 200
    assert wire.v2("unbond", interface=2).status == 422


def test_routes(wire: Wire) -> None:
    assert wire.v2("showroute").json == {"code": 200, "status": "ok"}
    assert wire.v1("addroute", dest="198.18.9.0/24", gateway="192.0.2.1").status == 200
    assert wire.v1("addroute", dest="198.18.9.0/24", gateway="192.0.2.2").status == 422
    assert wire.v1("addroute", dest="nonsense", gateway="192.0.2.2").status == 422
    assert wire.v2("showroute").json["Route"] == [
        {"Destination": "198.18.9.0/24", "Gateway": "192.0.2.1"}
    ]
    assert wire.v1("delroute", dest="198.18.9.0/24").status == 200
    assert wire.v1("delroute", dest="198.18.9.0/24").status == 422


def test_hosts_and_resolving_now(start: Start) -> None:
    wire = start(switches={"dns_names": {"web.example.com": "198.19.0.1"}})
    wire.fresh()
    wire.server(1, "web.example.com")
    assert wire.v2("addhostsentry", hostip="198.19.0.7", hostfqdn="web.example.com").status == 200
    assert wire.v2("addhostsentry", hostip="198.19.0.7", hostfqdn="x").status == 422
    assert wire.v2("gethosts").json["HostsEntry"] == [
        {"HostIPAddress": "198.19.0.7", "HostFqdn": "web.example.com"}
    ]
    assert wire.v2("showvs", vs=1).json["Rs"][0]["Addr"] == "198.19.0.1"
    assert wire.v2("resolvenow").status == 200
    (server,) = wire.v2("showvs", vs=1).json["Rs"]
    assert (server["Addr"], server["DnsName"]) == ("198.19.0.7", "web.example.com")
    assert wire.v2("delhostsentry", hostip="198.19.0.7").status == 200
    assert wire.v2("delhostsentry", hostip="198.19.0.7").status == 422


def test_telemetry_and_admin_access(wire: Wire) -> None:
    assert wire.v2("enabletelemetry", interface=0, enable=1).status == 200
    assert wire.v2("showtelemetry", interface=0).json["Interface"] == [
        {"Id": 0, "TelemetryEnabled": True}
    ]
    assert wire.v2("setadminaccess", wuiiface=0, wuiport=8443).status == 200
    assert wire.v2("get", param="wuiport").json["wuiport"] == 8443
    assert wire.v2("setadminaccess", wuiiface=9, wuiport=8443).status == 422


@pytest.mark.parametrize("command", ["addroute", "addhostsentry", "addvlan"])
def test_missing_parameters(wire: Wire, command: str) -> None:
    assert wire.v2(command).status == 400
