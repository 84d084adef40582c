"""What the data path is told, and how its counters show in stats."""

import time
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from kempsdk.emulator.box import VirtualLoadMaster
from kempsdk.emulator.datapath import L4Service, ServerCounters
from kempsdk.emulator.sampler import Sampler
from kempsdk.emulator.state import ApplianceState, RealServer, VirtualService
from tests.kempsdk.emulator.conftest import Start
from tests.kempsdk.emulator.wire import Wire


class _Recorder:
    """A data path that moves nothing and counts what it is told to have counted."""

    def __init__(self) -> None:
        self.life: list[str] = []
        self.services: Sequence[L4Service] = ()
        self.counted: dict[int, ServerCounters] = {}

    def start(self) -> None:
        self.life.append("start")

    def program(self, services: Sequence[L4Service]) -> None:
        self.services = tuple(services)

    def counters(self) -> Mapping[int, ServerCounters]:
        return dict(self.counted)

    def stop(self) -> None:
        self.life.append("stop")

    def eligible(self) -> dict[str, bool]:
        (service,) = self.services
        return {one.address: one.eligible for one in service.servers}


@pytest.fixture
def path() -> _Recorder:
    return _Recorder()


@pytest.fixture
def director(start: Start, path: _Recorder) -> Wire:
    wire = start(
        data_path=path,
        health="up",
        switches={"addrs_ignores_forward": False},
        time_scale=2.0,
    )
    wire.fresh("198.18.0.1", ForceL4=1, Schedule="wlc", Idletime=100)
    wire.server(1, "198.19.0.1", forward="route", weight=7)
    wire.server(1, "198.19.0.2", forward="route")
    wire.server(1, "198.19.0.3", forward="nat")
    return wire


def test_layer_4_services_with_direct_return(director: Wire, path: _Recorder) -> None:
    director.fresh("198.18.0.2")
    director.server(2, "198.19.0.1", forward="route")
    (service,) = path.services
    assert (service.address, service.port, service.protocol) == ("198.18.0.1", 80, "tcp")
    assert (service.schedule, service.idle_timeout_s) == ("wlc", 50.0)
    assert [(one.rs_index, one.address, one.weight) for one in service.servers] == [
        (1, "198.19.0.1", 7),
        (2, "198.19.0.2", 1000),
    ]


def test_eligible_means_enabled_and_healthy_in_an_enabled_service(
    director: Wire, path: _Recorder
) -> None:
    assert path.eligible() == {"198.19.0.1": True, "198.19.0.2": True}
    director.v2("modrs", vs=1, rs="!1", enable="n")
    assert path.eligible() == {"198.19.0.1": False, "198.19.0.2": True}
    director.v2("enablers", rs="198.19.0.1")
    director.box.set_health("198.19.0.2", 80, up=False)
    assert path.eligible() == {"198.19.0.1": True, "198.19.0.2": False}
    director.box.set_health("198.19.0.2", 80, up=None)
    assert path.eligible() == {"198.19.0.1": True, "198.19.0.2": True}
    director.change(1, Enable=0)
    assert path.eligible() == {"198.19.0.1": False, "198.19.0.2": False}
    director.v2("delvs", vs=1)
    assert path.services == ()


def test_renumbering_does_not_change_a_services_identity(director: Wire, path: _Recorder) -> None:
    director.fresh("198.18.0.2", ForceL4=1)
    before = {one.address: one.index for one in path.services}
    director.v2("delvs", vs=1)
    director.v2("set", param="cachesize", value=101)
    assert director.v2("showvs", vs=1).json["VSAddress"] == "198.18.0.2"
    assert {one.address: one.index for one in path.services} == {"198.18.0.2": before["198.18.0.2"]}


def test_it_lives_as_long_as_the_box(director: Wire, path: _Recorder) -> None:
    assert path.life == ["start"]
    director.box.stop()
    assert path.life == ["start", "stop"]


def _row(wire: Wire, rs_index: int) -> dict[str, Any]:
    (row,) = [one for one in wire.v2("stats").json["Rs"] if one["RSIndex"] == rs_index]
    assert isinstance(row, dict)
    return row


def test_counters_show_as_of_the_last_sample(director: Wire, path: _Recorder) -> None:
    path.counted = {
        1: ServerCounters(active_connections=3, total_connections=10, packets=40, bytes=4000)
    }
    assert _row(director, 1)["ActivConns"] == 0
    director.box.sample_now()
    row = _row(director, 1)
    assert (row["ActivConns"], row["Conns"], row["Pkts"], row["Bytes"], row["Bits"]) == (
        3,
        10,
        40,
        4000,
        32000,
    )
    answer = director.v2("stats").json
    service = answer["Vs"][0]
    assert (service["ActiveConns"], service["TotalConns"], service["VSPort"]) == (3, 10, 80)
    assert answer["VStotals"]["TotalConns"] == 10
    assert answer["VStotals"]["TotalBits"] == 32000
    assert _row(director, 2)["Conns"] == 0
    director.box.freeze_stats(True)
    path.counted[1] = ServerCounters(active_connections=0, total_connections=11)
    director.box.sample_now()
    assert _row(director, 1)["ActivConns"] == 3
    director.box.freeze_stats(False)
    director.box.sample_now()
    assert _row(director, 1)["ActivConns"] == 0


def test_a_service_keeps_what_its_removed_servers_had(director: Wire, path: _Recorder) -> None:
    path.counted = {1: ServerCounters(total_connections=10)}
    director.box.sample_now()
    director.v2("delrs", vs=1, rs="!1")
    path.counted = {}
    director.box.sample_now()
    answer = director.v2("stats").json
    assert answer["Vs"][0]["TotalConns"] == 10
    assert {one["RSIndex"] for one in answer["Rs"]} == {2, 3}


def test_stats_of_a_fresh_unit(wire: Wire) -> None:
    answer = wire.v2("stats").json
    assert "Vs" not in answer
    assert "Rs" not in answer
    assert answer["Timestamp"]["Period"] == 5_000_000
    assert [one["cpu"] for one in answer["CPU"]["cpu"]] == list(range(len(answer["CPU"]["cpu"])))
    assert answer["Network"]["Interface"][0]["Name"] == "eth0"
    assert isinstance(answer["Network"]["Interface"][0]["in"], float)
    assert answer["DiskUsage"]["partition"][0]["name"] == "/var/log"


def test_only_top_level_services_have_a_row_but_all_servers_do(wire: Wire) -> None:
    wire.fresh()
    slot = wire.sub(1)
    wire.server(slot["VSIndex"], "198.19.0.1", weight=9, enable=0)
    answer = wire.v2("stats").json
    assert [one["Index"] for one in answer["Vs"]] == [1]
    assert answer["Vs"][0]["Status"] == "down"
    (row,) = answer["Rs"]
    assert (row["VSIndex"], row["Addr"], row["Weight"], row["Enable"]) == (2, "198.19.0.1", 9, 0)
    assert wire.v1("stats").data.findtext("Rs/ActivConns") == "0"


def test_change_time_moves_only_with_session_management(wire: Wire) -> None:
    wire.fresh()
    assert wire.v2("stats").json["ChangeTime"] > 1_600_000_000
    wire.v2("set", param="sessioncontrol", value="no")
    assert wire.v2("stats").json["ChangeTime"] == 0


def test_totals_by_state(start: Start) -> None:
    wire = start(health="up")
    wire.fresh("198.18.0.1")
    wire.server(1, "198.19.0.1")
    wire.server(1, "198.19.0.2", enable=0)
    wire.fresh("198.18.0.2", Enable=0)
    wire.fresh("198.18.0.3")
    wire.sub(3)
    totals = wire.v2("vstotals").json
    assert totals["VSTotals"] == {"Up": 1, "Down": 1, "Disabled": 1}
    assert totals["SUBVSTotals"] == {"Up": 0, "Down": 1, "Disabled": 0}
    assert totals["RSTotals"] == {"Up": 1, "Down": 0, "Disabled": 1}


def test_rates_are_per_second_of_the_device() -> None:
    path = _Recorder()
    service = VirtualService(
        uid=1, index=1, protocol="tcp", address="198.18.0.1", port=80, settings={}
    )
    service.servers.append(RealServer(rs_index=5, address="198.19.0.1", port=80))
    state = ApplianceState(users={}, services={1: service})
    now_s = 100.0
    sampler = Sampler([path], time_scale=5.0, now=lambda: now_s)
    path.counted = {5: ServerCounters(total_connections=50, packets=500, bytes=5000)}
    now_s += 1.0
    sampler.sample(state)
    rates = sampler.last.servers[5]
    # One real second is five of the device.
    assert sampler.last.period_s == pytest.approx(5.0)
    assert (rates.connections_per_s, rates.packets_per_s, rates.bytes_per_s) == (10, 100, 1000)
    now_s += 1.0
    sampler.sample(state)
    assert sampler.last.servers[5].connections_per_s == 0
    assert sampler.last.servers[5].connections == 50
    # A data path that was started anew counts from 0; the totals go on.
    path.counted = {5: ServerCounters(total_connections=5)}
    now_s += 1.0
    sampler.sample(state)
    assert sampler.last.services[1].connections == 55


def test_calls_record_the_servers_at_that_moment(start: Start) -> None:
    wire = start(health="up")
    wire.fresh()
    wire.server(1, "198.19.0.1")
    wire.server(1, "198.19.0.2")
    wire.box.set_health("198.19.0.2", 80, up=False)
    wire.v2("modrs", vs=1, rs="!1", enable="n")
    wire.v1("disablers", rs="198.19.0.2")
    wire.v2("modrs", vs=1, rs="!1", weight=5)
    local, everywhere, other = wire.box.calls[-3:]
    assert [(one.address, one.enabled, one.healthy) for one in local.servers] == [
        ("198.19.0.1", True, True),
        ("198.19.0.2", True, False),
    ]
    assert [one.enabled for one in everywhere.servers] == [False, True]
    assert everywhere.servers[0].service == "tcp/198.18.0.1:80"
    assert other.servers == ()
    assert (local.api, local.command, local.code) == ("v2", "modrs", 200)
    assert dict(local.params) == {"vs": "1", "rs": "!1", "enable": "n"}


def test_a_data_path_that_breaks_down_is_not_hidden(start: Start) -> None:
    class Broken(_Recorder):
        def counters(self) -> Mapping[int, ServerCounters]:
            raise OSError("the interface is gone")

    box = start(data_path=Broken(), time_scale=500.0).box
    deadline = time.monotonic() + 10
    while box.running:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    with pytest.raises(OSError, match="interface is gone"):
        box.stop()
    box.stop()


def test_a_data_path_that_does_not_start_is_told_at_once() -> None:
    class Forbidden(_Recorder):
        def start(self) -> None:
            raise PermissionError("raw sockets are not allowed")

    with pytest.raises(PermissionError, match="raw sockets"):
        VirtualLoadMaster(http=True, data_path=Forbidden()).start()


def test_without_power_nothing_is_moved(director: Wire, path: _Recorder) -> None:
    assert path.eligible()
    director.box.set_power(False)
    assert path.services == ()
    director.box.set_power(True)
    assert path.eligible()


def test_a_waiting_unit_moves_nothing(director: Wire, path: _Recorder) -> None:
    director.box.set_standby(True)
    assert path.services == ()
    director.v2("modrs", vs=1, rs="!1", weight=9)
    assert path.services == ()
    director.box.set_standby(False)
    assert path.eligible() == {"198.19.0.1": True, "198.19.0.2": True}
