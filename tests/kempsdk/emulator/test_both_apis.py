"""v1 and v2 show one state; only the spelling of the types differs."""

import xml.etree.ElementTree as ET
from typing import Any

import pytest

from tests.kempsdk.emulator.wire import Wire

STRINGS_IN_V2 = {"VSPort", "PersistTimeout", "CheckPort", "ErrorCode", "SSLRewrite", "TlsType"}
NUMBERS_IN_V2 = {"InterceptMode", "InputAuthMode", "OutputAuthMode", "Index", "Idletime"}
ONLY_V1 = {"ResponseStatusRemap", "ResponseRemapMsgFormat"}
WRAPPED = {
    "InterceptOpts": "Opt",
    "OwaspOpts": "Opt",
    "PreProcessRules": "Name",
    "RequestRules": "Name",
    "MatchRules": "Name",
}


def _same(element: ET.Element, value: Any) -> None:
    """Compare one element with one JSON member."""
    name = element.tag
    if name in WRAPPED:
        assert [one.tag for one in element] == [WRAPPED[name]] * len(value)
        assert [one.text for one in element] == value
    elif isinstance(value, bool):
        assert element.text == ("Y" if value else "N"), name
    elif isinstance(value, (int, float)):
        assert element.text == str(value), name
    else:
        assert (element.text or "") == value, name


def _compare(parent: ET.Element, members: dict[str, Any]) -> None:
    names = list(dict.fromkeys(one.tag for one in parent if one.tag not in ONLY_V1))
    assert names == [name for name in members if name not in ("code", "status")]
    for name in names:
        elements = parent.findall(name)
        value = members[name]
        if isinstance(value, list) and value and isinstance(value[0], dict):
            assert len(elements) == len(value)
            for element, one in zip(elements, value, strict=True):
                _compare(element, one)
        else:
            assert len(elements) == 1
            _same(elements[0], value)


@pytest.fixture
def filled(wire: Wire) -> Wire:
    wire.fresh(
        NickName="web",
        CheckUrl="/a&b<c>",
        Persist="src",
        PersistTimeout=300,
        ErrorCode=302,
        ErrorUrl="http://198.18.0.9/",
        SSLAcceleration=1,
        Cookie="SID",
        EspEnabled=1,
        Domain="D",
    )
    wire.v2("addrule", name="pre", pattern="/x")
    wire.v2("addprerule", vs=1, rule="pre")
    wire.v2("addrequestrule", vs=1, rule="pre")
    wire.server(1, "198.19.0.1", weight=7, critical=True)
    wire.server(1, "198.19.0.2", enable=False)
    wire.v2("addrsrule", vs=1, rs="!1", rule="pre")
    wire.fresh("198.18.0.2", ForceL4=1)
    wire.fresh("198.18.0.3")
    wire.sub(3)
    return wire


@pytest.mark.parametrize("index", [1, 2, 3, 4])
def test_every_member_of_a_service(filled: Wire, index: int) -> None:
    members = filled.v2("showvs", vs=index).json
    _compare(filled.v1("showvs", vs=index).data, members)
    assert {name for name in STRINGS_IN_V2 if not isinstance(members[name], str)} == set()
    assert {name for name in NUMBERS_IN_V2 if type(members[name]) is not int} == set()


def test_lists_and_servers(filled: Wire) -> None:
    _compare(filled.v1("listvs").data, filled.v2("listvs").json)
    members = filled.v2("showrs", vs=1, rs="!1").json
    _compare(filled.v1("showrs", vs=1, rs="!1").data, members)
    server = members["Rs"][0]
    assert type(server["Port"]) is int
    assert server["DnsName"] == ""
    assert server["MatchRules"] == ["pre"]


@pytest.mark.parametrize("command", ["showrule", "showhealth", "vstotals"])
def test_other_answers(filled: Wire, command: str) -> None:
    members = filled.v2(command).json
    data = filled.v1(command).data
    assert [one.tag for one in data] == [name for name in members if name not in ("code", "status")]


def test_rules_of_all_types(filled: Wire) -> None:
    for number in range(6):
        filled.v2(
            "addrule", name=f"r{number}", type=number, pattern="p", header="h", replacement="v"
        )
    _compare(filled.v1("showrule").data, filled.v2("showrule").json)
