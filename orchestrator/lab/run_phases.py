"""A run's batches as phases of the load that goes on beside it, and what was counted in them."""

from collections.abc import Iterable
from contextlib import suppress

from orchestrator.errors import OrchestratorError
from orchestrator.lab.load import LoadResult, LoadRun
from orchestrator.rollout.measured import Measured, MeasuredPhase
from orchestrator.rollout.plan import Plan
from orchestrator.rollout.records import Event

_FAILURES = 5


class RunPhases:
    """Names the phase of loads after the batch that a run works on."""

    def __init__(self, plan: Plan, loads: Iterable[LoadRun], *, prefix: str = "") -> None:
        """Note what is to be followed; ``prefix`` begins the name of each phase."""
        self._loads = tuple(loads)
        self._prefix = prefix
        self._phase_of = {
            name: f"batch {number}"
            for number, batch in enumerate(plan.batches, start=1)
            for name in batch
        }
        self._now = ""

    def on_event(self, event: Event) -> None:
        """Follow the run: a batch is a phase, and so is the time after the run."""
        if event.kind == "step-started" and event.server is not None:
            # A gate after a batch goes by the batch's own name.
            self._begin(self._phase_of.get(event.server, event.server))
        elif event.kind == "run-finished":
            self._begin("afterwards")

    def _begin(self, phase: str) -> None:
        if phase != self._now:
            self._now = phase
            for one in self._loads:
                # A client that has died is told of when its counts are asked for.
                with suppress(OrchestratorError):
                    one.phase(f"{self._prefix}{phase}")


def measured(service: str, load: LoadResult, *, prefix: str = "") -> Measured:
    """Return what a load saw of a service.

    Args:
        prefix: count only the phases whose names begin so; all, and downloads, without.
    """
    phases = tuple(
        MeasuredPhase(name=name.removeprefix(prefix), sent=one.total, failed=one.failed)
        for name, one in load.by_phase.items()
        if name.startswith(prefix) and one.total
    )
    failures = [one for one in load.failures if f"phase {prefix}" in one]
    cut = [] if prefix else [one.failure for one in load.cut]
    return Measured(
        service=service,
        source="clients in the lab",
        sent=sum(one.sent for one in phases),
        failed=sum(one.failed for one in phases),
        downloads=0 if prefix else len(load.downloads),
        cut=len(cut),
        failures=(*failures[:_FAILURES], *cut[:_FAILURES]),
        phases=phases,
    )
