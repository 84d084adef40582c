"""From specification and facts to a plan. Pure: no clock, no I/O, same input, same plan."""

import dataclasses
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from kempsdk import Forward, RealServer
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
from orchestrator.hosts.methods.method import Method, Wanted
from orchestrator.hosts.methods.registry import METHODS
from orchestrator.probes.service import connections_left
from orchestrator.rollout.facts import Facts, hosts_of, rollout_of, snapshot
from orchestrator.rollout.plan import Data, Plan, ServerPlan, Step, StepKind
from orchestrator.rollout.plan_checks import (
    check_rules,
    host_warnings,
    lowest_floor,
    vip_needed_by,
)
from orchestrator.spec import Spec, batch_size

DEFAULT_WEIGHT = 1000
"""What the appliance gives a new server."""

ABSENT: Data = {"present": False}


def make_plan(spec: Spec, facts: Facts) -> Plan:
    """Return what is to be done, in order.

    Raises:
        SpecInvalid: the specification has no rollout.
        RuleViolated: a rule of the LoadMaster that is not allowed by name.
        GateRefused: the floor cannot be kept.
        HostChangeFailed: a host cannot be brought to the wanted state.
    """
    rollout = rollout_of(spec)
    names = hosts_of(spec)
    size = batch_size(rollout, len(names))
    batches = tuple(tuple(names[n : n + size]) for n in range(0, len(names), size))
    warnings = check_rules(spec, facts, names)
    servers = tuple(_Planner(spec, facts, name).plan() for name in names)
    return Plan(
        kind=rollout.kind,
        loadmaster=spec.service_of(rollout.pool).loadmaster,
        service=str(facts.service.ref),
        batches=batches,
        servers=servers,
        floor=lowest_floor(spec, facts, batches, servers),
        warnings=(*warnings, *host_warnings(spec, facts, names)),
        spec=json.loads(json.dumps(dataclasses.asdict(spec))),
        facts=snapshot(spec, facts),
    )


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
class _Planner:
    """Plans one server."""

    spec: Spec
    facts: Facts
    name: str

    def plan(self) -> ServerPlan:
        rollout = rollout_of(self.spec)
        ways = {"add": self._add, "drain": self._drain, "remove": self._remove, "roll": self._roll}
        why, steps = ways[rollout.kind]()
        server = str(self.spec.server(rollout.pool, self.name))
        return ServerPlan(name=self.name, server=server, why=why, steps=tuple(steps))

    # -- the four kinds ---------------------------------------------------------------

    def _add(self) -> tuple[str, list[Step]]:
        rollout = rollout_of(self.spec)
        pool = self.spec.pools[rollout.pool]
        found = self._found
        host_right = self._host_right
        if found is None:
            weight = pool.weight or DEFAULT_WEIGHT
            forward = Forward.ROUTE if self._method.direct_return else Forward.NAT
            added = {
                "present": True,
                "enabled": False,
                "forward": forward.value,
                "weight": weight,
                "limit": 0,
            }
            return "not in the service yet: prepare it, add it, enable it", [
                *self._host_steps(),
                self._step(
                    StepKind.ADD_SERVER,
                    "added disabled: it gets no traffic before it is enabled",
                    ABSENT,
                    added,
                    {"kind": "delete-server"},
                ),
                *self._in_steps(added),
            ]
        state = server_state(found)
        wanted = {**state, "weight": pool.weight or found.weight}
        update = (
            [
                self._step(
                    StepKind.UPDATE_SERVER,
                    f"weight {wanted['weight']} instead of {found.weight}",
                    state,
                    wanted,
                    {"kind": "update-server", "state": state},
                )
            ]
            if wanted != state
            else []
        )
        if found.enabled:
            if host_right and not update:
                return f"already in service: enabled, weight {found.weight}, host as it must be", []
            if host_right:
                return "in service, with another weight", update
            return "in service, but the host is not as it must be: repair it", [
                *self._host_steps(),
                *update,
                self._step(StepKind.HEALTHY, "the service must stay up after the repair"),
            ]
        if self.name not in rollout.hosts:
            return (
                "already in the service, disabled by somebody else: left so "
                "(name it in rollout.hosts to put it in)",
                [],
            )
        return "in the service, disabled, and named in rollout.hosts: put it in", [
            *self._host_steps(),
            *update,
            *self._in_steps(wanted),
        ]

    def _drain(self) -> tuple[str, list[Step]]:
        found = self._found
        if found is None:
            return "already not in the service", []
        if found.enabled:
            return "in service: disable it and wait for its connections", self._out_steps(found)
        if not self._connections():
            return "already disabled and without connections", []
        return "already disabled: wait for its connections", [self._drain_step()]

    def _remove(self) -> tuple[str, list[Step]]:
        found = self._found
        clear = self._clear_steps()
        if found is None:
            if clear:
                return "already not in the service, but the host still carries the VIP", clear
            return "already not in the service, and nothing of ours on the host", []
        out = self._out_steps(found) if found.enabled else [self._drain_step()]
        state = {**server_state(found), "enabled": False}
        return "in the service: take it out and away", [
            *out,
            self._step(
                StepKind.DELETE_SERVER,
                "the LoadMaster lets go of it before the host gives up the VIP",
                state,
                ABSENT,
                {"kind": "add-server", "state": state},
            ),
            *clear,
        ]

    def _roll(self) -> tuple[str, list[Step]]:
        rollout = rollout_of(self.spec)
        found = self._found
        if found is None:
            return "not in the service, so there is nothing to roll (kind: add puts it in)", []
        action = (
            [self._step(StepKind.ACTION, f"what was asked for: {' '.join(rollout.action.argv)}")]
            if rollout.action
            else []
        )
        if not found.enabled:
            return "found disabled: worked on, and left disabled as it was found", [
                self._drain_step(),
                *action,
                *self._host_steps(),
            ]
        return "in service: take it out, act, check the host again, put it back as it was", [
            *self._out_steps(found),
            *action,
            *self._host_steps(),
            *self._in_steps({**server_state(found), "enabled": False}),
        ]

    # -- their parts ------------------------------------------------------------------

    def _out_steps(self, found: RealServer) -> list[Step]:
        state = server_state(found)
        return [
            self._step(
                StepKind.DISABLE,
                "no new connections; those that are open go on",
                state,
                {**state, "enabled": False},
                {"kind": "enable", "state": state},
            ),
            self._drain_step(),
        ]

    def _drain_step(self) -> Step:
        left = self._connections()
        return self._step(
            StepKind.DRAIN, f"{left} connections now; wait until they are gone on both sides"
        )

    def _host_steps(self) -> list[Step]:
        """Bring the host to its state and prove it, from the inside and from the outside."""
        if not self._method.changes_host:
            return [
                self._step(StepKind.VERIFY_HOST, "the host can be read"),
                self._step(StepKind.SERVICE_BOUND, "something must listen on the server's port"),
            ]
        changes = self._host_changes()
        before, after = host_diff(changes)
        prove = (
            [self._step(StepKind.ARP_PROOF, "nobody but the LoadMaster may answer for the VIP")]
            if self.spec.arp_probe and self._method.direct_return
            else []
        )
        return [
            self._step(
                StepKind.PREPARE_HOST,
                "what keeps the host quiet first, then what takes the traffic"
                if changes
                else "right already; looked at again when it is its turn",
                before,
                after,
                host_inverse(changes),
            ),
            self._step(StepKind.VERIFY_HOST, "as it is now, and as it will be after a boot"),
            *prove,
            self._step(StepKind.SERVICE_BOUND, "something must listen on the VIP"),
        ]

    def _in_steps(self, state: dict[str, Any]) -> list[Step]:
        seconds = rollout_of(self.spec).min_healthy_s
        return [
            self._step(
                StepKind.ENABLE,
                f"host verified; back with weight {state['weight']}",
                state,
                {**state, "enabled": True},
                {"kind": "disable", "state": state},
            ),
            self._step(StepKind.HEALTHY, f"up without a break for {seconds:g} s"),
        ]

    def _clear_steps(self) -> list[Step]:
        if self._vip_needed_by():
            return []
        changes = self._method.plan_remove(self.facts.hosts[self.name], self._wanted)
        if not changes:
            return []
        before, after = host_diff(changes)
        return [
            self._step(
                StepKind.CLEAR_HOST,
                "what takes the traffic first, then what kept the host quiet",
                before,
                after,
                host_inverse(changes),
            )
        ]

    def _step(
        self,
        kind: StepKind,
        why: str,
        before: Data | None = None,
        after: Data | None = None,
        inverse: Data | None = None,
    ) -> Step:
        return Step(
            id=f"{self.name}/{kind.value}",
            server=self.name,
            kind=kind,
            why=why,
            before=before or {},
            after=after or {},
            inverse=inverse,
        )

    # -- facts about this server ------------------------------------------------------

    @property
    def _found(self) -> RealServer | None:
        return self.facts.server(self.spec.server(rollout_of(self.spec).pool, self.name))

    @property
    def _method(self) -> Method:
        return METHODS[self.spec.service_of(rollout_of(self.spec).pool).method]

    @property
    def _wanted(self) -> Wanted:
        return self.spec.wanted(rollout_of(self.spec).pool, self.name)

    def _host_changes(self) -> tuple[NetChange, ...]:
        return self._method.plan_add(self.facts.hosts[self.name], self._wanted)

    @property
    def _host_right(self) -> bool:
        """Return whether the host is as it must be; some wrongs only a person can mend."""
        return not blocking(self._method.verify(self.facts.hosts[self.name], self._wanted))

    def _vip_needed_by(self) -> tuple[str, ...]:
        address = self.spec.hosts[self.name].address
        return vip_needed_by(self.facts, address)

    def _connections(self) -> int:
        rs = self.spec.server(rollout_of(self.spec).pool, self.name)
        vip = self._wanted.services[0].address
        local = vip if self._method.vip_on_host else rs.address
        sockets = connections_left(self.facts.hosts[self.name], local, [rs.port])
        return max(self.facts.connections.get(rs, 0), len(sockets))
