"""Steps that look until they have seen enough: readable, verified, proven, bound."""

from orchestrator.errors import GateRefused, HostUnreachable
from orchestrator.hosts.findings import blocking
from orchestrator.hosts.state import NetState
from orchestrator.members import Member
from orchestrator.probes.health_check import check_of
from orchestrator.probes.remote_wire import NoPython
from orchestrator.probes.segment import Segment
from orchestrator.probes.vip_request import FrameOutcome
from orchestrator.rollout import arp_proof, gates
from orchestrator.rollout.changes import Result
from orchestrator.rollout.context import Context
from orchestrator.rollout.plan import Step
from orchestrator.rollout.records import StepRecord


def until_readable(context: Context, step: Step, record: StepRecord) -> NetState:
    """Read a host that may be on its way back from a reboot.

    Raises:
        HostUnreachable: it was not back by the healthy deadline.
    """
    clock = context.adapters.clock
    deadline = context.first_start_s(record) + context.rollout.healthy_deadline_s
    while True:
        try:
            return context.read_host(step.server)
        except HostUnreachable as error:
            if clock.monotonic_s() >= deadline:
                raise
            context.emit("waiting", f"for the host: {error}", server=step.server, step=step.id)
        context.wait(context.rollout.drain.poll_s, skippable=True)


def verify_host(context: Context, step: Step, record: StepRecord) -> Result:
    """Look at the host itself: live values, files for the next boot, VIP.

    Raises:
        GateRefused: with everything that is wrong.
    """
    state = until_readable(context, step, record)
    said: list[str] = []
    for carried in context.carried(step.server):
        findings = carried.how.verify(state, carried.wanted)
        words = [f"{one.id}: {one.message}; {one.cure}" for one in findings]
        if wrong := blocking(findings):
            raise GateRefused(
                f"{step.server}: {wrong[0].message}", gate="host-verified", evidence=words
            )
        said += [*carried.how.evidence(state, carried.wanted), *words]
    return Result(evidence=tuple(dict.fromkeys(said)))


def prove_arp(context: Context, step: Step, _: StepRecord) -> Result:
    """Ask the segment who has the VIP: only the LoadMaster may answer.

    Raises:
        GateRefused: somebody else did, or the question was not heard.
    """
    return Result(evidence=arp_proof.prove(context, step.server))


def service_bound(context: Context, step: Step, record: StepRecord) -> Result:
    """Wait until the program on the server takes what is sent to the service's address.

    Raises:
        GateRefused: nothing listens there by the healthy deadline.
    """
    clock = context.adapters.clock
    deadline = context.first_start_s(record) + context.rollout.healthy_deadline_s
    while True:
        try:
            gates.host_ready(context, step.server)
            return Result(evidence=_answers(context, step))
        except GateRefused as refused:
            if refused.gate != "service-bound" or clock.monotonic_s() >= deadline:
                raise
            context.emit("waiting", str(refused), server=step.server, step=step.id)
        context.wait(min(1.0, context.rollout.drain.poll_s), skippable=True)


_ENDINGS = {
    FrameOutcome.OPEN: "taken by another machine",
    FrameOutcome.REFUSED: "refused: nothing listens there, or a firewall rejects",
    FrameOutcome.SILENT: "not answered: no such address there, a firewall that drops, or no "
    "way back",
}


def _answers(context: Context, step: Step) -> tuple[str, ...]:
    """Try the services the way the LoadMaster will, where there is a place to try it from."""
    segment = context.adapters.segment
    said: list[str] = []
    for place in context.places(step.server):
        said.append(f"something listens on {place.served_address}:{place.rs.port}")
        if segment is None:
            continue
        if place.how.direct_return:
            said.append(_takes_a_request(context, step, place, segment))
        said += _checks_out(context, step, place, segment)
    return tuple(said)


def _takes_a_request(context: Context, step: Step, place: Member, segment: Segment) -> str:
    """Send the server a request to the VIP, as the LoadMaster would hand it over."""
    vip, port, protocol = place.vs.address, place.rs.port, place.vs.protocol.value
    mac = arp_proof.mac_of(context, step.server)
    asked = f"a request to {vip}:{port} sent straight to {mac}"
    try:
        frame = segment.answers_vip(vip, port, server_mac=mac, protocol=protocol)
    except NoPython as error:
        return f"{asked} was not made: {error}"
    if frame.answers:
        return f"took {asked}"
    if protocol == "udp" and frame.outcome is FrameOutcome.SILENT:
        return f"{asked} got no answer, which proves nothing over UDP"
    raise GateRefused(
        f"{step.server}: {asked} was {_ENDINGS[frame.outcome]}",
        gate="service-bound",
        evidence=[f"answered by {frame.answered_by or 'nobody'} within {frame.seconds:.1f} s"],
    )


def _checks_out(context: Context, step: Step, place: Member, segment: Segment) -> tuple[str, ...]:
    """Check the server at its own address: as the LoadMaster will, and as the file says."""
    rs, health = place.rs, context.spec.service_of(place.pool).health
    check = check_of(context.read_service(place), rs)
    made = segment.makes_check(check)
    if made.passed is False:
        raise GateRefused(
            f"{step.server}: the LoadMaster's {check} will fail: {made.said}",
            gate="service-bound",
            evidence=[f"made from the segment, ended after {made.seconds:.1f} s"],
        )
    said = [f"{check}: {made.said}"]
    if health is not None:
        page = segment.answers_http(rs.address, rs.port, health.path)
        if not page.healthy:
            raise GateRefused(
                f"{step.server}: {health.path} answered {page.status or page.failure}",
                gate="service-bound",
                evidence=[f"asked at {rs}, ended after {page.seconds:.1f} s"],
            )
        said.append(f"{health.path} answered {page.status}")
    return tuple(said)
