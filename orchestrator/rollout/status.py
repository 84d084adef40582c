"""How a run stands, server by server: what is asked for often, whatever the run's size.

Read from the journal and the outline of the plan; the plan itself and what was found and
seen are left where they are (``report`` has all of it).
"""

import dataclasses
import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from orchestrator.rollout.outline import OutlinedServer
from orchestrator.rollout.records import (
    Event,
    Request,
    RunLine,
    RunState,
    StepRecord,
    StepStatus,
)
from orchestrator.rollout.report import Outcome, state_word, waits_words
from orchestrator.rollout.standing import standing
from orchestrator.rollout.step_ids import by_lane, step_name
from orchestrator.rollout.store import Store

_RECENT = 1000
"""Events that are looked at for what a server waits for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerStatus:
    """How one server stands, or the gate after a batch.

    Attributes:
        batch: counted from 1.
        step: the one in hand, or the last one.
        reason: why it failed or was skipped, what it waits for, or what is to be done.
        standing: where the run left it, in words.
        connections: left when it was looked at last, while it drains; None: not known.
        started_s: seconds since the epoch; seconds: from then to its last sign of life.
        gate: that refused, where one did and it failed.
        evidence: what was seen, where it did not end well.
    """

    name: str
    server: str
    batch: int
    services: tuple[str, ...]
    outcome: Outcome
    step: str
    reason: str
    standing: str
    connections: int | None
    started_s: float | None
    seconds: float | None
    gate: str | None = None
    evidence: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceStatus:
    """How many servers of a service are healthy, as seen last, and must be left."""

    service: str
    servers: int
    healthy: int
    floor: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RunStatus:
    """How a run stands.

    Attributes:
        state: queued, running, paused, finished, abandoned, or interrupted.
        counts: servers by outcome.
        asked: what nobody has answered yet.
    """

    run_id: str
    state: str
    reason: str
    kind: str
    services: tuple[ServiceStatus, ...]
    operator: str
    attempts: int
    started_s: float
    updated_s: float
    ended_s: float | None
    batches: int
    counts: Mapping[str, int]
    servers: tuple[ServerStatus, ...]
    gates: tuple[ServerStatus, ...]
    asked: tuple[Request, ...]

    @property
    def over(self) -> bool:
        """Return whether nothing more will happen by itself."""
        return self.state not in (RunState.QUEUED.value, RunState.RUNNING.value)

    def to_data(self) -> dict[str, Any]:
        """Return it as plain JSON data."""
        data: dict[str, Any] = json.loads(json.dumps(dataclasses.asdict(self)))
        return data


def status(run_id: str, store: Store) -> RunStatus:
    """Return how a run stands.

    Raises:
        RunNotFound: no such run.
    """
    line, outline = store.line(run_id)
    lanes = by_lane(store.marks(run_id))
    recent = [one for _, one in store.last_events(run_id, _RECENT)]
    said = {one.server: one for one in recent if one.server is not None}
    health = {
        str(one.data["service"]): one.data
        for one in recent
        if {"service", "healthy", "floor", "servers"} <= one.data.keys()
    }
    servers = tuple(
        _server(one, lanes.get(one.name, {}), said.get(one.name)) for one in outline.servers
    )
    gates = tuple(
        _server(
            OutlinedServer(name=name, server="", batch=0, steps=steps, services=(), why=""),
            lanes.get(name, {}),
            said.get(name),
        )
        for name, steps in outline.gates
    )
    return RunStatus(
        run_id=run_id,
        state=state_word(line, store),
        reason=_waits_for(line, store) or line.reason,
        kind=line.kind,
        services=tuple(
            ServiceStatus(
                service=one.service,
                servers=health[one.service]["servers"] if one.service in health else one.servers,
                healthy=health[one.service]["healthy"] if one.service in health else one.healthy,
                floor=health[one.service]["floor"] if one.service in health else one.min_healthy,
            )
            for one in outline.floors
        ),
        operator=line.operator,
        attempts=line.attempt,
        started_s=line.created_s,
        updated_s=line.updated_s,
        ended_s=line.ended_s,
        batches=outline.batches,
        counts=dict(Counter(one.outcome for one in servers)),
        servers=tuple(_with_evidence(one, run_id, store) for one in servers),
        gates=tuple(_with_evidence(one, run_id, store) for one in gates),
        asked=store.requests.open(run_id),
    )


def _waits_for(line: RunLine, store: Store) -> str:
    if line.state is not RunState.QUEUED:
        return ""
    return waits_words(store.waiting().get(line.run_id, ()))


def _server(
    server: OutlinedServer, journal: Mapping[str, StepRecord], said: Event | None
) -> ServerStatus:
    planned = [
        one
        for one in journal.values()
        if (name := step_name(one.step_id)) is not None and name.planned
    ]
    outcome, last = _outcome(server, planned)
    started_s = min((one.first_started_s for one in planned), default=None)
    ended_s = max((one.ended_s for one in planned if one.ended_s is not None), default=None)
    reason, connections = "" if outcome == "done" else server.why, None
    if last is not None and last.status in (StepStatus.FAILED, StepStatus.SKIPPED):
        reason = last.reason
    elif outcome == "in_progress" and said is not None and last and said.step == last.step_id:
        reason, connections = said.text, said.data.get("connections")
    return ServerStatus(
        name=server.name,
        server=server.server,
        batch=server.batch,
        services=server.services,
        outcome=outcome,
        step=last.step_id.partition("/")[2] if last else "",
        reason=reason,
        standing=standing(server.name, journal),
        connections=connections,
        started_s=started_s,
        seconds=(
            None
            if started_s is None or ended_s is None or outcome == "in_progress"
            # The machine's clock may have been set back in between.
            else max(0.0, round(ended_s - started_s, 3))
        ),
        gate=last.gate if last is not None and outcome == "failed" else None,
    )


def _outcome(
    server: OutlinedServer, planned: Iterable[StepRecord]
) -> tuple[Outcome, StepRecord | None]:
    """Return how a server stands, and the step that says so."""
    if not server.steps:
        return "unchanged", None
    records = sorted(planned, key=lambda one: one.started_s)
    if not records:
        return "not_attempted", None
    for one in records:
        if one.status is StepStatus.FAILED:
            return "failed", one
    for one in records:
        if one.status is StepStatus.SKIPPED:
            return "skipped", one
    if sum(one.status.complete for one in records) == server.steps:
        return "done", records[-1]
    return "in_progress", records[-1]


def _with_evidence(server: ServerStatus, run_id: str, store: Store) -> ServerStatus:
    if server.outcome != "failed":
        return server
    record = store.step(run_id, f"{server.name}/{server.step}")
    gate = [f"gate {server.gate}"] if server.gate else []
    seen = record.evidence if record else ()
    return dataclasses.replace(server, evidence=(*gate, *seen))
