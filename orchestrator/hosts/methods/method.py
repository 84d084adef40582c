"""The shape that all methods have: how a server is made to take the traffic of a service.

A method is pure: facts in, changes out, in the order in which they are carried out.
"""

from dataclasses import dataclass
from typing import Literal, Protocol

from kempsdk.references import VsRef
from orchestrator.hosts.changes import NetChange
from orchestrator.hosts.driver import Host
from orchestrator.hosts.findings import Finding
from orchestrator.hosts.sections import Section
from orchestrator.hosts.state import NetState

MethodName = Literal["loopback", "arptables", "firewalld", "gateway", "none"]
"""Every method that a file may name; the registry holds those that are there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What a host is to carry, or no longer to carry, by one method.

    What it carries beside that stays.

    Attributes:
        host: its ``address`` is the real one (RIP), its ``interface`` the one that hears ARP.
        services: their address is the VIP; their port is the server's too in direct return.
        keep: other services of this host: nothing that they need is taken away.
        clients: addresses that are known to ask for the service, such as monitors.
        gateway: address of the LoadMaster on the servers' segment, for the gateway method.
        adopt: take over files and settings that somebody else made.
        mend: ids of MENDABLE findings that are to be mended too.
    """

    host: Host
    services: tuple[VsRef, ...]
    keep: tuple[VsRef, ...] = ()
    gateway: str | None = None
    clients: tuple[str, ...] = ()
    adopt: bool = False
    mend: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        if not self.services:
            raise ValueError(f"{self.host.name}: no service was named")

    @property
    def vips(self) -> tuple[str, ...]:
        """Return the services' addresses, each once."""
        return tuple(dict.fromkeys(one.address for one in self.services))

    @property
    def kept_vips(self) -> frozenset[str]:
        return frozenset(one.address for one in self.keep)


class Method(Protocol):
    """One way to make a server take the traffic of a service.

    All of it raises HostChangeFailed where it cannot be planned, and needs a state that was
    read with ``sections``.
    """

    @property
    def direct_return(self) -> bool:
        """Return whether servers answer clients themselves (``forward=route``)."""
        ...

    @property
    def vip_on_host(self) -> bool:
        """Return whether the service's sockets have the VIP as their local address."""
        ...

    @property
    def changes_host(self) -> bool:
        """Return whether there is ever anything to do on a host."""
        ...

    @property
    def sections(self) -> frozenset[Section]:
        """Return what must have been read beside the base."""
        ...

    def plan_add(self, state: NetState, wanted: Wanted) -> tuple[NetChange, ...]:
        """Return what makes the host carry the services, in order; none if it is right."""
        ...

    def plan_remove(self, state: NetState, wanted: Wanted) -> tuple[NetChange, ...]:
        """Return what takes the services off the host, in order; none if they are off."""
        ...

    def verify(self, state: NetState, wanted: Wanted) -> tuple[Finding, ...]:
        """Return what is wrong with the host as a server of these services, now and after a
        boot, or on the way there."""
        ...

    def left_alone(self, state: NetState, wanted: Wanted) -> tuple[Finding, ...]:
        """Return what ``plan_remove`` for the same would not give back, and why."""
        ...

    def not_mended(self, state: NetState, wanted: Wanted) -> tuple[Finding, ...]:
        """Return what is wrong and stays so after ``plan_add``: a person's work."""
        ...

    def exposed(self, state: NetState, wanted: Wanted) -> tuple[Finding, ...]:
        """Return why the host takes traffic past the LoadMaster now; whoever learned its MAC
        keeps it after the repair."""
        ...

    def evidence(self, state: NetState, wanted: Wanted) -> tuple[str, ...]:
        """Return in words what was seen on a host that is right."""
        ...
