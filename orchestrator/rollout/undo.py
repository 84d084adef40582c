"""Taking a run back: from its journal and from what is now, the steps to what was. Pure.

Network first where a server is to come in, last where it is to go out; then the old admin
state and weight, and health seen. What somebody else changed since is left alone.
"""

import dataclasses
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from kempsdk import RealServer
from orchestrator.errors import OrchestratorError
from orchestrator.members import Member
from orchestrator.rollout.expectation import expectation
from orchestrator.rollout.facts import Facts, rollout_of, snapshot
from orchestrator.rollout.gates_between import command_words
from orchestrator.rollout.pairs import facts_after
from orchestrator.rollout.plan import (
    UNDO_KIND,
    Data,
    Gate,
    Plan,
    ServerPlan,
    Step,
    StepKind,
    Warned,
)
from orchestrator.rollout.plan_checks import lowest_floors
from orchestrator.rollout.plan_parts import Parts, server_state
from orchestrator.rollout.records import StepRecord, StepStatus
from orchestrator.rollout.step_ids import PUT_BACK, TAKE_OUT, by_lane, step_name
from orchestrator.spec import Spec

Journal = Mapping[str, StepRecord]

_ROTATION = (
    StepKind.DISABLE,
    StepKind.ADD_SERVER,
    StepKind.UPDATE_SERVER,
    StepKind.ENABLE,
    StepKind.RAISE_WEIGHT,
    StepKind.DELETE_SERVER,
)
ROTATION_WORDS = (TAKE_OUT, PUT_BACK, *(kind.value for kind in _ROTATION))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Trace:
    """What a run did to one place.

    Attributes:
        first: what was found before the first change; None: nothing was changed.
        known: every state that the run found or made there.
    """

    first: Data | None
    known: tuple[Data, ...]


def _trace(server: ServerPlan, journal: Journal, pool: str) -> _Trace:
    steps = [one for one in server.steps if one.pool == pool and one.kind in _ROTATION]
    found: list[tuple[StepRecord, Data | None]] = [
        (record, step.after)
        for step in steps
        if (record := journal.get(step.id)) is not None and record.intended
    ]
    several = len(server.places) > 1
    for step_id, record in journal.items():
        name = step_name(step_id)
        if name is None or name.lane != server.name or name.planned or not record.intended:
            continue
        if name.word in ROTATION_WORDS and name.pool == (pool if several else None):
            found.append((record, None))
    found.sort(key=lambda one: one[0].first_started_s)
    known = [
        state
        for record, after in found
        for state in (record.before, after, record.after)
        if state is not None
    ]
    # The states between which an unplanned step may have been cut off.
    known += [one.before for one in steps if one.kind in (StepKind.ENABLE, StepKind.DISABLE)]
    return _Trace(first=found[0][0].before if found else None, known=tuple(known))


def touched(server: ServerPlan, journal: Journal) -> bool:
    """Return whether a run changed anything about a server that can be taken back."""
    records = [journal[step.id] for step in server.steps if step.id in journal]
    return any(record.intended for record in records)


def way_back(parts: Parts, server: ServerPlan, journal: Journal) -> tuple[str, list[Step]]:
    """Return why, and the steps that lead a server to what it was before a run.

    Args:
        parts: what the server is now; of the kind that undoes.
        server: what the run was to do with it.
    """
    old: dict[Member, Data] = {}
    foreign: list[str] = []
    for place in parts.places:
        trace = _trace(server, journal, place.pool)
        now = server_state(parts.found(place))
        if trace.first is None:
            old[place] = now
        elif now != dict(trace.first) and not any(now == dict(one) for one in trace.known):
            old[place] = now
            foreign.append(place.pool)
        else:
            old[place] = trace.first
    action = parts.rollout.action
    acted = _acted(server, journal) and action is not None and bool(action.undo)
    steps = _steps(parts, old, acted=acted)
    words = ["back to what it was before the run" if steps else "as it was before the run"]
    if foreign:
        words.append(f"somebody else changed it since in {', '.join(foreign)}: left so there")
    return "; ".join(words), steps


def _steps(parts: Parts, old: Mapping[Member, Data], *, acted: bool) -> list[Step]:
    going, coming = [], []
    for place, state in old.items():
        rs = parts.found(place)
        enabled = rs is not None and rs.enabled
        if enabled and (acted or not state.get("enabled")):
            going.append((place, rs))
        if state.get("enabled") and (acted or not enabled):
            coming.append(place)
    leaving = [place for place, state in old.items() if not state["present"]]
    present = [place for place in leaving if parts.found(place) is not None]
    steps = [parts.disable(place, rs) for place, rs in going if rs is not None]
    if going or present or acted:
        steps.append(parts.drain())
    action = parts.rollout.action
    if acted and action is not None:
        what = f"takes the action back, {command_words(action, action.undo, parts.fields)}"
        steps.append(parts.step(StepKind.ACTION, what, params={"undo": True}))
    steps += [parts.delete(place, rs) for place in present if (rs := parts.found(place))]
    if leaving:
        steps += parts.clear(leaving)
    staying = [place for place in old if place not in leaving]
    if coming or (acted and staying):
        steps += parts.prepare()
    states: list[tuple[Member, Data]] = []
    for place in staying:
        more, state = _old_settings(parts, place, old[place], out=any(place == p for p, _ in going))
        steps += more
        if place in coming:
            states.append((place, state))
    return [*steps, *parts.enable(states)]


def _old_settings(parts: Parts, place: Member, old: Data, *, out: bool) -> tuple[list[Step], Data]:
    """Return the steps that give a place its old settings, and what it is then, not enabled."""
    rs: RealServer | None = parts.found(place)
    if rs is None:
        added = {**old, "enabled": False}
        return [parts.add(place, added)], added
    if out:
        rs = dataclasses.replace(rs, enabled=False)
    wanted = {**old, "enabled": rs.enabled}
    if rs.forward.value != old["forward"]:
        # Nothing of ours changes it in a server that was there.
        wanted["forward"] = rs.forward.value
    return parts.update(place, rs, wanted), {**wanted, "enabled": False}


def _acted(server: ServerPlan, journal: Journal) -> bool:
    """Return whether the action was begun and not taken back since."""
    begun_s = [
        record.started_s
        for step in server.of_kind(StepKind.ACTION)
        if (record := journal.get(step.id)) is not None and record.intended
    ]
    undone_s = [
        record.started_s
        for step_id, record in journal.items()
        if (name := step_name(step_id)) is not None
        and (name.lane, name.word) == (server.name, StepKind.ACTION.value)
        and name.undo is not None
        and record.status is StepStatus.DONE
    ]
    return bool(begun_s) and max(begun_s) > max(undone_s, default=float("-inf"))


def reverted_s(name: str, journal: Journal) -> float | None:
    """Return when the last step ended that put a server back within its run; None: it was not."""
    ended = [
        record.ended_s
        for step_id, record in journal.items()
        if (parts := step_name(step_id)) is not None
        and parts.lane == name
        and parts.undo is not None
        and record.status.complete
        and record.ended_s is not None
    ]
    return max(ended, default=None)


def undo_plan(run_id: str, plan: Plan, spec: Spec, facts: Facts, journal: Journal) -> Plan:
    """Return the plan that takes a run back, the server touched last first.

    Raises:
        GateRefused: the floor cannot be kept on the way back.
    """
    lanes = by_lane(journal)
    spec = _may_empty_again(spec, plan)
    facts_then = facts
    touched_s = {
        server.name: max(record.started_s for step in server.steps if (record := lane.get(step.id)))
        for server in plan.servers
        if touched(server, lane := lanes.get(server.name, {}))
    }
    servers: list[ServerPlan] = []
    for server in sorted(
        # Of those touched in the same moment, the one that the plan has last.
        (one for one in reversed(plan.servers) if one.name in touched_s),
        key=lambda one: -touched_s[one.name],
    ):
        back, facts_then = _server(spec, facts_then, server, lanes[server.name])
        servers.append(back)
    if not servers:
        raise OrchestratorError(f"run {run_id} changed nothing that could be taken back")
    # Servers that only come in may do so together; one that goes out goes alone.
    # So does one that goes two ways.
    alone = any(one.of_kind(StepKind.DISABLE) for one in servers)
    alone = alone or len({one.host for one in servers}) < len(servers)
    size = 1 if alone else max(len(batch) for batch in plan.batches)
    names = [one.name for one in servers]
    batches = [tuple(names[start : start + size]) for start in range(0, len(names), size)]
    gates = [Gate(name="before batch 1")]
    gates += [Gate(name=f"batch {number}") for number in range(1, len(batches) + 1)]
    return Plan(
        kind=UNDO_KIND,
        batches=tuple(batches),
        gates=tuple(gates),
        servers=tuple(servers),
        floors=lowest_floors(spec, facts, batches, servers),
        warnings=tuple(_warnings(spec, plan, servers, lanes)),
        spec=json.loads(json.dumps(dataclasses.asdict(spec))),
        facts=snapshot(spec, facts),
        undoes=run_id,
        duration=expectation(spec, facts, batches, servers, gates),
    )


def _may_empty_again(spec: Spec, plan: Plan) -> Spec:
    """Return the specification by which a service that nobody served may be left so again."""
    unserved = {(one.loadmaster, one.service) for one in plan.floors if not one.healthy}
    empty = [
        name
        for name in spec.pools
        if (one := spec.service_of(name)) and (one.loadmaster, str(one.ref)) in unserved
    ]
    rollout = rollout_of(spec)
    may_empty = tuple(dict.fromkeys([*rollout.may_empty, *empty]))
    return dataclasses.replace(spec, rollout=dataclasses.replace(rollout, may_empty=may_empty))


def _server(
    spec: Spec, facts: Facts, server: ServerPlan, journal: Journal
) -> tuple[ServerPlan, Facts]:
    """Return a server's way back, and the facts after it as far as it leaves something."""
    places = tuple(spec.member(one.pool, server.host) for one in server.places)
    parts = Parts(spec, facts, server.name, server.host, places, hooked=False)
    why, steps = way_back(parts, server, journal)
    back = dataclasses.replace(server, why=why, steps=tuple(steps))
    return back, facts_after(parts, steps)


def _warnings(
    spec: Spec, plan: Plan, servers: Sequence[ServerPlan], lanes: Mapping[str, Journal]
) -> Iterable[Warned]:
    rollout = rollout_of(spec)
    acted = [one.name for one in servers if _acted(plan.server(one.name), lanes[one.name])]
    if acted and rollout.action is not None and not rollout.action.undo:
        yield Warned(
            id="action-stays",
            message=f"what the action did stays on {', '.join(acted)}: "
            f"{' '.join(rollout.action.argv)}",
            cure="take it back by hand, or give action.undo in the file of the next rollout",
        )
    if rollout.hooks:
        yield Warned(
            id="hooks-not-called",
            message="hooks are not called on the way back",
            cure="what they did outside of this, take back by hand",
        )
    for one in servers:
        if "somebody else" in one.why:
            yield Warned(id="foreign-change", message=f"{one.name}: {one.why}", cure="look at it")
