"""Which servers a rollout or a command is about, and over which of their services. Pure."""

from collections.abc import Mapping

from orchestrator.members import Member
from orchestrator.rollout_spec import RolloutSpec
from orchestrator.spec import Spec


def groups(spec: Spec) -> Mapping[str, tuple[str, ...]]:
    """Return the hosts that are in pools, by everything that names some of them together.

    That is each pool by its name, then each label as ``key=value``.
    """
    found: dict[str, tuple[str, ...]] = {name: pool.hosts for name, pool in spec.pools.items()}
    pooled = dict.fromkeys(name for hosts in found.values() for name in hosts)
    labels = {label for name in pooled for label in spec.hosts[name].labels.items()}
    for key, value in sorted(labels):
        having = tuple(name for name in pooled if spec.hosts[name].labels.get(key) == value)
        found.setdefault(f"{key}={value}", having)
    return found


def named_pools(rollout: RolloutSpec) -> tuple[str, ...]:
    """Return the pools that the rollout names; none where it goes by hosts."""
    return (rollout.pool,) if rollout.pool is not None else rollout.pools


def target_hosts(spec: Spec, rollout: RolloutSpec) -> tuple[str, ...]:
    """Return the hosts that the rollout is about, in the order they are worked on."""
    if rollout.kind == "replace":
        return tuple(one for old, new in rollout.replace.items() for one in (new, old))
    candidates = rollout.hosts
    if not candidates:
        pools = named_pools(rollout)
        candidates = (
            tuple(dict.fromkeys(name for pool in pools for name in spec.pools[pool].hosts))
            if pools
            else tuple(spec.hosts)
        )
    return tuple(name for name in candidates if selected(spec, rollout, name))


def selected(spec: Spec, rollout: RolloutSpec, host: str) -> bool:
    """Return whether a host has every label that the rollout asks for."""
    labels = spec.hosts[host].labels
    return all(labels.get(key) == value for key, value in rollout.selector.items())


def members(spec: Spec, rollout: RolloutSpec, host: str) -> tuple[Member, ...]:
    """Return a host's places in the services that the rollout is about.

    One that replaces another has the places of that one. One that moves has the old place and
    the new one.
    """
    named = named_pools(rollout)
    if rollout.kind == "rehome" and rollout.moves_from is not None:
        return tuple(spec.member(pool, host) for pool in (rollout.moves_from, *named))
    before = {new: old for old, new in rollout.replace.items()}.get(host, host)
    return tuple(
        spec.member(pool, host) for pool in spec.pools_of(before) if not named or pool in named
    )


def comes_in(rollout: RolloutSpec, place: Member) -> bool:
    """Return whether the rollout puts a server into service at this place."""
    match rollout.kind:
        case "replace":
            return place.host in rollout.replace.values()
        case "rehome":
            return place.pool != rollout.moves_from
        case kind:
            return kind in ("add", "roll")


def goes_away(rollout: RolloutSpec, place: Member) -> bool:
    """Return whether the rollout takes a server away from this place."""
    paired = rollout.kind in ("replace", "rehome")
    return rollout.kind == "remove" or (paired and not comes_in(rollout, place))


def targets(spec: Spec, rollout: RolloutSpec) -> Mapping[str, tuple[Member, ...]]:
    """Return every host of the rollout with its places, in the order they are worked on."""
    return {host: members(spec, rollout, host) for host in target_hosts(spec, rollout)}
