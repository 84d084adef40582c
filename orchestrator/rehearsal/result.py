"""What a rehearsal showed, as plain data, and what of it is a finding. Pure."""

import dataclasses
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from orchestrator.lab.load import LoadResult
from orchestrator.rehearsal.trouble import FaultResult
from orchestrator.rollout.report import RunReport

_LATE_MS = 1000.0
"""A load that runs this late judges the machine that it runs on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Traffic:
    """What clients of one service saw.

    Attributes:
        cut: downloads of which not everything came.
        late_ms: the longest that a request began after its time.
    """

    service: str
    requests: int
    failed: int
    downloads: int
    cut: int
    failures: tuple[str, ...]
    by_server: Mapping[str, int]
    latency_p99_ms: float | None
    late_ms: float


@dataclass(frozen=True, slots=True, kw_only=True)
class LowestFloor:
    """How few servers of a service were healthy, and how few may be."""

    service: str
    lowest: int
    asked: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FiredGate:
    """A gate that did not open."""

    gate: str
    step: str
    reason: str
    evidence: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What a rehearsal showed.

    Attributes:
        state: of the run at its end; "refused" where no plan could be made, "nothing to do"
            where there was none.
        reason: why it stands there.
        seconds: that the run took, by the plan's own clock; None where there was none.
        servers: outcome by name.
        addresses: from production to the lab.
        notes: what is different from production.
        findings: why it was not clean; empty if it was.
    """

    kind: str
    state: str
    reason: str
    speed: float
    seconds: float | None = None
    servers: Mapping[str, str] = dataclasses.field(default_factory=dict)
    floors: tuple[LowestFloor, ...] = ()
    traffic: tuple[Traffic, ...] = ()
    gates: tuple[FiredGate, ...] = ()
    faults: tuple[FaultResult, ...] = ()
    addresses: Mapping[str, str] = dataclasses.field(default_factory=dict)
    notes: tuple[str, ...] = ()
    findings: tuple[str, ...] = ()

    @property
    def clean(self) -> bool:
        return not self.findings

    def to_data(self) -> dict[str, Any]:
        """Return it as plain JSON data."""
        data: dict[str, Any] = json.loads(json.dumps(dataclasses.asdict(self)))
        return data


def judged(result: Result) -> Result:
    """Return a result with its findings."""
    return dataclasses.replace(result, findings=tuple(_findings(result)))


def _findings(result: Result) -> Iterator[str]:
    if result.state not in ("finished", "nothing to do"):
        yield f"the rollout ends {result.state}: {result.reason}"
    for gate in result.gates:
        yield f"gate {gate.gate} fired at {gate.step}: {gate.reason}"
    for floor in result.floors:
        if floor.lowest < floor.asked:
            yield f"{floor.service}: {floor.lowest} healthy servers, at least {floor.asked} asked"
    for seen in result.traffic:
        if seen.failed:
            failed = f"{seen.failed} of {seen.requests} requests failed"
            yield f"{seen.service}: {failed}{_held_up(seen)}"
        if seen.cut:
            yield f"{seen.service}: {seen.cut} of {seen.downloads} downloads were cut"
    for fault in result.faults:
        if not fault.struck:
            yield (
                f"fault {fault.name} never struck {fault.server}: its moment did not come, or "
                "there was nothing to strike"
            )


def _held_up(seen: Traffic) -> str:
    if seen.late_ms < _LATE_MS:
        return ""
    return (
        f" (the load itself began requests up to {seen.late_ms / 1000:.1f} s late: this machine "
        "has too much else to do for the result to count)"
    )


def traffic(service: str, load: LoadResult) -> Traffic:
    """Return what the load of one service saw."""
    return Traffic(
        service=service,
        requests=load.total,
        failed=load.failed,
        downloads=len(load.downloads),
        cut=len(load.cut),
        failures=(*load.failures[:5], *(one.failure for one in load.cut[:5])),
        by_server=load.by_server,
        latency_p99_ms=load.latency_p99_ms,
        late_ms=load.late_ms,
    )


def fired(report: RunReport) -> tuple[FiredGate, ...]:
    """Return every gate of a run that did not open."""
    steps = [step for host in report.hosts.values() for step in host.steps]
    steps += [step for gate in report.gates for step in gate.steps]
    return tuple(
        FiredGate(gate=step.gate, step=step.id, reason=step.reason, evidence=step.evidence)
        for step in steps
        if step.gate is not None
    )
