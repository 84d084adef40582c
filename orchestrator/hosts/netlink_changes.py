"""Changes carried out in the network namespace that the calling thread is in."""

import ipaddress
import os
import re
import subprocess
from collections.abc import Sequence
from functools import partial
from typing import Any

from pyroute2 import IPRoute  # type: ignore[import-untyped] # it ships no types
from pyroute2.netlink.exceptions import (  # type: ignore[import-untyped] # it ships no types
    NetlinkError,
)

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
from orchestrator.hosts.driver import Host
from orchestrator.hosts.host_files import HostFiles
from orchestrator.hosts.netlink_facts import CONF, FAMILIES, KINDS, ONLINK, PROTOCOLS, TABLE_NAMES
from orchestrator.hosts.state import HostAddress, PolicyRule, Route

_SETTABLE = re.compile(r"conf/(?P<name>[^/]+)/(arp_ignore|arp_announce|rp_filter)")
_NOT_THERE = 99  # EADDRNOTAVAIL: what the kernel says to removing an address that is gone
_NO_SUCH_ROUTE = 3  # ESRCH
_NO_SUCH_RULE = 2  # ENOENT
_EXISTS = 17
_TOOL_S = 60.0
_SHELL = "bin/sh"
_FOLDERS = ("usr/local/sbin", "usr/local/bin", "usr/sbin", "usr/bin", "sbin", "bin")


class NoTool(OSError):
    """The host does not have a tool; ``tool`` is its name."""

    def __init__(self, tool: str) -> None:
        super().__init__(f"there is no {tool} on the host")
        self.tool = tool


def carry_out(host: Host, change: NetChange) -> None:
    """Carry one change out; one that is done already does nothing.

    Raises:
        OSError: the host refuses it, or has not what it takes.
        NetlinkError: the kernel refuses it.
    """
    files = HostFiles(host.root)
    match change:
        case SetSysctl():
            _set_sysctl(change)
        case WriteFile(content=None):
            files.remove(change.path)
        case WriteFile(content=str(content)):
            labelled = files.has_label(change.path)
            files.write(change.path, content, mode=change.mode)
            if not labelled and has_tool(host, "restorecon"):
                _call(host, ["restorecon", change.path], accept=(0,))
        case CallTool():
            _call_tool(host, change)
        case _:
            with IPRoute() as netlink:
                _over_netlink(netlink, change)


def _over_netlink(netlink: Any, change: NetChange) -> None:
    match change:
        case AddAddress(address=address):
            netlink.addr(
                "replace",
                index=_index(netlink, address.interface),
                address=address.address,
                prefixlen=address.prefix,
                **({"label": address.label} if address.label else {}),
            )
        case RemoveAddress(address=address):
            _remove_address(netlink, address)
        case SetRoute(route=route):
            netlink.route("replace", **_route(netlink, route))
        case RemoveRoute(route=route):
            _unless(_NO_SUCH_ROUTE, netlink.route, "del", **_route(netlink, route))
        case AddRule(rule=rule):
            _unless(_EXISTS, netlink.rule, "add", **_rule(rule))
        case RemoveRule(rule=rule):
            _unless(_NO_SUCH_RULE, netlink.rule, "del", **_rule(rule))


def _unless(code: int, call: Any, *arguments: Any, **more: Any) -> None:
    """Call; that it is done already is no error."""
    try:
        call(*arguments, **more)
    except NetlinkError as error:
        if error.code != code:
            raise


def _remove_address(netlink: Any, address: HostAddress) -> None:
    index = _index(netlink, address.interface)
    interface = ipaddress.ip_interface(f"{address.address}/{address.prefix}")
    remove = partial(
        _unless,
        _NOT_THERE,
        netlink.addr,
        "del",
        index=index,
        address=address.address,
        prefixlen=address.prefix,
    )
    if interface.version == 6:
        remove()
        return
    siblings = [
        one
        for one in netlink.get_addr(family=FAMILIES[4], index=index)
        if one["prefixlen"] == address.prefix
        and one.get("local") != address.address
        and ipaddress.ip_address(one.get("local")) in interface.network
    ]
    # The first address of a network takes the others of that network with it, routes and all,
    # unless they are promoted.
    promote = CONF / address.interface / "promote_secondaries"
    before = promote.read_text()
    if siblings:
        promote.write_text("1\n")
    try:
        remove()
    finally:
        if siblings:
            promote.write_text(before)


def _route(netlink: Any, route: Route) -> dict[str, Any]:
    if route.hops:
        raise OSError("a route with several paths is not changed here")
    wanted: dict[str, Any] = {
        "family": FAMILIES[route.version],
        "dst": route.destination if route.destination != "default" else _everything(route),
        "type": route.kind,
        "table": _number(route.table, TABLE_NAMES),
        "proto": _number(route.protocol, PROTOCOLS),
    }
    if route.kind not in KINDS.values():
        raise OSError(f"{route.kind} is no kind of route")
    if route.gateway:
        wanted["gateway"] = route.gateway
    if route.interface:
        wanted["oif"] = _index(netlink, route.interface)
    if route.metric:
        wanted["priority"] = route.metric
    if route.source:
        wanted["prefsrc"] = route.source
    if route.onlink:
        wanted["flags"] = ONLINK
    if route.options:
        wanted["metrics"] = dict(route.options)
    return wanted


def _everything(route: Route) -> str:
    return "0.0.0.0/0" if route.version == 4 else "::/0"


def _rule(rule: PolicyRule) -> dict[str, Any]:
    wanted: dict[str, Any] = {
        "family": FAMILIES[rule.version],
        "priority": rule.priority,
        "table": _number(rule.table, TABLE_NAMES),
    }
    for name, value in (("src", rule.source), ("dst", rule.destination)):
        if value != "all":
            network = ipaddress.ip_interface(value)
            wanted |= {name: str(network.ip), f"{name}_len": network.network.prefixlen}
    if rule.interface:
        wanted["iifname"] = rule.interface
    if rule.mark:
        mark, _, mask = rule.mark.partition("/")
        wanted["fwmark"] = int(mark, 0)
        wanted |= {"fwmask": int(mask, 0)} if mask else {}
    return wanted


def _number(name: str, names: dict[int, str]) -> int:
    for number, known in names.items():
        if known == name:
            return number
    if not name.isdigit():
        raise OSError(f"{name!r} is neither a number nor a name that is known here")
    return int(name)


def _set_sysctl(change: SetSysctl) -> None:
    match = _SETTABLE.fullmatch(change.key)
    if match is None or match["name"] in (".", ".."):
        raise OSError(f"{change.key} is not a sysctl that is set here")
    # The file itself, not sysctl(8): that takes the dots of an interface name for slashes.
    file = CONF.parent / change.key
    file.write_text(f"{change.value}\n")
    got = file.read_text().strip()
    if got != str(change.value):
        raise OSError(f"it reads {got!r} after writing {change.value}")


def _index(netlink: Any, interface: str) -> int:
    found = list(netlink.link_lookup(ifname=interface))
    if not found:
        raise OSError(f"there is no interface {interface}")
    return int(found[0])


# -- tools ------------------------------------------------------------------------------


def has_tool(host: Host, tool: str) -> bool:
    """Return whether the host has a program of that name."""
    root = host.root.rstrip("/")
    if root and not os.access(f"{root}/{_SHELL}", os.X_OK):
        return False
    return any(os.access(f"{root}/{folder}/{tool}", os.X_OK) for folder in _FOLDERS)


def _call_tool(host: Host, change: CallTool) -> None:
    if _answered(host, change.unless):
        return
    _call(host, change.argv, accept=change.accept)


def _answered(host: Host, question: Sequence[str]) -> bool:
    """Return whether the answer to a question is yes."""
    if not question or not has_tool(host, question[0]):
        return False
    return _run(host, question).returncode == 0


def _call(host: Host, argv: Sequence[str], *, accept: Sequence[int]) -> None:
    if not has_tool(host, argv[0]):
        raise NoTool(argv[0])
    done = _run(host, argv)
    if done.returncode not in accept:
        said = (done.stderr.strip() or done.stdout.strip())[-500:]
        raise OSError(f"it ended with exit code {done.returncode}" + (f": {said}" if said else ""))


def _run(host: Host, argv: Sequence[str]) -> "subprocess.CompletedProcess[str]":
    """Run a tool of the host: of its root, where that is a directory of this machine."""
    inside = [] if host.root == "/" else ["chroot", host.root]
    try:
        return subprocess.run(
            [*inside, *argv],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_TOOL_S,
            check=False,
            text=True,
            errors="replace",
            env={"PATH": ":".join(f"/{folder}" for folder in _FOLDERS), "LC_ALL": "C"},
        )
    except subprocess.TimeoutExpired:
        raise OSError(f"{argv[0]} did not end within {_TOOL_S:g} s") from None
