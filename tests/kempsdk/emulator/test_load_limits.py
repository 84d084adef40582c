"""Too much is answered by a closed connection, before TLS."""

import socket
import ssl

import pytest

from kempsdk.emulator import Switches
from kempsdk.emulator.gate import Gate
from tests.kempsdk.emulator.conftest import Start
from tests.kempsdk.emulator.wire import Wire


class _Clock:
    def __init__(self) -> None:
        self.now_s = 100.0

    def monotonic_s(self) -> float:
        return self.now_s

    def time_s(self) -> float:
        return self.now_s

    def sleep(self, seconds: float) -> None:
        self.now_s += seconds


def test_thirty_calls_in_any_three_seconds() -> None:
    clock = _Clock()
    gate = Gate(Switches(), clock)
    for _ in range(30):
        assert not gate.refuses_call()
        gate.count_call()
        clock.sleep(0.05)
    assert gate.refuses_call()
    assert gate.refuses_connection(0)
    # The window slides: the first call leaves it 3 s after it came.
    clock.sleep(1.49)
    assert gate.refuses_call()
    clock.sleep(0.02)
    assert not gate.refuses_call()
    gate.count_call()
    assert gate.refuses_call()


def test_without_the_limit_nothing_is_refused() -> None:
    gate = Gate(Switches(rate_limit=False), _Clock())
    for _ in range(100):
        gate.count_call()
    assert not gate.refuses_call()
    assert not gate.refuses_connection(100)


def test_open_connections_are_a_switch_of_their_own() -> None:
    gate = Gate(Switches(concurrent_calls=8), _Clock())
    assert not gate.refuses_connection(7)
    assert gate.refuses_connection(8)
    assert not gate.refuses_call()


def test_the_thirty_first_call_finds_its_connection_closed(start: Start) -> None:
    wire = start(http=False, switches={"rate_limit": True, "rate_limit_window_s": 3600.0})
    for number in range(30):
        assert wire.v2("showhealth").status == 200, number
    with pytest.raises(ConnectionError):
        wire.v2("showhealth")
    wire.close()
    # A new connection does not get as far as TLS: the client reads an end of file.
    with pytest.raises((ssl.SSLEOFError, ConnectionResetError)):
        wire.v2("showhealth")
    assert len(wire.box.calls) == 30


def test_a_dropped_call_did_not_run(start: Start) -> None:
    wire = start(
        switches={"rate_limit": True, "rate_limit_calls": 1, "rate_limit_window_s": 3600.0}
    )
    wire.fresh("198.18.0.1")
    with pytest.raises(ConnectionError):
        wire.fresh("198.18.0.2")
    assert [one.command for one in wire.box.calls] == ["addvs"]


def test_connections_beyond_the_limit_are_dropped(start: Start) -> None:
    wire = start(switches={"concurrent_calls": 2})
    address = ("127.0.0.1", wire.box.port)
    assert wire.v1("showhealth").status == 200
    with socket.create_connection(address) as second:
        second.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        assert second.recv(100).startswith(b"HTTP/1.1 404")
        with socket.create_connection(address) as third:
            assert third.recv(100) == b""
    assert wire.v1("showhealth").status == 200


def test_other_requests_are_not_counted(start: Start) -> None:
    wire = start(
        switches={"rate_limit": True, "rate_limit_calls": 2, "rate_limit_window_s": 3600.0}
    )
    for _ in range(5):
        assert wire.request("GET", "/").status == 404
    assert wire.v1("showhealth").status == 200


def test_another_wire_shares_the_count(start: Start) -> None:
    wire = start(
        switches={"rate_limit": True, "rate_limit_calls": 2, "rate_limit_window_s": 3600.0}
    )
    other = Wire(wire.box)
    assert wire.v1("showhealth").status == 200
    assert other.v2("showhealth").status == 200
    other.close()
    with pytest.raises(ConnectionError):
        wire.v1("showhealth")
