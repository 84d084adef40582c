"""What is done and must hold between batches, as steps of the plan. Pure."""

from collections.abc import Iterable, Sequence

from orchestrator.rollout.plan import Gate, ServerPlan, Step, StepKind
from orchestrator.rollout_spec import HookSpec, RolloutSpec

START = "before batch 1"


def gates_between(
    rollout: RolloutSpec, batches: Sequence[Sequence[str]], servers: Sequence[ServerPlan]
) -> tuple[Gate, ...]:
    """Return the gates of a plan; nothing is done around batches with nothing to do."""
    busy = {one.name for one in servers if one.steps}
    done = [bool(busy.intersection(batch)) for batch in batches]
    hooks = rollout.hooks if busy else ()
    start = [
        *hook_steps(hooks, START, "before-run"),
        *(hook_steps(hooks, START, "before-batch") if done[0] else ()),
    ]
    gates = [Gate(name=START, steps=tuple(start))]
    for number in range(1, len(batches) + 1):
        name, last = f"batch {number}", number == len(batches)
        steps: list[Step] = []
        if done[number - 1]:
            steps += [*_bake(rollout, name), *hook_steps(hooks, name, "after-batch")]
            if number == 1 and not last:
                steps += _approve(rollout, name)
        if last:
            steps += hook_steps(hooks, name, "after-run")
        elif done[number]:
            steps += hook_steps(hooks, name, "before-batch")
        gates.append(Gate(name=name, steps=tuple(steps)))
    return tuple(gates)


def _hook(hook: HookSpec, lane: str) -> Step:
    what = " ".join(hook.argv) if hook.http is None else f"{hook.http.method} {hook.http.url}"
    return Step(
        id=f"{lane}/{StepKind.HOOK.value}-{hook.name}",
        server=lane,
        kind=StepKind.HOOK,
        why=f"{hook.at}: {what}",
        params={"hook": hook.name, "at": hook.at},
    )


def hook_steps(hooks: Iterable[HookSpec], lane: str, at: str) -> list[Step]:
    """Return the steps that call the hooks of a point, in their order."""
    return [_hook(one, lane) for one in hooks if one.at == at]


def _bake(rollout: RolloutSpec, name: str) -> list[Step]:
    bake = rollout.bake
    if not bake.time_s and not bake.checks:
        return []
    looks = ", ".join(["up on the LoadMaster", *(one.name for one in bake.checks)])
    return [_step(name, StepKind.BAKE, f"{bake.time_s:g} s: {looks}")]


def _approve(rollout: RolloutSpec, name: str) -> list[Step]:
    if rollout.canary is None or rollout.canary.gate != "approve":
        return []
    why = "a person looks at the first batch and approves it"
    return [_step(name, StepKind.APPROVE, why)]


def _step(name: str, kind: StepKind, why: str) -> Step:
    return Step(id=f"{name}/{kind.value}", server=name, kind=kind, why=why)
