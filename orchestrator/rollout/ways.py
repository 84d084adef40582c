"""The way of one server, by what is done with it: why, and which steps. Pure."""

from collections.abc import Mapping, Sequence

from kempsdk import RealServer
from orchestrator.members import Member
from orchestrator.rollout.gates_between import command_words
from orchestrator.rollout.plan import Step, StepKind
from orchestrator.rollout.plan_parts import Parts, server_state

Way = tuple[str, Sequence[Step]]
"""Why, and what is done."""


def add(parts: Parts, *, like: Mapping[Member, RealServer] | None = None) -> Way:
    """Prepare a server and put it in.

    Args:
        like: whose weight and limit it gets in a place, where the pool does not say; one that
            is given was named by a person, so a disabled server is put in.
    """
    whys: list[str] = []
    changes: list[Step] = []
    coming: list[tuple[Member, Mapping[str, object]]] = []
    named = like is not None or parts.host in parts.rollout.hosts
    for place in parts.places:
        found, model = parts.found(place), (like or {}).get(place)
        if found is None:
            added = parts.new(place, model)
            changes.append(parts.add(place, added))
            coming.append((place, added))
            whys.append("not in the service yet: prepare it, add it, enable it")
            continue
        own = model or found
        weight = parts.spec.pools[place.pool].weight or own.weight
        wanted = {**server_state(found), "weight": weight, "limit": own.limit}
        update = parts.update(place, found, wanted)
        if found.enabled or named:
            changes += update
        if found.enabled:
            whys.append(_in_service(found, right=parts.host_right, update=bool(update)))
        elif named:
            coming.append((place, wanted))
            whys.append("in the service, disabled, and named in the rollout: put it in")
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


def drain(parts: Parts) -> Way:
    """Take a server out and leave it there."""
    if not parts.there:
        return "already not in the service", []
    if parts.enabled:
        return "in service: disable it and wait for its connections", parts.out()
    if not parts.connections:
        return "already disabled and without connections", []
    return "already disabled: wait for its connections", [parts.drain()]


def remove(parts: Parts) -> Way:
    """Take a server out and away."""
    clear = parts.clear(parts.places)
    if not parts.there:
        if clear:
            return "already not in the service, but the host still carries the VIP", clear
        return "already not in the service, and nothing of ours on the host", []
    deletes = [parts.delete(place, rs) for place, rs in parts.there]
    away = [*parts.out(), *deletes, *clear, *parts.hooks("after-away")]
    return "in the service: take it out and away", away


def roll(parts: Parts) -> Way:
    """Take a server out, act, and put it back."""
    action = parts.rollout.action
    if not parts.there:
        return "not in the service, so there is nothing to roll (kind: add puts it in)", []
    act = [*parts.hooks("before-action")]
    if action is not None:
        what = command_words(action, action.argv, parts.fields)
        act.append(parts.step(StepKind.ACTION, f"{what}; at most {action.timeout_s:g} s"))
    act += parts.hooks("after-action")
    # What was found disabled somewhere is left disabled there.
    back = [(place, {**server_state(rs), "enabled": False}) for place, rs in parts.enabled]
    why = (
        "in service: take it out, act, check the host again, put it back as it was"
        if back
        else "found disabled: worked on, and left disabled as it was found"
    )
    return why, [*parts.out(), *act, *parts.prepare(), *parts.enable(back)]


def _by_place(parts: Parts, whys: Sequence[str]) -> str:
    """Return why, once where it is the same for every place."""
    if len(set(whys)) == 1:
        return whys[0]
    return "; ".join(f"{one.pool}: {why}" for one, why in zip(parts.places, whys, strict=True))
