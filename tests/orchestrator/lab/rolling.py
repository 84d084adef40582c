"""A lab whose servers are rolled under load, and what the load had to say about it."""

import dataclasses
import os
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import yaml

from kempsdk import CheckType, LoadMaster, Persist, RsRef, RsStatus, Schedule, VsRef
from kempsdk.clock import SystemClock
from kempsdk.emulator import CallRecord
from kempsdk.settings import VsSettings
from orchestrator.hosts.netlink import NetlinkDriver
from orchestrator.inventory import load_spec
from orchestrator.lab.lab import Lab
from orchestrator.lab.load import LoadOptions, LoadResult, LoadRun
from orchestrator.lab.loadmaster import LabLoadMaster
from orchestrator.lab.rollout_file import PORT, rollout_file
from orchestrator.lab.topology import BRIDGE
from orchestrator.lab.web_control import WebControl
from orchestrator.lab.webservice import PID_FILE, argv
from orchestrator.probes.segment import SegmentProbe
from orchestrator.rollout.adapters import Adapters, run_here
from orchestrator.rollout.facts import read_facts
from orchestrator.rollout.plan import Plan, StepKind
from orchestrator.rollout.planner import make_plan
from orchestrator.rollout.records import Event
from orchestrator.rollout.report import RunReport
from orchestrator.rollout.run import run_rollout
from orchestrator.rollout.store import Store
from tests.orchestrator.call_limits import assert_frugal, busiest, changes
from tests.soak import LONG

# The short form shares its processors with other tests, and the proxy is a program in Python.
RATE_PER_S, DOWNLOADS = (200.0, 20) if LONG else (60.0, 10)
DOWNLOAD_S = 3.0
CONNECTION_AGE_S = 1.0
_CLIENTS = 24
_TIME_SCALE = 20.0
_DRAIN_S = 60
"""The appliance's shortest drain time: three real seconds here."""

KINDS: dict[str, tuple[Schedule, Persist]] = {
    "direct": (Schedule.ROUND_ROBIN, Persist.NONE),
    "round-robin": (Schedule.ROUND_ROBIN, Persist.NONE),
    "weighted": (Schedule.WEIGHTED_ROUND_ROBIN, Persist.NONE),
    "least-connection": (Schedule.LEAST_CONNECTION, Persist.NONE),
    "source": (Schedule.ROUND_ROBIN, Persist.SRC),
    "cookie": (Schedule.ROUND_ROBIN, Persist.ACTIVE_COOKIE),
}
PROXIED = tuple(name for name in KINDS if name != "direct")


@dataclass(frozen=True, slots=True, kw_only=True)
class Rolled:
    """A rollout under load, as everybody saw it.

    Attributes:
        report: None where it was done by hand.
        calls: of the rollout, from the LoadMaster's log.
        loads: one for each service.
        names: the servers' names by address.
    """

    report: RunReport | None
    calls: tuple[CallRecord, ...]
    loads: tuple[LoadResult, ...]
    seconds: float
    names: dict[str, str]

    @property
    def across(self) -> int:
        """How many downloads lasted from before their server was disabled until after it."""
        return sum(
            1
            for one in self.calls
            if one.command == "modrs" and one.params.get("enable") == "N"
            for load in self.loads
            for download in load.downloads
            if self.names[one.params["rs"]] == download.server
            and download.began_s < one.time_s < download.ended_s
        )

    def __str__(self) -> str:
        total = sum(load.total for load in self.loads)
        failed = sum(load.failed for load in self.loads)
        downloads = sum(len(load.downloads) for load in self.loads)
        cut = sum(len(load.cut) for load in self.loads)
        worst = max((load.latency_p99_ms or 0 for load in self.loads), default=0)
        late = max((load.late_ms for load in self.loads), default=0)
        return (
            f"{total} requests, {failed} failed; {downloads} downloads, {self.across} across a "
            f"drain, {cut} cut; {self.seconds:.1f} s, p99 {worst:.0f} ms, begun up "
            f"to {late:.0f} ms late; at most "
            f"{max(changes(self.calls).values(), default=0)} changes of a server, "
            f"{busiest(self.calls)} calls in 3 s"
        )

    def assert_nobody_noticed(self) -> None:
        """Check that every request was answered and every download came."""
        for load in self.loads:
            assert load.failed == 0, load.failures
            assert not load.cut, load.cut

    def assert_unharmed(self) -> None:
        """Check that it ended well, unnoticed, and that the appliance was not asked too much."""
        assert self.report is not None
        assert self.report.finished, self.report.reason
        self.assert_nobody_noticed()
        assert self.across, "no download lasted across a drain: nothing was proven"
        assert_frugal(self.calls)


class RollingLab:
    """Servers in service behind a virtual LoadMaster, ready to be rolled. To be entered once."""

    def __init__(
        self,
        hosts: int,
        *,
        layer: Literal[4, 7],
        kinds: Sequence[str] = ("direct",),
        pair: bool = False,
        download_s: float = DOWNLOAD_S,
    ) -> None:
        self._hosts = hosts
        self._download_s = download_s
        self._pair = pair
        self._kinds = kinds
        self._layer = layer
        self._stack = ExitStack()

    def __enter__(self) -> "RollingLab":
        with ExitStack() as stack:
            self.lab = stack.enter_context(Lab(self._hosts, pair=self._pair))
            stack.enter_context(self.lab.namespaces["admin"].entered())
            self.driver = NetlinkDriver()
            stack.callback(self._end_web_servers)
            with ThreadPoolExecutor() as pool:
                list(pool.map(WebControl(self.lab, self.driver).start, self.lab.hosts))
            self.box = stack.enter_context(
                LabLoadMaster(self.lab, layer=self._layer, time_scale=_TIME_SCALE)
            )
            self.lm: LoadMaster = stack.enter_context(self.box.client())
            self._runs = 0
            self.loads: list[LoadRun] = []
            self._sources = self.lab.more_clients(_CLIENTS)
            self.services = {
                name: VsRef.parse(f"tcp/203.0.113.{250 - number}:{PORT}")
                for number, name in enumerate(self._kinds)
            }
            # A second of real time for an answer, and two tries: a busy machine is not down.
            self.lm.health_checks.update(timeout_s=20, retry_count=2, retry_interval_s=41)
            for name, vs in self.services.items():
                self._create(vs, *KINDS[name])
            self._put_in()
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def _end_web_servers(self) -> None:
        for host in self.lab.hosts:
            pid_file = Path(host.root) / PID_FILE
            if pid_file.exists():
                with suppress(ProcessLookupError):
                    os.kill(int(pid_file.read_text()), signal.SIGKILL)

    def _create(self, vs: VsRef, schedule: Schedule, persist: Persist) -> None:
        settings: VsSettings = {
            "schedule": schedule,
            "check_type": CheckType.HTTP,
            "check_url": "/health",
        }
        if persist is not Persist.NONE:
            settings |= {"persist": persist, "persist_timeout_s": 300}
        if self._layer == 4:
            settings["force_l4"] = True
        else:
            settings |= {"force_l7": True, "transparent": False}
        self.lm.virtual_services.create(vs, **settings)

    def _put_in(self) -> None:
        if self._layer == 4:
            # The way an operator would: hosts made ready and proven, then enabled.
            report = self.run(self.plan("add", batch="100%", max_unavailable="100%"))
            assert report.finished, report.reason
            return
        self.lm.parameters.set("finalpersist", _DRAIN_S)
        for name, vs in self.services.items():
            for number, host in enumerate(self.lab.hosts):
                weight = 1000 + 500 * (number % 3) if name == "weighted" else 1000
                self.lm.real_servers.add(vs, RsRef(host.address, PORT), weight=weight)
        self.until_up()

    def until_up(self) -> None:
        """Wait until every server of every service is up.

        Raises:
            AssertionError: it does not come to that in a minute.
        """
        deadline = time.monotonic() + 60
        while True:
            found = {
                rs.status for one in self.lm.virtual_services.list() for rs in one.real_servers
            }
            if found == {RsStatus.UP}:
                return
            assert time.monotonic() < deadline, found
            time.sleep(0.5)

    def put_back(self, host: str) -> None:
        """Enable a server in all services by hand, whatever state it is in."""
        address = next(one.address for one in self.lab.hosts if one.name == host)
        for vs in self.services.values():
            self.lm.real_servers.enable_in(vs, RsRef(address, PORT))
        self.until_up()

    # -- rollouts -----------------------------------------------------------------------

    def plan(
        self,
        kind: str,
        hosts: Sequence[str] | None = None,
        **more: Any,
    ) -> Plan:
        """Plan a rollout.

        Args:
            hosts: all of them, if not given.
            more: members of the file's ``rollout``.
        """
        names = [host.name for host in self.lab.hosts] if hosts is None else list(hosts)
        method: Literal["loopback", "none"] = "loopback" if self._layer == 4 else "none"
        data = rollout_file(self.lab, self.box, kind, names, method=method)
        service, pool = data["services"]["web"], data["pools"]["web"]
        data["services"] = {
            name: {**service, "service": str(vs)} for name, vs in self.services.items()
        }
        data["pools"] = {name: {**pool, "service": name} for name in self.services}
        rollout = data["rollout"]
        del rollout["pool"]
        rollout |= {
            "pools": list(self.services),
            "settle_s": 0.3,
            "drain": {"window_s": 0.8, "poll_s": 0.4, "deadline_s": 60},
            "min_healthy_s": 0.5,
            **more,
        }
        if kind == "roll":
            rollout["action"]["argv"] = self._crash_and_start()
        path = self.lab.directory / f"{kind}.yaml"
        path.write_text(yaml.safe_dump(data, sort_keys=False))
        spec = load_spec(path)
        return make_plan(spec, read_facts(spec, self._adapters))

    def _crash_and_start(self) -> list[str]:
        """Return what kills a host's server, so that whoever is still served is cut off."""
        root = Path(self.lab.hosts[0].root).parent / "{host}"
        start = argv("restart", root=root, name="{host}", version="2", port=PORT)
        script = f'kill -KILL "$(cat "$1/{PID_FILE}")"; shift; exec "$@"'
        return ["sh", "-c", script, "sh", str(root), *start]

    def run(self, plan: Plan, *, watch: Callable[[Event], None] = lambda _: None) -> RunReport:
        # A store of its own: a run that was refused keeps its locks, as it should.
        self._runs += 1
        with Store(self.lab.directory / f"runs-{self._runs}") as store:
            return run_rollout(plan, self._adapters, store, on_event=watch)

    @property
    def _adapters(self) -> Adapters:
        return Adapters(
            loadmaster=lambda _: self.lm,
            driver=lambda _: self.driver,
            clock=SystemClock(),
            segment=SegmentProbe(BRIDGE),
            here=run_here,
        )

    # -- load ---------------------------------------------------------------------------

    def roll(self, plan: Plan) -> Rolled:
        """Run a rollout under load."""
        return self.under_load(lambda: self.run(plan))

    def under_load(self, work: Callable[[], RunReport | None]) -> Rolled:
        """Do something to the lab under load, which is spread over the services."""
        share = 1 / len(self.services)
        with ExitStack() as stack:
            self.loads = [stack.enter_context(self._load(name, share)) for name in self.services]
            for load in self.loads:
                load.progress()
            # All downloads are under way from then on.
            time.sleep(self._download_s)
            before, began_s = len(self.box.calls()), time.monotonic()
            report = work()
            seconds = time.monotonic() - began_s
            calls = self.box.calls()[before:]
            time.sleep(0.5)
            results = tuple(load.stop() for load in self.loads)
        return Rolled(
            report=report,
            calls=calls,
            loads=results,
            seconds=seconds,
            names={host.address: host.name for host in self.lab.hosts},
        )

    @contextmanager
    def _load(self, service: str, share: float) -> Iterator[LoadRun]:
        options = LoadOptions(
            address=self.services[service].address,
            port=PORT,
            rate_per_s=RATE_PER_S * share,
            connection_age_s=CONNECTION_AGE_S,
            # Slow is no failure on a machine that has more to do.
            timeout_s=5.0,
            sources=self._sources,
            cookies=True,
            downloads=round(DOWNLOADS * share),
            download_s=self._download_s,
        )
        with LoadRun(self.lab, options) as load:
            yield load


def without(plan: Plan, kind: StepKind) -> Plan:
    """Return a plan that leaves something out."""
    servers = tuple(
        dataclasses.replace(one, steps=tuple(step for step in one.steps if step.kind is not kind))
        for one in plan.servers
    )
    return dataclasses.replace(plan, servers=servers)
