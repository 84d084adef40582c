"""What must hold after a batch before the next one begins, as steps of the plan. Pure."""

from collections.abc import Sequence

from orchestrator.rollout.plan import Gate, ServerPlan, Step, StepKind
from orchestrator.rollout_spec import RolloutSpec


def gates_after(
    rollout: RolloutSpec, batches: Sequence[Sequence[str]], servers: Sequence[ServerPlan]
) -> tuple[Gate, ...]:
    """Return a gate for each batch; empty ones after batches in which nothing is done."""
    busy = {one.name for one in servers if one.steps}
    return tuple(
        _gate(rollout, number, last=number == len(batches), done=bool(busy.intersection(batch)))
        for number, batch in enumerate(batches, start=1)
    )


def _gate(rollout: RolloutSpec, number: int, *, last: bool, done: bool) -> Gate:
    name = f"batch {number}"
    steps: list[Step] = []
    bake = rollout.bake
    if done and (bake.time_s or bake.checks):
        looks = ", ".join(["up on the LoadMaster", *(one.name for one in bake.checks)])
        steps.append(_step(name, StepKind.BAKE, f"{bake.time_s:g} s: {looks}"))
    canary = rollout.canary
    if done and canary is not None and canary.gate == "approve" and number == 1 and not last:
        steps.append(
            _step(name, StepKind.APPROVE, "a person looks at the first batch and approves it")
        )
    return Gate(name=name, steps=tuple(steps))


def _step(name: str, kind: StepKind, why: str) -> Step:
    return Step(id=f"{name}/{kind.value}", server=name, kind=kind, why=why)
