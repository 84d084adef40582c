"""The seam to a real server: read its state, change it."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from orchestrator.hosts.changes import NetChange
from orchestrator.hosts.sections import Section
from orchestrator.hosts.state import NetState

PersistenceName = Literal["network-scripts", "networkmanager", "dummy", "unit", "none"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Host:
    """A real server as an operator names it.

    Attributes:
        name: unique in the inventory.
        address: its own address (RIP), where health checks go.
        interface: the device with the RIP, the one that hears ARP.
        namespace: for the netlink driver: None for this machine's own network, a name
            below /run/netns, or a path such as /proc/123/fd/7.
        root: directory that holds the host's files, where it is not the host's own root.
            Tools (systemctl, nmcli, ...) are then those in it, called in a chroot; where it has
            no /bin/sh the host has none.
        user: for the ssh driver: who logs in; None leaves it to the ssh configuration.
        port: for the ssh driver: 1 to 65535; None leaves it to the ssh configuration.
        ssh_host: for the ssh driver: the name that ssh is given, such as an alias of its
            configuration; ``address`` where there is none.
        sudo: for the ssh driver: become root on the host with ``sudo -n``.
        persistence: who is to bring VIPs back after a boot; None: what the host has.
    """

    name: str
    address: str
    interface: str
    driver: str = "netlink"
    namespace: str | None = None
    root: str = "/"
    user: str | None = None
    port: int | None = None
    ssh_host: str | None = None
    sudo: bool = False
    persistence: PersistenceName | None = None


class HostDriver(Protocol):
    """Reads and changes hosts. Safe to use from several threads for different hosts."""

    def read(self, host: Host, sections: Collection[Section] = ()) -> NetState:
        """Read the base, and the sections asked for, in one round trip.

        Raises:
            HostUnreachable: could not be read; that is not an empty state.
        """
        ...

    def apply(self, host: Host, changes: Sequence[NetChange]) -> None:
        """Carry the changes out in order; stop at the first that fails.

        Raises:
            HostUnreachable: no way in.
            HostChangeFailed: names the change that failed and those that were done.
        """
        ...

    def apply_and_read(
        self, host: Host, changes: Sequence[NetChange], sections: Collection[Section] = ()
    ) -> NetState:
        """Carry the changes out, then read, in as few round trips as it takes.

        Raises:
            HostUnreachable: no way in, or the changes are made and it could not be read.
            HostChangeFailed: as ``apply``.
        """
        ...

    def run(self, host: Host, argv: Sequence[str], *, timeout_s: float) -> "CommandResult":
        """Run a command on the host (an operator's action), bounded in time."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandResult:
    """How a command on a host ended. ``exit_code`` None: ended by the timeout."""

    exit_code: int | None
    stdout: str
    stderr: str
