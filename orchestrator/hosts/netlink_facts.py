"""The network of the namespace that the calling thread is in, read over netlink and /proc."""

import os
import pwd
import socket
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from pyroute2 import IPRoute  # type: ignore[import-untyped] # it ships no types

from orchestrator.hosts.socket_table import TABLES, parse
from orchestrator.hosts.state import (
    ROUTE_OPTIONS,
    HostAddress,
    NetState,
    PolicyRule,
    Route,
    Socket,
)

CONF = Path("/proc/sys/net/ipv4/conf")
_CONF6 = Path("/proc/sys/net/ipv6/conf")
_SYSCTLS = ("arp_ignore", "arp_announce", "rp_filter")
_SYSCTLS6 = ("disable_ipv6", "forwarding", "proxy_ndp")
# ints, because that is what pyroute2 compares with
FAMILIES = {4: int(socket.AF_INET), 6: int(socket.AF_INET6)}
_NO_MAC = "00:00:00:00:00:00"

TABLE_NAMES = {255: "local", 254: "main", 253: "default"}
# iproute2, etc/rt_protos
PROTOCOLS = {
    0: "unspec",
    1: "redirect",
    2: "kernel",
    3: "boot",
    4: "static",
    8: "gated",
    9: "ra",
    11: "zebra",
    12: "bird",
    16: "dhcp",
    18: "keepalived",
    42: "babel",
    186: "bgp",
    187: "isis",
    188: "ospf",
    189: "rip",
    192: "eigrp",
}
# Linux, include/uapi/linux/rtnetlink.h: RTN_
KINDS = {
    1: "unicast",
    2: "local",
    3: "broadcast",
    4: "anycast",
    5: "multicast",
    6: "blackhole",
    7: "unreachable",
    8: "prohibit",
    9: "throw",
    10: "nat",
}
ONLINK = 4
_CLONED = 0x200
_TO_TABLE = 1


def read_network(**more: Any) -> NetState:
    """Return the network's state, with further fields of it as they are given."""
    with IPRoute() as netlink:
        names: dict[int, str] = {}
        interfaces: dict[str, str] = {}
        mtus: dict[str, int] = {}
        for link in netlink.get_links():
            name = link.get("ifname")
            names[link["index"]] = name
            mac = link.get("address") or ""
            interfaces[name] = "" if mac == _NO_MAC else mac
            mtus[name] = link.get("mtu")
        addresses = tuple(
            _address(one, names)
            for family in FAMILIES.values()
            for one in netlink.get_addr(family=family)
            if one["index"] in names
        )
        routes = tuple(_routes(netlink, names))
        rules = tuple(_rules(netlink))
    return NetState(
        interfaces=interfaces,
        addresses=addresses,
        sysctls=_live_sysctls(CONF, ["all", "default", *interfaces], _SYSCTLS) | _forwarding(),
        sysctls6=_live_sysctls(_CONF6, ["all", "default", *interfaces], _SYSCTLS6),
        sockets=_sockets(),
        mtus=mtus,
        routes=routes,
        rules=rules,
        user=_user(),
        **more,
    )


# Any below: pyroute2 hands out messages without types.
def _address(message: Any, names: Mapping[int, str]) -> HostAddress:
    interface = names[message["index"]]
    label = message.get("label")
    return HostAddress(
        # local, not address: on a point-to-point link the latter is the peer's
        address=message.get("local") or message.get("address"),
        prefix=message["prefixlen"],
        interface=interface,
        label=label if label != interface else None,
    )


def _routes(netlink: Any, names: Mapping[int, str]) -> Iterator[Route]:
    for version, family in FAMILIES.items():
        for message in netlink.get_routes(family=family, table=254):
            if message["family"] == family and not message["flags"] & _CLONED:
                yield _route(message, version, names)


def _route(message: Any, version: int, names: Mapping[int, str]) -> Route:
    prefix = message["dst_len"]
    hops = tuple(
        (hop.get("gateway") or "", names.get(hop["oif"], ""))
        for hop in message.get("multipath") or ()
    )
    gateway = message.get("gateway") or (message.get("via") or {}).get("addr") or ""
    interface = names.get(message.get("oif") or 0, "")
    metrics = message.get("metrics")
    options = ((name, metrics.get(name)) for name in ROUTE_OPTIONS) if metrics else ()
    kind = KINDS.get(message["type"], str(message["type"]))
    return Route(
        version=version,
        destination=f"{message.get('dst')}/{prefix}" if prefix else "default",
        gateway=hops[0][0] if hops else gateway,
        interface=hops[0][1] if hops else interface,
        metric=message.get("priority") or 0,
        table="main",
        protocol=PROTOCOLS.get(message["proto"], str(message["proto"])),
        source=message.get("prefsrc") or "",
        kind=kind,
        onlink=bool(message["flags"] & ONLINK),
        options=tuple((name, value) for name, value in options if value),
        hops=hops,
    )


def _rules(netlink: Any) -> Iterator[PolicyRule]:
    for version, family in FAMILIES.items():
        for message in netlink.get_rules(family=family):
            table = message.get("table") or message["table"]
            mark, mask = message.get("fwmark"), message.get("fwmask")
            yield PolicyRule(
                version=version,
                priority=message.get("priority") or 0,
                source=_selector(message.get("src"), message["src_len"], version),
                destination=_selector(message.get("dst"), message["dst_len"], version),
                table=TABLE_NAMES.get(table, str(table)) if message["action"] == _TO_TABLE else "",
                interface=message.get("iifname") or "",
                mark=_mark(mark, mask) if mark is not None else "",
            )


def _selector(address: str | None, prefix: int, version: int) -> str:
    if not address:
        return "all"
    return address if prefix == {4: 32, 6: 128}[version] else f"{address}/{prefix}"


def _mark(mark: int, mask: int | None) -> str:
    return f"{mark:#x}" if mask in (None, 0xFFFFFFFF) else f"{mark:#x}/{mask:#x}"


def _live_sysctls(directory: Path, scopes: Sequence[str], keys: Sequence[str]) -> dict[str, int]:
    values = {}
    for scope in scopes:
        for key in keys:
            try:
                values[f"conf/{scope}/{key}"] = int((directory / scope / key).read_text())
            except FileNotFoundError:
                continue  # no IPv4 there (MTU below 68), or gone since the links were listed
    return values


def _forwarding() -> dict[str, int]:
    return {"ip_forward": int((CONF.parent / "ip_forward").read_text())}


def _sockets() -> tuple[Socket, ...]:
    found: list[Socket] = []
    for table in TABLES:
        # thread-self, not self: the main thread lives in another network
        path = Path("/proc/thread-self/net") / table
        if path.exists():  # no tcp6 where IPv6 is switched off
            found += parse(table, path.read_text())
    return tuple(found)


def _user() -> str:
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:  # a number without a name
        return str(os.geteuid())
