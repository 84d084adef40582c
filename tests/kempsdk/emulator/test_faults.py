"""Faults on demand: what the client sees, and whether the command ran."""

import http.client
import time

import pytest

from tests.kempsdk.emulator.conftest import Start
from tests.kempsdk.emulator.wire import Wire


@pytest.mark.parametrize("plain", [True, False])
def test_close_before_tls(start: Start, plain: bool) -> None:
    wire = start(http=plain)
    wire.fresh("198.18.0.1")
    wire.box.close_before_tls(2)
    wire.close()
    for _ in range(2):
        with pytest.raises(OSError):  # noqa: PT011 - EOF, reset or broken pipe, by timing
            wire.fresh("198.18.0.2")
        wire.close()
    assert wire.fresh("198.18.0.3")["Index"] == 2


def test_drop_after_read_runs_the_command(wire: Wire) -> None:
    wire.box.drop_after_read(1)
    with pytest.raises(ConnectionError):
        wire.fresh()
    wire.close()
    assert wire.v2("showvs", vs=1).status == 200
    assert wire.box.calls[0].command == "addvs"


def test_truncate(wire: Wire) -> None:
    wire.box.truncate(1)
    with pytest.raises(http.client.IncompleteRead) as cut:
        wire.fresh()
    wire.close()
    assert cut.value.partial.startswith(b'{ "code": 200')
    assert wire.v2("showvs", vs=1).status == 200


def test_html(wire: Wire) -> None:
    wire.box.html(2, 503)
    for reply in (wire.v1("addvs"), wire.v2("addvs")):
        assert reply.status == 503
        assert reply.content_type.startswith("text/html")
    assert wire.v1("listvs").status == 200


def test_delay(wire: Wire) -> None:
    wire.box.delay(0.2, 1)
    start = time.monotonic()
    wire.v1("listvs")
    assert time.monotonic() - start >= 0.2
    start = time.monotonic()
    wire.v1("listvs")
    assert time.monotonic() - start < 0.2


def test_reject(wire: Wire) -> None:
    wire.box.reject("addvs", 422, "no licence", 1)
    assert wire.v1("listvs").status == 200
    refused = wire.v2("addvs", vs="198.18.0.1", port=80, prot="tcp")
    assert refused.error == (422, "no licence")
    wire.fresh()
    assert [(one.command, one.code) for one in wire.box.calls] == [
        ("listvs", 200),
        ("addvs", 422),
        ("addvs", 200),
    ]
