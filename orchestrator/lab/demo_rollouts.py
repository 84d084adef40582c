"""The rollouts of a demonstration: planned, run, told, and kept with the requests they saw."""

import time
from collections.abc import Iterator, Sequence

import yaml

from orchestrator.errors import OrchestratorError
from orchestrator.inventory import load_spec
from orchestrator.lab.demo_events import Teller
from orchestrator.lab.evidence import StepTime
from orchestrator.lab.lab import Lab
from orchestrator.lab.load import LoadResult, LoadRun
from orchestrator.lab.loadmaster import LabLoadMaster
from orchestrator.lab.rollout_file import lab_service, rollout_file
from orchestrator.lab.run_phases import RunPhases, measured
from orchestrator.rollout.adapters import Adapters
from orchestrator.rollout.facts import read_facts
from orchestrator.rollout.history import History
from orchestrator.rollout.history import history as history_of
from orchestrator.rollout.measured import event_of
from orchestrator.rollout.plan import Plan
from orchestrator.rollout.planner import make_plan
from orchestrator.rollout.records import Event
from orchestrator.rollout.report import RunReport
from orchestrator.rollout.report import report as report_of
from orchestrator.rollout.run import run_rollout
from orchestrator.rollout.store import Store


class StoryEnded(OrchestratorError):
    """A rollout failed: what follows would build on it."""


def _prefix(name: str) -> str:
    """Return how the phases of the load are named while a rollout goes on."""
    return f"{name}: "


class DemoRollouts:
    """Runs rollouts one after another and remembers them by name.

    Attributes:
        steps: what was done, oldest first.
        outcomes: by rollout, what became of each server.
    """

    def __init__(
        self, lab: Lab, box: LabLoadMaster, store: Store, adapters: Adapters, teller: Teller
    ) -> None:
        self._lab = lab
        self._box = box
        self._store = store
        self._adapters = adapters
        self._teller = teller
        self._service = lab_service(lab)
        self._runs: dict[str, str] = {}
        self.steps: list[StepTime] = []
        self.outcomes: dict[str, dict[str, str]] = {}

    def plan(self, kind: str, hosts: Sequence[str]) -> Plan:
        path = self._lab.directory / f"{kind}.yaml"
        path.write_text(
            yaml.safe_dump(rollout_file(self._lab, self._box, kind, hosts), sort_keys=False)
        )
        spec = load_spec(path)
        return make_plan(spec, read_facts(spec, self._adapters))

    def run(
        self, kind: str, hosts: Sequence[str], *, name: str, load: LoadRun | None = None
    ) -> None:
        """Plan a rollout and run it to its end.

        Args:
            name: to remember it by.
            load: whose phases are to be named after what the rollout does.

        Raises:
            StoryEnded: it stopped; what became of each server is kept.
            KeyboardInterrupt: it was paused by Ctrl-C.
        """
        plan = self.plan(kind, hosts)
        phases = RunPhases(plan, [load] if load else [], prefix=_prefix(name))

        def heard(event: Event) -> None:
            phases.on_event(event)
            self._teller.rollout(event)

        report = run_rollout(plan, self._adapters, self._store, on_event=heard)
        self._runs[name] = report.run_id
        self.outcomes[name] = {one.name: one.outcome for one in report.hosts.values()}
        self.steps += self._times(name, report)
        if report.finished:
            return
        if not any(one.outcome == "failed" for one in report.hosts.values()):
            # A rollout takes Ctrl-C as a wish to pause; here it ends the whole story.
            raise KeyboardInterrupt
        self._teller.note(f"the rollout stopped: {report.reason}")
        raise StoryEnded(f"{name}: {report.reason}")

    def keep(self, load: LoadResult) -> None:
        """Keep with each run the requests that began while it went on."""
        for name, run_id in self._runs.items():
            found = measured(f"{self._service} on lb", load, prefix=_prefix(name))
            if found.sent:
                self._store.add_event(event_of(run_id, time.time(), found))

    def history(self, name: str) -> History | None:
        if name not in self._runs:
            return None
        run_id = self._runs[name]
        events = [one for _, one in self._store.events(run_id)]
        return history_of(report_of(run_id, self._store), events)

    def hand_over(self, plan: Plan) -> RunReport:
        """Run a plan as it is, which is no part of the story."""
        return run_rollout(plan, self._adapters, self._store, on_event=self._teller.rollout)

    def _times(self, run: str, report: RunReport) -> Iterator[StepTime]:
        for host in report.hosts.values():
            for step in host.steps:
                if step.started_s is not None:
                    yield StepTime(
                        run=run,
                        server=host.name,
                        step=step.id.rpartition("/")[2],
                        status=step.status,
                        began_s=step.started_s - self._teller.started_s,
                        seconds=step.seconds or 0.0,
                    )
