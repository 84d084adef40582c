"""Waiting until the LoadMasters have called a server up without a break for long enough."""

from collections.abc import Mapping
from dataclasses import dataclass

from kempsdk import RsStatus
from kempsdk.errors import KempError
from orchestrator.errors import GateRefused
from orchestrator.members import Member
from orchestrator.rollout import failover, server_changes
from orchestrator.rollout.changes import Result
from orchestrator.rollout.context import Context
from orchestrator.rollout.facts import find_server
from orchestrator.rollout.plan import Step, StepKind
from orchestrator.rollout.records import StepRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class _Health:
    """What the LoadMasters say of a server at one moment, in the places that count.

    Attributes:
        up: in all of them; None: one could not be read.
        out: this run was killed while it took the server out again.
        words: one for each, such as ``203.0.113.11:80 is Down``.
    """

    up: bool | None
    out: bool
    words: str


def wait_healthy(context: Context, step: Step, record: StepRecord) -> Result:
    """Wait until the LoadMasters have called the server up without a break for long enough.

    A server that does not get there is taken out again: it stays out until a person
    puts it back.

    Raises:
        GateRefused: not by the deadline, or somebody else changed it.
    """
    rollout, clock = context.rollout, context.adapters.clock
    for_s = float(step.params["for_s"])
    poll_s = min(rollout.drain.poll_s, max(0.1, for_s / 2))
    marks = _marks(context, step.server)
    # A run that comes back late still gives the server the time it needs.
    deadline = max(
        context.first_start_s(record) + rollout.healthy_deadline_s,
        clock.monotonic_s() + for_s + 2 * poll_s,
    )
    up_from: float | None = None
    breaks = 0
    while True:
        if failover.check(context):
            up_from = None
        seen = _health(context, step, marks, max_age_s=poll_s)
        if seen.out:
            # That goes on; it is not put back.
            raise _not_up(context, step, words=seen.words, breaks=breaks)
        now = clock.monotonic_s()
        if seen.up is None:
            up_from = None
        elif seen.up:
            up_from = now if up_from is None else up_from
            if now - up_from >= for_s:
                return Result(
                    evidence=(f"up for {now - up_from:.1f} s, {breaks} breaks before",),
                    after={"status": seen.words},
                )
        elif up_from is not None:
            up_from, breaks = None, breaks + 1
        context.emit("waiting", seen.words, server=step.server, step=step.id, up=seen.up)
        if now >= deadline:
            raise _not_up(context, step, words=seen.words, breaks=breaks)
        context.wait(poll_s, skippable=True)


def _marks(context: Context, name: str) -> Mapping[str, int]:
    """Return from which reading on each LoadMaster knows what was done to a server until now."""
    boxes = dict.fromkeys(one.loadmaster for one in context.places(name))
    return {one: context.watch(one).services.mark() for one in boxes}


def _health(context: Context, step: Step, marks: Mapping[str, int], *, max_age_s: float) -> _Health:
    """Look at every place in which the server is to be up.

    Raises:
        GateRefused: somebody else disabled it or took it away.
    """
    words: list[str] = []
    up: bool | None = True
    out = False
    for place in _expected_up(context, step.server):
        try:
            services = context.services(
                place.loadmaster, after=marks[place.loadmaster], max_age_s=max_age_s
            )
        except KempError as error:
            words.append(f"{place.rs} is unreadable ({type(error).__name__})")
            up = None
            continue
        service = services.get(place.vs)
        server = find_server(service, place.rs) if service is not None else None
        if server is not None and not server.enabled and _taking_out(context, step):
            out = True
        elif server is None or not server.enabled:
            raise _foreign_in(step, place, "disabled" if server else "gone from the service")
        words.append(f"{place.rs} is {server.status.value}")
        up = up and server.status is RsStatus.UP
    return _Health(up=up, out=out, words="; ".join(dict.fromkeys(words)))


def _expected_up(context: Context, name: str) -> tuple[Member, ...]:
    """Return the places that this run enables; where it enables none, those enabled before."""
    enabled = {one.pool for one in context.servers[name].of_kind(StepKind.ENABLE)}
    places = context.places(name)
    if enabled:
        return tuple(one for one in places if one.pool in enabled)
    found = ((one, context.read_server(one)) for one in places)
    return tuple(one for one, rs in found if rs is not None and rs.enabled)


def _foreign_in(step: Step, place: Member, how: str) -> GateRefused:
    return GateRefused(
        f"{step.server}: somebody else changed it on the LoadMaster: in {place.service} it is "
        f"{how}; it is left as it is",
        gate="foreign-change",
        evidence=[f"left enabled, found {how}"],
    )


def _taking_out(context: Context, step: Step) -> bool:
    """Return whether this attempt has begun to take the server out again."""
    records = (
        context.journal(server_changes.take_out_id(one))
        for one in context.servers[step.server].of_kind(StepKind.ENABLE)
    )
    return any(one is not None and one.announced_in == context.attempt for one in records)


def _not_up(context: Context, step: Step, *, words: str, breaks: int) -> GateRefused:
    """Take the server out again and return what to say."""
    rollout = context.rollout
    fate = server_changes.take_out(context, step.server)
    return GateRefused(
        f"{step.server} was not up for {step.params['for_s']:g} s within "
        f"{rollout.healthy_deadline_s:g} s ({words}, {breaks} breaks); {fate}",
        gate="healthy-deadline",
        evidence=[words, fate],
    )
