"""Servers whose ways belong together: one may begin only when the other has come to its end. Pure.

Replace: the new server is in before the old one goes. Rehome: a server has left its old
service before it comes into the new one; its second way has a name of its own, HOST@POOL.
"""

import dataclasses
from collections.abc import Iterable, Sequence

from kempsdk import VirtualService
from orchestrator.hosts.carrying import plan_add, plan_remove
from orchestrator.hosts.foresight import foreseen
from orchestrator.members import Member
from orchestrator.rollout import ways
from orchestrator.rollout.facts import Facts, rollout_of
from orchestrator.rollout.plan import Place, ServerPlan, Step, StepKind
from orchestrator.rollout.plan_parts import Parts
from orchestrator.rollout.ways import Way
from orchestrator.spec import Spec
from orchestrator.targets import members, target_hosts

Pair = tuple[ServerPlan, ServerPlan]
"""What is done first, and what is done only then."""


def server_plan(parts: Parts, way: Way) -> ServerPlan:
    """Return the part of the plan that leads a server its way."""
    why, steps = way
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


# -- replace --------------------------------------------------------------------------


def replacements(spec: Spec, facts: Facts) -> tuple[Pair, ...]:
    """Return each new server with the old one that it replaces."""
    rollout = rollout_of(spec)
    return tuple(
        _replacement(spec, facts, old=old, new=new) for old, new in rollout.replace.items()
    )


def _replacement(spec: Spec, facts: Facts, *, old: str, new: str) -> Pair:
    rollout = rollout_of(spec)
    leaving = Parts(spec, facts, old, old, members(spec, rollout, old))
    coming = Parts(spec, facts, new, new, members(spec, rollout, new))
    like = {
        there: rs
        for there, here in zip(coming.places, leaving.places, strict=True)
        if (rs := leaving.found(here)) is not None
    }
    why, steps = ways.add(coming, like=like)
    first = server_plan(coming, (f"in place of {old}: {why}", steps))
    why, steps = ways.remove(leaving)
    return first, _after(leaving, (why, steps), first, must="in")


def _after(parts: Parts, way: Way, first: ServerPlan, *, must: str) -> ServerPlan:
    """Return the way of a server that begins only when another one has ended."""
    why, steps = way
    if not steps:
        return server_plan(parts, way)
    wait = parts.step(
        StepKind.PARTNER,
        f"{first.name} must be in, enabled and up, before anything is taken out"
        if must == "in"
        else f"it must have left {', '.join(one.service for one in first.places)} before",
        params={"lane": first.name, "must": must},
    )
    return server_plan(parts, (why, [wait, *steps]))


# -- rehome ---------------------------------------------------------------------------


def moves(spec: Spec, facts: Facts) -> tuple[Pair, ...]:
    """Return, for each server, its way out of the old service and into the new one."""
    return tuple(_move(spec, facts, host) for host in target_hosts(spec, rollout_of(spec)))


def coming_name(host: str, pool: str) -> str:
    """Return the name of a server's way into its new service."""
    return f"{host}@{pool}"


def _move(spec: Spec, facts: Facts, host: str) -> Pair:
    old, new = members(spec, rollout_of(spec), host)
    leaving = Parts(spec, facts, host, host, (old,))
    name = coming_name(host, new.pool)
    if _is_there(spec, facts, old, new):
        there = Parts(spec, facts, name, host, (new,))
        return (
            server_plan(leaving, ("already served by the new method", [])),
            server_plan(there, ways.add(there)),
        )
    way = ways.remove(leaving)
    first = server_plan(leaving, way)
    coming = Parts(spec, facts_after(leaving, way[1]), name, host, (new,))
    found = leaving.found(old)
    why, steps = ways.add(coming, like={new: found} if found is not None else {})
    if found is not None and not found.enabled and not coming.there:
        why = "found disabled: it moves, and is left disabled as it was found"
        steps = [*coming.prepare(), coming.add(new, coming.new(new, found))]
    return first, _after(coming, (why, steps), first, must="out")


def _is_there(spec: Spec, facts: Facts, old: Member, new: Member) -> bool:
    """Return whether a server of a service that stays is served by the new method already."""
    if old.service != new.service:
        return False
    parts = Parts(spec, facts, new.host, new.host, (new,))
    found = parts.found(new)
    return (
        found is not None
        and found.forward.value == parts.new(new)["forward"]
        and parts.host_right
        and not plan_add(parts.state, [one.part for one in parts.carried])
    )


def facts_after(parts: Parts, steps: Sequence[Step]) -> Facts:
    """Return the facts as they are once these steps have led a server out and away."""
    changes = [
        change
        for step in steps
        if step.kind is StepKind.CLEAR_HOST
        for one in parts.carried
        if one.places[0].pool == step.pool
        for change in plan_remove(parts.state, one.only(step.params["services"]).part)
    ]
    facts = parts.facts
    gone = {step.pool for step in steps if step.kind is StepKind.DELETE_SERVER}
    leaving = [one for one in parts.places if one.pool in gone]
    boxes = {
        name: dataclasses.replace(
            box,
            services=tuple(_without(vs, leaving, loadmaster=name) for vs in box.services),
            connections={
                key: count
                for key, count in box.connections.items()
                if not any((one.loadmaster, one.vs, one.rs) == (name, *key) for one in leaving)
            },
        )
        for name, box in facts.loadmasters.items()
    }
    hosts = {**facts.hosts, parts.host: foreseen(parts.state, changes)}
    return dataclasses.replace(facts, loadmasters=boxes, hosts=hosts)


def _without(
    service: VirtualService, leaving: Iterable[Member], *, loadmaster: str
) -> VirtualService:
    gone = {one.rs for one in leaving if (one.loadmaster, one.vs) == (loadmaster, service.ref)}
    kept = tuple(one for one in service.real_servers if one.ref not in gone)
    return dataclasses.replace(service, real_servers=kept)
