"""The parts of a server's way, as steps: out, the host, in, away. Pure."""

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from kempsdk import Forward, RealServer
from orchestrator.hosts.carrying import plan_add, plan_remove
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
    describe,
    inverses,
    route_words,
    rule_words,
)
from orchestrator.hosts.findings import blocking
from orchestrator.hosts.state import NetState
from orchestrator.members import Carried, Member, carried, direct
from orchestrator.probes.service import connections_left
from orchestrator.rollout.facts import Facts, rollout_of
from orchestrator.rollout.gates_between import hook_steps
from orchestrator.rollout.plan import Data, Step, StepKind
from orchestrator.rollout_spec import RolloutSpec
from orchestrator.rules import is_layer_4
from orchestrator.spec import Spec

DEFAULT_WEIGHT = 1000
"""What the appliance gives a new server."""

ABSENT: Data = {"present": False}

_AT_DEADLINE = {
    "fail": "it stays out and has failed",
    "skip": "it is put back as it was found",
    "force": "those that are left are cut",
}


def server_state(rs: RealServer | None) -> dict[str, Any]:
    """Return what counts about a server on the LoadMaster, as steps compare it."""
    if rs is None:
        return dict(ABSENT)
    return {
        "present": True,
        "enabled": rs.enabled,
        "forward": rs.forward.value,
        "weight": rs.weight,
        "limit": rs.limit,
    }


def host_diff(changes: Iterable[NetChange]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return what changes touch, before and after them."""
    before: dict[str, Any] = {}
    after: dict[str, Any] = {}
    for change in changes:
        match change:
            case SetSysctl():
                key, old, new = f"net/ipv4/{change.key}", change.before, change.value
                before[key], after[key] = old, new
            case WriteFile():
                before[change.path], after[change.path] = change.before, change.content
            case AddAddress(address=one) | RemoveAddress(address=one):
                key = f"{one.address}/{one.prefix} on {one.interface}"
                there = isinstance(change, RemoveAddress)
                before[key], after[key] = there, not there
            case SetRoute(route=route, before=found):
                key = f"route {route.destination} of IPv{route.version}, table {route.table}"
                before[key] = route_words(found) if found else None
                after[key] = route_words(route)
            case RemoveRoute(route=route):
                key = f"route {route.destination} of IPv{route.version}, table {route.table}"
                before[key], after[key] = route_words(route), None
            case AddRule(rule=rule) | RemoveRule(rule=rule):
                key = f"rule {rule_words(rule)}"
                there = isinstance(change, RemoveRule)
                before[key], after[key] = there, not there
            case CallTool():
                before[describe(change)], after[describe(change)] = "to do", "done"
    return before, after


def host_inverse(changes: Sequence[NetChange]) -> Data | None:
    """Return what takes changes back, newest first, as plain data."""
    if not changes:
        return None
    back = inverses(changes)
    return {
        "kind": "restore-host",
        "changes": [{"change": type(one).__name__, **dataclasses.asdict(one)} for one in back],
    }


@dataclass(frozen=True, slots=True)
class Parts:
    """What a server is now, and the steps that lead it elsewhere.

    Attributes:
        name: of the server's part of the plan.
        host: as the inventory names it.
        places: in the services that this is about.
        prefix: how the ids of the steps begin, after the name.
        hooked: the hooks of the file are called on the way.
    """

    spec: Spec
    facts: Facts
    name: str
    host: str
    places: tuple[Member, ...]
    prefix: str = ""
    hooked: bool = True

    # -- what is ------------------------------------------------------------------------

    @property
    def rollout(self) -> RolloutSpec:
        return rollout_of(self.spec)

    @property
    def state(self) -> NetState:
        return self.facts.hosts[self.host]

    def found(self, place: Member) -> RealServer | None:
        """Return the server in the service of a place, None if it is not in it."""
        return self.facts.server(place)

    @property
    def there(self) -> tuple[tuple[Member, RealServer], ...]:
        """Return the places in which the server is."""
        return tuple((one, rs) for one in self.places if (rs := self.found(one)) is not None)

    @property
    def enabled(self) -> tuple[tuple[Member, RealServer], ...]:
        """Return the places in which the server is enabled."""
        return tuple((one, rs) for one, rs in self.there if rs.enabled)

    @property
    def carried(self) -> tuple[Carried, ...]:
        """Return what the host is to carry, method by method."""
        return carried(self.spec.host(self.host), self.places)

    @property
    def connections(self) -> int:
        """Return the open connections: for each place the larger count of the two sides."""
        return sum(
            max(
                self.facts.connections(one),
                len(connections_left(self.state, one.served_address, [one.rs.port])),
            )
            for one in self.places
        )

    @property
    def host_right(self) -> bool:
        """Return whether the host is as it must be; some wrongs only a person can mend."""
        return not any(blocking(one.how.verify(self.state, one.wanted)) for one in self.carried)

    # -- out ----------------------------------------------------------------------------

    def out(self) -> list[Step]:
        """Disable the server wherever it is enabled, then wait until it is drained."""
        return [
            *self.hooks("before-drain"),
            *(self.disable(place, rs) for place, rs in self.enabled),
            self.drain(),
            *self.hooks("after-drain"),
        ]

    def disable(self, place: Member, rs: RealServer) -> Step:
        return self.step(
            StepKind.DISABLE,
            self._cut(place) or "no new connections; those that are open go on",
            place,
            before=server_state(rs),
            after={**server_state(rs), "enabled": False},
            inverse={"kind": "enable", "state": server_state(rs)},
        )

    @property
    def _drained(self) -> str:
        drain = self.rollout.drain
        left = f"at most {drain.connections} are left" if drain.connections else "they are gone"
        return f"{left} on both sides for {drain.window_s:g} s"

    def _cut(self, place: Member) -> str:
        """Return what disabling cuts at once, at layer 7 with a drain time of 0."""
        if is_layer_4(self.facts.service(place.service)):
            return ""
        if self.facts.loadmasters[place.loadmaster].drain_time_s != 0:
            return ""
        return f"cuts {self.facts.connections(place)} connections: the L7 drain time is 0"

    def drain(self) -> Step:
        drain = self.rollout.drain
        return self.step(
            StepKind.DRAIN,
            f"{self.connections} connections now; wait until {self._drained}; if not within "
            f"{drain.deadline_s:g} s, {_AT_DEADLINE[drain.at_deadline]}",
        )

    # -- the host -----------------------------------------------------------------------

    def prepare(self) -> list[Step]:
        """Bring the host to its state and prove it, from the inside and from the outside."""
        steps = [self._prepare(one) for one in self.carried if one.how.changes_host]
        changing = bool(steps)
        steps.append(
            self.step(
                StepKind.VERIFY_HOST,
                "as it is now, and as it will be after a boot"
                if changing
                else "the host can be read",
            )
        )
        if direct(self.places) and self.spec.arp_probe:
            steps.append(
                self.step(StepKind.ARP_PROOF, "nobody but the LoadMaster may answer for the VIP")
            )
        where = "the VIP" if direct(self.places) else "the server's port"
        steps.append(self.step(StepKind.SERVICE_BOUND, f"something must listen on {where}"))
        return steps

    def _prepare(self, part: Carried) -> Step:
        changes = plan_add(self.state, [part.part])
        before, after = host_diff(changes)
        return self.step(
            StepKind.PREPARE_HOST,
            "what keeps the host quiet first, then what takes the traffic"
            if changes
            else "right already; looked at again when it is its turn",
            part.places[0],
            before=before,
            after=after,
            inverse=host_inverse(changes),
            alone=len(self.carried) == 1,
        )

    # -- in -----------------------------------------------------------------------------

    def new(self, place: Member, like: RealServer | None = None) -> Data:
        """Return what a server is that is added, before it is enabled.

        Args:
            like: whose weight and limit it gets, where the pool does not say.
        """
        weight = like.weight if like is not None else DEFAULT_WEIGHT
        return {
            "present": True,
            "enabled": False,
            "forward": (Forward.ROUTE if place.how.direct_return else Forward.NAT).value,
            "weight": self.spec.pools[place.pool].weight or weight,
            "limit": like.limit if like is not None else 0,
        }

    def add(self, place: Member, added: Data) -> Step:
        return self.step(
            StepKind.ADD_SERVER,
            "added disabled: it gets no traffic before it is enabled",
            place,
            before=ABSENT,
            after=added,
            inverse={"kind": "delete-server"},
        )

    def update(self, place: Member, rs: RealServer, wanted: Data) -> list[Step]:
        """Return the step that gives a server another weight or limit; none if it has them."""
        state = server_state(rs)
        if wanted == state:
            return []
        words = [
            f"{key} {wanted[key]} instead of {state[key]}"
            for key in ("weight", "limit")
            if wanted[key] != state[key]
        ]
        step = self.step(
            StepKind.UPDATE_SERVER,
            ", ".join(words),
            place,
            before=state,
            after=wanted,
            inverse={"kind": "update-server", "state": state},
        )
        return [step]

    def enable(self, states: Iterable[tuple[Member, Data]]) -> list[Step]:
        """Enable the server in these places, from what it is there by then, and watch it."""
        coming = [(place, state, self._ramp(int(state["weight"]))) for place, state in states]
        if not coming:
            return []
        first = [self._enable(place, state, weights[0]) for place, state, weights in coming]
        steps = [*self.hooks("before-in"), *first, self._watch(last=self.rollout.ramp is None)]
        for number, percent in enumerate(self._later_percents, start=1):
            steps += [
                self._raise(place, state, weights[number - 1], weights[number], percent)
                for place, state, weights in coming
            ]
            steps.append(self._watch(percent))
        return [*steps, *self.hooks("after-in")]

    @property
    def _later_percents(self) -> tuple[int, ...]:
        ramp = self.rollout.ramp
        return () if ramp is None else (*ramp.percent[1:], 100)

    def _ramp(self, weight: int) -> tuple[int, ...]:
        """Return the weights that a server has one after another until it has this one."""
        ramp = self.rollout.ramp
        percents = (100,) if ramp is None else (ramp.percent[0], *self._later_percents)
        return tuple(max(1, -(-weight * percent // 100)) for percent in percents)

    def _enable(self, place: Member, state: Data, weight: int) -> Step:
        back = "host verified; back with weight"
        return self.step(
            StepKind.ENABLE,
            f"{back} {weight}"
            if weight == state["weight"]
            else f"{back} {weight} of {state['weight']} for a start",
            place,
            before=state,
            after={**state, "enabled": True, "weight": weight},
            inverse={"kind": "disable", "state": state},
        )

    def _raise(self, place: Member, state: Data, old: int, new: int, percent: int) -> Step:
        now = {**state, "enabled": True, "weight": old}
        return self.step(
            StepKind.RAISE_WEIGHT,
            f"{percent}% of its weight",
            place,
            suffix=f"-{percent}",
            before=now,
            after={**now, "weight": new},
            inverse={"kind": "update-server", "state": now},
        )

    def _watch(self, percent: int | None = None, *, last: bool = False) -> Step:
        """Return the step that sees the server up long enough, at a step of the ramp or after."""
        ramp, for_s = self.rollout.ramp, self.rollout.min_healthy_s
        if ramp is not None and not last:
            for_s = max(for_s, ramp.every_s)
        return self.step(
            StepKind.HEALTHY,
            f"up without a break for {for_s:g} s; if not within "
            f"{self.rollout.healthy_deadline_s:g} s, it has failed",
            suffix=f"-{percent}" if percent else "",
            params={"for_s": for_s},
        )

    def healthy(self) -> Step:
        return self._watch(last=True)

    def hooks(self, at: str) -> list[Step]:
        return hook_steps(self.rollout.hooks, self.name, at, self.fields) if self.hooked else []

    @property
    def fields(self) -> Mapping[str, str]:
        """Return what is filled in, in braces, in the operator's commands about this server."""
        return {"host": self.host, "address": self.spec.hosts[self.host].address}

    # -- away ---------------------------------------------------------------------------

    def delete(self, place: Member, rs: RealServer) -> Step:
        state = {**server_state(rs), "enabled": False}
        return self.step(
            StepKind.DELETE_SERVER,
            "the LoadMaster lets go of it before the host gives up the VIP",
            place,
            before=state,
            after=ABSENT,
            inverse={"kind": "add-server", "state": state},
        )

    def clear(self, places: Sequence[Member]) -> list[Step]:
        """Take off the host what it carries for these places and nothing else needs."""
        steps: list[Step] = []
        staying = {one.vs.address for one in self.places if one not in places}
        leaving = {one.vs for one in places}
        for one in self.carried:
            going = [
                str(vs)
                for vs in one.wanted.services
                if vs in leaving
                and not (
                    one.how.vip_on_host
                    and (vs.address in staying or self.vip_needed_by(vs.address))
                )
            ]
            if not going:
                continue
            part = one.only(going)
            changes = plan_remove(self.state, part.part)
            if not changes:
                continue
            before, after = host_diff(changes)
            steps.append(
                self.step(
                    StepKind.CLEAR_HOST,
                    "what takes the traffic first, then what kept the host quiet",
                    one.places[0],
                    before=before,
                    after=after,
                    params={"services": going},
                    inverse=host_inverse(changes),
                    alone=len(self.carried) == 1,
                )
            )
        return steps

    def vip_needed_by(self, vip: str) -> tuple[str, ...]:
        """Return the services beside these that need a VIP on the host."""
        return vip_needed_by(self.spec, self.facts, self.host, self.places, vip)

    # -- a step -------------------------------------------------------------------------

    def step(
        self,
        kind: StepKind,
        why: str,
        place: Member | None = None,
        *,
        before: Data | None = None,
        after: Data | None = None,
        params: Data | None = None,
        inverse: Data | None = None,
        suffix: str = "",
        alone: bool | None = None,
    ) -> Step:
        """Return a step.

        Args:
            suffix: tells steps of a kind apart.
            alone: it is the only one of its kind; left out, where the server has one place.
        """
        alone = len(self.places) == 1 if alone is None else alone
        where = f"@{place.pool}" if place is not None and not alone else ""
        return Step(
            id=f"{self.name}/{self.prefix}{kind.value}{suffix}{where}",
            server=self.name,
            kind=kind,
            why=why,
            pool=place.pool if place else None,
            before=before or {},
            after=after or {},
            params=params or {},
            inverse=inverse,
        )


def vip_needed_by(
    spec: Spec, facts: Facts, host: str, places: Iterable[Member], vip: str
) -> tuple[str, ...]:
    """Return the services beside these that need a VIP on a host."""
    others = facts.elsewhere(spec.hosts[host].address, tuple(places))
    return tuple(str(key) for key, _ in others if key.vs.address == vip)
