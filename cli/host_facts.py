"""The facts of a host as text for people."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from orchestrator.hosts.driver import Host
    from orchestrator.hosts.state import NetState


def facts_text(host: "Host", state: "NetState", *, colour: bool) -> str:
    """Return what counts for the service of a load balancer."""
    head = f"{host.name}  {host.address} on {host.interface}"
    lines = [click.style(head, bold=True) if colour else head]
    width = 14
    lines += [f"  {name:<{width}}{said}" for name, said in _facts(host, state)]
    return "\n".join(lines)


def _facts(host: "Host", state: "NetState") -> Iterator[tuple[str, str]]:
    from orchestrator.hosts.changes import route_words
    from orchestrator.hosts.effective import effective_arp, persistent_arp

    release = f"{state.release.id} {state.release.version_id}".strip() or "unknown"
    yield "release", f"{release} ({state.hostname or 'no name'}), read as {state.user or '?'}"
    for name in state.interfaces:
        addresses = [
            f"{one.address}/{one.prefix}" for one in state.addresses if one.interface == name
        ]
        mtu = state.mtus.get(name)
        yield name, f"{', '.join(addresses) or 'no address'}{f', MTU {mtu}' if mtu else ''}"
    for route in state.routes:
        if route.destination == "default":
            yield "route", route_words(route)
    if host.interface in state.interfaces:
        now = effective_arp(state, host.interface)
        later = persistent_arp(state, host.interface).after_boot
        yield "ARP now", f"arp_ignore {now.arp_ignore}, arp_announce {now.arp_announce}"
        yield "ARP at boot", f"arp_ignore {later.arp_ignore}, arp_announce {later.arp_announce}"
    listening = sorted(
        {
            f"{one.protocol} {one.local_address}:{one.local_port}"
            for one in state.sockets
            if one.state == "listen"
        }
    )
    yield "listens", ", ".join(listening) or "on nothing"
    if state.persistence is not None:
        enabled = [name for name, said in state.persistence.units.items() if said == "enabled"]
        manager = state.persistence.nm_version
        yield "at boot", ", ".join([*enabled, *([f"nmcli {manager}"] if manager else [])]) or "?"
    if state.arptables is not None and state.arptables.version:
        yield "arptables", f"{state.arptables.variant}, service {state.arptables.service or 'none'}"
    if state.firewalld is not None and state.firewalld.version:
        running = "running" if state.firewalld.running else "not running"
        yield "firewalld", f"{running}, zone {state.firewalld.zone or '?'}"
