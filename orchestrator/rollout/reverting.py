"""Putting a server back as it was found, within the run in which it failed.

Computed from the journal and from what is now, each time anew: killed in the middle, it goes
on from where things are.
"""

from collections.abc import Callable
from dataclasses import replace

from kempsdk.errors import KempError
from orchestrator.errors import OrchestratorError
from orchestrator.rollout.context import Context
from orchestrator.rollout.facts import read_facts
from orchestrator.rollout.plan import Step
from orchestrator.rollout.plan_parts import Parts
from orchestrator.rollout.step_ids import UNDO
from orchestrator.rollout.undo import way_back

Perform = Callable[[Context, Step], bool]
"""Carries a step out; returns whether it ended well."""


def revert(context: Context, name: str, perform: Perform) -> str:
    """Put a server back; return what became of it, for people.

    Raises:
        Stopped: a pause was asked for.
        StoreUnavailable, Locked: this worker must not go on.
    """
    server = context.servers[name]
    try:
        facts = read_facts(context.spec, context.adapters, only=[server.host])
        parts = Parts(
            context.spec,
            facts,
            name,
            server.host,
            context.places(name),
            prefix=f"{UNDO}{context.attempt}-",
            hooked=False,
        )
        why, steps = way_back(parts, server, context.store.steps(context.run_id))
    except (OrchestratorError, KempError) as error:
        return f"it could not be put back: {error}"
    back = replace(server, steps=tuple(steps))
    inside = replace(
        context,
        lane=name,
        servers={**context.servers, name: back},
        lanes={**context.lanes, name: back.steps},
        steps={},
    )
    for step in steps:
        if not perform(inside, step):
            return f"it could not be put back: {step.id} failed"
    return why
