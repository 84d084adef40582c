"""A pair of LoadMasters: which unit is active, and what a failover means for a run.

After one, everybody who works with that pair waits until a unit is active again. What it says
of the servers must be what the plan found, but for what this run has done since.
"""

from collections.abc import Iterable, Iterator, Mapping

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

_Touch = tuple[StepRecord, tuple[Data, ...]]
"""What a step did to a server, and all that the server may be while it is in hand."""


def check(context: Context, *, max_age_s: float = _AGE_S) -> bool:
    """See that the units that this server or gate works with are those that were active before.

    Args:
        max_age_s: how old an answer of a unit may be; 0 asks it now.

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
    found = [_failed_over(context, name, max_age_s) for name in dict.fromkeys(names)]
    return any(found)


def _failed_over(context: Context, name: str, max_age_s: float) -> bool:
    watch = context.watch(name)
    if watch.single:
        return False
    with watch.failover:
        status = _status(watch, max_age_s=max_age_s)
        if status is None:
            return False
        if status.state is HaState.NOT_CONFIGURED:
            watch.single = True
            return False
        if status.takes_writes:
            watch.inactive_since_s = None
        known = watch.active_since_s
        if status.takes_writes and status.active_since_s == known:
            return False
        if known is None and status.takes_writes and _is_fresh(context, name):
            watch.active_since_s = status.active_since_s
            return False
        # Of a run that goes on, nobody here knows which unit was active before.
        told = known is not None or not status.takes_writes
        if told:
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
                f"{name}: the unit that is active now is not as the run left it: {moved[0]}",
                gate="failover",
                evidence=moved,
            )
        watch.active_since_s = status.active_since_s
        if told:
            context.emit(
                "failed-over",
                f"{name}: the active unit has all that the run rests on",
                server=context.lane or None,
            )
        return known is not None


def _is_fresh(context: Context, name: str) -> bool:
    """Return whether the plan's facts are all that is known: nothing was begun on this pair."""
    return context.attempt == 1 and not _as_left(context, name, read_s=0)


def _status(watch: LoadMasterWatch, *, max_age_s: float) -> HaStatus | None:
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
    # Servers come here one after another: what one has waited, the next does not wait again.
    if watch.inactive_since_s is None:
        watch.inactive_since_s = clock.monotonic_s()
    while status is None or not status.takes_writes:
        if clock.monotonic_s() - watch.inactive_since_s >= _PATIENCE_S:
            said = "nothing" if status is None else status.state.value
            raise GateRefused(
                f"{name}: no unit of the pair was active for {_PATIENCE_S:g} s; resume when one is",
                gate="failover",
                evidence=[f"the unit that answers says: {said}"],
            )
        context.wait(_LOOK_S)
        status = _status(watch, max_age_s=0)
    watch.inactive_since_s = None
    return status


def _moved(context: Context, name: str) -> Iterator[str]:
    """Return what the active unit has otherwise than it is to have, in words.

    Raises:
        KempError: it could not be read.
    """
    # Others may be in the middle of a step, and end it before the journal is read.
    read_s = context.adapters.clock.time_s()
    services = {one.ref: one for one in context.loadmaster(name).virtual_services.list()}
    left = _as_left(context, name, read_s=read_s)
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


def _as_left(
    context: Context, name: str, *, read_s: float
) -> dict[ServiceKey, dict[str, tuple[Data, ...]]]:
    """Return what each server that this run touched may be, when it was read at that time."""
    lanes = by_lane(context.store.steps(context.run_id))
    found: dict[ServiceKey, dict[str, list[_Touch]]] = {}
    for server in context.plan.servers:
        for place in context.places(server.name):
            touches = _touches(server, lanes.get(server.name, {}), place.pool)
            if place.loadmaster == name and touches:
                found.setdefault(place.service, {}).setdefault(str(place.rs), []).extend(touches)
    return {
        key: {rs: _may_be(touches, read_s) for rs, touches in servers.items()}
        for key, servers in found.items()
    }


def _touches(server: ServerPlan, journal: Mapping[str, StepRecord], pool: str) -> list[_Touch]:
    steps = {one.id: one for one in server.steps if one.pool == pool}
    # A step that the plan does not have leads back to a state that the plan leads through.
    states = [state for one in steps.values() for state in (one.before, one.after) if state]
    where = pool if len(server.places) > 1 else None
    found: list[_Touch] = []
    for step_id, record in journal.items():
        name = step_name(step_id)
        if name is None or name.word not in ROTATION_WORDS or name.pool != where:
            continue
        if record.intended:
            led = [steps[step_id].after] if step_id in steps else states
            sides = (record.before, *led, record.after)
            found.append((record, tuple(one for one in sides if one is not None)))
    return found


def _may_be(touches: Iterable[_Touch], read_s: float) -> tuple[Data, ...]:
    """Return what was left at last; also what was before, of what may not have been over."""
    allowed: tuple[Data, ...] = ()
    for record, sides in sorted(touches, key=lambda one: one[0].started_s):
        after = record.after if record.status.complete else None
        over = record.ended_s is None or record.ended_s <= read_s
        allowed = (after,) if over and after is not None else (*allowed, *sides)
    return allowed
