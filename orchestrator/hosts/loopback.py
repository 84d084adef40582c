"""The loopback method of direct server return: the VIP/32 on lo, and a host that keeps quiet.

Pure: facts in, changes out. The order is the point. The old values are recorded before
anything is touched; the host is silenced, for the next boot and then live, before the VIP
appears; and the VIP leaves before the old values come back. The other way round, neighbours
that ask in the gap keep the host's MAC for the VIP, some of them for ever.
"""

import ipaddress
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import cast, get_args

from orchestrator.errors import HostChangeFailed
from orchestrator.hosts.driver import Host
from orchestrator.hosts.effective import (
    RIGHT,
    EffectiveArp,
    effective_arp,
    keys_for,
    persistent_arp,
)
from orchestrator.hosts.state import (
    RECORD_FILE,
    SYSCTL_FILE,
    AddAddress,
    ArpKey,
    HostAddress,
    NetChange,
    NetState,
    PersistentSysctl,
    RemoveAddress,
    SetSysctl,
    WriteFile,
    describe,
)
from orchestrator.hosts.undo_record import Taken, UndoRecord

__all__ = ["Finding", "describe", "left_alone", "plan_add", "plan_remove", "verify"]

LOOPBACK = "lo"
HEADER = "# Written by kemp (direct server return): quiet about addresses on lo. Do not edit.\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Something about a host that is not as it must be.

    Attributes:
        id: stable, for gates and scripts.
        message: what was seen and what follows from it.
        cure: what mends it.
    """

    id: str
    message: str
    cure: str


def plan_add(state: NetState, *, host: Host, vip: str) -> tuple[NetChange, ...]:
    """Return the changes that make the host carry the VIP, in order; none if it is right.

    A VIP that is on lo with a wider prefix is put right; one on another interface is left
    to the operator (``verify`` names it), since we do not know who put it there.

    Raises:
        HostChangeFailed: it cannot be planned: the VIP is the host's own address, the
            interface is not there, or a file of ours is not as we write it.
        ValueError: the VIP is not an IPv4 address.
    """
    vip = _checked(state, host, vip)
    if not verify(state, host=host, vip=vip):
        return ()
    old = _read_record(state, host)
    record = UndoRecord(sysctls={**_to_take(state, host), **old.sysctls}, vips=old.vips | {vip})
    return (
        *_write(state, RECORD_FILE, record.render()),
        *_write(state, SYSCTL_FILE, _sysctl_file(record)),
        *_silence(state, host, record),
        *_place(state, vip),
    )


def plan_remove(
    state: NetState, *, host: Host, vip: str, keep_vips: Iterable[str] = ()
) -> tuple[NetChange, ...]:
    """Return the changes that take the VIP off the host, in order; none if it is off.

    The old sysctls come back, and our files go, only with the last VIP: none of ours, none of
    ``keep_vips`` and no other address on lo needs the silence any more. A sysctl that is no
    longer what we set is left alone (``left_alone`` names it).

    Raises:
        HostChangeFailed: it cannot be planned, as for ``plan_add``.
    """
    vip = _checked(state, host, vip)
    away = tuple(RemoveAddress(address=one) for one in state.addresses if one.address == vip)
    if RECORD_FILE not in state.files:
        return away
    record = _read_record(state, host)
    if _still_needed(state, record, vip, keep_vips):
        return (
            *away,
            *_write(state, RECORD_FILE, replace(record, vips=record.vips - {vip}).render()),
        )
    return (
        *away,
        *(
            SetSysctl(key=key, value=taken.before, before=taken.set)
            for key, taken in sorted(record.sysctls.items())
            if state.sysctls.get(key) == taken.set != taken.before
        ),
        *_write(state, SYSCTL_FILE, None),
        *_write(state, RECORD_FILE, None),
    )


def left_alone(
    state: NetState, *, host: Host, vip: str, keep_vips: Iterable[str] = ()
) -> tuple[Finding, ...]:
    """Return what ``plan_remove`` for the same arguments would not give back, and why."""
    vip = _checked(state, host, vip)
    if RECORD_FILE not in state.files:
        return ()
    record = _read_record(state, host)
    if needed := _still_needed(state, record, vip, keep_vips):
        return (
            Finding(
                id="sysctls-still-needed",
                message=f"the ARP sysctls stay: still on this host: {', '.join(sorted(needed))}",
                cure="take those addresses away first if the old values are wanted",
            ),
        )
    return tuple(
        Finding(
            id="sysctl-changed-since",
            message=f"net/ipv4/{key} is {live}, not the {taken.set} that was set here: "
            f"somebody changed it, it stays (it was {taken.before} before)",
            cure=f"if the old value is wanted: sysctl -w net/ipv4/{key}={taken.before}",
        )
        for key, taken in sorted(record.sysctls.items())
        if (live := state.sysctls.get(key)) is not None and live not in (taken.set, taken.before)
    )


def verify(state: NetState, *, host: Host, vip: str) -> tuple[Finding, ...]:
    """Return what is wrong with the host as a carrier of the VIP; nothing means right.

    Looks at the live sysctls, at what the files make of them at the next boot, and at where
    the VIP is.
    """
    vip = str(ipaddress.IPv4Address(vip))
    where = [one for one in state.addresses if one.address == vip]
    if vip == host.address:
        return (
            Finding(
                id="vip-is-host-address",
                message=f"{vip} is the host's own address",
                cure="give the service another address",
            ),
        )
    return (
        *_verify_sysctls(state, host),
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
    """Return the VIP in its one spelling; refuse what cannot be planned."""
    vip = str(ipaddress.IPv4Address(vip))
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


def _read_record(state: NetState, host: Host) -> UndoRecord:
    try:
        return UndoRecord.parse(state.files[RECORD_FILE])
    except KeyError:
        return UndoRecord()
    except ValueError as error:
        raise HostChangeFailed(
            f"{host.name}: the undo record {RECORD_FILE} cannot be understood ({error}): without "
            "it the old values are not known; look at it, then move it away"
        ) from error


def _sysctl_file(record: UndoRecord) -> str:
    # With slashes: in the dotted spelling an interface name like eth0.5 falls apart.
    lines = [f"net/ipv4/{key} = {taken.set}\n" for key, taken in sorted(record.sysctls.items())]
    return HEADER + "".join(lines)


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


def _place(state: NetState, vip: str) -> list[NetChange]:
    there = [one for one in state.addresses if one.address == vip and one.interface == LOOPBACK]
    changes: list[NetChange] = []
    if not any(one.prefix == 32 for one in there):
        changes.append(
            AddAddress(
                address=HostAddress(
                    address=vip, prefix=32, interface=LOOPBACK, label=_free_label(state)
                )
            )
        )
    # The right one first: the VIP is never gone in between.
    changes += [RemoveAddress(address=one) for one in there if one.prefix != 32]
    return changes


def _free_label(state: NetState) -> str:
    used = {one.label for one in state.addresses}
    number = 0
    while f"{LOOPBACK}:{number}" in used:
        number += 1
    return f"{LOOPBACK}:{number}"


def _still_needed(
    state: NetState, record: UndoRecord, vip: str, keep_vips: Iterable[str]
) -> frozenset[str]:
    """Return the addresses that need the silence when the VIP is gone."""
    others = {
        one.address
        for one in state.addresses
        if one.interface == LOOPBACK and not ipaddress.ip_address(one.address).is_loopback
    }
    kept = {str(ipaddress.IPv4Address(one)) for one in keep_vips}
    return frozenset((record.vips | others | kept) - {vip})


def _write(state: NetState, path: str, content: str | None) -> list[NetChange]:
    before = state.files.get(path)
    return [] if before == content else [WriteFile(path=path, content=content, before=before)]


def _arp_key(key: str) -> ArpKey:
    return cast("ArpKey", key.rpartition("/")[2])


def _word(key: ArpKey) -> str:
    return key.replace("_", "-")


def _wanted(key: ArpKey) -> str:
    return " or ".join(str(value) for value in RIGHT[key])
