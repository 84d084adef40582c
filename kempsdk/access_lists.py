"""Access lists: who may connect, to everything or to one service; and the packet filter."""

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Final, TypedDict

from kempsdk.appliance import Appliance, not_found
from kempsdk.codec import MalformedAnswer, entries, flatten, texts
from kempsdk.errors import (
    ApiDisabled,
    AuthenticationFailed,
    CommandRejected,
    FieldDifference,
    InvalidRequest,
    NotFound,
    PermissionDenied,
    will_not_do,
)
from kempsdk.read_back import check_applied, not_applied
from kempsdk.references import AnyVsRef, VsRef, check_network
from kempsdk.transport.call import ParamValue, Tree

if TYPE_CHECKING:
    from typing_extensions import Unpack

_LONGEST_COMMENT: Final = 127


class AccessList(str, Enum):
    """Which list: addresses kept out, or the only ones let in."""

    BLOCK = "block"
    ALLOW = "allow"


_OLD_WORDS: Final = {AccessList.BLOCK: "black", AccessList.ALLOW: "white"}


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessEntry:
    """One address or network of a list.

    Attributes:
        network: with its prefix: ``10.0.0.0/8``, ``10.1.2.3/32``.
        comment: from firmware 7.2.37 on; None without one.
    """

    network: str
    comment: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PacketFilter:
    """The switches that the access lists depend on.

    Attributes:
        enabled: whether the lists have any effect; always while GEO is on.
        drop: blocked packets vanish; off, they are answered with a rejection.
        restrict_interfaces: no routing between the attached networks.
        include_web_interface: the lists hold for the web interface and this API too.
        last_changed_from: address that changed the filter last, and is always let in to
            the web interface; None where it does not say.
    """

    enabled: bool
    drop: bool
    restrict_interfaces: bool
    include_web_interface: bool
    last_changed_from: str | None


class PacketFilterSettings(TypedDict, total=False):
    """Switches of the packet filter; see ``PacketFilter``."""

    enabled: bool
    drop: bool
    restrict_interfaces: bool
    include_web_interface: bool


# Asked by, changed by. What is answered is documented for the third only: Block or Free.
_SWITCHES: Final[Mapping[str, tuple[str, str]]] = {
    "enabled": ("isenabled", "enable"),
    "drop": ("isdrop", "drop"),
    "restrict_interfaces": ("isifblock", "ifblock"),
    "include_web_interface": ("iswuiblock", "wuiblock"),
}
_ON: Final = frozenset({"1", "y", "yes", "true", "block", "drop", "enabled", "on"})
_OFF: Final = frozenset({"0", "n", "no", "false", "free", "reject", "disabled", "off"})


class AccessLists:
    """The access lists of one LoadMaster: ``lm.access_lists``.

    There is a block list and an allow list for everything, and such a pair for each
    service. Global lists need a user with all permissions. Networks are compared as
    networks: ``10.1.2.3`` is ``10.1.2.3/32``.
    """

    def __init__(self, appliance: Appliance) -> None:
        self._appliance = appliance
        self._old_words: bool | None = None

    def list(self, which: AccessList, *, vs: AnyVsRef | None = None) -> tuple[AccessEntry, ...]:
        """Return a list, in its order.

        Args:
            which: the block or the allow list.
            vs: the service or SubVS; None for the global list.

        Raises:
            NotFound: there is no such service.
        """
        which = AccessList(which)
        if self._old_words is not None:
            return self._list(which, self._word(which), vs)
        try:
            found = self._list(which, which.value, vs)
        except (NotFound, AuthenticationFailed, PermissionDenied, ApiDisabled):
            raise
        except CommandRejected as refused:
            # QUIRK: older firmware says black and white, and how it refuses the new words
            # is not known. If it takes neither, the first refusal is the one that counts.
            try:
                found = self._list(which, _OLD_WORDS[which], vs)
            except CommandRejected:
                raise refused from None
            self._old_words = True
            return found
        self._old_words = False
        return found

    def add(
        self,
        which: AccessList,
        network: str,
        *,
        comment: str | None = None,
        vs: AnyVsRef | None = None,
    ) -> AccessEntry:
        """Add an address or network and return its entry. Changes the device.

        Args:
            which: the block or the allow list.
            network: ``10.1.2.3``, ``10.0.0.0/8`` or IPv6, without host bits.
            comment: at most 127 characters; needs 7.2.37.
            vs: the service or SubVS; None for the global list.

        Raises:
            InvalidRequest: no network, or a comment that is too long; nothing was sent.
            NotFound: there is no such service.
            CommandRejected: the appliance refused, for instance since it is there already.
            OutcomeUnknown: no answer; ``list`` tells.
            WriteNotApplied: it is not there, or with another comment.
        """
        which, wanted = AccessList(which), check_network(network.strip(), field="network")
        if comment is not None and not len(comment) <= _LONGEST_COMMENT:
            raise InvalidRequest(
                f"comment: at most {_LONGEST_COMMENT} characters",
                field="comment",
                value=comment,
                allowed=f"at most {_LONGEST_COMMENT} characters",
            )
        more: dict[str, ParamValue] = {"comment": comment} if comment else {}
        self._write("add", which, wanted, vs, more)
        found = _find(self.list(which, vs=vs), wanted)
        target = _target(which, vs)
        if found is None or (found.comment or None) != (comment or None):
            shown = (
                FieldDifference("entry", wanted, None)
                if found is None
                else FieldDifference("comment", comment, found.comment)
            )
            raise not_applied("aclcontrol", f"{target} {wanted}", shown)
        return found

    def remove(self, which: AccessList, network: str, *, vs: AnyVsRef | None = None) -> None:
        """Take an address or network out of a list. Changes the device.

        Raises:
            InvalidRequest: no network; nothing was sent.
            NotFound: there is no such service, or no such entry.
            OutcomeUnknown: no answer; ``list`` tells.
            WriteNotApplied: it is still there.
        """
        which, wanted = AccessList(which), check_network(network.strip(), field="network")
        target = f"{_target(which, vs)} {wanted}"
        if _find(self.list(which, vs=vs), wanted) is None:
            raise not_found(f"{wanted} is not in the {_target(which, vs)}", target=target)
        self._write("del", which, wanted, vs, {})
        if _find(self.list(which, vs=vs), wanted) is not None:
            raise not_applied("aclcontrol", target, FieldDifference("entry", None, wanted))

    def packet_filter(self) -> PacketFilter:
        """Return the switches of the packet filter. Five calls."""
        switches = {name: self._switch(name) for name in _SWITCHES}
        # An older firmware, or a filter nobody ever changed, may have nothing to say.
        address = self._appliance.read("aclcontrol", {"wuiaddr": ""}, _single)
        return PacketFilter(**switches, last_changed_from=address or None)

    def update_packet_filter(self, **settings: "Unpack[PacketFilterSettings]") -> PacketFilter:
        """Change switches of the packet filter; return them as they are. Changes the device.

        ``enabled`` is set first when it goes on and last when it goes off: the others can be
        set only while it is on.

        Args:
            settings: see ``PacketFilter``. Before ``include_web_interface`` goes on, see
                that the address this runs on is let in.

        Raises:
            InvalidRequest: an unknown switch or something else than True and False;
                nothing was sent.
            CommandRejected: the appliance refused, for instance to switch the filter off
                while GEO is on.
            OutcomeUnknown: no answer; ``packet_filter`` tells.
            WriteNotApplied: a switch is not as asked.
        """
        asked: dict[str, object] = dict(settings)
        for name, value in asked.items():
            if name not in _SWITCHES or not isinstance(value, bool):
                raise will_not_do(name, value, f"True or False for one of {', '.join(_SWITCHES)}")
        others = [name for name in asked if name != "enabled"]
        switch = [name for name in asked if name == "enabled"]
        for name in switch + others if asked.get("enabled") else others + switch:
            if self._switch(name) is not asked[name]:
                word = _SWITCHES[name][1]
                self._appliance.write(
                    "aclcontrol", {word: int(bool(asked[name]))}, target="packet filter"
                )
        now = self.packet_filter()
        wrong = [
            FieldDifference(name, value, getattr(now, name))
            for name, value in asked.items()
            if getattr(now, name) is not value
        ]
        check_applied("aclcontrol", "packet filter", wrong)
        return now

    def _word(self, which: AccessList) -> str:
        return _OLD_WORDS[which] if self._old_words else which.value

    def _list(self, which: AccessList, word: str, vs: AnyVsRef | None) -> tuple[AccessEntry, ...]:
        operation = "list" if vs is None else "listvs"
        params = {operation: word, **self._service(vs)}
        return self._appliance.read("aclcontrol", params, _read, target=_target(which, vs))

    def _write(
        self,
        operation: str,
        which: AccessList,
        network: str,
        vs: AnyVsRef | None,
        more: Mapping[str, ParamValue],
    ) -> None:
        if self._old_words is None:
            self.list(which, vs=vs)  # learns which words this firmware takes
        name = operation if vs is None else f"{operation}vs"
        params = {name: self._word(which), **self._service(vs), "addr": network, **more}
        self._appliance.write("aclcontrol", params, target=f"{_target(which, vs)} {network}")

    def _service(self, vs: AnyVsRef | None) -> dict[str, ParamValue]:
        if vs is None:
            return {}
        if isinstance(vs, VsRef):
            # Names of its own for what is vs, port and prot elsewhere.
            port: ParamValue = vs.port or "*"
            return {"vsip": vs.address, "vsport": port, "vsprot": vs.protocol.value}
        return self._appliance.address(vs)

    def _switch(self, name: str) -> bool:
        return self._appliance.read(
            "aclcontrol", {_SWITCHES[name][0]: ""}, _read_switch, target=name
        )


def _single(tree: Tree) -> str:
    """Return the only value of an answer; the names of its members are not documented."""
    values = [str(one).strip() for one in flatten(tree).values()]
    if len(values) > 1:
        raise MalformedAnswer("more than one value where one was asked for")
    return values[0] if values else ""


def _read_switch(tree: Tree) -> bool:
    word = _single(tree).lower()
    if word not in _ON and word not in _OFF:
        raise MalformedAnswer("neither on nor off")
    return word in _ON


def _read(tree: Tree) -> tuple[AccessEntry, ...]:
    found: list[AccessEntry] = []
    for group in _groups(tree):
        found += [_entry(one) for one in entries(group, "IP")]
        # Before 7.2.37 an entry is a plain address without a comment.
        found += [AccessEntry(network=_canonical(one)) for one in texts(group.get("addr"))]
    return tuple(found)


def _groups(tree: Tree) -> "tuple[Tree, ...]":
    """Return what may hold entries: v2's flat object, v1's list, below the service or not."""
    groups: list[Tree] = [tree]
    for name in tree:
        if name.lower().endswith("list") and name.lower() != "list":
            groups += entries(tree, name)
    for service in entries(tree, "VS"):
        groups += _groups(service)
    return tuple(groups)


def _entry(tree: Tree) -> AccessEntry:
    fields = flatten(tree)
    comment = str(fields.get("comment") or "").strip()
    return AccessEntry(network=_canonical(str(fields.get("addr", ""))), comment=comment or None)


def _canonical(text: str) -> str:
    try:
        return str(ipaddress.ip_network(text.strip(), strict=False))
    except ValueError:
        raise MalformedAnswer("an entry that is no address or network") from None


def _find(found: tuple[AccessEntry, ...], network: str) -> AccessEntry | None:
    return next((one for one in found if one.network == network), None)


def _target(which: AccessList, vs: AnyVsRef | None) -> str:
    return f"{which.value} list" if vs is None else f"{which.value} list of {vs}"
