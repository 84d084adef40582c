"""Local users, what they may do, their keys and certificates, and groups."""

import base64
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.kempsdk.emulator.conftest import Start
from tests.kempsdk.emulator.wire import Reply, Wire

PASSWORD = "longenough"
Call = Callable[..., Reply]


def user(wire: Wire, perms: str = "", name: str = "joe") -> Call:
    """Add a user and return what calls v2 as that user."""
    assert wire.v2("useraddlocal", user=name, password=PASSWORD).status == 200
    assert wire.v2("usersetperms", user=name, perms=perms).status == 200

    def call(command: str, **params: object) -> Reply:
        data = {"cmd": command, "apiuser": name, "apipass": PASSWORD, **params}
        return wire.request("POST", "/accessv2", body=json.dumps(data))

    return call


@pytest.fixture
def filled(wire: Wire) -> Wire:
    wire.fresh()
    wire.server(1, "198.19.0.1")
    wire.v2("addrule", name="r", pattern="p")
    return wire


def test_add_show_list_and_delete(wire: Wire) -> None:
    assert wire.v2("userlist").json == {"code": 200, "status": "ok"}
    assert wire.v1("useraddlocal", user="joe", password=PASSWORD).status == 200
    assert wire.v1("useraddlocal", user="joe", password=PASSWORD).error == (
        422,
        "User already exists.",
    )
    assert wire.v2("usersetperms", user="joe", perms="vs,real").status == 200
    shown = wire.v2("usershow", user="joe").json
    assert (shown["Name"], shown["Perms"]) == ("joe", "real,vs")
    assert wire.v1("usershow", user="joe").data.findtext("User/Perms") == "real,vs"
    (listed,) = wire.v1("userlist").data
    assert listed.findtext("Name") == "joe"
    # A new set replaces the old one, and none takes all away.
    wire.v2("usersetperms", user="joe", perms="rules")
    assert wire.v2("usershow", user="joe").json["Perms"] == "rules"
    wire.v2("usersetperms", user="joe", perms="")
    assert wire.v2("usershow", user="joe").json["Perms"] == ""
    assert wire.v2("usersetperms", user="joe", perms="rules,nonsense").status == 422
    assert wire.v2("userdellocal", user="joe").status == 200
    assert wire.v2("usershow", user="joe").status == 422
    # The appliance's own user is none of these.
    assert wire.v2("userdellocal", user=wire.box.user).status == 422
    assert wire.v2("useraddlocal", user=wire.box.user, password=PASSWORD).status == 422


def test_passwords(wire: Wire) -> None:
    assert wire.v2("useraddlocal", user="joe", password="short").status == 422
    assert wire.v2("useraddlocal", user="joe").error == (400, "password: String Value missing")
    call = user(wire)
    assert call("showhealth").status == 200
    changed = wire.v2("userchangelocpass", user="joe", password="another one", radius="n")
    assert changed.status == 200
    assert call("showhealth").status == 401
    wire.v2("userdellocal", user="joe")
    # Without a password nobody logs in with one.
    assert wire.v2("useraddlocal", user="cert", nopass="yes").status == 200
    headers = {"Authorization": "Basic " + base64.b64encode(b"cert:").decode()}
    assert wire.request("GET", "/access/showhealth", headers=headers).status == 401


DENIED = (403, "Access denied")
SERVICE = {"vs": "198.18.0.7", "port": 80, "prot": "tcp"}
SERVER: dict[str, object] = {"vs": 1, "rs": "198.19.0.1", "rsport": 80}


@pytest.mark.parametrize(
    ("perms", "command", "params", "allowed"),
    [
        ("", "listvs", {}, True),
        ("", "disablers", {"rs": "198.19.0.1"}, False),
        ("", "set", {"param": "cachesize", "value": 99}, False),
        ("", "backup", {}, False),
        ("", "userlist", {}, False),
        ("real", "disablers", {"rs": "198.19.0.1"}, True),
        ("real", "modrs", {**SERVER, "enable": "n"}, True),
        ("real", "modrs", {**SERVER, "weight": 5}, False),
        ("real", "modvs", {"vs": 1, "createsubvs": ""}, False),
        ("real", "addvs", SERVICE, False),
        ("vs", "addvs", SERVICE, True),
        ("vs", "modrs", {**SERVER, "weight": 5}, True),
        ("vs", "addprerule", {"vs": 1, "rule": "r"}, True),
        ("vs", "addrule", {"name": "s", "pattern": "p"}, False),
        ("vs", "aclcontrol", {"addvs": "block", "vs": 1, "addr": "192.0.2.1"}, True),
        ("vs", "aclcontrol", {"add": "block", "addr": "192.0.2.1"}, False),
        ("", "aclcontrol", {"list": "block"}, True),
        ("rules", "addrule", {"name": "s", "pattern": "p"}, True),
        ("backup", "backup", {}, True),
        ("backup", "restore", {"type": 1}, False),
        ("certbackup", "backupcert", {"password": "Secret12"}, True),
        ("certs", "backupcert", {"password": "Secret12"}, False),
        ("users", "useraddlocal", {"user": "eve", "password": PASSWORD}, True),
        ("root", "useraddlocal", {"user": "eve", "password": PASSWORD}, False),
        ("root", "userlist", {}, True),
        ("root", "set", {"param": "cachesize", "value": 99}, True),
        ("root", "addvs", SERVICE, True),
        ("root", "usersetsyspassword", {"currpassword": PASSWORD, "password": "x"}, False),
        ("geo", "addfqdn", {"fqdn": "www.example.com"}, True),
        ("geo", "addvs", SERVICE, False),
    ],
)
def test_what_a_right_is_good_for(
    filled: Wire, perms: str, command: str, params: dict[str, object], allowed: bool
) -> None:
    reply = user(filled, perms)(command, **params)
    if allowed:
        assert reply.status == 200, reply.text
    else:
        assert reply.error == DENIED


def test_extended_permissions_take_making_services_from_vs(filled: Wire) -> None:
    filled.v2("set", param="extendedperms", value="yes")
    joe, eve = user(filled, "vs"), user(filled, "addvs", name="eve")
    assert joe("addvs", **SERVICE).error == DENIED
    assert joe("modvs", vs=1, NickName="n").status == 200
    assert joe("modvs", vs=1, createsubvs="").error == DENIED
    assert eve("addvs", **SERVICE).status == 200


def test_a_denied_call_changes_nothing(filled: Wire) -> None:
    before = filled.v2("listvs").body
    assert user(filled, "real")("delvs", vs=1).status == 403
    assert filled.v2("listvs").body == before
    assert filled.box.calls[-2].code == 403


def test_keys_belong_to_their_user(wire: Wire) -> None:
    joe = user(wire)
    (key,) = joe("addapikey").json["apikeys"]
    assert wire.v2("listapikeys").json["apikeys"] == [wire.box.api_key]

    def with_key(command: str) -> Reply:
        return wire.request("GET", f"/access/{command}?apikey={key}")

    assert with_key("listvs").status == 200
    assert with_key("disablers").status == 403
    # Another user's key needs the right to administer users.
    assert joe("delapikey", key=wire.box.api_key, user=wire.box.user).error == DENIED
    wire.v2("usersetperms", user="joe", perms="users")
    assert wire.v2("delapikey", key=key, user="joe").status == 200
    assert with_key("listvs").status == 401


def test_user_certificates(wire: Wire) -> None:
    user(wire)
    assert wire.v2("userreadcert", user="joe").status == 422
    assert wire.v2("usernewcert", user="joe", passphrase="hidden").status == 200
    text = wire.v2("userreadcert", user="joe").json["certificate"]
    file = wire.v1("userdownloadcert", user="joe").body
    assert file.startswith(text.encode())
    assert b"ENCRYPTED PRIVATE KEY" in file
    assert base64.b64decode(wire.v2("userdownloadcert", user="joe").json["data"]) == file
    assert wire.v2("userdelcert", user="joe").status == 200
    assert wire.v2("userdownloadcert", user="joe").status == 422


def test_groups(wire: Wire) -> None:
    assert wire.v2("groupaddremote", group="Load Admins").status == 200
    assert wire.v2("groupaddremote", group="Load Admins").status == 422
    assert wire.v2("groupaddremote", group="<x>").status == 422
    assert wire.v2("groupsetperms", group="Load Admins", perms="vs,rules").status == 200
    shown = wire.v2("groupshow", group="Load Admins").json["RemoteUserGroup"]
    assert shown == {"Name": "Load Admins", "Perms": "vs,rules"}
    assert wire.v1("grouplist").data.findtext("RemoteUserGroup/Name") == "Load Admins"
    assert wire.v2("groupdelremote", group="Load Admins").status == 200
    assert wire.v2("groupshow", group="Load Admins").status == 422


def test_users_survive_a_restart_and_their_passwords_are_hashed(
    start: Start, tmp_path: Path
) -> None:
    state = tmp_path / "state.json"
    first = start(state_file=state)
    user(first, "real")
    assert PASSWORD not in state.read_text()
    first.box.stop()
    second = start(state_file=state)
    assert second.v2("usershow", user="joe").json["Perms"] == "real"
    headers = {"Authorization": "Basic " + base64.b64encode(f"joe:{PASSWORD}".encode()).decode()}
    assert second.request("GET", "/access/listvs", headers=headers).status == 200
    assert second.request("GET", "/access/delvs?vs=1", headers=headers).status == 403
