"""What lies on a host so that it can be given back as it was found. Pure.

Before anything is changed, what was there is written down; the first value found is the one
that counts, whatever is changed later.
"""

import dataclasses
import hashlib
import ipaddress
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from orchestrator.hosts.changes import (
    AddAddress,
    AddRule,
    CallTool,
    NetChange,
    RemoveAddress,
    RemoveRoute,
    RemoveRule,
    SetRoute,
    SetSysctl,
    WriteFile,
)
from orchestrator.hosts.state import (
    RECORD_FILE,
    SYSCTL_FILE,
    HostAddress,
    NetState,
    PolicyRule,
    Route,
)
from orchestrator.hosts.sysctl_files import our_file

_FORMAT = 2
_ON_LO = frozenset({"loopback", "arptables"})
"""The methods that put a VIP on lo."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """A sysctl that we took over: what it was, and what we set."""

    before: int
    set: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TakenFile:
    """A file that we wrote or removed.

    Attributes:
        before: its content; None: there was none.
        mode: its permission bits, where there was one and they are known.
        set: SHA-256 of what we wrote, in hexadecimal; None: we removed it.
    """

    before: str | None
    mode: int | None
    set: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class TakenAddress:
    """An address that we added or removed."""

    address: HostAddress
    was_there: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class TakenRoute:
    """A route that we set, removed or put in the place of another; None: there was, is none."""

    before: Route | None
    set: Route | None


@dataclass(frozen=True, slots=True, kw_only=True)
class TakenRule:
    """A rule that we added or removed."""

    rule: PolicyRule
    was_there: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Carried:
    """Why we changed the host.

    Attributes:
        who, when: as the host knew them; "" in records of an older kind.
    """

    method: str
    who: str = ""
    when: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class UndoRecord:
    """What was taken over on a host, and for which VIPs.

    Attributes:
        vips: those that this product carries there, or is about to.
        sysctls: by key (``conf/all/arp_ignore``).
        files: by path.
        calls: of tools, oldest first, each with what takes it back.
        settling: calls that make true what files say.
    """

    vips: Mapping[str, Carried] = field(default_factory=dict)
    sysctls: Mapping[str, Taken] = field(default_factory=dict)
    files: Mapping[str, TakenFile] = field(default_factory=dict)
    addresses: tuple[TakenAddress, ...] = ()
    routes: tuple[TakenRoute, ...] = ()
    rules: tuple[TakenRule, ...] = ()
    calls: tuple[CallTool, ...] = ()
    settling: tuple[CallTool, ...] = ()

    @property
    def empty(self) -> bool:
        """Return whether there is nothing to give back."""
        return replace(self, settling=()) == UndoRecord()

    # -- what is noted -----------------------------------------------------------------

    def carrying(self, vip: str, method: str, state: NetState) -> "UndoRecord":
        """Return the record with a VIP; one that is in it already keeps its author."""
        new = Carried(method=method, who=state.user, when=state.read_at)
        return replace(self, vips={vip: new, **self.vips})

    def handed_over(self, vips: Iterable[str], method: str, state: NetState) -> "UndoRecord":
        """Return the record with these VIPs carried by another method from now on."""
        new = Carried(method=method, who=state.user, when=state.read_at)
        return replace(self, vips={**self.vips, **dict.fromkeys(vips, new)})

    def without(self, vips: Iterable[str], *, method: str) -> "UndoRecord":
        """Return the record without those of these VIPs that are carried by a method."""
        gone = frozenset(vips)
        kept = {
            one: how for one, how in self.vips.items() if one not in gone or how.method != method
        }
        return replace(self, vips=kept)

    def placed_by_other(self, vip: str, method: str) -> bool:
        """Return whether another method has a VIP on lo by now."""
        return vip in self.vips and self.vips[vip].method in _ON_LO - {method}

    def noting(self, changes: Iterable[NetChange]) -> "UndoRecord":
        """Return the record with what these changes take over.

        What leads back to the value found is taken out again.
        """
        record = self
        for change in changes:
            record = record._noting(change)
        return record

    def _noting(self, change: NetChange) -> "UndoRecord":
        match change:
            case SetSysctl(key=key):
                before = self.sysctls[key].before if key in self.sysctls else change.before
                taken = Taken(before=before, set=change.value)
                return replace(self, sysctls=_with(self.sysctls, key, taken, same=before))
            case WriteFile(path=path):
                return self if path == RECORD_FILE else self._noting_file(change)
            case AddAddress(address=address):
                return self._noting_address(address, there=True)
            case RemoveAddress(address=address):
                return self._noting_address(address, there=False)
            case SetRoute(route=route, before=before_route):
                return self._noting_route(before_route, route)
            case RemoveRoute(route=route):
                return self._noting_route(route, None)
            case AddRule(rule=rule):
                return self._noting_rule(rule, there=True)
            case RemoveRule(rule=rule):
                return self._noting_rule(rule, there=False)
            case CallTool():
                return self._noting_call(change)

    def _noting_file(self, change: WriteFile) -> "UndoRecord":
        first = self.files.get(change.path)
        before = first.before if first else change.before
        taken = TakenFile(
            before=before,
            mode=first.mode if first else change.before_mode,
            set=digest(change.content) if change.content is not None else None,
        )
        if change.content == before:
            return replace(self, files=_without(self.files, change.path))
        return replace(self, files={**self.files, change.path: taken})

    def _noting_address(self, address: HostAddress, *, there: bool) -> "UndoRecord":
        known = [one for one in self.addresses if same_place(one.address, address)]
        others = tuple(one for one in self.addresses if one not in known)
        was_there = known[0].was_there if known else not there
        if was_there == there:
            return replace(self, addresses=others)
        taken = known[0] if known else TakenAddress(address=address, was_there=was_there)
        return replace(self, addresses=(*others, taken))

    def _noting_route(self, before: Route | None, route: Route | None) -> "UndoRecord":
        known = [one for one in self.routes if one.set == before]
        others = tuple(one for one in self.routes if one not in known)
        first = known[0].before if known else before
        if first == route:
            return replace(self, routes=others)
        return replace(self, routes=(*others, TakenRoute(before=first, set=route)))

    def _noting_rule(self, rule: PolicyRule, *, there: bool) -> "UndoRecord":
        known = [one for one in self.rules if one.rule == rule]
        others = tuple(one for one in self.rules if one not in known)
        was_there = known[0].was_there if known else not there
        if was_there == there:
            return replace(self, rules=others)
        return replace(self, rules=(*others, TakenRule(rule=rule, was_there=was_there)))

    def _noting_call(self, call: CallTool) -> "UndoRecord":
        if call.undo is None:
            known = any(one.argv == call.argv for one in self.settling)
            return self if known else replace(self, settling=(*self.settling, call))
        taken_back = tuple(
            one for one in self.calls if one.undo is not None and one.undo.argv != call.argv
        )
        if taken_back != self.calls:
            return replace(self, calls=taken_back)
        if any(one.argv == call.argv for one in self.calls):
            return self
        return replace(self, calls=(*self.calls, call))

    # -- the file ----------------------------------------------------------------------

    def render(self) -> str:
        """Return the record as the file holds it; the same record always gives the same text."""
        content = {"written_by": "kemp", "format": _FORMAT, **dataclasses.asdict(self)}
        return json.dumps(content, indent=2, sort_keys=True) + "\n"

    @classmethod
    def parse(cls, text: str) -> "UndoRecord":
        """Return the record that the text holds.

        Raises:
            ValueError: it holds none, or one of a later kind.
        """
        try:
            content = json.loads(text)
            kind = content["format"]
            if kind == 1:
                return _first_kind(content)
            if kind != _FORMAT:
                raise ValueError(f"its format is {kind}, not {_FORMAT}")
            return cls(
                vips={_address(vip): Carried(**how) for vip, how in content["vips"].items()},
                sysctls=_sysctls(content["sysctls"]),
                files={path: TakenFile(**one) for path, one in content["files"].items()},
                addresses=tuple(
                    TakenAddress(address=HostAddress(**one["address"]), was_there=one["was_there"])
                    for one in content["addresses"]
                ),
                routes=tuple(
                    TakenRoute(before=_route(one["before"]), set=_route(one["set"]))
                    for one in content["routes"]
                ),
                rules=tuple(
                    TakenRule(rule=PolicyRule(**one["rule"]), was_there=one["was_there"])
                    for one in content["rules"]
                ),
                calls=tuple(_call(one) for one in content["calls"]),
                settling=tuple(_call(one) for one in content["settling"]),
            )
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"{type(error).__name__}: {error}") from error


def digest(content: str) -> str:
    """Return the SHA-256 of a file's content, in hexadecimal."""
    return hashlib.sha256(content.encode("utf-8", "surrogateescape")).hexdigest()


def same_place(one: HostAddress, other: HostAddress) -> bool:
    """Return whether two are the same address; the label is only a name."""
    return (one.address, one.prefix, one.interface) == (
        other.address,
        other.prefix,
        other.interface,
    )


def _with(taken: Mapping[str, Taken], key: str, value: Taken, *, same: int) -> Mapping[str, Taken]:
    return _without(taken, key) if value.set == same else {**taken, key: value}


def _without(mapping: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    return {one: value for one, value in mapping.items() if one != key}


def _address(text: str) -> str:
    return str(ipaddress.ip_address(text))


def _sysctls(content: Any) -> dict[str, Taken]:
    return {
        key: Taken(before=int(one["before"]), set=int(one["set"])) for key, one in content.items()
    }


def _route(content: Any) -> Route | None:
    if content is None:
        return None
    options = tuple((name, value) for name, value in content["options"])
    hops = tuple((gateway, interface) for gateway, interface in content["hops"])
    return Route(**{**content, "options": options, "hops": hops})


def _call(content: Any) -> CallTool:
    return CallTool(
        argv=tuple(content["argv"]),
        says=content["says"],
        undo=_call(content["undo"]) if content["undo"] is not None else None,
        unless=tuple(content["unless"]),
        accept=tuple(content["accept"]),
    )


def _first_kind(content: Any) -> UndoRecord:
    """Read a record of the first kind: sysctls and VIPs of the loopback method only."""
    vips = [str(ipaddress.IPv4Address(one)) for one in content["vips"]]
    sysctls = _sysctls(content["sysctls"])
    written = digest(our_file({key: taken.set for key, taken in sysctls.items()}))
    return UndoRecord(
        vips={vip: Carried(method="loopback") for vip in vips},
        sysctls=sysctls,
        files={SYSCTL_FILE: TakenFile(before=None, mode=None, set=written)},
        addresses=tuple(
            TakenAddress(
                address=HostAddress(address=vip, prefix=32, interface="lo"), was_there=False
            )
            for vip in vips
        ),
    )
