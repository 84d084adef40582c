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

from annotated_types import Ge, Gt, Le, MinLen

from kempsdk.references import RsRef, VsRef
from orchestrator.hosts.driver import Host
from orchestrator.hosts.methods.method import MethodName, Wanted

Kind = Literal["add", "drain", "remove", "roll"]
AtDeadline = Literal["fail", "skip", "force"]

Seconds = Annotated[float, Ge(0), Le(7 * 24 * 3600)]
Period = Annotated[float, Gt(0), Le(7 * 24 * 3600)]

_STRICT: dict[str, object] = {
    "extra": "forbid",
    "use_attribute_docstrings": True,
    "allow_inf_nan": False,
}
"""Read by pydantic, which only orchestrator.inventory imports: unknown keys are mistakes."""

ACTION_FIELDS = frozenset({"host", "address", "run"})
"""What is filled in, in braces, in the arguments of an action."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadMasterSpec:
    """How to reach one LoadMaster; credentials come from the profile or the environment."""

    __pydantic_config__: ClassVar[dict[str, object]] = _STRICT

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

    __pydantic_config__: ClassVar[dict[str, object]] = _STRICT

    path: str = "/"
    """Path asked for over HTTP."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceSpec:
    """A virtual service and how its servers receive traffic."""

    __pydantic_config__: ClassVar[dict[str, object]] = _STRICT

    loadmaster: str
    """Name of the LoadMaster, as above."""
    service: str
    """PROTOCOL/ADDRESS:PORT, for example tcp/203.0.113.250:80."""
    method: MethodName
    """loopback: direct return, each server carries the VIP on lo. none: nothing on the servers."""
    gateway: str | None = None
    """method gateway: address of the LoadMaster on the servers' segment."""
    health: HealthSpec | None = None
    """What the servers answer; None where the appliance's own check is all there is."""

    @property
    def ref(self) -> VsRef:
        return VsRef.parse(self.service)


@dataclass(frozen=True, slots=True, kw_only=True)
class HostSpec:
    """A real server."""

    __pydantic_config__: ClassVar[dict[str, object]] = _STRICT

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


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolSpec:
    """Servers of one service."""

    __pydantic_config__: ClassVar[dict[str, object]] = _STRICT

    service: str
    """Name of the service, as above."""
    hosts: tuple[str, ...]
    """Names of the hosts, in the order they are worked on."""
    port: Annotated[int, Ge(1), Le(65535)] | None = None
    """Port of the servers; the service's own where left out (direct return needs that)."""
    weight: Annotated[int, Ge(1), Le(65535)] | None = None
    """Relative share of traffic, 1 to 65535. Left out: 1000 for a new server, unchanged else."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ArpProbeSpec:
    """A place on the servers' segment, not a server, from which ARP is asked for the VIP."""

    __pydantic_config__: ClassVar[dict[str, object]] = _STRICT

    interface: str
    """Device on the segment."""
    namespace: str | None = None
    """Network namespace of that device; none for this machine's own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DrainSpec:
    """When a disabled server counts as drained, and what to do when it does not happen."""

    __pydantic_config__: ClassVar[dict[str, object]] = _STRICT

    connections: Annotated[int, Ge(0)] = 0
    """Connections that may be left."""
    window_s: Period = 15.0
    """Both counts must stay at the limit this long."""
    poll_s: Period = 5.0
    """Time between observations; the appliance samples about every 5 s."""
    deadline_s: Period = 900.0
    """Counted from the first start of waiting, restarts included."""
    at_deadline: AtDeadline = "fail"
    """fail: the server stays out and the run pauses. skip: put it back and go on with the
    next one. force: go on and cut what is left."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionSpec:
    """What the operator wants done to a drained server."""

    __pydantic_config__: ClassVar[dict[str, object]] = _STRICT

    argv: Annotated[tuple[str, ...], MinLen(1)]
    """The command and its arguments; no shell. {host}, {address} and {run} are filled in. They
    and the end of what it prints are kept with the run: no secret belongs in either."""
    on: Literal["host", "here"] = "host"
    """On the server, or on the machine that runs the rollout."""
    timeout_s: Period = 600.0
    """Ended after this long, which counts as failed."""
    repeatable: bool = True
    """Whether it may run again when it is not known to have ended (the run was killed in the
    middle of it). Otherwise the run pauses and a person decides."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RolloutSpec:
    """One change to the servers of a pool."""

    __pydantic_config__: ClassVar[dict[str, object]] = _STRICT

    kind: Kind
    """add: prepare and put in. drain: take out. remove: take out and away.
    roll: take out, act, put back."""
    pool: str
    """Name of the pool, as above."""
    hosts: tuple[str, ...] = ()
    """Only these of the pool, in this order; all where left out."""
    batch: int | str = 1
    """Servers worked on together: a number, or a percentage of the hosts, rounded down."""
    max_unavailable: Annotated[int, Ge(1)] = 1
    """Servers of the service that may be out at once, by what the LoadMaster says."""
    min_healthy: Annotated[int, Ge(1)] = 1
    """Healthy servers that must be left after every disable; at least 1."""
    settle_s: Seconds = 5.0
    """Wait after a disable before counters are trusted."""
    drain: DrainSpec = field(default_factory=DrainSpec)
    """When a disabled server counts as drained."""
    min_healthy_s: Seconds = 10.0
    """Up without a break this long before a server counts as back."""
    healthy_deadline_s: Period = 120.0
    """A server not up for min_healthy_s within this time has failed and is taken out."""
    action: ActionSpec | None = None
    """Done to each drained server of a roll."""
    on_failure: Literal["pause"] = "pause"
    """pause: the failed server stays out, servers not begun are left alone."""
    allow: tuple[str, ...] = ()
    """Ids of rules that this rollout may break."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Spec:
    """The whole file."""

    __pydantic_config__: ClassVar[dict[str, object]] = _STRICT

    loadmasters: Mapping[str, LoadMasterSpec]
    """LoadMasters by name."""
    services: Mapping[str, ServiceSpec]
    """Virtual services by name."""
    hosts: Mapping[str, HostSpec]
    """Real servers by name."""
    pools: Mapping[str, PoolSpec]
    """Which servers belong to which service."""
    arp_probe: ArpProbeSpec | None = None
    """From where ARP is watched; without it only the hosts' own settings are proof."""
    rollout: RolloutSpec | None = None
    """What is to be done; an inventory alone has none."""

    def host(self, name: str) -> Host:
        """Return a host as drivers want it."""
        entry = self.hosts[name]
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
        )

    def wanted(self, pool: str, host: str) -> Wanted:
        """Return what a host of a pool is to carry."""
        service = self.service_of(pool)
        return Wanted(host=self.host(host), services=(service.ref,), gateway=service.gateway)

    def service_of(self, pool: str) -> ServiceSpec:
        """Return the service of a pool."""
        return self.services[self.pools[pool].service]

    def server(self, pool: str, host: str) -> RsRef:
        """Return a host of a pool as the LoadMaster names it."""
        port = self.pools[pool].port or self.service_of(pool).ref.port
        return RsRef(self.hosts[host].address, port)


def batch_size(rollout: RolloutSpec, hosts: int) -> int:
    """Return how many servers are worked on together, at least 1.

    Args:
        hosts: how many the rollout is about.

    Raises:
        ValueError: not a number or percentage, more than there are, or less than one.
    """
    text = str(rollout.batch).strip()
    if text.endswith("%") and text[:-1].isascii() and text[:-1].isdigit():
        percent = int(text[:-1])
        if not 1 <= percent <= 100:
            raise ValueError(f"{text} is not between 1% and 100%")
        size = hosts * percent // 100
        if size == 0:
            raise ValueError(f"{text} of {hosts} hosts is less than one; write a number")
        return size
    if not (text.isascii() and text.isdigit()):
        raise ValueError(f"{rollout.batch!r} is neither a number nor a percentage such as 50%")
    size = int(text)
    if size == 0:
        raise ValueError("0 hosts at a time never ends")
    if size > hosts:
        raise ValueError(f"{size} hosts at a time, but there are only {hosts}")
    return size
