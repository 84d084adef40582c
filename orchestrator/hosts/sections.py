"""Parts of a host's state that are read only when a method asks for them. Pure data.

Each costs time on the host (a call of firewall-cmd takes about 0.2 s), so a read names the
ones it wants; one that was not read is None in NetState, never an empty one.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum


class Section(str, Enum):
    """What may be read beside the base."""

    PERSISTENCE = "persistence"
    ARPTABLES = "arptables"
    FIREWALLD = "firewalld"


@dataclass(frozen=True, slots=True, kw_only=True)
class HostFile:
    """A file that the host reads at boot.

    Attributes:
        content: of an NetworkManager keyfile only the sections connection, ipv4 and ipv6,
            and of comments only our header: the others may hold secrets.
        mode: permission bits.
        owner: number of the user who owns it; 0 is root.
    """

    content: str
    mode: int
    owner: int


@dataclass(frozen=True, slots=True, kw_only=True)
class NmProfile:
    """A connection that NetworkManager has.

    Attributes:
        device: where it is active; "" where it is not.
        path: its file; "" where NetworkManager keeps it in memory only.
    """

    uuid: str
    device: str
    path: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Persistence:
    """What brings the network back after a boot.

    Attributes:
        systemd: the host runs systemd now.
        units: what ``systemctl is-enabled`` says (``enabled``, ``disabled``, ``masked``,
            ``static``); "" for a unit that is not there, or without systemd.
        network_scripts: the shell scripts of that name are installed (they read ifcfg files).
        nm_version: of nmcli, such as ``1.42.4``; "" where it is not installed.
        nm_running: NetworkManager answers.
        profiles: its connections, where it answers.
        devices: state of each device by NetworkManager (``connected``, ``unmanaged``,
            ``connected (externally)``), where it answers.
        files: by path: ifcfg, route and rule files about lo, a dummy or the interface,
            /etc/sysconfig/network, keyfiles about the same, and units of ours.
    """

    systemd: bool = False
    units: Mapping[str, str] = field(default_factory=dict)
    network_scripts: bool = False
    nm_version: str = ""
    nm_running: bool = False
    profiles: tuple[NmProfile, ...] = ()
    devices: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, HostFile] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Arptables:
    """The ARP rules of a host.

    Attributes:
        version: what ``arptables --version`` prints; "" where there is no arptables.
        rules: as ``arptables-save`` writes them, with addresses throughout.
        saved: /etc/sysconfig/arptables; None where it is not there.
        service: what ``systemctl is-enabled arptables`` says; "" where there is no such unit.
    """

    version: str = ""
    rules: str = ""
    saved: HostFile | None = None
    service: str = ""

    @property
    def variant(self) -> str:
        """Return ``nft``, ``legacy``, or "" where there is no arptables."""
        if not self.version:
            return ""
        return "nft" if "nf_tables" in self.version else "legacy"


@dataclass(frozen=True, slots=True, kw_only=True)
class Zone:
    """A firewalld zone, as ``--list-all`` shows it.

    Attributes:
        ports: ``80/tcp``.
        forward_ports: ``port=80:proto=tcp:toport=80:toaddr=``.
    """

    name: str
    target: str = "default"
    interfaces: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    services: tuple[str, ...] = ()
    ports: tuple[str, ...] = ()
    protocols: tuple[str, ...] = ()
    forward_ports: tuple[str, ...] = ()
    masquerade: bool = False
    rich_rules: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Firewalld:
    """The firewall of a host, as far as the interface's zone.

    Attributes:
        version: of firewall-cmd; "" where firewalld is not installed.
        running: it answers; otherwise ``runtime`` and ``direct`` are empty, and the permanent
            side was read from its files (firewall-offline-cmd).
        service: what ``systemctl is-enabled firewalld`` says.
        zone: name of the interface's zone: the running one's, or the one it will be in.
        direct: rules of the direct interface, one line each.
    """

    version: str = ""
    running: bool = False
    service: str = ""
    zone: str = ""
    runtime: Zone | None = None
    permanent: Zone | None = None
    direct: tuple[str, ...] = ()
    direct_permanent: tuple[str, ...] = ()
