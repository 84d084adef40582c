"""The network state of a real server as plain data: what a driver reads and a method compares.

Pure: no I/O.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from orchestrator.hosts.sections import Arptables, Firewalld, Persistence, Section

ArpKey = Literal["arp_ignore", "arp_announce"]

SYSCTL_FILE = "/etc/sysctl.d/90-kemp-dsr.conf"
RECORD_FILE = "/var/lib/kemp/dsr.json"
ARPTABLES_FILE = "/etc/sysconfig/arptables"
MANAGED_FILES = (SYSCTL_FILE, RECORD_FILE)
"""The files that this product writes on a host, as paths of the host."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HostAddress:
    """An address on an interface. ``label`` is only a name: never look a VIP up by it."""

    address: str
    prefix: int
    interface: str
    label: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Socket:
    """A TCP or UDP socket of the host.

    Attributes:
        protocol: ``tcp`` or ``udp``, whatever the address family.
        local_address: IPv4 also where an IPv6 socket carries it; ``::`` for such a socket
            that listens on every address.
        state: ``listen``, ``established``, ``time_wait``, ... (the kernel's word in lower
            case); ``unconn`` for a UDP socket without a peer.
    """

    protocol: str
    local_address: str
    local_port: int
    peer_address: str
    peer_port: int
    state: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PersistentSysctl:
    """One line of one sysctl file, in the order the boot reads them (last wins).

    Attributes:
        path: the file, as a path of the host.
        key: ``conf/eth0/arp_ignore``, however the file spells it; may hold ``*``.
        value: as written; "" for a line that takes the key out of every pattern (``-key``).
    """

    path: str
    key: str
    value: str


ROUTE_OPTIONS = ("advmss", "hoplimit", "initcwnd", "initrwnd", "mtu", "window")
"""Options of a route that are read and put back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """A route of the main table, or of another one.

    Attributes:
        version: 4 or 6.
        destination: ``default``, or ADDRESS/PREFIX.
        gateway: "" for a route without one.
        interface: "" for a route that leads nowhere (``kind`` says how).
        metric: the smaller one wins; 0 is what IPv4 has where none is given.
        table: ``main`` or a number.
        protocol: who set it: ``kernel``, ``boot``, ``static``, ``dhcp``, ``ra``, or a number.
        source: the address that packets get which have none; "" for the kernel's choice.
        kind: ``unicast``, ``blackhole``, ``unreachable``, ``prohibit``, ...
        onlink: the gateway counts as a neighbour whatever its address.
        options: those of ROUTE_OPTIONS that it has, with their numbers.
        hops: where several paths share the load: gateway and interface of each; the fields
            above are the first's.
    """

    version: int = 4
    destination: str
    gateway: str = ""
    interface: str = ""
    metric: int = 0
    table: str = "main"
    protocol: str = "boot"
    source: str = ""
    kind: str = "unicast"
    onlink: bool = False
    options: tuple[tuple[str, int], ...] = ()
    hops: tuple[tuple[str, str], ...] = ()


def same_way(one: Route, other: Route) -> bool:
    """Return whether two routes lead the same way; after a boot who set them has changed."""
    return (one.version, one.destination, one.table, one.gateway, one.interface) == (
        other.version,
        other.destination,
        other.table,
        other.gateway,
        other.interface,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyRule:
    """A rule that chooses the table.

    Attributes:
        version: 4 or 6.
        source, destination: ADDRESS or ADDRESS/PREFIX; ``all`` for every one.
        table: ``local``, ``main``, ``default`` or a number; "" where the rule does something
            else than look a table up.
        interface: the one that the packet came in on; "" for every one.
        mark: as ``ip`` prints it; "" for every packet.
        others: further words of the rule, as ``ip`` prints them. The netlink driver leaves
            them out.
    """

    version: int = 4
    priority: int
    source: str = "all"
    destination: str = "all"
    table: str = "main"
    interface: str = ""
    mark: str = ""
    others: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """What /etc/os-release says; "" where it does not.

    Attributes:
        id: ``centos``, ``rhel``, ``rocky``, ``debian``, ...
        version_id: ``7``, ``9``, ``9.4``.
    """

    id: str = ""
    version_id: str = ""

    @property
    def major(self) -> int | None:
        """Return the number before the dot; None where there is none."""
        number = self.version_id.partition(".")[0]
        return int(number) if number.isascii() and number.isdigit() else None


@dataclass(frozen=True, slots=True, kw_only=True)
class NetState:
    """What was read from a host in one go. A host that could not be read has none.

    Attributes:
        interfaces: name to MAC, "" where the device has none.
        addresses: IPv4 and IPv6.
        sysctls: live values, keys as ``conf/all/arp_ignore``, ``conf/eth0/arp_announce``,
            ``ip_forward`` (below net/ipv4).
        sysctls6: live values below net/ipv6: ``conf/eth0/proxy_ndp``; empty where IPv6 is
            switched off.
        persistent_sysctls: lines about arp_* in every file that the boot reads, in order.
        files: contents of the files this product manages there, by path; absent ones are missing.
        sockets: all TCP and UDP sockets.
        mtus: name to bytes.
        routes: the main tables of IPv4 and IPv6.
        rules: of both, in their order.
        hostname, release: what the host calls itself, and runs.
        user: who we are there; through sudo, who we were before.
        read_at: the host's clock, UTC, such as ``2026-11-28T00:09:50Z``.
        persistence, arptables, firewalld: None unless asked for.
    """

    interfaces: Mapping[str, str]
    addresses: tuple[HostAddress, ...]
    sysctls: Mapping[str, int]
    sysctls6: Mapping[str, int] = field(default_factory=dict)
    persistent_sysctls: tuple[PersistentSysctl, ...] = ()
    files: Mapping[str, str] = field(default_factory=dict)
    sockets: tuple[Socket, ...] = ()
    mtus: Mapping[str, int] = field(default_factory=dict)
    routes: tuple[Route, ...] = ()
    rules: tuple[PolicyRule, ...] = ()
    hostname: str = ""
    release: Release = field(default_factory=Release)
    user: str = ""
    read_at: str = field(default="", compare=False)
    persistence: Persistence | None = None
    arptables: Arptables | None = None
    firewalld: Firewalld | None = None

    @property
    def default_route(self) -> tuple[str, str] | None:
        """Return ``(gateway, interface)`` of IPv4 or None; gateway "" for a route without one."""
        route = self.default_route_of(4)
        return (route.gateway, route.interface) if route else None

    def default_route_of(self, version: int) -> Route | None:
        """Return the default route that counts: the one with the smallest metric."""
        leading = [
            one
            for one in self.routes
            if (one.destination, one.version, one.kind) == ("default", version, "unicast")
        ]
        return min(leading, key=lambda one: one.metric) if leading else None

    def content_of(self, path: str) -> str | None:
        """Return the content of a file that was read; None where it is not there."""
        if path in self.files:
            return self.files[path]
        files = dict(self.persistence.files) if self.persistence else {}
        if self.arptables is not None and self.arptables.saved is not None:
            files[ARPTABLES_FILE] = self.arptables.saved
        return files[path].content if path in files else None

    def sections(self) -> frozenset[Section]:
        """Return what was read beside the base."""
        return frozenset(one for one in Section if getattr(self, one.value) is not None)
