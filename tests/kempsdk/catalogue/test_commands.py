"""Commands as methods: what is sent."""

import ast
from typing import Any

import pytest

from kempsdk.catalogue import CommandInfo, ParamInfo, UnknownCommandName, commands
from kempsdk.catalogue.generate import ROOT
from kempsdk.commands import Commands
from kempsdk.errors import InvalidRequest
from kempsdk.secret import Secret
from kempsdk.transport.call import Call, Reply


class Recorder:
    """Takes calls and answers nothing."""

    def __init__(self) -> None:
        self.calls: list[Call] = []

    def __call__(self, call: Call, /) -> Reply:
        self.calls.append(call)
        return Reply(data={}, message="Command completed ok")


@pytest.fixture
def sent() -> Recorder:
    return Recorder()


def value_for(param: ParamInfo) -> str | int | bool | bytes:
    """Return something that fits, from the catalogue alone."""
    if param.words:
        word = next(word for word in param.words if word)
        return int(word) if param.type == "integer" else word
    samples: dict[str, str | int | bool | bytes] = {
        "boolean": True,
        "integer": param.low if param.low is not None else 7,
        "string": "x" * (param.min_length or 1),
        "address": "10.0.0.1",
        "network": "10.0.0.0/24",
        "host": "host.example.com",
        "service": 3,
        "server": "!7",
        "file": b"content",
    }
    return samples[param.type]


def arguments(info: CommandInfo) -> dict[str, str | int | bool | bytes]:
    """Return the mandatory parameters of a command."""
    found = {param.name: value_for(param) for param in info.params if param.required}
    if info.name in ("get", "set"):
        found |= {"param": "hostname"}
    return found


@pytest.mark.parametrize("name", list(commands()))
def test_every_command_can_be_called(name: str, sent: Recorder) -> None:
    info = commands()[name]
    method = getattr(Commands(sent), info.python_name)
    given = arguments(info)
    files = {param.name: given[param.name] for param in info.params if param.type == "file"}
    data = b"content" if info.takes_file is not None and not files else None

    reply = method(data=data, **given)

    assert reply.message == "Command completed ok"
    (call,) = sent.calls
    assert call.command == name.partition("?")[0]
    assert (call.body, call.files) == (data, files)
    assert call.mutates == info.changes_with(given)
    named = {key.lower() for key in given.keys() - files.keys()}
    assert named <= {key.lower() for key in call.params}


def test_every_command_misses_what_is_mandatory(sent: Recorder) -> None:
    for info in commands().values():
        needed = [param for param in info.params if param.required]
        for missing in needed:
            given = {k: v for k, v in arguments(info).items() if k != missing.name}
            with pytest.raises(InvalidRequest) as caught:
                getattr(Commands(sent), info.python_name)(data=b"x", **given)
            assert caught.value.field in (missing.name, "data", "command"), info.name
    assert sent.calls == []


def test_names_go_out_as_the_wire_spells_them(sent: Recorder) -> None:
    # The stub allows one spelling and no None here; what runs is more lenient.
    api: Any = Commands(sent)

    api.addvs(vs="10.0.0.1", port=80, prot="tcp", CheckUse1_1=True, FORCEL7=True, NickName=None)

    assert sent.calls[0].params == {
        "vs": "10.0.0.1",
        "port": 80,
        "prot": "tcp",
        "ForceL7": True,
        "CheckUse1.1": True,
    }
    assert sent.calls[0].target == "tcp/10.0.0.1:80"
    assert sent.calls[0].mutates


def test_a_name_that_is_no_identifier_goes_through_a_mapping_too(sent: Recorder) -> None:
    wanted: dict[str, Any] = {"checkuse1.1": False}

    Commands(sent).modvs(vs=3, **wanted)

    assert sent.calls[0].params == {"vs": 3, "CheckUse1.1": False}


def test_a_selector_is_an_argument_of_the_one_word(sent: Recorder) -> None:
    api = Commands(sent)

    api.aclcontrol_isenabled()
    api.aclcontrol_enable(enable=True)
    api.aclcontrol_del(del_="block", addr="10.0.0.0/8")

    assert [(call.command, dict(call.params), call.mutates) for call in sent.calls] == [
        ("aclcontrol", {"isenabled": ""}, False),
        ("aclcontrol", {"enable": "1"}, True),
        ("aclcontrol", {"del": "block", "addr": "10.0.0.0/8"}, True),
    ]


def test_switches_use_the_words_that_the_command_wants(sent: Recorder) -> None:
    api = Commands(sent)

    api.geosetdnssec(enable=False)
    api.enabletelemetry(interface=0, enable=True)
    api.setwafautoupdate(enable=True)
    api.modrs(vs=3, rs="!7", enable=False)

    assert [call.params["enable"] for call in sent.calls] == ["no", "1", "yes", False]


def test_set_sends_the_name_first(sent: Recorder) -> None:
    Commands(sent).set(value=True, param="enableapi")

    assert list(sent.calls[0].params.items()) == [("param", "enableapi"), ("value", True)]


def test_a_secret_is_revealed_on_the_wire_only(sent: Recorder) -> None:
    Commands(sent).useraddlocal(user="ann", password=Secret("hunter2"))

    assert sent.calls[0].params["password"] == "hunter2"
    assert sent.calls[0].target == "ann"


def test_targets_name_the_thing(sent: Recorder) -> None:
    api = Commands(sent)

    api.modrs(vs="10.0.0.1", port=80, prot="udp", rs="10.0.0.9", rsport=53, weight=5)
    api.delvs(vs=4)
    api.delapikey(key="k" * 44)
    api.enablers(rs="10.0.0.9")

    assert [call.target for call in sent.calls] == [
        "udp/10.0.0.1:80 10.0.0.9",
        "virtual service 4",
        None,
        "10.0.0.9",
    ]


def test_a_wrong_command_is_an_attribute_that_is_not_there(sent: Recorder) -> None:
    api: Any = Commands(sent)

    assert not hasattr(api, "advs")
    assert not hasattr(api, "_repr_html_")
    with pytest.raises(UnknownCommandName, match="addvs"):
        _ = api.advs
    assert "logging_df" in dir(api)
    assert "df" in repr(api.logging_df)


def test_the_stub_has_every_command_and_no_other() -> None:
    tree = ast.parse((ROOT / "kempsdk/commands.pyi").read_text(encoding="utf-8"))
    (described,) = [
        node for node in tree.body if isinstance(node, ast.ClassDef) and node.name == "Commands"
    ]
    methods = {node.name: node for node in described.body if isinstance(node, ast.FunctionDef)}
    expected = {info.python_name for info in commands().values()}

    assert {name for name in methods if not name.startswith("__")} == expected
    for info in commands().values():
        own = {one.arg for one in methods[info.python_name].args.kwonlyargs}
        assert len(own) == len(info.params) + (
            info.takes_file is not None and not any(p.type == "file" for p in info.params)
        )
