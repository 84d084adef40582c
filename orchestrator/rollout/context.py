"""What a step has at hand: the run, the adapters, and the few reads that steps share."""

import threading
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from kempsdk import LoadMaster, RsRef, VirtualService
from orchestrator.errors import OrchestratorError
from orchestrator.hosts.driver import Host, HostDriver
from orchestrator.hosts.methods.method import Method, Wanted
from orchestrator.hosts.methods.registry import METHODS
from orchestrator.hosts.sections import Section
from orchestrator.hosts.state import NetState
from orchestrator.rollout.adapters import Adapters
from orchestrator.rollout.facts import rollout_of
from orchestrator.rollout.plan import Plan, Step
from orchestrator.rollout.records import Event, StepRecord
from orchestrator.rollout.store import Store
from orchestrator.spec import RolloutSpec, ServiceSpec, Spec

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
        attempt: how often the run was begun; 1 at first, more after a pause.
        stop: set when the run is to pause: the step in hand ends, waiting is broken off.
        floor: held from looking at the floor until the disable is read back, so that two
            servers of a batch do not both take the last place.
    """

    run_id: str
    attempt: int
    worker: str
    plan: Plan
    steps: Mapping[str, Step]
    spec: Spec
    adapters: Adapters
    store: Store
    on_event: Callable[[Event], None]
    stop: threading.Event
    floor: threading.Lock = field(default_factory=threading.Lock)

    @property
    def rollout(self) -> RolloutSpec:
        return rollout_of(self.spec)

    @property
    def service(self) -> ServiceSpec:
        return self.spec.service_of(self.rollout.pool)

    @property
    def method(self) -> Method:
        """Return how the servers are made to take the traffic."""
        return METHODS[self.service.method]

    @property
    def vip(self) -> str:
        return self.service.ref.address

    @property
    def loadmaster(self) -> LoadMaster:
        return self.adapters.loadmaster(self.service.loadmaster)

    def server(self, name: str) -> RsRef:
        """Return a host as the LoadMaster names it."""
        return self.spec.server(self.rollout.pool, name)

    def served_address(self, name: str) -> str:
        """Return the address that clients' packets have when they reach the host."""
        return self.vip if self.method.vip_on_host else self.server(name).address

    def host(self, name: str) -> Host:
        return self.spec.host(name)

    def driver(self, name: str) -> HostDriver:
        return self.adapters.driver(self.host(name))

    def wanted(self, name: str) -> Wanted:
        """Return what a host is to carry."""
        return self.spec.wanted(self.rollout.pool, name)

    def read_host(self, name: str, sections: Collection[Section] = ()) -> NetState:
        """Read a host now."""
        return self.driver(name).read(self.host(name), sections)

    def read_service(self) -> VirtualService:
        """Read the service now."""
        return self.loadmaster.virtual_services.get(self.service.ref)

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
