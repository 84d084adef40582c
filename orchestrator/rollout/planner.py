"""From specification and facts to a plan. Pure: no clock, no I/O, same input, same plan."""

import dataclasses
import json
from collections.abc import Callable, Mapping, Sequence

from orchestrator.rollout import ways
from orchestrator.rollout.expectation import expectation, late_drains
from orchestrator.rollout.facts import Facts, rollout_of, snapshot
from orchestrator.rollout.gates_between import gates_between
from orchestrator.rollout.pairs import moves, replacements, server_plan
from orchestrator.rollout.plan import Plan, ServerPlan
from orchestrator.rollout.plan_checks import check_rules, host_warnings, lowest_floors
from orchestrator.rollout.plan_parts import Parts
from orchestrator.rollout.ways import Way
from orchestrator.rollout_spec import batch_sizes
from orchestrator.spec import Spec
from orchestrator.targets import targets

Unit = tuple[ServerPlan, ...]
"""A server, or two whose ways belong together."""


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
    units = _units(spec, facts)
    servers = tuple(one for unit in units for one in unit)
    batches = _batches(units, batch_sizes(rollout, len(units)))
    gates = gates_between(rollout, batches, servers)
    return Plan(
        kind=rollout.kind,
        batches=batches,
        gates=gates,
        servers=servers,
        floors=lowest_floors(spec, facts, batches, servers),
        warnings=(
            *warnings,
            *host_warnings(spec, facts, about),
            *late_drains(spec, facts, servers),
        ),
        spec=json.loads(json.dumps(dataclasses.asdict(spec))),
        facts=snapshot(spec, facts),
        duration=expectation(spec, facts, batches, servers, gates),
    )


def _units(spec: Spec, facts: Facts) -> tuple[Unit, ...]:
    """Return the servers, those together whose ways belong together."""
    rollout = rollout_of(spec)
    if rollout.kind == "replace":
        return replacements(spec, facts)
    if rollout.kind == "rehome":
        return moves(spec, facts)
    way = _WAYS[rollout.kind]
    parts = [Parts(spec, facts, name, name, one) for name, one in targets(spec, rollout).items()]
    return tuple((server_plan(one, way(one)),) for one in parts)


def _batches(units: Sequence[Unit], sizes: Sequence[int]) -> tuple[tuple[str, ...], ...]:
    """Return who is worked on together; a server with nothing to do takes nobody's place.

    Where ways belong together, all the first ones of a batch come before the others.
    """
    batches: list[list[Unit]] = [[]]
    busy = 0
    for unit in units:
        does = any(one.steps for one in unit)
        if does and busy == sizes[len(batches) - 1]:
            batches.append([])
            busy = 0
        batches[-1].append(unit)
        busy += does
    return tuple(
        tuple(one.name for one in together)
        for batch in batches
        for together in zip(*batch, strict=True)
    )


_WAYS: Mapping[str, Callable[[Parts], Way]] = {
    "add": ways.add,
    "drain": ways.drain,
    "remove": ways.remove,
    "roll": ways.roll,
}
