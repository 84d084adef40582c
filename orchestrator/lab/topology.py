"""What the lab's network looks like, as plain data. Addresses are those reserved for documentation.

::

    client .10 --- 198.51.100.0/24 --- .1 router .1 --- 203.0.113.0/24 --- lb .10
                                                                      |--- web1 .11, web2 .12, ...
                                                                      |--- admin .2 (the operator)

With a pair the load balancers are lb1 .8 and lb2 .9, and .10 is their shared address.
"""

from dataclasses import dataclass

SEGMENT_PREFIX = 24
MAX_HOSTS = 200
CLIENT_NETWORK = "198.51.100.0"
INTERFACE = "eth0"
VIP = "203.0.113.250"
LB_ADDRESS = "203.0.113.10"
"""Of the load balancer; of a pair the shared address."""
UNITS = ("lb1", "lb2")
UPLINK = "eth1"
BRIDGE = "segment"


@dataclass(frozen=True, slots=True, kw_only=True)
class Station:
    """One machine of the lab.

    Attributes:
        interface: its device on the network named by ``address``.
        mac: fixed and locally administered, so that evidence can be read.
        gateway: of its default route, or None.
    """

    name: str
    address: str
    mac: str
    gateway: str | None
    interface: str = INTERFACE


@dataclass(frozen=True, slots=True, kw_only=True)
class Topology:
    """The stations of one lab.

    Attributes:
        segment: those on the servers' segment, ``admin`` first: it holds the bridge.
        balancers: one, or the two units of a pair.
        router_uplink: the router's side of the client's network.
        vip: on the segment; no kernel interface of the lab has it to begin with.
    """

    segment: tuple[Station, ...]
    balancers: tuple[Station, ...]
    servers: tuple[Station, ...]
    client: Station
    router_uplink: Station
    vip: str = VIP

    @property
    def pair(self) -> bool:
        """Return whether the load balancers are a pair."""
        return len(self.balancers) > 1


def topology(hosts: int, *, pair: bool = False) -> Topology:
    """Lay out a lab with ``hosts`` real servers (1 to 200).

    Args:
        pair: two load balancers with a shared address.

    Raises:
        ValueError: that many do not fit.
    """
    if not 1 <= hosts <= MAX_HOSTS:
        raise ValueError(f"a lab has 1 to {MAX_HOSTS} hosts, not {hosts}")
    router = "203.0.113.1"
    servers = tuple(
        Station(
            name=f"web{n}",
            address=f"203.0.113.{10 + n}",
            mac=f"02:00:00:00:00:{0x10 + n:02x}",
            gateway=router,
        )
        for n in range(1, hosts + 1)
    )
    admin = Station(
        name="admin",
        address="203.0.113.2",
        mac="02:00:00:00:00:02",
        gateway=router,
        interface=BRIDGE,
    )
    numbers = dict(zip(UNITS, (8, 9), strict=True)) if pair else {"lb": 10}
    balancers = tuple(
        Station(
            name=name,
            address=f"203.0.113.{number}",
            mac=f"02:00:00:00:00:{number:02x}",
            gateway=router,
        )
        for name, number in numbers.items()
    )
    segment = (
        admin,
        Station(name="router", address=router, mac="02:00:00:00:00:01", gateway=None),
        *balancers,
        *servers,
    )
    return Topology(
        segment=segment,
        balancers=balancers,
        servers=servers,
        client=Station(
            name="client",
            address="198.51.100.10",
            mac="02:00:00:00:01:0a",
            gateway="198.51.100.1",
        ),
        router_uplink=Station(
            name="router",
            address="198.51.100.1",
            mac="02:00:00:00:01:01",
            gateway=None,
            interface=UPLINK,
        ),
    )
