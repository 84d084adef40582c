"""The firewalld method of direct server return: no VIP on the host, packets for it redirected.

Nobody can ask the host for an address that it does not have, so ARP is no matter. The price:
every packet goes through connection tracking, and one port serves one VIP.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from kempsdk.references import VsRef
from orchestrator.errors import HostChangeFailed
from orchestrator.hosts.changes import NetChange
from orchestrator.hosts.findings import Finding
from orchestrator.hosts.firewall_rules import (
    Entry,
    direct_redirect,
    is_in,
    masquerade,
    open_port,
    redirect,
    sent_round,
    took_away_round,
)
from orchestrator.hosts.methods.method import Wanted
from orchestrator.hosts.methods.record_file import read_record, write_record
from orchestrator.hosts.sections import Firewalld, Section
from orchestrator.hosts.state import NetState

NAME = "firewalld"
_LAST_DIRECT = 7
"""The last release whose firewalld is given the rule of the direct interface."""


@dataclass(frozen=True, slots=True)
class Redirect:
    """The method, as the registry holds it."""

    direct_return: bool = True
    vip_on_host: bool = False
    changes_host: bool = True
    sections: frozenset[Section] = frozenset({Section.FIREWALLD})

    def plan_add(self, state: NetState, wanted: Wanted) -> tuple[NetChange, ...]:
        """Return the calls that add what is missing, running and lasting; none if it is right.

        With ``adopt`` what sends packets round (``sent_round``) is taken away first; the
        masquerade that came with it only where ``mend`` names it.

        Raises:
            HostChangeFailed: there is no firewalld, a service has no single port, or two
                services want one port.
        """
        firewall = _checked(state, wanted)
        changes: list[NetChange] = []
        if wanted.adopt:
            changes += [
                entry.removed(permanent=side.permanent, offline=not firewall.running)
                for side in _sides(firewall)
                for entry in sent_round_on(side, wanted)
            ]
        if "masquerade-on" in wanted.mend:
            changes += [
                masquerade(firewall.zone).removed(
                    permanent=side.permanent, offline=not firewall.running
                )
                for side in _masqueraded(state, firewall, wanted)
            ]
        # The port first: a redirect to a port that is closed refuses clients.
        for entry in _entries(state, firewall, wanted.services):
            changes += [
                entry.added(permanent=side.permanent, offline=not firewall.running)
                for side in _sides(firewall)
                if not side.has(entry)
            ]
        if not changes:
            return ()
        record = read_record(state, wanted.host).noting(changes)
        for vip in wanted.vips:
            record = record.carrying(vip, NAME, state)
        return (*write_record(state, wanted.host, record), *changes)

    def plan_remove(self, state: NetState, wanted: Wanted) -> tuple[NetChange, ...]:
        """Return the calls that take away what we added for these services.

        What was there before us, or is needed by others, stays; see ``left_alone``. So does the
        port of a service that another method has taken over: it is served as before. That one
        is closed with ``plan_close``.
        """
        _checked(state, wanted)
        keep = (*wanted.keep, *_handed_over(state, wanted))
        changes = _removed(state, wanted, wanted.services, keep)
        record = read_record(state, wanted.host)
        gone = [vip for vip in wanted.vips if vip not in wanted.kept_vips]
        left = record.noting(changes).without(gone, method=NAME)
        return (*changes, *write_record(state, wanted.host, left))

    def plan_close(self, state: NetState, wanted: Wanted) -> tuple[NetChange, ...]:
        """Return the calls that close what we opened for services that other methods carry now.

        To be made when those services leave the host.
        """
        changes = _removed(state, wanted, _handed_over(state, wanted), wanted.keep)
        if not changes:
            return ()
        record = read_record(state, wanted.host).noting(changes)
        return (*changes, *write_record(state, wanted.host, record))

    def verify(self, state: NetState, wanted: Wanted) -> tuple[Finding, ...]:
        """Return what is wrong: entries missing now or after a boot, or in each other's way."""
        try:
            firewall = _checked(state, wanted)
        except HostChangeFailed as error:
            return (Finding(id="firewalld-unfit", message=str(error), cure="use another method"),)
        found: list[Finding] = []
        if not firewall.running:
            found.append(
                Finding(
                    id="firewalld-live",
                    message="firewalld does not run: packets for the VIP are dropped",
                    cure="systemctl start firewalld",
                )
            )
        if firewall.service not in ("enabled", "static", ""):
            found.append(
                Finding(
                    id="firewalld-persistent",
                    message=f"firewalld is {firewall.service}: after a boot packets for the VIP "
                    "are dropped",
                    cure="systemctl enable firewalld",
                )
            )
        for entry in _entries(state, firewall, wanted.services):
            found += _missing(firewall, entry)
        found += _in_the_way(state, firewall, wanted)
        return tuple(found)

    def left_alone(self, state: NetState, wanted: Wanted) -> tuple[Finding, ...]:
        """Return what stays because it was there before us, or because others need it."""
        firewall = _checked(state, wanted)
        ours = {call.argv for call in read_record(state, wanted.host).calls}
        return tuple(
            Finding(
                id="firewall-entry-stays",
                message=f"{' '.join(entry.words)} stays: "
                + ("another service needs it" if needed else "it was there before us"),
                cure=entry.command("remove"),
                blocks=False,
            )
            for entry in _entries(state, firewall, wanted.services)
            for needed in (_needed(entry, wanted.keep),)
            if any(
                side.has(entry) and (needed or side.added_argv(entry) not in ours)
                for side in _sides(firewall)
            )
        )

    def not_mended(self, state: NetState, wanted: Wanted) -> tuple[Finding, ...]:
        """Return what stays wrong after ``plan_add``, and what the method costs."""
        stays = (
            one
            for one in self.verify(state, wanted)
            if not one.id.startswith(("redirect-missing", "port-closed"))
            and not (wanted.adopt and one.id == "redirect-sent-round")
            and one.id not in wanted.mend
        )
        return (
            *stays,
            Finding(
                id="redirect-costs",
                message="every packet of the service is tracked by the kernel: under many short "
                "connections the table fills up (nf_conntrack_max), and the host's own port "
                "serves this VIP only",
                cure="use the loopback method where that counts",
                blocks=False,
            ),
        )

    def exposed(self, _state: NetState, _wanted: Wanted) -> tuple[Finding, ...]:
        return ()

    def evidence(self, state: NetState, wanted: Wanted) -> tuple[str, ...]:
        """Return the redirects, and the zone that they are in."""
        firewall = _checked(state, wanted)
        return tuple(
            f"firewalld hands {one} to the host's own port (zone {firewall.zone}, now and after "
            "a boot)"
            for one in wanted.services
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Side:
    """The running or the lasting half of the firewall."""

    firewall: Firewalld
    permanent: bool

    def has(self, entry: Entry) -> bool:
        firewall = self.firewall
        if self.permanent:
            return is_in(entry, firewall.permanent, firewall.direct_permanent)
        return is_in(entry, firewall.runtime, firewall.direct)

    def added_argv(self, entry: Entry) -> tuple[str, ...]:
        return entry.added(permanent=self.permanent, offline=not self.firewall.running).argv


def _sides(firewall: Firewalld) -> tuple[_Side, ...]:
    """Return the halves that there are; the lasting one first, as everything of ours."""
    lasting = _Side(firewall=firewall, permanent=True)
    return (lasting, _Side(firewall=firewall, permanent=False)) if firewall.running else (lasting,)


def _entries(state: NetState, firewall: Firewalld, services: Iterable[VsRef]) -> tuple[Entry, ...]:
    """Return everything that these services need."""
    direct = state.release.major is not None and state.release.major <= _LAST_DIRECT
    entries: list[Entry] = []
    for service in services:
        entries.append(open_port(service, firewall.zone))
        entries.append(direct_redirect(service) if direct else redirect(service, firewall.zone))
    return tuple(entries)


def _removed(
    state: NetState, wanted: Wanted, services: Iterable[VsRef], keep: Iterable[VsRef]
) -> list[NetChange]:
    """Return the calls that take away what we added for services, but for what is kept."""
    firewall = _section(state, wanted)
    ours = {call.argv for call in read_record(state, wanted.host).calls}
    needed = tuple(keep)
    return [
        entry.removed(permanent=side.permanent, offline=not firewall.running)
        for entry in reversed(_entries(state, firewall, services))
        for side in _sides(firewall)
        if side.has(entry) and side.added_argv(entry) in ours
        if not _needed(entry, needed)
    ]


def _handed_over(state: NetState, wanted: Wanted) -> tuple[VsRef, ...]:
    """Return the services whose VIP the host carries by another method."""
    carried = read_record(state, wanted.host).vips
    return tuple(
        one
        for one in wanted.services
        if one.address in carried and carried[one.address].method != NAME
    )


def _is_redirect(entry: Entry) -> bool:
    return entry.option in ("rich-rule", "rule")


def _needed(entry: Entry, keep: Iterable[VsRef]) -> bool:
    return any(open_port(one, entry.zone) == entry for one in keep)


def sent_round_on(side: _Side, wanted: Wanted) -> tuple[Entry, ...]:
    """Return what one half of the firewall sends back to the LoadMaster."""
    zone = side.firewall.permanent if side.permanent else side.firewall.runtime
    return sent_round(zone, wanted.vips) if zone is not None else ()


def _masqueraded(state: NetState, firewall: Firewalld, wanted: Wanted) -> list[_Side]:
    """Return the halves where masquerade is on, and came with what sends packets round.

    Whether that is there still, or we have taken it away.
    """
    try:
        calls = read_record(state, wanted.host).calls
    except HostChangeFailed:
        calls = ()  # whoever plans says so
    replaced = any(took_away_round(call.argv, wanted.vips) for call in calls)
    return [
        side
        for side in _sides(firewall)
        if (zone := firewall.permanent if side.permanent else firewall.runtime) is not None
        if zone.masquerade and (replaced or sent_round(zone, wanted.vips))
    ]


def _missing(firewall: Firewalld, entry: Entry) -> Iterator[Finding]:
    lacking = [side for side in _sides(firewall) if not side.has(entry)]
    what, follows = (
        ("redirect-missing", "packets for the VIP are dropped")
        if _is_redirect(entry)
        else ("port-closed", "health checks and clients are refused")
    )
    for side in lacking:
        when = "after a boot or a reload" if side.permanent else "right now"
        yield Finding(
            id=f"{what}-{'persistent' if side.permanent else 'live'}",
            message=f"{when} firewalld lacks {' '.join(entry.words)}: {follows}",
            cure=entry.command("add"),
        )


def _in_the_way(state: NetState, firewall: Firewalld, wanted: Wanted) -> Iterator[Finding]:
    for side in _sides(firewall):
        for entry in sent_round_on(side, wanted):
            yield Finding(
                id="redirect-sent-round",
                message=f"{entry.words[0]} sends packets back to the LoadMaster, whose address "
                "that is, with this host as sender; clients time out, and every connection to "
                "that port is taken, the health check's included",
                cure=f"{entry.command('remove')}; or apply with --adopt, which does so",
            )
    if on := _masqueraded(state, firewall, wanted):
        sides = " and ".join("after a boot" if one.permanent else "right now" for one in on)
        yield Finding(
            id="masquerade-on",
            message=f"masquerade is on in zone {firewall.zone} {sides}: the guides that show a "
            "forward-port to the VIP have it switched on too; this method does not need it, and "
            "with it the host forwards for others under its own address",
            cure=f"where nothing else needs it: kemp host apply --mend masquerade-on "
            f"{wanted.host.name}, or {masquerade(firewall.zone).command('remove')}",
            blocks=False,
        )
    for one in state.addresses:
        if one.address in wanted.vips:
            yield Finding(
                id="vip-astray",
                message=f"{one.address} is on {one.interface}: with this method the host must "
                "not have it, since nothing keeps it from answering ARP for it",
                cure=f"ip address del {one.address}/{one.prefix} dev {one.interface}, and take "
                "it out of the configuration that put it there",
            )


def _section(state: NetState, wanted: Wanted) -> Firewalld:
    if state.firewalld is None:
        raise ValueError(f"{wanted.host.name} was read without its firewall")
    return state.firewalld


def _checked(state: NetState, wanted: Wanted) -> Firewalld:
    """Return the firewall; refuse what cannot be planned."""
    name, firewall = wanted.host.name, _section(state, wanted)
    if not firewall.version:
        raise HostChangeFailed(
            f"{name}: there is no firewalld; install the package firewalld, or use another method"
        )
    by_port: dict[tuple[str, int], VsRef] = {}
    for one in (*wanted.services, *wanted.keep):
        if one.port == 0:
            raise HostChangeFailed(f"{name}: {one} has every port; a redirect is for one")
        other = by_port.setdefault((one.protocol.value, one.port), one)
        if other.address != one.address and not {one, other}.isdisjoint(wanted.services):
            raise HostChangeFailed(
                f"{name}: {other} and {one} want one port of the host, which then cannot tell "
                "them apart; use the loopback method, or another port"
            )
    return firewall
