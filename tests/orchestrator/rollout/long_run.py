"""Runs of any size, stored as if they had been worked on: for what only looks at runs."""

import json

from orchestrator.rollout.gates_between import START
from orchestrator.rollout.plan import Floor, Gate, Place, Plan, ServerPlan, Step, StepKind
from orchestrator.rollout.records import RunState
from orchestrator.rollout.store import Store
from orchestrator.rollout.store.database import Transaction

KINDS = (
    StepKind.DISABLE,
    StepKind.DRAIN,
    StepKind.ACTION,
    StepKind.PREPARE_HOST,
    StepKind.VERIFY_HOST,
    StepKind.ARP_PROOF,
    StepKind.SERVICE_BOUND,
    StepKind.ENABLE,
    StepKind.HEALTHY,
)
STATE = {"present": True, "enabled": True, "forward": "route", "weight": 1000, "limit": 0}


def long_plan(servers: int, *, boxes: int = 20, batch: int = 50) -> Plan:
    """Return a roll of so many servers."""
    names = [f"web{number:04}" for number in range(servers)]
    batches = tuple(tuple(names[at : at + batch]) for at in range(0, servers, batch))
    return Plan(
        kind="roll",
        batches=batches,
        gates=tuple(
            Gate(name=one) for one in (START, *(f"batch {n + 1}" for n in range(len(batches))))
        ),
        servers=tuple(_server(name, f"lb{at % boxes:02}") for at, name in enumerate(names)),
        floors=tuple(
            Floor(
                loadmaster=f"lb{box:02}",
                service="tcp/203.0.113.250:80",
                servers=servers // boxes,
                healthy=servers // boxes,
                lowest=servers // boxes - 3,
                most_out=3,
                min_healthy=1,
                max_unavailable=3,
            )
            for box in range(boxes)
        ),
        warnings=(),
        spec={},
        facts={f"host {name} eth0": "02:00:00:00:00:01" for name in names},
    )


def _server(name: str, loadmaster: str) -> ServerPlan:
    place = Place(
        pool="web", loadmaster=loadmaster, service="tcp/203.0.113.250:80", server=f"{name}:80"
    )
    steps = tuple(
        Step(
            id=f"{name}/{kind.value}",
            server=name,
            kind=kind,
            pool="web",
            why="as long as such a reason is in a real plan",
            before=STATE,
            after=STATE,
            inverse={"kind": "enable", "state": STATE},
        )
        for kind in KINDS
    )
    return ServerPlan(name=name, host=name, places=(place,), why="in service", steps=steps)


def store_run(store: Store, run_id: str, plan: Plan, *, now_s: float = 0.0) -> None:
    """Store a run whose every step is done, and which paused then."""
    store.create_run(run_id, plan, worker="", resources=(), now_s=now_s, operator="amy@desk")
    store.stand(run_id, RunState.PAUSED, "paused as asked for", now_s=now_s)
    state = json.dumps(STATE)

    def work(db: Transaction) -> None:
        for at, step in enumerate(plan.steps):
            db.execute(
                "INSERT INTO steps (run_id, step_id, status, worker, announced_in, "
                "first_started_s, started_s, ended_s, before, after, inverse, evidence, reason) "
                "VALUES (?, ?, 'done', 'w', 1, ?, ?, ?, ?, ?, ?, ?, '')",
                *(run_id, step.id, at, at, at + 1, state, state, state),
                json.dumps(["read back: enabled, weight 1000"]),
            )

    store.database.transact(work)
