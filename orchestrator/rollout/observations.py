"""Steps that look until they have seen enough: proven, bound, healthy."""

from kempsdk import RsStatus
from kempsdk.errors import KempError
from orchestrator.errors import GateRefused, HostUnreachable
from orchestrator.hosts.findings import blocking
from orchestrator.hosts.state import NetState
from orchestrator.probes.health_check import check_of
from orchestrator.probes.segment import Segment
from orchestrator.probes.vip_request import FrameOutcome
from orchestrator.rollout import arp_proof, gates, server_changes
from orchestrator.rollout.changes import Result
from orchestrator.rollout.context import Context
from orchestrator.rollout.facts import find_server
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
            return context.read_host(step.server, context.method.sections)
        except HostUnreachable as error:
            if clock.monotonic_s() >= deadline:
                raise
            context.emit("waiting", f"for the host: {error}", server=step.server, step=step.id)
        context.wait(context.rollout.drain.poll_s)


def verify_host(context: Context, step: Step, record: StepRecord) -> Result:
    """Look at the host itself: live values, files for the next boot, VIP.

    Raises:
        GateRefused: with everything that is wrong.
    """
    state = until_readable(context, step, record)
    wanted = context.wanted(step.server)
    findings = context.method.verify(state, wanted)
    if wrong := blocking(findings):
        raise GateRefused(
            f"{step.server}: {wrong[0].message}",
            gate="host-verified",
            evidence=[f"{one.id}: {one.message}; {one.cure}" for one in findings],
        )
    return Result(
        evidence=(
            *context.method.evidence(state, wanted),
            *(f"{one.id}: {one.message}; {one.cure}" for one in findings),
        )
    )


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
        context.wait(min(1.0, context.rollout.drain.poll_s))


_ENDINGS = {
    FrameOutcome.OPEN: "taken by another machine",
    FrameOutcome.REFUSED: "refused: nothing listens there, or a firewall rejects",
    FrameOutcome.SILENT: "not answered: no such address there, a firewall that drops, or no "
    "way back",
}


def _answers(context: Context, step: Step) -> tuple[str, ...]:
    """Try the service the way the LoadMaster will, where there is a place to try it from."""
    segment = context.adapters.segment
    address, port = context.served_address(step.server), context.server(step.server).port
    said = [f"something listens on {address}:{port}"]
    if segment is None:
        return tuple(said)
    if context.method.direct_return:
        said.append(_takes_a_request(context, step, segment))
    said += _checks_out(context, step, segment)
    return tuple(said)


def _takes_a_request(context: Context, step: Step, segment: Segment) -> str:
    """Send the server a request to the VIP, as the LoadMaster would hand it over."""
    port, protocol = context.server(step.server).port, context.service.ref.protocol.value
    mac = arp_proof.mac_of(context, step.server)
    frame = segment.answers_vip(context.vip, port, server_mac=mac, protocol=protocol)
    asked = f"a request to {context.vip}:{port} sent straight to {mac}"
    if frame.answers:
        return f"took {asked}"
    if protocol == "udp" and frame.outcome is FrameOutcome.SILENT:
        return f"{asked} got no answer, which proves nothing over UDP"
    raise GateRefused(
        f"{step.server}: {asked} was {_ENDINGS[frame.outcome]}",
        gate="service-bound",
        evidence=[f"answered by {frame.answered_by or 'nobody'} within {frame.seconds:.1f} s"],
    )


def _checks_out(context: Context, step: Step, segment: Segment) -> tuple[str, ...]:
    """Check the server at its own address: as the LoadMaster will, and as the file says."""
    rs, health = context.server(step.server), context.service.health
    check = check_of(context.read_service(), rs)
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


# -- healthy --------------------------------------------------------------------------


def wait_healthy(context: Context, step: Step, record: StepRecord) -> Result:
    """Wait until the LoadMaster has called the server up without a break for long enough.

    A server that does not get there is taken out again: it stays out until a person
    puts it back.

    Raises:
        GateRefused: not by the deadline, or somebody else changed it.
    """
    rollout, clock = context.rollout, context.adapters.clock
    rs = context.server(step.server)
    poll_s = min(rollout.drain.poll_s, max(0.1, rollout.min_healthy_s / 2))
    # A run that comes back late still gives the server the time it needs.
    deadline = max(
        context.first_start_s(record) + rollout.healthy_deadline_s,
        clock.monotonic_s() + rollout.min_healthy_s + 2 * poll_s,
    )
    up_from: float | None = None
    breaks = 0
    while True:
        word = "unknown"
        try:
            server = find_server(context.read_service(), rs)
        except KempError as error:
            server = None
            up_from, word = None, f"unreadable ({type(error).__name__})"
        else:
            if server is not None and not server.enabled and _taking_out(context, step):
                # Killed while it was being taken out: that goes on, it is not put back.
                raise _not_up(context, step, word="disabled", breaks=breaks)
            if server is None or not server.enabled:
                raise _foreign_in(step, "disabled" if server else "gone from the service")
            word = server.status.value
        now = clock.monotonic_s()
        if server is not None and server.status is RsStatus.UP:
            up_from = now if up_from is None else up_from
            if now - up_from >= rollout.min_healthy_s:
                return Result(
                    evidence=(f"up for {now - up_from:.1f} s, {breaks} breaks before",),
                    after={"status": word},
                )
        elif up_from is not None:
            up_from, breaks = None, breaks + 1
        context.emit("waiting", f"{rs} is {word}", server=step.server, step=step.id)
        if now >= deadline:
            raise _not_up(context, step, word=word, breaks=breaks)
        context.wait(poll_s)


def _foreign_in(step: Step, how: str) -> GateRefused:
    return GateRefused(
        f"{step.server}: somebody else changed it on the LoadMaster: it is {how}; it is left "
        "as it is",
        gate="foreign-change",
        evidence=[f"left enabled, found {how}"],
    )


def _taking_out(context: Context, step: Step) -> bool:
    """Return whether this attempt has begun to take the server out again."""
    record = context.journal(server_changes.take_out_id(step.server))
    return record is not None and record.announced_in == context.attempt


def _not_up(context: Context, step: Step, *, word: str, breaks: int) -> GateRefused:
    """Take the server out again and return what to say."""
    rollout = context.rollout
    rs = context.server(step.server)
    fate = server_changes.take_out(context, step.server)
    return GateRefused(
        f"{step.server} was not up for {rollout.min_healthy_s:g} s within "
        f"{rollout.healthy_deadline_s:g} s (it is {word}, {breaks} breaks); {fate}",
        gate="healthy-deadline",
        evidence=[f"{rs} is {word}", fate],
    )
