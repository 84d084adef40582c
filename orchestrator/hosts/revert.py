"""From the undo record back to what was: everything that is still as we left it. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass

from orchestrator.hosts.changes import (
    AddAddress,
    AddRule,
    NetChange,
    RemoveAddress,
    RemoveRoute,
    RemoveRule,
    SetRoute,
    SetSysctl,
    WriteFile,
    describe,
    inverse,
    route_words,
)
from orchestrator.hosts.findings import Finding
from orchestrator.hosts.sections import Section
from orchestrator.hosts.state import RECORD_FILE, NetState, Route, same_way
from orchestrator.hosts.undo_record import TakenRoute, UndoRecord, digest, same_place

SECTIONS = frozenset({Section.PERSISTENCE, Section.ARPTABLES})
"""What must have been read beside the base."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Revert:
    """What gives a host back.

    Attributes:
        changes: in order; none where nothing of ours is on it.
        left: what is not given back, because somebody else changed it since.
    """

    changes: tuple[NetChange, ...]
    left: tuple[Finding, ...]


def plan_revert(record: UndoRecord, state: NetState) -> Revert:
    """Return what gives a host back as it was before the first change.

    The VIPs leave first, and what silenced the host goes after them.

    Raises:
        ValueError: the state was read without SECTIONS.
    """
    if not state.sections() >= SECTIONS:
        raise ValueError("a host that is to be given back is read with all that may be ours")
    found = [
        *_addresses(record, state, was_there=False),
        *_calls(record, state),
        *_routes(record, state),
        *_rules(record, state),
        *_sysctls(record, state),
        *_files(record, state),
        *record.settling,
        *_addresses(record, state, was_there=True),
    ]
    before = state.files.get(RECORD_FILE)
    if before is not None:
        found.append(WriteFile(path=RECORD_FILE, content=None, before=before))
    return Revert(
        changes=tuple(one for one in found if not isinstance(one, Finding)),
        left=tuple(one for one in found if isinstance(one, Finding)),
    )


_Found = Iterator[NetChange | Finding]


def _addresses(record: UndoRecord, state: NetState, *, was_there: bool) -> _Found:
    for taken in record.addresses:
        there = any(same_place(one, taken.address) for one in state.addresses)
        if taken.was_there != was_there or there == was_there:
            continue
        yield (
            AddAddress(address=taken.address) if was_there else RemoveAddress(address=taken.address)
        )


def _sysctls(record: UndoRecord, state: NetState) -> _Found:
    for key, taken in sorted(record.sysctls.items()):
        live = state.sysctls.get(key)
        if live in (taken.before, None):
            continue
        change = SetSysctl(key=key, value=taken.before, before=taken.set)
        if live == taken.set:
            yield change
        else:
            yield _changed_since(change, f"net/ipv4/{key} is {live}, not the {taken.set} we set")


def _files(record: UndoRecord, state: NetState) -> _Found:
    for path, taken in sorted(record.files.items()):
        now = state.content_of(path)
        if now == taken.before:
            continue
        change = WriteFile(path=path, content=taken.before, before=now, mode=taken.mode)
        if (digest(now) if now is not None else None) == taken.set:
            yield change
        else:
            yield _changed_since(change, f"{path} is not as we wrote it")


def _routes(record: UndoRecord, state: NetState) -> _Found:
    for taken in record.routes:
        now = next((one for one in state.routes if _in_place_of(one, taken)), None)
        if _leads_like(now, taken.before):
            continue
        change: NetChange
        if taken.before is not None:
            change = SetRoute(route=taken.before, before=now)
        elif now is not None:
            change = RemoveRoute(route=now)
        else:
            continue
        if _leads_like(now, taken.set):
            yield change
        else:
            words = route_words(now) if now is not None else "gone"
            yield _changed_since(change, f"the route that we set is now {words}")


def _leads_like(one: Route | None, other: Route | None) -> bool:
    return one == other or (one is not None and other is not None and same_way(one, other))


def _in_place_of(route: Route, taken: TakenRoute) -> bool:
    known = taken.set or taken.before
    return known is not None and (
        (route.version, route.destination, route.table, route.metric)
        == (known.version, known.destination, known.table, known.metric)
    )


def _rules(record: UndoRecord, state: NetState) -> _Found:
    for taken in record.rules:
        there = taken.rule in state.rules
        if there != taken.was_there:
            yield AddRule(rule=taken.rule) if taken.was_there else RemoveRule(rule=taken.rule)


def _calls(record: UndoRecord, state: NetState) -> _Found:
    units = state.persistence.units if state.persistence is not None else {}
    for call in reversed(record.calls):
        # A unit that is gone cannot be disabled, and need not.
        if call.argv[:2] == ("systemctl", "enable"):
            unit = call.argv[-1].removesuffix(".service")
            if unit in units and not units[unit]:
                continue
        yield inverse(call)


def _changed_since(change: NetChange, seen: str) -> Finding:
    return Finding(
        id="changed-since",
        message=f"{seen}: somebody changed it, so it stays",
        cure=f"if it is wanted as it was before: {describe(change)}",
        blocks=False,
    )
