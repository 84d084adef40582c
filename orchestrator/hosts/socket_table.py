"""The kernel's socket tables (/proc/net/tcp and its like) as plain data. Pure."""

import ipaddress
import sys

from orchestrator.hosts.state import Socket

TABLES = ("tcp", "tcp6", "udp", "udp6")

# Linux, include/net/tcp_states.h
_STATES = {
    0x01: "established",
    0x02: "syn_sent",
    0x03: "syn_recv",
    0x04: "fin_wait1",
    0x05: "fin_wait2",
    0x06: "time_wait",
    0x07: "close",
    0x08: "close_wait",
    0x09: "last_ack",
    0x0A: "listen",
    0x0B: "closing",
    0x0C: "new_syn_recv",
}
_UDP_WITHOUT_PEER = 0x07


def parse(table: str, text: str) -> list[Socket]:
    """Return the sockets of one table (``tcp``, ``tcp6``, ``udp`` or ``udp6``)."""
    protocol = table.removesuffix("6")
    sockets = []
    for line in text.splitlines()[1:]:
        _, local, peer, state, *_ = line.split()
        local_address, local_port = _endpoint(local)
        peer_address, peer_port = _endpoint(peer)
        sockets.append(
            Socket(
                protocol=protocol,
                local_address=local_address,
                local_port=local_port,
                peer_address=peer_address,
                peer_port=peer_port,
                state=_state(protocol, int(state, 16)),
            )
        )
    return sockets


def _state(protocol: str, number: int) -> str:
    if protocol == "udp" and number == _UDP_WITHOUT_PEER:
        return "unconn"
    return _STATES.get(number, f"state_{number}")


def _endpoint(text: str) -> tuple[str, int]:
    address, port = text.split(":")
    # Words of four bytes, each in the machine's own byte order.
    raw = b"".join(
        int(address[at : at + 8], 16).to_bytes(4, sys.byteorder) for at in range(0, len(address), 8)
    )
    if len(raw) == 4:
        return str(ipaddress.IPv4Address(raw)), int(port, 16)
    wide = ipaddress.IPv6Address(raw)
    return str(wide.ipv4_mapped or wide), int(port, 16)
