"""The control port as anybody's HTTP client sees it, and what it refuses."""

import http.client
import json
from collections.abc import Iterator
from typing import Any

import pytest

from kempsdk.emulator import ControlPort, Fault, FaultKind, RemoteControl, ServerHealth
from kempsdk.references import RsRef, VsRef
from tests.kempsdk.emulator.wire import Wire


@pytest.fixture
def control(wire: Wire) -> Iterator[ControlPort]:
    with ControlPort(wire.box) as control:
        yield control


def ask(
    control: ControlPort,
    method: str,
    path: str,
    body: object = None,
    headers: dict[str, str] | None = None,
) -> tuple[int, Any]:
    connection = http.client.HTTPConnection("127.0.0.1", control.port, timeout=10)
    try:
        text = body if isinstance(body, (str, bytes)) or body is None else json.dumps(body)
        sent = {"Content-Type": "application/json"} if headers is None else headers
        connection.request(method, path, body=text, headers=sent)
        answer = connection.getresponse()
        assert answer.headers["Content-Type"] == "application/json"
        return answer.status, json.loads(answer.read())
    finally:
        connection.close()


def test_a_fault_from_arming_to_its_end(wire: Wire, control: ControlPort) -> None:
    armed = ask(control, "POST", "/faults", {"kind": "reject", "command": "addvs", "times": 2})
    assert armed == (201, {"number": 1})
    assert wire.v2("addvs", vs="198.18.0.1", port=80, prot="tcp").error == (422, "failed")
    status, (record,) = ask(control, "GET", "/faults")
    fault = record.pop("fault")
    assert record == {"number": 1, "armed": True, "passed": 0, "struck": 1, "errors": []}
    assert (status, fault["kind"], fault["when"], fault["status"]) == (200, "reject", "before", 422)
    assert ask(control, "DELETE", "/faults/1") == (200, {"disarmed": True})
    assert ask(control, "DELETE", "/faults/1") == (200, {"disarmed": False})
    wire.fresh()
    assert ask(control, "GET", "/faults") == (200, [])


def test_servers_as_they_are_past_the_api(wire: Wire, control: ControlPort) -> None:
    vs, rs = VsRef.parse("tcp/198.18.0.1:80"), RsRef("198.19.0.1", 80)
    wire.fresh("198.18.0.1")
    wire.fresh("198.18.0.2")
    wire.server(1, rs.address)
    wire.box.set_health(rs.address, rs.port, up=True)
    for hands in (wire.box, RemoteControl(control.url)):
        hands.set_enabled(vs, rs, False)
        assert hands.servers() == {
            str(vs): (
                ServerHealth(
                    service=str(vs), address=rs.address, port=80, enabled=False, healthy=False
                ),
            ),
            "tcp/198.18.0.2:80": (),
        }
        hands.set_enabled(vs, rs, True)
        (server,) = hands.servers()[str(vs)]
        assert (server.enabled, server.healthy) == (True, True)
        with pytest.raises(ValueError, match="modrs: "):
            hands.set_enabled(vs, RsRef("198.19.0.9", 80), True)
    assert "modrs" not in {one.command for one in wire.box.calls}


def test_calls_without_secrets(wire: Wire, control: ControlPort) -> None:
    wire.v2("useraddlocal", user="joe", password="hush-hush")
    wire.v1("listvs")
    status, calls = ask(control, "GET", "/calls?command=useraddlocal")
    assert (status, len(calls)) == (200, 1)
    assert calls[0]["params"] == {"user": "joe", "password": "********"}
    assert "hush-hush" not in json.dumps(calls)
    assert len(ask(control, "GET", "/calls")[1]) == 2


def test_another_administrator(wire: Wire, control: ControlPort) -> None:
    added = ask(
        control, "POST", "/run", {"cmd": "addvs", "vs": "198.18.0.1", "port": 80, "prot": "tcp"}
    )
    assert (added[0], added[1]["Index"]) == (200, 1)
    assert wire.v2("showvs", vs=1).status == 200
    # The command's failure is in its answer, as in v2.
    assert ask(control, "POST", "/run", {"cmd": "showvs", "vs": 7}) == (
        200,
        {"code": 422, "message": "Unknown VS", "status": "fail"},
    )
    assert wire.box.calls[0].command == "showvs"


def test_what_it_is(wire: Wire, control: ControlPort) -> None:
    assert ask(control, "GET", "/") == (
        200,
        {
            "url": wire.box.url,
            "fingerprint": "",
            "units": [{"url": wire.box.url, "active": True}],
        },
    )


@pytest.mark.parametrize(
    ("fault", "hint"),
    [
        ([], "JSON object"),
        ({}, "kind: one of close-before-tls"),
        ({"kind": "explode"}, "kind: one of"),
        ({"kind": ["close"]}, "kind: one of"),
        ({"kind": "close", "comand": "addvs"}, "'comand' is no member"),
        ({"kind": "close", "times": "2"}, "times"),
        ({"kind": "close", "times": True}, "times"),
        ({"kind": "close", "times": 0}, "times is 1 or more"),
        ({"kind": "close", "skip": -1}, "skip is 0 or more"),
        ({"kind": "close", "when": "later"}, "neither before nor after"),
        ({"kind": "truncate", "when": "before"}, "no answer to cut"),
        ({"kind": "close-before-tls", "command": "addvs"}, "before TLS"),
        ({"kind": "delay"}, "delay needs seconds"),
        ({"kind": "delay", "seconds": -1}, "no time to wait"),
        ({"kind": "delay", "seconds": 1e999}, "no time to wait"),
        ({"kind": "close", "seconds": 1}, "nothing else takes them"),
        ({"kind": "close", "status": 503}, "only page and reject"),
        ({"kind": "page", "status": 42}, "none of HTTP"),
        ({"kind": "change"}, "change needs calls"),
        ({"kind": "change", "calls": ["delvs"]}, "object with cmd"),
        ({"kind": "change", "calls": [{"vs": 1}]}, "object with cmd"),
        ({"kind": "change", "calls": [{"cmd": "aslactivate"}]}, "no command 'aslactivate'"),
        ({"kind": "failover"}, "no pair"),
    ],
)
def test_what_is_no_fault(control: ControlPort, fault: object, hint: str) -> None:
    status, answer = ask(control, "POST", "/faults", fault)
    assert status == 400
    assert hint in answer["error"]
    assert ask(control, "GET", "/faults") == (200, [])


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "hint"),
    [
        ("GET", "/nothing", None, 404, "/faults"),
        ("GET", "/calls/1", None, 404, "no such path"),
        ("DELETE", "/faults/one", None, 404, "no such path"),
        ("POST", "/faults/1", {}, 405, "DELETE"),
        ("PUT", "/faults", {}, 405, "GET, POST, DELETE"),
        ("POST", "/faults", "{", 400, "no JSON"),
        ("POST", "/run", [], 400, "JSON object"),
        ("POST", "/run", {"vs": 1}, 400, "cmd"),
        ("PUT", "/health", {"address": "198.18.0.1", "port": 80}, 400, "up"),
        ("PUT", "/health", {"address": "198.18.0.1", "port": True, "up": None}, 400, "port"),
        ("PUT", "/stats", {"frozen": "yes"}, 400, "frozen"),
        ("POST", "/failover", {}, 409, "no pair"),
    ],
)
def test_what_cannot_be_done(
    control: ControlPort, method: str, path: str, body: object, status: int, hint: str
) -> None:
    found, answer = ask(control, method, path, body)
    assert (found, set(answer)) == (status, {"error"})
    assert hint in answer["error"]


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Content-Type": "text/plain"}, 415),
        ({"Content-Type": "application/x-www-form-urlencoded"}, 415),
        ({"Content-Type": "application/json", "Host": "evil.example"}, 403),
        ({"Content-Type": "application/json", "Host": "evil.example:80"}, 403),
        ({"Content-Type": "application/json", "Content-Length": "99999999"}, 413),
        ({"Content-Type": "application/json", "Content-Length": "-1"}, 413),
    ],
)
def test_what_a_web_page_could_send(
    control: ControlPort, headers: dict[str, str], status: int
) -> None:
    assert ask(control, "POST", "/faults", '{"kind": "close"}', headers)[0] == status
    assert ask(control, "GET", "/faults") == (200, [])


def test_a_body_where_none_belongs_is_not_the_next_request(control: ControlPort) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", control.port, timeout=10)
    for _ in range(2):
        connection.request("GET", "/faults", body="DELETE /faults HTTP/1.1\r\n\r\n")
        answer = connection.getresponse()
        assert (answer.status, json.loads(answer.read())) == (200, [])
    connection.close()


def test_a_stopped_appliance_is_said(wire: Wire, control: ControlPort) -> None:
    wire.box.stop()
    status, answer = ask(control, "POST", "/sample", {})
    assert (status, answer) == (503, {"error": "not started"})


def test_a_port_that_is_taken_is_said(wire: Wire, control: ControlPort) -> None:
    with (
        pytest.raises(OSError, match=f"control port {control.port}: "),
        ControlPort(wire.box, control.port),
    ):
        raise AssertionError


@pytest.mark.parametrize("url", ["https://127.0.0.1:1", "http://127.0.0.1", "127.0.0.1:80"])
def test_where_no_control_port_is(url: str) -> None:
    with pytest.raises(ValueError, match="http://127"):
        RemoteControl(url)


def test_every_fault_goes_over_the_wire_and_back() -> None:
    call = {"cmd": "delvs", "vs": 1}
    faults = [
        Fault(kind=FaultKind.DELAY, seconds=0.5, when="after", times=None),
        Fault(kind=FaultKind.CHANGE, calls=[call], command="listvs", skip=3),
        *(
            Fault(kind=kind)
            for kind in FaultKind
            if kind not in (FaultKind.DELAY, FaultKind.CHANGE)
        ),
    ]
    for fault in faults:
        assert Fault.from_json(json.loads(json.dumps(fault.to_json()))) == fault
