"""get, set, getall and the health check globals."""

from typing import Any

import pytest

from tests.kempsdk.emulator.conftest import Start
from tests.kempsdk.emulator.wire import Wire


def test_the_key_is_the_appliances_own_spelling(wire: Wire) -> None:
    assert wire.v2("get", param="Hostname").json["hostname"] == "lb100"
    assert wire.v2("get", param="minpassword").json["MinPassword"] == 8
    assert wire.v1("get", param="wuicipherset").data[0].tag == "WUICipherset"


@pytest.mark.parametrize(
    ("name", "v1", "v2"),
    [
        ("enableapi", "yes", True),
        ("addvia", "no", False),
        ("cachesize", "100", 100),
        ("nameserver", "8.8.8.8,8.8.4.4", ["8.8.8.8", "8.8.4.4"]),
        ("ntphost", "pool.ntp.org", "pool.ntp.org"),
        ("radiussecret", "********", "********"),
        ("version", "7.2.54.12.22642.RELEASE", "7.2.54.12.22642.RELEASE"),
        ("admingw", "", ""),
    ],
)
def test_types(wire: Wire, name: str, v1: str, v2: object) -> None:
    assert (wire.v1("get", param=name).data[0].text or "") == v1
    assert wire.v2("get", param=name).json[name] == v2


@pytest.mark.parametrize(
    ("name", "given", "shown"),
    [
        ("dropatdrainend", "yes", True),
        ("dropatdrainend", "1", True),
        ("dropatdrainend", True, True),
        ("finalpersist", 0, 0),
        ("finalpersist", "86400", 86400),
        ("conntimeout", 0, 660),
        ("hostname", "lb2", "lb2"),
        ("nameserver", "198.19.0.53", ["198.19.0.53"]),
        ("emailpassword", "quite secret", "********"),
        ("syslogport", 1514, 1514),
    ],
)
@pytest.mark.parametrize("member", ["value", "val"])
def test_set(wire: Wire, name: str, given: object, shown: object, member: str) -> None:
    assert wire.v2("set", param=name, **{member: given}).json["message"] == "Command completed ok"
    (value,) = (
        value
        for key, value in wire.v2("get", param=name).json.items()
        if key not in ("code", "status")
    )
    assert value == shown


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("finalpersist", 59),
        ("finalpersist", 86401),
        ("cachesize", 0),
        ("addvia", "maybe"),
        ("version", "8"),
        ("boottime", "1"),
        ("hastatus", "Active"),
    ],
)
def test_values_that_are_refused(wire: Wire, name: str, value: object) -> None:
    before = wire.v2("getall").json
    assert wire.v2("set", param=name, value=value).status == 422
    after = wire.v2("getall").json
    assert {**before, "time": ""} == {**after, "time": ""}


def test_missing_and_unknown_names(wire: Wire) -> None:
    for command in ("get", "set"):
        assert wire.v1(command).error == (400, "param: String Value missing")
        unknown = wire.v2(command, param="NoSuch", value=1)
        assert unknown.error == (422, "Unknown parameter value NoSuch")


def test_getall_leaves_out_what_is_unset(wire: Wire) -> None:
    def shown() -> dict[str, Any]:
        answer = wire.v2("getall").json
        assert [one.tag for one in wire.v1("getall").data] == list(answer)[1:-1]
        return answer

    assert "snmplocation" not in shown()
    wire.v2("set", param="SNMPLocation", value="here")
    assert shown()["snmplocation"] == "here"
    assert shown()["radiussecret"] == "********"
    wire.v2("set", param="snmplocation", value="")
    assert "snmplocation" not in shown()


def test_an_empty_value_unsets(wire: Wire) -> None:
    wire.v1("set", param="admingw", value="198.19.0.1")
    assert wire.v2("getall").json["admingw"] == "198.19.0.1"
    assert wire.v1("set", param="admingw", value="").status == 200
    assert "admingw" not in wire.v2("getall").json


def test_banners_are_printed_as_markup_in_v1(wire: Wire) -> None:
    wire.v2("set", param="WUIPreAuth", value="<b>Keep out</b>")
    assert wire.v1("get", param="WUIPreAuth").data.findtext("WUIPreAuth/b") == "Keep out"
    assert wire.v2("get", param="WUIPreAuth").json["WUIPreAuth"] == "<b>Keep out</b>"


def test_characters_of_latin_1_and_beyond(wire: Wire) -> None:
    wire.v2("set", param="snmplocation", value="Zürich € <&>")
    reply = wire.v1("get", param="snmplocation")
    assert b"Z\xfcrich &#8364; &lt;&amp;&gt;" in reply.body
    assert reply.data.findtext("snmplocation") == "Zürich € <&>"


def test_units_of_a_pair_and_free_edition(start: Start) -> None:
    alone = start()
    assert alone.v2("get", param="hastatus").json["hastatus"] == "HA not configured"
    assert alone.v2("get", param="activetime").json == alone.v2("get", param="activetime").json
    alone.v2("set", param="hamode", value=1)
    # It takes a reboot.
    assert alone.v2("get", param="hastatus").json["hastatus"] == "HA not configured"
    alone.v2("reboot")
    assert alone.v2("get", param="hastatus").json["hastatus"] == "Active"
    standby = start(switches={"standby": True})
    assert standby.v2("get", param="hastatus").json["hastatus"] == "Standby"
    assert standby.v2("get", param="activetime").json["activetime"] == "0"
    assert standby.v2("addvs", vs="198.18.0.1", port=80, prot="tcp").error == (
        422,
        "Command not available.",
    )
    writable = start(switches={"standby": True, "standby_refuses_writes": False})
    writable.fresh()
    free = start(switches={"free_edition": True})
    assert free.v2("set", param="Tethering", value="no").error == (
        422,
        "Cannot change tethering in Online Only mode",
    )


def _health(wire: Wire, command: str = "showhealth", **params: object) -> tuple[Any, ...]:
    answer = wire.v2(command, **params).json
    return answer["RetryInterval"], answer["Timeout"], answer["RetryCount"]


def test_health_check_globals(wire: Wire) -> None:
    assert _health(wire) == (9, 4, 2)
    # The interval grows with the others: it is at least count * timeout + 1.
    assert _health(wire, "modhealth", Timeout=10, RetryCount=3) == (31, 10, 3)
    assert _health(wire, "modhealth", RetryInterval=60) == (60, 10, 3)
    assert _health(wire, "modhealth", RetryInterval=20) == (31, 10, 3)
    # Together with the others the interval is ignored; so is what is out of range.
    assert _health(wire, "modhealth", RetryInterval=90, Timeout=5) == (31, 5, 3)
    assert _health(wire, "modhealth", Timeout=61, RetryCount=16) == (31, 5, 3)
    assert _health(wire, "modhealth", Timeout=60, RetryCount=15) == (901, 60, 15)
    assert wire.v1("showhealth").data.findtext("RetryInterval") == "901"


def test_adaptive_globals(wire: Wire) -> None:
    changed = wire.v2("modadaptive", AdaptiveURL="/l", AdaptivePort=81, MinPercent=101).json
    assert (changed["AdaptiveURL"], changed["AdaptivePort"]) == ("/l", 81)
    assert wire.v2("showadaptive").json == changed
