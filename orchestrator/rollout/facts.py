"""What is true before a rollout: read once, as plain data.

A host or LoadMaster that cannot be read raises; it never looks like an empty one.
"""

import hashlib
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from kempsdk import RealServer, RsRef, VirtualService, VsRef
from kempsdk.errors import NotFound
from orchestrator.errors import SpecInvalid
from orchestrator.hosts.effective import effective_arp
from orchestrator.hosts.fingerprint import section_lines
from orchestrator.hosts.methods.registry import METHODS
from orchestrator.hosts.state import NetState
from orchestrator.rollout.adapters import Adapters
from orchestrator.rules import is_layer_4
from orchestrator.spec import RolloutSpec, Spec

_READERS = 16
"""Hosts read at the same time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What was read.

    Attributes:
        service: the service that the pool belongs to.
        others: every other service of that LoadMaster.
        connections: open connections by server of the service, as the LoadMaster counts
            them; a server without a row is missing.
        drain_time_s: the appliance's L7 drain time; None for a layer-4 service, where it
            has no meaning.
        hosts: state by name, of the hosts that the rollout is about.
    """

    service: VirtualService
    others: tuple[VirtualService, ...]
    connections: Mapping[RsRef, int]
    drain_time_s: int | None
    hosts: Mapping[str, NetState]

    def server(self, rs: RsRef) -> RealServer | None:
        """Return a server of the service, None if it is not in it."""
        return find_server(self.service, rs)

    def services_with(self, address: str) -> tuple[VirtualService, ...]:
        """Return the other services that have a server with this address."""
        return tuple(vs for vs in self.others if has_address(vs, address))


def find_server(service: VirtualService, rs: RsRef) -> RealServer | None:
    """Return a server of a service, None if it is not in it."""
    return next((one for one in service.real_servers if one.ref == rs), None)


def has_address(service: VirtualService, address: str) -> bool:
    """Return whether a service or its SubVSs have a server with this address, on any port."""
    return any(one.address == address for one in service.real_servers) or any(
        has_address(sub.service, address) for sub in service.sub_services if sub.service
    )


def rollout_of(spec: Spec) -> RolloutSpec:
    """Return what is to be done.

    Raises:
        SpecInvalid: the file is an inventory only.
    """
    if spec.rollout is None:
        raise SpecInvalid("says nothing to do: the section rollout is missing", path="rollout")
    return spec.rollout


def hosts_of(spec: Spec) -> tuple[str, ...]:
    """Return the hosts that the rollout is about, in the order they are worked on."""
    rollout = rollout_of(spec)
    return rollout.hosts or spec.pools[rollout.pool].hosts


def read_facts(spec: Spec, adapters: Adapters) -> Facts:
    """Read the LoadMaster and every host concerned, hosts in parallel. Changes nothing.

    Raises:
        HostUnreachable: a host could not be read.
        NotFound: the LoadMaster has no such service.
        KempError: the LoadMaster could not be read.
    """
    names = hosts_of(spec)

    sections = METHODS[spec.service_of(rollout_of(spec).pool).method].sections

    def read_host(name: str) -> NetState:
        host = spec.host(name)
        return adapters.driver(host).read(host, sections)

    with ThreadPoolExecutor(max_workers=min(_READERS, len(names))) as readers:
        states = [readers.submit(read_host, name) for name in names]
        service_facts = _read_loadmaster(spec, adapters)
        hosts = {name: state.result() for name, state in zip(names, states, strict=True)}
    service, others, connections, drain_time_s = service_facts
    return Facts(
        service=service,
        others=others,
        connections=connections,
        drain_time_s=drain_time_s,
        hosts=hosts,
    )


def _read_loadmaster(
    spec: Spec, adapters: Adapters
) -> tuple[VirtualService, tuple[VirtualService, ...], Mapping[RsRef, int], int | None]:
    entry = spec.service_of(rollout_of(spec).pool)
    loadmaster = adapters.loadmaster(entry.loadmaster)
    services = loadmaster.virtual_services.list()
    service = next((vs for vs in services if vs.ref == entry.ref), None)
    if service is None:
        raise NotFound(
            f"{entry.loadmaster} has no service {entry.ref}; create it first (kemp vs create)",
            status=422,
            reason="not in the list of services",
            command="listvs",
            target=str(entry.ref),
        )
    statistics = loadmaster.statistics.read()
    connections = {
        rs.ref: row.active_connections
        for rs in service.real_servers
        if (row := statistics.server(entry.ref, rs.ref)) is not None
    }
    drain_time_s = None
    if not is_layer_4(service):
        value = loadmaster.parameters.get("finalpersist")
        drain_time_s = int(value) if isinstance(value, int | str) and str(value) else None
    others = tuple(vs for vs in services if vs is not service)
    return service, others, connections, drain_time_s


def snapshot(spec: Spec, facts: Facts) -> dict[str, str]:
    """Return what the plan rests on, one line a fact: compared before the run starts.

    Counters and sockets are not among it: they move all the time and are looked at again
    when they matter.
    """
    service, vs = facts.service, spec.service_of(rollout_of(spec).pool).ref
    lines = {
        f"{service.ref}": f"{_onoff(service.enabled)} layer={4 if is_layer_4(service) else 7} "
        f"transparent={_onoff(service.transparent)} persist={service.persist.value}",
    }
    for rs in service.real_servers:
        lines[f"{service.ref} server {rs.ref}"] = (
            f"{_onoff(rs.enabled)} {rs.status.value} forward={rs.forward.value} "
            f"weight={rs.weight} limit={rs.limit} critical={_onoff(rs.critical)}"
        )
    for name, state in facts.hosts.items():
        lines |= _host_lines(spec, name, state, vs)
        lines[f"host {name} also serves"] = " ".join(
            sorted(str(vs.ref) for vs in facts.services_with(spec.hosts[name].address))
        )
    return lines


def _host_lines(spec: Spec, name: str, state: NetState, vs: VsRef) -> dict[str, str]:
    host = spec.host(name)
    on = sorted(
        f"{one.interface}/{one.prefix}" for one in state.addresses if one.address == vs.address
    )
    lines = {
        f"host {name} {host.interface}": state.interfaces.get(host.interface, "missing"),
        f"host {name} VIP": " ".join(on) or "absent",
    }
    if host.interface in state.interfaces:
        arp = effective_arp(state, host.interface)
        lines[f"host {name} effective ARP"] = (
            f"arp_ignore={arp.arp_ignore} arp_announce={arp.arp_announce}"
        )
    for number, line in enumerate(state.persistent_sysctls):
        lines[f"host {name} persistent ARP {number}"] = f"{line.path}: {line.key}={line.value}"
    for path, content in state.files.items():
        lines[f"host {name} file {path}"] = hashlib.sha256(content.encode()).hexdigest()
    lines |= {f"host {name} {what}": value for what, value in section_lines(state).items()}
    return lines


def _onoff(value: bool) -> str:
    return "on" if value else "off"


def moved(before: Mapping[str, str], now: Mapping[str, str]) -> tuple[str, ...]:
    """Return each fact that is no longer what it was: ``NAME: was X, is Y``."""
    return tuple(
        f"{name}: was {before.get(name, 'absent')}, is {now.get(name, 'absent')}"
        for name in sorted({*before, *now})
        if before.get(name) != now.get(name)
    )
