"""A VIP on lo or the dummy interface: there, with the longest prefix, and nowhere else. Pure."""

import ipaddress

from orchestrator.hosts.changes import AddAddress, NetChange, RemoveAddress
from orchestrator.hosts.findings import Finding
from orchestrator.hosts.state import HostAddress, NetState
from orchestrator.hosts.vip_at_boot import LOOPBACK, QUIET
from orchestrator.hosts.vip_persistence import Kept


def is_ipv4(address: str) -> bool:
    return ":" not in address


def longest_prefix(address: str) -> int:
    """Return 32 or 128: with a shorter one the host takes its neighbours for itself."""
    return ipaddress.ip_address(address).max_prefixlen


def place(state: NetState, kept: Kept) -> list[NetChange]:
    """Return the changes that put VIPs where they will be after a boot, with the same label."""
    changes: list[NetChange] = []
    for vip, label in kept.labels.items():
        prefix, device = longest_prefix(vip), kept.devices[vip]
        there = [one for one in state.addresses if one.address == vip and one.interface in QUIET]
        right = [one for one in there if (one.prefix, one.interface) == (prefix, device)]
        if not right:
            wanted = HostAddress(address=vip, prefix=prefix, interface=device, label=label)
            changes.append(AddAddress(address=wanted))
        # The right one first: the VIP is never gone in between.
        changes += [RemoveAddress(address=one) for one in there if one not in right]
    return changes


def placed(state: NetState, vip: str) -> str:
    """Return in words where a VIP is that is right."""
    devices = {one.interface for one in state.addresses if one.address == vip}
    return f"{vip}/{longest_prefix(vip)} on {', '.join(sorted(devices)) or LOOPBACK}"


def verify_place(state: NetState, vip: str) -> list[Finding]:
    """Return what is wrong with where a VIP is now."""
    where = [one for one in state.addresses if one.address == vip]
    prefix = longest_prefix(vip)
    prefixes = {one.prefix for one in where if one.interface in QUIET}
    findings = [
        Finding(
            id="vip-prefix",
            message=f"{vip} is on lo as /{wide}: the host takes the whole network for itself "
            "and does not reach its neighbours there",
            cure=f"ip address add {vip}/{prefix} dev lo; ip address del {vip}/{wide} dev lo",
        )
        for wide in sorted(prefixes - {prefix})
    ]
    if not prefixes:
        findings.append(
            Finding(
                id="vip-missing",
                message=f"{vip} is not on lo: the host drops what is sent to it",
                cure=f"ip address add {vip}/{prefix} dev lo"
                + (", after the ARP sysctls are right" if is_ipv4(vip) else ""),
            )
        )
    asks = "ARP" if is_ipv4(vip) else "neighbour discovery"
    findings += [
        Finding(
            id="vip-on-interface",
            message=f"{vip}/{one.prefix} is on {one.interface}: the host answers {asks} for it "
            "there whatever the sysctls say, and takes the traffic past the load balancer",
            cure=f"ip address del {vip}/{one.prefix} dev {one.interface}, and take it out of "
            "the configuration that put it there",
        )
        for one in where
        if one.interface not in QUIET
    ]
    return findings
