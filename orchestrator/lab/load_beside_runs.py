"""Load in a lab that is up, and the runs of a store that go on meanwhile: counted together."""

import subprocess
import threading
from collections.abc import Callable, Sequence
from typing import IO

from kempsdk.clock import Clock
from orchestrator.lab.lab import end_children
from orchestrator.lab.load import LoadOptions, LoadResult, LoadRun
from orchestrator.lab.rollout_file import PORT
from orchestrator.lab.run_phases import RunPhases, measured
from orchestrator.lab.supervisor import LabStatus, lab_exec_argv
from orchestrator.rollout.measured import event_of
from orchestrator.rollout.records import RunState
from orchestrator.rollout.store import Store

_LOOK_S = 0.25


class LabUp:
    """The stations of a lab that is up, as a load starts its client there."""

    def __init__(self, status: LabStatus) -> None:
        self._status = status

    def spawn(
        self, name: str, argv: Sequence[str], *, stdout: int | IO[str]
    ) -> "subprocess.Popen[str]":
        return subprocess.Popen(
            lab_exec_argv(self._status, name, argv),
            stdin=subprocess.PIPE,
            stdout=stdout,
            text=True,
            # Ctrl-C is for whoever counts; the client is told when to end.
            start_new_session=True,
        )

    def end(self, process: "subprocess.Popen[str]") -> int:
        return end_children([process], grace_s=3.0)[0]


def load_beside_runs(
    status: LabStatus,
    options: LoadOptions,
    store: Store,
    clock: Clock,
    *,
    stop: threading.Event,
    on_look: Callable[[LoadResult], None],
) -> LoadResult:
    """Make load until told to stop, and keep with each run what was counted beside it.

    The batches of a run are phases; they are followed a quarter of a second behind.

    Args:
        options: what load; its address is the lab's own service.
        stop: set it to end the load; it ends by itself after ``max_seconds``.
        on_look: told the counts so far, several times a second.

    Raises:
        OrchestratorError: the client failed.
        StoreUnavailable: the runs cannot be read.
    """
    followed: dict[str, RunPhases] = {}
    seen: dict[str, int] = {}
    service = f"tcp/{status.vip}:{PORT} on lb"
    with LoadRun(LabUp(status), options) as load:
        on_look(load.progress())
        end_s = clock.monotonic_s() + options.max_seconds
        while clock.monotonic_s() < end_s and not stop.wait(_LOOK_S):
            for one in store.runs():
                if one.state is RunState.RUNNING and one.run_id not in followed:
                    plan = store.run(one.run_id).plan
                    followed[one.run_id] = RunPhases(plan, [load], prefix=_prefix(one.run_id))
            for run_id, phases in followed.items():
                for number, event in store.events(run_id, after=seen.get(run_id, 0)):
                    seen[run_id] = number
                    phases.on_event(event)
            on_look(load.progress())
        result = load.stop()
    for run_id in followed:
        found = measured(service, result, prefix=_prefix(run_id))
        if found.sent:
            store.add_event(event_of(run_id, clock.time_s(), found))
    return result


def _prefix(run_id: str) -> str:
    return f"{run_id}: "
