"""What must hold right before something is changed, checked against what is true now.

The plan checked most of this too. It is checked again because time has passed: a plan is
a promise, a gate is a look.
"""

from collections.abc import Mapping
from typing import Any

from kempsdk import RsRef, RsStatus, VirtualService
from orchestrator.errors import GateRefused
from orchestrator.hosts.findings import blocking
from orchestrator.probes.service import bound, connections_left
from orchestrator.rollout.context import Context
from orchestrator.rollout.facts import find_server, has_address
from orchestrator.rollout.plan import Step, StepKind
from orchestrator.rollout.records import StepStatus
from orchestrator.rollout.words import differences


def healthy(service: VirtualService) -> frozenset[RsRef]:
    """Return the servers that are enabled and up, by what the LoadMaster says."""
    return frozenset(
        rs.ref for rs in service.real_servers if rs.enabled and rs.status is RsStatus.UP
    )


def floor(context: Context, service: VirtualService, rs: RsRef) -> tuple[str, ...]:
    """Open if enough healthy servers are left without this one.

    Raises:
        GateRefused: too few would be left, or too many out.
    """
    rollout = context.rollout
    left = healthy(service) - {rs}
    out = len(service.real_servers) - len(left)
    seen = f"without {rs}: {len(left)} of {len(service.real_servers)} healthy"
    if len(left) < rollout.min_healthy:
        raise GateRefused(
            f"{rs} stays in: {len(left)} healthy servers would be left of {service.ref}, "
            f"min_healthy is {rollout.min_healthy}",
            gate="floor",
            evidence=(seen, *_states(service)),
        )
    if out > rollout.max_unavailable:
        raise GateRefused(
            f"{rs} stays in: {out} servers of {service.ref} would be out, max_unavailable is "
            f"{rollout.max_unavailable}",
            gate="floor",
            evidence=(seen, *_states(service)),
        )
    return (seen,)


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
    """Open if the host is right at this moment: silent, VIP there, service listening.

    Raises:
        GateRefused: it is not; no traffic may be sent to it.
        HostUnreachable: it cannot be read, so nobody knows.
    """
    state = context.read_host(name, context.method.sections)
    port = context.server(name).port
    findings = blocking(context.method.verify(state, context.wanted(name)))
    if findings:
        raise GateRefused(
            f"{name} is not ready for traffic: {findings[0].message}",
            gate="host-verified",
            evidence=[f"{one.id}: {one.message}; {one.cure}" for one in findings],
        )
    address = context.served_address(name)
    listening = bound(state, address, port, context.service.ref.protocol.value)
    if not listening.bound:
        others = ", ".join(one.local_address for one in listening.elsewhere)
        raise GateRefused(
            f"{name}: nothing listens on {address}:{port}"
            + (f", only on {others}" if others else ""),
            gate="service-bound",
            evidence=[f"listeners elsewhere: {others or 'none'}"],
        )
    return (f"{name} listens on {address}:{port}",)


def verified_in_this_run(context: Context, name: str) -> None:
    """Open if this run has verified the host, whatever earlier runs did.

    Raises:
        GateRefused: it has not.
    """
    needed = [StepKind.VERIFY_HOST, StepKind.SERVICE_BOUND]
    if context.method.direct_return and context.spec.arp_probe is not None:
        needed.append(StepKind.ARP_PROOF)
    for kind in needed:
        record = context.journal(f"{name}/{kind.value}")
        if record is None or not record.status.complete:
            raise GateRefused(
                f"{name} is not enabled: this run has not done its {kind.value}",
                gate="host-verified",
                evidence=[f"{kind.value}: {record.status.value if record else 'not begun'}"],
            )


def drained(context: Context, name: str) -> None:
    """Open if this run saw the server drained, or the operator had it forced.

    Raises:
        GateRefused: neither.
    """
    record = context.journal(f"{name}/{StepKind.DRAIN.value}")
    if record is None or not record.status.complete:
        raise GateRefused(
            f"{name} has not been seen drained in this run",
            gate="drained",
            evidence=[f"drain: {record.status.value if record else 'not begun'}"],
        )


def out_of_rotation(context: Context, name: str) -> None:
    """Open if the LoadMaster sends the server nothing at this moment.

    Raises:
        GateRefused: somebody enabled it.
    """
    server = find_server(context.read_service(), context.server(name))
    if server is not None and server.enabled:
        raise GateRefused(
            f"{name} is in rotation: nothing is done to it",
            gate="out-of-rotation",
            evidence=[f"{server.ref} is enabled and {server.status.value}"],
        )


def vip_let_go(context: Context, name: str) -> tuple[str, ...]:
    """Open if the LoadMaster sends this host nothing on the VIP, and nobody is connected.

    Raises:
        GateRefused: the VIP is still needed on this host.
    """
    address = context.server(name).address
    for vs in context.loadmaster.virtual_services.list():
        if vs.address != context.vip or not has_address(vs, address):
            continue
        enabled = [rs.ref for rs in vs.real_servers if rs.ref.address == address and rs.enabled]
        if enabled:
            raise GateRefused(
                f"{name} keeps the VIP: {vs.ref} still sends it traffic",
                gate="vip-let-go",
                evidence=[f"{vs.ref}: {rs} is enabled" for rs in enabled],
            )
        if vs.ref != context.service.ref:
            raise GateRefused(
                f"{name} keeps the VIP: {vs.ref} has it as a server too",
                gate="vip-let-go",
                evidence=[f"{vs.ref}: disabled, but not ours to take away"],
            )
    left = connections_left(context.read_host(name), context.vip, [context.server(name).port])
    drain = context.journal(f"{name}/{StepKind.DRAIN.value}")
    forced = drain is not None and drain.status is StepStatus.FORCED
    if len(left) > context.rollout.drain.connections and not forced:
        raise GateRefused(
            f"{name} keeps the VIP: {len(left)} connections are still open",
            gate="vip-let-go",
            evidence=[f"{one.peer_address}:{one.peer_port} {one.state}" for one in left[:20]],
        )
    return (f"{len(left)} connections left",)
