"""The file a person writes: what there is, and what is to be done with it.

One YAML document holds both::

    loadmasters:
      lb1: {url: https://192.0.2.10}
    services:
      web: {loadmaster: lb1, service: "tcp/203.0.113.250:80", method: loopback}
    hosts:
      web1: {address: 203.0.113.11, interface: eth0}
      web2: {address: 203.0.113.12, interface: eth0}
      web3: {address: 203.0.113.13, interface: eth0}
    pools:
      web: {service: web, hosts: [web1, web2, web3]}
    rollout:
      kind: roll
      pool: web
      action: {argv: [systemctl, restart, httpd]}

Plain data: orchestrator.inventory reads and checks the file and says the line of a
mistake. Durations are seconds. No credential belongs here.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, ClassVar, Literal

from annotated_types import Ge, Le

from kempsdk.references import RsRef, VsRef
from orchestrator.hosts.driver import Host, PersistenceName
from orchestrator.hosts.methods.method import MethodName
from orchestrator.members import Member
from orchestrator.rollout_spec import STRICT, Amount, RolloutSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadMasterSpec:
    """How to reach one LoadMaster; credentials come from the profile or the environment."""

    __pydantic_config__: ClassVar[dict[str, object]] = STRICT

    url: str
    """Address of the API, https://HOST[:PORT]."""
    profile: str | None = None
    """Profile of the kemp command that holds the credentials."""
    tls_pin: str | None = None
    """SHA-256 of the certificate, in hexadecimal, where no authority vouches for it."""
    macs: tuple[str, ...] = ()
    """MACs with which it answers ARP on the servers' segment; of a pair those of both units.
    Left out, they are learned from its own addresses there."""
    segment_address: str | None = None
    """Its own address on the servers' segment, of which its MAC is learned. Left out, those
    of its interfaces there, as the LoadMaster tells them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthSpec:
    """What a healthy server answers."""

    __pydantic_config__: ClassVar[dict[str, object]] = STRICT

    path: str = "/"
    """Path asked for over HTTP."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceSpec:
    """A virtual service and how its servers receive traffic."""

    __pydantic_config__: ClassVar[dict[str, object]] = STRICT

    loadmaster: str
    """Name of the LoadMaster, as above."""
    service: str
    """PROTOCOL/ADDRESS:PORT, for example tcp/203.0.113.250:80."""
    method: MethodName
    """Direct return: loopback, each server carries the VIP on lo, silent in ARP; arptables, its
    ARP is kept silent by rules of arptables; firewalld, the VIP is redirected there and on no
    device. Layer 7: gateway, each server's default route leads to the LoadMaster; none, nothing
    on the servers."""
    gateway: str | None = None
    """method gateway: address of the LoadMaster on the servers' segment."""
    monitors: tuple[str, ...] = ()
    """Addresses of monitors and other known clients: those that cannot work are named."""
    health: HealthSpec | None = None
    """What the servers answer; left out, the appliance's own check is all there is."""

    @property
    def ref(self) -> VsRef:
        return VsRef.parse(self.service)


@dataclass(frozen=True, slots=True, kw_only=True)
class HostSpec:
    """A real server."""

    __pydantic_config__: ClassVar[dict[str, object]] = STRICT

    address: str
    """Its own address (RIP), where health checks go."""
    interface: str
    """The device with that address, the one that hears ARP."""
    driver: Literal["netlink", "ssh"] = "netlink"
    """How it is reached. netlink: this machine, or a network namespace of it. ssh: with the
    system's OpenSSH and the configuration of whoever runs this."""
    namespace: str | None = None
    """netlink: a name below /run/netns or a path; none for this machine's own network."""
    root: str = "/"
    """Directory that holds the host's files."""
    user: str | None = None
    """ssh: who logs in; left out, the ssh configuration says."""
    port: Annotated[int, Ge(1), Le(65535)] | None = None
    """ssh: port; left out, the ssh configuration says."""
    ssh_host: str | None = None
    """ssh: the name that ssh is given, such as an alias; the address where left out."""
    sudo: bool = False
    """ssh: become root there with sudo -n."""
    persistence: PersistenceName | None = None
    """Who is to bring the service addresses back after a boot: network-scripts (ifcfg-lo:N),
    networkmanager (a profile for lo), dummy (a profile for a dummy interface), unit (one of
    systemd), none. Left out: what the host has."""
    labels: Mapping[str, str] = field(default_factory=dict)
    """What a rollout selects it by, and kemp host --group; such as {rack: a, role: web}."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolSpec:
    """Servers of one service."""

    __pydantic_config__: ClassVar[dict[str, object]] = STRICT

    service: str
    """Name of the service, as above."""
    hosts: tuple[str, ...]
    """Names of the hosts, in the order they are worked on."""
    port: Annotated[int, Ge(1), Le(65535)] | None = None
    """Port of the servers; the service's own where left out (direct return needs that)."""
    weight: Annotated[int, Ge(1), Le(65535)] | None = None
    """Relative share of traffic, 1 to 65535. Left out: 1000 for a new server, unchanged else."""
    max_unavailable: Amount | None = None
    """Servers of this pool's service that may be out at once; what the rollout says, if
    left out."""
    min_healthy: Amount | None = None
    """Healthy servers of this pool's service that must be left; what the rollout says, if
    left out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ArpProbeSpec:
    """A place on the servers' segment, not a server, from which ARP is asked for the VIP."""

    __pydantic_config__: ClassVar[dict[str, object]] = STRICT

    interface: str | None = None
    """Device of this machine on the segment."""
    namespace: str | None = None
    """Network namespace of that device; none for this machine's own."""
    station: str | None = None
    """In place of both: the name of a station, as below, which is asked to do it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Spec:
    """The whole file."""

    __pydantic_config__: ClassVar[dict[str, object]] = STRICT

    loadmasters: Mapping[str, LoadMasterSpec]
    """LoadMasters by name."""
    services: Mapping[str, ServiceSpec]
    """Virtual services by name."""
    hosts: Mapping[str, HostSpec]
    """Real servers by name."""
    pools: Mapping[str, PoolSpec]
    """Which servers belong to which service."""
    stations: Mapping[str, HostSpec] = field(default_factory=dict)
    """Machines on the servers' segment that are no servers, by name: to probe from, and
    routers."""
    routers: tuple[str, ...] = ()
    """Stations that send clients' packets to the VIPs: which MAC they have for them is read."""
    arp_probe: ArpProbeSpec | None = None
    """From where ARP is watched; without it only the hosts' own settings are proof."""
    rollout: RolloutSpec | None = None
    """What is to be done; an inventory alone has none."""

    def host(self, name: str) -> Host:
        """Return a host as drivers want it."""
        return _host(name, self.hosts[name])

    def station(self, name: str) -> Host:
        """Return a station as drivers want it."""
        return _host(name, self.stations[name])

    def service_of(self, pool: str) -> ServiceSpec:
        """Return the service of a pool."""
        return self.services[self.pools[pool].service]

    def server(self, pool: str, host: str) -> RsRef:
        """Return a host of a pool as the LoadMaster names it."""
        port = self.pools[pool].port or self.service_of(pool).ref.port
        return RsRef(self.hosts[host].address, port)

    def member(self, pool: str, host: str) -> Member:
        """Return a host's place in the service of a pool."""
        entry = self.service_of(pool)
        return Member(
            pool=pool,
            host=host,
            loadmaster=entry.loadmaster,
            vs=entry.ref,
            rs=self.server(pool, host),
            method=entry.method,
            gateway=entry.gateway,
            clients=entry.monitors,
        )

    def pools_of(self, host: str) -> tuple[str, ...]:
        """Return the pools that a host is in, in the order of the file."""
        return tuple(name for name, pool in self.pools.items() if host in pool.hosts)


def _host(name: str, entry: HostSpec) -> Host:
    return Host(
        name=name,
        address=entry.address,
        interface=entry.interface,
        driver=entry.driver,
        namespace=entry.namespace,
        root=entry.root,
        user=entry.user,
        port=entry.port,
        ssh_host=entry.ssh_host,
        sudo=entry.sudo,
        persistence=entry.persistence,
    )
