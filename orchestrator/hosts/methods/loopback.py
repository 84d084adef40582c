"""The loopback method of direct server return: the VIP on lo, and a host that keeps quiet.

Pure: facts in, changes out. The order is the point. The old values are recorded before
anything is touched; the host is silenced, for the next boot and then live, before the VIP
appears, in a file or on lo; and the VIP leaves before the old values come back. The other way
round, neighbours that ask in the gap keep the host's MAC for the VIP, some of them for ever.
"""

import ipaddress
from dataclasses import dataclass, replace

from orchestrator.errors import HostChangeFailed
from orchestrator.hosts.changes import NetChange, RemoveAddress, SetSysctl, WriteFile
from orchestrator.hosts.driver import Host
from orchestrator.hosts.effective import effective_arp
from orchestrator.hosts.findings import Finding, blocking
from orchestrator.hosts.methods import cautions
from orchestrator.hosts.methods.method import Wanted
from orchestrator.hosts.methods.place import is_ipv4, place, placed, verify_place
from orchestrator.hosts.methods.record_file import read_record, write_record
from orchestrator.hosts.methods.silence import (
    missing_interface,
    silence,
    to_take,
    verify_neighbour_discovery,
    verify_silence,
)
from orchestrator.hosts.sections import Section
from orchestrator.hosts.state import SYSCTL_FILE, NetState
from orchestrator.hosts.sysctl_files import HEADER, our_file
from orchestrator.hosts.undo_record import UndoRecord
from orchestrator.hosts.vip_at_boot import QUIET, at_boot, verify_boot
from orchestrator.hosts.vip_persistence import plan_drop, plan_keep

NAME = "loopback"


@dataclass(frozen=True, slots=True)
class Loopback:
    """The method, as the registry holds it."""

    direct_return: bool = True
    vip_on_host: bool = True
    changes_host: bool = True
    sections: frozenset[Section] = frozenset({Section.PERSISTENCE})

    def plan_add(self, state: NetState, wanted: Wanted) -> tuple[NetChange, ...]:
        """Return the changes that make the host carry the VIPs, in order; none if it is right.

        A VIP that is on lo with a wider prefix is put right; one on another interface is left
        to the operator (``verify`` names it), since we do not know who put it there.

        Raises:
            HostChangeFailed: it cannot be planned: a VIP is the host's own address, the
                interface is not there, or somebody else's file is in the way.
        """
        for vip in wanted.vips:
            _check(state, wanted.host, vip)
        if not blocking(self.verify(state, wanted)):
            return ()
        record = read_record(state, wanted.host)
        quiet: tuple[NetChange, ...] = ()
        if any(is_ipv4(vip) for vip in wanted.vips):
            _check_file(state, wanted)
            taken = {**to_take(state, wanted.host), **record.sysctls}
            record = replace(record, sysctls=taken)
            text = our_file({key: one.set for key, one in taken.items()})
            quiet = (
                *_write(state, SYSCTL_FILE, text),
                *silence(state, wanted.host, record),
            )
        kept = plan_keep(state, wanted.host, wanted.vips, adopt=wanted.adopt)
        changes = (*quiet, *kept.changes, *place(state, kept))
        record = record.noting(one for one in changes if not isinstance(one, SetSysctl))
        for vip in wanted.vips:
            record = record.carrying(vip, NAME, state)
        return (*write_record(state, wanted.host, record), *changes)

    def plan_remove(self, state: NetState, wanted: Wanted) -> tuple[NetChange, ...]:
        """Return the changes that take the VIPs off the host, in order; none if they are off.

        The old sysctls come back, and our file of them goes, only with the last VIP: none of
        ours, none that is kept, no other address on lo and none that somebody else's file puts
        there at boot needs the silence any more. A sysctl that is no longer what we set is left
        alone (``left_alone`` names it).

        Raises:
            HostChangeFailed: it cannot be planned, as for ``plan_add``.
        """
        record = read_record(state, wanted.host)
        gone = _gone(state, wanted, record)
        away = (
            *(RemoveAddress(address=one) for one in state.addresses if one.address in gone),
            *plan_drop(state, gone, record),
        )
        left = replace(
            record.without(gone, method=NAME).noting(away),
            addresses=tuple(one for one in record.addresses if one.address.address not in gone),
        )
        if _still_needed(state, record, wanted):
            return (*away, *write_record(state, wanted.host, left))
        restored = tuple(
            SetSysctl(key=key, value=taken.before, before=taken.set)
            for key, taken in sorted(record.sysctls.items())
            if state.sysctls.get(key) == taken.set != taken.before
        )
        first = record.files.get(SYSCTL_FILE)
        file = _write(state, SYSCTL_FILE, first.before if first else None) if record.sysctls else ()
        others = {path: one for path, one in left.files.items() if path != SYSCTL_FILE}
        # Without a VIP nothing is ours any more, whatever a run that was cut off left written.
        rest = replace(left, sysctls={}, files=others) if left.vips else UndoRecord()
        return (*away, *restored, *file, *write_record(state, wanted.host, rest))

    def left_alone(self, state: NetState, wanted: Wanted) -> tuple[Finding, ...]:
        """Return what ``plan_remove`` for the same arguments would not give back, and why."""
        record = read_record(state, wanted.host)
        gone = _gone(state, wanted, record)
        foreign = tuple(
            Finding(
                id="vip-in-foreign-file",
                message=f"{one.path} puts {one.address} on {one.interface} at boot: kemp did not "
                "write it, so it stays",
                cure=f"take {one.address} out of it before the next boot",
                blocks=False,
            )
            for one in at_boot(state, wanted.host)
            if one.address in gone and not one.ours
        )
        if not record.sysctls:
            return foreign
        if needed := _still_needed(state, record, wanted):
            return (
                *foreign,
                Finding(
                    id="sysctls-still-needed",
                    message="the ARP sysctls stay: still on this host: "
                    f"{', '.join(sorted(needed))}",
                    cure="take those addresses away first if the old values are wanted",
                    blocks=False,
                ),
            )
        return (
            *foreign,
            *(
                Finding(
                    id="sysctl-changed-since",
                    message=f"net/ipv4/{key} is {live}, not the {taken.set} that was set here: "
                    f"somebody changed it, it stays (it was {taken.before} before)",
                    cure=f"if the old value is wanted: sysctl -w net/ipv4/{key}={taken.before}",
                    blocks=False,
                )
                for key, taken in sorted(record.sysctls.items())
                if (live := state.sysctls.get(key)) is not None
                and live not in (taken.set, taken.before)
            ),
        )

    def verify(self, state: NetState, wanted: Wanted) -> tuple[Finding, ...]:
        """Return what is wrong with the host as a carrier of the VIPs; nothing means right.

        Looks at the live sysctls, at what the files make of them at the next boot, at where
        the VIPs are, and at where they will be.
        """
        if wanted.host.address in wanted.vips:
            return (
                Finding(
                    id="vip-is-host-address",
                    message=f"{wanted.host.address} is the host's own address",
                    cure="give the service another address",
                ),
            )
        return (
            *(
                verify_silence(state, wanted.host)
                if any(is_ipv4(vip) for vip in wanted.vips)
                else ()
            ),
            *(
                verify_neighbour_discovery(state, wanted.host)
                if not all(is_ipv4(vip) for vip in wanted.vips)
                else ()
            ),
            *(one for vip in wanted.vips for one in verify_place(state, vip)),
            *(one for vip in wanted.vips for one in verify_boot(state, wanted.host, vip)),
        )

    def exposed(self, state: NetState, wanted: Wanted) -> tuple[Finding, ...]:
        """Return why a host that has a VIP gives out its own MAC for it."""
        return cautions.exposed(self, state, wanted)

    def not_mended(self, state: NetState, wanted: Wanted) -> tuple[Finding, ...]:
        """Return what is wrong with the host and stays so after ``plan_add``."""
        return cautions.not_mended(self, state, wanted)

    def evidence(self, state: NetState, wanted: Wanted) -> tuple[str, ...]:
        """Return the effective values, where the VIPs are, and what brings them back."""
        interface = wanted.host.interface
        arp = effective_arp(state, interface)
        files = {one.path for one in at_boot(state, wanted.host) if one.address in wanted.vips}
        return (
            *(
                [
                    f"effective on {interface}: arp_ignore {arp.arp_ignore}, "
                    f"arp_announce {arp.arp_announce}"
                ]
                if any(is_ipv4(vip) for vip in wanted.vips)
                else []
            ),
            *(placed(state, vip) for vip in wanted.vips),
            *(f"back after a boot by {path}" for path in sorted(files)),
        )


def _check(state: NetState, host: Host, vip: str) -> None:
    """Refuse what cannot be planned."""
    if vip == host.address:
        raise HostChangeFailed(f"{host.name}: {vip} is the host's own address, not a VIP")
    if is_ipv4(vip):
        if missing := missing_interface(state, host):
            raise HostChangeFailed(f"{host.name}: {missing}")
    elif wrong := blocking(verify_neighbour_discovery(state, host)):
        raise HostChangeFailed(f"{host.name}: {wrong[0].message}: {wrong[0].cure}")


def _gone(state: NetState, wanted: Wanted, record: UndoRecord) -> tuple[str, ...]:
    """Return the VIPs that leave: those that no service which stays has too, nor a method."""
    for vip in wanted.vips:
        _check(state, wanted.host, vip)
    return tuple(
        vip
        for vip in wanted.vips
        if vip not in wanted.kept_vips and not record.placed_by_other(vip, NAME)
    )


def _check_file(state: NetState, wanted: Wanted) -> None:
    ours = state.files.get(SYSCTL_FILE)
    if ours is not None and not ours.startswith(HEADER) and not wanted.adopt:
        raise HostChangeFailed(
            f"{wanted.host.name}: {SYSCTL_FILE} was not written by kemp: move it away or take it "
            "over (--adopt), then try again"
        )


def _still_needed(state: NetState, record: UndoRecord, wanted: Wanted) -> frozenset[str]:
    """Return the IPv4 addresses that need the silence when the VIPs are gone."""
    live = {one.address for one in state.addresses if one.interface in QUIET}
    ours = {vip for vip, how in record.vips.items() if how.method == NAME}
    quiet = {vip for vip in record.vips if record.placed_by_other(vip, NAME)}
    foreign = {
        one.address
        for one in at_boot(state, wanted.host)
        if one.interface in QUIET and not one.ours
    }
    needed = ((live | ours) - frozenset(wanted.vips) - quiet) | wanted.kept_vips | foreign
    return frozenset(
        one for one in needed if is_ipv4(one) and not ipaddress.ip_address(one).is_loopback
    )


def _write(state: NetState, path: str, content: str | None) -> tuple[NetChange, ...]:
    before = state.files.get(path)
    return () if before == content else (WriteFile(path=path, content=content, before=before),)
