"""The kernel's socket tables, lines as Linux 6.18 wrote them on a little-endian machine."""

import sys

import pytest

from orchestrator.hosts.socket_table import parse

HEAD = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid\n"
REST = "00000000:00000000 00:00000000 00000000     0        0 1 1 0 100 0 0 10 0\n"
pytestmark = pytest.mark.skipif(sys.byteorder != "little", reason="lines of a little-endian Linux")


@pytest.mark.parametrize(
    ("number", "state"),
    [("01", "established"), ("03", "syn_recv"), ("06", "time_wait"), ("0A", "listen")],
)
def test_tcp_states(number: str, state: str) -> None:
    (one,) = parse("tcp", f"{HEAD}   0: FA6433C6:0050 026433C6:C350 {number} {REST}")
    assert (one.protocol, one.state) == ("tcp", state)
    assert (one.local_address, one.local_port) == ("198.51.100.250", 80)
    assert (one.peer_address, one.peer_port) == ("198.51.100.2", 50000)


def test_ipv4_inside_ipv6_is_ipv4() -> None:
    local, peer = "0000000000000000FFFF0000FA6433C6", "0000000000000000FFFF0000026433C6"
    (one,) = parse("tcp6", f"{HEAD}   0: {local}:0050 {peer}:C350 01 {REST}")
    assert (one.protocol, one.local_address, one.peer_address) == (
        "tcp",
        "198.51.100.250",
        "198.51.100.2",
    )


def test_listener_on_every_address() -> None:
    (wide,) = parse("tcp6", f"{HEAD}   0: {'0' * 32}:0050 {'0' * 32}:0000 0A {REST}")
    (plain,) = parse("tcp", f"{HEAD}   0: 00000000:0050 00000000:0000 0A {REST}")
    assert (wide.local_address, plain.local_address) == ("::", ".".join("0000"))


def test_udp_without_a_peer() -> None:
    (one,) = parse("udp", f"{HEAD}  10: 00000000:0035 00000000:0000 07 {REST}")
    assert (one.protocol, one.local_port, one.state) == ("udp", 53, "unconn")
