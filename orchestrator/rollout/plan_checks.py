"""What a plan must keep to: rules of the LoadMaster, the floor; and what to warn of. Pure."""

from collections.abc import Collection, Iterable, Mapping, Sequence

from kempsdk import Forward, RsRef, Schedule
from orchestrator import rules
from orchestrator.errors import GateRefused
from orchestrator.hosts.state import NetState
from orchestrator.members import Carried, Member, carried, direct
from orchestrator.rollout.facts import Facts, rollout_of, services_of
from orchestrator.rollout.floors import ServiceFloor, healthy, service_floors
from orchestrator.rollout.plan import Floor, ServerPlan, StepKind, Warned
from orchestrator.rollout.plan_parts import vip_needed_by
from orchestrator.spec import Spec
from orchestrator.targets import comes_in, goes_away

_WEIGHTED = (Schedule.WEIGHTED_ROUND_ROBIN, Schedule.WEIGHTED_LEAST_CONNECTION)
_OF_DRAINS = ("l4-has-no-drain", "drain-time-zero", "persistence-pins")
"""Rules that are about taking servers out: nobody is by an addition."""

Targets = Mapping[str, Sequence[Member]]


def check_rules(spec: Spec, facts: Facts, about: Targets) -> tuple[Warned, ...]:
    """Check services and servers against what the LoadMaster and direct return need.

    Raises:
        RuleViolated: a rule that is not allowed by name.
    """
    rollout = rollout_of(spec)
    places = [one for members in about.values() for one in members]
    found = list(_check_appliances(spec, facts))
    for key in services_of(spec):
        returns = any(
            one.how.direct_return for one in places if one.service == key and comes_in(rollout, one)
        )
        # A service that breaks the rules of direct return can still be drained and taken apart.
        told = rules.check_service(
            facts.service(key),
            direct_return=returns,
            drain_time_s=facts.loadmasters[key.loadmaster].drain_time_s,
        )
        found += (one for one in told if rollout.kind != "add" or one.id not in _OF_DRAINS)
    for name, members in about.items():
        for place in members:
            found += _check_place(spec, facts, place)
        others = facts.elsewhere(spec.hosts[name].address, members)
        if rollout.action is not None and others:
            found.append(
                rules.finding(
                    "host-serves-elsewhere",
                    f"{name} also serves {', '.join(str(key) for key, _ in others)}, "
                    "which this rollout does not drain",
                    "name its pool in rollout.pools too, or drain it there first",
                )
            )
    rules.enforce(found, allow=rollout.allow)
    # What is left are warnings, and errors that the operator allowed.
    return tuple(
        dict.fromkeys(Warned(id=one.id, message=one.message, cure=one.cure) for one in found)
    )


def _check_appliances(spec: Spec, facts: Facts) -> Iterable[rules.RuleFinding]:
    names: dict[str, str] = {}
    for name in dict.fromkeys(key.loadmaster for key in services_of(spec)):
        appliance = facts.loadmasters[name].appliance
        if appliance is None:
            yield rules.finding(
                "loadmaster-unidentified",
                f"{name} tells neither its serial number nor its pair's shared address",
                "let its user read parameters and interfaces, or use one address for it everywhere",
            )
        elif names.setdefault(appliance, name) != name:
            yield rules.finding(
                "loadmaster-twice",
                f"{names[appliance]} and {name} are one: the {appliance}",
                "give it one name in loadmasters, and use that for all its services",
            )


def _check_place(spec: Spec, facts: Facts, place: Member) -> Iterable[rules.RuleFinding]:
    rollout, service, server = rollout_of(spec), facts.service(place.service), facts.server(place)
    if rollout.kind == "rehome" and comes_in(rollout, place):
        server = None  # whatever is there of the same service leaves it first
    if comes_in(rollout, place):
        forward = Forward.ROUTE if place.how.direct_return else Forward.NAT
        yield from rules.check_real_server(
            service,
            place.rs,
            server.forward if server else forward,
            carries_vip=place.how.direct_return,
        )
    if server is not None and server.critical and server.enabled and rollout.kind != "add":
        yield rules.finding(
            "critical-server",
            f"{place.host} ({place.rs}) is critical: while it is out, so is {service.ref}",
            "clear the flag first (kemp rs set)",
        )


def host_warnings(spec: Spec, facts: Facts, about: Targets) -> Iterable[Warned]:
    rollout = rollout_of(spec)
    if rollout.kind == "roll" and rollout.action is None:
        yield Warned(
            id="roll-without-action",
            message="nothing is done to the drained servers but checking them",
            cure="give rollout.action",
        )
    if rollout.ramp is not None:
        for key in services_of(spec):
            schedule = facts.service(key).schedule
            if schedule not in _WEIGHTED:
                yield Warned(
                    id="ramp-without-weights",
                    message=f"{key} schedules by {schedule.value}, which does not look at "
                    "weights: the ramp only takes time",
                    cure="use a weighted schedule (wrr or wlc), or no ramp",
                )
    if rollout.drain.at_deadline == "force" and rollout.kind != "add":
        yield Warned(
            id="drain-force",
            message=f"connections that last longer than {rollout.drain.deadline_s:g} s are cut",
            cure="at_deadline: fail keeps them",
        )
    places = [one for members in about.values() for one in members]
    coming = [one for one in places if comes_in(rollout, one)]
    if coming and spec.arp_probe is None:
        yield from _blind(spec, coming)
    for name, members in about.items():
        host, state = spec.host(name), facts.hosts[name]
        for one in carried(host, [it for it in members if not goes_away(rollout, it)]):
            if comes_in(rollout, one.places[0]):
                yield from _coming_warnings(state, name, one)
            # Of one that moves, by the method that it is to have: the run looks then.
            if rollout.kind != "rehome":
                yield from _exposed(state, name, one)
        for one in carried(host, [it for it in members if goes_away(rollout, it)]):
            yield from _exposed(state, name, one)
            for found in one.how.left_alone(state, one.wanted):
                yield Warned(id=found.id, message=f"{name}: {found.message}", cure=found.cure)
            for vip in one.wanted.vips if one.how.vip_on_host else ():
                if needed := vip_needed_by(spec, facts, name, members, vip):
                    yield Warned(
                        id="vip-still-needed",
                        message=f"{name} keeps the VIP: {', '.join(needed)} sends it traffic too",
                        cure="remove it there as well",
                    )


def _blind(spec: Spec, places: Sequence[Member]) -> Iterable[Warned]:
    """Say what is not proven, as there is no place to look from."""
    entries = [spec.service_of(one.pool) for one in places]
    for path in dict.fromkeys(one.health.path for one in entries if one.health):
        yield Warned(
            id="health-not-asked",
            message=f"nobody asks the servers for {path}: there is no place to ask from",
            cure="give arp_probe: a device on the segment that is not a server's",
        )
    if direct(places):
        yield Warned(
            id="no-arp-probe",
            message="nobody watches the segment: the hosts' own settings are the only proof "
            "that they keep quiet about the VIP",
            cure="give arp_probe: a device on the segment that is not a server's",
        )


def _coming_warnings(state: NetState, name: str, part: Carried) -> Iterable[Warned]:
    for one in part.how.not_mended(state, part.wanted):
        yield Warned(
            id="host-needs-a-person",
            message=f"{name}: {one.message}; the run does not mend that and stops at it",
            cure=one.cure,
        )
    for one in part.how.verify(state, part.wanted):
        if not one.blocks:
            yield Warned(id=one.id, message=f"{name}: {one.message}", cure=one.cure)


def _exposed(state: NetState, name: str, part: Carried) -> Iterable[Warned]:
    if loud := part.how.exposed(state, part.wanted):
        yield Warned(
            id="vip-exposed",
            message=f"{name} carries the VIP without being silent "
            f"({'; '.join(one.message for one in loud)}): neighbours may have learned its "
            "MAC and keep it after the repair",
            cure="send one gratuitous ARP for the VIP from the LoadMaster, or flush the "
            "entry at the router",
        )


# -- the floor ------------------------------------------------------------------------


def lowest_floors(
    spec: Spec, facts: Facts, batches: Sequence[Sequence[str]], servers: Sequence[ServerPlan]
) -> tuple[Floor, ...]:
    """Walk through the plan and find the worst moment of each service, if health stays as it is.

    Raises:
        GateRefused: that moment breaks min_healthy or max_unavailable.
    """
    by_name = {one.name: one for one in servers}
    ordered = [[by_name[name] for name in batch] for batch in batches]
    return tuple(_lowest(spec, facts, one, ordered) for one in service_floors(spec).values())


def _lowest(
    spec: Spec, facts: Facts, floor: ServiceFloor, batches: Sequence[Sequence[ServerPlan]]
) -> Floor:
    key, service = floor.key, facts.service(floor.key)
    pools = {
        name
        for name in spec.pools
        if (entry := spec.service_of(name)).loadmaster == key.loadmaster and entry.ref == key.vs
    }
    there = {rs.ref for rs in service.real_servers}
    up = set(healthy(service))
    now, total = len(up), len(there)
    lowest, most_out, lowest_at = now, total - now, ""
    refused: list[str] = []
    for number, batch in enumerate(batches, start=1):
        disabled = _servers(spec, pools, batch, StepKind.DISABLE)
        if disabled:
            floor.refuse_impossible(len(there))
        left = up - disabled
        out = len(there) - len(left)
        if len(left) < lowest:
            lowest, lowest_at = len(left), f"batch {number}"
        most_out = max(most_out, out)
        words = ", ".join(str(rs) for rs in sorted(disabled))
        least, most = floor.least_healthy(len(there)), floor.most_out(len(there))
        if disabled and len(left) < least:
            refused.append(f"disabling {words} leaves {len(left)} healthy, min_healthy is {least}")
        if disabled and out > most:
            refused.append(f"disabling {words} makes {out} out, max_unavailable is {most}")
        # A server that was down before it was disabled is not counted on afterwards.
        up = left | (_servers(spec, pools, batch, StepKind.ENABLE) - (disabled - up))
        there |= _servers(spec, pools, batch, StepKind.ADD_SERVER)
        there -= _servers(spec, pools, batch, StepKind.DELETE_SERVER)
    if refused:
        down = [
            f"{rs.ref} is {rs.status.value}"
            for rs in service.real_servers
            if rs.ref not in healthy(service)
        ]
        raise GateRefused(
            f"{key}: {refused[0]} ({now} of {total} are healthy now)",
            gate="floor",
            evidence=(*refused, *down),
        )
    return Floor(
        loadmaster=key.loadmaster,
        service=str(key.vs),
        servers=total,
        healthy=now,
        lowest=lowest,
        most_out=most_out,
        min_healthy=floor.least_healthy(total),
        max_unavailable=floor.most_out(total),
        lowest_at=lowest_at,
    )


def _servers(
    spec: Spec, pools: Collection[str], batch: Sequence[ServerPlan], kind: StepKind
) -> set[RsRef]:
    """Return the servers of a service, by its pools, to which a batch does something."""
    return {
        spec.server(step.pool, one.host)
        for one in batch
        for step in one.of_kind(kind)
        if step.pool is not None and step.pool in pools
    }
