"""aclcontrol, in the forms of old and new clients."""

import pytest

from tests.kempsdk.emulator.wire import Wire


@pytest.mark.parametrize(
    ("word", "element"),
    [
        ("black", "Blacklist"),
        ("white", "Whitelist"),
        ("block", "Blocklist"),
        ("allow", "Allowlist"),
    ],
)
def test_global_lists(wire: Wire, word: str, element: str) -> None:
    assert wire.v1("aclcontrol", add=word, addr="198.51.100.7", comment="one").status == 200
    assert wire.v2("aclcontrol", add=word, addr="2001:db8::/64").status == 200
    listed = wire.v2("aclcontrol", list=word, addr="").json
    assert listed["list"] == word
    assert listed["IP"] == [
        {"addr": "198.51.100.7/32", "comment": "one"},
        {"addr": "2001:db8::/64", "comment": ""},
    ]
    data = wire.v1("aclcontrol", list=word).data
    assert [one.findtext("addr") for one in data.findall(f"{element}/IP")] == [
        "198.51.100.7/32",
        "2001:db8::/64",
    ]
    assert wire.v2("aclcontrol.list", list=word).json == listed
    wire.v1("aclcontrol", **{"del": word, "addr": "198.51.100.7/32"})
    assert len(wire.v2("aclcontrol", list=word).json["IP"]) == 1


def test_lists_of_a_service(wire: Wire) -> None:
    wire.fresh()
    triplet = {"vsip": "198.18.0.1", "vsport": 80, "vsprot": "tcp"}
    wire.v1("aclcontrol", addvs="block", addr="198.51.100.0/24", **triplet)
    # A client of v2 puts the index into vsip, and lists by vs.
    wire.v2("aclcontrol", addvs="block", vsip="1", addr="198.51.100.9")
    listed = wire.v2("aclcontrol", listvs="block", vs="1").json["IP"]
    assert [one["addr"] for one in listed] == ["198.51.100.0/24", "198.51.100.9/32"]
    shown = wire.v1("aclcontrol", listvs="block", **triplet).data
    assert shown.findtext("VS/VS_IP") == "198.18.0.1"
    assert len(shown.findall("VS/Blocklist/IP")) == 2
    wire.v2("aclcontrol", delvs="block", vs=1, addr="198.51.100.9")
    assert len(wire.v2("aclcontrol", listvs="block", vs=1).json["IP"]) == 1
    assert wire.v2("aclcontrol", list="block").json["IP"] == []
    unknown = wire.v2("aclcontrol", listvs="block", vs=9)
    assert unknown.error == (422, "Unknown VS")


def test_refusals(wire: Wire) -> None:
    for address, text in (
        ("198.51.100.1/33", "addr: CIDR format out of range"),
        ("2001:db8::/129", "addr: CIDR format out of range"),
        ("nowhere", "addr: Invalid address format"),
    ):
        assert wire.v1("aclcontrol", add="block", addr=address).error == (422, text)
    assert wire.v1("aclcontrol", add="block").error == (400, "addr: Address Value missing")
    wire.v1("aclcontrol", add="white", addr="198.51.100.1")
    again = wire.v1("aclcontrol", add="white", addr="198.51.100.1")
    assert again.status == 422
    assert again.error[1].endswith("is already present in the white list")


def test_switches_of_the_filter(wire: Wire) -> None:
    assert (
        wire.request("GET", "/access/aclcontrol?isifblock", headers=wire.basic()).data[0].text
        == "Free"
    )
    wire.v1("aclcontrol", ifblock=1)
    assert wire.v2("aclcontrol.isifblock").json["aclblockall"] == "Block"
    wire.v1("aclcontrol", enable=0)
    assert wire.v2("aclcontrol.isenabled").json["aclstatus"] == "no"
    assert wire.v1("aclcontrol", drop=1).status == 422
    assert wire.v2("aclcontrol.wuiaddr").json["wuiaddr"] == "127.0.0.1"
