"""What the virtual LoadMaster does not answer, in the shapes of both interfaces."""

import base64
import json
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from kempsdk.access_lists import AccessList
from kempsdk.auth import ApiKey
from kempsdk.client import LoadMaster
from kempsdk.diagnostics import Report
from kempsdk.errors import BadAnswer, CommandRejected
from kempsdk.references import VsRef
from kempsdk.transport.tls import Insecure
from kempsdk.waf import WafFile
from tests.fakes.clock import FakeClock
from tests.fakes.wire_server import Say, WireServer

ARCHIVE = b"\x1f\x8b\x08 an archive"


def data(api: str, xml: str, **members: object) -> Say:
    """Return an answer with data, as each interface prints it."""
    if api == "v1":
        text = f'<Response stat="200" code="ok"><Success><Data>{xml}</Data></Success></Response>'
        return Say(body=text.encode())
    body = json.dumps({"code": 200, **members, "status": "ok"}).encode()
    return Say(body=body, content_type="application/json")


def file(api: str, content: bytes, content_type: str = "application/octet-stream") -> Say:
    """Return an answer that is a file."""
    if api == "v1":
        return Say(body=content, content_type=content_type)
    return data(api, "", data=base64.b64encode(content).decode())


@contextmanager
def client(api: str, *script: Say) -> Iterator[tuple[LoadMaster, WireServer]]:
    with (
        WireServer(*script, tls=False) as server,
        LoadMaster(server.url, ApiKey("key"), api=api, tls=Insecure(), clock=FakeClock()) as lm,
    ):
        yield lm, server


def facts(api: str, boottime: int) -> Say:
    xml = "<hostname>lb7</hostname><version>7.2.54</version><serialnumber>1</serialnumber>"
    return data(
        api,
        f"{xml}<boottime>{boottime}</boottime>",
        hostname="lb7",
        version="7.2.54",
        serialnumber=1,
        boottime=boottime,
    )


@pytest.fixture(params=["v1", "v2"])
def api(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_logs(api: str) -> None:
    with client(api, file(api, ARCHIVE), file(api, b"no such file", "text/plain")) as (lm, _):
        assert lm.diagnostics.download_logs("messages") == ARCHIVE
        with pytest.raises(BadAnswer, match="no archive"):
            lm.diagnostics.download_logs("nosuch")


def test_a_text_of_hardware(api: str) -> None:
    with client(api, file(api, b"00:00.0 Host bridge\n", "text/plain")) as (lm, server):
        assert "Host bridge" in lm.diagnostics.report(Report.PCI_DEVICES)
    word = "logging/lspci" if api == "v1" else "logging.lspci"
    sent = server.received[0]
    assert word in (sent.target if api == "v1" else sent.body.decode())


def test_firmware(api: str) -> None:
    version = data(api, "<version>7.2.50.0</version>", version="7.2.50.0")
    with client(api, version) as (lm, _):
        assert lm.system.previous_version() == "7.2.50.0"
    done = (
        Say(body=b'<Response stat="200" code="ok"><Success>Done</Success></Response>')
        if api == "v1"
        else data(api, "", message="Command completed ok")
    )
    with client(api, facts(api, 100), done, facts(api, 100), done) as (lm, server):
        lm.system.install_firmware(b"\x00patch\xff", confirm="lb7")
        lm.system.shut_down(confirm="lb7")
    patch = server.received[1]
    if api == "v1":
        assert patch.body == b"\x00patch\xff"
    else:
        assert base64.b64decode(json.loads(patch.body)["data"]) == b"\x00patch\xff"


def test_one_row_and_several(api: str) -> None:
    one = data(
        api,
        "<Rule><Id>911100</Id><Type>CRS</Type><Name>Method</Name></Rule>",
        Rule=[{"Id": "911100", "Type": "CRS", "Name": "Method"}],
    )
    with client(api, one) as (lm, _):
        (rule,) = lm.waf.rules()
    assert (rule.id, rule.title, rule.enabled) == ("911100", "Method", None)


def test_entries_before_comments(api: str) -> None:
    old = data(
        api,
        "<VS><Whitelist><IP><addr>10.0.0.0/8</addr></IP></Whitelist></VS>",
        list="white",
        IP=[{"addr": "10.0.0.0/8"}],
    )
    with client(api, old) as (lm, _):
        (entry,) = lm.access_lists.list(AccessList.ALLOW, vs=VsRef.parse("tcp/10.0.1.250:80"))
    assert (entry.network, entry.comment) == ("10.0.0.0/8", None)


def test_a_refused_file(api: str) -> None:
    refusal = (
        Say(
            body=b'<Response stat="422" code="fail"><Error>Invalid rule</Error></Response>',
            status=422,
        )
        if api == "v1"
        else Say(
            body=b'{"code": 422, "message": "Invalid rule", "status": "fail"}',
            status=422,
            content_type="application/json",
        )
    )
    with client(api, refusal) as (lm, _), pytest.raises(CommandRejected, match="Invalid rule"):
        lm.waf.upload(WafFile.OWASP_RULE, "mine.conf", b"x")
