"""Scheduling and counting of layer-4 connections, without packets."""

from collections import Counter
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kempsdk.emulator.datapath import L4Server, L4Service
from kempsdk.emulator.l4_connections import (
    ACK,
    CLOSED_S,
    CLOSING_S,
    FIN,
    IDLE_S,
    OPENING_S,
    RST,
    SYN,
    TCP,
    UDP,
    ConnectionTable,
)

WEB = (TCP, b"\xcb\x00\x71\xfa", b"\x00\x50")
DNS = (UDP, b"\xcb\x00\x71\xfa", b"\x00\x35")


def server(
    number: int, *, weight: int = 1000, eligible: bool = True, rs_index: int | None = None
) -> L4Server:
    return L4Server(
        rs_index=number if rs_index is None else rs_index,
        address=f"203.0.113.{10 + number}",
        port=80,
        weight=weight,
        eligible=eligible,
    )


def service(
    servers: Sequence[L4Server], *, schedule: str = "rr", idle_timeout_s: float = 660.0
) -> L4Service:
    return L4Service(
        index=1,
        address="203.0.113.250",
        port=80,
        protocol="tcp",
        schedule=schedule,
        idle_timeout_s=idle_timeout_s,
        servers=tuple(servers),
    )


def client(number: int) -> bytes:
    return b"\xc6\x33\x64" + number.to_bytes(3, "big")


class Traffic:
    """Packets of clients, at a time of our own."""

    def __init__(self, *servers: L4Server, schedule: str = "rr", idle_s: float = 660.0) -> None:
        self.table = ConnectionTable()
        self.schedule = schedule
        self.idle_s = idle_s
        self.now_s = 1000.0
        self.program(*servers)

    def program(self, *servers: L4Server) -> None:
        programmed = service(servers, schedule=self.schedule, idle_timeout_s=self.idle_s)
        self.table.program({WEB: programmed, DNS: programmed})

    def packet(self, number: int, flags: int) -> int | None:
        """Send one TCP packet; return the RsIndex it went to."""
        return self._sent(WEB, number, flags)

    def datagram(self, number: int) -> int | None:
        return self._sent(DNS, number, None)

    def _sent(self, key: tuple[int, bytes, bytes], number: int, flags: int | None) -> int | None:
        to = self.table.route(key, client(number), tcp_flags=flags, now_s=self.now_s)
        return None if to is None else to.server.rs_index

    def opened(self, number: int) -> int | None:
        """Open a connection with a complete handshake."""
        to = self.packet(number, SYN)
        assert self.packet(number, ACK) == to
        return to

    def active(self, rs_index: int) -> int:
        return self.table.counters()[rs_index].active_connections

    def total(self, rs_index: int) -> int:
        return self.table.counters()[rs_index].total_connections

    def wait(self, seconds: float) -> None:
        self.now_s += seconds
        self.table.expire(self.now_s)


def test_round_robin_takes_the_servers_in_turn() -> None:
    traffic = Traffic(server(1), server(2), server(3))
    chosen = [traffic.opened(n) for n in range(6)]
    assert chosen[:3] == chosen[3:]
    assert set(chosen) == {1, 2, 3}


@pytest.mark.parametrize("schedule", ["adaptive", "dl", "unheard-of"])
def test_a_schedule_that_is_not_modelled_is_round_robin(schedule: str) -> None:
    traffic = Traffic(server(1), server(2), schedule=schedule)
    assert Counter(traffic.opened(n) for n in range(10)) == {1: 5, 2: 5}


@given(weights=st.lists(st.integers(1, 20), min_size=1, max_size=5))
def test_weighted_round_robin_gives_each_its_exact_share(weights: list[int]) -> None:
    servers = [server(n, weight=weight) for n, weight in enumerate(weights, 1)]
    traffic = Traffic(*servers, schedule="wrr")
    chosen = Counter(traffic.opened(n) for n in range(3 * sum(weights)))
    assert chosen == {n: 3 * weight for n, weight in enumerate(weights, 1)}


def test_weighted_round_robin_mixes_the_servers() -> None:
    traffic = Traffic(server(1, weight=3), server(2, weight=1), schedule="wrr")
    assert [traffic.opened(n) for n in range(8)] == [1, 1, 2, 1, 1, 1, 2, 1]


def test_least_connections_goes_where_fewest_are_open() -> None:
    traffic = Traffic(server(1), server(2), schedule="lc")
    for n in range(4):
        traffic.opened(n)
    traffic.packet(0, FIN | ACK)
    traffic.packet(2, FIN | ACK)
    assert (traffic.active(1), traffic.active(2)) == (0, 2)
    assert [traffic.opened(n) for n in (10, 11)] == [1, 1]


def test_weighted_least_connections_fills_by_weight() -> None:
    traffic = Traffic(server(1, weight=3), server(2, weight=1), schedule="wlc")
    assert Counter(traffic.opened(n) for n in range(40)) == {1: 30, 2: 10}


def test_fixed_uses_the_heaviest_that_is_eligible() -> None:
    traffic = Traffic(server(1, weight=5), server(2, weight=9), schedule="fixed")
    assert {traffic.opened(n) for n in range(5)} == {2}
    traffic.program(server(1, weight=5), server(2, weight=9, eligible=False))
    assert {traffic.opened(n) for n in range(5, 10)} == {1}


def test_source_hash_keeps_a_client_and_moves_only_those_of_a_server_that_leaves() -> None:
    servers = [server(1), server(2), server(3)]
    traffic = Traffic(*servers, schedule="sh")
    numbers = [n << 16 for n in range(60)]  # sixty addresses
    first = {n: traffic.opened(n) for n in numbers}
    assert set(first.values()) == {1, 2, 3}
    again = {n: traffic.opened(n + 1) for n in numbers}  # another port of the same addresses
    assert again == first
    traffic.program(*servers[:2], server(3, eligible=False))
    later = {n: traffic.opened(n + 2) for n in numbers}
    assert all(later[n] == first[n] for n in numbers if first[n] != 3)
    assert {later[n] for n in numbers if first[n] == 3} <= {1, 2}


def test_a_connection_stays_when_its_server_stops_being_eligible() -> None:
    traffic = Traffic(server(1))
    assert traffic.opened(7) == 1
    traffic.program(server(1, eligible=False), server(2))
    assert traffic.packet(7, ACK) == 1
    assert {traffic.opened(n) for n in range(8, 12)} == {2}
    assert traffic.active(1) == 1


def test_a_servers_connections_survive_a_new_index() -> None:
    traffic = Traffic(server(1))
    traffic.opened(7)
    traffic.program(server(1, rs_index=40))
    assert traffic.packet(7, ACK) == 40
    assert (traffic.active(40), traffic.total(40)) == (1, 1)


def test_deleting_a_server_forgets_its_connections() -> None:
    traffic = Traffic(server(1))
    traffic.opened(7)
    traffic.program(server(2))
    assert traffic.packet(7, ACK) is None
    assert traffic.packet(7, SYN) == 2
    assert set(traffic.table.counters()) == {2}


def test_deleting_the_service_forgets_everything() -> None:
    traffic = Traffic(server(1))
    traffic.opened(7)
    traffic.table.program({})
    assert WEB not in traffic.table
    traffic.program(server(1))
    assert traffic.packet(7, ACK) is None
    assert traffic.active(1) == 0


@pytest.mark.parametrize("weight_and_eligible", [(1000, False), (0, True)])
def test_without_an_eligible_server_new_connections_are_dropped(
    weight_and_eligible: tuple[int, bool],
) -> None:
    weight, eligible = weight_and_eligible
    traffic = Traffic(server(1, weight=weight, eligible=eligible))
    assert traffic.packet(1, SYN) is None
    assert traffic.datagram(1) is None
    assert traffic.total(1) == 0


@pytest.mark.parametrize("flags", [ACK, FIN | ACK, RST, SYN | ACK, 0])
def test_a_packet_that_begins_nothing_is_dropped(flags: int) -> None:
    traffic = Traffic(server(1))
    assert traffic.packet(1, flags) is None
    assert traffic.total(1) == 0


def test_a_repeated_syn_is_the_same_connection() -> None:
    traffic = Traffic(server(1), server(2))
    assert traffic.packet(1, SYN) == traffic.packet(1, SYN)
    assert traffic.total(1) + traffic.total(2) == 1


def test_a_connection_is_active_from_its_handshake_to_the_clients_end() -> None:
    traffic = Traffic(server(1))
    states = []
    for flags in (SYN, ACK, ACK, FIN | ACK, ACK):
        traffic.packet(1, flags)
        states.append(traffic.active(1))
    assert states == [0, 1, 1, 0, 0]


def test_a_reset_ends_it_too() -> None:
    traffic = Traffic(server(1))
    traffic.opened(1)
    traffic.packet(1, RST)
    assert traffic.active(1) == 0


def test_a_half_closed_connection_still_reaches_its_server() -> None:
    traffic = Traffic(server(1), server(2))
    to = traffic.opened(1)
    traffic.packet(1, FIN | ACK)
    for _ in range(5):
        traffic.wait(CLOSED_S - 1)
        assert traffic.packet(1, ACK) == to


def test_a_closed_connection_is_forgotten_in_time() -> None:
    traffic = Traffic(server(1))
    traffic.opened(1)
    traffic.packet(1, FIN | ACK)
    traffic.wait(CLOSED_S + 1)
    assert traffic.packet(1, ACK) is None


def test_a_port_used_again_is_a_new_connection() -> None:
    traffic = Traffic(server(1))
    traffic.opened(1)
    traffic.packet(1, FIN | ACK)
    traffic.program(server(1, eligible=False), server(2))
    assert traffic.opened(1) == 2
    assert (traffic.active(1), traffic.active(2), traffic.total(1)) == (0, 1, 1)


def test_an_idle_connection_ends_at_the_services_timeout() -> None:
    traffic = Traffic(server(1), idle_s=30.0)
    traffic.opened(1)
    traffic.wait(29)
    assert traffic.active(1) == 1
    traffic.packet(1, ACK)
    traffic.wait(29)
    assert traffic.active(1) == 1
    traffic.wait(2)
    assert traffic.active(1) == 0
    assert traffic.packet(1, ACK) is None


def test_a_timeout_of_zero_is_the_appliances_default() -> None:
    traffic = Traffic(server(1), idle_s=0)
    traffic.opened(1)
    traffic.wait(IDLE_S - 1)
    assert traffic.active(1) == 1
    traffic.wait(2)
    assert traffic.active(1) == 0


def test_a_handshake_that_is_never_finished_does_not_linger() -> None:
    traffic = Traffic(server(1), server(2))
    first = traffic.packet(1, SYN)
    traffic.wait(OPENING_S + 1)
    assert traffic.packet(1, SYN) != first


def test_udp_is_a_connection_by_address_and_port() -> None:
    traffic = Traffic(server(1), server(2), idle_s=10.0)
    one, other = traffic.datagram(1), traffic.datagram(2)
    assert {one, other} == {1, 2}
    assert traffic.datagram(1) == one
    assert one is not None
    assert traffic.active(one) == 1
    traffic.wait(11)
    assert traffic.active(one) == 0


@given(
    steps=st.lists(
        st.tuples(st.integers(0, 3), st.sampled_from([SYN, ACK, FIN | ACK, RST, 0]))
        | st.sampled_from([40.0, 200.0, 700.0])
        | st.sets(st.integers(1, 3), max_size=3),
        max_size=60,
    )
)
def test_counts_never_go_wrong(steps: list[tuple[int, int] | float | set[int]]) -> None:
    """Whatever happens, the active ones are between none and those ever opened, and end."""
    traffic = Traffic(server(1), server(2), server(3))
    for step in steps:
        if isinstance(step, tuple):
            traffic.packet(*step)
        elif isinstance(step, float):
            traffic.wait(step)
        else:
            traffic.program(*(server(n, eligible=n in step) for n in (1, 2, 3)))
        for counted in traffic.table.counters().values():
            assert 0 <= counted.active_connections <= min(4, counted.total_connections)
    traffic.wait(1000)
    assert [c.active_connections for c in traffic.table.counters().values()] == [0, 0, 0]


def _told(traffic: Traffic, *servers: L4Server) -> Traffic:
    """Return the traffic through another director, told what this one has."""
    other = Traffic(*servers)
    other.now_s = traffic.now_s
    other.table.adopt(traffic.table.alive(now_s=traffic.now_s), now_s=other.now_s)
    return other


def test_another_director_goes_on_with_what_it_was_told() -> None:
    one = Traffic(server(1), server(2))
    went = [one.opened(number) for number in range(5)]
    closed = [one.opened(number) for number in (5, 6)]
    one.packet(5, ACK | FIN)
    one.wait(CLOSING_S)
    one.packet(6, ACK | FIN)
    # The other one begins elsewhere in its turn, and one server drains.
    other = _told(one, server(2), server(1, eligible=False))
    assert [other.packet(number, ACK) for number in range(5)] == went
    # Of those that were closed only the last packets of the last ones can still come.
    assert [other.packet(number, ACK) for number in (5, 6)] == [None, closed[1]]
    assert [other.active(index) for index in (1, 2)] == [went.count(1), went.count(2)]
    assert other.total(1) == other.total(2) == 0
    other.packet(0, ACK | FIN)
    other.wait(CLOSED_S + 1)
    assert other.packet(0, ACK) is None


def test_a_director_that_was_told_nothing_drops_what_began_elsewhere() -> None:
    one = Traffic(server(1))
    one.opened(1)
    other = Traffic(server(1))
    assert other.packet(1, ACK) is None
    assert other.opened(1) == 1


def test_connections_of_unknown_servers_and_known_clients_are_not_taken_over() -> None:
    one = Traffic(server(1), server(2))
    went = [one.opened(number) for number in range(2)]
    other = Traffic(server(2))
    assert other.opened(went.index(2)) == 2
    other.table.adopt(one.table.alive(now_s=one.now_s), now_s=other.now_s)
    assert other.packet(went.index(1), ACK) is None
    assert (other.active(2), other.total(2)) == (1, 1)
