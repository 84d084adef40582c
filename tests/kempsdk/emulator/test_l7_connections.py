"""Persistence, draining and limits of layer-7 services, in virtual time."""

from dataclasses import replace

import pytest

from kempsdk.emulator.datapath import L7Server, L7Service
from kempsdk.emulator.l7_connections import Connection, L7ConnectionTable

ANY: dict[str, str] = {}


def server(name: str, **more: object) -> L7Server:
    plain = L7Server(
        rs_index=int(name[-1]),
        address=f"198.18.0.{name[-1]}",
        port=80,
        weight=1000,
        limit=0,
        enabled=True,
        healthy=True,
    )
    return replace(plain, **more)  # type: ignore[arg-type] # each test names real fields


def service(*servers: L7Server, **more: object) -> L7Service:
    plain = L7Service(
        index=1,
        address="198.18.1.1",
        port=80,
        schedule="rr",
        persist="",
        persist_timeout_s=360,
        cookie="",
        idle_timeout_s=660,
        transparent=False,
        drain_time_s=300,
        cut_after_drain=False,
        cut_on_failure=False,
        servers=servers or (server("s1"), server("s2")),
    )
    return replace(plain, **more)  # type: ignore[arg-type] # as above


class Bench:
    """A table with the service as it is programmed, and where connections went."""

    def __init__(self, first: L7Service) -> None:
        self.table = L7ConnectionTable(first)
        self.program(first)

    def program(self, wanted: L7Service, *, now_s: float = 0.0) -> list[Connection]:
        self.wanted = wanted
        return list(self.table.program(wanted, now_s=now_s))

    def change(self, number: int, *, now_s: float = 0.0, **more: object) -> list[Connection]:
        servers = list(self.wanted.servers)
        servers[number - 1] = replace(servers[number - 1], **more)  # type: ignore[arg-type]
        return self.program(replace(self.wanted, servers=tuple(servers)), now_s=now_s)

    def open(
        self, client: str = "192.0.2.1", cookies: dict[str, str] | None = None, now_s: float = 0.0
    ) -> Connection:
        found = self.table.open(client, cookies, now_s=now_s)
        assert found is not None
        return found

    def goes_to(
        self, client: str = "192.0.2.1", cookies: dict[str, str] | None = None, now_s: float = 0.0
    ) -> int:
        opened = self.open(client, cookies, now_s)
        self.table.close(opened)
        return opened.target.server.rs_index


def test_round_robin_visits_every_server() -> None:
    bench = Bench(service())
    assert sorted(bench.goes_to() for _ in range(4)) == [1, 1, 2, 2]


def test_weights_are_shares() -> None:
    bench = Bench(service(server("s1", weight=300), server("s2", weight=100), schedule="wrr"))
    went = [bench.goes_to() for _ in range(8)]
    assert (went.count(1), went.count(2)) == (6, 2)


def test_least_connections_counts_what_is_open() -> None:
    bench = Bench(service(schedule="lc"))
    held = bench.open()
    other = {1: 2, 2: 1}[held.target.server.rs_index]
    assert bench.goes_to() == other
    assert bench.goes_to() == other


def test_a_full_server_takes_no_more() -> None:
    bench = Bench(service(server("s1", limit=1), schedule="fixed"))
    held = bench.open()
    assert bench.table.open("192.0.2.2", None, now_s=0) is None
    bench.table.close(held)
    assert bench.goes_to("192.0.2.2") == 1


def test_source_persistence_ends_after_its_time_and_each_use_renews_it() -> None:
    bench = Bench(service(persist="src", persist_timeout_s=100))
    first = bench.goes_to(now_s=0)
    other = {1: 2, 2: 1}[first]
    assert [bench.goes_to(now_s=at) for at in (90, 180, 270)] == [first] * 3
    assert bench.goes_to("192.0.2.9", now_s=270) in (1, 2)
    bench.change(first, healthy=False, now_s=300)
    assert bench.goes_to(now_s=300) == other


def test_without_persistence_a_disabled_server_gets_nothing_and_loses_nothing() -> None:
    bench = Bench(service(server("s1"), server("s2"), schedule="lc"))
    held = bench.open()
    out = held.target.server.rs_index
    assert bench.change(out, enabled=False, now_s=10) == []
    assert {bench.goes_to(now_s=11) for _ in range(4)} == {1, 2} - {out}
    assert list(bench.table.expire(now_s=1000)) == []
    assert list(bench.table.connections) == [held]


def test_a_known_client_comes_back_to_a_draining_server_until_the_drain_time_ends() -> None:
    bench = Bench(service(persist="src", persist_timeout_s=86400))
    out = bench.goes_to()
    bench.change(out, enabled=False, now_s=10)
    assert bench.goes_to("192.0.2.7", now_s=20) != out
    assert [bench.goes_to(now_s=at) for at in (100, 200, 309)] == [out] * 3
    list(bench.table.expire(now_s=310))
    assert bench.goes_to(now_s=310) != out


def test_enabled_again_in_mid_drain_the_drain_begins_anew_the_next_time() -> None:
    bench = Bench(service(persist="src", persist_timeout_s=86400))
    out = bench.goes_to()
    bench.change(out, enabled=False, now_s=0)
    bench.change(out, enabled=True, now_s=100)
    bench.change(out, enabled=False, now_s=200)
    assert bench.goes_to(now_s=499) == out


@pytest.mark.parametrize(
    ("persist", "at_once", "at_the_end"), [("", [True], [False]), ("src", [False], [True])]
)
def test_drop_at_drain_end(persist: str, at_once: list[bool], at_the_end: list[bool]) -> None:
    bench = Bench(service(server("s1"), persist=persist, cut_after_drain=True))
    held = bench.open()
    assert [held in bench.change(1, enabled=False, now_s=0)] == at_once
    if any(at_once):
        bench.table.close(held)
    assert list(bench.table.expire(now_s=299)) == []
    assert [held in list(bench.table.expire(now_s=300))] == at_the_end


def test_drain_time_zero_cuts_at_once_also_who_is_known() -> None:
    bench = Bench(service(server("s1"), server("s2"), persist="src", drain_time_s=0))
    held = bench.open()
    out = held.target.server.rs_index
    assert bench.change(out, enabled=False) == [held]
    bench.table.close(held)
    assert bench.goes_to() != out


def test_drop_on_fail() -> None:
    for cut in (False, True):
        bench = Bench(service(server("s1"), cut_on_failure=cut))
        held = bench.open()
        assert (bench.change(1, healthy=False) == [held]) is cut


def test_connections_of_a_deleted_server_end() -> None:
    bench = Bench(service(server("s1")))
    held = bench.open()
    assert bench.program(service(server("s2"))) == [held]
    assert bench.goes_to() == 2


def test_the_appliance_s_own_cookie_brings_a_client_back_from_any_address() -> None:
    bench = Bench(service(persist="active-cookie", cookie="LB"))
    first = bench.open("192.0.2.1", ANY)
    assert first.cookie is not None
    name, value = first.cookie
    assert name == "LB"
    for client in ("192.0.2.1", "192.0.2.2", "192.0.2.3"):
        again = bench.open(client, {"LB": value})
        assert again.target is first.target
        assert again.cookie is None  # it has it already
    stranger = bench.open("192.0.2.1", {"LB": "made-up"})
    assert stranger.cookie is not None


def test_a_server_s_own_cookie_is_learned() -> None:
    bench = Bench(service(persist="cookie", cookie="SID"))
    first = bench.open("192.0.2.1", ANY)
    assert first.learns
    bench.table.learned(first, "abc", now_s=0)
    assert {bench.goes_to("192.0.2.2", {"SID": "abc"}) for _ in range(3)} == {
        first.target.server.rs_index
    }


def test_without_a_cookie_the_source_counts_where_the_mode_says_so() -> None:
    bench = Bench(service(persist="active-cook-src"))
    first = bench.goes_to("192.0.2.1", None)
    assert [bench.goes_to("192.0.2.1", None) for _ in range(3)] == [first] * 3


def test_counters() -> None:
    bench = Bench(service(server("s1")))
    held = bench.open()
    bench.goes_to()
    held.target.bytes += 10
    ((index, counters),) = bench.table.counters()
    assert index == 1
    assert (counters.active_connections, counters.total_connections, counters.bytes) == (1, 2, 10)
