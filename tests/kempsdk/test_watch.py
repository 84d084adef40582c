"""Watching the counters."""

import threading

import pytest

from kempsdk.client import LoadMaster
from kempsdk.clock import SystemClock
from kempsdk.emulator import Switches, VirtualLoadMaster
from kempsdk.errors import InvalidRequest, Unreachable
from kempsdk.references import RsRef, VsRef
from kempsdk.watch import Renumbering, StatisticsWatch
from tests.fakes.clock import FakeClock
from tests.kempsdk.test_statistics import SERVER_ROW, SERVICE_ROW
from tests.kempsdk.test_virtual_services import scripted

REF = VsRef.parse("tcp/10.0.1.250:80")


def answer(at_s: int, conns: int, *, index: int = 3, **server: object) -> dict[str, object]:
    return {
        "Vs": [{**SERVICE_ROW, "Index": index, "TotalConns": conns, "BytesRead": conns * 10}],
        "Rs": [{**SERVER_ROW, "VSIndex": index, "Conns": conns, **server}],
        "Timestamp": {"Sec": at_s, "Usec": 0, "Period": 5_000_000},
    }


def test_rates_are_by_the_clock_of_the_appliance() -> None:
    clock = FakeClock()
    lm, _ = scripted(clock, stats=[answer(100, 50), answer(110, 80)])
    watch = lm.statistics.watch(interval_s=5)
    first, second = next(watch), next(watch)
    assert (first.elapsed_s, first.services[0].rates, first.servers[0].rates) == (0, None, None)
    assert clock.monotonic_s() == 1005
    assert second.elapsed_s == 10
    service = second.service(REF)
    assert service is not None
    assert service.rates is not None
    assert (service.rates.connections_per_s, service.rates.bytes_read_per_s) == (3, 30)
    (server,) = second.servers_of(REF)
    assert server.rates is not None
    assert server.rates.connections_per_s == 3
    assert server.stats.total_connections == 80
    assert second.service(VsRef.parse("udp/10.0.1.250:80")) is None


def test_no_new_sample_is_not_a_rate_of_nothing() -> None:
    lm, _ = scripted(stats=[answer(100, 50), answer(100, 50)])
    watch = lm.statistics.watch()
    next(watch)
    seen = next(watch)
    assert (seen.elapsed_s, seen.services[0].rates, seen.reset) == (0, None, False)


@pytest.mark.parametrize("times", [(0, 0), (100, 40)])
def test_without_the_time_of_the_appliance_ours_counts(times: tuple[int, int]) -> None:
    lm, _ = scripted(stats=[answer(times[0], 50), answer(times[1], 60)])
    watch = lm.statistics.watch(interval_s=2)
    next(watch)
    seen = next(watch)
    assert seen.elapsed_s == 2
    assert seen.services[0].rates is not None
    assert seen.services[0].rates.connections_per_s == 5


def test_renumbering_is_seen_and_does_not_mix_up_rows() -> None:
    lm, _ = scripted(stats=[answer(100, 50), answer(105, 60, index=1)])
    watch = lm.statistics.watch()
    assert next(watch).renumbered == ()
    seen = next(watch)
    assert seen.renumbered == (Renumbering(REF, 3, 1),)
    assert seen.servers[0].service == REF
    assert seen.servers[0].rates is not None
    assert seen.servers[0].rates.connections_per_s == 2


def test_reset_counters_and_a_server_in_the_place_of_another() -> None:
    moved = answer(110, 10, Addr="10.0.1.99")
    lm, _ = scripted(stats=[answer(100, 50), answer(105, 5), moved])
    watch = lm.statistics.watch()
    next(watch)
    seen = next(watch)
    assert (seen.reset, seen.services[0].rates, seen.servers[0].rates) == (True, None, None)
    seen = next(watch)
    assert not seen.reset
    assert seen.services[0].rates is not None
    assert seen.servers[0].rates is None


def test_a_server_of_a_sub_vs_has_no_service_row() -> None:
    lm, _ = scripted(stats=[answer(100, 50, VSIndex=77)])
    assert next(lm.statistics.watch()).servers[0].service is None


def test_it_goes_on_after_an_error_and_keeps_the_last_good_reading() -> None:
    down = Unreachable("no route")
    lm, _ = scripted(stats=[answer(100, 50), down, answer(120, 70)])
    watch = lm.statistics.watch()
    next(watch)
    with pytest.raises(Unreachable):
        next(watch)
    seen = next(watch)
    assert seen.elapsed_s == 20
    assert seen.services[0].rates is not None
    assert seen.services[0].rates.connections_per_s == 1


def test_late_readings_are_not_made_up_for() -> None:
    clock = FakeClock()
    lm, _ = scripted(clock, stats=[answer(100, 50)])
    watch = lm.statistics.watch(interval_s=5)
    next(watch)
    clock.advance(23)
    next(watch)
    assert clock.monotonic_s() == 1023
    next(watch)
    assert clock.monotonic_s() == 1028


def test_it_stops_with_its_block_and_from_another_thread() -> None:
    lm, transport = scripted(stats=[answer(100, 50)])
    with lm.statistics.watch() as watch:
        next(watch)
    assert list(watch) == []
    assert transport.commands == ["stats"]

    waiting = StatisticsWatch(lm.statistics.read, SystemClock(), interval_s=3600)
    next(waiting)
    timer = threading.Timer(0.05, waiting.stop)
    timer.start()
    assert list(waiting) == []
    timer.join()


@pytest.mark.parametrize("interval_s", [0, 0.5, -1, 90_000, float("nan")])
def test_intervals(interval_s: float) -> None:
    lm, _ = scripted()
    with pytest.raises(InvalidRequest, match="1 to 86400 seconds"):
        lm.statistics.watch(interval_s)


def test_of_a_virtual_load_master(lm: LoadMaster, web: VsRef) -> None:
    lm.real_servers.add(web, RsRef.parse("10.0.1.11:80"), enable=False)
    with lm.statistics.watch(interval_s=1) as watch:
        next(watch)
        # A change of global configuration renumbers; one service keeps its number.
        other = lm.virtual_services.create(VsRef.parse("tcp/10.0.1.251:80"))
        lm.virtual_services.delete(web)
        seen = next(watch)
        assert [one.stats.ref for one in seen.services] == [other.ref]
        lm.parameters.set("slowstart", 7)
        seen = next(watch)
    assert [one.ref for one in seen.renumbered] == [other.ref]


def test_rates_of_a_virtual_load_master() -> None:
    with (
        VirtualLoadMaster(time_scale=50, switches=Switches(rate_limit=False)) as box,
        box.client(clock=FakeClock()) as lm,
    ):
        lm.virtual_services.create(REF)
        watch = lm.statistics.watch(interval_s=1)
        next(watch)
        waited = threading.Event()
        for _ in range(100):
            waited.wait(0.02)
            seen = next(watch)
            if seen.elapsed_s > 0:
                break
        reading = seen.service(REF)
        assert reading is not None
        assert reading.rates is not None
        assert reading.rates.connections_per_s == 0
