"""Interfaces, VLANs, VXLANs, bonds and additional addresses; the network's state."""

import ipaddress
from dataclasses import dataclass, field
from typing import Final

from kempsdk.emulator.answers import DONE, Answer, Many, Members, Refusal, Words, missing
from kempsdk.emulator.appliance import Appliance
from kempsdk.emulator.firmware import interface_as_shown
from kempsdk.emulator.registry import Api, Request, command
from kempsdk.emulator.sections import BASE, section
from kempsdk.emulator.values import Params, address_of, flag_of

_NOTHING_MODIFIED: Final = "Nothing Modified"
UNKNOWN_INTERFACE: Final = "Unknown interface"
_MTU: Final = range(512, 9217)
_MAX_VLAN: Final = 4094


@dataclass(slots=True, kw_only=True)
class Interface:
    """A port, or what was made of one.

    Attributes:
        kind: Port, Bond, VLAN or VXLAN; but for Port the words are guesses.
        parent: the interface that a VLAN or VXLAN is on.
        tag: VLAN number or VXLAN network identifier.
        bond: the bond that a port is a member of.
    """

    id: int
    address: str = ""
    mtu: int = 1500
    kind: str = "Port"
    shared: str = ""
    partner: str = ""
    additional: list[str] = field(default_factory=list)
    is_default: bool = False
    geo: bool = False
    ha_check: bool = False
    cluster_update: bool = False
    admin_wui: bool = False
    telemetry: bool = False
    bond_mode: int = 1
    bond: int | None = None
    parent: int | None = None
    tag: int = 0
    group: str = ""
    remote: str = ""


@section("network", part=BASE)
@dataclass(slots=True, kw_only=True)
class Network:
    """Attributes:
    routes: gateway by destination.
    hosts: name by address.
    """

    interfaces: dict[int, Interface] = field(default_factory=dict)
    routes: dict[str, str] = field(default_factory=dict)
    hosts: dict[str, str] = field(default_factory=dict)


def network_of(box: Appliance) -> Network:
    """Return the network; a new appliance has the interfaces that the switches name."""
    network = box.state.section(Network)
    if not network.interfaces:
        for number, address in enumerate(box.switches.interfaces):
            first = number == 0
            network.interfaces[number] = Interface(
                id=number,
                address=address,
                is_default=first,
                geo=first,
                ha_check=first,
                cluster_update=first,
                admin_wui=first,
            )
    return network


def stand_in_pair(box: Appliance, mode: str) -> None:
    """Give eth0 what it has in a pair, unless somebody did: its partner's and a shared address.

    The two that follow the first unit's address, so that both units say the same.

    Args:
        mode: 1 or 2, which of the units this is.
    """
    eth0 = network_of(box).interfaces[0]
    if eth0.shared or not eth0.address:
        return
    first = ipaddress.ip_interface(eth0.address)
    units = [first.ip, first.ip + 1]
    own = units.pop(int(mode) - 1)
    eth0.address = f"{own}/{first.network.prefixlen}"
    eth0.partner = str(units[0])
    eth0.shared = str(first.ip + 2)


def interface_of(box: Appliance, params: Params) -> Interface:
    given = params.given("interface")
    if given is None:
        given = params.given("iface")
    if given is None:
        raise missing("interface")
    found = network_of(box).interfaces.get(int(given)) if given.isdigit() else None
    if found is None:
        # The text is a guess.
        raise Refusal(UNKNOWN_INTERFACE)
    return found


def _members(box: Appliance, one: Interface, address: str, api: Api) -> Members:
    # QUIRK: v1 mixes Y and yes within one answer (7.2.63).
    default = one.is_default if api == "v2" else ("yes" if one.is_default else "no")
    members: Members = [("Id", one.id), ("IPAddress", address), ("Mtu", str(one.mtu))]
    if one.shared:
        members.append(("SharedIPAddress", one.shared))
    if one.partner:
        members.append(("PartnerIPAddress", one.partner))
    if one.additional:
        members.append(("AdditionalAddresses", Words("IPaddress", tuple(one.additional))))
    members += [
        ("InterfaceType", one.kind),
        ("GeoTrafficEnable", one.geo),
        ("DefaultInterface", default),
    ]
    if one.parent is not None:
        # How a VLAN or VXLAN shows is a guess.
        members += [("Parent", one.parent), ("VlanId" if one.kind == "VLAN" else "Vni", one.tag)]
        members += [(name, text) for name, text in _vxlan(one) if text]
    return interface_as_shown(members, box.switches.firmware, has_wui=one.admin_wui)


def _vxlan(one: Interface) -> list[tuple[str, str]]:
    return [("Group", one.group), ("Remote", one.remote)]


@command("showiface")
def showiface(box: Appliance, request: Request) -> Answer:
    if "interface" in request.params or "iface" in request.params:
        one = interface_of(box, request.params)
        return Answer(members=[("Interface", Many([_members(box, one, one.address, request.api)]))])
    rows: list[Members] = []
    last = ""
    for one in network_of(box).interfaces.values():
        # QUIRK: in a list, one without an address repeats the address of the one before.
        last = one.address or last
        rows.append(_members(box, one, last, request.api))
    return Answer(members=[("Interface", Many(rows))])


def _cidr(text: str) -> str:
    """Return address/prefix.

    Raises:
        Refusal: it is none; the text is that of aclcontrol, so a guess here.
    """
    try:
        return str(ipaddress.ip_interface(text))
    except ValueError:
        raise Refusal("addr: Invalid address format") from None


def host_address(name: str, text: str) -> str:
    found = "" if not text else address_of(text)
    if found is None:
        raise Refusal(f"{name}: Invalid address format")
    return found


def _move(box: Appliance, one: Interface, attribute: str, value: str) -> bool:
    """Give a switch that exactly one interface has to this one; it cannot be switched off.

    Raises:
        Refusal: it was to be switched off; the text is a guess.
    """
    on = flag_of(value)
    if getattr(one, attribute) == on:
        return False
    if not on:
        raise Refusal(_NOTHING_MODIFIED)
    for other in network_of(box).interfaces.values():
        setattr(other, attribute, other is one)
    return True


def _switch(one: Interface, attribute: str, value: str) -> bool:
    on = flag_of(value)
    if on is None or getattr(one, attribute) == on:
        return False
    setattr(one, attribute, on)
    return True


def _store(one: Interface, attribute: str, value: str | int) -> bool:
    changed = bool(getattr(one, attribute) != value)
    setattr(one, attribute, value)
    return changed


def _change(box: Appliance, one: Interface, params: Params) -> bool:
    """Change the first setting that was given, in the documented order."""
    if (given := params.given("addr")) is not None:
        return _store(one, "address", _cidr(given) if given else "")
    if "mtu" in params:
        mtu = params.number("mtu")
        if mtu is None or mtu not in _MTU:
            raise Refusal("mtu: value out of range")
        return _store(one, "mtu", mtu)
    for name, attribute in (("hacheck", "ha_check"), ("clupdate", "cluster_update")):
        if name in params:
            return _move(box, one, attribute, params.get(name))
    if "gwiface" in params:
        return _move(box, one, "is_default", params.get("gwiface"))
    if "bondmode" in params:
        mode = params.number("bondmode")
        if one.kind != "Bond" or mode not in (1, 4):
            return False
        return _store(one, "bond_mode", mode)
    for name, attribute in (
        ("partner", "partner"),
        ("partneripaddress", "partner"),
        ("shared", "shared"),
        ("sharedipaddress", "shared"),
    ):
        if name in params:
            return _store(one, attribute, host_address(name, params.get(name)))
    if "adminwuienable" in params:
        wanted = params.flag("adminwuienable")
        if wanted and box.state.parameters.get("multihomedwui") != "yes":
            return False
        return _switch(one, "admin_wui", params.get("adminwuienable"))
    return "geotraffic" in params and _switch(one, "geo", params.get("geotraffic"))


@command("modiface", mutates=True)
def modiface(box: Appliance, request: Request) -> Answer:
    one = interface_of(box, request.params)
    if not _change(box, one, request.params):
        raise Refusal(_NOTHING_MODIFIED)
    box.changed_globally()
    return Answer(message="Address changed") if "addr" in request.params else DONE


@command("addadditional", mutates=True)
def addadditional(box: Appliance, request: Request) -> Answer:
    one = interface_of(box, request.params)
    address = _cidr(request.params.need("addr"))
    if address in one.additional:
        raise Refusal("Address already exists")
    one.additional.append(address)
    box.changed_globally()
    return DONE


@command("deladditional", mutates=True)
def deladditional(box: Appliance, request: Request) -> Answer:
    one = interface_of(box, request.params)
    address = _cidr(request.params.need("addr"))
    if address not in one.additional:
        raise Refusal("Unknown address")
    one.additional.remove(address)
    box.changed_globally()
    return DONE


def _add_child(box: Appliance, child: Interface) -> None:
    interfaces = network_of(box).interfaces
    if any(
        (one.parent, one.kind, one.tag) == (child.parent, child.kind, child.tag)
        for one in interfaces.values()
    ):
        # The text is a guess.
        raise Refusal("Interface already exists")
    interfaces[child.id] = child
    box.changed_globally()


def _next_id(box: Appliance) -> int:
    # That a VLAN or VXLAN takes the next free number is a guess.
    return max(network_of(box).interfaces) + 1


def _created(child: Interface) -> Answer:
    # The vendor's PowerShell module takes the fifth word for the new interface; the others
    # are guesses.
    return Answer(message=f"{child.kind} {child.tag} created as {child.id}")


@command("addvlan", mutates=True)
def addvlan(box: Appliance, request: Request) -> Answer:
    parent = interface_of(box, request.params)
    request.params.need("vlanid")
    tag = request.params.number("vlanid")
    if tag is None or not 1 <= tag <= _MAX_VLAN:
        raise Refusal("vlanid: value out of range")
    child = Interface(id=_next_id(box), kind="VLAN", parent=parent.id, tag=tag)
    _add_child(box, child)
    return _created(child)


@command("delvlan", mutates=True)
def delvlan(box: Appliance, request: Request) -> Answer:
    parent = interface_of(box, request.params)
    request.params.need("vlanid")
    tag = request.params.number("vlanid")
    interfaces = network_of(box).interfaces
    for one in interfaces.values():
        if one.kind == "VLAN" and one.parent == parent.id and one.tag == tag:
            del interfaces[one.id]
            box.changed_globally()
            return DONE
    raise Refusal(UNKNOWN_INTERFACE)


@command("addvxlan", mutates=True)
def addvxlan(box: Appliance, request: Request) -> Answer:
    params = request.params
    parent = interface_of(box, params)
    params.need("vni")
    group, remote = params.get("group"), params.get("remote")
    if bool(group) == bool(remote):
        raise missing("group", "Address")
    child = Interface(
        id=_next_id(box),
        kind="VXLAN",
        parent=parent.id,
        tag=params.number("vni") or 0,
        group=host_address("group", group),
        remote=host_address("remote", remote),
    )
    _add_child(box, child)
    return _created(child)


@command("delvxlan", mutates=True)
def delvxlan(box: Appliance, request: Request) -> Answer:
    one = interface_of(box, request.params)
    if one.kind != "VXLAN":
        raise Refusal(UNKNOWN_INTERFACE)
    del network_of(box).interfaces[one.id]
    box.changed_globally()
    return DONE


@command("createbond", mutates=True)
def createbond(box: Appliance, request: Request) -> Answer:
    one = interface_of(box, request.params)
    if one.kind != "Port" or one.bond is not None:
        raise Refusal(_NOTHING_MODIFIED)
    one.kind = "Bond"
    box.changed_globally()
    return DONE


@command("unbond", mutates=True)
def unbond(box: Appliance, request: Request) -> Answer:
    one = interface_of(box, request.params)
    if one.kind != "Bond":
        raise Refusal(UNKNOWN_INTERFACE)
    one.kind = "Port"
    for other in network_of(box).interfaces.values():
        if other.bond == one.id:
            other.bond = None
    box.changed_globally()
    return DONE


def _bond(box: Appliance, params: Params) -> Interface:
    params.need("bond")
    number = params.number("bond")
    found = None if number is None else network_of(box).interfaces.get(number)
    if found is None or found.kind != "Bond":
        raise Refusal("Unknown bond")
    return found


@command("addbond", mutates=True)
def addbond(box: Appliance, request: Request) -> Answer:
    one, bond = interface_of(box, request.params), _bond(box, request.params)
    if one.kind != "Port" or one.bond is not None or one.address:
        # That a port with an address cannot join is a guess.
        raise Refusal(_NOTHING_MODIFIED)
    one.bond = bond.id
    box.changed_globally()
    return DONE


@command("delbond", mutates=True)
def delbond(box: Appliance, request: Request) -> Answer:
    one, bond = interface_of(box, request.params), _bond(box, request.params)
    if one.bond != bond.id:
        raise Refusal(_NOTHING_MODIFIED)
    one.bond = None
    box.changed_globally()
    return DONE
