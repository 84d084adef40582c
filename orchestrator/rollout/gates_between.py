"""What is done and must hold between batches, as steps of the plan. Pure."""

import shlex
from collections.abc import Iterable, Mapping, Sequence

from orchestrator.rollout.plan import Gate, ServerPlan, Step, StepKind
from orchestrator.rollout_spec import ActionSpec, HookSpec, RolloutSpec

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
        *(hook_steps(hooks, START, "before-batch", {"batch": "batch 1"}) if done[0] else ()),
    ]
    gates = [Gate(name=START, steps=tuple(start))]
    for number in range(1, len(batches) + 1):
        name, last = f"batch {number}", number == len(batches)
        steps: list[Step] = []
        if done[number - 1]:
            about = {"batch": name}
            steps += [*_bake(rollout, name), *hook_steps(hooks, name, "after-batch", about)]
            if number == 1 and not last:
                steps += _approve(rollout, name)
        if last:
            steps += hook_steps(hooks, name, "after-run")
        elif done[number]:
            about = {"batch": f"batch {number + 1}"}
            steps += hook_steps(hooks, name, "before-batch", about)
        gates.append(Gate(name=name, steps=tuple(steps)))
    return tuple(gates)


def command_words(
    own: ActionSpec | HookSpec, argv: Sequence[str], fields: Mapping[str, str]
) -> str:
    """Return where a command runs, and which; the name of the run is not known yet."""
    filled = [one.format_map({**fields, "run": "{run}"}) for one in argv]
    return f"on {'the server' if own.on == 'host' else 'this machine'}: {shlex.join(filled)}"


def _hook(hook: HookSpec, lane: str, fields: Mapping[str, str]) -> Step:
    what = (
        command_words(hook, hook.argv, fields)
        if hook.http is None
        else f"{hook.http.method} {hook.http.url.format_map({**fields, 'run': '{run}'})}"
    )
    return Step(
        id=f"{lane}/{StepKind.HOOK.value}-{hook.name}",
        server=lane,
        kind=StepKind.HOOK,
        why=f"{hook.at}, {hook.name}, {what}",
        params={"hook": hook.name, "at": hook.at},
    )


def hook_steps(
    hooks: Iterable[HookSpec], lane: str, at: str, fields: Mapping[str, str] | None = None
) -> list[Step]:
    """Return the steps that call the hooks of a point, in their order.

    Args:
        fields: what is filled in, in braces, beside the name of the run.
    """
    return [_hook(one, lane, fields or {}) for one in hooks if one.at == at]


def _bake(rollout: RolloutSpec, name: str) -> list[Step]:
    bake = rollout.bake
    if not bake.time_s and not bake.checks:
        return []
    looks = ", ".join(["up on the LoadMaster", *(one.name for one in bake.checks)])
    how_long = f"{bake.time_s:g} s, a look every {bake.every_s:g} s" if bake.time_s else "one look"
    return [_step(name, StepKind.BAKE, f"{how_long}: {looks}; {_may_fail(bake.failures)}")]


def _may_fail(failures: int) -> str:
    if not failures:
        return "none may fail"
    return "one may fail" if failures == 1 else f"{failures} may fail"


def _approve(rollout: RolloutSpec, name: str) -> list[Step]:
    if rollout.canary is None or rollout.canary.gate != "approve":
        return []
    why = (
        "a person looks at the first batch and approves it; if nobody has within "
        f"{rollout.canary.deadline_s:g} s, the run pauses"
    )
    return [_step(name, StepKind.APPROVE, why)]


def _step(name: str, kind: StepKind, why: str) -> Step:
    return Step(id=f"{name}/{kind.value}", server=name, kind=kind, why=why)
