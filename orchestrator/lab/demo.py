"""The whole story in one lab: servers are added, rolled and removed under load, with evidence.

Needs to run inside :mod:`orchestrator.lab.isolation`: what it starts it leaves to that world
to end. Prints nothing: what happens is told to a callback, what was measured is returned.
"""

import dataclasses
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from typing import Any, Literal

import yaml

from kempsdk import Forward, LoadMaster, RsRef, RsStatus
from kempsdk.clock import SystemClock
from orchestrator.errors import OrchestratorError
from orchestrator.hosts.changes import AddAddress
from orchestrator.hosts.driver import Host, HostDriver
from orchestrator.hosts.netlink import NetlinkDriver
from orchestrator.hosts.ssh import SshDriver
from orchestrator.hosts.state import HostAddress
from orchestrator.inventory import load_spec
from orchestrator.lab.evidence import Invariant, Measured, StepTime, invariants
from orchestrator.lab.lab import Lab
from orchestrator.lab.load import LoadOptions, LoadResult, LoadRun
from orchestrator.lab.loadmaster import LabLoadMaster
from orchestrator.lab.recorder import ReplyRecorder
from orchestrator.lab.rollout_file import PORT, lab_service, rollout_file
from orchestrator.lab.run_phases import RunPhases, measured
from orchestrator.lab.ssh_access import use_ssh_config
from orchestrator.lab.station import Init
from orchestrator.lab.systemd_host import SystemdOptions
from orchestrator.lab.topology import BRIDGE
from orchestrator.lab.web_control import WebControl
from orchestrator.probes.arp import ArpWatch, ask_who_has
from orchestrator.probes.segment import SegmentProbe
from orchestrator.rollout.adapters import Adapters, run_here
from orchestrator.rollout.facts import read_facts
from orchestrator.rollout.history import History, history
from orchestrator.rollout.measured import event_of
from orchestrator.rollout.plan import Plan, StepKind
from orchestrator.rollout.planner import make_plan
from orchestrator.rollout.records import Event
from orchestrator.rollout.report import RunReport
from orchestrator.rollout.report import report as report_of
from orchestrator.rollout.run import run_rollout
from orchestrator.rollout.store import Store

Broken = Literal["arp-order", "enable-first"]

_ASK_EVERY_S = 0.5
_LOOK_EVERY_S = 1.0
_HIJACKED_S = 4.0
_ENABLED_FIRST_S = 6.0
_OUTAGE_S = 1.5
_ARP_TRIES = 20
_ARP_WAIT_S = 0.2

Kemp = Callable[[Sequence[str], Mapping[str, str]], None]
"""Runs the ``kemp`` command with these arguments and this environment; raises if it fails."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoOptions:
    """What to show.

    Attributes:
        hosts: real servers, 2 or more.
        init: systemd: servers that boot, reached over ssh; the roll reboots them. Needs root.
        broken: a wrong order to show on purpose, instead of the rollouts.
        rate_per_s: HTTP requests begun per second.
        time_scale: the virtual LoadMaster's seconds per real second.
    """

    hosts: int = 3
    init: Init = "none"
    broken: Broken | None = None
    rate_per_s: float = 100.0
    time_scale: float = 6.0

    def __post_init__(self) -> None:
        if not 2 <= self.hosts <= 8:
            raise ValueError(f"the demonstration takes 2 to 8 servers, not {self.hosts}")


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoEvent:
    """Something to show while it runs.

    Attributes:
        kind: ``stage`` begins a part of the story, ``note`` explains, ``load`` carries the
            counts so far, ``rollout`` passes an event of a rollout on.
        data: counts of a ``load`` event, or the rollout event's own fields.
    """

    kind: Literal["stage", "note", "load", "rollout"]
    text: str
    at_s: float
    data: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoResult:
    """How it ended.

    Attributes:
        refusals: what the product said when it was handed the wrong order.
        roll: the run in the middle of the story, with the requests that it saw; None where
            it did not come to that.
    """

    options: DemoOptions
    measured: Measured
    invariants: tuple[Invariant, ...]
    refusals: tuple[str, ...]
    roll: History | None = None

    @property
    def held(self) -> bool:
        """Return whether every invariant held."""
        return all(one.held for one in self.invariants)


def run_demo(
    options: DemoOptions, *, kemp: Kemp, on_event: Callable[[DemoEvent], None]
) -> DemoResult:
    """Build the lab, do the main job under load, and measure.

    Args:
        kemp: creates the virtual service as an operator would.
        on_event: called from several threads; must not raise.

    Raises:
        IsolationUnavailable: this machine does not let us make namespaces.
        OrchestratorError: a part of the lab did not start.
        KempError: the virtual LoadMaster refused something.
    """
    with ExitStack() as stack:
        boots = options.init == "systemd"
        lab = stack.enter_context(Lab(options.hosts, systemd=SystemdOptions() if boots else None))
        # The operator's station: clients, probes and rollouts of this process work from there.
        stack.enter_context(lab.namespaces["admin"].entered())
        box = stack.enter_context(LabLoadMaster(lab, time_scale=options.time_scale))
        lm = stack.enter_context(box.client())
        store = stack.enter_context(Store(lab.directory / "runs"))
        driver: HostDriver = NetlinkDriver()
        if boots:
            use_ssh_config(lab.ssh_config)
            driver = stack.enter_context(SshDriver())
        return _Demo(options, lab, box, lm, store, driver, kemp, on_event).play()


def _prefix(name: str) -> str:
    """Return how the phases of the load are named while a rollout goes on."""
    return f"{name}: "


class _StoryEnded(OrchestratorError):
    """A rollout failed: what follows would build on it."""


class _Demo:
    def __init__(
        self,
        options: DemoOptions,
        lab: Lab,
        box: LabLoadMaster,
        lm: LoadMaster,
        store: Store,
        driver: HostDriver,
        kemp: Kemp,
        on_event: Callable[[DemoEvent], None],
    ) -> None:
        self._options = options
        self._lab = lab
        self._box = box
        self._lm = lm
        self._store = store
        self._kemp = kemp
        self._on_event = on_event
        self._started = time.monotonic()
        self._started_s = time.time()
        self._driver = driver
        self._web = WebControl(lab, driver)
        self._service = lab_service(lab)
        self._steps: list[StepTime] = []
        self._outcomes: dict[str, dict[str, str]] = {}
        self._healthy: list[int] = []
        self._rolling = threading.Event()
        self._refusals: list[str] = []
        self._runs: dict[str, str] = {}
        self._adapters = Adapters(
            loadmaster=lambda _name: lm,
            driver=lambda _host: self._driver,
            clock=SystemClock(),
            segment=SegmentProbe(BRIDGE),
            here=run_here,
        )

    # -- telling

    def _tell(
        self, kind: Literal["stage", "note", "load", "rollout"], text: str, **data: Any
    ) -> None:
        at_s = time.monotonic() - self._started
        self._on_event(DemoEvent(kind=kind, text=text, at_s=at_s, data=data))

    def _tell_rollout(self, event: Event) -> None:
        self._tell("rollout", event.text, event=event.kind, server=event.server, step=event.step)

    # -- the story

    def play(self) -> DemoResult:
        lab, names = self._lab, [host.name for host in self._lab.hosts]
        self._tell("stage", f"a lab: client, router, load balancer and {len(names)} servers")
        for host in lab.hosts:
            self._web.start(host)
        self._create_service()
        with ExitStack() as recording:
            watch = recording.enter_context(ArpWatch(BRIDGE, lab.vip))
            returned = recording.enter_context(
                ReplyRecorder(lab.namespaces["lb"], lab.interface, lab.vip)
            )
            straight = recording.enter_context(
                ReplyRecorder(lab.namespaces["router"], lab.interface, lab.vip)
            )
            recording.enter_context(self._repeating(self._ask, _ASK_EVERY_S))
            self._tell("stage", f"add {names[0]}")
            self._rollout("add", names[:1], name="add the first")
            load = recording.enter_context(
                LoadRun(
                    lab,
                    LoadOptions(
                        address=lab.vip,
                        port=PORT,
                        rate_per_s=self._options.rate_per_s,
                        phase="adding",
                    ),
                )
            )
            recording.enter_context(self._repeating(lambda: self._look(load), _LOOK_EVERY_S))
            with suppress(_StoryEnded):  # the evidence says what went wrong
                if self._options.broken is None:
                    self._rollouts(names, load)
                else:
                    self._wrong_order(names, load)
            result = load.stop()
        self._keep(result)
        heard = watch.evidence()
        gone = {} if self._options.broken else {names[-1]: self._carried(lab.hosts[-1])}
        measured = Measured(
            servers={host.name: host.address for host in lab.hosts},
            load=result,
            answered=self._by_station(heard.answers),
            claimed=self._by_station(heard.claims),
            arp_dropped=heard.dropped,
            returned=returned.evidence().packets,
            returned_missed=returned.evidence().missed,
            replies=self._by_station(straight.evidence().by_source_mac),
            steps=self._steps,
            outcomes=self._outcomes,
            lowest_healthy=min(self._healthy, default=None),
            gone=gone,
            seconds=time.monotonic() - self._started,
        )
        return DemoResult(
            options=self._options,
            measured=measured,
            invariants=invariants(measured, rolled=self._options.broken is None),
            refusals=tuple(self._refusals),
            roll=self._history("roll"),
        )

    def _create_service(self) -> None:
        arguments = ["vs", "create", self._lab.vip, str(PORT), "--protocol", "tcp"]
        arguments += ["--name", "web", "--l4", "--check", "http", "--check-url", "/health"]
        self._tell("stage", "kemp " + " ".join(arguments))
        self._kemp(
            arguments,
            {
                "KEMP_URL": self._box.url,
                "KEMP_API_KEY": self._box.api_key,
                "KEMP_TLS_PIN": self._box.fingerprint,
            },
        )

    def _rollouts(self, names: Sequence[str], load: LoadRun) -> None:
        self._tell("stage", f"add {', '.join(names[1:])} under load")
        self._rollout("add", names[1:], name="add the others", load=load)
        if self._lab.machines:
            self._tell("stage", f"reboot {', '.join(names)}, one at a time")
        else:
            self._tell("stage", f"roll {', '.join(names)} to version 2, one at a time")
        self._rolling.set()
        self._rollout("reboot" if self._lab.machines else "roll", names, name="roll", load=load)
        self._rolling.clear()
        self._tell("stage", f"drain and remove {names[-1]}")
        self._rollout("remove", names[-1:], name="remove", load=load)
        load.phase("afterwards")
        time.sleep(_LOOK_EVERY_S)

    # -- the wrong order, on purpose

    def _wrong_order(self, names: Sequence[str], load: LoadRun) -> None:
        victim = self._lab.hosts[-1]
        others = names[1:-1]
        if others:
            self._tell("stage", f"add {', '.join(others)} under load, in the right order")
            self._rollout("add", others, name="add the others")
        load.phase("right order")
        time.sleep(2 * _LOOK_EVERY_S)
        load.phase("wrong order")
        if self._options.broken == "arp-order":
            self._vip_before_silence(victim)
            keep = [StepKind.VERIFY_HOST, StepKind.ADD_SERVER, StepKind.ENABLE]
        else:
            self._enable_before_vip(victim)
            keep = [StepKind.ENABLE]
        load.phase("refused")
        self._tell("stage", "the same order, handed to kemp as a plan")
        self._refuse(victim.name, keep)

    def _vip_before_silence(self, victim: Host) -> None:
        self._tell("stage", f"by hand: VIP on {victim.name}, ARP not silenced")
        vip = HostAddress(address=self._lab.vip, prefix=32, interface="lo", label="lo:0")
        self._driver.apply(victim, [AddAddress(address=vip)])
        self._tell("note", "the router's ARP entry for the VIP runs out, and it asks again")
        # Both answer, and the first answer counts: usually the host's kernel, not always.
        for _ in range(_ARP_TRIES):
            self._lab.forget_neighbour("router", self._lab.vip)
            time.sleep(_ARP_WAIT_S)
            if self._lab.neighbour("router", self._lab.vip) == self._lab.macs[victim.name]:
                break
        time.sleep(_HIJACKED_S)
        self._tell(
            "note", f"{victim.name} is in no rotation, so its web server is stopped for a moment"
        )
        self._web.stop(victim)
        time.sleep(_OUTAGE_S)
        self._web.start(victim)

    def _enable_before_vip(self, victim: Host) -> None:
        self._tell("stage", f"by hand: {victim.name} enabled before it has the VIP")
        began_s = time.monotonic() - self._started
        self._lm.real_servers.add(
            self._service, RsRef(victim.address, PORT), forward=Forward.ROUTE, enable=True
        )
        self._steps.append(
            StepTime(
                run="by hand",
                server=victim.name,
                step="enable",
                status="done",
                began_s=began_s,
                seconds=time.monotonic() - self._started - began_s,
            )
        )
        self._tell("note", "its health check passes: that goes to its own address")
        time.sleep(_ENABLED_FIRST_S)
        self._lm.real_servers.disable_in(self._service, RsRef(victim.address, PORT))

    def _refuse(self, victim: str, keep: Sequence[StepKind]) -> None:
        """Run the product's own plan for the server, less the steps that make it safe."""
        plan = self._plan("add", [victim])
        servers = tuple(
            dataclasses.replace(one, steps=tuple(step for step in one.steps if step.kind in keep))
            for one in plan.servers
        )
        report = run_rollout(
            dataclasses.replace(plan, servers=servers),
            self._adapters,
            self._store,
            on_event=self._tell_rollout,
        )
        for step in report.hosts[victim].steps:
            if step.gate is not None:
                self._refusals.append(f"gate {step.gate} refused {step.id}: {step.reason}")

    # -- rollouts

    def _rollout(
        self, kind: str, hosts: Sequence[str], *, name: str, load: LoadRun | None = None
    ) -> None:
        plan = self._plan(kind, hosts)
        phases = RunPhases(plan, [load] if load else [], prefix=_prefix(name))

        def heard(event: Event) -> None:
            phases.on_event(event)
            self._tell_rollout(event)

        report = run_rollout(plan, self._adapters, self._store, on_event=heard)
        self._runs[name] = report.run_id
        self._outcomes[name] = {one.name: one.outcome for one in report.hosts.values()}
        self._steps += self._times(name, report)
        if report.finished:
            return
        if not any(one.outcome == "failed" for one in report.hosts.values()):
            # A rollout takes Ctrl-C as a wish to pause; here it ends the whole story.
            raise KeyboardInterrupt
        self._tell("note", f"the rollout stopped: {report.reason}")
        raise _StoryEnded(f"{name}: {report.reason}")

    def _keep(self, load: LoadResult) -> None:
        """Keep with each run the requests that began while it went on."""
        for name, run_id in self._runs.items():
            found = measured(f"{self._service} on lb", load, prefix=_prefix(name))
            if found.sent:
                self._store.add_event(event_of(run_id, time.time(), found))

    def _history(self, name: str) -> History | None:
        if name not in self._runs:
            return None
        run_id = self._runs[name]
        events = [one for _, one in self._store.events(run_id)]
        return history(report_of(run_id, self._store), events)

    def _times(self, run: str, report: RunReport) -> Iterator[StepTime]:
        for host in report.hosts.values():
            for step in host.steps:
                if step.started_s is not None:
                    yield StepTime(
                        run=run,
                        server=host.name,
                        step=step.id.rpartition("/")[2],
                        status=step.status,
                        began_s=step.started_s - self._started_s,
                        seconds=step.seconds or 0.0,
                    )

    def _plan(self, kind: str, hosts: Sequence[str]) -> Plan:
        path = self._lab.directory / f"{kind}.yaml"
        path.write_text(
            yaml.safe_dump(rollout_file(self._lab, self._box, kind, hosts), sort_keys=False)
        )
        spec = load_spec(path)
        return make_plan(spec, read_facts(spec, self._adapters))

    # -- measuring

    def _carried(self, host: Host) -> list[str]:
        """Return what a removed server still has of the service."""
        state = self._driver.read(host)
        left = [
            f"{one.address} on {one.interface}"
            for one in state.addresses
            if one.address == self._lab.vip
        ]
        left += [
            f"{key} is {value}"
            for key, value in state.sysctls.items()
            if key.rpartition("/")[2] in ("arp_ignore", "arp_announce") and value != 0
        ]
        listed = self._lm.virtual_services.get(self._service).real_servers
        left += [f"{rs.ref} on the LoadMaster" for rs in listed if rs.ref.address == host.address]
        return left

    def _by_station(self, counts: Mapping[str, int]) -> dict[str, int]:
        names = {mac: name for name, mac in self._lab.macs.items()}
        tally: Counter[str] = Counter()
        for mac, count in counts.items():
            tally[names.get(mac, mac)] += count
        return dict(tally)

    def _ask(self) -> None:
        """Ask who has the VIP, everybody and each server alone; the watch hears the answers."""
        servers = [self._lab.macs[host.name] for host in self._lab.hosts]
        ask_who_has(self._lab.vip, BRIDGE, rounds=1, window_s=0.05, unicast_to=servers)

    def _look(self, load: LoadRun) -> None:
        counts = load.progress()
        listed = self._lm.virtual_services.get(self._service).real_servers
        healthy = sum(1 for rs in listed if rs.enabled and rs.status is RsStatus.UP)
        if self._rolling.is_set():
            self._healthy.append(healthy)
        self._tell(
            "load",
            f"{counts.total} requests, {counts.failed} failed, {healthy} servers healthy",
            total=counts.total,
            failed=counts.failed,
            healthy=healthy,
            by_server=dict(counts.by_server),
        )

    @contextmanager
    def _repeating(self, what: Callable[[], None], every_s: float) -> Iterator[None]:
        """Do something again and again beside the story; a failure there is one of the demo."""
        ended = threading.Event()
        failures: list[Exception] = []

        def repeat() -> None:
            while not ended.is_set():
                try:
                    what()
                except Exception as error:  # noqa: BLE001 - raised where the story ends
                    failures.append(error)
                    return
                ended.wait(every_s)

        thread = threading.Thread(target=repeat, daemon=True)
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join()
        if failures:
            raise failures[0]
