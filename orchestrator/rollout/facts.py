"""What is true before a rollout: read once, as plain data.

A host or LoadMaster that cannot be read raises; it never looks like an empty one.
"""

import hashlib
import ipaddress
from collections.abc import Collection, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from kempsdk import LoadMaster, RealServer, RsRef, VirtualService, VsRef
from kempsdk.errors import NotFound
from orchestrator.errors import SpecInvalid
from orchestrator.hosts.carrying import read_carrying
from orchestrator.hosts.effective import effective_arp
from orchestrator.hosts.fingerprint import section_lines
from orchestrator.hosts.state import NetState
from orchestrator.members import Member, ServiceKey
from orchestrator.rollout.adapters import Adapters
from orchestrator.rollout.appliances import appliance_fact, read_appliance
from orchestrator.rollout_spec import RolloutSpec
from orchestrator.rules import is_layer_4
from orchestrator.spec import Spec
from orchestrator.targets import target_hosts, targets

_READERS = 16
"""Hosts read at the same time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadMasterFacts:
    """What was read from one LoadMaster.

    Attributes:
        services: all of them.
        connections: open connections by service and server, as the LoadMaster counts them; a
            server without a row is missing.
        rates: new connections a second, likewise.
        appliance: which one it is, whatever address led to it; None where it does not say.
        drain_time_s: the L7 drain time; None where no layer-7 service is concerned, for which
            alone it has a meaning.
    """

    services: tuple[VirtualService, ...]
    connections: Mapping[tuple[VsRef, RsRef], int]
    drain_time_s: int | None = None
    rates: Mapping[tuple[VsRef, RsRef], int] = field(default_factory=dict)
    appliance: str | None = None
    _by_address: Mapping[str, Sequence[VirtualService]] = field(
        init=False, repr=False, compare=False
    )

    def __post_init__(self) -> None:
        by_address: dict[str, list[VirtualService]] = {}
        for service in self.services:
            for address in addresses_of(service):
                by_address.setdefault(address, []).append(service)
        object.__setattr__(self, "_by_address", by_address)

    def having(self, address: str) -> Sequence[VirtualService]:
        """Return the services that have a server with this address, on any port."""
        return self._by_address.get(address, ())

    def service(self, vs: VsRef) -> VirtualService | None:
        """Return a service, None if there is none."""
        return next((one for one in self.services if one.ref == vs), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What was read.

    Attributes:
        loadmasters: by name, every one that has a service with one of the hosts.
        hosts: state by name, of the hosts that the rollout is about.
    """

    loadmasters: Mapping[str, LoadMasterFacts]
    hosts: Mapping[str, NetState]

    def service(self, key: ServiceKey) -> VirtualService:
        """Return a service that the rollout is about.

        Raises:
            NotFound: the LoadMaster does not have it.
        """
        found = self.loadmasters[key.loadmaster].service(key.vs)
        if found is None:
            raise NotFound(
                f"{key.loadmaster} has no service {key.vs}; create it first (kemp vs create)",
                status=422,
                reason="not in the list of services",
                command="listvs",
                target=str(key.vs),
            )
        return found

    def server(self, member: Member) -> RealServer | None:
        """Return a host in a service, None if it is not in it."""
        return find_server(self.service(member.service), member.rs)

    def connections(self, member: Member) -> int:
        """Return the open connections that the LoadMaster counts for a host in a service."""
        counted = self.loadmasters[member.loadmaster].connections
        return counted.get((member.vs, member.rs), 0)

    def rate(self, member: Member) -> int:
        """Return the new connections a second that the LoadMaster counts for it."""
        return self.loadmasters[member.loadmaster].rates.get((member.vs, member.rs), 0)

    def elsewhere(
        self, address: str, places: Collection[Member]
    ) -> tuple[tuple[ServiceKey, VirtualService], ...]:
        """Return the services that have a server with this address, beside those named."""
        named = {one.service for one in places}
        found = (
            (ServiceKey(loadmaster=name, vs=vs.ref), vs)
            for name, facts in self.loadmasters.items()
            for vs in facts.having(address)
            if isinstance(vs.ref, VsRef)
        )
        return tuple((key, vs) for key, vs in found if key not in named)


def find_server(service: VirtualService, rs: RsRef) -> RealServer | None:
    """Return a server of a service, None if it is not in it."""
    return next((one for one in service.real_servers if one.ref == rs), None)


def addresses_of(service: VirtualService) -> set[str]:
    """Return the addresses of a service's servers and of those of its SubVSs."""
    own = {one.address for one in service.real_servers}
    return own.union(*(addresses_of(sub.service) for sub in service.sub_services if sub.service))


def rollout_of(spec: Spec) -> RolloutSpec:
    """Return what is to be done.

    Raises:
        SpecInvalid: the file is an inventory only.
    """
    if spec.rollout is None:
        raise SpecInvalid("says nothing to do: the section rollout is missing", path="rollout")
    return spec.rollout


def services_of(spec: Spec) -> tuple[ServiceKey, ...]:
    """Return the services that the rollout is about, in the order they are met."""
    return _services(targets(spec, rollout_of(spec)))


def _services(about: Mapping[str, Iterable[Member]]) -> tuple[ServiceKey, ...]:
    return tuple(dict.fromkeys(one.service for places in about.values() for one in places))


def read_facts(spec: Spec, adapters: Adapters, *, only: Collection[str] | None = None) -> Facts:
    """Read every LoadMaster and host concerned, all of them in parallel. Changes nothing.

    Args:
        only: read no other hosts than these, which are of the rollout.

    Raises:
        HostUnreachable: a host could not be read.
        NotFound: a LoadMaster has no such service.
        KempError: a LoadMaster could not be read.
    """
    every = target_hosts(spec, rollout_of(spec))
    names = every if only is None else tuple(one for one in every if one in only)
    about = targets(spec, rollout_of(spec))
    services = _services(about)
    boxes = _loadmasters(spec, names, services)

    def read_host(name: str) -> NetState:
        host = spec.host(name)
        sections = frozenset().union(*(one.how.sections for one in about[name]))
        return read_carrying(adapters.driver(host), host, sections)

    with ThreadPoolExecutor(max_workers=min(_READERS, len(names) + len(boxes))) as readers:
        states = [readers.submit(read_host, name) for name in names]
        read = [
            readers.submit(
                _read_loadmaster,
                adapters.loadmaster(name),
                {key.vs for key in services if key.loadmaster == name},
            )
            for name in boxes
        ]
        facts = Facts(
            loadmasters={name: one.result() for name, one in zip(boxes, read, strict=True)},
            hosts={name: one.result() for name, one in zip(names, states, strict=True)},
        )
    for key in services:
        facts.service(key)
    return facts


def _loadmasters(
    spec: Spec, names: Iterable[str], services: Iterable[ServiceKey]
) -> tuple[str, ...]:
    """Return the LoadMasters with a service that one of the hosts is in, by the inventory."""
    wanted = set(names)
    pools = [name for name, pool in spec.pools.items() if wanted.intersection(pool.hosts)]
    concerned = [key.loadmaster for key in services]
    return tuple(dict.fromkeys([*concerned, *(spec.service_of(one).loadmaster for one in pools)]))


def _read_loadmaster(loadmaster: LoadMaster, asked: Collection[VsRef]) -> LoadMasterFacts:
    services = loadmaster.virtual_services.list()
    statistics = loadmaster.statistics.read()
    concerned = [vs for vs in services if vs.ref in asked]
    rows = {
        (vs.ref, rs.ref): row
        for vs in concerned
        if isinstance(vs.ref, VsRef)
        for rs in vs.real_servers
        if (row := statistics.server(vs.ref, rs.ref)) is not None
    }
    drain_time_s = None
    if any(not is_layer_4(vs) for vs in concerned):
        value = loadmaster.parameters.get("finalpersist")
        drain_time_s = int(value) if isinstance(value, int | str) and str(value) else None
    return LoadMasterFacts(
        services=services,
        connections={key: row.active_connections for key, row in rows.items()},
        drain_time_s=drain_time_s,
        rates={key: row.connections_per_s for key, row in rows.items()},
        appliance=read_appliance(loadmaster),
    )


def snapshot(spec: Spec, facts: Facts) -> dict[str, str]:
    """Return what the plan rests on, one line a fact: compared before the run starts.

    Counters and sockets are not among it: they move all the time and are looked at again
    when they matter.
    """
    lines: dict[str, str] = {}
    for key in services_of(spec):
        lines |= appliance_fact(key.loadmaster, facts.loadmasters[key.loadmaster].appliance)
        lines |= service_lines(key, facts.service(key))
    for name, places in targets(spec, rollout_of(spec)).items():
        state = facts.hosts[name]
        lines |= _host_lines(spec, name, state)
        lines |= _segment_line(spec, name, state)
        for vip in dict.fromkeys(one.vs.address for one in places):
            on = sorted(
                f"{one.interface}/{one.prefix}" for one in state.addresses if one.address == vip
            )
            lines[f"host {name} VIP {vip}"] = " ".join(on) or "absent"
        others = facts.elsewhere(spec.hosts[name].address, places)
        lines[f"host {name} also serves"] = ", ".join(sorted(str(key) for key, _ in others))
    return lines


def service_lines(key: ServiceKey, service: VirtualService) -> dict[str, str]:
    """Return what matters of a service and its servers, one line a fact."""
    lines = {
        f"{key}": f"{_onoff(service.enabled)} layer={4 if is_layer_4(service) else 7} "
        f"transparent={_onoff(service.transparent)} persist={service.persist.value}",
    }
    for rs in service.real_servers:
        lines[f"{key} server {rs.ref}"] = (
            f"{_onoff(rs.enabled)} {rs.status.value} forward={rs.forward.value} "
            f"weight={rs.weight} limit={rs.limit} critical={_onoff(rs.critical)}"
        )
    return lines


def _host_lines(spec: Spec, name: str, state: NetState) -> dict[str, str]:
    host = spec.host(name)
    lines = {f"host {name} {host.interface}": state.interfaces.get(host.interface, "missing")}
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


def _segment_line(spec: Spec, name: str, state: NetState) -> dict[str, str]:
    """Return the network that a host's own address is in; nothing where it does not have it."""
    for one in state.addresses:
        if one.address == spec.hosts[name].address:
            network = ipaddress.ip_interface(f"{one.address}/{one.prefix}").network
            return {_segment_fact(name): str(network)}
    return {}


def segment_in(facts: Mapping[str, str], host: str) -> str:
    """Return the segment of a host by what a plan rests on; ``unknown`` where that says none."""
    return facts.get(_segment_fact(host), "unknown")


def _segment_fact(host: str) -> str:
    return f"host {host} segment"


def _onoff(value: bool) -> str:
    return "on" if value else "off"


def moved(before: Mapping[str, str], now: Mapping[str, str]) -> tuple[str, ...]:
    """Return each fact that is no longer what it was: ``NAME: was X, is Y``."""
    return tuple(
        f"{name}: was {before.get(name, 'absent')}, is {now.get(name, 'absent')}"
        for name in sorted({*before, *now})
        if before.get(name) != now.get(name)
    )
