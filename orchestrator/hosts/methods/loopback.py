"""The loopback method of direct server return: the VIP/32 on lo, and a host that keeps quiet.

Pure: facts in, changes out. The order is the point. The old values are recorded before
anything is touched; the host is silenced, for the next boot and then live, before the VIP
appears; and the VIP leaves before the old values come back. The other way round, neighbours
that ask in the gap keep the host's MAC for the VIP, some of them for ever.
"""

import ipaddress
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import cast, get_args

from orchestrator.errors import HostChangeFailed
from orchestrator.hosts.changes import (
    AddAddress,
    NetChange,
    RemoveAddress,
    SetSysctl,
    WriteFile,
)
from orchestrator.hosts.driver import Host
from orchestrator.hosts.effective import (
    RIGHT,
    EffectiveArp,
    effective_arp,
    keys_for,
    persistent_arp,
)
from orchestrator.hosts.findings import Finding
from orchestrator.hosts.methods import cautions
from orchestrator.hosts.methods.method import Wanted
from orchestrator.hosts.methods.record_file import read_record, write_record
from orchestrator.hosts.sections import Section
from orchestrator.hosts.state import (
    SYSCTL_FILE,
    ArpKey,
    HostAddress,
    NetState,
    PersistentSysctl,
)
from orchestrator.hosts.sysctl_files import HEADER, our_file
from orchestrator.hosts.undo_record import Taken, UndoRecord

LOOPBACK = "lo"
NAME = "loopback"


@dataclass(frozen=True, slots=True)
class Loopback:
    """The method, as the registry holds it."""

    direct_return: bool = True
    vip_on_host: bool = True
    changes_host: bool = True
    sections: frozenset[Section] = frozenset()

    def plan_add(self, state: NetState, wanted: Wanted) -> tuple[NetChange, ...]:
        """Return the changes that make the host carry the VIPs, in order; none if it is right.

        A VIP that is on lo with a wider prefix is put right; one on another interface is left
        to the operator (``verify`` names it), since we do not know who put it there.

        Raises:
            HostChangeFailed: it cannot be planned: a VIP is the host's own address, the
                interface is not there, or a file of ours is not as we write it.
        """
        vips = [_checked(state, wanted.host, vip) for vip in wanted.vips]
        if not self.verify(state, wanted):
            return ()
        old = read_record(state, wanted.host)
        silenced = replace(old, sysctls={**_to_take(state, wanted.host), **old.sysctls})
        text = our_file({key: taken.set for key, taken in silenced.sysctls.items()})
        changes = (
            *_write(state, SYSCTL_FILE, text),
            *_silence(state, wanted.host, silenced),
            *_place(state, vips),
        )
        record = silenced.noting(one for one in changes if not isinstance(one, SetSysctl))
        for vip in vips:
            record = record.carrying(vip, NAME, state)
        return (*write_record(state, wanted.host, record), *changes)

    def plan_remove(self, state: NetState, wanted: Wanted) -> tuple[NetChange, ...]:
        """Return the changes that take the VIPs off the host, in order; none if they are off.

        The old sysctls come back, and our files go, only with the last VIP: none of ours, none
        that is kept and no other address on lo needs the silence any more. A sysctl that is no
        longer what we set is left alone (``left_alone`` names it).

        Raises:
            HostChangeFailed: it cannot be planned, as for ``plan_add``.
        """
        vips = [_checked(state, wanted.host, vip) for vip in wanted.vips]
        away = tuple(RemoveAddress(address=one) for one in state.addresses if one.address in vips)
        record = read_record(state, wanted.host)
        left = replace(
            record.without(vips),
            addresses=tuple(one for one in record.addresses if one.address.address not in vips),
        )
        if _still_needed(state, record, vips, wanted.kept_vips):
            return (*away, *write_record(state, wanted.host, left))
        restored = tuple(
            SetSysctl(key=key, value=taken.before, before=taken.set)
            for key, taken in sorted(record.sysctls.items())
            if state.sysctls.get(key) == taken.set != taken.before
        )
        files = _write(state, SYSCTL_FILE, None) if record != UndoRecord() else ()
        others = {path: one for path, one in left.files.items() if path != SYSCTL_FILE}
        rest = replace(left, sysctls={}, files=others)
        return (*away, *restored, *files, *write_record(state, wanted.host, rest))

    def left_alone(self, state: NetState, wanted: Wanted) -> tuple[Finding, ...]:
        """Return what ``plan_remove`` for the same arguments would not give back, and why."""
        vips = [_checked(state, wanted.host, vip) for vip in wanted.vips]
        record = read_record(state, wanted.host)
        if record == UndoRecord():
            return ()
        if needed := _still_needed(state, record, vips, wanted.kept_vips):
            return (
                Finding(
                    id="sysctls-still-needed",
                    message="the ARP sysctls stay: still on this host: "
                    f"{', '.join(sorted(needed))}",
                    cure="take those addresses away first if the old values are wanted",
                    blocks=False,
                ),
            )
        return tuple(
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
        )

    def verify(self, state: NetState, wanted: Wanted) -> tuple[Finding, ...]:
        """Return what is wrong with the host as a carrier of the VIPs; nothing means right.

        Looks at the live sysctls, at what the files make of them at the next boot, and at
        where the VIPs are.
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
            *_verify_sysctls(state, wanted.host),
            *(one for vip in wanted.vips for one in _verify_vip(state, vip)),
        )

    def exposed(self, state: NetState, wanted: Wanted) -> tuple[Finding, ...]:
        """Return why a host that has a VIP gives out its own MAC for it."""
        return cautions.exposed(self, state, wanted)

    def not_mended(self, state: NetState, wanted: Wanted) -> tuple[Finding, ...]:
        """Return what is wrong with the host and stays so after ``plan_add``."""
        return cautions.not_mended(self, state, wanted)

    def evidence(self, state: NetState, wanted: Wanted) -> tuple[str, ...]:
        """Return the effective values and where the VIPs are."""
        interface = wanted.host.interface
        arp = effective_arp(state, interface)
        return (
            f"effective on {interface}: arp_ignore {arp.arp_ignore}, "
            f"arp_announce {arp.arp_announce}",
            *(f"{vip}/32 on lo" for vip in wanted.vips),
        )


def _verify_vip(state: NetState, vip: str) -> tuple[Finding, ...]:
    where = [one for one in state.addresses if one.address == vip]
    return (
        *_verify_place([one for one in where if one.interface == LOOPBACK], vip),
        *(
            Finding(
                id="vip-on-interface",
                message=f"{vip}/{one.prefix} is on {one.interface}: the host answers ARP for it "
                "there whatever the sysctls say, and takes the traffic past the load balancer",
                cure=f"ip address del {vip}/{one.prefix} dev {one.interface}, and take it out of "
                "the configuration that put it there",
            )
            for one in where
            if one.interface != LOOPBACK
        ),
    )


def _verify_sysctls(state: NetState, host: Host) -> list[Finding]:
    if missing := _missing_interface(state, host):
        return [
            Finding(
                id="interface-missing",
                message=missing,
                cure="name the interface that has the host's own address",
            )
        ]
    live = effective_arp(state, host.interface)
    files = persistent_arp(state, host.interface)
    return [
        *(
            Finding(
                id=f"{_word(key)}-live",
                message=f"effective {key} of {host.interface} is {live.value(key)} "
                f"(the larger of all and {host.interface}), wanted {_wanted(key)}: "
                f"{_consequence(key, live.value(key))}",
                cure=f"sysctl -w net/ipv4/conf/{host.interface}/{key}={RIGHT[key][0]}"
                f" net/ipv4/conf/all/{key}={RIGHT[key][0]}",
            )
            for key in get_args(ArpKey)
            if not live.is_right(key)
        ),
        *(
            Finding(
                id=f"{_word(key)}-persistent",
                message=f"{when} the effective {key} of {host.interface} will be "
                f"{outcome.value(key)}, wanted {_wanted(key)}: {_deciders(winners, key)}",
                cure=_persistent_cure(key, host, files.conflicts),
            )
            for key in get_args(ArpKey)
            for when, outcome, winners in _bad_outcomes(
                key,
                ("after a reboot", files.after_boot, files.boot_winners),
                ("after 'sysctl --system'", files.after_reload, files.reload_winners),
            )
        ),
    ]


_Outcome = tuple[str, EffectiveArp, Mapping[str, PersistentSysctl]]


def _bad_outcomes(key: ArpKey, *outcomes: _Outcome) -> list[_Outcome]:
    """Return the first outcome that is wrong: the second is no news when the first is."""
    return [one for one in outcomes if not one[1].is_right(key)][:1]


def _deciders(winners: Mapping[str, PersistentSysctl], key: ArpKey) -> str:
    said = [
        f"{line.path} says {line.key} = {line.value}"
        for name, line in sorted(winners.items())
        if name.endswith(f"/{key}")
    ]
    return "; ".join(dict.fromkeys(said)) or "no file sets it"


def _persistent_cure(key: ArpKey, host: Host, conflicts: Iterable[PersistentSysctl]) -> str:
    lines = [
        f"{line.path} ({line.key} = {line.value})"
        for line in conflicts
        if line.path != SYSCTL_FILE and line.key.endswith(f"/{key}")
    ]
    if lines:
        return f"take the line out of {', '.join(lines)}, then apply again"
    return f"set all and {host.interface} in {SYSCTL_FILE}: apply again"


def _consequence(key: ArpKey, value: int) -> str:
    if key == "arp_announce":
        return "the host names the VIP as sender when it looks for a neighbour"
    if value == 8:
        return "the host answers nobody, not even for its own address"
    return "the host answers ARP for the VIP"


def _verify_place(on_loopback: Iterable[HostAddress], vip: str) -> list[Finding]:
    prefixes = {one.prefix for one in on_loopback}
    findings = [
        Finding(
            id="vip-prefix",
            message=f"{vip} is on lo as /{prefix}: the host takes the whole network for itself "
            "and does not reach its neighbours there",
            cure=f"ip address add {vip}/32 dev lo; ip address del {vip}/{prefix} dev lo",
        )
        for prefix in sorted(prefixes - {32})
    ]
    if not prefixes:
        findings.append(
            Finding(
                id="vip-missing",
                message=f"{vip} is not on lo: the host drops what is sent to it",
                cure=f"ip address add {vip}/32 dev lo, after the ARP sysctls are right",
            )
        )
    return findings


def _checked(state: NetState, host: Host, vip: str) -> str:
    """Return the VIP; refuse what cannot be planned."""
    if ":" in vip:
        raise HostChangeFailed(f"{host.name}: {vip} is IPv6; this method silences ARP")
    if vip == host.address:
        raise HostChangeFailed(f"{host.name}: {vip} is the host's own address, not a VIP")
    if missing := _missing_interface(state, host):
        raise HostChangeFailed(f"{host.name}: {missing}")
    ours = state.files.get(SYSCTL_FILE)
    if ours is not None and not ours.startswith(HEADER):
        raise HostChangeFailed(
            f"{host.name}: {SYSCTL_FILE} was not written by kemp: move it away, then try again"
        )
    return vip


def _missing_interface(state: NetState, host: Host) -> str | None:
    """Return what to say if the interface is not there, or has no IPv4 (an MTU below 68)."""
    if all(key in state.sysctls for key in keys_for(host.interface)):
        return None
    return (
        f"there is no interface {host.interface} with IPv4; there are "
        f"{', '.join(sorted(state.interfaces))}"
    )


def _to_take(state: NetState, host: Host) -> dict[str, Taken]:
    """Return every key as it is now and as it should be; one that is right is kept."""
    taken = {}
    for key in keys_for(host.interface):
        before, right = state.sysctls[key], RIGHT[_arp_key(key)]
        taken[key] = Taken(before=before, set=before if before in right else right[0])
    return taken


def _silence(state: NetState, host: Host, record: UndoRecord) -> list[NetChange]:
    return [
        SetSysctl(key=key, value=record.sysctls[key].set, before=state.sysctls[key])
        for key in keys_for(host.interface)
        if state.sysctls[key] not in RIGHT[_arp_key(key)]
    ]


def _place(state: NetState, vips: Sequence[str]) -> list[NetChange]:
    changes: list[NetChange] = []
    used = {one.label for one in state.addresses}
    for vip in vips:
        there = [one for one in state.addresses if (one.address, one.interface) == (vip, LOOPBACK)]
        if not any(one.prefix == 32 for one in there):
            label = _free_label(used)
            used.add(label)
            vip_on_lo = HostAddress(address=vip, prefix=32, interface=LOOPBACK, label=label)
            changes.append(AddAddress(address=vip_on_lo))
        # The right one first: the VIP is never gone in between.
        changes += [RemoveAddress(address=one) for one in there if one.prefix != 32]
    return changes


def _free_label(used: Iterable[str | None]) -> str:
    number = 0
    while f"{LOOPBACK}:{number}" in used:
        number += 1
    return f"{LOOPBACK}:{number}"


def _still_needed(
    state: NetState, record: UndoRecord, vips: Sequence[str], keep: frozenset[str]
) -> frozenset[str]:
    """Return the addresses that need the silence when the VIPs are gone."""
    others = {
        one.address
        for one in state.addresses
        if one.interface == LOOPBACK
        and ":" not in one.address
        and not ipaddress.ip_address(one.address).is_loopback
    }
    ours = {vip for vip, how in record.vips.items() if how.method == NAME}
    return frozenset(ours | others | keep) - frozenset(vips)


def _write(state: NetState, path: str, content: str | None) -> tuple[NetChange, ...]:
    before = state.files.get(path)
    return () if before == content else (WriteFile(path=path, content=content, before=before),)


def _arp_key(key: str) -> ArpKey:
    return cast("ArpKey", key.rpartition("/")[2])


def _word(key: ArpKey) -> str:
    return key.replace("_", "-")


def _wanted(key: ArpKey) -> str:
    return " or ".join(str(value) for value in RIGHT[key])
