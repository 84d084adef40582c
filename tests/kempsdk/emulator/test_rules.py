"""Content rules of all types and their assignment."""

from typing import Any

import pytest

from tests.kempsdk.emulator.wire import Wire

_ALL: dict[str, Any] = {
    "pattern": "p",
    "header": "h",
    "replacement": "v",
    "matchtype": "prefix",
    "inchost": True,
    "nocase": "Y",
    "negate": 1,
    "incquery": "1",
    "mustfail": "y",
    "caseindependent": True,
    "setonmatch": 9,
    "onlyonflag": "1",
    "onlyonnoflag": 2,
}
_FLAGS = {"OnlyOnFlag": 1, "OnlyOnNoFlag": 2}


@pytest.mark.parametrize(
    ("number", "group", "shown"),
    [
        (
            0,
            "MatchContentRule",
            {
                "Pattern": "p",
                "MatchType": "prefix",
                "AddHost": True,
                "Negate": True,
                "CaseIndependent": True,
                "IncludeQuery": True,
                "Header": "h",
                "MustFail": True,
                "SetFlagOnMatch": 9,
            },
        ),
        (1, "AddHeaderRule", {"Header": "h", "HeaderValue": "v"}),
        (2, "DeleteHeaderRule", {"Pattern": "p"}),
        (3, "ReplaceHeaderRule", {"Header": "h", "Replacement": "v", "Pattern": "p"}),
        (4, "ModifyURLRule", {"Pattern": "p", "Replacement": "v"}),
        (5, "ReplaceBodyRule", {"Pattern": "p", "Replacement": "v", "CaseIndependent": True}),
    ],
)
def test_each_type_shows_what_applies_to_it(
    wire: Wire, number: int, group: str, shown: dict[str, Any]
) -> None:
    made = wire.v2("addrule", name="r", type=str(number), **_ALL).json
    assert made[group] == [{"Name": "r", **shown, **_FLAGS}]
    assert wire.v2("showrule", name="r").json == made
    assert wire.v2("showrule", type=number).json == made
    assert group not in wire.v2("showrule", type=(number + 1) % 6).json


def test_defaults_and_what_is_missing_when_unset(wire: Wire) -> None:
    (rule,) = wire.v2("addrule", name="r", pattern="/x", setonmatch=10, onlyonflag=0).json[
        "MatchContentRule"
    ]
    assert rule == {
        "Name": "r",
        "Pattern": "/x",
        "MatchType": "Regex",
        "AddHost": False,
        "Negate": False,
        "CaseIndependent": False,
        "IncludeQuery": False,
        "Header": "",
        "MustFail": False,
    }


def test_modrule_replaces_the_whole_rule_and_keeps_the_type(wire: Wire) -> None:
    wire.v2("addrule", name="r", type=3, pattern="a", header="h", replacement="b", onlyonflag=3)
    changed = wire.v2("modrule", name="r", pattern="c").json
    assert changed["ReplaceHeaderRule"] == [
        {"Name": "r", "Header": "", "Replacement": "", "Pattern": "c"}
    ]
    assert "ModifyURLRule" in wire.v2("modrule", name="r", type=4, pattern="c").json


@pytest.mark.parametrize("name", ["my-rule", "a b", "a.b", "é"])
def test_names_with_other_characters(wire: Wire, name: str) -> None:
    assert wire.v2("addrule", name=name, pattern="x").error == (422, "Cannot read rules")


def test_refusals(wire: Wire) -> None:
    wire.fresh()
    wire.server(1, "198.19.0.1")
    assert wire.v1("addrule", name="r").error == (400, "pattern: String Value missing")
    assert wire.v1("addrule", pattern="r").error == (400, "name: String Value missing")
    assert wire.v1("addrule", name="h", type=1).status == 200
    assert wire.v2("addrule", name="long", pattern="p", replacement="x" * 256).status == 422
    assert wire.v2("addrule", name="h", pattern="p").status == 422
    for command in ("showrule", "delrule", "modrule"):
        assert wire.v2(command, name="gone", pattern="p").error == (422, "Rule not found")
    assert wire.v2("addprerule", vs=1, rule="gone").error == (422, "Rule gone not found")
    assert wire.v2("addprerule", vs=1).error == (400, "rule: String Value missing")
    assert wire.v2("addrsrule", vs=1, rs="!1", rule="h").status == 422
    assert wire.v2("delprerule", vs=1, rule="h").status == 422
    # Names are case-sensitive.
    assert wire.v2("showrule", name="H").status == 422


@pytest.mark.parametrize(
    ("kind", "member", "effective"),
    [
        ("pre", "PreProcessRules", {0}),
        ("request", "RequestRules", {1, 2, 3, 4}),
        ("response", "ResponseRules", {1, 2, 3, 4}),
        ("responsebody", "MatchBodyRules", {5}),
    ],
)
def test_assignment_to_services(wire: Wire, kind: str, member: str, effective: set[int]) -> None:
    wire.fresh()
    for number in range(6):
        wire.v2("addrule", name=f"r{number}", type=number, pattern="p")
        reply = wire.v2(f"add{kind}rule", vs=1, rule=f"r{number}")
        assert reply.json["message"] == "Command completed ok"
    shown = wire.v2("showvs", vs=1).json
    assert shown[member] == [f"r{number}" for number in sorted(effective)]
    assert shown[f"N{member}"] == len(effective)
    for number in effective:
        assert wire.v1(f"del{kind}rule", vs=1, rule=f"r{number}").status == 200
    shown = wire.v2("showvs", vs=1).json
    assert member not in shown
    assert shown[f"N{member}"] == 0


def test_assignment_to_servers_and_slots(wire: Wire) -> None:
    wire.fresh("198.18.0.1")
    wire.fresh("198.18.0.2")
    wire.server(1, "198.19.0.1")
    slot = wire.sub(2)
    wire.v2("addrule", name="a", pattern="/a")
    wire.v2("addrsrule", vs=1, rs="198.19.0.1", rsport=80, rule="a")
    wire.v2("addrsrule", vs=2, rs=f"!{slot['RsIndex']}", rule="a")
    service = wire.v2("showvs", vs=1).json
    assert (service["NRules"], service["Rs"][0]["MatchRules"]) == (1, ["a"])
    assert wire.v2("showvs", vs=2).json["SubVS"][0]["Nrules"] == 1
    assert wire.v1("showvs", vs=1).data.findtext("Rs/MatchRules/Name") == "a"
    # Content switching needs layer 7.
    assert wire.change(1, ForceL4=1)["Layer"] == 7
    wire.v2("delrsrule", vs=1, rs="!1", rule="a")
    assert "MatchRules" not in wire.v2("showrs", vs=1, rs="!1").json["Rs"][0]


def test_delrule_detaches_everywhere(wire: Wire) -> None:
    wire.fresh()
    wire.server(1, "198.19.0.1")
    wire.v2("addrule", name="a", pattern="/a")
    wire.v2("addprerule", vs=1, rule="a")
    wire.v2("addrsrule", vs=1, rs="!1", rule="a")
    assert wire.v2("delrule", name="a").json["message"] == "Command completed ok"
    shown = wire.v2("showvs", vs=1).json
    assert (shown["NPreProcessRules"], shown["NRules"]) == (0, 0)


def test_order_is_order_of_attachment_and_can_be_changed(wire: Wire) -> None:
    wire.fresh()
    for name in ("a", "b", "c"):
        wire.v2("addrule", name=name, type=2, pattern="p")
        wire.v2("addrequestrule", vs=1, rule=name)
    assert wire.change(1)["RequestRules"] == ["a", "b", "c"]
    moved = wire.change(1, RequestPrecedence="c", RequestPrecedencePos=1)
    assert moved["RequestRules"] == ["c", "a", "b"]
