"""Mistakes in what a file says is to be done, which the types of its fields cannot see. Pure."""

import difflib
import re
import string
import urllib.parse
from collections.abc import Collection, Iterator, Sequence

from orchestrator import rules
from orchestrator.marked_yaml import Place
from orchestrator.rollout_spec import (
    ACTION_FIELDS,
    BATCH_FIELDS,
    BETWEEN,
    OF_A_BATCH,
    POINTS_OF,
    RUN_FIELDS,
    Amount,
    RolloutSpec,
    amount,
    batch_sizes,
    canary_size,
)
from orchestrator.spec import Spec
from orchestrator.targets import named_pools, target_hosts, targets

Problem = tuple[Place, str]


def unknown(what: str, name: str, known: Collection[str]) -> str:
    """Return that there is no such name, and the one that may have been meant."""
    near = difflib.get_close_matches(name, list(known), n=1)
    hint = f"; did you mean {near[0]}?" if near else f"; known: {', '.join(known)}"
    return f"no {what} {name}{hint}"


def host_list(
    names: Collection[str], known: Collection[str], place: Place, where: str
) -> Iterator[Problem]:
    """Find hosts that are given twice or not known."""
    seen: set[str] = set()
    for position, name in enumerate(names):
        if name in seen:
            yield (*place, position), f"duplicate host {name}"
        elif name not in known:
            yield (*place, position), f"{unknown('host', name, known)} ({where})"
        seen.add(name)


def pool_floor(spec: Spec, name: str) -> Iterator[Problem]:
    """Find floors of a pool that are no amounts."""
    pool = spec.pools[name]
    yield from _amount(pool.max_unavailable, ("pools", name, "max_unavailable"))
    yield from _amount(pool.min_healthy, ("pools", name, "min_healthy"))


def mistakes(spec: Spec, rollout: RolloutSpec, *, sound: bool) -> Iterator[Problem]:
    """Return every mistake of the rollout with its place.

    Args:
        sound: nothing is wrong with what the file says there is.
    """
    wrong = [*_target(spec, rollout), *_pairs(spec, rollout)]
    yield from wrong
    if sound and not wrong:
        yield from _places(spec, rollout)
        yield from _batches(spec, rollout)
    for position, rule in enumerate(rollout.allow):
        if rule not in rules.RULES:
            yield ("rollout", "allow", position), unknown("rule", rule, rules.RULES)
    yield from _amount(rollout.max_unavailable, ("rollout", "max_unavailable"))
    yield from _amount(rollout.min_healthy, ("rollout", "min_healthy"))
    yield from _times(rollout)
    yield from _bake(rollout)
    yield from _action(rollout)
    yield from _hooks(rollout)
    if rollout.ramp is not None and rollout.ramp.every_s >= rollout.healthy_deadline_s:
        yield (
            ("rollout", "ramp", "every_s"),
            f"healthy_deadline_s {rollout.healthy_deadline_s:g} is over before a step of the "
            f"ramp ({rollout.ramp.every_s:g} s)",
        )
    percent = rollout.ramp.percent if rollout.ramp is not None else ()
    if list(percent) != sorted(set(percent)):
        yield ("rollout", "ramp", "percent"), "the steps of a ramp rise"


def _amount(value: Amount | None, place: Place) -> Iterator[Problem]:
    name = place[-1]
    if value is None:
        return
    try:
        number = amount(value, 100, up=True)
    except ValueError as error:
        yield place, f"{name}: {error}"
    else:
        if number < 1:
            yield place, f"{name} is at least 1"


# -- what it is about -----------------------------------------------------------------


def _target(spec: Spec, rollout: RolloutSpec) -> Iterator[Problem]:
    if rollout.pool is not None and rollout.pools:
        yield ("rollout", "pools"), "give pool or pools, not both"
        return
    key: Place = ("pool",) if rollout.pool is not None else ("pools",)
    for position, name in enumerate(named_pools(rollout)):
        if name not in spec.pools:
            place = ("rollout", *key, *(() if key == ("pool",) else (position,)))
            yield place, unknown("pool", name, spec.pools)
            return
    for position, name in enumerate(rollout.may_empty):
        if name not in spec.pools:
            yield ("rollout", "may_empty", position), unknown("pool", name, spec.pools)
    pools = named_pools(rollout)
    if rollout.kind == "replace":
        return  # the pairs say it
    if not pools and not rollout.hosts and not rollout.selector:
        yield ("rollout",), "say which servers: pool, pools, hosts or selector"
        return
    known = [name for pool in pools for name in spec.pools[pool].hosts] if pools else spec.hosts
    where = f"pool {', '.join(pools)}" if pools else "the inventory"
    yield from host_list(rollout.hosts, known, ("rollout", "hosts"), where)


def _pairs(spec: Spec, rollout: RolloutSpec) -> Iterator[Problem]:
    """Find mistakes of the kinds of which a server's way depends on another one."""
    here: Place = ("rollout", "replace")
    if rollout.kind == "replace":
        yield from _replacements(spec, rollout)
    elif rollout.replace:
        yield here, f"replace belongs to kind: replace, not to {rollout.kind}"
    here = ("rollout", "moves_from")
    left = rollout.moves_from
    if rollout.kind != "rehome":
        if left is not None:
            yield here, f"moves_from belongs to kind: rehome, not to {rollout.kind}"
        return
    if rollout.pool is None:
        yield ("rollout",), "a rehome leads into one pool: pool"
    if left is None:
        yield ("rollout",), "a rehome leads out of one pool: moves_from"
    elif left not in spec.pools:
        yield here, unknown("pool", left, spec.pools)
    elif left == rollout.pool:
        yield here, f"{left} is the pool that the servers come into; name the one that they leave"


def _replacements(spec: Spec, rollout: RolloutSpec) -> Iterator[Problem]:
    here: Place = ("rollout", "replace")
    for key in ("hosts", "selector"):
        if getattr(rollout, key):
            yield ("rollout", key), f"kind: replace goes by its pairs, not by {key}"
    if not rollout.replace:
        yield ("rollout",), "say who replaces whom: replace: {old: new}"
    known = {
        name
        for pool in named_pools(rollout) or spec.pools
        if pool in spec.pools
        for name in spec.pools[pool].hosts
    }
    seen: dict[str, str] = {}
    for old, new in rollout.replace.items():
        place = (*here, old)
        if old not in known:
            yield place, f"{unknown('host', old, sorted(known))} (in the pools of this rollout)"
        if new not in spec.hosts:
            yield place, unknown("host", new, spec.hosts)
        elif new in rollout.replace:
            yield place, f"{new} is to go itself"
        first = seen.setdefault(new, old)
        if first != old:
            yield place, f"{new} replaces {first} already"


def _places(spec: Spec, rollout: RolloutSpec) -> Iterator[Problem]:
    if not target_hosts(spec, rollout):
        yield ("rollout", "selector"), _nobody(spec, rollout)
    for name, places in targets(spec, rollout).items():
        if not places:
            yield _host_place(rollout, name), f"{name} is in no pool, so it has no service"
        seen: dict[object, str] = {}
        for one in places:
            first = seen.setdefault((one.service, one.rs), one.pool)
            if first != one.pool and rollout.kind != "rehome":
                yield (
                    ("pools", one.pool, "hosts"),
                    f"{name} is in pool {first} with the same service and port already",
                )


def _host_place(rollout: RolloutSpec, name: str) -> Place:
    if name in rollout.hosts:
        return ("rollout", "hosts", rollout.hosts.index(name))
    return ("rollout", "selector")


def _nobody(spec: Spec, rollout: RolloutSpec) -> str:
    wanted = ", ".join(f"{key}={value}" for key, value in rollout.selector.items())
    there = sorted(
        {f"{key}={value}" for host in spec.hosts.values() for key, value in host.labels.items()}
    )
    return f"no host has the labels {wanted}; there are: {', '.join(there) or 'none'}"


# -- how many at a time ---------------------------------------------------------------


def _batches(spec: Spec, rollout: RolloutSpec) -> Iterator[Problem]:
    count = len(rollout.replace or target_hosts(spec, rollout))
    if count == 0:
        return
    place = ("rollout", "batch")
    try:
        canary_size(rollout, count)
    except ValueError as error:
        yield ("rollout", "canary", "hosts"), str(error)
        return
    try:
        sizes = batch_sizes(rollout, count)
    except ValueError as error:
        yield place, f"batch: {error}"
        return
    # A percentage depends on how many servers the service has, which the plan looks at.
    if rollout.kind != "add" and isinstance(rollout.max_unavailable, int):
        own = any(pool.max_unavailable is not None for pool in spec.pools.values())
        if max(sizes) > rollout.max_unavailable and not own:
            yield (
                place,
                f"batch: {max(sizes)} at a time are out together, but max_unavailable is "
                f"{rollout.max_unavailable}",
            )


# -- times ----------------------------------------------------------------------------


def _times(rollout: RolloutSpec) -> Iterator[Problem]:
    drain = rollout.drain
    if drain.poll_s > drain.window_s:
        yield (
            ("rollout", "drain", "window_s"),
            f"window_s {drain.window_s:g} holds no two observations {drain.poll_s:g} s apart",
        )
    if drain.deadline_s <= rollout.settle_s + drain.window_s:
        yield (
            ("rollout", "drain", "deadline_s"),
            f"deadline_s {drain.deadline_s:g} is over before settle_s + window_s "
            f"({rollout.settle_s + drain.window_s:g} s)",
        )
    longest = max(drain.deadline_s, rollout.healthy_deadline_s)
    ours = [one for one in (rollout.action, *rollout.hooks) if one is not None]
    longest = max([longest, rollout.bake.time_s, *(one.timeout_s for one in ours)])
    if rollout.progress_deadline_s <= longest:
        yield (
            ("rollout", "progress_deadline_s"),
            f"progress_deadline_s {rollout.progress_deadline_s:g} is over before one step may "
            f"have ended ({longest:g} s)",
        )
    if rollout.healthy_deadline_s <= rollout.min_healthy_s:
        yield (
            ("rollout", "healthy_deadline_s"),
            f"healthy_deadline_s {rollout.healthy_deadline_s:g} is over before min_healthy_s "
            f"({rollout.min_healthy_s:g} s)",
        )


def _bake(rollout: RolloutSpec) -> Iterator[Problem]:
    place = ("rollout", "bake")
    looks = bool(rollout.bake.time_s or rollout.bake.checks)
    if rollout.canary is not None and rollout.canary.gate == "check" and not looks:
        yield (
            ("rollout", "canary", "gate"),
            "gate: check, but nothing is looked at: give bake.time_s or bake.checks",
        )
    seen: set[str] = set()
    for number, check in enumerate(rollout.bake.checks):
        here = (*place, "checks", number)
        kinds = [check.http is not None, check.traffic is not None, bool(check.argv)]
        if sum(kinds) != 1:
            yield here, f"check {check.name}: give one of http, traffic or argv"
        if check.name in seen:
            yield here, f"check {check.name} is there twice"
        seen.add(check.name)
        if check.http is not None and not re.fullmatch(r"/[!-~]*", check.http.path):
            yield (*here, "http", "path"), "a path begins with / and has no blanks"
        yield from _fields(check.argv, BATCH_FIELDS, (*here, "argv"))
    if rollout.bake.time_s and rollout.bake.every_s > rollout.bake.time_s:
        yield (
            (*place, "time_s"),
            f"time_s {rollout.bake.time_s:g} holds no two looks {rollout.bake.every_s:g} s apart",
        )


def _action(rollout: RolloutSpec) -> Iterator[Problem]:
    action = rollout.action
    if action is None:
        return
    if rollout.kind != "roll":
        yield ("rollout", "action"), f"an action belongs to kind: roll, not to {rollout.kind}"
    yield from _fields(action.argv, ACTION_FIELDS, ("rollout", "action", "argv"))
    yield from _fields(action.finished, ACTION_FIELDS, ("rollout", "action", "finished"))
    yield from _fields(action.undo, ACTION_FIELDS, ("rollout", "action", "undo"))


def _hooks(rollout: RolloutSpec) -> Iterator[Problem]:
    seen: set[str] = set()
    passed = (*POINTS_OF[rollout.kind], *BETWEEN)
    for number, hook in enumerate(rollout.hooks):
        here = ("rollout", "hooks", number)
        known = ACTION_FIELDS
        if hook.at in BETWEEN:
            known = BATCH_FIELDS if hook.at in OF_A_BATCH else RUN_FIELDS
        if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", hook.name):
            yield (*here, "name"), f"{hook.name!r} is not a name: letters, digits, '.', '_', '-'"
        if hook.name in seen:
            yield (*here, "name"), f"hook {hook.name} is there twice"
        seen.add(hook.name)
        if (hook.http is None) is not bool(hook.argv):
            yield here, f"hook {hook.name}: give argv or http"
        if hook.at not in passed:
            yield (*here, "at"), f"a {rollout.kind} never comes to {hook.at}"
        if hook.on == "host" and hook.at in BETWEEN:
            yield (*here, "on"), f"{hook.at} is about no host: on: here"
        if hook.http is not None:
            url = urllib.parse.urlsplit(hook.http.url)
            if url.scheme not in ("http", "https") or not url.hostname:
                yield (*here, "http", "url"), f"{hook.http.url!r} is not http(s)://HOST"
            if "@" in url.netloc:
                yield (*here, "http", "url"), "no credential belongs in a URL"
            if hook.on == "host" or hook.finished:
                yield here, f"hook {hook.name}: on and finished are about commands, not http"
            yield from _fields([hook.http.url], known, (*here, "http", "url"))
        yield from _fields(hook.argv, known, (*here, "argv"))
        yield from _fields(hook.finished, known, (*here, "finished"))


def _fields(argv: Sequence[str], known: Collection[str], place: Place) -> Iterator[Problem]:
    """Find what stands in braces and is not filled in."""
    for position, argument in enumerate(argv):
        try:
            fields = {name for _, name, _, _ in string.Formatter().parse(argument) if name}
        except ValueError:
            fields = {argument}
        if wrong := fields.difference(known):
            yield (
                (*place, position),
                f"{{{min(wrong)}}} is not filled in; known: "
                f"{', '.join(sorted(known))} (write {{{{ and }}}} for braces)",
            )
