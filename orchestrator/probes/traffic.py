"""Which machine's frames bring a server its traffic for the VIP: seen as they come in.

In direct return they come from the LoadMaster. From any other MAC they came past it.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from orchestrator.hosts.driver import Host, HostDriver
from orchestrator.probes.frames import ethertype_of, packed, read_packet
from orchestrator.probes.host_tools import listen_with_tools
from orchestrator.probes.remote_wire import NoPython, RemoteWire
from orchestrator.probes.wire import Exchange

_MOST = 100
"""Frames that are enough: it is a sample, and a busy server must not be held up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Traffic:
    """Frames for the VIP that came to one server.

    Attributes:
        by_mac: how many, by the MAC that sent them; empty where there was no traffic.
        by: with what it was seen.
    """

    by_mac: Mapping[str, int]
    by: str


def watch_traffic(
    driver: HostDriver, host: Host, vip: str, *, mac: str, seconds: float = 2.0
) -> Traffic:
    """Listen on a server for a while, or until a sample is there. Sends nothing.

    Args:
        mac: of the server's interface: what is meant for others is left out.

    Raises:
        HostUnreachable: no way in, neither Python nor tcpdump there, or no right to listen.
    """
    wire = RemoteWire(driver, host)
    try:
        heard = wire.exchange(
            Exchange(
                frames=(),
                ethertype=ethertype_of(vip),
                needles=[packed(vip)],
                rounds=1,
                window_s=seconds,
                enough=_MOST,
            )
        )
    except NoPython:
        words = f"dst host {vip} and ether dst {mac}"
        frames = listen_with_tools(driver, host, filter_words=words, seconds=seconds, most=_MOST)
        by = f"tcpdump on {host.name}"
    else:
        frames = [one for one, times in heard.frames.items() for _ in range(times)]
        by = wire.how
    return Traffic(by_mac=dict(_senders(frames, vip, mac)), by=by)


def _senders(frames: Iterable[bytes], vip: str, mac: str) -> Counter[str]:
    senders: Counter[str] = Counter()
    for frame in frames:
        packet = read_packet(frame)
        # A bridge floods what is meant for others: the kernel drops it later.
        if packet is not None and packet.destination == vip and frame[:6].hex(":") == mac.lower():
            senders[packet.mac] += 1
    return senders
