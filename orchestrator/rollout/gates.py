"""What must hold right before something is changed, checked against what is true now.

The plan checked most of this too. It is checked again because time has passed: a plan is
a promise, a gate is a look.
"""

from collections.abc import Mapping
from typing import Any

from kempsdk import VirtualService
from orchestrator.errors import GateRefused
from orchestrator.hosts.findings import blocking
from orchestrator.hosts.state import NetState
from orchestrator.members import Carried, Member
from orchestrator.probes.service import bound, connections_left
from orchestrator.rollout.context import Context
from orchestrator.rollout.facts import addresses_of, find_server
from orchestrator.rollout.floors import healthy
from orchestrator.rollout.plan import Step, StepKind
from orchestrator.rollout.records import StepStatus
from orchestrator.rollout.words import differences


def floor(context: Context, place: Member, service: VirtualService) -> tuple[str, ...]:
    """Open if enough healthy servers of a service are left without the one at this place.

    Raises:
        GateRefused: too few would be left, or too many out.
    """
    wanted, rs, total = context.floors[place.service], place.rs, len(service.real_servers)
    context.tell_health(place.service, service)
    left = healthy(service) - {rs}
    out = total - len(left)
    seen = f"without {rs}: {len(left)} of {total} healthy"
    if len(left) < wanted.least_healthy(total):
        raise GateRefused(
            f"{rs} stays in: {len(left)} healthy servers would be left of {place.service}, "
            f"min_healthy is {wanted.least_healthy(total)}",
            gate="floor",
            evidence=(seen, *_states(service)),
        )
    if out > wanted.most_out(total):
        raise GateRefused(
            f"{rs} stays in: {out} servers of {place.service} would be out, max_unavailable is "
            f"{wanted.most_out(total)}",
            gate="floor",
            evidence=(seen, *_states(service)),
        )
    return (seen,)


def floors(context: Context, name: str, place: Member) -> tuple[str, ...]:
    """Open if the floor allows the server to go out here, and wherever else it is to go out.

    The other services are looked at before the first of them loses the server: one that
    cannot spare it must not leave it half out.

    Raises:
        GateRefused: one of them does not.
    """
    said = floor(context, place, context.read_service(place))
    for other in context.places(name):
        if other == place:
            continue
        there = context.read_service(other)
        server = find_server(there, other.rs)
        if server is not None and server.enabled:
            said = (*said, *floor(context, other, there))
    return said


def _states(service: VirtualService) -> tuple[str, ...]:
    return tuple(
        f"{rs.ref} is {'enabled' if rs.enabled else 'disabled'} and {rs.status.value}"
        for rs in service.real_servers
    )


def not_foreign(step: Step, seen: Mapping[str, Any]) -> None:
    """Open if a server is on the LoadMaster as this run left it.

    Raises:
        GateRefused: somebody else changed it since.
    """
    if dict(seen) != dict(step.before):
        moved = differences(step.before, seen, was="left as", now="found")
        raise GateRefused(
            f"{step.server}: somebody else changed it on the LoadMaster "
            f"({'; '.join(moved)}); it is left as it is",
            gate="foreign-change",
            evidence=moved,
        )


def host_ready(context: Context, name: str) -> tuple[str, ...]:
    """Open if the host is right at this moment: silent, VIPs there, services listening.

    Raises:
        GateRefused: it is not; no traffic may be sent to it.
        HostUnreachable: it cannot be read, so nobody knows.
    """
    state = context.read_host(name)
    for one in context.carried(name):
        findings = blocking(one.how.verify(state, one.wanted))
        if findings:
            raise GateRefused(
                f"{name} is not ready for traffic: {findings[0].message}",
                gate="host-verified",
                evidence=[f"{wrong.id}: {wrong.message}; {wrong.cure}" for wrong in findings],
            )
    return tuple(_listens(name, one, state) for one in context.places(name))


def _listens(name: str, place: Member, state: NetState) -> str:
    address, port = place.served_address, place.rs.port
    listening = bound(state, address, port, place.vs.protocol.value)
    if not listening.bound:
        others = ", ".join(one.local_address for one in listening.elsewhere)
        raise GateRefused(
            f"{name}: nothing listens on {address}:{port}"
            + (f", only on {others}" if others else ""),
            gate="service-bound",
            evidence=[f"listeners elsewhere: {others or 'none'}"],
        )
    return f"{name} listens on {address}:{port}"


def verified_in_this_run(context: Context, name: str) -> None:
    """Open if this run has verified the host, whatever earlier runs did.

    Raises:
        GateRefused: it has not.
    """
    needed = [StepKind.VERIFY_HOST, StepKind.SERVICE_BOUND]
    if context.direct(name) and context.spec.arp_probe is not None:
        needed.append(StepKind.ARP_PROOF)
    for kind in needed:
        if open_step := _incomplete(context, name, kind):
            raise GateRefused(
                f"{name} is not enabled: this run has not done its {kind.value}",
                gate="host-verified",
                evidence=[open_step],
            )


def drained(context: Context, name: str) -> None:
    """Open if this run saw the server drained, or the operator had it forced.

    Raises:
        GateRefused: neither.
    """
    if open_step := _incomplete(context, name, StepKind.DRAIN):
        raise GateRefused(
            f"{name} has not been seen drained in this run", gate="drained", evidence=[open_step]
        )


def _incomplete(context: Context, name: str, kind: StepKind) -> str | None:
    """Return what is not done of a server's steps of a kind, of which there is at least one."""
    records = context.records(name, kind)
    if not records:
        return f"{kind.value}: not planned"
    for step_id, record in records:
        if record is None or not record.status.complete:
            return f"{step_id}: {record.status.value if record else 'not begun'}"
    return None


def out_of_rotation(context: Context, name: str) -> None:
    """Open if no LoadMaster sends the server anything at this moment.

    Raises:
        GateRefused: somebody enabled it.
    """
    for place in context.places(name):
        server = context.read_server(place)
        if server is not None and server.enabled:
            raise GateRefused(
                f"{name} is in rotation: nothing is done to it",
                gate="out-of-rotation",
                evidence=[f"{server.ref} is enabled and {server.status.value} in {place.service}"],
            )


def vip_let_go(context: Context, carried: Carried, name: str) -> tuple[str, ...]:
    """Open if no LoadMaster sends this host anything on these VIPs, and nobody is connected.

    Raises:
        GateRefused: one of them is still needed on this host.
    """
    vips, address, places = carried.wanted.vips, context.host(name).address, context.places(name)
    for loadmaster in dict.fromkeys(one.loadmaster for one in places):
        for vs in context.loadmaster(loadmaster).virtual_services.list():
            if vs.address not in vips or address not in addresses_of(vs):
                continue
            enabled = [rs.ref for rs in vs.real_servers if rs.ref.address == address and rs.enabled]
            if enabled:
                raise GateRefused(
                    f"{name} keeps the VIP: {vs.ref} still sends it traffic",
                    gate="vip-let-go",
                    evidence=[f"{vs.ref}: {rs} is enabled" for rs in enabled],
                )
            if not any((one.loadmaster, one.vs) == (loadmaster, vs.ref) for one in places):
                raise GateRefused(
                    f"{name} keeps the VIP: {vs.ref} has it as a server too",
                    gate="vip-let-go",
                    evidence=[f"{vs.ref}: disabled, but not ours to take away"],
                )
    state = context.glance(name)
    left = [
        one
        for place in carried.places
        for one in connections_left(state, place.served_address, [place.rs.port])
    ]
    forced = any(
        record is not None and record.status is StepStatus.FORCED
        for _, record in context.records(name, StepKind.DRAIN)
    )
    if len(left) > context.rollout.drain.connections and not forced:
        raise GateRefused(
            f"{name} keeps the VIP: {len(left)} connections are still open",
            gate="vip-let-go",
            evidence=[f"{one.peer_address}:{one.peer_port} {one.state}" for one in left[:20]],
        )
    return (f"{len(left)} connections left",)
