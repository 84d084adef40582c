"""Every command of the catalogue is answered, on both wires and truthfully."""

import json

import pytest

from kempsdk.catalogue import commands
from kempsdk.emulator import coverage
from kempsdk.emulator.not_emulated import HEADER
from kempsdk.emulator.registry import COMMANDS
from tests.kempsdk.emulator.conftest import Start
from tests.kempsdk.emulator.wire import Wire

WORDS = sorted({name.partition("?")[0] for name in commands()})


def test_coverage_has_every_command_once() -> None:
    found = coverage()
    assert list(found) == list(commands())
    assert set(found.values()) == {"state", "read-only", "not emulated"}
    assert found["addvs"] == "state"
    assert found["logging/df"] == "read-only"
    assert found["aslactivate"] == "not emulated"
    for name, how in found.items():
        assert (how == "not emulated") == (name.partition("?")[0] not in COMMANDS)


def test_flags_agree_with_the_catalogue() -> None:
    for name, info in ((one, commands()[one]) for one in commands()):
        found = COMMANDS.get(name)
        if found is None or info.selector is not None:
            continue
        assert found.takes_file == bool(info.takes_file), name
        if not info.mutates_with:
            assert found.mutates == info.mutates, name


def test_every_command_answers_alike_on_both_wires_and_without_parameters(wire: Wire) -> None:
    # The last one does not work in v2.
    left_out = {"reboot", "shutdown", "disablegeo", "uploadtemplate"}
    for word in WORDS:
        if word in left_out:
            continue
        v1 = wire.v1(word)
        v2 = wire.v2(word.replace("/", "."))
        assert v1.status == v2.status, word
        assert v1.status in (200, 400, 404, 422), (word, v1.text)
        data = json.loads(v2.body)
        assert data["code"] == v2.status
        assert data["status"] == ("ok" if v2.status == 200 else "fail")
        if v1.content_type.startswith("text/xml"):
            assert v1.xml.get("stat") == str(v1.status)
        if v1.status != 200:
            assert v1.error == v2.error, word


def _header(wire: Wire, command: str) -> str | None:
    connection = wire.connection()
    try:
        connection.request("GET", f"/access/{command}", headers=wire.basic())
        answer = connection.getresponse()
        answer.read()
        return answer.headers.get(HEADER)
    finally:
        connection.close()


def test_what_is_not_emulated_is_refused_as_the_appliance_does_and_marked(wire: Wire) -> None:
    assert wire.v1("aslactivate").error == (422, "Command not available.")
    assert wire.v2("logging.savemlogcdata").error == (422, "Command not available.")
    assert _header(wire, "aslactivate") == "not emulated"
    assert _header(wire, "showroute") is None
    assert _header(wire, "showrs") is None


def test_the_refusal_is_a_switch(start: Start) -> None:
    switches = {"not_emulated": "this is not emulated", "not_emulated_code": 501}
    wire = start(switches=switches)
    assert wire.v1("aslactivate").error == (501, "this is not emulated")
    assert wire.v2("aslactivate").error == (501, "this is not emulated")


@pytest.mark.parametrize("word", ["nonsense", "geoacl/nonsense", "aclcontrol?add"])
def test_unknown_commands_stay_unknown(wire: Wire, word: str) -> None:
    assert wire.v2(word.replace("/", ".")).error == (405, "Unknown command")
    assert _header(wire, "nonsense") is None


def test_listapi_names_what_is_available(wire: Wire) -> None:
    names = wire.v2("listapi").json["commands"]
    assert {"addvs", "geoacl.listcustom", "logging.df"} <= set(names)
    assert "aslactivate" not in names
