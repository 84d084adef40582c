"""Credentials: passwords, API keys, and what never leaves the process."""

import json
from pathlib import Path

import pytest

from kempsdk.emulator.credentials import new_api_key
from kempsdk.secret import MASK
from tests.kempsdk.emulator.conftest import Start
from tests.kempsdk.emulator.wire import Wire


def test_keys_have_the_appliances_form() -> None:
    key = new_api_key()
    assert len(key) == 44
    assert key.isalnum()
    assert key.endswith("z")
    assert new_api_key() != key


def test_every_way_to_say_who_calls(wire: Wire) -> None:
    key, password = wire.box.api_key, wire.box.password

    def post(**members: object) -> int:
        return wire.request(
            "POST", "/accessv2", body=json.dumps({"cmd": "showhealth", **members})
        ).status

    assert wire.v1("showhealth").status == 200
    assert wire.request("GET", f"/access/showhealth?&apikey={key}").status == 200
    assert post(apikey=key) == 200
    assert post(apiuser="bal", apipass=password) == 200
    # The key wins, even a wrong one.
    assert post(apikey="wrong", apiuser="bal", apipass=password) == 401
    assert post() == 401
    assert post(apiuser="bal", apipass="wrong") == 401
    assert post(apiuser="bal") == 401
    assert wire.request("GET", "/access/showhealth").status == 401
    assert wire.request("GET", "/access/showhealth", headers=wire.basic("wrong")).status == 401
    assert wire.request("GET", "/access/x", headers={"Authorization": "Basic ?"}).status == 401


def test_bad_logins_are_answered_by_a_page(wire: Wire) -> None:
    for reply in (
        wire.request("GET", "/access/showhealth"),
        wire.request("POST", "/accessv2", body='{"cmd": "showhealth"}'),
    ):
        assert reply.status == 401
        assert reply.content_type.startswith("text/html")
        assert reply.text.startswith("<!DOCTYPE HTML")


def test_bad_logins_may_be_answered_in_the_apis_form(start: Start) -> None:
    wire = start(switches={"html_on_401": False})
    assert wire.request("POST", "/accessv2", body='{"cmd": "x"}').json["code"] == 401
    assert wire.request("GET", "/access/x").xml.get("stat") == "401"


def test_a_password_with_other_characters(start: Start) -> None:
    wire = start(password="pä:ß€")
    assert wire.v1("showhealth").status == 200


def test_keys_are_listed_added_and_removed(wire: Wire) -> None:
    first = wire.box.api_key
    assert wire.v2("listapikeys").json["apikeys"] == [first]
    keys = wire.v2("addapikey").json["apikeys"]
    assert keys[0] == first
    assert len(keys) == 2
    assert [one.text for one in wire.v1("listapikeys").data.iter("key")] == keys
    assert wire.request("GET", f"/access/showhealth?apikey={keys[1]}").status == 200
    assert wire.v2("delapikey", key=keys[1]).status == 200
    assert wire.request("GET", f"/access/showhealth?apikey={keys[1]}").status == 401
    assert wire.v2("delapikey", key=keys[1]).status == 422
    assert wire.v2("delapikey").error == (400, "key: String Value missing")
    assert wire.v2("delapikey", key=first, user="nobody").status == 422


def test_a_seventeenth_key_drops_the_oldest(wire: Wire) -> None:
    first = wire.box.api_key
    for _ in range(16):
        keys = [one.text for one in wire.v1("addapikey").data.iter("key")]
    assert len(keys) == 16
    assert first not in keys
    assert wire.request("GET", f"/access/showhealth?apikey={first}").status == 401


def test_old_credentials_end_with_the_password(wire: Wire) -> None:
    old = wire.box.password
    assert wire.v1("usersetsyspassword", currpassword="no", password="new one").status == 422
    assert wire.v1("usersetsyspassword", currpassword=old, password="new one").status == 200
    assert wire.v1("showhealth").status == 401
    assert wire.request("GET", "/access/showhealth", headers=wire.basic("new one")).status == 200


def test_no_secret_in_state_file_or_call_log(start: Start, tmp_path: Path) -> None:
    state = tmp_path / "state.json"
    wire = start(state_file=state, password="hunter2hunter2")
    added = wire.v2("addapikey").json["apikeys"][1]
    wire.v2("set", param="radiussecret", value="verysecretvalue")
    wire.v2("set", param="snmpcommunity", value="verysecretvalue")
    wire.v1("usersetsyspassword", currpassword="hunter2hunter2", password="anothersecret")
    secrets = [wire.box.api_key, added, "hunter2hunter2", "anothersecret", "verysecretvalue"]
    for text in (state.read_text(), repr(wire.box.calls), repr(wire.box)):
        for secret in secrets:
            assert secret not in text
    assert state.stat().st_mode & 0o777 == 0o600


def test_keys_of_an_earlier_run_work_and_are_masked(start: Start, tmp_path: Path) -> None:
    state = tmp_path / "state.json"
    first = start(state_file=state)
    added = first.v2("addapikey").json["apikeys"][1]
    first.box.stop()
    second = start(state_file=state)
    assert second.request("GET", f"/access/showhealth?apikey={added}").status == 200
    assert second.v2("listapikeys").json["apikeys"] == [MASK, MASK, second.box.api_key]


@pytest.mark.parametrize("keys", [[], ["a" * 43 + "z", "b" * 43 + "z"]])
def test_given_keys(start: Start, keys: list[str]) -> None:
    wire = start(api_keys=keys)
    assert [one.text for one in wire.v1("listapikeys").data.iter("key")] == keys


def test_failed_logins_may_lock_a_user_until_the_next_boot(start: Start) -> None:
    wire = start(switches={"lock_after_failures": True})
    wire.v2("set", param="sessionmaxfailattempts", value=3)

    def fails(times: int) -> None:
        for _ in range(times):
            assert wire.request("GET", "/access/listvs", headers=wire.basic("wrong")).status == 401

    fails(2)
    # A good login in between begins the count anew.
    assert wire.v1("listvs").status == 200
    fails(3)
    assert wire.v1("listvs").status == 401
    # A key is no login, and other users are not concerned.
    assert wire.v2("listvs").status == 200
    wire.v2("reboot")
    assert wire.v1("listvs").status == 200
    wire.v2("set", param="sessioncontrol", value="no")
    fails(4)
    assert wire.v1("listvs").status == 200


def test_without_that_switch_nobody_is_locked_out(wire: Wire) -> None:
    for _ in range(10):
        assert wire.request("GET", "/access/listvs", headers=wire.basic("wrong")).status == 401
    assert wire.v1("listvs").status == 200
