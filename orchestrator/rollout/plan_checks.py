"""What a plan must keep to: rules of the LoadMaster, the floor; and what to warn of. Pure."""

from collections.abc import Collection, Iterable, Sequence

from kempsdk import Forward, RsStatus
from orchestrator import rules
from orchestrator.errors import GateRefused
from orchestrator.hosts.methods.registry import METHODS
from orchestrator.rollout.facts import Facts, rollout_of
from orchestrator.rollout.plan import Floor, ServerPlan, StepKind, Warned
from orchestrator.spec import Spec


def vip_needed_by(facts: Facts, address: str) -> tuple[str, ...]:
    """Return the other services on the same VIP that have this server."""
    vip = facts.service.address
    return tuple(str(vs.ref) for vs in facts.services_with(address) if vs.address == vip)


def check_rules(spec: Spec, facts: Facts, names: Collection[str]) -> tuple[Warned, ...]:
    rollout = rollout_of(spec)
    direct_return = METHODS[spec.service_of(rollout.pool).method].direct_return
    puts_in = rollout.kind in ("add", "roll")
    # A service that breaks the rules of direct return can still be drained and taken apart.
    found = list(
        rules.check_service(
            facts.service,
            direct_return=direct_return and puts_in,
            drain_time_s=facts.drain_time_s,
        )
    )
    for name in names:
        rs = spec.server(rollout.pool, name)
        server = facts.server(rs)
        if puts_in:
            forward = Forward.ROUTE if direct_return else Forward.NAT
            found += rules.check_real_server(
                facts.service,
                rs,
                server.forward if server else forward,
                carries_vip=direct_return,
            )
        if server is not None and server.critical and server.enabled and rollout.kind != "add":
            found.append(
                rules.finding(
                    "critical-server",
                    f"{name} ({rs}) is critical: while it is out, so is {facts.service.ref}",
                    "clear the flag first (kemp rs set)",
                )
            )
        if rollout.action is not None and (others := facts.services_with(spec.hosts[name].address)):
            found.append(
                rules.finding(
                    "host-serves-elsewhere",
                    f"{name} also serves {', '.join(str(vs.ref) for vs in others)}, "
                    "which this rollout does not drain",
                    "drain it there first",
                )
            )
    rules.enforce(found, allow=rollout.allow)
    # What is left are warnings, and errors that the operator allowed.
    return tuple(
        dict.fromkeys(Warned(id=one.id, message=one.message, cure=one.cure) for one in found)
    )


def host_warnings(spec: Spec, facts: Facts, names: Sequence[str]) -> Iterable[Warned]:
    rollout = rollout_of(spec)
    if rollout.kind == "roll" and rollout.action is None:
        yield Warned(
            id="roll-without-action",
            message="nothing is done to the drained servers but checking them",
            cure="give rollout.action",
        )
    if rollout.drain.at_deadline == "force" and rollout.kind != "add":
        yield Warned(
            id="drain-force",
            message=f"connections that last longer than {rollout.drain.deadline_s:g} s are cut",
            cure="at_deadline: fail keeps them",
        )
    entry = spec.service_of(rollout.pool)
    if entry.health is not None and spec.arp_probe is None and rollout.kind in ("add", "roll"):
        yield Warned(
            id="health-not-asked",
            message=f"nobody asks the servers for {entry.health.path}: there is no place to ask "
            "from",
            cure="give arp_probe: a device on the segment that is not a server's",
        )
    method = METHODS[entry.method]
    if method.direct_return and rollout.kind in ("add", "roll") and spec.arp_probe is None:
        yield Warned(
            id="no-arp-probe",
            message="nobody watches the segment: the hosts' own settings are the only proof "
            "that they keep quiet about the VIP",
            cure="give arp_probe: a device on the segment that is not a server's",
        )
    for name in names:
        state, wanted = facts.hosts[name], spec.wanted(rollout.pool, name)
        if rollout.kind in ("add", "roll"):
            for one in method.not_mended(state, wanted):
                yield Warned(
                    id="host-needs-a-person",
                    message=f"{name}: {one.message}; the run does not mend that and stops at it",
                    cure=one.cure,
                )
        if loud := method.exposed(state, wanted):
            yield Warned(
                id="vip-exposed",
                message=f"{name} carries the VIP without being silent "
                f"({'; '.join(one.message for one in loud)}): neighbours may have learned its "
                "MAC and keep it after the repair",
                cure="send one gratuitous ARP for the VIP from the LoadMaster, or flush the "
                "entry at the router",
            )
        if rollout.kind == "remove":
            for one in method.left_alone(state, wanted):
                yield Warned(id=one.id, message=f"{name}: {one.message}", cure=one.cure)
            if method.changes_host and (needed := vip_needed_by(facts, wanted.host.address)):
                yield Warned(
                    id="vip-still-needed",
                    message=f"{name} keeps the VIP: {', '.join(needed)} sends it traffic too",
                    cure="remove it there as well",
                )


def lowest_floor(
    spec: Spec, facts: Facts, batches: Sequence[Sequence[str]], servers: Sequence[ServerPlan]
) -> Floor:
    """Walk through the plan and find its worst moment, if health stays as it is.

    Raises:
        GateRefused: that moment breaks min_healthy or max_unavailable.
    """
    rollout = rollout_of(spec)
    by_name = {one.name: {step.kind for step in one.steps} for one in servers}
    up = {rs.ref for rs in facts.service.real_servers if rs.enabled and rs.status is RsStatus.UP}
    there = {rs.ref for rs in facts.service.real_servers}
    healthy, total = len(up), len(there)
    lowest, most_out = len(up), len(there) - len(up)
    refused: list[str] = []
    for batch in batches:
        disabled = {
            spec.server(rollout.pool, name) for name in batch if StepKind.DISABLE in by_name[name]
        }
        left = up - disabled
        lowest, most_out = min(lowest, len(left)), max(most_out, len(there) - len(left))
        words = ", ".join(str(rs) for rs in sorted(disabled))
        if disabled and len(left) < rollout.min_healthy:
            refused.append(
                f"disabling {words} leaves {len(left)} healthy, min_healthy is "
                f"{rollout.min_healthy}"
            )
        if disabled and len(there) - len(left) > rollout.max_unavailable:
            refused.append(
                f"disabling {words} makes {len(there) - len(left)} out, max_unavailable is "
                f"{rollout.max_unavailable}"
            )
        if rollout.kind in ("drain", "remove"):
            up = left
        there -= {
            spec.server(rollout.pool, name)
            for name in batch
            if StepKind.DELETE_SERVER in by_name[name]
        }
    if refused:
        out = [
            f"{rs.ref} is {rs.status.value}"
            for rs in facts.service.real_servers
            if not (rs.enabled and rs.status is RsStatus.UP)
        ]
        raise GateRefused(
            f"{facts.service.ref}: {refused[0]} ({healthy} of {total} are healthy now)",
            gate="floor",
            evidence=(*refused, *out),
        )
    return Floor(
        servers=total,
        healthy=healthy,
        lowest=lowest,
        most_out=most_out,
        min_healthy=rollout.min_healthy,
        max_unavailable=rollout.max_unavailable,
    )
