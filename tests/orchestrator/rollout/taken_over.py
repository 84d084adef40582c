"""Workers that die in the middle of a server's way, by hand: another one walks it again."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from orchestrator.rollout import attempt as attempts
from orchestrator.rollout.context import Context
from orchestrator.rollout.plan_locks import resources
from orchestrator.rollout.steps import Verdict, perform
from tests.orchestrator.rollout.world import World


@contextmanager
def one_worker(world: World, rollout: str, name: str) -> Iterator[Context]:
    """Be a worker in the first attempt of the run; the first one of all begins it."""
    store = world.store
    with store.workers.hold(name):
        if not store.runs():
            plan = world.plan(rollout)
            store.create_run("r1", plan, worker=name, resources=resources(plan), now_s=0)
            store.next_attempt("r1", [])
        else:
            store.take_over("r1", worker=name, now_s=0)
        yield attempts.make_context(
            "r1",
            1,
            store.run("r1").plan,
            world.adapters,
            store,
            worker=name,
            on_event=world.events.append,
            stop=threading.Event(),
        )


def walk(context: Context, server: str) -> Verdict:
    """Go a server's way from its start, as the engine does."""
    verdicts = (perform(context, step.id) for step in context.lanes[server])
    return next((one for one in verdicts if one is not Verdict.GO_ON), Verdict.GO_ON)
