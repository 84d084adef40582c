"""When servers and services are up, down, disabled or unchecked."""

import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest

from kempsdk.emulator import health
from kempsdk.emulator.attributes import default_settings
from kempsdk.emulator.checks import CheckSpec
from kempsdk.emulator.health import HealthMonitor
from kempsdk.emulator.state import ApplianceState, RealServer, VirtualService
from tests.kempsdk.emulator.conftest import Start
from tests.kempsdk.emulator.wire import Wire

_PATIENCE_S = 10.0


def _state(*addresses: str) -> ApplianceState:
    service = VirtualService(
        uid=1,
        index=1,
        protocol="tcp",
        address="198.18.0.1",
        port=80,
        settings=default_settings(),
        servers=[
            RealServer(rs_index=number, address=address, port=80)
            for number, address in enumerate(addresses, start=1)
        ],
    )
    return ApplianceState(users={}, services={1: service})


@pytest.mark.parametrize(
    ("retries", "outcomes", "expected"),
    [
        (2, "+-+--+", [True, True, True, True, False, True]),
        (3, "---+", [False, False, False, True]),
        (3, "+---", [True, True, True, False]),
        (3, "+--+--+", [True, True, True, True, True, True, True]),
    ],
)
def test_down_after_retry_count_failures_in_a_row_up_after_one_success(
    monkeypatch: pytest.MonkeyPatch, retries: int, outcomes: str, expected: list[bool]
) -> None:
    seen: list[bool] = []
    script = iter(outcomes)

    async def run() -> None:
        state = _state("127.0.0.1")
        state.health.retry_count = retries
        monitor = HealthMonitor("auto", time_scale=1000.0)
        done = asyncio.Event()

        async def probe(_spec: CheckSpec) -> bool:
            outcome = next(script, None)
            if started:
                seen.append(monitor.is_up(1))
            started.append(True)
            if outcome is None:
                done.set()
                await asyncio.Event().wait()
            if outcome == "-":
                raise ConnectionRefusedError
            return True

        started: list[bool] = []
        monkeypatch.setattr(health, "probe", probe)
        monitor.sync_all(state)
        assert not monitor.is_up(1)
        await asyncio.wait_for(done.wait(), _PATIENCE_S)
        await monitor.close()

    asyncio.run(run())
    # Each check looks at what the one before made of the server.
    assert seen == expected


@pytest.mark.parametrize(
    ("mode", "probed", "up"),
    [
        ("auto", {"127.0.0.1", "::1"}, {"127.0.0.1", "::1"}),
        ("real", {"127.0.0.1", "::1", "198.19.0.1"}, {"127.0.0.1", "::1", "198.19.0.1"}),
        ("up", set(), {"127.0.0.1", "::1", "198.19.0.1"}),
        ("down", set(), set()),
    ],
)
def test_modes(
    monkeypatch: pytest.MonkeyPatch, mode: health.HealthMode, probed: set[str], up: set[str]
) -> None:
    addresses = ("127.0.0.1", "::1", "198.19.0.1")
    asked: set[str] = set()

    async def probe(spec: CheckSpec) -> bool:
        asked.add(spec.address)
        return True

    async def run() -> set[str]:
        monitor = HealthMonitor(mode, time_scale=1.0)
        monkeypatch.setattr(health, "probe", probe)
        monitor.sync_all(_state(*addresses))
        for _ in range(20):
            await asyncio.sleep(0)
        found = {address for n, address in enumerate(addresses, start=1) if monitor.is_up(n)}
        await monitor.close()
        return found

    assert asyncio.run(run()) == up
    assert asked == probed


def test_specs_come_from_the_service_and_the_globals(monkeypatch: pytest.MonkeyPatch) -> None:
    specs: list[CheckSpec] = []

    async def probe(spec: CheckSpec) -> bool:
        specs.append(spec)
        return True

    async def run() -> None:
        monkeypatch.setattr(health, "probe", probe)
        monitor = HealthMonitor("auto", time_scale=1.0)
        state = _state("127.0.0.1")
        settings = state.services[1].settings
        settings.update({"CheckPort": "8080", "ChkTimeout": 7, "CheckType": "http"})
        monitor.sync_all(state)
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        # An unrelated sync does not check again; a changed setting does.
        monitor.sync_all(state)
        await asyncio.sleep(0)
        settings["CheckUrl"] = "/health"
        monitor.sync_all(state)
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        state.services[1].servers[0].enable = False
        monitor.sync_all(state)
        assert not monitor.is_up(1)
        await monitor.close()

    asyncio.run(run())
    assert [(one.port, one.server_port, one.timeout_s, one.interval_s) for one in specs] == [
        (8080, 80, 7, 9)
    ] * 2
    assert [one.url for one in specs] == ["", "/health"]
    assert {one.virtual_address for one in specs} == {"198.18.0.1"}


def _until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + _PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.02)


@contextmanager
def _web_server(status: list[int]) -> Iterator[int]:
    class Handler(BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            self.send_response(status[0])
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - its name upstream
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield server.server_address[1]
        finally:
            server.shutdown()
            thread.join()


def test_real_checks_of_a_real_server(start: Start) -> None:
    with ExitStack() as stack:
        status = [200]
        port = stack.enter_context(_web_server(status))
        wire = start(health="auto", time_scale=20.0)
        wire.fresh()

        def words() -> tuple[str, str]:
            shown = wire.v2("showvs", vs=1).json
            return shown["Status"], shown["Rs"][0]["Status"]

        assert wire.server(1, "127.0.0.1", port)["Status"] == "Down"
        _until(lambda: words() == ("Up", "Up"))
        assert wire.v1("stats").data.findtext("Vs/Status") == "up"
        status[0] = 503
        _until(lambda: words() == ("Down", "Down"))
        wire.change(1, CheckCodes="503")
        _until(lambda: words() == ("Up", "Up"))
        wire.v2("disablers", rs="127.0.0.1")
        assert words() == ("Down", "Disabled")
        wire.v2("enablers", rs="127.0.0.1")
        _until(lambda: words() == ("Up", "Up"))
        wire.change(1, Enable=0)
        assert words() == ("Disabled", "Up")


@pytest.fixture
def up(start: Start) -> Wire:
    wire = start(health="up")
    wire.fresh()
    for host in (1, 2, 3):
        wire.server(1, f"198.19.0.{host}")
    return wire


def _status(wire: Wire, index: int = 1) -> str:
    return str(wire.v2("showvs", vs=index).json["Status"])


def test_a_service_is_up_with_one_server(up: Wire) -> None:
    assert _status(up) == "Up"
    for host in (1, 2):
        up.box.set_health(f"198.19.0.{host}", 80, up=False)
    assert _status(up) == "Up"
    up.v2("disablers", rs="198.19.0.3")
    assert _status(up) == "Down"


def test_enhanced_checks_want_a_minimum(up: Wire) -> None:
    up.change(1, EnhancedHealthChecks=1, RsMinimum=2)
    up.box.set_health("198.19.0.1", 80, up=False)
    assert _status(up) == "Up"
    up.box.set_health("198.19.0.2", 80, up=False)
    assert _status(up) == "Down"


@pytest.mark.parametrize("how", ["failed", "disabled"])
def test_a_critical_server_takes_the_service_down(up: Wire, how: str) -> None:
    up.v2("modrs", vs=1, rs="!2", critical=1)
    assert _status(up) == "Up"
    if how == "failed":
        up.box.set_health("198.19.0.2", 80, up=False)
    else:
        up.v2("modrs", vs=1, rs="!2", enable=0)
    assert _status(up) == "Down"


def test_a_follower_is_down_with_the_one_it_follows(up: Wire) -> None:
    up.v2("modrs", vs=1, rs="!1", follow=2)
    up.box.set_health("198.19.0.2", 80, up=False)
    statuses = [one["Status"] for one in up.v2("showvs", vs=1).json["Rs"]]
    assert statuses == ["Down", "Down", "Up"]


def test_without_a_check_servers_are_up_and_the_service_unchecked(start: Start) -> None:
    wire = start(health="down")
    wire.fresh(CheckType="none")
    assert _status(wire) == "Down"
    assert wire.server(1, "198.19.0.1")["Status"] == "Up"
    assert _status(wire) == "Unchecked"


def test_redirect_instead_of_down(start: Start) -> None:
    wire = start()
    wire.fresh(ErrorCode=302, ErrorUrl="http://198.18.0.9/")
    assert _status(wire) == "Redirect"


def test_a_parent_is_up_with_a_subvs(start: Start) -> None:
    wire = start(health="up")
    wire.fresh()
    slot = wire.sub(1)
    assert (_status(wire), _status(wire, 2)) == ("Down", "Down")
    wire.server(slot["VSIndex"], "198.19.0.1")
    assert (_status(wire), _status(wire, 2)) == ("Up", "Up")
    wire.v2("modrs", vs=1, rs=f"!{slot['RsIndex']}", enable=0)
    assert _status(wire) == "Down"
