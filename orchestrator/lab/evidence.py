"""What a demonstration has to show for itself: counts from the wire, and what must hold of them.

Pure: measurements in, verdicts out.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from orchestrator.lab.load import LoadResult


@dataclass(frozen=True, slots=True, kw_only=True)
class StepTime:
    """One step of one server in one of the rollouts. ``began_s`` counts from the demo's start."""

    run: str
    server: str
    step: str
    status: str
    began_s: float
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What was measured while the demonstration ran.

    Attributes:
        answered: ARP answers for the VIP, by station ("lb", "web2", ...), asked and overheard.
        claimed: frames that named the VIP as their sender, by station.
        arp_dropped: ARP frames that came too fast to be counted.
        returned: packets with the VIP as source that passed the load balancer.
        returned_missed: packets there that came too fast to be counted.
        replies: packets with the VIP as source that reached the router, by the sending station.
        steps: of all rollouts, in the order in which they began.
        outcomes: for each rollout, the outcome of each of its servers.
        lowest_healthy: healthy servers, by what the LoadMaster said while the roll ran; None
            where nothing was rolled.
        gone: servers that must carry nothing at the end, with what they still carry.
    """

    servers: Mapping[str, str]
    load: LoadResult
    answered: Mapping[str, int]
    claimed: Mapping[str, int]
    arp_dropped: int
    returned: int
    returned_missed: int
    replies: Mapping[str, int]
    steps: Sequence[StepTime]
    outcomes: Mapping[str, Mapping[str, str]]
    lowest_healthy: int | None
    gone: Mapping[str, Sequence[str]]
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Invariant:
    """Something that must hold.

    Attributes:
        held: whether it did.
        seen: the figures it was judged by.
    """

    id: str
    statement: str
    held: bool
    seen: str


def invariants(measured: Measured, *, rolled: bool) -> tuple[Invariant, ...]:
    """Judge what was measured.

    Args:
        rolled: the whole story was played; without it (a wrong order shown on purpose) there
            is nothing to say about rolling and removing.
    """
    load, steps = measured.load, measured.steps
    strangers = {
        name: measured.answered.get(name, 0) + measured.claimed.get(name, 0)
        for name in (*measured.answered, *measured.claimed)
        if name != "lb"
    }
    unproven = [
        f"{step.server} in {step.run}"
        for step in steps
        if step.step == "enable" and not _proven(steps, step)
    ]
    undrained = [
        f"{step.server} in {step.run}"
        for step in steps
        if step.step in ("action", "clear-host") and not _ended(steps, step, "drain")
    ]
    unfinished = [
        f"{server} in {run}: {outcome}"
        for run, outcomes in measured.outcomes.items()
        for server, outcome in outcomes.items()
        if outcome != "done"
    ]
    carried = [f"{name}: {what}" for name, left in measured.gone.items() for what in left]
    idle = sorted(set(measured.servers) - set(load.by_server))
    verdicts = [
        Invariant(
            id="no-request-failed",
            statement="no request failed",
            held=load.total > 0 and load.failed == 0,
            seen=f"{load.failed} of {load.total}",
        ),
        Invariant(
            id="only-lb-in-arp",
            statement="only the load balancer answered ARP for the VIP, and nobody else named it",
            held=measured.answered.get("lb", 0) > 0 and not strangers and not measured.arp_dropped,
            seen=", ".join(f"{name} {count}" for name, count in strangers.items())
            or f"lb {measured.answered.get('lb', 0)} answers, others none",
        ),
        Invariant(
            id="replies-bypass-lb",
            statement="replies went straight from the servers to the router",
            held=measured.returned == 0
            and measured.returned_missed == 0
            and sum(measured.replies.values()) > 0,
            seen=f"{measured.returned} packets came back through the load balancer, "
            f"{sum(measured.replies.values())} went straight",
        ),
        Invariant(
            id="proven-before-enabled",
            statement="no server was enabled before its host was verified in the same run",
            held=bool(measured.outcomes) and not unproven,
            seen=", ".join(unproven) or f"{_count(steps, 'enable')} enabled, each proven before",
        ),
        Invariant(
            id="drained-before-touched",
            statement="no server was changed before its connections had ended",
            held=bool(measured.outcomes) and not undrained,
            seen=", ".join(undrained)
            or f"{_count(steps, 'action') + _count(steps, 'clear-host')} changed, each drained",
        ),
        Invariant(
            id="floor-kept",
            statement="at most one server was out while rolling",
            held=measured.lowest_healthy is not None
            and measured.lowest_healthy >= len(measured.servers) - 1,
            seen="nothing was rolled"
            if measured.lowest_healthy is None
            else f"never fewer than {measured.lowest_healthy} of {len(measured.servers)} healthy",
        ),
        Invariant(
            id="every-server-served",
            statement="every server took its share",
            held=not idle,
            seen="idle: " + ", ".join(idle)
            if idle
            else ", ".join(f"{name} {load.by_server[name]}" for name in measured.servers),
        ),
        Invariant(
            id="removed-without-trace",
            statement="the removed server kept nothing",
            held=bool(measured.gone) and not carried,
            seen="; ".join(carried) or ", ".join(measured.gone) or "nothing was removed",
        ),
        Invariant(
            id="every-rollout-ended-well",
            statement="every rollout brought every server to its end",
            held=bool(measured.outcomes) and not unfinished,
            seen="; ".join(unfinished) or ", ".join(measured.outcomes),
        ),
    ]
    return tuple(one for one in verdicts if rolled or one.id not in _WHOLE_STORY)


_WHOLE_STORY = frozenset({"floor-kept", "every-server-served", "removed-without-trace"})
_PROOFS = ("verify-host", "arp-proof", "service-bound")


def _proven(steps: Sequence[StepTime], enable: StepTime) -> bool:
    return all(_ended(steps, enable, proof) for proof in _PROOFS)


def _ended(steps: Sequence[StepTime], later: StepTime, needed: str) -> bool:
    """Return whether ``needed`` ended for that server in that run before ``later`` began."""
    return any(
        step.run == later.run
        and step.server == later.server
        and step.step == needed
        and step.status in ("done", "unchanged")
        and step.began_s + step.seconds <= later.began_s + _ROUNDING_S
        for step in steps
    )


_ROUNDING_S = 0.001


def _count(steps: Sequence[StepTime], step: str) -> int:
    return sum(1 for one in steps if one.step == step)


def to_data(
    measured: Measured, verdicts: Sequence[Invariant], refusals: Sequence[str]
) -> dict[str, Any]:
    """Return the evidence as one JSON object with stable names."""
    load = measured.load
    return {
        "requests": {
            "total": load.total,
            "failed": load.failed,
            "by_server": dict(load.by_server),
            "by_phase": {
                name: {
                    "total": phase.total,
                    "failed": phase.failed,
                    "by_server": dict(phase.by_server),
                }
                for name, phase in load.by_phase.items()
            },
            "failures": list(load.failures),
            "latency_p50_ms": load.latency_p50_ms,
            "latency_p99_ms": load.latency_p99_ms,
            "late_ms": load.late_ms,
        },
        "arp": {
            "answers_by": dict(measured.answered),
            "claims_by": dict(measured.claimed),
            "missed": measured.arp_dropped,
        },
        "returned_through_lb": measured.returned,
        "replies_by": dict(measured.replies),
        "hosts": {
            name: {
                "address": address,
                "requests": load.by_server.get(name, 0),
                "outcomes": {
                    run: outcomes[name]
                    for run, outcomes in measured.outcomes.items()
                    if name in outcomes
                },
                "steps": [
                    {
                        "run": step.run,
                        "step": step.step,
                        "status": step.status,
                        "began_s": round(step.began_s, 3),
                        "seconds": round(step.seconds, 3),
                    }
                    for step in measured.steps
                    if step.server == name
                ],
            }
            for name, address in measured.servers.items()
        },
        "refusals": list(refusals),
        "invariants": [
            {"id": one.id, "held": one.held, "statement": one.statement, "seen": one.seen}
            for one in verdicts
        ],
        "seconds": round(measured.seconds, 1),
    }
