"""The real transport against a real socket: what is sent, what comes of the answers."""

import base64
import email
import email.policy
import json
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from kempsdk.auth import ApiKey, Auth, ClientCert, Password
from kempsdk.errors import (
    ApiDisabled,
    AuthenticationFailed,
    BadAnswer,
    CertificateNotTrusted,
    CommandRejected,
    InvalidRequest,
    NotFound,
    Outcome,
    OutcomeUnknown,
    PermissionDenied,
    RateLimited,
    UnknownCommand,
    Unreachable,
)
from kempsdk.transport.call import Call
from kempsdk.transport.detection import Api, WireTransport
from kempsdk.transport.endpoint import Endpoint
from kempsdk.transport.tls import Insecure, Pin, Trust, Verify
from tests.fakes.certificates import self_signed
from tests.fakes.clock import FakeClock
from tests.fakes.wire_server import HangUp, Say, Silence, WireServer

KEY = "k3yThatNobodyMaySee"
READ = Call(
    command="showvs", params={"vs": "10.0.1.250"}, mutates=False, target="tcp/10.0.1.250:80"
)
WRITE = Call(command="modvs", params={"vs": 1, "Enable": False}, mutates=True, target="web")
OK_V1 = Say(body=b'<Response stat="200" code="ok"><Success>done</Success></Response>')
OK_V2 = Say(body=b'{"code": 200, "message": "done", "status": "ok"}')
LOGIN_PAGE = b"<!DOCTYPE html><html><body>Log in</body></html>"


def transport(
    server: WireServer,
    *,
    api: Api = "v1",
    auth: Auth | None = None,
    trust: Trust | None = None,
    clock: FakeClock | None = None,
    timeout_s: float = 5.0,
) -> WireTransport:
    return WireTransport(
        Endpoint.parse(server.url, allow_http=False),
        auth=auth or ApiKey(KEY),
        api=api,
        trust=trust or Pin(server.certificate.fingerprint),
        timeout_s=timeout_s,
        clock=clock or FakeClock(),
    )


def test_v1_sends_the_key_in_the_query_and_reads_xml() -> None:
    with WireServer(OK_V1) as server:
        wire = transport(server)
        reply = wire.send(WRITE)
        wire.close()
    (sent,) = server.received
    assert reply.message == "done"
    assert sent.method == "GET"
    parts = urlsplit(sent.target)
    assert parts.path == "/access/modvs"
    assert parse_qs(parts.query) == {"vs": ["1"], "Enable": ["N"], "apikey": [KEY]}
    assert "authorization" not in sent.headers


def test_v1_password_is_basic_in_utf_8() -> None:
    with WireServer(OK_V1) as server:
        wire = transport(server, auth=Password("bal", "pässwörd"))
        wire.send(READ)
        wire.close()
    expected = base64.b64encode("bal:pässwörd".encode()).decode()
    assert server.received[0].headers["authorization"] == f"Basic {expected}"
    assert "apikey" not in server.received[0].target


def test_v2_sends_one_object() -> None:
    with WireServer(OK_V2) as server:
        wire = transport(server, api="v2", auth=Password("bal", "secret"))
        wire.send(Call(command="logging/df", params={"on": True, "n": 3}, mutates=False))
        wire.close()
    (sent,) = server.received
    assert (sent.method, sent.target) == ("POST", "/accessv2")
    assert json.loads(sent.body) == {
        "cmd": "logging.df",
        "apiuser": "bal",
        "apipass": "secret",
        "on": True,
        "n": 3,
    }
    assert "authorization" not in sent.headers


def test_set_spells_switches_yes_and_no() -> None:
    call = Call(command="set", params={"param": "snat", "value": True}, mutates=True)
    with WireServer(OK_V1, OK_V2) as server:
        for api in ("v1", "v2"):
            wire = transport(server, api="v1" if api == "v1" else "v2")
            wire.send(call)
            wire.close()
    assert "value=yes" in server.received[0].target
    assert json.loads(server.received[1].body)["value"] == "yes"


def test_v1_long_queries_go_by_form() -> None:
    call = Call(command="modvs", params={"vs": 1, "GroupSIDs": "S" * 1500}, mutates=True)
    with WireServer(OK_V1) as server:
        wire = transport(server)
        wire.send(call)
        wire.close()
    (sent,) = server.received
    assert sent.method == "POST"
    assert len(sent.target) < 200
    assert parse_qs(sent.body.decode()) == {"vs": ["1"], "GroupSIDs": ["S" * 1500]}


@pytest.mark.parametrize("api", ["v1", "v2"])
def test_a_file_goes_along(api: Api) -> None:
    call = Call(command="addcert", params={"cert": "web"}, body=b"PEM\0\xff", mutates=True)
    with WireServer(OK_V1 if api == "v1" else OK_V2) as server:
        wire = transport(server, api=api)
        wire.send(call)
        wire.close()
    (sent,) = server.received
    assert sent.method == "POST"
    if api == "v1":
        assert sent.body == b"PEM\0\xff"
        assert "cert=web" in sent.target
    else:
        assert base64.b64decode(json.loads(sent.body)["data"]) == b"PEM\0\xff"


@pytest.mark.parametrize("api", ["v1", "v2"])
def test_two_files_go_along_in_one_form(api: Api) -> None:
    files = {"publickey": b"; key\n\0\xff", "privatekey": b"--kempsdk\r\nAlgorithm: 8"}
    call = Call(command="geoimportksk", files=files, mutates=True)
    with WireServer(OK_V1 if api == "v1" else OK_V2) as server:
        wire = transport(server, api=api)
        wire.send(call)
        wire.close()
    (sent,) = server.received
    assert sent.method == "POST"
    if api == "v2":
        members = json.loads(sent.body)
        assert {name: base64.b64decode(members[name]) for name in files} == files
        return
    # Read back by the standard library's parser of such forms.
    kind = f"Content-Type: {sent.headers['content-type']}\r\n\r\n".encode()
    message = email.message_from_bytes(kind + sent.body, policy=email.policy.HTTP)
    found = {
        part.get_param("name", header="content-disposition"): part.get_payload(decode=True)
        for part in message.walk()
        if not part.is_multipart()
    }
    assert found == files


def test_a_file_comes_back() -> None:
    raw = Say(body=b"\x1f\x8b backup", content_type="application/octet-stream")
    encoded = base64.b64encode(raw.body).decode()
    wrapped = Say(body=json.dumps({"code": 200, "data": encoded, "status": "ok"}).encode())
    call = Call(command="backup", mutates=False)
    with WireServer(raw, wrapped) as server:
        first, second = transport(server), transport(server, api="v2")
        assert first.send(call).file == raw.body
        assert second.send(call).file == raw.body
        first.close()
        second.close()


def test_connections_are_kept_and_nothing_is_sent_before_the_first_call() -> None:
    with WireServer(OK_V1) as server:
        wire = transport(server)
        assert server.accepted == 0
        for _ in range(5):
            wire.send(READ)
        wire.close()
    assert server.accepted == 1
    assert len(server.received) == 5


def test_a_write_over_a_connection_the_server_closed_meanwhile_is_sent_once() -> None:
    with WireServer(Say(body=OK_V1.body, close=True), OK_V1) as server:
        wire = transport(server)
        wire.send(READ)
        server.cut_connections()
        wire.send(WRITE)
        wire.close()
    assert [one.target.split("?")[0] for one in server.received] == [
        "/access/showvs",
        "/access/modvs",
    ]


@pytest.mark.parametrize("name", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"])
def test_authorities_in_the_environment_do_not_count(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The bundle would make the server trusted.
    with WireServer(OK_V1) as server:
        monkeypatch.setenv(name, str(server.certificate.cert))
        wire = transport(server, trust=Verify())
        with pytest.raises(CertificateNotTrusted):
            wire.send(READ)
        wire.close()
    assert server.received == []


@pytest.mark.parametrize("name", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"])
def test_authorities_in_the_environment_do_not_replace_those_that_were_named(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with WireServer(OK_V1) as server:
        monkeypatch.setenv(name, str(self_signed("somebody.else").cert))
        wire = transport(server, trust=Verify(server.certificate.cert))
        assert wire.send(READ).message == "done"
        wire.close()


def test_netrc_and_proxies_in_the_environment_do_not_count(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login somebody password else\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    with WireServer(OK_V1) as server:
        wire = transport(server)
        wire.send(READ)
        wire.close()
    assert "authorization" not in server.received[0].headers


def test_cookies_are_not_kept() -> None:
    with WireServer(Say(body=OK_V1.body, headers={"Set-Cookie": "session=1; Path=/"})) as server:
        wire = transport(server)
        wire.send(READ)
        wire.send(READ)
        wire.close()
    assert "cookie" not in server.received[1].headers


def test_insecure_talks_to_anybody_without_a_word(recwarn: pytest.WarningsRecorder) -> None:
    with WireServer(OK_V1) as server:
        wire = transport(server, trust=Insecure())
        assert wire.send(READ).message == "done"
        wire.close()
    assert not recwarn.list


def test_the_host_name_is_verified_too() -> None:
    with WireServer(OK_V1) as server:
        endpoint = Endpoint.parse(f"https://localhost:{server.port}", allow_http=False)
        trust = Verify(server.certificate.cert)
        wire = WireTransport(
            endpoint, auth=ApiKey(KEY), api="v1", trust=trust, timeout_s=5, clock=FakeClock()
        )
        with pytest.raises(CertificateNotTrusted):
            wire.send(READ)
        wire.close()


@pytest.mark.parametrize("trust", [Verify(), Pin("0" * 64)])
def test_an_untrusted_certificate_is_shown_and_nothing_is_sent(trust: Trust) -> None:
    with WireServer(OK_V1) as server:
        wire = transport(server, trust=trust)
        with pytest.raises(CertificateNotTrusted) as caught:
            wire.send(WRITE)
        wire.close()
    assert caught.value.fingerprint == server.certificate.fingerprint
    assert server.certificate.fingerprint in str(caught.value)
    assert f"kemp config trust https://127.0.0.1:{server.port}" in str(caught.value)
    assert caught.value.outcome is Outcome.NOT_SENT
    assert server.received == []


def test_a_client_certificate_is_shown() -> None:
    client = self_signed("operator.test")
    with WireServer(OK_V1, client_ca=str(client.cert)) as server:
        wire = transport(server, api="auto", auth=ClientCert(client.cert, client.key))
        assert wire.send(READ).message == "done"
        wire.close()
    assert server.received[0].target.startswith("/access/showvs")


def test_a_missing_client_certificate_is_refused_before_anything_is_sent() -> None:
    with WireServer(OK_V1) as server:
        wire = transport(server, auth=ClientCert("/nowhere.pem"))
        with pytest.raises(InvalidRequest):
            wire.send(READ)
    assert server.accepted == 0


FAILURES = [
    ("v1", 401, LOGIN_PAGE, AuthenticationFailed),
    ("v2", 401, LOGIN_PAGE, AuthenticationFailed),
    ("v2", 401, b'{"code":401,"message":"no","status":"fail"}', AuthenticationFailed),
    ("v1", 403, b'<Response stat="403" code="fail"><Error>x</Error></Response>', PermissionDenied),
    ("v1", 404, LOGIN_PAGE, ApiDisabled),
    ("v2", 404, LOGIN_PAGE, ApiDisabled),
    ("v2", 404, b"", ApiDisabled),
    ("v2", 404, b'{"code":404,"message":"File not found","status":"fail"}', NotFound),
    ("v1", 405, b'<Response stat="405" code="fail"><Error>x</Error></Response>', UnknownCommand),
    ("v2", 405, b"", UnknownCommand),
    ("v1", 422, b'<Response stat="422" code="fail"><Error>Unknown VS</Error></Response>', NotFound),
    ("v2", 422, b'{"code":422,"message":"Unknown RS","status":"fail"}', NotFound),
    ("v2", 200, b'{"code":422,"message":"Rule r1 not found","status":"fail"}', NotFound),
    ("v2", 422, b'{"code":422,"message":"Unknown parameter value x","status":"fail"}', NotFound),
    ("v1", 200, b'<Response stat="422" code="fail"><Error>No</Error></Response>', CommandRejected),
    ("v2", 422, b'{"code":422,"message":"Couldn\'t create RS","status":"fail"}', CommandRejected),
    ("v2", 422, b'{"code":422,"message":"Command not available.","status":"fail"}', UnknownCommand),
    ("v1", 200, LOGIN_PAGE, BadAnswer),
    ("v2", 200, LOGIN_PAGE, BadAnswer),
    ("v1", 302, LOGIN_PAGE, BadAnswer),
    ("v1", 503, LOGIN_PAGE, BadAnswer),
    ("v1", 200, b'<?xml version="1.0"?><Response stat="200"', BadAnswer),
    ("v2", 200, b'{"code": 200, "VS": [', BadAnswer),
    ("v2", 200, b'{"hello": "world"}', BadAnswer),
    ("v2", 200, b"[1]", BadAnswer),
    ("v1", 200, b"", BadAnswer),
    ("v1", 200, b'<Response stat="200" code="ok"></Response>', BadAnswer),
]


@pytest.mark.parametrize(("api", "status", "body", "kind"), FAILURES)
def test_every_bad_answer_is_an_error_of_ours(
    api: Api, status: int, body: bytes, kind: type[Exception]
) -> None:
    headers = {"Location": "/login"} if status == 302 else {}
    kind_of_body = "text/html" if body == LOGIN_PAGE else "text/xml"
    answer = Say(body=body, status=status, content_type=kind_of_body, headers=headers)
    with WireServer(answer) as server:
        wire = transport(server, api=api)
        with pytest.raises(kind) as caught:
            wire.send(WRITE)
        wire.close()
    assert type(caught.value) is kind
    assert len(server.received) == 1
    assert KEY not in str(caught.value)


def test_an_entity_bomb_is_refused() -> None:
    bomb = (
        b'<?xml version="1.0"?><!DOCTYPE r [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;">]>'
        b'<Response stat="200" code="ok"><Success>&b;</Success></Response>'
    )
    with WireServer(Say(body=bomb)) as server:
        wire = transport(server)
        with pytest.raises(BadAnswer, match="document type"):
            wire.send(READ)
        wire.close()


def test_too_large_an_answer_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kempsdk.transport.http.MAX_ANSWER_BYTES", 1 << 20)
    with WireServer(Say(body=b"x" * (2 << 20))) as server:
        wire = transport(server)
        with pytest.raises(BadAnswer, match="larger than 1 MiB"):
            wire.send(READ)
        wire.close()
    assert len(server.received) == 1


def test_a_truncated_answer_is_read_again_but_not_written_again() -> None:
    cut = Say(body=OK_V1.body, length=len(OK_V1.body) + 50, close=True)
    with WireServer(cut, OK_V1) as server:
        wire = transport(server)
        assert wire.send(READ).message == "done"
        wire.close()
    assert len(server.received) == 2
    with WireServer(cut, OK_V1) as server:
        wire = transport(server)
        with pytest.raises(BadAnswer, match="cut short") as caught:
            wire.send(WRITE)
        wire.close()
    assert len(server.received) == 1
    assert caught.value.outcome is Outcome.UNKNOWN


@pytest.mark.parametrize("loss", [HangUp(), Silence()])
def test_a_lost_answer_is_unknown_for_a_write(loss: HangUp | Silence) -> None:
    with WireServer(loss, OK_V1) as server:
        wire = transport(server, timeout_s=0.3)
        with pytest.raises(OutcomeUnknown, match="read back"):
            wire.send(WRITE)
        wire.close()
    assert len(server.received) == 1


def test_a_lost_answer_is_asked_for_again_by_a_read() -> None:
    clock = FakeClock()
    with WireServer(HangUp(), HangUp(), OK_V1) as server:
        wire = transport(server, clock=clock)
        assert wire.send(READ).message == "done"
        wire.close()
    assert len(server.received) == 3
    assert clock.sleeps == pytest.approx([0.2, 0.4])


def test_reads_end_at_the_last_attempt() -> None:
    with WireServer(HangUp()) as server:
        wire = transport(server)
        with pytest.raises(Unreachable, match="connection lost"):
            wire.send(READ)
        wire.close()
    assert len(server.received) == 4


def test_reads_end_at_the_deadline() -> None:
    clock = FakeClock()
    with WireServer(HangUp()) as server:
        wire = transport(server, clock=clock, timeout_s=0.25)
        with pytest.raises(Unreachable):
            wire.send(READ)
        wire.close()
    assert len(server.received) == 2  # the third would start 0.6 s after the first


def test_dropped_before_tls_is_waited_out_also_by_a_write() -> None:
    clock = FakeClock()
    with WireServer(OK_V1, drops=3) as server:
        wire = transport(server, clock=clock)
        assert wire.send(WRITE).message == "done"
        wire.close()
    assert len(server.received) == 1
    assert sum(clock.sleeps) > 3  # longer than the appliance's window


def test_dropped_for_good_is_rate_limited() -> None:
    with WireServer(OK_V1, drops=100) as server:
        wire = transport(server)
        with pytest.raises(RateLimited):
            wire.send(WRITE)
        wire.close()
    assert server.received == []
    assert server.accepted == 4


def test_nobody_there() -> None:
    with WireServer(OK_V1) as server:
        wire = transport(server)
    with pytest.raises(Unreachable) as caught:
        wire.send(WRITE)
    wire.close()
    assert type(caught.value) is Unreachable
    assert f"127.0.0.1:{server.port}" in str(caught.value)
    assert caught.value.outcome is Outcome.NOT_SENT


def test_a_server_without_tls() -> None:
    with WireServer(OK_V1, tls=False) as server:
        endpoint = Endpoint("https", "127.0.0.1", server.port)
        wire = WireTransport(
            endpoint, auth=ApiKey(KEY), api="v1", trust=Insecure(), timeout_s=2, clock=FakeClock()
        )
        with pytest.raises(Unreachable):
            wire.send(READ)
        wire.close()


def test_plain_http_to_this_machine() -> None:
    with WireServer(OK_V2, tls=False) as server:
        wire = transport(server, api="auto")
        assert wire.send(READ).message == "done"
        wire.close()
