"""Services and SubVSs: defaults, addresses, indices, life and death."""

import pytest

from tests.kempsdk.emulator.conftest import Start
from tests.kempsdk.emulator.wire import Wire


@pytest.mark.parametrize(
    ("port", "service_type", "check"),
    [
        (80, "http", "http"),
        (443, "http", "https"),
        (21, "gen", "ftp"),
        (23, "gen", "telnet"),
        (25, "gen", "smtp"),
        (110, "gen", "pop3"),
        (119, "gen", "nntp"),
        (143, "gen", "imap"),
        (389, "gen", "ldap"),
        (636, "gen", "ldap"),
        (9090, "gen", "tcp"),
        (30000, "gen", "tcp"),
        ("*", "gen", "tcp"),
    ],
)
def test_type_and_check_follow_the_port(
    wire: Wire, port: object, service_type: str, check: str
) -> None:
    made = wire.fresh(port=port)
    assert (made["VStype"], made["CheckType"]) == (service_type, check)
    assert made["VSPort"] == str(port)
    audit = "auditrelevant" if service_type == "http" else "auditnone"
    assert made["InterceptOpts"][1] == audit


@pytest.mark.parametrize(("port", "check"), [(53, "dns"), (5000, "icmp")])
def test_udp_services_are_layer_4_and_transparent(wire: Wire, port: int, check: str) -> None:
    made = wire.fresh(port=port, prot="udp")
    assert made["CheckType"] == check
    assert (made["Layer"], made["ForceL4"], made["ForceL7"]) == (4, True, False)
    assert (made["Transparent"], made["SubnetOriginating"]) == (True, False)


def test_settings_may_come_with_addvs(wire: Wire) -> None:
    made = wire.fresh(Enable=False, Schedule="wlc", NickName="web")
    assert (made["Enable"], made["Schedule"], made["NickName"]) == (False, "wlc", "web")
    assert made["Status"] == "Disabled"


def test_a_service_is_addressed_by_triplet_or_bare_index(wire: Wire) -> None:
    wire.fresh("2001:db8::50", 80)
    for address in ("2001:db8::50", "2001:DB8:0::50"):
        found = wire.v2("showvs", vs=address, port=80, prot="tcp")
        assert found.json["Index"] == 1
    for index in (1, "1"):
        assert wire.v2("showvs", vs=index).json["VSAddress"] == "2001:db8::50"
    # With an index the other parts play no role.
    assert wire.v2("showvs", vs=1, port=999, prot="udp").status == 200


def test_an_exclamation_mark_is_taken_for_an_address(wire: Wire) -> None:
    wire.fresh()
    assert wire.v1("showvs", vs="!1").error == (400, "port: String Value missing")


@pytest.mark.parametrize("command", ["showvs", "modvs", "delvs", "addvs", "addrs", "showrs"])
def test_missing_parts_are_named_one_by_one(wire: Wire, command: str) -> None:
    for api in (wire.v1, wire.v2):
        assert api(command).error == (400, "vs: Address Value missing")
        assert api(command, vs="198.18.0.9").error == (400, "port: String Value missing")
        missing = api(command, vs="198.18.0.9", port=80)
        assert missing.error == (400, "prot: String Value missing")


@pytest.mark.parametrize("command", ["showvs", "modvs", "delvs", "addrs", "showrs", "delrs"])
def test_unknown_services(wire: Wire, command: str) -> None:
    wire.fresh(prot="udp")
    for api in (wire.v1, wire.v2):
        assert api(command, vs=77, rs="!1").error == (422, "Unknown VS")
        # Same address and port, other protocol.
        given = {"vs": "198.18.0.1", "port": 80, "prot": "tcp", "rs": "!1"}
        assert api(command, **given).error == (422, "Unknown VS")


def test_a_second_service_on_the_same_triplet_is_refused(start: Start) -> None:
    wire = start(switches={"duplicate_service": "already there"})
    wire.fresh()
    again = wire.v2("addvs", vs="198.18.0.1", port=80, prot="tcp")
    assert again.status == 422
    assert again.error == (422, "already there")
    wire.fresh(prot="udp")
    moved = wire.v2("modvs", vs=2, prot="tcp")
    assert moved.error == (422, "already there")


def test_indices_are_one_sequence_for_services_and_subvss(wire: Wire) -> None:
    wire.fresh("198.18.0.1")
    wire.fresh("198.18.0.2")
    assert wire.sub(1)["VSIndex"] == 3
    assert wire.fresh("198.18.0.3")["Index"] == 4


def test_createsubvs_answers_the_parent(wire: Wire) -> None:
    wire.fresh()
    for empty in ("", "1", True):
        reply = wire.v2("modvs", vs=1, createsubvs=empty).json
        assert (reply["Index"], reply["VSAddress"]) == (1, "198.18.0.1")
    assert (reply["MasterVS"], reply["NumberOfRSs"]) == (3, 3)
    slot = reply["SubVS"][0]
    assert list(slot)[:5] == ["Status", "VSIndex", "RsIndex", "Name", "Forward"]
    assert slot["Name"] == "-"
    shown = wire.v2("showvs", vs=slot["VSIndex"]).json
    assert "VSAddress" not in shown
    assert (shown["VSPort"], shown["Protocol"], shown["MasterVSID"]) == ("0", "tcp", 1)
    assert shown["InterceptOpts"][1] == "auditnone"
    wire.change(slot["VSIndex"], nickname="sub")
    assert wire.v2("showvs", vs=1).json["SubVS"][0]["Name"] == "sub"


@pytest.mark.parametrize("reaches_parent", [False, True])
def test_settings_given_with_createsubvs_reach_the_subvs(
    start: Start, reaches_parent: bool
) -> None:
    wire = start(switches={"createsubvs_changes_parent": reaches_parent})
    wire.fresh(port=9090)
    slot = wire.sub(1, VStype="http")
    assert wire.v2("showvs", vs=slot["VSIndex"]).json["VStype"] == "http"
    assert wire.v2("showvs", vs=1).json["VStype"] == ("http" if reaches_parent else "gen")


def test_a_subvs_has_no_subvs_and_a_parent_no_servers(wire: Wire) -> None:
    wire.fresh()
    slot = wire.sub(1)
    assert wire.v2("modvs", vs=slot["VSIndex"], createsubvs="").status == 422
    refused = wire.v2("addrs", vs=1, rs="198.19.0.1", rsport=80)
    assert refused.error == (422, "Couldn't create RS")
    wire.server(slot["VSIndex"], "198.19.0.1")


def test_listvs_shows_parents_subvss_and_plain_services(wire: Wire) -> None:
    assert wire.v2("listvs").json == {"code": 200, "status": "ok"}
    assert list(wire.v1("listvs").data) == []
    wire.fresh("198.18.0.1")
    wire.sub(1)
    wire.sub(1)
    wire.fresh("198.18.0.2")
    services = wire.v2("listvs").json["VS"]
    assert [one["Index"] for one in services] == [1, 4, 3, 2]
    assert [one.findtext("Index") for one in wire.v1("listvs").data] == ["1", "4", "3", "2"]


def test_listvs_adds_the_last_change_when_asked(wire: Wire) -> None:
    wire.fresh()
    assert "timestamp" not in wire.v2("listvs").json
    timestamp = wire.v1("listvs", timestamp=0).data.findtext("timestamp")
    assert int(timestamp or 0) > 1_600_000_000


def test_deleting_a_service_deletes_what_is_below(wire: Wire) -> None:
    wire.fresh("198.18.0.1")
    wire.fresh("198.18.0.2")
    first, second = wire.sub(1), wire.sub(1)
    wire.server(first["VSIndex"], "198.19.0.1")
    assert wire.v1("delvs", vs=second["VSIndex"]).xml.findtext("Success") == "Command completed ok"
    assert [one["VSIndex"] for one in wire.v2("showvs", vs=1).json["SubVS"]] == [first["VSIndex"]]
    assert wire.v2("delvs", vs=1).json["message"] == "Command completed ok"
    assert [one["Index"] for one in wire.v2("listvs").json["VS"]] == [2]


def test_modvs_moves_a_service(wire: Wire) -> None:
    wire.fresh()
    moved = wire.v2(
        "modvs", vs="198.18.0.1", port=80, prot="tcp", VSAddress="198.18.0.7", VSPort="81"
    ).json
    assert (moved["Index"], moved["VSAddress"], moved["VSPort"]) == (1, "198.18.0.7", "81")
    assert wire.v2("showvs", vs="198.18.0.1", port=80, prot="tcp").status == 422
    assert wire.v2("modvs", vs=1, prot="udp").json["Protocol"] == "udp"


def test_global_changes_renumber_services_but_not_servers(wire: Wire) -> None:
    wire.fresh("198.18.0.1")
    parent = wire.fresh("198.18.0.2")["Index"]
    slot = wire.sub(parent)
    last = wire.fresh("198.18.0.3")["Index"]
    server = wire.server(last, "198.19.0.1")
    wire.v2("delvs", vs=1)
    assert wire.v1("set", param="cachesize", value=101).status == 200
    by_address = {one.get("VSAddress"): one["Index"] for one in wire.v2("listvs").json["VS"]}
    assert by_address == {"198.18.0.2": 1, "198.18.0.3": 2, None: 3}
    parent_now = wire.v2("showvs", vs=1).json
    assert parent_now["SubVS"][0]["RsIndex"] == slot["RsIndex"]
    assert wire.v2("showvs", vs=3).json["MasterVSID"] == 1
    found = wire.v2("showrs", vs=2, rs=f"!{server['RsIndex']}").json["Rs"][0]
    assert (found["VSIndex"], found["Addr"]) == (2, "198.19.0.1")


def test_a_set_that_changes_nothing_does_not_renumber(wire: Wire) -> None:
    wire.fresh("198.18.0.1")
    wire.fresh("198.18.0.2")
    wire.v2("delvs", vs=1)
    wire.v1("set", param="cachesize", value=100)
    assert wire.v2("showvs", vs=2).json["VSAddress"] == "198.18.0.2"


def test_renumbering_can_be_switched_off(start: Start) -> None:
    wire = start(switches={"renumber_services": False})
    wire.fresh("198.18.0.1")
    wire.fresh("198.18.0.2")
    wire.v2("delvs", vs=1)
    wire.v1("set", param="cachesize", value=101)
    assert wire.v2("showvs", vs=2).json["VSAddress"] == "198.18.0.2"


def test_newer_firmware_makes_http_services_transparent(start: Start) -> None:
    wire = start(switches={"http_services_transparent": True})
    web = wire.fresh("198.18.0.1", 80)
    assert (web["Transparent"], web["SubnetOriginating"]) == (True, False)
    assert wire.fresh("198.18.0.2", 9090)["Transparent"] is False
    wire.sub(2)
    parent = wire.v2("showvs", vs=2).json
    assert (parent["Transparent"], parent["SubnetOriginating"]) == (True, False)


def test_a_fresh_service_may_stay_hidden_for_a_moment(start: Start) -> None:
    wire = start(switches={"new_service_hidden_s": 60.0})
    wire.fresh()
    assert wire.v2("showvs", vs=1).error == (422, "Unknown VS")
    assert len(wire.v2("listvs").json["VS"]) == 1


def test_followed_services_are_named(wire: Wire) -> None:
    wire.fresh("198.18.0.1", 81)
    wire.fresh("198.18.0.2")
    shown = wire.change(2, FollowVSID=1)
    assert (shown["FollowVSID"], shown["FollowVS"]) == (1, "tcp/198.18.0.1:81")
