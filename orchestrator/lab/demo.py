"""The whole story in one lab: servers are added, rolled and removed under load, with evidence.

Needs to run inside :mod:`orchestrator.lab.isolation`: what it starts it leaves to that world
to end. Prints nothing: what happens is told to a callback, what was measured is returned.
"""

import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass

from kempsdk import LoadMaster, RsStatus
from kempsdk.clock import SystemClock
from orchestrator.hosts.driver import Host, HostDriver
from orchestrator.hosts.netlink import NetlinkDriver
from orchestrator.hosts.ssh import SshDriver
from orchestrator.lab.demo_events import DemoEvent, Teller
from orchestrator.lab.demo_rollouts import DemoRollouts, StoryEnded
from orchestrator.lab.evidence import Invariant, Measured, invariants
from orchestrator.lab.lab import Lab
from orchestrator.lab.load import LoadOptions, LoadRun
from orchestrator.lab.loadmaster import LabLoadMaster
from orchestrator.lab.recorder import ReplyRecorder
from orchestrator.lab.repetition import repeating
from orchestrator.lab.rollout_file import PORT, lab_service
from orchestrator.lab.ssh_access import use_ssh_config
from orchestrator.lab.station import Init
from orchestrator.lab.systemd_host import SystemdOptions
from orchestrator.lab.topology import BRIDGE
from orchestrator.lab.web_control import WebControl
from orchestrator.lab.wrong_order import Broken, WrongOrder
from orchestrator.probes.arp import ArpWatch, ask_who_has
from orchestrator.probes.segment import SegmentProbe
from orchestrator.rollout.adapters import Adapters, run_here
from orchestrator.rollout.history import History
from orchestrator.rollout.store import Store

_ASK_EVERY_S = 0.5
_LOOK_EVERY_S = 1.0

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
        self._kemp = kemp
        self._driver = driver
        self._teller = Teller(on_event)
        self._web = WebControl(lab, driver)
        self._service = lab_service(lab)
        self._healthy: list[int] = []
        self._rolling = threading.Event()
        self._refusals: tuple[str, ...] = ()
        adapters = Adapters(
            loadmaster=lambda _name: lm,
            driver=lambda _host: driver,
            clock=SystemClock(),
            segment=SegmentProbe(BRIDGE),
            here=run_here,
        )
        self._rollouts = DemoRollouts(lab, box, store, adapters, self._teller)

    # -- the story

    def play(self) -> DemoResult:
        lab, names = self._lab, [host.name for host in self._lab.hosts]
        self._teller.stage(f"a lab: client, router, load balancer and {len(names)} servers")
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
            recording.enter_context(repeating(self._ask, _ASK_EVERY_S))
            self._teller.stage(f"add {names[0]}")
            self._rollouts.run("add", names[:1], name="add the first")
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
            recording.enter_context(repeating(lambda: self._look(load), _LOOK_EVERY_S))
            with suppress(StoryEnded):  # the evidence says what went wrong
                if self._options.broken is None:
                    self._right_order(names, load)
                else:
                    self._refusals = self._wrong_order().play(self._options.broken, load)
            result = load.stop()
        self._rollouts.keep(result)
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
            steps=self._rollouts.steps,
            outcomes=self._rollouts.outcomes,
            lowest_healthy=min(self._healthy, default=None),
            gone=gone,
            seconds=self._teller.seconds(),
        )
        return DemoResult(
            options=self._options,
            measured=measured,
            invariants=invariants(measured, rolled=self._options.broken is None),
            refusals=self._refusals,
            roll=self._rollouts.history("roll"),
        )

    def _create_service(self) -> None:
        arguments = ["vs", "create", self._lab.vip, str(PORT), "--protocol", "tcp"]
        arguments += ["--name", "web", "--l4", "--check", "http", "--check-url", "/health"]
        self._teller.stage("kemp " + " ".join(arguments))
        self._kemp(
            arguments,
            {
                "KEMP_URL": self._box.url,
                "KEMP_API_KEY": self._box.api_key,
                "KEMP_TLS_PIN": self._box.fingerprint,
            },
        )

    def _right_order(self, names: Sequence[str], load: LoadRun) -> None:
        self._teller.stage(f"add {', '.join(names[1:])} under load")
        self._rollouts.run("add", names[1:], name="add the others", load=load)
        if self._lab.machines:
            self._teller.stage(f"reboot {', '.join(names)}, one at a time")
        else:
            self._teller.stage(f"roll {', '.join(names)} to version 2, one at a time")
        self._rolling.set()
        self._rollouts.run(
            "reboot" if self._lab.machines else "roll", names, name="roll", load=load
        )
        self._rolling.clear()
        self._teller.stage(f"drain and remove {names[-1]}")
        self._rollouts.run("remove", names[-1:], name="remove", load=load)
        load.phase("afterwards")
        time.sleep(_LOOK_EVERY_S)

    def _wrong_order(self) -> WrongOrder:
        return WrongOrder(
            self._lab, self._lm, self._driver, self._web, self._rollouts, self._teller
        )

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
        self._teller.load(
            f"{counts.total} requests, {counts.failed} failed, {healthy} servers healthy",
            total=counts.total,
            failed=counts.failed,
            healthy=healthy,
            by_server=dict(counts.by_server),
        )
