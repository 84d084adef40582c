"""Steps that look until they have seen enough: proven, bound, healthy."""

from kempsdk import RsStatus
from kempsdk.errors import KempError
from orchestrator.errors import GateRefused
from orchestrator.hosts import loopback
from orchestrator.hosts.effective import effective_arp
from orchestrator.rollout import gates
from orchestrator.rollout.changes import Result
from orchestrator.rollout.context import Context
from orchestrator.rollout.facts import find_server
from orchestrator.rollout.plan import Step, StepKind
from orchestrator.rollout.records import StepRecord


def verify_host(context: Context, step: Step, _: StepRecord) -> Result:
    """Look at the host itself: live values, files for the next boot, VIP.

    Raises:
        GateRefused: with everything that is wrong.
    """
    state, host = context.read_host(step.server), context.host(step.server)
    if not context.carries_vip:
        return Result(evidence=("the host can be read; nothing of ours is needed on it",))
    findings = loopback.verify(state, host=host, vip=context.vip)
    if findings:
        raise GateRefused(
            f"{step.server}: {findings[0].message}",
            gate="host-verified",
            evidence=[f"{one.id}: {one.message}; {one.cure}" for one in findings],
        )
    arp = effective_arp(state, host.interface)
    return Result(
        evidence=(
            f"effective on {host.interface}: arp_ignore {arp.arp_ignore}, "
            f"arp_announce {arp.arp_announce}",
            f"{context.vip}/32 on lo",
        )
    )


def prove_arp(context: Context, step: Step, _: StepRecord) -> Result:
    """Ask the segment who has the VIP: only the LoadMaster may answer.

    Raises:
        GateRefused: this server answered or named the VIP as its own, several did, or
            nobody did, so the question was not heard.
    """
    segment = context.adapters.segment
    if segment is None:
        raise GateRefused(
            "the plan asks for a proof from the segment, but there is nobody to give it",
            gate="arp-proof",
        )
    state = context.read_host(step.server)
    own = frozenset(mac.lower() for mac in state.interfaces.values() if mac)
    asked = state.interfaces[context.host(step.server).interface]
    heard = segment.ask_who_has(context.vip, unicast_to=[asked])
    evidence = (
        f"asked {heard.asked} times; answers {dict(heard.answers)}, claims {dict(heard.claims)}",
    )
    loud = sorted(own & heard.macs)
    if loud or len(heard.macs) > 1:
        who = f"{step.server} ({', '.join(loud)})" if loud else ", ".join(sorted(heard.macs))
        raise GateRefused(
            f"{who} gave out a MAC for {context.vip}: neighbours may have learned it and keep "
            "it after the repair. Send one gratuitous ARP for the VIP from the LoadMaster, or "
            "flush the entry at the router; then resume, which proves it again",
            gate="arp-proof",
            evidence=evidence,
        )
    if not heard.answers or heard.dropped:
        raise GateRefused(
            f"the question for {context.vip} proves nothing: "
            + ("frames were lost" if heard.dropped else "not even the LoadMaster answered"),
            gate="arp-proof",
            evidence=evidence,
        )
    return Result(evidence=evidence)


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


def _answers(context: Context, step: Step) -> tuple[str, ...]:
    """Try the service the way the LoadMaster will, where there is a place to try it from."""
    segment, rs = context.adapters.segment, context.server(step.server)
    address = context.served_address(step.server)
    said = [f"something listens on {address}:{rs.port}"]
    if segment is None:
        return tuple(said)
    if context.carries_vip and context.service.ref.protocol.value == "tcp":
        mac = context.read_host(step.server).interfaces[context.host(step.server).interface]
        frame = segment.answers_vip(context.vip, rs.port, server_mac=mac)
        if not frame.answers:
            raise GateRefused(
                f"{step.server}: a connection to {address}:{rs.port} sent straight to it was "
                f"{frame.outcome.value}, answered by {frame.answered_by or 'nobody'}",
                gate="service-bound",
                evidence=[f"{frame}"],
            )
        said.append(f"took a connection to {address}:{rs.port} sent to {mac}")
    if context.service.health is not None:
        page = segment.answers_http(rs.address, rs.port, context.service.health.path)
        if not page.healthy:
            raise GateRefused(
                f"{step.server}: {context.service.health.path} answered "
                f"{page.status or page.failure}",
                gate="service-bound",
                evidence=[f"{page}"],
            )
        said.append(f"{context.service.health.path} answered {page.status}")
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
            raise GateRefused(
                f"{step.server} was not up for {rollout.min_healthy_s:g} s within "
                f"{rollout.healthy_deadline_s:g} s (it is {word}, {breaks} breaks); "
                + _take_out(context, step),
                gate="healthy-deadline",
                evidence=[f"{rs} is {word}"],
            )
        context.wait(poll_s)


def _foreign_in(step: Step, how: str) -> GateRefused:
    return GateRefused(
        f"{step.server}: somebody else changed it on the LoadMaster: it is {how}; it is left "
        "as it is",
        gate="foreign-change",
        evidence=[f"left enabled, found {how}"],
    )


def _take_out(context: Context, step: Step) -> str:
    """Disable a server that does not come up; return what became of it, for people."""
    rs = context.server(step.server)
    if context.journal(f"{step.server}/{StepKind.ENABLE.value}") is None:
        return "this run did not enable it, so it does not disable it"
    with context.floor:
        try:
            gates.floor(context, context.read_service(), rs)
            context.loadmaster.real_servers.disable_in(context.service.ref, rs)
        except GateRefused as refused:
            return f"it is left enabled, since {refused}"
        except KempError as error:
            return f"it could not be disabled again: {error}"
    return "it was disabled again and stays out"
