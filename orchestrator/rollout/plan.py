"""A plan as plain data: what will happen to each server, in order, and why.

The object that was shown is the object that is run. It holds the specification and the
facts it was computed from, so a run needs nothing else to go on or to see that reality
has moved. ``to_json`` is a stable schema; FORMAT is raised when it changes.
"""

import dataclasses
import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum
from importlib import resources
from typing import Any

from orchestrator.errors import OrchestratorError, OtherVersion

FORMAT = 4
UNDO_KIND = "undo"
"""What a plan is that takes a run back; the other kinds are those of the file."""

Data = Mapping[str, Any]
"""Plain JSON: names to text, numbers, booleans, lists or further names."""


class StepKind(str, Enum):
    """What a step does; the order of the members is the order in which a server meets them."""

    DISABLE = "disable"
    DRAIN = "drain"
    ACTION = "action"
    PREPARE_HOST = "prepare-host"
    VERIFY_HOST = "verify-host"
    ARP_PROOF = "arp-proof"
    SERVICE_BOUND = "service-bound"
    ADD_SERVER = "add-server"
    UPDATE_SERVER = "update-server"
    ENABLE = "enable"
    PUT_BACK = "put-back"
    HEALTHY = "healthy"
    DELETE_SERVER = "delete-server"
    CLEAR_HOST = "clear-host"
    RAISE_WEIGHT = "raise-weight"
    HOOK = "hook"
    BAKE = "bake"
    APPROVE = "approve"
    PARTNER = "partner"


PHASES: Mapping[StepKind, str] = {
    StepKind.DISABLE: "out",
    StepKind.DRAIN: "out",
    StepKind.ACTION: "action",
    StepKind.PREPARE_HOST: "host",
    StepKind.VERIFY_HOST: "host",
    StepKind.ARP_PROOF: "host",
    StepKind.SERVICE_BOUND: "host",
    StepKind.ADD_SERVER: "in",
    StepKind.UPDATE_SERVER: "in",
    StepKind.ENABLE: "in",
    StepKind.PUT_BACK: "in",
    StepKind.HEALTHY: "in",
    StepKind.DELETE_SERVER: "away",
    StepKind.CLEAR_HOST: "away",
    StepKind.RAISE_WEIGHT: "in",
    StepKind.HOOK: "action",
    StepKind.BAKE: "gate",
    StepKind.APPROVE: "gate",
    StepKind.PARTNER: "gate",
}

MUTATING = frozenset(
    {
        StepKind.DISABLE,
        StepKind.ACTION,
        StepKind.PREPARE_HOST,
        StepKind.ADD_SERVER,
        StepKind.UPDATE_SERVER,
        StepKind.ENABLE,
        StepKind.PUT_BACK,
        StepKind.DELETE_SERVER,
        StepKind.CLEAR_HOST,
        StepKind.RAISE_WEIGHT,
        StepKind.HOOK,
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step of one server, or of the gate after a batch.

    Attributes:
        id: unique in the plan: SERVER/KIND, or SERVER/KIND@POOL for a server in several pools.
        server: name of the server's part of the plan, or of the gate.
        pool: the place that the step is about; None for the whole host.
        before: what the step starts from, as far as the plan knows; {} for one that looks.
        after: what it leads to; {} for one that looks.
        why: the reason, for people.
        params: what else the step must know.
        inverse: what takes it back: the kind of step and what it leads to; None where there
            is nothing to take back, or no way to.
    """

    id: str
    server: str
    kind: StepKind
    why: str
    pool: str | None = None
    before: Data = field(default_factory=dict)
    after: Data = field(default_factory=dict)
    params: Data = field(default_factory=dict)
    inverse: Data | None = None

    def sibling_id(self, word: str) -> str:
        """Return the id of a step that no plan has, named for this one."""
        lane, _, rest = self.id.rpartition("/")
        return f"{lane}/{rest.replace(self.kind.value, word, 1)}"

    @property
    def phase(self) -> str:
        """Return the part of the way: out, action, host, in, away or gate."""
        return PHASES[self.kind]

    @property
    def mutates(self) -> bool:
        return self.kind in MUTATING


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A server's place in a service.

    Attributes:
        service: PROTOCOL/ADDRESS:PORT.
        server: as the LoadMaster names it, ADDRESS:PORT.
    """

    pool: str
    loadmaster: str
    service: str
    server: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerPlan:
    """What happens to one server.

    Attributes:
        name: unique in the plan; that of the host, or HOST@POOL for its way into another pool.
        host: as the inventory names it.
        places: in the services that this is about.
        why: what is done and why; "already ..." where nothing is.
        steps: in order; none where there is nothing to do.
    """

    name: str
    host: str
    places: tuple[Place, ...]
    why: str
    steps: tuple[Step, ...] = ()

    @property
    def server(self) -> str:
        """Return the server as the LoadMasters name it."""
        return ", ".join(dict.fromkeys(one.server for one in self.places))

    def of_kind(self, kind: StepKind) -> tuple[Step, ...]:
        """Return the steps of a kind, one for each place where there are several."""
        return tuple(one for one in self.steps if one.kind is kind)


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """What is done and must hold between batches: before the first, and after each.

    Attributes:
        name: ``before batch 1`` or ``batch 1``, unlike any server's.
        steps: in order; none where the next batch begins at once.
    """

    name: str
    steps: tuple[Step, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Floor:
    """How many servers of a service are in, at the worst moment of the plan.

    Attributes:
        service: PROTOCOL/ADDRESS:PORT.
        servers: how many the service has.
        healthy: enabled and up when the facts were read.
        lowest: healthy at the lowest point, if health stays as it is.
        lowest_at: the batch in which that is; empty where nothing is taken out.
        most_out: out at the same time at the highest point.
        min_healthy: that must be left.
        max_unavailable: that may be out.
    """

    loadmaster: str
    service: str
    servers: int
    healthy: int
    lowest: int
    most_out: int
    min_healthy: int
    max_unavailable: int
    lowest_at: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Warned:
    """Something the operator should know; ``id`` is that of a rule or of the planner."""

    id: str
    message: str
    cure: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Pinned:
    """Clients of one service that persistence brings back to servers that were disabled.

    Attributes:
        service: such as ``tcp/203.0.113.250:80 on lb1``.
        persist: the mode, as the LoadMaster spells it.
        each_s: how long after a server is disabled they may come back to it.
        first_until_s: when that is over for the first batch, in seconds since the run began.
        last_until_s: the same for the last one.
    """

    service: str
    persist: str
    each_s: float
    first_until_s: float
    last_until_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Expectation:
    """How long a plan takes, as far as anybody can know before.

    Attributes:
        expected_s: by the connections and rates of the moment and the waits of the file.
        longest_s: after which every wait has met its deadline.
        how: how it was computed, batch by batch.
        not_counted: what only counts towards the longest.
        pinned: whom persistence holds, and until when.
    """

    expected_s: float
    longest_s: float
    how: tuple[str, ...]
    not_counted: tuple[str, ...]
    pinned: tuple[Pinned, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A rollout, ready to run.

    Attributes:
        batches: names of the servers worked on together, in order.
        gates: one before the first batch, and one after each.
        servers: every server of the rollout, also those with nothing to do.
        floors: of each service, in the order in which they are met.
        undoes: the run that this takes back; empty otherwise.
        duration: how long it is expected to take; None where nobody computed it.
        spec: the specification, as plain data.
        facts: what the plan rests on.
    """

    kind: str
    batches: tuple[tuple[str, ...], ...]
    gates: tuple[Gate, ...]
    servers: tuple[ServerPlan, ...]
    floors: tuple[Floor, ...]
    warnings: tuple[Warned, ...]
    spec: Data
    facts: Mapping[str, str]
    undoes: str = ""
    duration: Expectation | None = None

    def __post_init__(self) -> None:
        planned = [name for batch in self.batches for name in batch]
        if sorted(planned) != sorted(one.name for one in self.servers):
            raise ValueError("every server belongs to exactly one batch")
        if len(self.gates) != len(self.batches) + 1:
            raise ValueError("there is one gate before the first batch and one after each")
        ids = [step.id for step in self.steps]
        if len(ids) != len(set(ids)):
            raise ValueError("a step id is used twice")

    @property
    def lanes(self) -> Mapping[str, tuple[Step, ...]]:
        """Return the steps of every server and gate by name, in the order of the run."""
        by_name = {one.name: one.steps for one in self.servers}
        start, *after = self.gates
        lanes = {start.name: start.steps}
        for batch, gate in zip(self.batches, after, strict=True):
            lanes |= {name: by_name[name] for name in batch}
            lanes[gate.name] = gate.steps
        return lanes

    @property
    def stages(self) -> tuple[tuple[str, ...], ...]:
        """Return the names of lanes that run together: a gate, a batch, the next gate."""
        start, *after = self.gates
        stages: list[tuple[str, ...]] = [(start.name,)] if start.steps else []
        for batch, gate in zip(self.batches, after, strict=True):
            stages += [batch, (gate.name,)] if gate.steps else [batch]
        return tuple(stages)

    @property
    def steps(self) -> Iterator[Step]:
        """Return the steps of all servers and gates, batch by batch."""
        for steps in self.lanes.values():
            yield from steps

    @property
    def services(self) -> tuple[str, ...]:
        """Return the services that this is about: ``tcp/203.0.113.250:80 on lb1``."""
        return tuple(f"{one.service} on {one.loadmaster}" for one in self.floors)

    @property
    def title(self) -> str:
        """Return what this is in a few words."""
        return f"{self.kind} on {', '.join(self.services)}"

    @property
    def empty(self) -> bool:
        """Return whether there is nothing to do."""
        return not any(one.steps for one in self.servers)

    @property
    def fingerprint(self) -> str:
        """Return the SHA-256 of the facts that the plan was computed from."""
        found = hashlib.sha256()
        # Piece by piece: the facts of thousands of servers are megabytes.
        for piece in _ENCODER.iterencode(dict(self.facts)):
            found.update(piece.encode())
        return found.hexdigest()

    def server(self, name: str) -> ServerPlan:
        """Return the part of one server."""
        return next(one for one in self.servers if one.name == name)

    def to_data(self) -> dict[str, Any]:
        """Return the plan as plain JSON data."""
        data: dict[str, Any] = json.loads(self.to_json())
        return data

    def to_json(self) -> str:
        """Return the plan as text; ``from_json`` gives an equal plan."""
        data = dataclasses.asdict(self)
        for lane in (*data["servers"], *data["gates"]):
            for step in lane["steps"]:
                step["phase"] = PHASES[step["kind"]]
        return _ENCODER.encode({"format": FORMAT, "fingerprint": self.fingerprint, **data})

    @classmethod
    def from_json(cls, text: str) -> "Plan":
        """Read a plan.

        Raises:
            OtherVersion: another format.
            OrchestratorError: changed since it was written.
        """
        try:
            data = _parsed(text)
            if data["format"] != FORMAT:
                raise OtherVersion(
                    f"the plan has format {data['format']}, this version of kemp reads {FORMAT}: "
                    "use the version that made it, or make a new one"
                )
            plan = cls(
                kind=data["kind"],
                batches=tuple(tuple(batch) for batch in data["batches"]),
                gates=tuple(
                    Gate(name=one["name"], steps=_steps_from(one)) for one in data["gates"]
                ),
                servers=tuple(_server_from(one) for one in data["servers"]),
                floors=tuple(Floor(**one) for one in data["floors"]),
                warnings=tuple(Warned(**one) for one in data["warnings"]),
                spec=data["spec"],
                facts=data["facts"],
                undoes=data["undoes"],
                duration=_duration_from(data["duration"]),
            )
        except (ValueError, KeyError, TypeError) as error:
            raise OrchestratorError(f"not a plan: {error!r}") from error
        if plan.fingerprint != data.get("fingerprint"):
            raise OrchestratorError("the facts in the plan were changed: make a new plan")
        return plan


def plan_schema() -> str:
    """Return the JSON Schema of what ``Plan.to_json`` writes."""
    return resources.files(__package__).joinpath("plan.schema.json").read_text(encoding="utf-8")


def _parsed(text: str) -> Any:
    """Read JSON; texts that stand in it many times, as they do in plans, are kept once."""
    kept: dict[str, str] = {}

    def share(data: dict[str, Any]) -> dict[str, Any]:
        for name, value in data.items():
            if isinstance(value, str):
                data[name] = kept.setdefault(value, value)
        return data

    return json.loads(text, object_hook=share)


def _server_from(data: Mapping[str, Any]) -> ServerPlan:
    return ServerPlan(
        name=data["name"],
        host=data["host"],
        places=tuple(Place(**one) for one in data["places"]),
        why=data["why"],
        steps=_steps_from(data),
    )


def _duration_from(data: Mapping[str, Any] | None) -> Expectation | None:
    if data is None:
        return None
    lists = {name: tuple(data[name]) for name in ("how", "not_counted")}
    pinned = tuple(Pinned(**one) for one in data["pinned"])
    return Expectation(**{**data, **lists, "pinned": pinned})


def _steps_from(data: Mapping[str, Any]) -> tuple[Step, ...]:
    return tuple(
        Step(
            kind=StepKind(one["kind"]),
            **{name: one[name] for name in _STEP_FIELDS},
        )
        for one in data["steps"]
    )


_STEP_FIELDS = tuple(one.name for one in dataclasses.fields(Step) if one.name != "kind")


_ENCODER = json.JSONEncoder(sort_keys=True, separators=(",", ":"))
"""One text for equal data."""
