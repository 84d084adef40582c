"""What a step has at hand: the run, the adapters, and the few reads that steps share."""

import dataclasses
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from kempsdk import LoadMaster, RealServer, VirtualService, VsRef
from kempsdk.errors import NotFound
from orchestrator.errors import GateRefused, OrchestratorError
from orchestrator.hosts.carrying import read_carrying
from orchestrator.hosts.driver import Host, HostDriver
from orchestrator.hosts.state import NetState
from orchestrator.members import Carried, Member, ServiceKey, carried, direct
from orchestrator.rollout.adapters import Adapters
from orchestrator.rollout.facts import find_server, rollout_of
from orchestrator.rollout.floors import ServiceFloor, healthy
from orchestrator.rollout.plan import Plan, ServerPlan, Step, StepKind
from orchestrator.rollout.records import Event, Request, RequestKind, StepRecord
from orchestrator.rollout.store import Store
from orchestrator.rollout.watch import LoadMasterWatch
from orchestrator.rollout.wishes import NOW, Wishes
from orchestrator.rollout_spec import RolloutSpec
from orchestrator.spec import Spec

_SLICE_S = 1.0
"""A pause asked for is noticed within this time."""


class Stopped(OrchestratorError):
    """A pause was asked for while a step waited; nothing is half done."""


class Skipped(OrchestratorError):
    """A server is to be left out of this rollout: its deadline passed, or a person said so."""


@dataclass(slots=True)
class Progress:
    """When a step of the run ended last, on the monotonic clock."""

    last_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """One worker's view of one run.

    Attributes:
        worker: name of the worker, checked against the store before anything is changed.
        steps: those of the plan, by id; none while a server is put back.
        servers: those of the plan, by name.
        lanes: the steps of each server and gate, by name.
        floors: of the services, by service.
        addresses: the servers' own. planned_macs: the servers by MAC as the plan knows them.
        attempt: how often the run was begun; 1 at first, more after a pause.
        stop: set when the run is to pause: the step in hand ends, waiting is broken off.
        wishes: what people asked of the run.
        lane: the server or gate that this is passed to a step of.
    """

    run_id: str
    attempt: int
    worker: str
    plan: Plan
    steps: Mapping[str, Step]
    servers: Mapping[str, ServerPlan]
    lanes: Mapping[str, tuple[Step, ...]]
    floors: Mapping[ServiceKey, ServiceFloor]
    spec: Spec
    addresses: tuple[str, ...]
    planned_macs: Mapping[str, str]
    adapters: Adapters
    store: Store
    on_event: Callable[[Event], None]
    stop: threading.Event
    wishes: Wishes
    progress: Progress
    lane: str = ""
    _watches: dict[str, LoadMasterWatch] = field(default_factory=dict)
    _told: dict[ServiceKey, VirtualService] = field(default_factory=dict)
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

    def services(
        self, loadmaster: str, *, after: int, max_age_s: float
    ) -> Mapping[VsRef, VirtualService]:
        """Return the services of a LoadMaster as everybody who waits sees them.

        Raises:
            KempError: they could not be read.
        """
        reading = self.watch(loadmaster).services.get(after=after, max_age_s=max_age_s)
        if reading.fresh:
            for key in self.floors:
                if key.loadmaster == loadmaster and (service := reading.value.get(key.vs)):
                    self.tell_health(key, service)
        return reading.value

    def tell_health(self, key: ServiceKey, service: VirtualService) -> None:
        """Keep how many servers of a service are healthy, against its floor."""
        self._told[key] = service
        count, total = len(healthy(service)), len(service.real_servers)
        floor = self.floors[key].least_healthy(total)
        self.emit(
            "healthy",
            f"{key}: {count} of {total} healthy, at least {floor}",
            service=str(key),
            healthy=count,
            floor=floor,
            servers=total,
        )

    def tell_out(self, place: Member) -> None:
        """Keep that a server is out, which a read of it has shown, as ``tell_health`` does.

        Without another read of the whole service: what it was right before is known, if this
        attempt disabled the server.
        """
        service = self._told.get(place.service)
        if service is None:
            return
        servers = tuple(
            dataclasses.replace(one, enabled=False) if one.ref == place.rs else one
            for one in service.real_servers
        )
        self.tell_health(place.service, dataclasses.replace(service, real_servers=servers))

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
        return read_carrying(self.driver(name), self.host(name), sections)

    def glance(self, name: str) -> NetState:
        """Read the least there is to read of a host now: its addresses and its sockets."""
        return self.driver(name).read(self.host(name))

    def read_service(self, place: Member) -> VirtualService:
        """Read a service now."""
        return self.loadmaster(place.loadmaster).virtual_services.get(place.vs)

    def read_server(self, place: Member) -> RealServer | None:
        """Read a server of a service now; None: the service does not have it.

        Much less than the whole service where there are many servers.

        Raises:
            NotFound: there is no such service.
        """
        try:
            return self.loadmaster(place.loadmaster).real_servers.get(place.vs, place.rs)
        except NotFound:
            # Which of the two there is not, only the service can tell.
            return find_server(self.read_service(place), place.rs)

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

    def wait(self, seconds: float, *, skippable: bool = False) -> None:
        """Let time pass.

        Args:
            skippable: nothing is under way that must not be left as it is.

        Raises:
            Stopped: a pause was asked for.
            Skipped: a person wants the server left out.
            GateRefused: nothing in the whole run has come to an end for too long.
        """
        left = seconds
        while left > 0:
            self.check_stop()
            if skippable:
                self.check_skip()
                self.check_progress()
            self.adapters.clock.sleep(min(_SLICE_S, left))
            left -= _SLICE_S
        self.check_stop()

    def check_stop(self) -> None:
        """Raise Stopped if the run is to stop, or to pause at once."""
        if self.stops_now:
            raise Stopped("a pause was asked for")

    @property
    def stops_now(self) -> bool:
        """Return whether no further step is to begin and waiting is to be broken off."""
        wishes = self.wishes
        return (
            self.stop.is_set()
            or wishes.open(RequestKind.ABORT) is not None
            or wishes.open(RequestKind.PAUSE, NOW) is not None
        )

    def check_skip(self) -> None:
        """Raise Skipped if a person wants this server left out.

        One on its way back is: its steps are none of the plan's.
        """
        if not self.steps:
            return
        if wish := self.wishes.open(RequestKind.SKIP, self.lane):
            raise Skipped(skip_words(wish))

    def check_progress(self) -> None:
        """Raise GateRefused if the run has not come on for too long."""
        limit_s = self.rollout.progress_deadline_s
        if self.adapters.clock.monotonic_s() - self.progress.last_s > limit_s:
            raise GateRefused(
                f"no step of the run has ended for {limit_s:g} s",
                gate="progress-deadline",
                evidence=[f"in hand: {self.lane}"],
            )

    def note_progress(self) -> None:
        """Note that the run has come on."""
        self.progress.last_s = self.adapters.clock.monotonic_s()


def skip_words(wish: Request) -> str:
    """Return who wants a server left out, and why."""
    return f"{wish.asked_by} asked to skip it" + (f": {wish.note}" if wish.note else "")
