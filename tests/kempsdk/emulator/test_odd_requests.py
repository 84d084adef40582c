"""Requests at the edge of HTTP and JSON: each gets an answer or a closed connection, no crash."""

import json
import logging
import socket

import pytest

from kempsdk.emulator.front import MAX_BODY
from tests.kempsdk.emulator.wire import Wire


def raw(wire: Wire, data: bytes, *, end: bool = False) -> bytes:
    """Send bytes and return what comes until the connection is closed."""
    with socket.create_connection(("127.0.0.1", wire.box.port), timeout=10) as sock:
        sock.sendall(data)
        if end:
            sock.shutdown(socket.SHUT_WR)
        answer = b""
        while chunk := sock.recv(65536):
            answer += chunk
        return answer


def get(wire: Wire, target: str, *, version: str = "1.1", more: str = "") -> bytes:
    login = wire.basic()["Authorization"]
    return (
        f"GET {target} HTTP/{version}\r\nHost: lm\r\nAuthorization: {login}\r\n{more}\r\n"
    ).encode()


def test_other_methods_change_nothing(wire: Wire) -> None:
    wire.fresh()
    for method in ("PUT", "DELETE", "PATCH", "OPTIONS"):
        reply = wire.request(method, "/access/delvs?vs=1", headers=wire.basic())
        assert reply.status == 405
        assert wire.request(method, "/accessv2").status == 405
    assert wire.v2("showvs", vs=1).status == 200
    head = wire.request("HEAD", "/access/listvs", headers=wire.basic())
    assert (head.status, head.body) == (200, b"")
    assert wire.request("HEAD", "/accessv2").status == 405


def test_a_whole_url_as_target(wire: Wire) -> None:
    # As a client sends it that believes to speak to a proxy.
    target = f"http://lm:80/access/listvs?apikey={wire.box.api_key}"
    assert wire.request("GET", target).status == 200
    assert wire.request("GET", "http://lm").status == 404


def test_http_1_0_and_requests_sent_ahead(wire: Wire) -> None:
    assert raw(wire, get(wire, "/access/listvs", version="1.0")).startswith(b"HTTP/1.0 200 OK")
    close = "Connection: close\r\n"
    three = get(wire, "/access/get?param=hostname") + get(wire, "/access/showvs?vs=9")
    answers = raw(wire, three + get(wire, "/access/get?param=version", more=close))
    assert [line[9:12] for line in answers.split(b"\r\n") if line.startswith(b"HTTP/1.1")] == [
        b"200",
        b"422",
        b"200",
    ]


def test_bodies_in_chunks(wire: Wire) -> None:
    body = json.dumps({"cmd": "listvs", "apikey": wire.box.api_key}).encode()
    head = b"POST /accessv2 HTTP/1.1\r\nHost: lm\r\nConnection: close\r\n"
    chunked = b"".join(b"1\r\n%c\r\n" % one for one in body) + b"0\r\n\r\n"
    answer = raw(wire, head + b"Transfer-Encoding: chunked\r\n\r\n" + chunked)
    assert answer.startswith(b"HTTP/1.1 200 OK")


def test_bodies_that_are_too_long_are_not_read(wire: Wire) -> None:
    head = f"POST /accessv2 HTTP/1.1\r\nHost: lm\r\nContent-Length: {MAX_BODY + 1}\r\n\r\n"
    with socket.create_connection(("127.0.0.1", wire.box.port), timeout=10) as sock:
        sock.sendall(head.encode())
        assert sock.recv(65536).startswith(b"HTTP/1.1 413 ")


def test_a_line_beyond_any_length_ends_the_connection(wire: Wire) -> None:
    assert raw(wire, get(wire, f"/access/get?param=version&x={'a' * 20000}")) == b""


@pytest.mark.parametrize(
    ("member", "code"),
    [
        ({"cmd": None}, 400),
        ({"cmd": ""}, 400),
        ({}, 400),
        ({"cmd": ["showvs"]}, 405),
        ({"cmd": "ListVS"}, 405),
        ({"cmd": "showvs", "vs": {"a": 1}}, 400),
        ({"cmd": "showvs", "vs": float("nan")}, 400),
        ({"cmd": "showvs", "vs": 10**30}, 400),
    ],
)
def test_odd_members(wire: Wire, member: dict[str, object], code: int) -> None:
    body = json.dumps({"apikey": wire.box.api_key, **member})
    reply = wire.request("POST", "/accessv2", body=body)
    assert (reply.status, reply.error[0]) == (code, code)


@pytest.mark.parametrize("body", [b"[" * 100_000, b"{'cmd': 'listvs'}", b"\x1f\x8b\x08", b"null"])
def test_bodies_that_are_no_call(wire: Wire, body: bytes) -> None:
    headers = {"Content-Encoding": "gzip"} if body.startswith(b"\x1f") else {}
    assert wire.request("POST", "/accessv2", body=body, headers=headers).status == 400


def test_json_in_other_encodings(wire: Wire) -> None:
    text = json.dumps({"cmd": "listvs", "apikey": wire.box.api_key})
    for encoding in ("utf-8-sig", "utf-16", "utf-16-le"):
        assert wire.request("POST", "/accessv2", body=text.encode(encoding)).status == 200


def test_credentials_that_nobody_has(wire: Wire) -> None:
    half = "\\ud800"
    for members in (
        f'"apikey": "{half}"',
        f'"apiuser": "bal", "apipass": "{half}"',
        '"apiuser": 1, "apipass": 2',
        '"apikey": 12',
        f'"apikey": "wrong", "apiuser": "bal", "apipass": "{wire.box.password}"',
        "",
    ):
        body = f'{{"cmd": "listvs"{", " if members else ""}{members}}}'
        assert wire.request("POST", "/accessv2", body=body).status == 401
    for login in ("Basic !!!", "Basic YmFs", "Basic \u00e4", "Bearer abc", "basic"):
        headers = {"Authorization": login}
        assert wire.request("GET", "/access/listvs", headers=headers).status == 401
    assert (
        wire.request("POST", "/accessv2", body='{"cmd": "listvs"}', headers=wire.basic()).status
        == 401
    )
    # A key that is wrong wins over a password that is right, in v1 as in v2.
    wrong = wire.request("GET", "/access/listvs?apikey=wrong", headers=wire.basic())
    assert wrong.status == 401
    both = {"apikey": wire.box.api_key, "apiuser": "bal", "apipass": "wrong"}
    body = json.dumps({"cmd": "listvs", **both})
    assert wire.request("POST", "/accessv2", body=body).status == 200


def test_characters_that_xml_cannot_hold(wire: Wire) -> None:
    wire.fresh(CheckPattern="a\x00\x01b\ud800c\uffffd", CheckPostData="tab\tnew\nline")
    assert wire.v2("showvs", vs=1).json["CheckPattern"] == "abcd"
    shown = wire.v1("showvs", vs=1).data
    assert shown.findtext("CheckPattern") == "abcd"
    assert shown.findtext("CheckPostData") == "tab\tnew\nline"
    assert (
        wire.v1("addvs", vs="198.18.0.2", port=80, prot="tcp", CheckHost="a\x0bb").data is not None
    )


def test_clients_that_go_away_in_the_middle(wire: Wire, caplog: pytest.LogCaptureFixture) -> None:
    head = b"POST /accessv2 HTTP/1.1\r\nHost: lm\r\n"
    with caplog.at_level(logging.ERROR):
        assert raw(wire, head + b"Content-Length: 100\r\n\r\nabc", end=True) == b""
        assert raw(wire, head + b"Transfer-Encoding: chunked\r\n\r\n5\r\nab", end=True) == b""
        assert wire.v2("listvs").status == 200
    assert caplog.records == []
