"""A host's places in services, and what it carries for them. Pure."""

from collections.abc import Container, Iterable
from dataclasses import dataclass, replace

from kempsdk.references import RsRef, VsRef
from orchestrator.hosts.carrying import Part
from orchestrator.hosts.driver import Host
from orchestrator.hosts.methods.method import Method, MethodName, Wanted
from orchestrator.hosts.methods.registry import METHODS


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class ServiceKey:
    """A service of one of the LoadMasters."""

    loadmaster: str
    vs: VsRef

    def __str__(self) -> str:
        return f"{self.vs} on {self.loadmaster}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """A host's place in a service: one server of one LoadMaster.

    Attributes:
        pool: by which the place is known.
        method: how the host is made to take the service's traffic.
        gateway: of the method that needs one.
        clients: known ones of the service, such as monitors.
    """

    pool: str
    host: str
    loadmaster: str
    vs: VsRef
    rs: RsRef
    method: MethodName
    gateway: str | None = None
    clients: tuple[str, ...] = ()

    @property
    def how(self) -> Method:
        return METHODS[self.method]

    @property
    def served_address(self) -> str:
        """Return the address that clients' packets have when they reach the host's sockets."""
        return self.vs.address if self.how.vip_on_host else self.rs.address

    @property
    def service(self) -> ServiceKey:
        return ServiceKey(loadmaster=self.loadmaster, vs=self.vs)


@dataclass(frozen=True, slots=True, kw_only=True)
class Carried:
    """What a host carries by one method.

    Attributes:
        places: in the services that it carries so.
    """

    places: tuple[Member, ...]
    wanted: Wanted

    @property
    def how(self) -> Method:
        return self.places[0].how

    @property
    def part(self) -> Part:
        return Part(method=self.places[0].method, wanted=self.wanted)

    def only(self, services: Container[str]) -> "Carried":
        """Return the part that is about these services; there must be one."""
        kept = tuple(one for one in self.wanted.services if str(one) in services)
        return Carried(
            places=tuple(one for one in self.places if one.vs in kept),
            wanted=replace(self.wanted, services=kept),
        )


def carried(host: Host, places: Iterable[Member]) -> tuple[Carried, ...]:
    """Return what a host is to carry for these places, method by method."""
    groups: dict[tuple[str, str | None], list[Member]] = {}
    for one in places:
        groups.setdefault((one.method, one.gateway), []).append(one)
    return tuple(
        Carried(
            places=tuple(members),
            wanted=Wanted(
                host=host,
                services=tuple(dict.fromkeys(one.vs for one in members)),
                gateway=members[0].gateway,
                clients=tuple(dict.fromkeys(it for one in members for it in one.clients)),
            ),
        )
        for members in groups.values()
    )


def direct(places: Iterable[Member]) -> tuple[Member, ...]:
    """Return a place for each VIP for which a host answers clients itself."""
    by_vip: dict[str, Member] = {}
    for one in places:
        if one.how.direct_return:
            by_vip.setdefault(one.vs.address, one)
    return tuple(by_vip.values())
