"""Waiting until nobody is connected to a disabled server any more, as both sides count."""

from dataclasses import dataclass

from kempsdk.errors import KempError
from orchestrator.errors import GateRefused, HostUnreachable, OrchestratorError
from orchestrator.probes.service import connections_left
from orchestrator.rollout.changes import Result
from orchestrator.rollout.context import Context
from orchestrator.rollout.facts import find_server
from orchestrator.rollout.plan import Step
from orchestrator.rollout.records import StepRecord, StepStatus

MIN_OBSERVATIONS = 3
"""As many must say the same, however short the window is."""

_BLIND_S = 60.0
"""A run that sees nothing new for this long, or for six polls, stops."""


class Skipped(OrchestratorError):
    """The deadline passed and the operator wants the server left out of this rollout."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """Both counts at one moment. None: could not be read, which is not zero.

    Attributes:
        sample_s: when the appliance took the sample; None where it does not say.
        holders: clients still connected, as the host sees them.
    """

    on_loadmaster: int | None
    on_host: int | None
    sample_s: float | None
    holders: tuple[str, ...] = ()

    @property
    def left(self) -> int | None:
        """Return the larger count; None if one of the two is unknown."""
        if self.on_loadmaster is None or self.on_host is None:
            return None
        return max(self.on_loadmaster, self.on_host)

    def __str__(self) -> str:
        def word(count: int | None) -> str:
            return "unknown" if count is None else str(count)

        text = f"LoadMaster {word(self.on_loadmaster)}, host {word(self.on_host)}"
        return f"{text} ({', '.join(self.holders)})" if self.holders else text


def drain(context: Context, step: Step, record: StepRecord) -> Result:
    """Wait until both sides count no connections for a whole window.

    Raises:
        GateRefused: the deadline passed (at_deadline: fail), the server was enabled by
            somebody else, or nothing could be seen any more.
        Skipped: the deadline passed (at_deadline: skip).
    """
    wanted, clock = context.rollout.drain, context.adapters.clock
    rs_index = _disabled_rs_index(context, step)
    started = context.first_start_s(record)
    trust_from = started + context.rollout.settle_s
    # A run that comes back late still needs one window to see anything at all.
    deadline = max(
        started + wanted.deadline_s, clock.monotonic_s() + wanted.window_s + wanted.poll_s
    )
    blind_s = max(_BLIND_S, 6 * wanted.poll_s)
    quiet_from: float | None = None
    quiet = 0
    last_sample: float | None = None
    seen_at = clock.monotonic_s()
    context.wait(trust_from - clock.monotonic_s())
    while True:
        seen = _observe(context, step, rs_index)
        now = clock.monotonic_s()
        left = seen.left
        fresh = seen.sample_s is None or seen.sample_s != last_sample
        if left is not None and fresh:
            seen_at, last_sample = now, seen.sample_s
            if left > wanted.connections:
                quiet_from, quiet = None, 0
            else:
                quiet_from, quiet = (now if quiet_from is None else quiet_from), quiet + 1
        elif left is None:
            quiet_from, quiet = None, 0
        context.emit(
            "waiting",
            f"connections left: {seen}",
            server=step.server,
            step=step.id,
            connections=left,
            deadline_in_s=round(deadline - now, 1),
        )
        if (
            quiet_from is not None
            and quiet >= MIN_OBSERVATIONS
            and now - quiet_from >= wanted.window_s
        ):
            return Result(
                evidence=(f"{quiet} observations over {now - quiet_from:.1f} s: {seen}",),
                after={"connections": left},
            )
        if now - seen_at > blind_s:
            raise GateRefused(
                f"{step.server}: nothing new seen for {now - seen_at:.0f} s, so nobody knows "
                "whether it is drained (statistics frozen, or host or LoadMaster unreadable)",
                gate="blind",
                evidence=(
                    str(seen),
                    "no sample of the LoadMaster's counters was seen"
                    if last_sample is None
                    else f"last sample at second {last_sample:.0f} of the LoadMaster's clock",
                ),
            )
        if now >= deadline:
            return _past_deadline(context, step, seen)
        context.wait(min(wanted.poll_s, max(0.0, deadline - now)))


def _disabled_rs_index(context: Context, step: Step) -> int:
    """Return the index by which statistics name the server; it survives renumbering."""
    rs = find_server(context.read_service(), context.server(step.server))
    if rs is None or rs.enabled:
        raise _foreign(step, "enabled" if rs else "gone from the service")
    return rs.rs_index


def _foreign(step: Step, how: str) -> GateRefused:
    return GateRefused(
        f"{step.server}: somebody else changed it on the LoadMaster while it drained: it is "
        f"{how}; it is left as it is",
        gate="foreign-change",
        evidence=[f"left disabled, found {how}"],
    )


def _observe(context: Context, step: Step, rs_index: int) -> Observation:
    on_loadmaster, sample_s = _loadmaster_count(context, step, rs_index)
    on_host, holders = _host_count(context, step)
    return Observation(
        on_loadmaster=on_loadmaster, on_host=on_host, sample_s=sample_s, holders=holders
    )


def _loadmaster_count(
    context: Context, step: Step, rs_index: int
) -> tuple[int | None, float | None]:
    try:
        statistics = context.loadmaster.statistics.read()
    except KempError:
        return None, None  # one lost answer is no reason to stop; staying blind is
    for row in statistics.servers:
        if row.rs_index == rs_index:
            if row.enabled:
                raise _foreign(step, "enabled")
            # 0: the appliance does not say when it took the sample.
            return row.active_connections, statistics.taken_at_s or None
    return None, None


def _host_count(context: Context, step: Step) -> tuple[int | None, tuple[str, ...]]:
    try:
        state = context.read_host(step.server)
    except HostUnreachable:
        return None, ()
    sockets = connections_left(
        state, context.served_address(step.server), [context.server(step.server).port]
    )
    return len(sockets), tuple(sorted({one.peer_address for one in sockets})[:10])


def _past_deadline(context: Context, step: Step, seen: Observation) -> Result:
    wanted = context.rollout.drain
    text = f"{step.server} is not drained after {wanted.deadline_s:g} s: {seen}"
    if wanted.at_deadline == "force":
        if seen.left is None:
            raise GateRefused(
                f"{text}; not forced, since nobody knows how many would be cut",
                gate="drain-deadline",
                evidence=[str(seen)],
            )
        return Result(
            status=StepStatus.FORCED,
            evidence=(f"{seen.left} connections are going to be cut: {seen}",),
            after={"connections": seen.left},
        )
    if wanted.at_deadline == "skip":
        raise Skipped(text)
    raise GateRefused(text, gate="drain-deadline", evidence=[str(seen)])
