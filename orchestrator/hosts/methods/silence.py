"""What keeps a host quiet about addresses on lo: the ARP sysctls; IPv6 needs nothing. Pure."""

from collections.abc import Iterable, Iterator, Mapping
from typing import cast, get_args

from orchestrator.hosts.changes import NetChange, SetSysctl
from orchestrator.hosts.driver import Host
from orchestrator.hosts.effective import (
    RIGHT,
    EffectiveArp,
    PersistentArp,
    effective_arp,
    keys_for,
    persistent_arp,
)
from orchestrator.hosts.findings import Finding
from orchestrator.hosts.state import SYSCTL_FILE, ArpKey, NetState, PersistentSysctl
from orchestrator.hosts.undo_record import Taken, UndoRecord


def verify_silence(state: NetState, host: Host) -> list[Finding]:
    """Return what is wrong with the sysctls that keep a host quiet, live and after a boot."""
    if missing := missing_interface(state, host):
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
        *_overruled(host, files),
    ]


def _overruled(host: Host, files: PersistentArp) -> Iterator[Finding]:
    """Yield the lines of others that beat ours, and yet are no harm: the other key holds."""
    if not files.silent:
        return  # said already, with what follows
    winners = (*files.boot_winners.values(), *files.reload_winners.values())
    for line in dict.fromkeys(one for one in files.conflicts if one in winners):
        yield Finding(
            id="sysctl-overruled",
            message=f"{line.path} says {line.key} = {line.value}, which wins over {SYSCTL_FILE}; "
            f"only the other one of all and {host.interface} keeps the host quiet",
            cure=f"take the line out of {line.path}",
            blocks=False,
        )


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


def verify_neighbour_discovery(state: NetState, host: Host) -> list[Finding]:
    """Return what would make a host answer neighbour discovery for an IPv6 address on lo.

    It answers only for addresses of the interface that was asked, and names none but those as
    sender (Linux 6.18, measured): nothing is to be set. An entry for a proxy would change that;
    such entries count only where both of these are set.
    """
    if host.interface not in state.interfaces:
        return [
            Finding(
                id="interface-missing",
                message=f"there is no interface {host.interface}; there are "
                f"{', '.join(sorted(state.interfaces))}",
                cure="name the interface that has the host's own address",
            )
        ]
    findings = []
    if state.sysctls6.get("conf/lo/disable_ipv6", 1):
        findings.append(
            Finding(
                id="ipv6-off",
                message="IPv6 is switched off on lo: no service address can be there",
                cure="sysctl -w net/ipv6/conf/lo/disable_ipv6=0, and in the file that set it",
            )
        )

    def is_set(key: str) -> bool:
        return any(state.sysctls6.get(f"conf/{scope}/{key}") for scope in ("all", host.interface))

    if is_set("proxy_ndp") and state.sysctls6.get(f"conf/{host.interface}/forwarding"):
        findings.append(
            Finding(
                id="ndp-proxy",
                message=f"{host.interface} answers neighbour discovery for others where an entry "
                "says so (proxy_ndp and forwarding are set)",
                cure="look that there is none for the VIP: ip -6 neighbour show proxy",
                blocks=False,
            )
        )
    return findings


def missing_interface(state: NetState, host: Host) -> str | None:
    """Return what to say if the interface is not there, or has no IPv4 (an MTU below 68)."""
    if all(key in state.sysctls for key in keys_for(host.interface)):
        return None
    return (
        f"there is no interface {host.interface} with IPv4; there are "
        f"{', '.join(sorted(state.interfaces))}"
    )


def to_take(state: NetState, host: Host) -> dict[str, Taken]:
    """Return every key as it is now and as it should be; one that is right is kept."""
    taken = {}
    for key in keys_for(host.interface):
        before, right = state.sysctls[key], RIGHT[_arp_key(key)]
        taken[key] = Taken(before=before, set=before if before in right else right[0])
    return taken


def silence(state: NetState, host: Host, record: UndoRecord) -> list[NetChange]:
    """Return the changes that set what is not right, as the record says."""
    return [
        SetSysctl(key=key, value=record.sysctls[key].set, before=state.sysctls[key])
        for key in keys_for(host.interface)
        if state.sysctls[key] not in RIGHT[_arp_key(key)]
    ]


def _arp_key(key: str) -> ArpKey:
    return cast("ArpKey", key.rpartition("/")[2])


def _word(key: ArpKey) -> str:
    return key.replace("_", "-")


def _wanted(key: ArpKey) -> str:
    return " or ".join(str(value) for value in RIGHT[key])
