"""What is kept about a run, as plain data. Times are seconds since the epoch."""

from dataclasses import dataclass
from enum import Enum

from orchestrator.rollout.plan import Data, Plan


class RunState(str, Enum):
    """Where a run stands. A run whose worker is gone while RUNNING was interrupted."""

    QUEUED = "queued"
    RUNNING = "running"
    PAUSED = "paused"
    FINISHED = "finished"
    ABANDONED = "abandoned"


@dataclass(frozen=True, slots=True, kw_only=True)
class RunLine:
    """A run as a list shows it: without its plan.

    Attributes:
        kind: what its plan does; empty for a run that an early version stored.
        services: what it is about, such as ``tcp/203.0.113.250:80 on lb1``.
        worker: who works on it, or did last.
    """

    run_id: str
    state: RunState
    reason: str
    kind: str
    services: tuple[str, ...]
    operator: str
    worker: str
    attempt: int
    created_s: float
    updated_s: float
    ended_s: float | None


class StepStatus(str, Enum):
    RUNNING = "running"
    DONE = "done"
    UNCHANGED = "unchanged"
    SKIPPED = "skipped"
    FORCED = "forced"
    FAILED = "failed"
    AGAIN = "again"

    @property
    def complete(self) -> bool:
        """Return whether the step is not to be run again."""
        return self in (StepStatus.DONE, StepStatus.UNCHANGED, StepStatus.FORCED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A run as stored.

    Attributes:
        version: of the workflows that it was begun with (``engine.APPLICATION_VERSION``).
        resources: what it holds, or takes again when it goes on.
        operator: the person who began it.
    """

    run_id: str
    version: str
    state: RunState
    reason: str
    plan_json: str
    resources: tuple[str, ...]
    operator: str
    worker: str
    attempt: int
    created_s: float
    updated_s: float
    ended_s: float | None

    @property
    def plan(self) -> Plan:
        """Read the plan; takes time when it is large.

        Raises:
            OtherVersion: another version wrote it.
        """
        return Plan.from_json(self.plan_json)


@dataclass(frozen=True, slots=True, kw_only=True)
class StepRecord:
    """The journal's entry of one step.

    Attributes:
        announced_in: the attempt of the run in which the act was last announced, so it may
            have happened; 0: never.
        ended_s: None while it is under way, or since a run was killed in the middle of it.
        first_started_s: deadlines count from here, restarts included.
        inverse: what takes back what was announced.
        gate: the gate that refused, if one did.
    """

    step_id: str
    status: StepStatus
    announced_in: int
    first_started_s: float
    started_s: float
    ended_s: float | None
    before: Data | None
    after: Data | None
    inverse: Data | None
    evidence: tuple[str, ...]
    reason: str
    gate: str | None

    @property
    def intended(self) -> bool:
        """Return whether the act was announced, so it may have happened."""
        return self.announced_in > 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something that happened, for whoever watches.

    Attributes:
        kind: run-started, run-paused, run-finished; step-started, acting (right before a
            change), waiting (with every look), warning (something that a person must know),
            step-ended, step-failed, step-stopped; server-skipped.
        data: numbers that go with it, such as connections left.
    """

    run_id: str
    at_s: float
    kind: str
    text: str
    server: str | None = None
    step: str | None = None
    data: Data


@dataclass(frozen=True, slots=True, kw_only=True)
class Lock:
    """Who holds a service, a host or a host's network.

    Attributes:
        worker: who worked on the run last.
        owner: the person who began the run.
        reason: what the run does.
        expires_s: until then it is kept even if nobody works on the run.
    """

    resource: str
    run_id: str
    worker: str
    owner: str
    reason: str
    acquired_s: float
    expires_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerRecord:
    """A process that works on runs.

    Attributes:
        place: where it runs, for people.
        serves: it takes whatever is queued, not only a run of its own.
        beats: how often it said that it lives.
    """

    name: str
    place: str
    serves: bool
    started_s: float
    beats: int


class RequestKind(str, Enum):
    """What people can ask of a run. ``skip`` and ``retry`` name a server, ``approve`` a gate."""

    PAUSE = "pause"
    RESUME = "resume"
    ABORT = "abort"
    SKIP = "skip"
    RETRY = "retry"
    APPROVE = "approve"


class RequestState(str, Enum):
    ASKED = "asked"
    TAKEN = "taken"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """Something that a person asked of a run.

    Attributes:
        number: counts up over the whole store.
        target: the server or the gate, empty where the whole run is meant.
        note: why, as the person said.
        answer: why it was refused, or what was done.
    """

    number: int
    run_id: str
    kind: RequestKind
    target: str
    asked_by: str
    asked_s: float
    note: str
    state: RequestState
    answer: str
    answered_s: float | None

    @property
    def words(self) -> str:
        """Return what was asked, as a person would type it."""
        return f"{self.kind.value} {self.target}".strip()
