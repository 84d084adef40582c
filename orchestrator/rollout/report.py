"""What became of a run: every planned host has an outcome, with times and evidence."""

import dataclasses
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from orchestrator.rollout import measured
from orchestrator.rollout.measured import Measured
from orchestrator.rollout.plan import ServerPlan, Warned
from orchestrator.rollout.records import (
    Request,
    Run,
    RunLine,
    RunState,
    StepRecord,
    StepStatus,
)
from orchestrator.rollout.standing import standing
from orchestrator.rollout.step_ids import PUT_BACK, TAKE_OUT, by_lane, step_name
from orchestrator.rollout.store import Store

Outcome = Literal["done", "unchanged", "skipped", "failed", "in_progress", "not_attempted"]


@dataclass(frozen=True, slots=True, kw_only=True)
class StepReport:
    """What became of one step. Times are seconds since the epoch; ``seconds`` how long.

    Attributes:
        status: done, unchanged, forced, skipped, failed, running, again or not_attempted.
        before: what was found right before the act, None where nothing was changed.
        after: what was read after it.
        evidence: what was seen, for people.
        gate: the gate that refused, if one did.
    """

    id: str
    phase: str
    status: str
    why: str
    started_s: float | None = None
    seconds: float | None = None
    before: Mapping[str, Any] | None = None
    after: Mapping[str, Any] | None = None
    evidence: tuple[str, ...] = ()
    reason: str = ""
    gate: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class HostReport:
    """What became of one host.

    Attributes:
        reason: why it failed or was skipped, or why there was nothing to do.
        seconds: from its first step to its last; None where it has not come to that.
        standing: where the run left it, in words.
    """

    name: str
    server: str
    outcome: Outcome
    reason: str
    started_s: float | None
    seconds: float | None
    standing: str
    steps: tuple[StepReport, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class GateReport:
    """What became of the gate after a batch."""

    name: str
    steps: tuple[StepReport, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RunReport:
    """What became of a run.

    Attributes:
        state: running, paused, finished, abandoned, or interrupted: its process is gone.
        reason: why it stands there.
        services: such as ``tcp/203.0.113.250:80 on lb1``.
        hosts: every host of the plan by name, in the plan's order.
        gates: those between batches that have something to look at.
        operator: the person who began it.
        asked: what people asked of it while it went on, in order, and what came of it.
        measured: what clients saw meanwhile, where somebody counted it.
    """

    run_id: str
    state: str
    reason: str
    kind: str
    services: tuple[str, ...]
    attempts: int
    started_s: float
    ended_s: float | None
    fingerprint: str
    warnings: tuple[Warned, ...]
    hosts: Mapping[str, HostReport]
    gates: tuple[GateReport, ...] = ()
    operator: str = ""
    asked: tuple[Request, ...] = ()
    measured: tuple[Measured, ...] = ()

    @property
    def finished(self) -> bool:
        return self.state == RunState.FINISHED.value

    def to_data(self) -> dict[str, Any]:
        """Return the report as plain JSON data."""
        data: dict[str, Any] = json.loads(json.dumps(dataclasses.asdict(self)))
        return data


@dataclass(frozen=True, slots=True, kw_only=True)
class RunSummary:
    """One line of the list of runs."""

    run_id: str
    state: str
    kind: str
    services: tuple[str, ...]
    operator: str
    started_s: float
    updated_s: float
    reason: str


def report(run_id: str, store: Store) -> RunReport:
    """Return what became of a run, or how it stands.

    Raises:
        RunNotFound: no such run.
    """
    run = store.run(run_id)
    plan, lanes = run.plan, by_lane(store.steps(run_id))
    by_name = {one.name: one for one in plan.servers}
    return RunReport(
        run_id=run_id,
        state=state_word(run, store),
        reason=run.reason,
        kind=plan.kind,
        services=plan.services,
        attempts=run.attempt,
        operator=run.operator,
        asked=store.requests.of_run(run_id),
        started_s=run.created_s,
        ended_s=run.ended_s,
        fingerprint=plan.fingerprint,
        warnings=plan.warnings,
        hosts={
            name: _host(by_name[name], lanes.get(name, {}))
            for batch in plan.batches
            for name in batch
        },
        gates=tuple(
            GateReport(
                name=one.name,
                steps=tuple(
                    _step(step.id, step.phase, step.why, lanes.get(one.name, {}).get(step.id))
                    for step in one.steps
                ),
            )
            for one in plan.gates
            if one.steps
        ),
        measured=measured.measured_in(store.events_of_kind(run_id, measured.KIND)),
    )


def summaries(store: Store) -> tuple[RunSummary, ...]:
    """Return every run of the store, newest first."""
    waiting = store.waiting()
    return tuple(_summary(run, store, waiting) for run in store.runs())


def _summary(run: RunLine, store: Store, waiting: Mapping[str, tuple[str, ...]]) -> RunSummary:
    kind, services = run.kind, run.services
    if not kind:  # stored before these stood beside the plan
        plan = json.loads(store.run(run.run_id).plan_json)
        kind = plan["kind"]
        services = tuple(f"{one['service']} on {one['loadmaster']}" for one in plan["floors"])
    return RunSummary(
        run_id=run.run_id,
        state=state_word(run, store),
        kind=kind,
        services=services,
        operator=run.operator,
        started_s=run.created_s,
        updated_s=run.updated_s,
        reason=waits_words(waiting.get(run.run_id, ())) or run.reason,
    )


def waits_words(before: Sequence[str]) -> str:
    """Return what a queued run waits for, by the runs right before it; empty for none."""
    if not before:
        return ""
    return f"waits for run {', '.join(before)} on the same LoadMaster and segment"


def state_word(run: Run | RunLine, store: Store) -> str:
    """Return the state of a run; one that nobody works on any more was interrupted."""
    if run.state is RunState.RUNNING and not store.workers.is_alive(run.worker):
        return "interrupted"
    return run.state.value


_UNPLANNED = {
    TAKE_OUT: "did not come up: out again, until a person puts it back",
    PUT_BACK: "skipped: put back as it was found",
}


def _unplanned(lane: str, step_id: str) -> tuple[str, str, str] | None:
    """Return a step that no plan has, with its phase and why; None: not of this server."""
    name = step_name(step_id)
    if name is None or name.lane != lane or name.planned:
        return None
    if name.undo is not None:
        return step_id, "back", "failed: put back as it was found"
    return step_id, "in", _UNPLANNED[name.word]


def _host(server: ServerPlan, journal: Mapping[str, StepRecord]) -> HostReport:
    planned = [(step.id, step.phase, step.why) for step in server.steps]
    planned += [one for step_id in journal if (one := _unplanned(server.name, step_id))]
    steps = tuple(_step(*one, journal.get(one[0])) for one in planned)
    begun = [step for step in steps if step.started_s is not None]
    outcome, reason = _outcome(server, steps)
    started_s = min((step.started_s for step in begun if step.started_s), default=None)
    ended_s = max(
        (
            step.started_s + step.seconds
            for step in begun
            if step.started_s and step.seconds is not None
        ),
        default=None,
    )
    return HostReport(
        name=server.name,
        server=server.server,
        outcome=outcome,
        reason=reason,
        started_s=started_s,
        seconds=(
            None
            if started_s is None or ended_s is None or outcome == "in_progress"
            else round(ended_s - started_s, 3)
        ),
        standing=standing(server.name, journal),
        steps=steps,
    )


def _outcome(server: ServerPlan, steps: tuple[StepReport, ...]) -> tuple[Outcome, str]:
    if not server.steps:
        return "unchanged", server.why
    # How a failed server was taken out or put back belongs to its failure, and is over with it.
    planned = {step.id for step in server.steps}
    steps = tuple(step for step in steps if step.id in planned)
    statuses = {step.status for step in steps}
    for status in (StepStatus.FAILED, StepStatus.SKIPPED):
        for step in steps:
            if step.status == status.value:
                return ("failed" if status is StepStatus.FAILED else "skipped"), step.reason
    if statuses == {"not_attempted"}:
        return "not_attempted", "the run stopped before it was this server's turn"
    complete = {status.value for status in StepStatus if status.complete}
    if statuses <= complete:
        return "done", server.why
    last = [step for step in steps if step.status != "not_attempted"][-1]
    return "in_progress", f"stopped at {last.id}"


def _step(step_id: str, phase: str, why: str, record: StepRecord | None) -> StepReport:
    if record is None:
        return StepReport(id=step_id, phase=phase, status="not_attempted", why=why)
    return StepReport(
        id=step_id,
        phase=phase,
        status=record.status.value,
        why=why,
        started_s=record.first_started_s,
        seconds=(
            None
            if record.ended_s is None
            # The machine's clock may have been set back in between.
            else max(0.0, round(record.ended_s - record.first_started_s, 3))
        ),
        before=record.before if record.intended else None,
        after=record.after,
        evidence=record.evidence,
        reason=record.reason,
        gate=record.gate,
    )
