"""The appliance's own tools."""

import base64

import pytest

from kempsdk.client import LoadMaster
from kempsdk.diagnostics import Report
from kempsdk.errors import BadAnswer, InvalidRequest
from kempsdk.references import VsRef
from tests.fakes.transport import Scripted
from tests.kempsdk.test_virtual_services import DONE, scripted


def test_texts(lm: LoadMaster) -> None:
    assert "Filesystem" in lm.diagnostics.report(Report.DISKS)
    assert "MemTotal" in lm.diagnostics.report(Report.MEMORY)
    assert "0% packet loss" in lm.diagnostics.ping("127.0.0.1", interface=0)
    assert "unreachable" in lm.diagnostics.ping("192.0.2.1")
    assert "traceroute" in lm.diagnostics.traceroute("127.0.0.1")
    assert lm.diagnostics.top(iterations=3).count("load average") == 3


def test_a_capture(lm: LoadMaster) -> None:
    found = lm.diagnostics.capture(packets=5, duration_s=1, address="10.0.0.1", port=80)
    assert found[:4] in (b"\xd4\xc3\xb2\xa1", b"\xa1\xb2\xc3\xd4")


def test_counters_are_reset(lm: LoadMaster, web: VsRef) -> None:
    lm.diagnostics.reset_statistics()
    assert lm.statistics.read().service(web) is not None


def test_logs() -> None:
    archive = {"data": base64.b64encode(b"\x1f\x8b rest").decode()}
    script: dict[str, list[Scripted]] = {
        "logging/savelogs": [archive],
        "logging/saveextlogs": [{"data": base64.b64encode(b"no such file").decode()}],
        "logging/clearlogs": [DONE],
        "logging/clearextlogs": [DONE],
    }
    lm, transport = scripted(None, **script)
    assert lm.diagnostics.download_logs("messages") == b"\x1f\x8b rest"
    with pytest.raises(BadAnswer, match="no archive"):
        lm.diagnostics.download_logs(extended=True)
    lm.diagnostics.clear_logs()
    lm.diagnostics.clear_logs("user", extended=True)
    assert [(one.command, dict(one.params), one.mutates) for one in transport.calls] == [
        ("logging/savelogs", {"fsel": "messages"}, False),
        ("logging/saveextlogs", {}, False),
        ("logging/clearlogs", {}, True),
        ("logging/clearextlogs", {"fsel": "user"}, True),
    ]


def test_other_forms_of_a_text() -> None:
    latin = base64.b64encode("größe".encode("latin-1")).decode()
    script: dict[str, list[Scripted]] = {
        "logging/df": [{"message": "one"}, {"df": "two"}, {"data": latin}, {"a": 1, "b": 2}],
        "tcpdump": [{"data": base64.b64encode(b"<html>").decode()}],
    }
    lm, _ = scripted(None, **script)
    assert [lm.diagnostics.report(Report.DISKS) for _ in range(3)] == ["one", "two", "größe"]
    with pytest.raises(BadAnswer):
        lm.diagnostics.report(Report.DISKS)
    with pytest.raises(BadAnswer, match="no capture"):
        lm.diagnostics.capture()


def test_wrong_values_are_not_sent() -> None:
    lm, transport = scripted()
    for host in ("", "-f", "a b"):
        with pytest.raises(InvalidRequest):
            lm.diagnostics.ping(host)
    for settings in ({"packets": 0}, {"duration_s": 601}, {"port": 0}, {"options": "x" * 256}):
        with pytest.raises(InvalidRequest):
            lm.diagnostics.capture(**settings)
    with pytest.raises(InvalidRequest):
        lm.diagnostics.top(iterations=31)
    assert transport.calls == []
