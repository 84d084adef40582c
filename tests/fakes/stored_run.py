"""A run in a store that nobody planned and nobody carries out."""

from orchestrator.rollout.plan import Floor, Gate, Plan, ServerPlan, Step, StepKind
from orchestrator.rollout.store import Store, workers

STEP = "web1/disable"


def plan() -> Plan:
    step = Step(
        id=STEP, server="web1", kind=StepKind.DISABLE, why="x", before={"a": 1}, after={"a": 2}
    )
    return Plan(
        kind="drain",
        batches=(("web1",),),
        gates=(Gate(name="before batch 1"), Gate(name="batch 1")),
        servers=(ServerPlan(name="web1", host="web1", places=(), why="x", steps=(step,)),),
        floors=(
            Floor(
                loadmaster="lb1",
                service="tcp/203.0.113.250:80",
                servers=2,
                healthy=2,
                lowest=1,
                most_out=1,
                min_healthy=1,
                max_unavailable=1,
            ),
        ),
        warnings=(),
        spec={},
        facts={"a": "1"},
    )


def enter(store: Store, *names: str) -> None:
    """Be workers that nobody has taken for dead; whether they are is another question."""
    for name in names:
        if store.workers.is_gone(name):
            store.database.transact(lambda db, name=name: workers.enter(db, name))  # type: ignore[misc]


def create(store: Store, run_id: str, *resources: str, worker: str = "w", now_s: float = 0) -> None:
    enter(store, worker)
    store.create_run(run_id, plan(), worker=worker, resources=resources, now_s=now_s)
