"""Interfaces: ports, bonds, VLANs and VXLANs, and their addresses."""

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass, replace
from dataclasses import field as attribute
from enum import Enum
from typing import TYPE_CHECKING, Final, TypedDict

from kempsdk.appliance import Appliance, not_found
from kempsdk.codec import MalformedAnswer, entries, flatten, nothing_else, texts
from kempsdk.errors import FieldDifference, InvalidRequest, will_not_do
from kempsdk.fields import Address, Number, Switch, Table, Text, Word, field, write_settings
from kempsdk.read_back import not_applied
from kempsdk.references import check_address, check_range
from kempsdk.transport.call import ParamValue, Tree

if TYPE_CHECKING:
    from typing_extensions import Unpack


class BondMode(str, Enum):
    """How a bond spreads what it sends; a number on the wire, and never shown."""

    ACTIVE_BACKUP = "active-backup"
    LACP = "802.3ad"


@dataclass(frozen=True, slots=True, kw_only=True)
class Interface:
    """A port, or what was made of one.

    Attributes:
        id: number of the interface: 0 is eth0.
        address: with its prefix, ``10.0.0.14/24``; None without one.
        mtu: largest frame that is sent, 512 to 9216.
        kind: ``Port`` for a plain one; other words are the appliance's own.
        shared_address: of the pair. partner_address: of the other unit.
        additional: further addresses, with prefix.
        geo: whether GEO answers on it.
        is_default: whether the default gateway is on it.
        web_interface: whether the web interface is offered on it; False where not shown.
        extra: the rest, of VLANs and VXLANs for instance.
    """

    id: int
    address: str | None = None
    mtu: int = 1500
    kind: str | None = None
    shared_address: str | None = None
    partner_address: str | None = None
    additional: tuple[str, ...] = ()
    geo: bool = False
    is_default: bool = False
    web_interface: bool = False
    extra: Mapping[str, object] = attribute(default_factory=nothing_else, compare=False)


class InterfaceSettings(TypedDict, total=False):
    """What can be changed; see ``Interface``.

    ``is_default``, ``ha_check`` and ``cluster_sync`` are held by one interface: they can be
    given to another one, and not be taken away. ``ha_check``, ``cluster_sync`` and
    ``bond_mode`` are not shown, so they cannot be read back.
    """

    address: str | None
    mtu: int
    ha_check: bool
    cluster_sync: bool
    is_default: bool
    bond_mode: BondMode
    partner_address: str | None
    shared_address: str | None
    web_interface: bool
    geo: bool


class _Cidr:
    """An address with its prefix, or None."""

    default: object = None

    def read(self, raw: object) -> str | None:
        text = str(raw).strip()
        return str(ipaddress.ip_interface(text)) if text else None

    def write(self, value: object, *, name: str) -> str:
        return "" if value is None else _cidr(str(value), name=name)

    def same(self, asked: object, got: object) -> bool:
        return (self.write(asked, name="") or None) == got


class _OnlyOn(Switch):
    """A switch that can be given to an interface and not taken away."""

    def write(self, value: object, *, name: str) -> bool:
        if value is not True:
            raise InvalidRequest(
                f"{name}: it cannot be switched off; switch it on for another interface",
                field=name,
                value=value,
                allowed="True",
            )
        return True


_MODES: Final = {BondMode.ACTIVE_BACKUP: "1", BondMode.LACP: "4"}
# In the order in which the appliance looks at them.
INTERFACE: Final = Table(
    [
        field("Id", "id", Number(), read_only=True),
        field("IPAddress", "address", _Cidr(), request="addr"),
        field("Mtu", "mtu", Number(low=512, high=9216), request="mtu"),
        field("HaCheck", None, _OnlyOn(), setting="ha_check", request="hacheck"),
        field("ClUpdate", None, _OnlyOn(), setting="cluster_sync", request="clupdate"),
        field("DefaultInterface", "is_default", _OnlyOn(), request="gwiface"),
        field(
            "BondMode",
            None,
            Word(
                BondMode,
                default=BondMode.ACTIVE_BACKUP,
                other=BondMode.ACTIVE_BACKUP,
                codes={code: mode for mode, code in _MODES.items()},
            ),
            setting="bond_mode",
            request="bondmode",
        ),
        # The vendor's walk-through has these short names for one unit and long ones for the
        # other; the table of the command has the short ones.
        field("PartnerIPAddress", "partner_address", Address(), request="partner"),
        field("SharedIPAddress", "shared_address", Address(), request="shared"),
        field("AdminWuiEnable", "web_interface", Switch(), request="adminwuienable"),
        field("GeoTrafficEnable", "geo", Switch(), request="geotraffic"),
        field("InterfaceType", "kind", Text(), read_only=True),
    ]
)


class Interfaces:
    """The interfaces of one LoadMaster: ``lm.interfaces``.

    Changing the address or gateway that this client comes in by cuts it off; nothing sets
    that back.
    """

    def __init__(self, appliance: Appliance) -> None:
        self._appliance = appliance

    def list(self) -> tuple[Interface, ...]:
        """Return all interfaces. One call, and one more for each that needs a second look."""
        found = self._appliance.read("showiface", {}, _read_all)
        # QUIRK: in a list, an interface without an address shows that of the one before.
        return tuple(
            one
            if number == 0 or one.address is None or one.address != found[number - 1].address
            else self.get(one.id)
            for number, one in enumerate(found)
        )

    def get(self, number: int) -> Interface:
        """Return one interface.

        Raises:
            NotFound: the answer holds no such interface.
            CommandRejected: the appliance knows none.
        """
        params = {"interface": _number(number)}
        for one in self._appliance.read("showiface", params, _read_all, target=f"eth{number}"):
            if one.id == number:
                return one
        raise not_found(f"no interface {number}", command="showiface", target=str(number))

    def update(self, number: int, **settings: "Unpack[InterfaceSettings]") -> Interface:
        """Change an interface and return it as it is now. Changes the device.

        Each setting takes a call of its own, in the order of ``InterfaceSettings``; what is
        right already is not sent, since the appliance refuses it ("Nothing Modified").

        Args:
            number: the interface.
            settings: see ``InterfaceSettings``; what is left out stays.

        Raises:
            InvalidRequest: an unknown setting or a wrong value; nothing was sent.
            CommandRejected: the appliance refused; settings before it are in effect.
            OutcomeUnknown: no answer, or it cannot be reached any more; ``get`` tells.
            WriteNotApplied: the appliance made something else of it.
        """
        asked: dict[str, object] = dict(settings)
        params = write_settings(INTERFACE, asked)
        now = self.get(number)
        for one in INTERFACE.fields:
            if one.setting not in asked:
                continue
            value = asked[one.setting]
            if one.attribute is not None and one.kind.same(value, getattr(now, one.attribute)):
                continue
            self._write("modiface", number, {one.request: params[one.request]})
            now = self.get(number)
            if one.attribute is None:
                continue
            got = getattr(now, one.attribute)
            # Not every firmware shows whether it offers the web interface.
            if not one.kind.same(value, got) and one.setting != "web_interface":
                raise not_applied(
                    "modiface", f"eth{number}", FieldDifference(one.setting, value, got)
                )
        return now

    def add_address(self, number: int, address: str) -> Interface:
        """Give an interface a further address. Changes the device.

        Args:
            number: the interface.
            address: with its prefix, ``10.0.0.15/24``.

        Raises:
            InvalidRequest: no address with a prefix; nothing was sent.
            CommandRejected: the appliance refused, for instance since it is there.
            OutcomeUnknown: no answer; ``get`` tells.
            WriteNotApplied: it is not there.
        """
        wanted = _cidr(address, name="address")
        self._write("addadditional", number, {"addr": wanted})
        now = self.get(number)
        if wanted not in now.additional:
            missing = FieldDifference("additional", wanted, now.additional)
            raise not_applied("addadditional", f"eth{number}", missing)
        return now

    def remove_address(self, number: int, address: str) -> Interface:
        """Take a further address off an interface. Changes the device.

        Raises:
            InvalidRequest: no address with a prefix; nothing was sent.
            NotFound: the interface has no such further address.
            OutcomeUnknown: no answer; ``get`` tells.
            WriteNotApplied: it is still there.
        """
        wanted = _cidr(address, name="address")
        if wanted not in self.get(number).additional:
            raise not_found(f"eth{number} has no further address {wanted}", target=wanted)
        self._write("deladditional", number, {"addr": wanted})
        now = self.get(number)
        if wanted in now.additional:
            still = FieldDifference("additional", None, wanted)
            raise not_applied("deladditional", f"eth{number}", still)
        return now

    def add_vlan(self, number: int, vlan_id: int) -> Interface:
        """Make a VLAN on an interface and return it. Changes the device.

        Args:
            number: the interface it is on.
            vlan_id: 1 to 4094.

        Raises:
            InvalidRequest: out of range; nothing was sent.
            CommandRejected: the appliance refused.
            OutcomeUnknown: no answer; ``list`` tells.
            WriteNotApplied: no interface came into being.
        """
        params = {"vlanid": _vlan(vlan_id)}
        return self._made("addvlan", number, params)

    def delete_vlan(self, number: int, vlan_id: int) -> None:
        """Delete a VLAN of an interface. Changes the device.

        Raises:
            InvalidRequest, CommandRejected, OutcomeUnknown: as for ``add_vlan``.
            WriteNotApplied: as many interfaces as before.
        """
        params = {"vlanid": _vlan(vlan_id)}
        self._removed("delvlan", number, params)

    def add_vxlan(
        self, number: int, vni: int, *, group: str | None = None, remote: str | None = None
    ) -> Interface:
        """Make a VXLAN on an interface and return it. Changes the device.

        Args:
            number: the interface it is on.
            vni: network identifier, 1 to 16,777,215.
            group: multicast address; or
            remote: address of the other end.

        Raises:
            InvalidRequest: out of range, or not exactly one address; nothing was sent.
            CommandRejected: the appliance refused.
            OutcomeUnknown: no answer; ``list`` tells.
            WriteNotApplied: no interface came into being.
        """
        check_range(vni, field="vni", low=1, high=2**24 - 1)
        given = {"group": group, "remote": remote}
        ends = {name: one for name, one in given.items() if one is not None}
        if len(ends) != 1:
            raise InvalidRequest("exactly one of group and remote", field="group", value=group)
        params: dict[str, ParamValue] = {"vni": vni}
        params |= {name: check_address(one, field=name) for name, one in ends.items()}
        return self._made("addvxlan", number, params)

    def delete_vxlan(self, number: int) -> None:
        """Delete a VXLAN. Changes the device.

        Args:
            number: of the VXLAN's own interface, which the vendor's description suggests.

        Raises:
            CommandRejected, OutcomeUnknown: as for ``add_vxlan``.
            WriteNotApplied: as many interfaces as before.
        """
        self._removed("delvxlan", number, {})

    def make_bond(self, number: int) -> Interface:
        """Turn a port into a bond and return it. Changes the device.

        Raises:
            CommandRejected: the appliance refused.
            OutcomeUnknown: no answer; ``get`` tells.
            WriteNotApplied: it is of the same kind as before.
        """
        return self._turned("createbond", number)

    def unmake_bond(self, number: int) -> Interface:
        """Turn a bond back into a port and return it. Changes the device.

        Raises:
            CommandRejected, OutcomeUnknown, WriteNotApplied: as for ``make_bond``.
        """
        return self._turned("unbond", number)

    def join_bond(self, number: int, bond: int) -> None:
        """Make a port a member of a bond. Changes the device.

        Which ports a bond has is not shown, so this is not read back.

        Args:
            number: the port.
            bond: the bond's number: 2 for bnd2.

        Raises:
            CommandRejected: the appliance refused.
            OutcomeUnknown: no answer; nothing but the web interface tells.
        """
        self._write("addbond", number, {"bond": _number(bond)})

    def leave_bond(self, number: int, bond: int) -> None:
        """Take a port out of a bond; see ``join_bond``. Changes the device."""
        self._write("delbond", number, {"bond": _number(bond)})

    def _write(self, command: str, number: int, params: Mapping[str, ParamValue]) -> None:
        place = {"interface": _number(number)}
        self._appliance.write(command, {**place, **params}, target=f"eth{number}")

    def _made(self, command: str, number: int, params: Mapping[str, ParamValue]) -> Interface:
        before = {one.id for one in self.list()}
        self._write(command, number, params)
        made = [one for one in self.list() if one.id not in before]
        if len(made) != 1:
            # Somebody else's may have come up at the same time.
            ids = tuple(one.id for one in made)
            raise not_applied(command, f"eth{number}", FieldDifference("interfaces", 1, ids))
        return made[0]

    def _removed(self, command: str, number: int, params: Mapping[str, ParamValue]) -> None:
        before = {one.id for one in self.list()}
        self._write(command, number, params)
        gone = before - {one.id for one in self.list()}
        if len(gone) != 1:
            shown = FieldDifference("interfaces gone", 1, tuple(sorted(gone)))
            raise not_applied(command, f"eth{number}", shown)

    def _turned(self, command: str, number: int) -> Interface:
        before = self.get(number)
        self._write(command, number, {})
        now = self.get(number)
        if now.kind == before.kind:
            same = FieldDifference("kind", f"not {before.kind}", now.kind)
            raise not_applied(command, f"eth{number}", same)
        return now


def _number(value: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise InvalidRequest(
            f"interface: {value!r} is not the number of one", field="interface", value=value
        )
    return value


def _vlan(value: int) -> int:
    return check_range(value, field="vlan_id", low=1, high=4094)


def _cidr(text: str, *, name: str) -> str:
    try:
        # A forgotten prefix would be taken for a network of one address.
        if "/" not in text:
            raise ValueError("no prefix")
        return str(ipaddress.ip_interface(text))
    except ValueError:
        raise will_not_do(name, text, "an address with its prefix: 10.0.0.14/24") from None


def _read_all(tree: Tree) -> tuple[Interface, ...]:
    return tuple([_read(one) for one in entries(tree, "Interface")])


def _read(tree: Tree) -> Interface:
    fields = flatten(tree)
    more = fields.pop("AdditionalAddresses", None)
    found = Interface(**INTERFACE.read(fields), additional=_addresses(more))
    return replace(found, extra=fields) if fields else found


def _addresses(raw: object) -> tuple[str, ...]:
    """Return further addresses: an array, or (a guess) elements in a wrapper."""
    inner = [one for name in raw for one in texts(raw[name])] if isinstance(raw, Mapping) else raw
    try:
        return tuple(str(ipaddress.ip_interface(one)) for one in texts(inner))
    except ValueError:
        raise MalformedAnswer("AdditionalAddresses holds something unexpected") from None
