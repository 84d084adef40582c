"""Where production's servers and services stand in the lab, and the file that says so. Pure."""

import dataclasses
import ipaddress
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from kempsdk.references import VsRef
from orchestrator.errors import CannotRehearse
from orchestrator.hosts.methods.method import MethodName
from orchestrator.lab.topology import BRIDGE, INTERFACE, MAX_HOSTS, VIP, topology
from orchestrator.rehearsal.configuration import Configuration, concerned, moved
from orchestrator.rollout.facts import rollout_of, services_of
from orchestrator.spec import Spec
from orchestrator.targets import target_hosts, targets

_FIRST_VIP = ipaddress.IPv4Address(VIP)
_MOST_VIPS = 39
_BARE_METHODS = ("loopback", "gateway", "none")


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """One server that is built.

    Attributes:
        name: as the file calls it; its address where the file does not know it.
        station: its name in the lab.
        ports: TCP ports that it listens on.
    """

    name: str
    station: str
    address: str
    ports: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """What is built.

    Attributes:
        loadmasters: by name, what each is configured with.
        servers: every server of these, by its address in production.
        addresses: from production to the lab, servers first.
        notes: what is different from production.
    """

    spec: Spec
    loadmasters: Mapping[str, Configuration]
    servers: Mapping[str, Server]
    addresses: Mapping[str, str]
    notes: tuple[str, ...]


def loadmasters_of(spec: Spec) -> tuple[str, ...]:
    """Return the LoadMasters that have a service with one of the rollout's hosts.

    Raises:
        SpecInvalid: the file has no rollout.
    """
    return tuple(_wanted(spec))


def lay_out(spec: Spec, exports: Mapping[str, Mapping[str, Any]]) -> Site:
    """Find a place in the lab for everything that the rollout touches.

    Args:
        exports: by LoadMaster, as ``configuration.export`` gives them.

    Raises:
        CannotRehearse: something is missing, or is nothing that the lab has.
    """
    wanted, worked_on = _wanted(spec), targets(spec, rollout_of(spec))
    if missing := [name for name in wanted if name not in exports]:
        raise CannotRehearse(f"there is no export of {missing[0]}")
    hosts = [spec.hosts[name].address for name in worked_on]
    boxes = {name: concerned(name, exports[name], refs, hosts) for name, refs in wanted.items()}
    # One that is to replace another may be in no pool yet.
    names = {
        host.address: name
        for name, host in spec.hosts.items()
        if name in worked_on or any(name in spec.pools[pool].hosts for pool in _pools(spec, boxes))
    }
    found = dict.fromkeys(names) | dict.fromkeys(
        rs.ref.address
        for box in boxes.values()
        for one in box.services.values()
        for rs in one.real_servers
    )
    addresses = {**_servers(found), **_vips(boxes)}
    servers = {
        address: Server(
            name=names.get(address, address),
            station=f"web{number}",
            address=addresses[address],
            ports=_ports(spec, boxes, address, names.get(address)),
        )
        for number, address in enumerate(found, start=1)
    }
    notes = [f"{name}: {note}" for name, box in boxes.items() for note in box.notes]
    notes += [
        f"service {name}: method {one.method} rehearsed as loopback"
        for name, one in spec.services.items()
        if one.loadmaster in boxes and one.method not in _BARE_METHODS
    ]
    unknown = [one.name for address, one in servers.items() if address not in names]
    if unknown:
        notes.append(f"servers that the file does not know: {', '.join(unknown)}")
    return Site(
        spec=spec, loadmasters=boxes, servers=servers, addresses=addresses, notes=tuple(notes)
    )


def method_of(spec: Spec, server: str, loadmaster: str, ref: VsRef) -> MethodName:
    """Return how a server gets its traffic of a service before the rollout.

    A rehome can name a service twice, with the method that its servers leave and the one that
    they come to: then it is that of the server's own pool, and before all of the one it
    leaves. A server that is in neither pool is taken for one that has not moved.
    """
    leaves = rollout_of(spec).moves_from
    pools = sorted(
        spec.pools, key=lambda name: (server not in spec.pools[name].hosts, name != leaves)
    )
    entries = [spec.service_of(name) for name in pools] + [*spec.services.values()]
    found = (one.method for one in entries if (one.loadmaster, one.ref) == (loadmaster, ref))
    return next(found, "none")


def lab_spec(
    site: Site,
    *,
    gateway: str,
    loadmasters: Mapping[str, Mapping[str, Any]],
    hosts: Mapping[str, Mapping[str, Any]],
) -> dict[str, Any]:
    """Return the file's content for the lab: the same rollout, at the lab's addresses.

    Args:
        gateway: the LoadMaster's address in the lab.
        loadmasters: by name, how each is reached there.
        hosts: by station, how each is reached there.
    """
    data: dict[str, Any] = json.loads(json.dumps(dataclasses.asdict(site.spec)))
    stations = {one.name: one.station for one in site.servers.values()}
    pools = _pools(site.spec, site.loadmasters)
    services = {site.spec.pools[pool].service for pool in pools}
    data["loadmasters"] = dict(loadmasters)
    data["hosts"] = {
        name: {"labels": one["labels"], "interface": INTERFACE, **hosts[stations[name]]}
        for name, one in data["hosts"].items()
        if name in stations
    }
    data["pools"] = {name: data["pools"][name] for name in pools}
    data["services"] = {
        name: {
            **one,
            "service": str(moved(site.spec.services[name].ref, site.addresses)),
            "method": one["method"] if one["method"] in _BARE_METHODS else "loopback",
            "gateway": gateway if one["method"] == "gateway" else None,
            "monitors": [],
        }
        for name, one in data["services"].items()
        if name in services
    }
    data |= {"stations": {}, "routers": [], "arp_probe": {"interface": BRIDGE}}
    return data


def _wanted(spec: Spec) -> dict[str, list[VsRef]]:
    """Return the services of each LoadMaster that have one of the rollout's hosts."""
    hosts = set(target_hosts(spec, rollout_of(spec)))
    found: dict[str, dict[VsRef, None]] = {}
    for key in services_of(spec):
        found.setdefault(key.loadmaster, {})[key.vs] = None
    for name, pool in spec.pools.items():
        if hosts.intersection(pool.hosts):
            one = spec.service_of(name)
            found.setdefault(one.loadmaster, {})[one.ref] = None
    return {name: list(refs) for name, refs in found.items()}


def _pools(spec: Spec, boxes: Mapping[str, Configuration]) -> list[str]:
    return [
        name
        for name in spec.pools
        if (box := boxes.get(spec.service_of(name).loadmaster)) is not None
        and spec.service_of(name).ref in box.services
    ]


def _servers(found: Iterable[str]) -> dict[str, str]:
    addresses = list(found)
    if len(addresses) > MAX_HOSTS:
        raise CannotRehearse(
            f"{len(addresses)} servers; the lab has room for {MAX_HOSTS}: name fewer hosts in "
            "rollout.hosts, or rehearse one pool"
        )
    for address in addresses:
        _ipv4(address, "server")
    stations = topology(len(addresses)).servers
    return {address: station.address for address, station in zip(addresses, stations, strict=True)}


def _vips(boxes: Mapping[str, Configuration]) -> dict[str, str]:
    owner: dict[str, str] = {}
    for name, box in boxes.items():
        for ref in box.services:
            _ipv4(ref.address, "virtual service")
            if owner.setdefault(ref.address, name) != name:
                raise CannotRehearse(
                    f"{owner[ref.address]} and {name} both have {ref.address}, which is one "
                    "segment in the lab: rehearse them one by one"
                )
    if len(owner) > _MOST_VIPS:
        raise CannotRehearse(f"{len(owner)} virtual addresses; the lab has room for {_MOST_VIPS}")
    return {address: str(_FIRST_VIP - number) for number, address in enumerate(owner)}


def _ipv4(address: str, what: str) -> None:
    if ipaddress.ip_address(address).version != 4:
        raise CannotRehearse(f"the {what} {address} is IPv6, and the lab is IPv4 only")


def _ports(
    spec: Spec, boxes: Mapping[str, Configuration], address: str, host: str | None
) -> tuple[int, ...]:
    found = {port: None for box in boxes.values() for port in box.ports(address)}
    if host is not None:
        found |= {
            spec.server(pool, host).port: None
            for pool in spec.pools_of(host)
            if pool in _pools(spec, boxes)
        }
        found |= {one.rs.port: None for one in targets(spec, rollout_of(spec)).get(host, ())}
    return tuple(found)
