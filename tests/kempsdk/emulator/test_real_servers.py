"""Real servers and the slots of SubVSs."""

from typing import Any

import pytest

from tests.kempsdk.emulator.conftest import Start
from tests.kempsdk.emulator.wire import Wire


def _show(wire: Wire, index: int, rs_index: int) -> dict[str, Any]:
    (server,) = wire.v2("showrs", vs=index, rs=f"!{rs_index}").json["Rs"]
    assert isinstance(server, dict)
    return server


def test_rs_indices_are_one_sequence_for_servers_and_slots(wire: Wire) -> None:
    wire.fresh("198.18.0.1")
    wire.fresh("198.18.0.2")
    numbers = [wire.server(2, "198.19.0.1")["RsIndex"], wire.sub(1)["RsIndex"]]
    sub = wire.v2("showvs", vs=1).json["SubVS"][0]["VSIndex"]
    numbers += [wire.server(sub, "198.19.0.1")["RsIndex"]]
    assert numbers == [1, 2, 3]
    wire.v2("delrs", vs=sub, rs="!3")
    assert wire.server(sub, "198.19.0.2")["RsIndex"] == 4


def test_a_server_is_addressed_by_port_or_marked_index(wire: Wire) -> None:
    wire.fresh()
    wire.server(1, "198.19.0.1", 8080)
    for given in ({"rs": "!1"}, {"rs": "198.19.0.1", "rsport": 8080}):
        assert wire.v1("showrs", vs=1, **given).data.findtext("Rs/Addr") == "198.19.0.1"
    # Without the mark it is a name, and a name needs its port.
    assert wire.v2("showrs", vs=1, rs="1").error == (400, "rsport: String Value missing")
    for unknown in ({"rs": "!9"}, {"rs": "1", "rsport": 8080}, {"rs": "198.19.0.1", "rsport": 81}):
        assert wire.v2("showrs", vs=1, **unknown).error == (422, "Unknown RS")
    assert wire.v2("showrs", vs=1).error == (400, "rs: Address Value missing")


def test_percent_encoded_mark(wire: Wire) -> None:
    wire.fresh()
    wire.server(1, "198.19.0.1")
    shown = wire.request("GET", "/access/showrs?vs=1&rs=%211", headers=wire.basic())
    assert shown.data.findtext("Rs/RsIndex") == "1"


def test_settings_given_to_addrs(wire: Wire) -> None:
    wire.fresh(ForceL4=1)
    added = wire.server(
        1, "198.19.0.1", weight="5", limit=10, enable="N", critical=1, forward="route"
    )
    assert (added["Weight"], added["Limit"], added["Critical"]) == (5, 10, True)
    assert (added["Enable"], added["Status"]) == (False, "Disabled")
    # QUIRK: forward needs a modrs of its own.
    assert added["Forward"] == "nat"


def test_addrs_may_take_forward(start: Start) -> None:
    wire = start(switches={"addrs_ignores_forward": False})
    wire.fresh(ForceL4=1)
    assert wire.server(1, "198.19.0.1", forward="route")["Forward"] == "route"


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ({"weight": 1}, {"Weight": 1}),
        ({"weight": 65535}, {"Weight": 65535}),
        ({"weight": 0}, {"Weight": 1000}),
        ({"weight": 65536}, {"Weight": 1000}),
        ({"limit": 100000}, {"Limit": 100000}),
        ({"limit": 100001}, {"Limit": 0}),
        ({"newport": 8080}, {"Port": 8080}),
        ({"NewPort": "2"}, {"Port": 80}),
        ({"newport": 65536}, {"Port": 80}),
        ({"enable": "n"}, {"Enable": False, "Status": "Disabled"}),
        ({"critical": "Y"}, {"Critical": True}),
        ({"follow": 1}, {"Follow": 1}),
        ({"forward": "route"}, {"Forward": "nat"}),
        ({"forward": "elsewhere"}, {"Forward": "nat"}),
        ({"addr": "198.19.0.9", "rsaddr": "198.19.0.9"}, {"Addr": "198.19.0.1"}),
    ],
)
def test_modrs_as_stored(wire: Wire, given: dict[str, Any], shown: dict[str, Any]) -> None:
    wire.fresh()
    wire.server(1, "198.19.0.1")
    reply = wire.v2("modrs", vs=1, rs="!1", **given)
    assert reply.json == {"code": 200, "message": "Command completed ok", "status": "ok"}
    server = _show(wire, 1, 1)
    assert {name: server[name] for name in shown} == shown


def test_direct_return_needs_layer_4(wire: Wire) -> None:
    wire.fresh(ForceL4=1)
    wire.server(1, "198.19.0.1")
    wire.v2("modrs", vs=1, rs="198.19.0.1", rsport=80, forward="route")
    assert _show(wire, 1, 1)["Forward"] == "route"
    wire.v2("modrs", vs=1, rs="!1", forward="nat")
    assert _show(wire, 1, 1)["Forward"] == "nat"


def test_a_second_server_on_the_same_port_is_refused(start: Start) -> None:
    wire = start(switches={"duplicate_server": "already there"})
    wire.fresh()
    wire.server(1, "198.19.0.1", 80)
    wire.server(1, "198.19.0.1", 81)
    assert wire.v2("addrs", vs=1, rs="198.19.0.1", rsport=80).error == (422, "already there")
    assert wire.v2("modrs", vs=1, rs="!2", newport=80).error == (422, "already there")
    assert _show(wire, 1, 2)["Port"] == 81


@pytest.mark.parametrize("port", [2, 65536, "x", ""])
def test_ports_that_no_server_can_have(wire: Wire, port: object) -> None:
    wire.fresh()
    assert wire.v2("addrs", vs=1, rs="198.19.0.1", rsport=port).status in (400, 422)
    assert "Rs" not in wire.v2("showvs", vs=1).json


def test_slot_of_a_subvs_is_a_server_of_the_parent(wire: Wire) -> None:
    wire.fresh()
    slot = wire.sub(1, nickname="shop")
    wire.v2("modrs", vs=1, rs=f"!{slot['RsIndex']}", weight=7, limit=9, critical=1)
    wire.v2("modrs", vs=1, rs="shop", enable=0)
    shown = wire.v2("showvs", vs=1).json["SubVS"][0]
    assert (shown["Weight"], shown["Limit"], shown["Critical"]) == (7, 9, True)
    assert (shown["Enable"], shown["Status"], shown["Name"]) == (False, "Disabled", "shop")


def test_addtoallsubvs(wire: Wire) -> None:
    wire.fresh()
    first, second = wire.sub(1), wire.sub(1)
    wire.server(first["VSIndex"], "198.19.0.1", addtoallsubvs=1)
    for slot in (first, second):
        servers = wire.v2("showvs", vs=slot["VSIndex"]).json["Rs"]
        assert [one["Addr"] for one in servers] == ["198.19.0.1"]


def test_enable_here_and_everywhere(start: Start) -> None:
    wire = start(health="up")
    for service in (1, 2):
        wire.fresh(f"198.18.0.{service}")
        wire.server(service, "198.19.0.1")
        wire.server(service, "198.19.0.2")

    def enabled() -> list[bool]:
        return [one["Enable"] for service in wire.v2("listvs").json["VS"] for one in service["Rs"]]

    wire.v1("modrs", vs=1, rs="198.19.0.1", rsport=80, enable="n")
    assert enabled() == [False, True, True, True]
    assert wire.v1("disablers", rs="198.19.0.2").xml.findtext("Success") == "Command completed ok"
    assert enabled() == [False, False, True, False]
    assert wire.v2("enablers", rs="198.19.0.1").json["message"] == "Command completed ok"
    assert enabled() == [True, False, True, False]
    assert wire.v2("enablers").error == (400, "rs: Address Value missing")


@pytest.mark.parametrize(("choice", "status"), [("refuse", 422), ("accept", 200)])
def test_enablers_of_an_unknown_address(start: Start, choice: str, status: int) -> None:
    wire = start(switches={"enablers_unknown_address": choice})
    assert wire.v2("disablers", rs="198.19.0.77").status == status


def test_names_of_servers(start: Start) -> None:
    wire = start(switches={"dns_names": {"web1.example": "198.19.0.1"}})
    wire.fresh()
    added = wire.server(1, "web1.example")
    assert (added["Addr"], added["DnsName"]) == ("198.19.0.1", "web1.example")
    assert wire.v2("showrs", vs=1, rs="web1.example", rsport=80).status == 200
    assert wire.v2("addrs", vs=1, rs="web2.example", rsport=80).error == (
        400,
        "rs: Address Value missing",
    )


def test_deleting_servers_lowers_the_minimum(wire: Wire) -> None:
    wire.fresh(EnhancedHealthChecks=1)
    for host in (1, 2, 3):
        wire.server(1, f"198.19.0.{host}")
    wire.change(1, RsMinimum=3)
    wire.v2("delrs", vs=1, rs="!1")
    assert wire.v2("showvs", vs=1).json["RsMinimum"] == 2
    wire.v2("delrs", vs=1, rs="!2")
    last = wire.v2("showvs", vs=1).json
    assert (last["RsMinimum"], last["NumberOfRSs"]) == (0, 1)


def test_names_need_the_parameter_that_allows_them(start: Start) -> None:
    wire = start(switches={"dns_names": {"web1.example": "198.19.0.1"}})
    wire.fresh()
    wire.v2("set", param="DNSNamesEnable", value="no")
    assert wire.v2("addrs", vs=1, rs="web1.example", rsport=80).status == 400
    wire.v2("set", param="DNSNamesEnable", value="yes")
    assert wire.v2("addrs", vs=1, rs="web1.example", rsport=80).status == 200


def test_a_sub_service_is_also_named_by_its_nickname(wire: Wire) -> None:
    wire.fresh()
    wire.sub(1, NickName="static")
    assert wire.v2("modrs", vs=1, rs="static", weight=7).status == 200
    assert wire.v2("showvs", vs=1).json["SubVS"][0]["Weight"] == 7
    assert wire.v2("showrs", vs=1, rs="dynamic", rsport=80).error == (422, "Unknown RS")


def test_servers_beyond_the_local_networks_exclude_transparency(wire: Wire) -> None:
    def non_local() -> bool:
        (service,) = wire.box.configuration()["services"].values()
        return bool(service["servers"][0]["non_local"])

    wire.fresh(Transparent=1)
    wire.server(1, "203.0.113.1", non_local=1)
    assert not non_local()
    wire.change(1, Transparent=0)
    wire.v2("set", param="nonlocalrs", value="no")
    wire.v2("modrs", vs=1, rs="!1", non_local=1)
    assert not non_local()
    wire.v2("set", param="nonlocalrs", value="yes")
    wire.v2("modrs", vs=1, rs="!1", non_local=1)
    assert non_local()
    assert wire.change(1, Transparent=1)["Transparent"] is False
    wire.v2("modrs", vs=1, rs="!1", non_local=0)
    assert wire.change(1, Transparent=1)["Transparent"] is True
