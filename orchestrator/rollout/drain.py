"""Waiting until nobody is connected to a disabled server any more, as both sides count."""

import dataclasses
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from kempsdk.errors import KempError
from orchestrator.errors import GateRefused, HostUnreachable
from orchestrator.hosts.state import NetState, Socket
from orchestrator.members import Member
from orchestrator.probes.service import connections_left
from orchestrator.rollout import failover
from orchestrator.rollout.changes import Result
from orchestrator.rollout.context import Context, Skipped
from orchestrator.rollout.holders import Holder, Holders, named
from orchestrator.rollout.plan import Step, StepKind
from orchestrator.rollout.records import StepRecord, StepStatus

MIN_OBSERVATIONS = 3
"""As many must say the same, however short the window is."""

_BLIND_S = 60.0
"""A run that sees nothing new for this long, or for six polls, stops."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """Both counts at one moment, over all places. None: could not be read, which is not zero.

    Attributes:
        left: for each place the larger count of the two sides, all together; None if one of
            them is unknown.
        samples: when each LoadMaster took its sample; None where it does not say.
        holders: clients still connected, as the host sees them.
    """

    on_loadmaster: int | None
    on_host: int | None
    left: int | None
    samples: Mapping[str, float | None]
    holders: tuple[Holder, ...] = ()

    def __str__(self) -> str:
        def word(count: int | None) -> str:
            return "unknown" if count is None else str(count)

        text = f"LoadMaster {word(self.on_loadmaster)}, host {word(self.on_host)}"
        return f"{text} ({named(self.holders)})" if self.holders else text


@dataclass(slots=True)
class _Quiet:
    """How long nothing is left, by observations that are new.

    Attributes:
        seen_s: when something new was seen last.
    """

    limit: int
    seen_s: float
    since_s: float | None = None
    observations: int = 0
    samples: dict[str, float] = field(default_factory=dict)

    def look(self, seen: Observation, now_s: float) -> None:
        if seen.left is None:
            self.since_s, self.observations = None, 0
            return
        known = {name: at_s for name, at_s in seen.samples.items() if at_s is not None}
        if any(self.samples.get(name) == at_s for name, at_s in known.items()):
            return  # a sample that was seen before says nothing new
        self.samples |= known
        self.seen_s = now_s
        if seen.left > self.limit:
            self.since_s, self.observations = None, 0
        else:
            self.since_s = now_s if self.since_s is None else self.since_s
            self.observations += 1

    def begin_anew(self) -> None:
        """Forget what was counted: another unit counts now, with a clock of its own."""
        self.since_s, self.observations = None, 0
        self.samples.clear()

    def lasted_s(self, now_s: float) -> float:
        return 0.0 if self.since_s is None else now_s - self.since_s


def drain(context: Context, step: Step, record: StepRecord) -> Result:
    """Wait until both sides count no connections for a whole window.

    Raises:
        GateRefused: the deadline passed (at_deadline: fail), the server was enabled by
            somebody else, or nothing could be seen any more.
        Skipped: the deadline passed (at_deadline: skip).
    """
    wanted, clock = context.rollout.drain, context.adapters.clock
    places = _disabled(context, step)
    started = context.first_start_s(record)
    # A run that comes back late still needs one window to see anything at all.
    deadline = max(
        started + wanted.deadline_s, clock.monotonic_s() + wanted.window_s + wanted.poll_s
    )
    blind_s = max(_BLIND_S, 6 * wanted.poll_s)
    quiet = _Quiet(limit=wanted.connections, seen_s=clock.monotonic_s())
    context.wait(started + context.rollout.settle_s - clock.monotonic_s(), skippable=True)
    look = _Look(context, step, places)
    while True:
        if failover.check(context):
            quiet.begin_anew()
        seen = look()
        now = clock.monotonic_s()
        quiet.look(seen, now)
        context.emit(
            "waiting",
            f"connections left: {seen}",
            server=step.server,
            step=step.id,
            connections=seen.left,
            on_loadmaster=seen.on_loadmaster,
            on_host=seen.on_host,
            holders=[dataclasses.asdict(one) for one in seen.holders],
            deadline_in_s=round(deadline - now, 1),
        )
        if quiet.observations >= MIN_OBSERVATIONS and quiet.lasted_s(now) >= wanted.window_s:
            # What was counted is of one unit up to the end, or of none.
            if not failover.check(context, max_age_s=0):
                lasted = f"{quiet.observations} observations over {quiet.lasted_s(now):.1f} s"
                return Result(evidence=(f"{lasted}: {seen}",), after={"connections": seen.left})
            quiet.begin_anew()
        if now - quiet.seen_s > blind_s:
            raise _blind(step, quiet, seen, now)
        if now >= deadline:
            return _past_deadline(context, step, seen)
        context.wait(min(wanted.poll_s, max(0.0, deadline - now)), skippable=True)


def _disabled(context: Context, step: Step) -> dict[Member, int]:
    """Return the index by which statistics name each of the server's places.

    It survives renumbering. A place in which the server is not does not count.

    Raises:
        GateRefused: it is enabled somewhere.
    """
    found: dict[Member, int] = {}
    planned = {one.pool for one in context.servers[step.server].of_kind(StepKind.DISABLE)}
    for place in context.places(step.server):
        rs = context.read_server(place)
        if rs is not None and not rs.enabled:
            found[place] = rs.rs_index
        elif rs is not None or place.pool in planned:
            raise _foreign(step, place, "enabled" if rs else "gone from the service")
    return found


def _foreign(step: Step, place: Member, how: str) -> GateRefused:
    return GateRefused(
        f"{step.server}: somebody else changed it on the LoadMaster while it drained: in "
        f"{place.service} it is {how}; it is left as it is",
        gate="foreign-change",
        evidence=[f"left disabled, found {how}"],
    )


def _blind(step: Step, quiet: _Quiet, seen: Observation, now_s: float) -> GateRefused:
    return GateRefused(
        f"{step.server}: nothing new seen for {now_s - quiet.seen_s:.0f} s, so nobody knows "
        "whether it is drained (statistics frozen, or host or LoadMaster unreadable)",
        gate="blind",
        evidence=(
            str(seen),
            *(
                f"last sample at second {at_s:.0f} of the clock of {name}"
                for name, at_s in quiet.samples.items()
            ),
            *([] if quiet.samples else ["no sample of the LoadMaster's counters was seen"]),
        ),
    )


@dataclass(slots=True)
class _Look:
    """Counts the connections of a server in all its places."""

    context: Context
    step: Step
    places: Mapping[Member, int]
    _marks: dict[str, int] = field(default_factory=dict)
    _holders: Holders = field(default_factory=Holders)

    def __post_init__(self) -> None:
        # What was counted before the settle time was over is not trusted.
        for name in {one.loadmaster for one in self.places}:
            self._marks[name] = self.context.watch(name).statistics.mark()

    def __call__(self) -> Observation:
        counted, samples = self._on_loadmasters()
        state = self._host()
        sockets = None if state is None else self._sockets(state)
        per_place = [
            None
            if counted[place] is None or sockets is None
            else max(counted[place] or 0, len(sockets[place]))
            for place in self.places
        ]
        open_now = [one for found in (sockets or {}).values() for one in found]
        now_s = self.context.adapters.clock.monotonic_s()
        return Observation(
            on_loadmaster=_sum(counted.values()),
            on_host=None if sockets is None else len(open_now),
            left=_sum(per_place),
            samples=samples,
            holders=() if sockets is None else self._holders.look(open_now, now_s),
        )

    def _on_loadmasters(self) -> tuple[dict[Member, int | None], dict[str, float | None]]:
        poll_s = self.context.rollout.drain.poll_s
        counted: dict[Member, int | None] = dict.fromkeys(self.places)
        samples: dict[str, float | None] = {}
        for name in dict.fromkeys(one.loadmaster for one in self.places):
            try:
                shared = self.context.watch(name).statistics
                statistics = shared.get(after=self._marks[name], max_age_s=poll_s).value
            except KempError:
                continue  # one lost answer is no reason to stop; staying blind is
            # 0: the appliance does not say when it took the sample.
            samples[name] = statistics.taken_at_s or None
            rows = {row.rs_index: row for row in statistics.servers}
            for place, rs_index in self.places.items():
                row = rows.get(rs_index) if place.loadmaster == name else None
                if row is None:
                    continue
                if row.enabled:
                    raise _foreign(self.step, place, "enabled")
                counted[place] = row.active_connections
        return counted, samples

    def _host(self) -> NetState | None:
        try:
            return self.context.glance(self.step.server)
        except HostUnreachable:
            return None

    def _sockets(self, state: NetState) -> dict[Member, tuple[Socket, ...]]:
        return {
            place: connections_left(state, place.served_address, [place.rs.port])
            for place in self.places
        }


def _sum(counts: Iterable[int | None]) -> int | None:
    """Return the sum; None if one of them is not known."""
    total = 0
    for one in counts:
        if one is None:
            return None
        total += one
    return total


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
