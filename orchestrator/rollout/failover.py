"""A pair of LoadMasters: which unit is active, and what a failover means for a run.

After one, everybody who works with that pair waits until a unit is active again. What it says
of the servers must be what the plan found, but for what this run has done since.
"""

from collections.abc import Iterator, Mapping

from kempsdk import HaState, HaStatus, VirtualService
from kempsdk.errors import CommandRejected, KempError
from orchestrator.errors import GateRefused
from orchestrator.members import ServiceKey
from orchestrator.rollout.context import Context
from orchestrator.rollout.facts import service_lines
from orchestrator.rollout.plan import Data, ServerPlan
from orchestrator.rollout.plan_parts import server_state
from orchestrator.rollout.records import StepRecord
from orchestrator.rollout.step_ids import by_lane, step_name
from orchestrator.rollout.undo import ROTATION_WORDS
from orchestrator.rollout.watch import LoadMasterWatch
from orchestrator.rollout.words import differences

_AGE_S = 5.0
"""A unit is asked this often, whoever waits."""

_PATIENCE_S = 120.0
"""As long may a pair have no active unit: it fails over within its time-out, 15 s at most."""

_LOOK_S = 3.0


def check(context: Context) -> bool:
    """See that the units that this server or gate works with are those that were active before.

    Returns:
        Whether there was a failover, after which all still holds: what was counted before
        says nothing any more.

    Raises:
        GateRefused: no unit is active, or the new one does not have what the plan rests on.
        Stopped: a pause was asked for.
    """
    server = context.servers.get(context.lane)
    places = server.places if server is not None else ()
    names = [one.loadmaster for one in places] or [one.loadmaster for one in context.floors]
    # Each is looked at, whatever another one shows.
    found = [_failed_over(context, name) for name in dict.fromkeys(names)]
    return any(found)


def _failed_over(context: Context, name: str) -> bool:
    watch = context.watch(name)
    if watch.single:
        return False
    with watch.failover:
        status = _status(watch)
        if status is None:
            return False
        if status.state is HaState.NOT_CONFIGURED:
            watch.single = True
            return False
        known = watch.active_since_s
        if status.takes_writes and status.active_since_s == known:
            return False
        begun = known is None and context.attempt == 1
        if begun and status.takes_writes:
            watch.active_since_s = status.active_since_s
            return False
        if not begun or not status.takes_writes:
            context.emit(
                "failover",
                f"{name}: the unit that answers is {status.state.value}, and not the one that "
                "was active before; its services are read again",
                server=context.lane or None,
            )
        status = _active(context, name, watch, status)
        moved = tuple(_moved(context, name))
        if moved:
            raise GateRefused(
                f"{name} failed over, and the unit that is active now is not as the run left "
                f"it: {moved[0]}",
                gate="failover",
                evidence=moved,
            )
        watch.active_since_s = status.active_since_s
        context.emit(
            "failed-over",
            f"{name}: the active unit has all that the run rests on",
            server=context.lane or None,
        )
        return known is not None


def _status(watch: LoadMasterWatch, *, max_age_s: float = _AGE_S) -> HaStatus | None:
    """Return what the unit that answers is; None: it does not say, or is no pair's."""
    try:
        return watch.unit.get(after=0, max_age_s=max_age_s).value
    except CommandRejected:
        watch.single = True
    except KempError:
        pass  # whoever needs the LoadMaster itself says that it cannot be read
    return None


def _active(
    context: Context, name: str, watch: LoadMasterWatch, status: HaStatus | None
) -> HaStatus:
    """Wait until a unit is active and can be read.

    Raises:
        GateRefused: none was in time.
    """
    clock = context.adapters.clock
    deadline = clock.monotonic_s() + _PATIENCE_S
    while status is None or not status.takes_writes:
        if clock.monotonic_s() >= deadline:
            said = "nothing" if status is None else status.state.value
            raise GateRefused(
                f"{name}: no unit of the pair was active for {_PATIENCE_S:g} s; resume when one is",
                gate="failover",
                evidence=[f"the unit that answers says: {said}"],
            )
        context.wait(_LOOK_S)
        status = _status(watch, max_age_s=0)
    return status


def _moved(context: Context, name: str) -> Iterator[str]:
    """Return what the active unit has otherwise than it is to have, in words.

    Raises:
        KempError: it could not be read.
    """
    services = {one.ref: one for one in context.loadmaster(name).virtual_services.list()}
    left = _as_left(context, name)
    for key in context.floors:
        if key.loadmaster != name:
            continue
        service = services.get(key.vs)
        if service is None:
            yield f"{key} is not there"
            continue
        yield from _moved_in(context, key, service, left.get(key, {}))


def _moved_in(
    context: Context, key: ServiceKey, service: VirtualService, left: dict[str, tuple[Data, ...]]
) -> Iterator[str]:
    facts, now = context.plan.facts, service_lines(key, service)
    ours = {f"{key} server {rs}" for rs in left}
    names = {one for one in facts if one == str(key) or one.startswith(f"{key} server ")}
    for name in sorted((names | set(now)) - ours):
        was, is_now = (_without_health(one.get(name, "absent")) for one in (facts, now))
        if was != is_now:
            yield f"{name}: was {was}, is {is_now}"
    servers = {str(rs.ref): rs for rs in service.real_servers}
    for rs, allowed in left.items():
        seen = server_state(servers.get(rs))
        if not any(seen == dict(one) for one in allowed):
            words = differences(allowed[-1], seen, was="left as", now="found")
            yield f"{key} server {rs}: {'; '.join(words)}"


def _without_health(line: str) -> str:
    """Return a fact about a server without its health, which gates look at when it matters."""
    first, *more = line.split(" ")
    return " ".join([first, *(word for word in more if "=" in word)])


def _as_left(context: Context, name: str) -> dict[ServiceKey, dict[str, tuple[Data, ...]]]:
    """Return how this run left each server that it touched; both sides of a step in hand."""
    lanes = by_lane(context.store.steps(context.run_id))
    left: dict[ServiceKey, dict[str, tuple[float, tuple[Data, ...]]]] = {}
    for server in context.plan.servers:
        for place in context.places(server.name):
            if place.loadmaster != name:
                continue
            last = _last(server, lanes.get(server.name, {}), place.pool)
            if last is None:
                continue
            known = left.setdefault(place.service, {})
            at_s, _ = known.get(str(place.rs), (float("-inf"), ()))
            if last[0] >= at_s:
                known[str(place.rs)] = last
    return {key: {rs: one for rs, (_, one) in found.items()} for key, found in left.items()}


def _last(
    server: ServerPlan, journal: Mapping[str, StepRecord], pool: str
) -> tuple[float, tuple[Data, ...]] | None:
    """Return when a place was changed last, and what it may be since then."""
    planned = {one.id: one.after for one in server.steps}
    where = pool if len(server.places) > 1 else None
    last: tuple[float, tuple[Data, ...]] | None = None
    for step_id, record in journal.items():
        name = step_name(step_id)
        if name is None or name.word not in ROTATION_WORDS or name.pool != where:
            continue
        if not record.intended or (last is not None and record.started_s < last[0]):
            continue
        either = (record.before, planned.get(step_id), record.after)
        if record.status.complete and record.after is not None:
            either = (record.after, None, None)
        last = (record.started_s, tuple(one for one in either if one is not None))
    return last
