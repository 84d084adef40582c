"""Everything that a host carries, by whatever methods: planned in one pass. Pure.

One that carries a VIP by another method than it is to is changed over. The new method's things
are there before the old one's go, so that at no moment the VIP is without protection, nor away;
the undo record names the new method before anything is touched.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import cast

from orchestrator.errors import HostChangeFailed
from orchestrator.hosts.changes import NetChange
from orchestrator.hosts.driver import Host, HostDriver
from orchestrator.hosts.foresight import foreseen
from orchestrator.hosts.methods.firewalld import Redirect
from orchestrator.hosts.methods.method import Method, MethodName, Wanted
from orchestrator.hosts.methods.record_file import read_record, write_record
from orchestrator.hosts.methods.registry import METHODS
from orchestrator.hosts.sections import Section
from orchestrator.hosts.state import NetState


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """What one method is to do on a host."""

    method: MethodName
    wanted: Wanted

    @property
    def how(self) -> Method:
        return METHODS[self.method]

    def about(self, vips: Iterable[str]) -> Wanted:
        """Return what is wanted of some of the VIPs; there must be one."""
        services = tuple(one for one in self.wanted.services if one.address in vips)
        return replace(self.wanted, services=services)


def read_carrying(driver: HostDriver, host: Host, sections: Iterable[Section]) -> NetState:
    """Read a host with these sections, and with those of every method that it carries by.

    One round trip; two where the host turns out to carry something by another method.

    Raises:
        HostUnreachable: it could not be read.
    """
    wanted = frozenset(sections)
    state = driver.read(host, wanted)
    lacking = _sections_in_use(state, host) - state.sections()
    return driver.read(host, wanted | lacking) if lacking else state


def plan_add(state: NetState, parts: Sequence[Part]) -> tuple[NetChange, ...]:
    """Return what makes a host carry all parts and nothing of them by another method.

    In the order in which it is carried out; none if it is right.

    Raises:
        HostChangeFailed: it cannot be planned, or the parts contradict each other.
    """
    _check(parts)
    changes: list[NetChange] = []
    for part in parts:
        new = _plan_part(foreseen(state, changes), part)
        changes += new
    return tuple(changes)


def plan_remove(state: NetState, part: Part) -> tuple[NetChange, ...]:
    """Return what takes the services off, by the method that the host carries each by.

    Raises:
        HostChangeFailed: it cannot be planned.
    """
    changes: list[NetChange] = []
    if state.firewalld is not None and state.firewalld.version:
        # First, while the record still knows of it.
        changes += Redirect().plan_close(state, part.wanted)
    former = _former(state, part)
    rest = [vip for vip in part.wanted.vips if vip not in former]
    for method in dict.fromkeys(former.values()):
        vips = [vip for vip, one in former.items() if one == method]
        changes += METHODS[method].plan_remove(foreseen(state, changes), part.about(vips))
    if rest:
        changes += part.how.plan_remove(foreseen(state, changes), part.about(rest))
    return tuple(changes)


def _plan_part(state: NetState, part: Part) -> tuple[NetChange, ...]:
    former = _former(state, part)
    changes: list[NetChange] = []
    if former and part.how.changes_host:
        record = read_record(state, part.wanted.host).handed_over(former, part.method, state)
        changes += write_record(state, part.wanted.host, record)
    changes += part.how.plan_add(foreseen(state, changes), part.wanted)
    for method in dict.fromkeys(former.values()):
        vips = [vip for vip, one in former.items() if one == method]
        changes += METHODS[method].plan_remove(foreseen(state, changes), part.about(vips))
    return tuple(changes)


def _former(state: NetState, part: Part) -> dict[str, MethodName]:
    """Return the VIPs that the host carries by another method, each with that."""
    carried = read_record(state, part.wanted.host).vips
    found: dict[str, MethodName] = {}
    for vip in part.wanted.vips:
        if vip not in carried or carried[vip].method == part.method:
            continue
        method = carried[vip].method
        if method not in METHODS:
            raise HostChangeFailed(
                f"{part.wanted.host.name} carries {vip} by {method}, which is not known here: it "
                "was changed by a newer kemp; use that one"
            )
        found[vip] = cast("MethodName", method)
    return found


def _sections_in_use(state: NetState, host: Host) -> frozenset[Section]:
    try:
        record = read_record(state, host)
    except HostChangeFailed:
        return frozenset()  # whoever plans says so
    methods = {how.method for how in record.vips.values()}
    if any(call.argv[0].startswith("firewall-") for call in record.calls):
        methods.add("firewalld")  # it opened a port, and another method may carry the VIP now
    return frozenset().union(*(one.sections for name, one in METHODS.items() if name in methods))


def _check(parts: Sequence[Part]) -> None:
    """Refuse what no host can do."""
    by_vip: dict[str, Part] = {}
    for part in parts:
        name = part.wanted.host.name
        for vip in part.wanted.vips:
            other = by_vip.setdefault(vip, part)
            if other.method != part.method and (other.how.direct_return or part.how.direct_return):
                raise HostChangeFailed(
                    f"{name} is to carry {vip} by {other.method} and by {part.method}: name one "
                    "method for all services of an address"
                )
    gateways = {part.wanted.gateway for part in parts if part.method == "gateway"}
    if len(gateways) > 1:
        raise HostChangeFailed(
            f"{parts[0].wanted.host.name} has one default route, and it is to lead through "
            f"{' and '.join(sorted(map(str, gateways)))}"
        )
    if gateways and any(part.how.direct_return for part in parts):
        raise HostChangeFailed(
            f"{parts[0].wanted.host.name} is to answer clients itself for one service and "
            "through the LoadMaster for another: its default route cannot do both"
        )
