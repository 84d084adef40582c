"""The hosts of an inventory, looked at and changed side by side, outside of a rollout.

What a host is to carry comes from the pools it is in. Nothing is done on a LoadMaster here;
``refuse_enabled`` is the look that must come before anything is taken off a host.
"""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import TypeVar

from kempsdk import LoadMaster
from orchestrator.errors import GateRefused, HostChangeFailed, HostUnreachable, SpecInvalid
from orchestrator.hosts.carrying import Part, plan_add, read_carrying
from orchestrator.hosts.changes import NetChange, describe
from orchestrator.hosts.driver import Host, HostDriver
from orchestrator.hosts.findings import Finding, blocking
from orchestrator.hosts.methods.record_file import read_record
from orchestrator.hosts.revert import SECTIONS as REVERT_SECTIONS
from orchestrator.hosts.revert import plan_revert
from orchestrator.hosts.sections import Section
from orchestrator.hosts.state import NetState
from orchestrator.members import carried
from orchestrator.spec import Spec

DEFAULT_WIDTH = 16
"""Hosts worked on at the same time."""

_Result = TypeVar("_Result")


class Outcome(str, Enum):
    """What became of a host. Every host that was named has exactly one."""

    RIGHT = "right"
    CHANGED = "changed"
    TO_CHANGE = "to-change"
    WRONG = "wrong"
    FAILED = "failed"
    UNREACHABLE = "unreachable"
    NOT_ATTEMPTED = "not-attempted"

    @property
    def good(self) -> bool:
        return self in (Outcome.RIGHT, Outcome.CHANGED, Outcome.TO_CHANGE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Assignment:
    """A host with everything it is to carry."""

    host: Host
    parts: tuple[Part, ...]

    @property
    def name(self) -> str:
        return self.host.name

    @property
    def sections(self) -> frozenset[Section]:
        return frozenset().union(*(part.how.sections for part in self.parts))


@dataclass(frozen=True, slots=True, kw_only=True)
class HostReport:
    """What was found on a host, or done to it.

    Attributes:
        reason: why it failed; "" otherwise.
        changes: what is to be changed or was, in order.
        findings: what is wrong, or will be after the changes.
        evidence: what was seen on a host that is right.
        seconds: how long it took.
    """

    name: str
    outcome: Outcome
    reason: str = ""
    changes: tuple[NetChange, ...] = ()
    findings: tuple[Finding, ...] = ()
    evidence: tuple[str, ...] = ()
    seconds: float = field(default=0.0, compare=False)


OnEnd = Callable[[HostReport], None]
"""Is told what became of a host once that is known; called from several threads."""


def assignment(
    spec: Spec, name: str, *, adopt: bool = False, mend: Iterable[str] = ()
) -> Assignment:
    """Return what a host is to carry, by the pools it is in.

    Args:
        adopt, mend: as ``Wanted`` has them.

    Raises:
        SpecInvalid: it is in none.
    """
    host = spec.host(name)
    places = [spec.member(pool, name) for pool in spec.pools_of(name)]
    if not places:
        raise SpecInvalid(f"{name} is in no pool: nothing is wanted of it", path="pools")
    parts = []
    for one in carried(host, places):
        others = tuple(place.vs for place in places if place not in one.places)
        wanted = replace(one.wanted, keep=others, adopt=adopt, mend=frozenset(mend))
        parts.append(replace(one.part, wanted=wanted))
    return Assignment(host=host, parts=tuple(parts))


_Look = Callable[[Assignment], NetState]
_Judge = Callable[[Assignment, NetState], HostReport]


class Fleet:
    """Hosts that are worked on side by side. Safe to use from one thread at a time."""

    def __init__(
        self,
        assignments: Sequence[Assignment],
        driver: Callable[[Host], HostDriver],
        *,
        width: int = DEFAULT_WIDTH,
    ) -> None:
        """Describe the work; nothing is read yet.

        Args:
            driver: gives the driver of a host; used from several threads.
            width: hosts at the same time, at least 1.
        """
        if width < 1:
            raise ValueError(f"at least one host at a time, not {width}")
        self._assignments = tuple(assignments)
        self._driver = driver
        self._width = width
        self._sections: dict[str, frozenset[Section]] = {}

    def facts(self, sections: Iterable[Section] = ()) -> Mapping[str, NetState | HostReport]:
        """Read every host; a host that cannot be read has a report instead of a state."""
        wanted = frozenset(sections)

        def read(one: Assignment) -> NetState | HostReport:
            try:
                return self._driver(one.host).read(one.host, wanted | one.sections)
            except HostUnreachable as error:
                return _unreachable(one, error)

        return self._each(read)

    def plan(self) -> Mapping[str, HostReport]:
        """Say what is to be changed on every host. Changes nothing."""
        return self._judged(self._look_at_all_carried, _planned)

    def verify(self) -> Mapping[str, HostReport]:
        """Say what is wrong with every host. Changes nothing."""
        return self._judged(self._look, _verified)

    def apply(
        self,
        planned: Mapping[str, HostReport],
        *,
        keep_going: bool = False,
        on_end: OnEnd | None = None,
    ) -> Mapping[str, HostReport]:
        """Do on every host what was planned, and verify it.

        A host that is no longer as it was when it was planned is left alone and has failed.

        Args:
            planned: as ``plan`` or ``plan_revert`` gave it; also of more hosts.
            keep_going: begin further hosts after one has failed.
            on_end: hears of each host that something was to be changed on.
        """
        return self._change(
            planned,
            self._look_at_all_carried,
            _planned,
            _verified,
            keep_going=keep_going,
            on_end=on_end,
        )

    def plan_revert(self) -> Mapping[str, HostReport]:
        """Say what gives every host back as it was found. Changes nothing."""
        return self._judged(self._look_to_revert, _planned_revert)

    def revert(
        self,
        planned: Mapping[str, HostReport],
        *,
        keep_going: bool = False,
        on_end: OnEnd | None = None,
    ) -> Mapping[str, HostReport]:
        """Give the hosts back, as ``apply`` does what was planned."""
        return self._change(
            planned,
            self._look_to_revert,
            _planned_revert,
            _planned_revert,
            keep_going=keep_going,
            on_end=on_end,
        )

    # -- one host

    def _look(self, one: Assignment) -> NetState:
        return self._driver(one.host).read(one.host, one.sections)

    def _look_at_all_carried(self, one: Assignment) -> NetState:
        # What it took before is asked for at once: a second look is one round trip.
        sections = self._sections.get(one.name, one.sections)
        state = read_carrying(self._driver(one.host), one.host, sections)
        self._sections[one.name] = state.sections()
        return state

    def _look_to_revert(self, one: Assignment) -> NetState:
        return self._driver(one.host).read(one.host, REVERT_SECTIONS | one.sections)

    def _apply_one(
        self, one: Assignment, shown: HostReport, look: _Look, plan: _Judge, verify: _Judge
    ) -> HostReport:
        driver = self._driver(one.host)
        state = look(one)
        now = plan(one, state)
        if _lines(now.changes) != _lines(shown.changes):
            return HostReport(
                name=one.name,
                outcome=Outcome.FAILED,
                reason="it is no longer as it was when this was planned: plan again",
                changes=now.changes,
            )
        after = verify(one, driver.apply_and_read(one.host, now.changes, state.sections()))
        if after.outcome is Outcome.TO_CHANGE:
            reason = f"not as it should be after the change: {describe(after.changes[0])}"
            return HostReport(
                name=one.name, outcome=Outcome.WRONG, reason=reason, changes=now.changes
            )
        outcome = Outcome.CHANGED if after.outcome is Outcome.RIGHT else after.outcome
        return HostReport(
            name=one.name,
            outcome=outcome,
            changes=now.changes,
            findings=after.findings,
            evidence=after.evidence,
        )

    # -- all of them

    def _change(
        self,
        planned: Mapping[str, HostReport],
        look: _Look,
        plan: _Judge,
        verify: _Judge,
        *,
        keep_going: bool,
        on_end: OnEnd | None,
    ) -> Mapping[str, HostReport]:
        stopped: list[str] = []

        def change(one: Assignment, shown: HostReport) -> HostReport:
            if stopped and not keep_going:
                return HostReport(
                    name=one.name,
                    outcome=Outcome.NOT_ATTEMPTED,
                    reason=f"{stopped[0]} went wrong before it was this host's turn",
                )
            found = self._guarded(
                one, lambda each: self._apply_one(each, shown, look, plan, verify)
            )
            if not found.outcome.good:
                stopped.append(one.name)
            return found

        def change_and_tell(one: Assignment) -> HostReport:
            shown = planned[one.name]
            if shown.outcome is not Outcome.TO_CHANGE:
                return shown
            found = change(one, shown)
            if on_end is not None:
                on_end(found)
            return found

        return self._each(change_and_tell)

    def _judged(self, look: _Look, judge: _Judge) -> dict[str, HostReport]:
        return self._each(lambda one: self._guarded(one, lambda each: judge(each, look(each))))

    def _guarded(self, one: Assignment, work: Callable[[Assignment], HostReport]) -> HostReport:
        began_s = time.monotonic()
        try:
            found = work(one)
        except HostUnreachable as error:
            found = _unreachable(one, error)
        except HostChangeFailed as error:
            found = HostReport(name=one.name, outcome=Outcome.FAILED, reason=str(error))
        return replace(found, seconds=round(time.monotonic() - began_s, 3))

    def _each(self, work: Callable[[Assignment], _Result]) -> dict[str, _Result]:
        with ThreadPoolExecutor(max_workers=self._width) as pool:
            results = list(pool.map(work, self._assignments))
        return {one.name: found for one, found in zip(self._assignments, results, strict=True)}


def refuse_enabled(
    spec: Spec, names: Iterable[str], loadmaster: Callable[[str], LoadMaster]
) -> None:
    """Look at every service of these hosts: none may be sent traffic there.

    Raises:
        GateRefused: a LoadMaster has one of them enabled; taking its VIP away would cut clients.
        KempError: a LoadMaster could not be read.
    """
    enabled: list[str] = []
    for pool_name, pool in spec.pools.items():
        hosts = [name for name in names if name in pool.hosts]
        if not hosts:
            continue
        entry = spec.services[pool.service]
        service = loadmaster(entry.loadmaster).virtual_services.get(entry.ref)
        for name in hosts:
            ref = spec.server(pool_name, name)
            enabled += [
                f"{name} is enabled in {entry.ref} on {entry.loadmaster}"
                for one in service.real_servers
                if one.ref == ref and one.enabled
            ]
    if enabled:
        raise GateRefused(
            f"{enabled[0]}: take it out first (a rollout of kind remove, or kemp rs drain)",
            gate="vip-let-go",
            evidence=enabled,
        )


def _planned(one: Assignment, state: NetState) -> HostReport:
    findings = [found for part in one.parts for found in part.how.not_mended(state, part.wanted)]
    changes = plan_add(state, one.parts)
    if changes:
        outcome = Outcome.TO_CHANGE
    else:
        outcome = Outcome.WRONG if blocking(findings) else Outcome.RIGHT
    return HostReport(
        name=one.name,
        outcome=outcome,
        changes=changes,
        findings=tuple(findings),
        evidence=() if changes else _evidence(one, state),
    )


def _verified(one: Assignment, state: NetState) -> HostReport:
    findings = tuple(found for part in one.parts for found in part.how.verify(state, part.wanted))
    wrong = bool(blocking(findings))
    return HostReport(
        name=one.name,
        outcome=Outcome.WRONG if wrong else Outcome.RIGHT,
        findings=findings,
        evidence=() if wrong else _evidence(one, state),
    )


def _planned_revert(one: Assignment, state: NetState) -> HostReport:
    found = plan_revert(read_record(state, one.host), state)
    return HostReport(
        name=one.name,
        outcome=Outcome.TO_CHANGE if found.changes else Outcome.RIGHT,
        changes=found.changes,
        findings=found.left,
    )


def _evidence(one: Assignment, state: NetState) -> tuple[str, ...]:
    return tuple(said for part in one.parts for said in part.how.evidence(state, part.wanted))


def _lines(changes: Iterable[NetChange]) -> list[str]:
    # Not the undo record's content: it holds the time.
    return [describe(change) for change in changes]


def _unreachable(one: Assignment, error: HostUnreachable) -> HostReport:
    return HostReport(name=one.name, outcome=Outcome.UNREACHABLE, reason=str(error))
