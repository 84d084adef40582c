"""A rollout rehearsed: production's services built in the lab, and the plan run there under load.

Needs to run inside :mod:`orchestrator.lab.isolation`: what it starts it leaves to that world to
end, and from there no way leads to production. Prints nothing.
"""

import dataclasses
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from typing import Any

from kempsdk import CheckType, LoadMaster, RsStatus
from kempsdk.configuration import apply
from kempsdk.references import Protocol, VsRef
from orchestrator.errors import (
    AlreadyAsked,
    GateRefused,
    OrchestratorError,
    RuleViolated,
)
from orchestrator.hosts.carrying import Part, plan_add
from orchestrator.hosts.methods.method import MethodName, Wanted
from orchestrator.hosts.netlink import NetlinkDriver
from orchestrator.inventory import spec_from_data
from orchestrator.lab.lab import Lab
from orchestrator.lab.load import LoadOptions, LoadRun
from orchestrator.lab.loadmaster import LabLoadMaster
from orchestrator.lab.run_phases import RunPhases, measured
from orchestrator.lab.topology import BRIDGE
from orchestrator.probes.segment import SegmentProbe
from orchestrator.rehearsal.configuration import is_direct, moved
from orchestrator.rehearsal.faults import ChosenFault
from orchestrator.rehearsal.health_watch import HealthWatch
from orchestrator.rehearsal.result import LowestFloor, Result, fired, judged, traffic
from orchestrator.rehearsal.site import Site, lab_spec, lay_out, method_of
from orchestrator.rehearsal.trouble import FaultResult, LabDriver, Trouble
from orchestrator.rehearsal.web_servers import WebServers
from orchestrator.rollout.adapters import Adapters
from orchestrator.rollout.facts import read_facts, rollout_of
from orchestrator.rollout.history import History, history
from orchestrator.rollout.measured import event_of
from orchestrator.rollout.plan import Plan
from orchestrator.rollout.planner import make_plan
from orchestrator.rollout.records import Event, RequestKind
from orchestrator.rollout.report import report as report_of
from orchestrator.rollout.run import run_rollout
from orchestrator.rollout.store import Store
from orchestrator.rollout.web import WebAnswer, WebRequest, ask_web
from orchestrator.spec import Spec

_FIRST_PORT = 443
_PATIENCE_S = 60.0
_QUIET_S = 2.0
_RUN = "rehearsal"


@dataclass(frozen=True, slots=True, kw_only=True)
class RehearsalOptions:
    """How to rehearse.

    Attributes:
        rate_per_s: requests begun per second, over all services.
        downloads: kept under way for each service.
        download_s: how long each lasts, by the plan's clock.
        speed: seconds of the plan that pass in one second.
    """

    faults: Sequence[ChosenFault] = ()
    rate_per_s: float = 50.0
    downloads: int = 4
    download_s: float = 5.0
    speed: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Rehearsed:
    """A result, and the run's history where there was a run."""

    result: Result
    history: History | None = None


class FastClock:
    """A clock that goes faster than the machine's by a factor."""

    def __init__(self, speed: float) -> None:
        self._speed = speed
        self._epoch_s, self._since_s = time.time(), time.monotonic()

    def monotonic_s(self) -> float:
        return (time.monotonic() - self._since_s) * self._speed

    def time_s(self) -> float:
        return self._epoch_s + self.monotonic_s()

    def sleep(self, seconds: float) -> None:
        if seconds > 0:
            time.sleep(seconds / self._speed)


def rehearse(
    spec: Spec,
    exports: Mapping[str, Mapping[str, Any]],
    options: RehearsalOptions,
    *,
    on_event: Callable[[str], None],
) -> Rehearsed:
    """Build the lab, run the plan under load with the faults, and say what was seen.

    Args:
        exports: by LoadMaster, as ``kempsdk.configuration.export`` gives them.
        on_event: told in words what happens; called from several threads.

    Raises:
        CannotRehearse: the lab has nothing like it.
        IsolationUnavailable: this machine does not let us make namespaces.
        OrchestratorError: a part of the lab did not start.
    """
    site = lay_out(spec, exports)
    with ExitStack() as stack:
        lab = stack.enter_context(Lab(len(site.servers)))
        stack.enter_context(lab.namespaces["admin"].entered())
        return _Rehearsal(site, lab, options, stack, on_event).play()


class _Rehearsal:
    def __init__(
        self,
        site: Site,
        lab: Lab,
        options: RehearsalOptions,
        stack: ExitStack,
        on_event: Callable[[str], None],
    ) -> None:
        self._site, self._lab, self._options, self._tell = site, lab, options, on_event
        self._sources = lab.more_clients(8)
        self._web = WebServers(lab, site.servers.values())
        self._boxes = {
            name: stack.enter_context(
                LabLoadMaster(lab, layer=None, port=_FIRST_PORT + number, time_scale=options.speed)
            )
            for number, name in enumerate(site.loadmasters)
        }
        self._clients: Mapping[str, LoadMaster] = {
            name: stack.enter_context(box.client()) for name, box in self._boxes.items()
        }
        self._driver = LabDriver(
            NetlinkDriver(), self._web, {one.name: one.station for one in site.servers.values()}
        )
        self._store = stack.enter_context(Store(lab.directory / "runs"))
        self._events: list[Event] = []
        self._hosts = {
            station.name: host
            for station, host in zip(lab.topology.servers, lab.hosts, strict=True)
        }

    def play(self) -> Rehearsed:
        self._build()
        spec = self._spec()
        adapters = self._adapters()
        try:
            plan = make_plan(spec, read_facts(spec, adapters))
        except (GateRefused, RuleViolated) as refused:
            return self._refused(refused)
        if plan.empty:
            missed = tuple(
                FaultResult(name=one.info.name, server=one.server or "any server", struck=False)
                for one in self._options.faults
            )
            return self._concluded(
                Result(**self._about(), state="nothing to do", reason="", faults=missed)
            )
        trouble = Trouble(
            self._options.faults,
            plan,
            self._lab,
            self._boxes,
            self._driver.stations,
            self._sources,
            speed=self._options.speed,
        )
        self._driver.trouble = trouble
        return self._run(plan, adapters, trouble)

    # -- building

    def _build(self) -> None:
        site = self._site
        self._tell(f"building {len(site.servers)} servers and {len(self._boxes)} LoadMasters")
        for server in site.servers.values():
            self._web.restart(server.station, version="1")
        for station in self._hosts:
            self._furnish(station)
        for name, box in site.loadmasters.items():
            apply(self._clients[name], box.data(site.addresses))
        self._wait_until_up()

    def _furnish(self, station: str) -> None:
        """Bring a server to what it must be for the services that it is in already."""
        host = self._hosts[station]
        found: dict[MethodName, list[VsRef]] = {}
        for name, box in self._site.loadmasters.items():
            for ref, one in box.services.items():
                if any(
                    self._site.addresses[rs.ref.address] == host.address for rs in one.real_servers
                ):
                    method: MethodName = (
                        "loopback" if is_direct(one) else self._method(station, name, ref)
                    )
                    if method == "none" and one.settings.get("transparent"):
                        method = "gateway"
                    found.setdefault(method, []).append(moved(ref, self._site.addresses))
        parts = [
            Part(
                method=method,
                wanted=Wanted(
                    host=host,
                    services=tuple(refs),
                    gateway=self._lab.lb_address if method == "gateway" else None,
                ),
            )
            for method, refs in found.items()
        ]
        sections = frozenset().union(*(part.how.sections for part in parts))
        changes = plan_add(self._driver.read(host, sections), parts)
        if changes:
            self._driver.apply(host, changes)

    def _method(self, station: str, loadmaster: str, ref: VsRef) -> MethodName:
        server = next(one for one in self._site.servers.values() if one.station == station)
        return method_of(self._site.spec, server.name, loadmaster, ref)

    def _wait_until_up(self) -> None:
        """Wait until the LoadMasters call their enabled servers up, as far as they will."""
        deadline = time.monotonic() + _PATIENCE_S
        while down := self._down():
            if time.monotonic() > deadline:
                raise OrchestratorError(f"not up in the lab: {', '.join(down)}")
            time.sleep(0.5)

    def _down(self) -> list[str]:
        return [
            f"{rs.ref} in {vs.ref}"
            for lm in self._clients.values()
            for vs in lm.virtual_services.list()
            if vs.enabled
            for rs in vs.real_servers
            if rs.enabled and rs.status is RsStatus.DOWN and vs.check_type is not CheckType.NONE
        ]

    def _spec(self) -> Spec:
        lab = self._lab
        hosts = {
            name: {
                "address": host.address,
                "driver": "netlink",
                "namespace": host.namespace,
                "root": host.root,
            }
            for name, host in self._hosts.items()
        }
        boxes = {
            name: {"url": box.url, "tls_pin": box.fingerprint, "segment_address": lab.lb_address}
            for name, box in self._boxes.items()
        }
        return spec_from_data(
            lab_spec(self._site, gateway=lab.lb_address, loadmasters=boxes, hosts=hosts)
        )

    def _adapters(self) -> Adapters:
        return Adapters(
            loadmaster=self._clients.__getitem__,
            driver=lambda _host: self._driver,
            clock=FastClock(self._options.speed),
            segment=SegmentProbe(BRIDGE),
            here=self._driver.here,
            web=_ask_lab,
        )

    # -- running

    def _run(self, plan: Plan, adapters: Adapters, trouble: Trouble) -> Rehearsed:
        with ExitStack() as stack:
            loads = {
                name: stack.enter_context(LoadRun(self._lab, options))
                for name, options in self._loads().items()
            }
            time.sleep(_QUIET_S)
            phases = RunPhases(plan, loads.values())
            health = stack.enter_context(HealthWatch(self._boxes, speed=self._options.speed))
            stack.enter_context(trouble.begun())
            self._tell(f"running the plan: {plan.title}")

            def heard(event: Event) -> None:
                self._events.append(event)
                self._approve(event, adapters)
                phases.on_event(event)
                trouble.on_event(event)
                if event.kind not in ("waiting", "healthy", "acting"):
                    self._tell(" ".join(filter(None, (event.server, event.kind, event.text))))

            stop = threading.Event()
            report = run_rollout(
                plan, adapters, self._store, on_event=heard, run_id=_RUN, stop=stop
            )
            if stop.is_set():
                raise KeyboardInterrupt  # the run took it for a wish to pause
            time.sleep(_QUIET_S)
            counted = {name: load.stop() for name, load in loads.items()}
        seen = tuple(traffic(name, one) for name, one in counted.items())
        for name, one in counted.items():
            self._store.add_event(event_of(_RUN, adapters.clock.time_s(), measured(name, one)))
        told = history(report_of(_RUN, self._store), self._events)
        ended_s = report.ended_s or self._events[-1].at_s
        result = Result(
            **self._about(),
            state=report.state,
            reason=report.reason,
            seconds=round(ended_s - report.started_s, 1),
            servers={one.name: one.outcome for one in report.hosts.values()},
            floors=tuple(
                LowestFloor(
                    service=self._in_production(one.service),
                    lowest=health.lowest[one.service],
                    asked=int(one.floor),
                )
                for one in told.health
            ),
            traffic=seen,
            gates=fired(report),
            faults=trouble.results,
        )
        return self._concluded(result, told)

    def _loads(self) -> dict[str, LoadOptions]:
        """Return the load of every TCP service that is on and has a server in it."""
        options = self._options
        found = {
            f"{ref} on {name}": (moved(ref, self._site.addresses), one)
            for name, box in self._site.loadmasters.items()
            for ref, one in box.services.items()
            if ref.protocol is Protocol.TCP
            and one.settings.get("enable", True)
            and any(rs.settings.get("enable", True) for rs in one.real_servers)
        }
        return {
            name: LoadOptions(
                address=ref.address,
                port=ref.port,
                rate_per_s=options.rate_per_s / len(found),
                downloads=options.downloads,
                # At least so long that it can be cut.
                download_s=max(1.0, options.download_s / options.speed),
                phase="before",
                sources=self._sources,
                cookies="cook" in str(one.settings.get("persist", "")),
                max_seconds=24 * 3600,
                max_requests=10_000_000,
            )
            for name, (ref, one) in found.items()
        }

    def _approve(self, event: Event, adapters: Adapters) -> None:
        if event.kind == "step-started" and event.step and event.step.endswith("/approve"):
            with suppress(AlreadyAsked):
                self._store.requests.ask(
                    _RUN,
                    RequestKind.APPROVE,
                    event.server or "",
                    asked_by="the rehearsal",
                    now_s=adapters.clock.time_s(),
                )

    # -- telling

    def _about(self) -> dict[str, Any]:
        return {
            "kind": rollout_of(self._site.spec).kind,
            "speed": self._options.speed,
            "addresses": self._site.addresses,
            "notes": self._site.notes,
        }

    def _refused(self, refused: OrchestratorError) -> Rehearsed:
        return self._concluded(Result(**self._about(), state="refused", reason=str(refused)))

    def _in_production(self, service: str) -> str:
        """Return the real name of a service, from ``tcp/ADDRESS:PORT on NAME``."""
        text, _, name = service.partition(" on ")
        for ref in self._site.loadmasters[name].services:
            if str(moved(ref, self._site.addresses)) == text:
                return f"{ref} on {name}"
        return service

    def _concluded(self, result: Result, told: History | None = None) -> Rehearsed:
        return Rehearsed(result=judged(result), history=told)


def _ask_lab(request: WebRequest) -> WebAnswer:
    """Ask for a page of a service in the lab; a hook over HTTP is not called."""
    if "Kemp-Token" in request.headers:
        return WebAnswer(status=200, failure="", seconds=0.0, text="rehearsed, not called")
    # The lab's servers speak no TLS.
    plain = request.url.replace("https://", "http://", 1)
    return ask_web(dataclasses.replace(request, url=plain))
