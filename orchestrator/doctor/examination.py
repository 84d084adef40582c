"""A whole service looked at, end to end: LoadMaster, hosts, segment, routers. Changes nothing."""

import ipaddress
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TypeVar

from kempsdk import Interface, LoadMaster, VirtualService
from kempsdk.errors import KempError, NotFound
from orchestrator.doctor import segment
from orchestrator.doctor.diagnosis import Check, Report, checked, diagnosis, not_made
from orchestrator.doctor.extras import Extras, read_extras
from orchestrator.doctor.hosts import Examined, compare_mtus, examine_host
from orchestrator.doctor.loadmaster import examine_service
from orchestrator.errors import HostUnreachable
from orchestrator.hosts.carrying import read_carrying
from orchestrator.hosts.driver import Host
from orchestrator.hosts.sections import Section
from orchestrator.members import Member
from orchestrator.probes.loadmaster_macs import Pinned, pin
from orchestrator.probes.neighbours import router_commands
from orchestrator.probes.segment import Segment
from orchestrator.rollout.adapters import Adapters
from orchestrator.rules import is_layer_4
from orchestrator.spec import Spec

_WIDTH = 16
"""Hosts looked at at the same time."""

_T = TypeVar("_T")
_U = TypeVar("_U")


def examine_alone(service: VirtualService, *, loadmaster: LoadMaster) -> Report:
    """Look at a service with nothing but its LoadMaster.

    Raises:
        KempError: the LoadMaster could not be read.
    """
    why = "give a file with the hosts: kemp doctor -f FILE"
    return Report(
        service=str(service.ref),
        checks=(
            examine_service(service, drain_time_s=_drain_time_s(service, loadmaster)),
            not_made("hosts", f"service {service.ref}", why),
            not_made("segment", f"service {service.ref}", why),
        ),
    )


def examine(spec: Spec, name: str, adapters: Adapters, *, listen_s: float = 2.0) -> Report:
    """Look at one service of an inventory.

    What cannot be read is a finding or a check not made, and the rest is looked at.

    Args:
        name: of the service in the file.
        listen_s: how long ARP and each server's traffic are listened to, in seconds.
    """
    return _Examination(spec=spec, name=name, adapters=adapters, listen_s=listen_s).report()


@dataclass(slots=True, kw_only=True)
class _Examination:
    spec: Spec
    name: str
    adapters: Adapters
    listen_s: float
    service: VirtualService | None = None
    interfaces: tuple[Interface, ...] = ()
    hosts: list[Examined] = field(default_factory=list)

    def report(self) -> Report:
        entry = self.spec.services[self.name]
        checks = [
            *self._loadmaster(),
            *self._hosts(),
            compare_mtus(self.spec, self.hosts, loadmaster=self._mtus()),
            *self._segment(),
        ]
        return Report(service=f"{self.name} ({entry.ref})", checks=tuple(checks))

    @property
    def members(self) -> tuple[Member, ...]:
        """Return the service's places, by its pools."""
        return tuple(
            self.spec.member(pool, host)
            for pool, each in self.spec.pools.items()
            if each.service == self.name
            for host in each.hosts
        )

    # -- the LoadMaster ------------------------------------------------------------------

    def _loadmaster(self) -> Iterator[Check]:
        entry = self.spec.services[self.name]
        subject = f"service {entry.ref}"
        try:
            client = self.adapters.loadmaster(entry.loadmaster)
            service = client.virtual_services.get(entry.ref)
            drain_time_s = _drain_time_s(service, client)
        except NotFound:
            cure = f"kemp vs create {entry.ref.address} {entry.ref.port}; or correct the file"
            missing = f"{entry.loadmaster} has no such service"
            yield checked(
                "loadmaster", subject, [diagnosis("service-missing", subject, missing, cure)]
            )
        except KempError as error:
            cure = f"kemp vs list --url {self.spec.loadmasters[entry.loadmaster].url}"
            found = diagnosis("loadmaster-unreadable", subject, str(error), cure)
            yield checked("loadmaster", subject, [found])
        else:
            self.service = service
            yield examine_service(service, members=self.members, drain_time_s=drain_time_s)
            try:
                self.interfaces = self._on_the_segment(client.interfaces.list())
            except KempError as error:
                why = f"its interfaces could not be read: {error}"
                yield not_made("loadmaster-interfaces", f"LoadMaster {entry.loadmaster}", why)

    def _on_the_segment(self, interfaces: Sequence[Interface]) -> tuple[Interface, ...]:
        own = [ipaddress.ip_address(self.spec.hosts[one.host].address) for one in self.members]
        return tuple(
            one
            for one in interfaces
            if one.address is not None
            and any(host in ipaddress.ip_interface(one.address).network for host in own)
        )

    def _addresses(self) -> frozenset[str]:
        """Return the LoadMaster's own addresses on the segment, as far as they are known."""
        entry = self.spec.loadmasters[self.spec.services[self.name].loadmaster]
        told = [
            address
            for one in self.interfaces
            for address in (one.address, one.shared_address, one.partner_address, *one.additional)
        ]
        return frozenset(
            str(ipaddress.ip_interface(one).ip) for one in (*told, entry.segment_address) if one
        )

    def _mtus(self) -> Mapping[str, int]:
        return {f"eth{one.id}": one.mtu for one in self.interfaces}

    def _host_mtus(self) -> Iterator[int]:
        for one in self.hosts:
            interface = self.spec.hosts[one.place.host].interface
            if interface in one.state.mtus:
                yield one.state.mtus[interface]

    # -- the hosts -----------------------------------------------------------------------

    def _hosts(self) -> Iterator[Check]:
        for checks in _each(self._host, self.members):
            yield from checks
        self.hosts.sort(key=lambda one: self.members.index(one.place))

    def _host(self, place: Member) -> tuple[Check, ...]:
        host = self.spec.host(place.host)
        driver = self.adapters.driver(host)
        subject = f"host {place.host}"
        sections = frozenset(place.how.sections) | {Section.FIREWALLD}
        try:
            state = read_carrying(driver, host, sections)
        except HostUnreachable as error:
            cure = f"kemp host facts {place.host}; log in by hand the same way"
            found = diagnosis("host-unreadable", subject, str(error), cure)
            return (checked("host-state", subject, [found]),)
        try:
            extras: Extras | None = read_extras(driver, host)
        except HostUnreachable:
            extras = None  # the checks that need them say that they were not made
        examined = Examined(place=place, state=state, extras=extras)
        self.hosts.append(examined)
        known = self._addresses()
        return tuple(examine_host(self.spec, examined, loadmaster_addresses=known))

    # -- the segment ---------------------------------------------------------------------

    def _segment(self) -> Iterator[Check]:
        vip = self.spec.services[self.name].ref.address
        if self.adapters.segment is None:
            why = "give arp_probe: a device on the segment that is not a server's, or a station"
            yield not_made("segment", f"VIP {vip}", why)
            return
        try:
            scene = self._scene(self.adapters.segment, vip)
            # First what only looks: our own requests would be seen as traffic.
            yield from segment.examine_paths(scene)
            if not self.spec.routers:
                hand = "; ".join(router_commands(vip))
                why = f"name routers in the file to have their tables read; by hand: {hand}"
                yield not_made("frame-path", "routers", why)
            yield from self._per_host(scene, self._traffic, only_direct=True)
            yield segment.examine_arp(scene)
            yield from self._per_host(scene, self._addresses_of)
            yield from self._per_host(scene, segment.examine_request, only_direct=True)
            yield from self._per_host(scene, segment.examine_health)
            yield from self._per_host(scene, self._mtu)
        except HostUnreachable as error:
            yield not_made("segment", f"VIP {vip}", str(error))

    def _scene(self, place: Segment, vip: str) -> segment.Scene:
        routers = tuple(self.spec.station(name) for name in self.spec.routers)
        known = {
            mac: router.name
            for router in routers
            for mac in place.ask_who_has(router.address, unicast_to=[]).macs
        }
        return segment.Scene(
            vip=vip,
            service=self.service,
            hosts=tuple(self.hosts),
            interfaces={name: entry.interface for name, entry in self.spec.hosts.items()},
            pinned=self._pinned(place, vip),
            segment=place,
            driver=self.adapters.driver,
            bystanders=(*self._asker(), *routers),
            known=known,
            listen_s=self.listen_s,
            mtu=max([*self._mtus().values(), *self._host_mtus()], default=1500),
        )

    def _pinned(self, place: Segment, vip: str) -> Pinned:
        name = self.spec.services[self.name].loadmaster
        return pin(
            self.spec.loadmasters[name],
            loadmaster=lambda: self.adapters.loadmaster(name),
            ask=lambda address: place.ask_who_has(address, unicast_to=[]),
            near=[self.spec.hosts[one.host].address for one in self.members],
            vip=vip,
        )

    def _asker(self) -> tuple[Host, ...]:
        """Return the machine that asks, whose own way to the VIP is looked at too."""
        probe = self.spec.arp_probe
        if probe is None:
            return ()
        if probe.station is not None:
            return () if probe.station in self.spec.routers else (self.spec.station(probe.station),)
        assert probe.interface is not None  # noqa: S101 - the file says one of the two
        return (
            Host(
                name="this machine",
                address="",
                interface=probe.interface,
                namespace=probe.namespace,
            ),
        )

    def _per_host(
        self,
        scene: segment.Scene,
        look: Callable[[segment.Scene, Examined], Check],
        *,
        only_direct: bool = False,
    ) -> Iterator[Check]:
        hosts = [
            one
            for one in scene.hosts
            if scene.mac(one) and (one.place.how.direct_return or not only_direct)
        ]
        yield from _each(lambda one: look(scene, one), hosts)

    def _traffic(self, scene: segment.Scene, one: Examined) -> Check:
        host = self.spec.host(one.place.host)
        return segment.examine_traffic(scene, one, host)

    def _addresses_of(self, scene: segment.Scene, one: Examined) -> Check:
        address = self.spec.hosts[one.place.host].address
        return segment.examine_addresses(scene, one, address)

    def _mtu(self, scene: segment.Scene, one: Examined) -> Check:
        return segment.examine_mtu(scene, one, self.spec.hosts[one.place.host].address)


def _each(look: Callable[[_T], _U], things: Sequence[_T]) -> list[_U]:
    with ThreadPoolExecutor(max_workers=_WIDTH) as pool:
        return list(pool.map(look, things))


def _drain_time_s(service: VirtualService, loadmaster: LoadMaster) -> int | None:
    """Return the appliance's drain time, which has a meaning at layer 7 only."""
    if is_layer_4(service):
        return None
    value = loadmaster.parameters.get("finalpersist")
    return int(value) if isinstance(value, int | str) and str(value) else None
