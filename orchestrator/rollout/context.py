"""What a step has at hand: the run, the adapters, and the few reads that steps share."""

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from kempsdk import LoadMaster, VirtualService
from orchestrator.errors import OrchestratorError
from orchestrator.hosts.driver import Host, HostDriver
from orchestrator.hosts.state import NetState
from orchestrator.members import Carried, Member, ServiceKey, carried, direct
from orchestrator.rollout.adapters import Adapters
from orchestrator.rollout.facts import rollout_of
from orchestrator.rollout.floors import ServiceFloor
from orchestrator.rollout.plan import Plan, ServerPlan, Step, StepKind
from orchestrator.rollout.records import Event, StepRecord
from orchestrator.rollout.store import Store
from orchestrator.rollout.watch import LoadMasterWatch
from orchestrator.rollout_spec import RolloutSpec
from orchestrator.spec import Spec

_SLICE_S = 1.0
"""A pause asked for is noticed within this time."""


class Stopped(OrchestratorError):
    """A pause was asked for while a step waited; nothing is half done."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """One worker's view of one run.

    Attributes:
        worker: name of the worker, checked against the store before anything is changed.
        steps: those of the plan, by id.
        servers: those of the plan, by name.
        floors: of the services, by service.
        attempt: how often the run was begun; 1 at first, more after a pause.
        stop: set when the run is to pause: the step in hand ends, waiting is broken off.
    """

    run_id: str
    attempt: int
    worker: str
    plan: Plan
    steps: Mapping[str, Step]
    servers: Mapping[str, ServerPlan]
    floors: Mapping[ServiceKey, ServiceFloor]
    spec: Spec
    adapters: Adapters
    store: Store
    on_event: Callable[[Event], None]
    stop: threading.Event
    _watches: dict[str, LoadMasterWatch] = field(default_factory=dict)
    _guard: threading.Lock = field(default_factory=threading.Lock)

    @property
    def rollout(self) -> RolloutSpec:
        return rollout_of(self.spec)

    def loadmaster(self, name: str) -> LoadMaster:
        return self.adapters.loadmaster(name)

    def watch(self, loadmaster: str) -> LoadMasterWatch:
        """Return what all servers of this worker share of a LoadMaster."""
        with self._guard:
            if loadmaster not in self._watches:
                client = self.loadmaster(loadmaster)
                self._watches[loadmaster] = LoadMasterWatch(client, self.adapters.clock)
            return self._watches[loadmaster]

    def places(self, name: str) -> tuple[Member, ...]:
        """Return a server's places in the services that this is about."""
        server = self.servers[name]
        return tuple(self.spec.member(one.pool, server.host) for one in server.places)

    def carried(self, name: str) -> tuple[Carried, ...]:
        """Return what a server is to carry for its places, method by method."""
        return carried(self.host(name), self.places(name))

    def direct(self, name: str) -> tuple[Member, ...]:
        """Return a place for each VIP for which a server answers clients itself."""
        return direct(self.places(name))

    def carried_by(self, step: Step) -> Carried:
        """Return what the host is to carry by the method that a step is about."""
        return next(one for one in self.carried(step.server) if one.places[0].pool == step.pool)

    def place(self, step: Step) -> Member:
        """Return the place that a step is about."""
        assert step.pool is not None  # noqa: S101 - the planner says it of every such step
        return self.spec.member(step.pool, self.servers[step.server].host)

    def host(self, name: str) -> Host:
        return self.spec.host(self.servers[name].host)

    def driver(self, name: str) -> HostDriver:
        return self.adapters.driver(self.host(name))

    def read_host(self, name: str) -> NetState:
        """Read a host now, as far as what it carries needs it."""
        sections = frozenset().union(*(one.how.sections for one in self.places(name)))
        return self.driver(name).read(self.host(name), sections)

    def glance(self, name: str) -> NetState:
        """Read the least there is to read of a host now: its addresses and its sockets."""
        return self.driver(name).read(self.host(name))

    def read_service(self, place: Member) -> VirtualService:
        """Read a service now."""
        return self.loadmaster(place.loadmaster).virtual_services.get(place.vs)

    def records(self, name: str, kind: StepKind) -> tuple[tuple[str, StepRecord | None], ...]:
        """Return what the journal says of a server's planned steps of a kind."""
        steps = self.servers[name].of_kind(kind)
        return tuple((one.id, self.journal(one.id)) for one in steps)

    def journal(self, step_id: str) -> StepRecord | None:
        """Return what the journal says of a step; None if it was not begun in this run."""
        return self.store.step(self.run_id, step_id)

    def emit(
        self,
        kind: str,
        text: str,
        *,
        server: str | None = None,
        step: str | None = None,
        **data: Any,
    ) -> None:
        """Keep an event and tell whoever watches."""
        event = Event(
            run_id=self.run_id,
            at_s=self.adapters.clock.time_s(),
            kind=kind,
            text=text,
            server=server,
            step=step,
            data=data,
        )
        self.store.add_event(event)
        self.on_event(event)

    def first_start_s(self, record: StepRecord) -> float:
        """Return when a step first began, on the monotonic clock; restarts do not move it.

        To be asked when the step begins: only the time between its starts is taken from the
        wall clock, which somebody may set.
        """
        earlier_s = max(0.0, record.started_s - record.first_started_s)
        return self.adapters.clock.monotonic_s() - earlier_s

    def wait(self, seconds: float) -> None:
        """Let time pass.

        Raises:
            Stopped: a pause was asked for.
        """
        left = seconds
        while left > 0:
            self.check_stop()
            self.adapters.clock.sleep(min(_SLICE_S, left))
            left -= _SLICE_S
        self.check_stop()

    def check_stop(self) -> None:
        """Raise Stopped if a pause was asked for."""
        if self.stop.is_set():
            raise Stopped("a pause was asked for")
