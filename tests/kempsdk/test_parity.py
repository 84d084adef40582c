"""v1 and v2 say the same of one appliance, and the models do not show which one was used."""

import re
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing
from dataclasses import replace
from typing import Any

import pytest

from kempsdk import ApiKey, LoadMaster
from kempsdk.catalogue import commands
from kempsdk.codec_services import read_servers, read_service, read_service_list
from kempsdk.emulator import Switches, coverage
from kempsdk.emulator.box import VirtualLoadMaster
from kempsdk.errors import CommandRejected
from kempsdk.transport.call import Call, Reply
from kempsdk.transport.dialect import HttpAnswer
from tests.fakes.clock import FakeClock
from tests.fakes.rich_appliance import READS, fill
from tests.fuzz.readings import DIALECTS, READINGS
from tests.kempsdk.emulator.wire import Wire
from tests.kempsdk.recordings import places, recording
from tests.meta.commands_in_use import commands_in_use

_EMULATED = [
    name
    for name, how in coverage().items()
    if how != "not emulated" and not commands()[name].mutates
]
_WRAPPED = frozenset({"Opt", "Name", "key", "cmd", "IPaddress"})
"""Elements inside a wrapper in v1 where v2 has an array of texts."""
_ONLY_V1 = frozenset({"ResponseStatusRemap", "ResponseRemapMsgFormat"})
"""Members that were seen in recordings of v1 and not of v2."""
_SWITCHES = {"yes": "Y", "no": "N"}
_NEW_EACH_TIME = re.compile(r"[0-9a-f-]{36}|\d[\d.]*")
_MEASURED = frozenset(
    {"logging/cpuinfo", "logging/meminfo", "logging/ps", "logging/top", "readeula", "stats"}
)
"""Answers whose numbers are new each time."""
_GROUPED = frozenset(
    {
        "aclcontrol?list",
        "aclcontrol?listvs",
        "afeclientlimitlist",
        "clientbandwidthlimitlist",
        "clientcpslimitlist",
        "clientmaxclimitlist",
        "clientrpslimitlist",
        "geoacl/listcustom",
        "getlecert",
        "getsdncontroller",
        "getwafsettings",
        "leaccountinfo",
        "listlecert",
        "listlimitrules",
        "listwafrules",
        "showadaptive",
        "showldapendpoint",
        "usershow",
    }
)
"""Answers whose members stand in a group on one wire, and in another or none on the other."""
_OF_LISTS = frozenset({"list", "VS_IP", "VS_Port", "VS_Protocol"})
"""Members of access lists that repeat what was asked."""


@pytest.fixture(scope="module")
def wires() -> Iterator[tuple[LoadMaster, LoadMaster]]:
    """A rich appliance, and a client of it on each wire."""
    switches = Switches(rate_limit=False, renumber_services=False)
    with ExitStack() as stack:
        box = stack.enter_context(VirtualLoadMaster(http=True, health="down", switches=switches))
        fill(stack.enter_context(closing(Wire(box))))
        box.sample_now()
        v1, v2 = (
            stack.enter_context(
                LoadMaster(box.url, ApiKey(box.api_key), api=api, clock=FakeClock())
            )
            for api in ("v1", "v2")
        )
        yield v1, v2


def _plain(value: object, path: str = "") -> object:
    """Return a value as both wires could have spelled it."""
    if isinstance(value, bool):
        return "Y" if value else "N"
    if isinstance(value, Mapping):
        if len(value) == 1 and _WRAPPED & value.keys():
            return _plain(next(iter(value.values())))
        members: dict[str, object] = {}
        for name, one in value.items():
            if path in ("CPU", "Network") and isinstance(one, list):
                # What v1 calls cpu0 and eth0 are entries of a list in v2.
                members |= dict(_by_name(name, one))
            elif name not in _ONLY_V1:
                # Attributes of v1 are members of v2.
                members[name.removeprefix("@")] = _plain(one, name)
        return members or ""
    if isinstance(value, list | tuple):
        return _plain(value[0]) if len(value) == 1 else [_plain(one) for one in value] or ""
    text = str(value).strip()
    return _SWITCHES.get(text, text)


def _by_name(name: str, rows: list[dict[str, object]]) -> Iterator[tuple[str, object]]:
    for row in rows:
        own = f"cpu{row['cpu']}" if name == "cpu" else str(row["Name"])
        yield own, _plain({key: one for key, one in row.items() if key not in ("cpu", "Name")})


def _leaves(value: object, name: str = "") -> list[tuple[str, object]]:
    """Return the texts of a tree with their names, without what groups them."""
    if isinstance(value, dict):
        return sorted(leaf for key, one in value.items() for leaf in _leaves(one, key))
    if isinstance(value, list):
        return sorted(leaf for one in value for leaf in _leaves(one, name))
    return [(name, value)] if value and name not in _OF_LISTS else []


_REFUSED = frozenset({"getCloudHaParams", "getawshaparams", "getazurehaparams"})
"""Commands of units in clouds."""
_SEALED = frozenset({"backupcert"})
"""Answers that are encrypted, anew each time."""


def _outcome(lm: LoadMaster, name: str, params: dict[str, Any]) -> tuple[object, ...]:
    word = commands()[name].wire_name
    try:
        reply: Reply = lm.command(word, params)
    except CommandRejected as error:
        return type(error), error.status, error.reason
    data = _plain(reply.data)
    if name in _GROUPED:
        data = _leaves(data)
    if name in _MEASURED:
        data = _NEW_EACH_TIME.sub("*", repr(data))
    if name == "listapi":
        data = repr(data).replace("/", ".")
    file = reply.file and b"sealed" if name in _SEALED else reply.file
    return data, reply.message, file


@pytest.mark.parametrize("name", _EMULATED)
def test_every_reading_command(wires: tuple[LoadMaster, LoadMaster], name: str) -> None:
    for params in READS.get(name, ({},)):
        one, two = (_outcome(lm, name, params) for lm in wires)
        assert isinstance(one[0], type) is (name in _REFUSED), f"{params}: {one}"
        assert one == two, params


@pytest.mark.parametrize(
    "name", sorted(name for name in commands_in_use() if not commands()[name].mutates)
)
def test_every_reading_command_of_a_manager_has_something_to_read(
    wires: tuple[LoadMaster, LoadMaster], name: str
) -> None:
    assert any(any(_outcome(wires[0], name, params)) for params in READS.get(name, ({},)))


def test_what_reads_have_arguments_for_is_there() -> None:
    assert set(READS) <= set(_EMULATED)


@pytest.mark.parametrize("name", READINGS)
def test_models(wires: tuple[LoadMaster, LoadMaster], name: str) -> None:
    one, two = (READINGS[name](lm) for lm in wires)
    assert one not in ((), {}, b"", ""), "nothing to compare"
    if name == "EULA":
        one, two = (_NEW_EACH_TIME.sub("*", repr(model)) for model in (one, two))
    assert one == two


def _pairs() -> list[str]:
    """Return the names of captures that are there of both wires."""
    stems = [
        {path.stem for path in place.glob(f"*.{kind}")}
        for place in places()
        for kind in ("xml", "json")
    ]
    return sorted(stems[0] & stems[1]) if stems else []


def _read(api: str, command: str, body: bytes) -> object:
    kind = {"v1": "text/xml", "v2": "application/json"}[api]
    answer = HttpAnswer(status=200, content_type=kind, body=body)
    try:
        reply = DIALECTS[api].read(answer, Call(command=command, mutates=False))
    except CommandRejected as error:
        return error.status, error.reason
    if command == "listvs":
        return read_service_list(reply.data)
    if command in ("showvs", "addvs", "modvs"):
        return read_service(reply.data)
    if command in ("showrs", "addrs"):
        return read_servers(reply.data)
    return _plain(reply.data), reply.message


@pytest.mark.parametrize("stem", _pairs() or ["none"])
def test_pairs_of_captures(stem: str) -> None:
    command = stem.partition("-")[0]
    one = _read("v1", command, recording(f"{stem}.xml"))
    assert one == _read("v2", command, recording(f"{stem}.json"))


def test_an_answer_without_data_captured_on_both_wires() -> None:
    one = _read("v1", "modrs", recording("modrs-weight-ok.xml"))
    assert one == _read("v2", "modrs", recording("modrs-ok.json"))


def test_a_fresh_service_captured_on_both_wires() -> None:
    (listed,) = read_service_list(_reply("v1", recording("listvs-one-http.xml")).data)
    shown = read_service(_reply("v2", recording("showvs-http-fresh.json")).data)
    named = replace(listed, ref=shown.ref, index=shown.index, nickname=shown.nickname)
    assert named == shown


def test_a_server_captured_on_both_wires() -> None:
    (shown,) = read_servers(_reply("v1", recording("showrs-single.xml")).data)
    (added,) = read_servers(_reply("v2", recording("addrs-single.json")).data)
    named = replace(shown, ref=added.ref, vs_index=added.vs_index, rs_index=added.rs_index)
    assert named == added


def _reply(api: str, body: bytes) -> Reply:
    answer = HttpAnswer(status=200, content_type="", body=body)
    return DIALECTS[api].read(answer, Call(command="read", mutates=False))
