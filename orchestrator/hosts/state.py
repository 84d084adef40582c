"""The network state of a real server, and changes to it, as plain data.

Pure: no I/O. Facts are read by a driver, compared by a method, changed by a driver.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

ArpKey = Literal["arp_ignore", "arp_announce"]

SYSCTL_FILE = "/etc/sysctl.d/90-kemp-dsr.conf"
RECORD_FILE = "/var/lib/kemp/dsr.json"
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


@dataclass(frozen=True, slots=True, kw_only=True)
class NetState:
    """What was read from a host in one go. A host that could not be read has none.

    Attributes:
        interfaces: name to MAC, "" where the device has none.
        sysctls: live values, keys as ``conf/all/arp_ignore``, ``conf/eth0/arp_announce``
            (below net/ipv4).
        persistent_sysctls: lines about arp_* in every file that the boot reads, in order.
        files: contents of the files this product manages there, by path; absent ones are missing.
        sockets: all TCP and UDP sockets.
        default_route: ``(gateway, interface)`` or None; gateway "" for a route without one.
    """

    interfaces: Mapping[str, str]
    addresses: tuple[HostAddress, ...]
    sysctls: Mapping[str, int]
    persistent_sysctls: tuple[PersistentSysctl, ...] = ()
    files: Mapping[str, str] = field(default_factory=dict)
    sockets: tuple[Socket, ...] = ()
    default_route: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SetSysctl:
    """Set a live value; ``before`` is what was read, for the inverse."""

    key: str
    value: int
    before: int


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteFile:
    """Write a managed file atomically; ``content`` None removes it."""

    path: str
    content: str | None
    before: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AddAddress:
    """Add an address; one that is there already is left alone."""

    address: HostAddress


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoveAddress:
    """Remove an address; one that is not there is left alone."""

    address: HostAddress


NetChange = SetSysctl | WriteFile | AddAddress | RemoveAddress


def inverse(change: NetChange) -> NetChange:
    """Return the change that takes this one back."""
    match change:
        case SetSysctl():
            return SetSysctl(key=change.key, value=change.before, before=change.value)
        case WriteFile():
            return WriteFile(path=change.path, content=change.before, before=change.content)
        case AddAddress():
            return RemoveAddress(address=change.address)
        case RemoveAddress():
            return AddAddress(address=change.address)


def describe(change: NetChange) -> str:
    """Return the change as one line for a plan."""
    match change:
        case SetSysctl():
            return f"set net/ipv4/{change.key} to {change.value} (was {change.before})"
        case WriteFile(content=None):
            return f"remove the file {change.path}"
        case WriteFile(before=None):
            return f"write the file {change.path}"
        case WriteFile():
            return f"change the file {change.path}"
        case AddAddress(address=address):
            label = f" label {address.label}" if address.label else ""
            return f"add {address.address}/{address.prefix} to {address.interface}{label}"
        case RemoveAddress(address=address):
            return f"remove {address.address}/{address.prefix} from {address.interface}"
