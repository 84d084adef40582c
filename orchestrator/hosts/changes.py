"""Changes to a real server, as plain data. Pure: a method plans them, a driver carries them out.

Each may be carried out again: one that is done already does nothing. Each has an inverse.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from orchestrator.hosts.state import HostAddress, PolicyRule, Route

TOOLS = frozenset(
    {
        "arptables",
        "arptables-restore",
        "firewall-cmd",
        "firewall-offline-cmd",
        "nmcli",
        "restorecon",
        "systemctl",
    }
)
"""The programs of a host that a change may call."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SetSysctl:
    """Set a live value; ``before`` is what was read, for the inverse."""

    key: str
    value: int
    before: int


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteFile:
    """Write a file atomically; ``content`` None removes it.

    Attributes:
        mode: permission bits; None leaves them as they are (0644 for a new file).
            Directories made on the way are as closed as the file.
        before_mode: what was read, for the inverse.
    """

    path: str
    content: str | None
    before: str | None
    mode: int | None = None
    before_mode: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AddAddress:
    """Add an address; one that is there already is left alone."""

    address: HostAddress


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoveAddress:
    """Remove an address; one that is not there is left alone."""

    address: HostAddress


@dataclass(frozen=True, slots=True, kw_only=True)
class SetRoute:
    """Set a route in one step; ``before`` is the one in its place, None where there is none.

    A route is known by its destination, table and metric: with another metric it does not take
    the place of ``before`` but stands beside it.
    """

    route: Route
    before: Route | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoveRoute:
    """Remove a route; one that is not there is left alone."""

    route: Route


@dataclass(frozen=True, slots=True, kw_only=True)
class AddRule:
    """Add a rule that chooses the table; one that is there already is left alone."""

    rule: PolicyRule


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoveRule:
    """Remove a rule that chooses the table; one that is not there is left alone."""

    rule: PolicyRule


@dataclass(frozen=True, slots=True, kw_only=True)
class CallTool:
    """Call a program of the host, without a shell and without input.

    Attributes:
        argv: the program, one of TOOLS, and its arguments.
        says: what it does, as a line of a plan: ``enable the unit kemp-vip.service``.
        undo: what takes it back. None for a call that makes true what files say (a reload):
            after the files were put back, the same call makes that true.
        unless: a question, asked first: when it ends with 0, the change is done already.
        accept: exit codes that mean success.
    """

    argv: tuple[str, ...]
    says: str
    undo: "CallTool | None" = None
    unless: tuple[str, ...] = ()
    accept: tuple[int, ...] = (0,)

    def __post_init__(self) -> None:
        for call in filter(None, (self.argv, self.unless)):
            if call[0] not in TOOLS:
                raise ValueError(f"{call[0]!r} is not a program that changes may call")
        if not self.argv:
            raise ValueError("no program was given")
        if self.undo is not None and self.undo.undo is not None:
            raise ValueError("what takes a call back is not taken back itself")


NetChange = (
    SetSysctl
    | WriteFile
    | AddAddress
    | RemoveAddress
    | SetRoute
    | RemoveRoute
    | AddRule
    | RemoveRule
    | CallTool
)


def inverse(change: NetChange) -> NetChange:
    """Return the change that takes this one back."""
    match change:
        case SetSysctl():
            return SetSysctl(key=change.key, value=change.before, before=change.value)
        case WriteFile():
            return WriteFile(
                path=change.path,
                content=change.before,
                before=change.content,
                mode=change.before_mode,
                before_mode=change.mode,
            )
        case AddAddress():
            return RemoveAddress(address=change.address)
        case RemoveAddress():
            return AddAddress(address=change.address)
        case SetRoute(route=route, before=before):
            return SetRoute(route=before, before=route) if before else RemoveRoute(route=route)
        case RemoveRoute():
            return SetRoute(route=change.route, before=None)
        case AddRule():
            return RemoveRule(rule=change.rule)
        case RemoveRule():
            return AddRule(rule=change.rule)
        case CallTool():
            return opposite(change)


def opposite(call: CallTool) -> CallTool:
    """Return the call that takes this one back; itself, where it makes true what files say."""
    return replace(call.undo, undo=replace(call, undo=None)) if call.undo else call


def inverses(changes: Iterable[NetChange]) -> tuple[NetChange, ...]:
    """Return what takes all of them back, newest first.

    A call that makes true what files say comes after the files it is about.
    """
    back: list[NetChange] = []
    settling: list[NetChange] = []
    for change in reversed(list(changes)):
        if isinstance(change, CallTool) and change.undo is None:
            settling.insert(0, change)
            continue
        if settling and not isinstance(change, WriteFile):
            back += settling
            settling = []
        back.append(inverse(change))
    return (*back, *settling)


def describe(change: NetChange) -> str:
    """Return the change as one line for a plan."""
    match change:
        case SetSysctl():
            return f"set net/ipv4/{change.key} to {change.value} (was {change.before})"
        case WriteFile(content=None):
            return f"remove the file {change.path}"
        case WriteFile(before=None):
            return f"write the file {change.path}"
        case WriteFile():
            return f"change the file {change.path}"
        case AddAddress(address=address):
            label = f" label {address.label}" if address.label else ""
            return f"add {address.address}/{address.prefix} to {address.interface}{label}"
        case RemoveAddress(address=address):
            return f"remove {address.address}/{address.prefix} from {address.interface}"
        case SetRoute(route=route, before=before):
            was = f" (was {route_words(before)})" if before else ""
            return f"set the route {route_words(route)}{was}"
        case RemoveRoute(route=route):
            return f"remove the route {route_words(route)}"
        case AddRule(rule=rule):
            return f"add the rule {rule_words(rule)}"
        case RemoveRule(rule=rule):
            return f"remove the rule {rule_words(rule)}"
        case CallTool():
            return change.says


def route_words(route: Route) -> str:
    """Return a route as ``ip route`` would say it."""
    words = [route.destination] if route.kind == "unicast" else [route.kind, route.destination]
    words += ["via", route.gateway] if route.gateway else []
    words += ["dev", route.interface] if route.interface else []
    words += ["metric", str(route.metric)] if route.metric else []
    words += ["table", route.table] if route.table != "main" else []
    return " ".join(words)


def rule_words(rule: PolicyRule) -> str:
    """Return a rule as ``ip rule`` would say it."""
    words = [f"{rule.priority}:", "from", rule.source]
    words += ["to", rule.destination] if rule.destination != "all" else []
    words += ["fwmark", rule.mark] if rule.mark else []
    words += ["iif", rule.interface] if rule.interface else []
    return " ".join([*words, "lookup", rule.table])
