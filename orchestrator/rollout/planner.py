"""From specification and facts to a plan. Pure: no clock, no I/O, same input, same plan."""

import dataclasses
import json
from collections.abc import Callable, Mapping, Sequence

from kempsdk import RealServer
from orchestrator.members import Member
from orchestrator.rollout.facts import Facts, rollout_of, snapshot
from orchestrator.rollout.gates_between import gates_between
from orchestrator.rollout.plan import Place, Plan, ServerPlan, Step, StepKind
from orchestrator.rollout.plan_checks import check_rules, host_warnings, lowest_floors
from orchestrator.rollout.plan_parts import Parts, server_state
from orchestrator.rollout_spec import batch_sizes
from orchestrator.spec import Spec
from orchestrator.targets import targets

Way = tuple[str, Sequence[Step]]
"""Why, and what is done."""


def make_plan(spec: Spec, facts: Facts) -> Plan:
    """Return what is to be done, in order.

    Raises:
        SpecInvalid: the specification has no rollout.
        RuleViolated: a rule of the LoadMaster that is not allowed by name.
        GateRefused: the floor cannot be kept.
        HostChangeFailed: a host cannot be brought to the wanted state.
    """
    rollout = rollout_of(spec)
    about = targets(spec, rollout)
    warnings = check_rules(spec, facts, about)
    servers = tuple(
        _server(Parts(spec, facts, name, name, places), _KINDS[rollout.kind])
        for name, places in about.items()
    )
    batches = _batches(servers, batch_sizes(rollout, len(about)))
    return Plan(
        kind=rollout.kind,
        batches=batches,
        gates=gates_between(rollout, batches, servers),
        servers=servers,
        floors=lowest_floors(spec, facts, batches, servers),
        warnings=(*warnings, *host_warnings(spec, facts, about)),
        spec=json.loads(json.dumps(dataclasses.asdict(spec))),
        facts=snapshot(spec, facts),
    )


def _batches(servers: Sequence[ServerPlan], sizes: Sequence[int]) -> tuple[tuple[str, ...], ...]:
    """Return who is worked on together; a server with nothing to do takes nobody's place."""
    batches: list[list[str]] = [[]]
    busy = 0
    for one in servers:
        if one.steps and busy == sizes[len(batches) - 1]:
            batches.append([])
            busy = 0
        batches[-1].append(one.name)
        busy += bool(one.steps)
    return tuple(map(tuple, batches))


def _server(parts: Parts, kind: Callable[[Parts], Way]) -> ServerPlan:
    why, steps = kind(parts)
    return ServerPlan(
        name=parts.name,
        host=parts.host,
        places=tuple(
            Place(
                pool=one.pool,
                loadmaster=one.loadmaster,
                service=str(one.vs),
                server=str(one.rs),
            )
            for one in parts.places
        ),
        why=why,
        steps=tuple(steps),
    )


def _add(parts: Parts) -> Way:
    whys: list[str] = []
    changes: list[Step] = []
    coming: list[tuple[Member, Mapping[str, object]]] = []
    for place in parts.places:
        found = parts.found(place)
        if found is None:
            changes.append(parts.add(place, parts.new(place)))
            coming.append((place, parts.new(place)))
            whys.append("not in the service yet: prepare it, add it, enable it")
            continue
        weight = parts.spec.pools[place.pool].weight or found.weight
        wanted = {**server_state(found), "weight": weight}
        update = parts.update(place, found, wanted)
        named = parts.host in parts.rollout.hosts
        if found.enabled or named:
            changes += update
        if found.enabled:
            whys.append(_in_service(found, right=parts.host_right, update=bool(update)))
        elif named:
            coming.append((place, wanted))
            whys.append("in the service, disabled, and named in rollout.hosts: put it in")
        else:
            whys.append(
                "already in the service, disabled by somebody else: left so "
                "(name it in rollout.hosts to put it in)"
            )
    why = _by_place(parts, whys)
    if coming:
        return why, [*parts.prepare(), *changes, *parts.enable(coming)]
    if parts.host_right or not parts.enabled:
        return why, changes
    return why, [*parts.prepare(), *changes, parts.healthy()]


def _in_service(found: RealServer, *, right: bool, update: bool) -> str:
    if not right:
        return "in service, but the host is not as it must be: repair it"
    if update:
        return "in service, with another weight"
    return f"already in service: enabled, weight {found.weight}, host as it must be"


def _drain(parts: Parts) -> Way:
    if not parts.there:
        return "already not in the service", []
    if parts.enabled:
        return "in service: disable it and wait for its connections", parts.out()
    if not parts.connections:
        return "already disabled and without connections", []
    return "already disabled: wait for its connections", [parts.drain()]


def _remove(parts: Parts) -> Way:
    clear = parts.clear(parts.places)
    if not parts.there:
        if clear:
            return "already not in the service, but the host still carries the VIP", clear
        return "already not in the service, and nothing of ours on the host", []
    deletes = [parts.delete(place, rs) for place, rs in parts.there]
    away = [*parts.out(), *deletes, *clear, *parts.hooks("after-away")]
    return "in the service: take it out and away", away


def _roll(parts: Parts) -> Way:
    action = parts.rollout.action
    if not parts.there:
        return "not in the service, so there is nothing to roll (kind: add puts it in)", []
    act = [*parts.hooks("before-action")]
    if action is not None:
        act.append(parts.step(StepKind.ACTION, f"what was asked for: {' '.join(action.argv)}"))
    act += parts.hooks("after-action")
    # What was found disabled somewhere is left disabled there.
    back = [(place, {**server_state(rs), "enabled": False}) for place, rs in parts.enabled]
    why = (
        "in service: take it out, act, check the host again, put it back as it was"
        if back
        else "found disabled: worked on, and left disabled as it was found"
    )
    return why, [*parts.out(), *act, *parts.prepare(), *parts.enable(back)]


_KINDS: Mapping[str, Callable[[Parts], Way]] = {
    "add": _add,
    "drain": _drain,
    "remove": _remove,
    "roll": _roll,
}


def _by_place(parts: Parts, whys: Sequence[str]) -> str:
    """Return why, once where it is the same for every place."""
    if len(set(whys)) == 1:
        return whys[0]
    return "; ".join(f"{one.pool}: {why}" for one, why in zip(parts.places, whys, strict=True))
