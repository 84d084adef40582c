"""Interfaces and their addresses, routes and gateways, names."""

from typing import TYPE_CHECKING, Final

from kempsdk.interfaces import BondMode
from kempsdk.recording.cases.case import case

if TYPE_CHECKING:
    from kempsdk.client import LoadMaster

_MORE: Final = "192.0.2.20/24"
_TWO_PORTS: Final = {"interfaces": ("192.0.2.10/24", "")}


def _bond(lm: "LoadMaster") -> None:
    lm.interfaces.make_bond(0)
    lm.interfaces.join_bond(1, 0)


CASES: Final = (
    case("showiface/all", lambda lm: lm.interfaces.list(), lambda lm: lm.interfaces.get(0)),
    case("showiface/unknown", lambda lm: lm.interfaces.get(77)),
    case(
        "modiface/two-settings",
        lambda lm: lm.interfaces.update(0, mtu=9000, geo=True),
        # It refuses what is so already, so this is not sent.
        lambda lm: lm.interfaces.update(0, mtu=9000),
    ),
    case("addadditional/one", lambda lm: lm.interfaces.add_address(0, _MORE)),
    case(
        "deladditional/one",
        lambda lm: lm.interfaces.remove_address(0, _MORE),
        prepare=lambda lm: lm.interfaces.add_address(0, _MORE),
    ),
    case("addvlan/one", lambda lm: lm.interfaces.add_vlan(0, 100)),
    case(
        "delvlan/one",
        lambda lm: lm.interfaces.delete_vlan(0, 100),
        lambda lm: lm.interfaces.list(),
        prepare=lambda lm: lm.interfaces.add_vlan(0, 100),
    ),
    case(
        "addvxlan/to-one-remote",
        lambda lm: lm.interfaces.add_vxlan(0, 5000, remote="192.0.2.200"),
    ),
    case(
        "delvxlan/one",
        lambda lm: lm.interfaces.delete_vxlan(lm.interfaces.list()[-1].id),
        lambda lm: lm.interfaces.list(),
        prepare=lambda lm: lm.interfaces.add_vxlan(0, 5000, remote="192.0.2.200"),
    ),
    case(
        "createbond/lacp",
        lambda lm: lm.interfaces.make_bond(0),
        lambda lm: lm.interfaces.update(0, bond_mode=BondMode.LACP),
        switches=_TWO_PORTS,
    ),
    case(
        "addbond/second-port",
        lambda lm: lm.interfaces.join_bond(1, 0),
        lambda lm: lm.interfaces.list(),
        prepare=lambda lm: lm.interfaces.make_bond(0),
        switches=_TWO_PORTS,
    ),
    case(
        "delbond/second-port",
        lambda lm: lm.interfaces.leave_bond(1, 0),
        lambda lm: lm.interfaces.list(),
        prepare=_bond,
        switches=_TWO_PORTS,
    ),
    case(
        "unbond/whole",
        lambda lm: lm.interfaces.unmake_bond(0),
        prepare=lambda lm: lm.interfaces.make_bond(0),
        switches=_TWO_PORTS,
    ),
    case("showroute/none", lambda lm: lm.routes.list()),
    case(
        "showroute/one",
        lambda lm: lm.routes.list(),
        lambda lm: lm.routes.get("203.0.113.0/24"),
        prepare=lambda lm: lm.routes.add("203.0.113.0/24", "192.0.2.1"),
    ),
    case("addroute/network", lambda lm: lm.routes.add("203.0.113.0/24", "192.0.2.1")),
    case(
        "delroute/one",
        lambda lm: lm.routes.delete("203.0.113.0/24"),
        lambda lm: lm.routes.list(),
        prepare=lambda lm: lm.routes.add("203.0.113.0/24", "192.0.2.1"),
    ),
    case(
        "set/gateways",
        lambda lm: lm.gateways.update(ipv4="192.0.2.1", ipv6="2001:db8::1", snat=True),
    ),
    case("gethosts/none", lambda lm: lm.hosts.list()),
    case(
        "gethosts/one",
        lambda lm: lm.hosts.list(),
        lambda lm: lm.hosts.get("198.51.100.7"),
        prepare=lambda lm: lm.hosts.add("198.51.100.7", "web.example"),
    ),
    case("addhostsentry/new", lambda lm: lm.hosts.add("198.51.100.7", "web.example")),
    case(
        "delhostsentry/one",
        lambda lm: lm.hosts.delete("198.51.100.7"),
        lambda lm: lm.hosts.list(),
        prepare=lambda lm: lm.hosts.add("198.51.100.7", "web.example"),
    ),
    case(
        "set/dns",
        lambda lm: lm.dns.update(
            hostname="lb7", name_servers=["192.0.2.53", "192.0.2.54"], update_interval_min=5
        ),
    ),
    case("resolvenow/done", lambda lm: lm.dns.resolve_now()),
)
