"""What a plan is about, in few words: kept beside it, so that nobody reads it to look at a run."""

import dataclasses
import json
from dataclasses import dataclass

from orchestrator.rollout.plan import Plan


@dataclass(frozen=True, slots=True, kw_only=True)
class OutlinedServer:
    """A server of a plan.

    Attributes:
        batch: counted from 1.
        steps: how many there are for it.
        services: that it is in, such as ``tcp/203.0.113.250:80 on lb1``.
        why: what is done, and why.
    """

    name: str
    server: str
    batch: int
    steps: int
    services: tuple[str, ...]
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OutlinedFloor:
    """A service of a plan, and how many of its servers must be left."""

    service: str
    servers: int
    healthy: int
    lowest: int
    min_healthy: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Outline:
    """What a plan is about.

    Attributes:
        servers: in the order of the plan.
        gates: those that have something to do, with how many steps.
    """

    servers: tuple[OutlinedServer, ...]
    gates: tuple[tuple[str, int], ...]
    floors: tuple[OutlinedFloor, ...]
    batches: int

    def to_json(self) -> str:
        """Return it as text; ``from_json`` gives an equal one."""
        return json.dumps(dataclasses.asdict(self))

    @classmethod
    def from_json(cls, text: str) -> "Outline":
        """Read one that ``to_json`` wrote."""
        data = json.loads(text)
        return cls(
            servers=tuple(
                OutlinedServer(**{**one, "services": tuple(one["services"])})
                for one in data["servers"]
            ),
            gates=tuple((name, steps) for name, steps in data["gates"]),
            floors=tuple(OutlinedFloor(**one) for one in data["floors"]),
            batches=data["batches"],
        )


def outline_of(plan: Plan) -> Outline:
    """Return what a plan is about."""
    by_name = {one.name: one for one in plan.servers}
    return Outline(
        servers=tuple(
            OutlinedServer(
                name=name,
                server=by_name[name].server,
                batch=number,
                steps=len(by_name[name].steps),
                services=tuple(
                    dict.fromkeys(
                        f"{one.service} on {one.loadmaster}" for one in by_name[name].places
                    )
                ),
                why=by_name[name].why,
            )
            for number, batch in enumerate(plan.batches, start=1)
            for name in batch
        ),
        gates=tuple((one.name, len(one.steps)) for one in plan.gates if one.steps),
        floors=tuple(
            OutlinedFloor(
                service=f"{one.service} on {one.loadmaster}",
                servers=one.servers,
                healthy=one.healthy,
                lowest=one.lowest,
                min_healthy=one.min_healthy,
            )
            for one in plan.floors
        ),
        batches=len(plan.batches),
    )
