"""A layer-2 segment in namespaces: a bridge to look on from, and hosts hanging on it."""

import socket
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest
from pyroute2 import IPRoute  # type: ignore[import-untyped] # it ships no types

from orchestrator.errors import IsolationUnavailable
from orchestrator.hosts.changes import SetSysctl
from orchestrator.hosts.driver import Host
from orchestrator.hosts.state import HostAddress
from orchestrator.network_namespace import NetworkNamespace

VIP = "198.51.100.250"
OTHER_VIP = "198.51.100.251"
LOOK_ON = "198.51.100.2"
BRIDGE = "br0"
INTERFACE = "ens32.100"
"""The name of a VLAN interface, whose dot trips sysctl(8)."""
VIP_ON_LO = HostAddress(address=VIP, prefix=32, interface="lo", label="lo:0")


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """A host on the segment."""

    host: Host
    namespace: NetworkNamespace
    mac: str
    root: Path

    def speak_from(self, source: str, to: str) -> None:
        """Send a datagram, so that the kernel has to look for the neighbour."""

        def send() -> None:
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as speaker:
                speaker.bind((source, 0))
                speaker.sendto(b"x", (to, 9))

        self.namespace.run(send)

    def add_address(self, address: str, prefix: int, interface: str) -> None:
        """Add an address behind the product's back."""

        def add() -> None:
            with IPRoute() as netlink:
                (index,) = netlink.link_lookup(ifname=interface)
                netlink.addr("add", index=index, address=address, prefixlen=prefix)

        self.namespace.run(add)


class Segment:
    """The bridge's namespace, and a way to hang hosts on it. Vanishes with the ``with`` block."""

    def __init__(self) -> None:
        self._stack = ExitStack()
        self._count = 0

    def __enter__(self) -> "Segment":
        self.bridge = self._stack.enter_context(NetworkNamespace())
        self.bridge.run(_make_bridge)
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def attach(self, name: str) -> Member:
        """Make a host with an address, everything about ARP as the kernel ships it."""
        self._count += 1
        port, address = f"port{self._count}", f"198.51.100.{10 + self._count}"
        root = Path(self._stack.enter_context(tempfile.TemporaryDirectory()))
        namespace = self._stack.enter_context(NetworkNamespace())
        mac = f"02:00:00:00:00:{self._count:02x}"
        with Path(namespace.path).open("rb") as inside:
            self.bridge.run(lambda: _make_port(port, inside.fileno()))
        namespace.run(lambda: _configure(mac, address))
        host = Host(
            name=name,
            address=address,
            interface=INTERFACE,
            namespace=namespace.path,
            root=str(root),
        )
        return Member(host=host, namespace=namespace, mac=mac, root=root)


def _make_bridge() -> None:
    with IPRoute() as netlink:
        netlink.link("add", ifname=BRIDGE, kind="bridge")
        (index,) = netlink.link_lookup(ifname=BRIDGE)
        netlink.addr("add", index=index, address=LOOK_ON, prefixlen=24)
        netlink.link("set", index=index, state="up")


def _make_port(port: str, namespace: int) -> None:
    with IPRoute() as netlink:
        netlink.link(
            "add",
            ifname=port,
            kind="veth",
            peer={"ifname": INTERFACE, "net_ns_fd": namespace},
        )
        (bridge,) = netlink.link_lookup(ifname=BRIDGE)
        (index,) = netlink.link_lookup(ifname=port)
        netlink.link("set", index=index, master=bridge, state="up")


def _configure(mac: str, address: str) -> None:
    with IPRoute() as netlink:
        (index,) = netlink.link_lookup(ifname=INTERFACE)
        # No link-local address, which comes when it likes.
        Path("/proc/sys/net/ipv6/conf", INTERFACE, "addr_gen_mode").write_text("1")
        netlink.link("set", index=1, state="up")
        netlink.link("set", index=index, address=mac, state="up")
        netlink.addr("add", index=index, address=address, prefixlen=24)
        netlink.route("add", dst="default", gateway=LOOK_ON)
    # A new namespace copies the machine's own values: start from what the kernel ships.
    for scope in ("all", "default", "lo", INTERFACE):
        for key in ("arp_ignore", "arp_announce", "rp_filter"):
            Path("/proc/sys/net/ipv4/conf", scope, key).write_text("0")
    Path("/proc/sys/net/ipv4/ip_forward").write_text("0")


def sysctl(scope: str, key: str, value: int) -> SetSysctl:
    """Return the change that sets it, wherever it stood."""
    return SetSysctl(key=f"conf/{scope}/{key}", value=value, before=0)


def announcing(all_value: int, interface_value: int) -> Sequence[SetSysctl]:
    return (
        sysctl("all", "arp_announce", all_value),
        sysctl(INTERFACE, "arp_announce", interface_value),
    )


@pytest.fixture
def segment() -> Iterator[Segment]:
    with ExitStack() as stack:
        try:
            made = stack.enter_context(Segment())
        except IsolationUnavailable as error:
            pytest.skip(f"no network namespaces: {error}")
        yield made
