"""The arptables method of direct server return: the VIP on lo, and rules that keep ARP quiet.

The rules are in the file of the boot and live before the VIP appears, and leave after it; the
sysctls stay as they are.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from orchestrator.errors import HostChangeFailed
from orchestrator.hosts import tools
from orchestrator.hosts.arp_rules import (
    FLUSHER,
    FLUSHER_DROP_IN,
    FLUSHER_FILE,
    UNIT,
    UNIT_FILE,
    UNIT_PATH,
    ArpRule,
    has_rules,
    is_in,
    is_late,
    rules_for,
    with_rules,
    without_rules,
)
from orchestrator.hosts.changes import NetChange, RemoveAddress, WriteFile
from orchestrator.hosts.findings import Finding, blocking
from orchestrator.hosts.methods.method import Wanted
from orchestrator.hosts.methods.place import is_ipv4, place, placed, verify_place
from orchestrator.hosts.methods.record_file import read_record, write_record
from orchestrator.hosts.methods.silence import verify_neighbour_discovery
from orchestrator.hosts.sections import Arptables, Section
from orchestrator.hosts.state import ARPTABLES_FILE, NetState
from orchestrator.hosts.undo_record import UndoRecord
from orchestrator.hosts.vip_at_boot import is_ours, persistence_of, verify_boot
from orchestrator.hosts.vip_persistence import plan_drop, plan_keep, reload

NAME = "arptables"
_A_PERSONS = ("arptables-missing", "arp-rule-late", "vip-on-interface", "vip-is-host-address")


@dataclass(frozen=True, slots=True)
class ArpTables:
    """The method, as the registry holds it."""

    direct_return: bool = True
    vip_on_host: bool = True
    changes_host: bool = True
    sections: frozenset[Section] = frozenset({Section.PERSISTENCE, Section.ARPTABLES})

    def plan_add(self, state: NetState, wanted: Wanted) -> tuple[NetChange, ...]:
        """Return the changes that make the host carry the VIPs, in order; none if it is right.

        Raises:
            HostChangeFailed: there is no arptables, a VIP is the host's own address, or
                somebody else's file is in the way.
        """
        arp = _checked(state, wanted)
        mended = tuple(_stop_flushing(state)) if _is_to_stop(state, wanted) else ()
        if not blocking(self.verify(state, wanted)) and not mended:
            return ()
        rules = _rules(wanted, wanted.vips)
        kept = plan_keep(state, wanted.host, wanted.vips, adopt=wanted.adopt)
        changes: tuple[NetChange, ...] = (
            *(_write_rules(arp, with_rules(_saved(arp), rules)) if rules else ()),
            *(_keep_rules(state) if rules else ()),
            *(rule.inserted() for rule in rules if not is_in(rule, arp.rules)),
            *kept.changes,
            *place(state, kept),
            *mended,
        )
        record = read_record(state, wanted.host).noting(changes)
        for vip in wanted.vips:
            record = record.carrying(vip, NAME, state)
        return (*write_record(state, wanted.host, record), *changes)

    def plan_remove(self, state: NetState, wanted: Wanted) -> tuple[NetChange, ...]:
        """Return the changes that take the VIPs off the host, in order; none if they are off.

        The rules of other VIPs, and what others put in the file, stay.

        Raises:
            HostChangeFailed: it cannot be planned, as for ``plan_add``.
        """
        arp = _checked(state, wanted)
        record = read_record(state, wanted.host)
        dropped = [vip for vip in wanted.vips if vip not in wanted.kept_vips]
        gone = [vip for vip in dropped if not record.placed_by_other(vip, NAME)]
        rules = _rules(wanted, dropped)
        away = (
            *(RemoveAddress(address=one) for one in state.addresses if one.address in gone),
            *plan_drop(state, gone, record),
        )
        # Backwards: the host never asks with the VIP as sender while its answers are dropped.
        live = [one.deleted() for one in reversed(rules) if is_in(one, arp.rules)]
        last = not any(
            how.method == NAME and is_ipv4(vip) and vip not in dropped
            for vip, how in record.vips.items()
        )
        changes = (*away, *live, *_forget_rules(state, arp, rules, record, last=last))
        left = record.noting(changes).without(gone, method=NAME)
        return (
            *changes,
            *write_record(state, wanted.host, left if left.vips else UndoRecord()),
        )

    def verify(self, state: NetState, wanted: Wanted) -> tuple[Finding, ...]:
        """Return what is wrong: rules missing now or at boot, and where the VIPs are."""
        host = wanted.host
        if host.address in wanted.vips:
            return (
                Finding(
                    id="vip-is-host-address",
                    message=f"{host.address} is the host's own address",
                    cure="give the service another address",
                ),
            )
        return (
            *(
                one
                for vip in wanted.vips
                if is_ipv4(vip)
                for one in _verify_rules(state, wanted, vip)
            ),
            *(_verify_keeping(state, host.name) if any(map(is_ipv4, wanted.vips)) else ()),
            *(
                verify_neighbour_discovery(state, host)
                if not all(map(is_ipv4, wanted.vips))
                else ()
            ),
            *(one for vip in wanted.vips for one in verify_place(state, vip)),
            *(one for vip in wanted.vips for one in verify_boot(state, host, vip)),
        )

    def left_alone(self, _state: NetState, _wanted: Wanted) -> tuple[Finding, ...]:
        return ()

    def not_mended(self, state: NetState, wanted: Wanted) -> tuple[Finding, ...]:
        """Return what is wrong with the host and stays so after ``plan_add``."""
        return tuple(
            one
            for one in self.verify(state, wanted)
            if one.id.removesuffix("-persistent") in _A_PERSONS or not one.blocks
            if one.id not in wanted.mend
        )

    def exposed(self, state: NetState, wanted: Wanted) -> tuple[Finding, ...]:
        """Return why a host that has a VIP gives out its own MAC for it."""
        if not any(one.address in wanted.vips for one in state.addresses):
            return ()
        ids = ("arp-rule-live", "arp-rule-late", "vip-on-interface")
        return tuple(one for one in self.verify(state, wanted) if one.id in ids)

    def evidence(self, state: NetState, wanted: Wanted) -> tuple[str, ...]:
        """Return the rules and where the VIPs are."""
        return (
            *(f"ARP rule {one.chain} {' '.join(one.words)}" for one in _rules(wanted, wanted.vips)),
            *(placed(state, vip) for vip in wanted.vips),
        )


def _rules(wanted: Wanted, vips: Iterable[str]) -> list[ArpRule]:
    return [rule for vip in vips if is_ipv4(vip) for rule in rules_for(vip, wanted.host.address)]


def _verify_rules(state: NetState, wanted: Wanted, vip: str) -> Iterator[Finding]:
    arp = _section(state)
    if not arp.version:
        yield Finding(
            id="arptables-missing",
            message="there is no arptables on the host",
            cure="install its package (arptables; iptables-nft on EL9), or use another method",
        )
        return
    follows = {
        "INPUT": "the host answers ARP for the VIP",
        "OUTPUT": "the host names the VIP as sender when it looks for a neighbour",
    }
    for rule in rules_for(vip, wanted.host.address):
        command = f"arptables -I {rule.chain} {' '.join(rule.words)}"
        if not is_in(rule, arp.rules):
            yield Finding(
                id="arp-rule-live",
                message=f"the rule {rule.line} is not there: {follows[rule.chain]}",
                cure=f"{command}, before the VIP is there",
            )
        elif is_late(rule, arp.rules):
            yield Finding(
                id="arp-rule-late",
                message=f"a rule before {rule.line} lets ARP pass: {follows[rule.chain]}",
                cure=f"arptables -D {rule.chain} {' '.join(rule.words)}; {command}",
            )
        if not is_in(rule, _saved(arp) or ""):
            yield Finding(
                id="arp-rule-persistent",
                message=f"{ARPTABLES_FILE} lacks {rule.line}: after a boot {follows[rule.chain]}",
                cure="apply again",
            )


def _verify_keeping(state: NetState, name: str) -> Iterator[Finding]:
    persistence = persistence_of(state)
    unit = persistence.files.get(UNIT_PATH)
    enabled = persistence.units.get(UNIT.removesuffix(".service")) == "enabled"
    if any(persistence.units.values()) and not (unit and unit.content == UNIT_FILE and enabled):
        yield Finding(
            id="arp-unit-persistent",
            message=f"{UNIT} is not there or not enabled: after a boot the host answers ARP for "
            "the VIP, at least until the distribution's service restores the rules",
            cure="apply again",
        )
    if _section(state).service == "enabled":
        yield Finding(
            id="arptables-flushes",
            message="arptables.service is enabled: when it is stopped, at each shutdown too, it "
            "flushes the rules while the VIP is still there, and the host answers ARP for it",
            cure=f"kemp host apply --mend arptables-flushes {name}: the service is no longer "
            f"started, nor does it flush when it ends; {UNIT} restores the same file at boot",
            blocks=False,
        )
    if persistence.units.get("nftables") == "enabled" and _section(state).variant == "nft":
        yield Finding(
            id="nftables-flushes",
            message="nftables.service is enabled: when it is stopped or reloaded it flushes "
            "every rule of the kernel, the ARP rules included",
            cure="systemctl disable --now nftables, or use the loopback method",
            blocks=False,
        )


def _write_rules(arp: Arptables, content: str | None) -> tuple[WriteFile, ...]:
    before = arp.saved
    if content == (before.content if before else None):
        return ()
    return (
        WriteFile(
            path=ARPTABLES_FILE,
            content=content,
            before=before.content if before else None,
            mode=0o600 if before is None else None,
            before_mode=before.mode if before else None,
        ),
    )


def _keep_rules(state: NetState) -> Iterator[NetChange]:
    """Yield what restores the rules at boot: a unit of ours, before the network.

    Not the distribution's service: when that is stopped, at each shutdown too, it flushes the
    rules while the VIP is still there, and the host answers (measured).
    """
    persistence = persistence_of(state)
    old = persistence.files.get(UNIT_PATH)
    if old is not None and not is_ours(old):
        raise HostChangeFailed(f"{UNIT_PATH} was not written by kemp: move it away")
    if not any(persistence.units.values()):
        return  # no systemd to keep anything; ``verify`` of the VIP says so
    if old is None or old.content != UNIT_FILE:
        before = old.content if old else None
        yield WriteFile(path=UNIT_PATH, content=UNIT_FILE, before=before)
        yield from reload(state)
    if persistence.units.get(UNIT.removesuffix(".service")) != "enabled":
        yield tools.enable_unit(UNIT)


def _is_to_stop(state: NetState, wanted: Wanted) -> bool:
    return (
        "arptables-flushes" in wanted.mend
        and _section(state).service == "enabled"
        and any(map(is_ipv4, wanted.vips))
    )


def _stop_flushing(state: NetState) -> Iterator[NetChange]:
    """Yield what keeps the distribution's service from flushing the rules.

    Disabling it is not enough: it runs until the next shutdown, which stops it.
    """
    old = persistence_of(state).files.get(FLUSHER_DROP_IN)
    if old is not None and not is_ours(old):
        raise HostChangeFailed(f"{FLUSHER_DROP_IN} was not written by kemp: move it away")
    before = old.content if old else None
    if before != FLUSHER_FILE:
        yield WriteFile(path=FLUSHER_DROP_IN, content=FLUSHER_FILE, before=before)
        yield from reload(state)
    yield tools.disable_unit(FLUSHER)


def _flush_as_before(state: NetState, record: UndoRecord) -> Iterator[NetChange]:
    """Yield what gives the distribution's service back as it was found."""
    taken = record.files.get(FLUSHER_DROP_IN)
    now = persistence_of(state).files.get(FLUSHER_DROP_IN)
    if taken is not None and now is not None and is_ours(now):
        yield WriteFile(path=FLUSHER_DROP_IN, content=taken.before, before=now.content)
        yield from reload(state)
    calls = [one.argv for one in record.calls]
    # An earlier kemp enabled it; this one disables it.
    for ours, back in (
        (tools.enable_unit(FLUSHER), tools.disable_unit(FLUSHER)),
        (tools.disable_unit(FLUSHER), tools.enable_unit(FLUSHER)),
    ):
        if ours.argv in calls:
            yield back


def _forget_rules(
    state: NetState, arp: Arptables, rules: list[ArpRule], record: UndoRecord, *, last: bool
) -> Iterator[NetChange]:
    if arp.saved is not None:
        left = without_rules(arp.saved.content, rules)
        first = record.files.get(ARPTABLES_FILE)
        made_by_us = first is not None and first.before is None
        yield from _write_rules(arp, None if last and made_by_us and not has_rules(left) else left)
    if not last:
        return
    persistence = persistence_of(state)
    unit = persistence.files.get(UNIT_PATH)
    if unit is not None and is_ours(unit):
        yield tools.disable_unit(UNIT)
        yield WriteFile(path=UNIT_PATH, content=None, before=unit.content)
        yield from reload(state)
    yield from _flush_as_before(state, record)


def _saved(arp: Arptables) -> str | None:
    return arp.saved.content if arp.saved is not None else None


def _section(state: NetState) -> Arptables:
    if state.arptables is None:
        raise ValueError("the host was read without its ARP rules")
    return state.arptables


def _checked(state: NetState, wanted: Wanted) -> Arptables:
    name = wanted.host.name
    if wanted.host.address in wanted.vips:
        raise HostChangeFailed(f"{name}: {wanted.host.address} is the host's own, not a VIP")
    arp = _section(state)
    if not arp.version and any(map(is_ipv4, wanted.vips)):
        raise HostChangeFailed(
            f"{name}: there is no arptables; install its package, or use another method"
        )
    return arp
