"""Devices, addresses and settings of one namespace: to be run inside of it."""

from collections.abc import Sequence
from pathlib import Path

from pyroute2 import IPRoute  # type: ignore[import-untyped] # it ships no types

from orchestrator.errors import IsolationUnavailable
from orchestrator.lab.topology import SEGMENT_PREFIX, Station

# A new namespace copies conf/all and conf/default from the machine's first one, so a lab
# must set what it starts from: a fresh CentOS host has 0 for all of these.
_FRESH = {
    f"net/ipv4/conf/{scope}/{key}": "0"
    for scope in ("all", "default")
    for key in ("arp_ignore", "arp_announce", "arp_filter", "rp_filter", "forwarding")
}


def prepare(*, forward: bool, ipv6: bool = False) -> None:
    """Set a namespace's starting values, before any device is made in it."""
    sysctls = dict(_FRESH)
    sysctls["net/ipv4/ip_forward"] = "1" if forward else "0"
    for scope in ("all", "default"):
        sysctls[f"net/ipv6/conf/{scope}/disable_ipv6"] = "0" if ipv6 else "1"
    for key, value in sysctls.items():
        path = Path("/proc/sys") / key
        try:
            path.write_text(value)
        except FileNotFoundError:
            if not key.startswith("net/ipv6/"):  # a kernel without IPv6 is fine
                raise
        except OSError as error:
            raise IsolationUnavailable(
                f"cannot set {key} in a network namespace of our own: {error.strerror}. "
                "In a container, give it a writable /proc/sys (--privileged)"
            ) from error


def configure(station: Station) -> None:
    """Raise a station's devices and give it its address and default route."""
    with IPRoute() as ip:
        ip.link("set", index=1, state="up")
        device = ip.link_lookup(ifname=station.interface)[0]
        ip.link("set", index=device, state="up")
        ip.addr(
            "add",
            index=device,
            address=station.address,
            prefixlen=SEGMENT_PREFIX,
            broadcast=station.address.rpartition(".")[0] + ".255",
        )
        if station.gateway is not None:
            ip.route("add", dst="default", gateway=station.gateway)


def add_addresses(interface: str, addresses: Sequence[str]) -> None:
    """Give a device more addresses of the network that it is in."""
    with IPRoute() as ip:
        device = ip.link_lookup(ifname=interface)[0]
        for address in addresses:
            ip.addr("add", index=device, address=address, prefixlen=SEGMENT_PREFIX)


def neighbour(address: str) -> str | None:
    """Return the MAC that is known for an address; None without one."""
    with IPRoute() as ip:
        for entry in ip.get_neighbours(dst=address):
            mac = entry.get("lladdr")
            return None if mac is None else str(mac)
    return None


def forget_neighbour(address: str) -> None:
    """Drop what is known of an address's MAC."""
    with IPRoute() as ip:
        for entry in ip.get_neighbours(dst=address):
            ip.neigh("del", dst=address, ifindex=entry["ifindex"])
