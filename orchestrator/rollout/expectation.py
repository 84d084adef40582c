"""How long a plan is expected to take, and how that was computed. Pure.

From what is known before it begins: the connections and rates of the moment, persistence,
idle and drain times, and the waits of the file. What people and their commands take is not
known and said so; it only counts towards the longest.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from kempsdk import VirtualService
from kempsdk.words import Persist
from orchestrator.members import Member, ServiceKey
from orchestrator.phrases import first_few
from orchestrator.rollout.facts import Facts, rollout_of
from orchestrator.rollout.plan import (
    Expectation,
    Gate,
    Pinned,
    ServerPlan,
    Step,
    StepKind,
    Warned,
)
from orchestrator.rules import is_layer_4
from orchestrator.spec import Spec

DEFAULT_IDLE_S = 660
"""When the appliance ends an idle connection, where the service does not say (its manual)."""

_GAMMA = 0.5772
_TOLD = 5
"""Servers named in one warning."""


@dataclass(frozen=True, slots=True)
class _Drain:
    """How long one server drains, and why; ``late``: longer, if the deadline let it."""

    seconds: float
    why: str
    late: bool


def expectation(
    spec: Spec,
    facts: Facts,
    batches: Sequence[Sequence[str]],
    servers: Sequence[ServerPlan],
    gates: Sequence[Gate],
) -> Expectation:
    """Return how long the batches take one after another, each as long as its slowest server."""
    by_name = {one.name: one for one in servers}
    expected = longest = 0.0
    how: list[str] = []
    pinned: dict[ServiceKey, Pinned] = {}
    for number, batch in enumerate(batches, start=1):
        busy = [by_name[name] for name in batch if by_name[name].steps]
        gate = gates[number]
        watched_s, latest_s = _gate(spec, gate)
        longest += latest_s
        if not busy:
            continue
        ways = [(_way(spec, facts, one), one) for one in busy]
        (usual_s, why), slowest = max(ways, key=lambda one: one[0][0])
        for one in busy:
            _pin(spec, facts, one, expected, pinned)
        usual_s += watched_s
        expected += usual_s
        longest += max(_longest(spec, one) for one in busy)
        baked = f", bake {watched_s:g} s" if watched_s else ""
        how.append(f"batch {number}: {usual_s:.0f} s, by {slowest.name}: {why}{baked}")
    longest += _gate(spec, gates[0])[1]
    return Expectation(
        expected_s=round(expected, 1),
        longest_s=round(max(longest, expected), 1),
        how=tuple(how),
        not_counted=_not_counted(servers, gates),
        pinned=tuple(pinned.values()),
    )


def _way(spec: Spec, facts: Facts, server: ServerPlan) -> tuple[float, str]:
    total, whys = 0.0, []
    if server.of_kind(StepKind.DRAIN):
        places = [spec.member(one.pool, server.host) for one in server.places]
        drains = [_drain(spec, facts, place) for place in places]
        slowest = max(drains, key=lambda one: one.seconds)
        total += slowest.seconds
        whys.append(slowest.why)
    healthy_s = sum(float(one.params["for_s"]) for one in server.of_kind(StepKind.HEALTHY))
    if healthy_s:
        total += healthy_s
        whys.append(f"healthy {healthy_s:g} s")
    return total, ", ".join(whys)


def _drain(spec: Spec, facts: Facts, place: Member) -> _Drain:
    """Estimate by Little's law: connections = new ones a second x how long each lasts."""
    wanted = rollout_of(spec)
    least_s = wanted.settle_s + wanted.drain.window_s
    most_s = max(wanted.drain.deadline_s, least_s)
    service = facts.service(place.service)
    count, rate = facts.connections(place), facts.rate(place)
    base = f"settle {wanted.settle_s:g} s, window {wanted.drain.window_s:g} s"
    idle_s = service.idle_timeout_s or DEFAULT_IDLE_S
    if count <= wanted.drain.connections:
        open_s, why = 0.0, f"{count} connections open"
    elif rate:
        lasts_s = count / rate
        # Of so many that end at random, the last one ends about then.
        open_s = lasts_s * (math.log(count) + _GAMMA) if count > 1 else lasts_s
        why = (
            f"{count} connections, {rate} new a second, so each lasts about {lasts_s:.0f} s "
            f"and the last one {open_s:.0f} s"
        )
    else:
        open_s = idle_s
        why = f"{count} connections and no new ones: they end, or idle out after {idle_s} s"
    held_s = _pinned_s(facts, place, service)
    if held_s > open_s:
        open_s, why = held_s, f"{why}; persistence brings clients back for {held_s:g} s"
    seconds = min(least_s + open_s, most_s)
    late = least_s + open_s > most_s
    if late:
        why = f"{why}; the deadline of {most_s:g} s comes first"
    return _Drain(seconds, f"drain {seconds:.0f} s ({why}; {base})", late)


def late_drains(spec: Spec, facts: Facts, servers: Sequence[ServerPlan]) -> Iterator[Warned]:
    """Warn of servers that will hardly be drained by the deadline, by what is counted now."""
    wanted = rollout_of(spec).drain
    late = [
        one.name
        for one in servers
        if one.of_kind(StepKind.DRAIN)
        and any(_drain(spec, facts, spec.member(each.pool, one.host)).late for each in one.places)
    ]
    if late and wanted.at_deadline != "force":  # of which drain-force warns, whatever is counted
        fate = (
            "is put back and skipped"
            if wanted.at_deadline == "skip"
            else "stays out and has failed"
        )
        yield Warned(
            id="drain-late",
            message=f"{first_few(late, _TOLD)}: by the connections of now, the drain's "
            f"deadline of {wanted.deadline_s:g} s comes first, and what is not drained then {fate}",
            cure="raise drain.deadline_s, or begin when there are fewer connections",
        )


def _pinned_s(facts: Facts, place: Member, service: VirtualService) -> float:
    """Return how long clients with a record still come back: at layer 7, by the drain time."""
    if is_layer_4(service) or service.persist is Persist.NONE:
        return 0.0
    return float(facts.loadmasters[place.loadmaster].drain_time_s or 0)


def _pin(
    spec: Spec,
    facts: Facts,
    server: ServerPlan,
    begun_s: float,
    pinned: dict[ServiceKey, Pinned],
) -> None:
    """Note whom the services of a server hold, if it is disabled in them about then."""
    for step in server.of_kind(StepKind.DISABLE):
        if step.pool is None:
            continue
        place = spec.member(step.pool, server.host)
        service = facts.service(place.service)
        held_s = _pinned_s(facts, place, service)
        if held_s:
            until_s = round(begun_s + held_s, 1)
            before = pinned.get(place.service)
            pinned[place.service] = Pinned(
                service=f"{place.vs} on {place.loadmaster}",
                persist=service.persist.value,
                each_s=held_s,
                first_until_s=before.first_until_s if before else until_s,
                last_until_s=until_s,
            )


def _longest(spec: Spec, server: ServerPlan) -> float:
    """Return after how long every wait has met its deadline."""
    wanted = rollout_of(spec)
    seconds = 0.0
    for step in server.steps:
        if step.kind is StepKind.DRAIN:
            seconds += max(wanted.drain.deadline_s, wanted.settle_s + wanted.drain.window_s)
        elif step.kind is StepKind.HEALTHY:
            seconds += wanted.healthy_deadline_s
        elif step.kind is StepKind.ACTION and wanted.action is not None:
            seconds += wanted.action.timeout_s
        elif step.kind is StepKind.HOOK:
            seconds += _hook_s(spec, step)
    return seconds


def _gate(spec: Spec, gate: Gate) -> tuple[float, float]:
    """Return how long a gate takes, and at most."""
    wanted = rollout_of(spec)
    usual = longest = 0.0
    for step in gate.steps:
        if step.kind is StepKind.BAKE:
            usual += wanted.bake.time_s
            longest += wanted.bake.time_s
        elif step.kind is StepKind.APPROVE and wanted.canary is not None:
            longest += wanted.canary.deadline_s
        elif step.kind is StepKind.HOOK:
            longest += _hook_s(spec, step)
    return usual, longest


def _hook_s(spec: Spec, step: Step) -> float:
    return next(
        (one.timeout_s for one in rollout_of(spec).hooks if one.name == step.params["hook"]), 0.0
    )


def _not_counted(servers: Sequence[ServerPlan], gates: Sequence[Gate]) -> tuple[str, ...]:
    lanes = [*(one.steps for one in servers), *(one.steps for one in gates)]
    kinds = {step.kind for steps in lanes for step in steps}
    words = {
        StepKind.ACTION: "your action",
        StepKind.HOOK: "your hooks",
        StepKind.APPROVE: "the person who approves",
    }
    return tuple(text for kind, text in words.items() if kind in kinds)
