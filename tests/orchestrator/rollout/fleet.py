"""Many servers on many virtual LoadMasters, hosts in memory: for what only size shows.

``python -m tests.orchestrator.rollout.fleet CONFIG`` is one worker; the LoadMasters are in
another process. Each worker has hosts of its own: what matters of them is that they are
right, and a server belongs to one worker at a time.
"""

import json
import multiprocessing
import resource
import signal
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from kempsdk import ApiKey, Insecure, LoadMaster
from kempsdk.clock import Clock
from kempsdk.emulator import Switches, VirtualLoadMaster
from kempsdk.emulator.datapath import L4Service, ServerCounters
from orchestrator.hosts.driver import CommandResult, Host
from orchestrator.inventory import parse_spec
from orchestrator.probes.arp import ArpEvidence
from orchestrator.probes.vip_request import FrameEvidence, FrameOutcome
from orchestrator.rollout.adapters import Adapters, run_here
from orchestrator.rollout.facts import read_facts
from orchestrator.rollout.plan import Plan
from orchestrator.rollout.planner import make_plan
from orchestrator.rollout.records import Event
from orchestrator.rollout.run import run_rollout
from orchestrator.rollout.store import Store
from orchestrator.rollout.worker import Pace, Worker
from orchestrator.spec import Spec
from tests.fakes.host import FakeHostDriver, plain_host
from tests.orchestrator.hosts import by_loopback
from tests.orchestrator.rollout.world import FakeSegment, listener

LEAVING_S = 45.0
"""The connections of a disabled server end after this long."""

ACTION_S = 20.0
"""What is done to a drained server takes this long."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fleet:
    """How many there are, and how they are rolled.

    Attributes:
        each: servers of a LoadMaster. batch: servers worked on together.
    """

    loadmasters: int
    each: int
    batch: int

    @property
    def servers(self) -> int:
        return self.loadmasters * self.each

    def vip(self, box: int) -> str:
        return f"10.{box}.255.250"

    def address(self, box: int, number: int) -> str:
        return f"10.{box}.{number // 200}.{10 + number % 200}"

    def mac_of_box(self, box: int) -> str:
        return f"02:00:00:00:fe:{box:02x}"

    def mac(self, box: int, number: int) -> str:
        return f"02:00:00:{box:02x}:{number // 256:02x}:{number % 256:02x}"

    def name(self, box: int, number: int) -> str:
        return f"web{box:02}-{number:03}"

    def spec(self) -> Spec:
        """Return the file: a roll of all servers, a few of each LoadMaster in each batch."""
        boxes, numbers = range(1, self.loadmasters + 1), range(self.each)
        names = [self.name(box, number) for number in numbers for box in boxes]
        most_out = -(-self.batch // self.loadmasters)
        text = {
            "loadmasters": {
                f"lb{box:02}": {"url": f"https://192.0.2.{box}", "macs": [self.mac_of_box(box)]}
                for box in boxes
            },
            "services": {
                f"web{box:02}": {
                    "loadmaster": f"lb{box:02}",
                    "service": f"tcp/{self.vip(box)}:80",
                    "method": "loopback",
                }
                for box in boxes
            },
            "hosts": {
                self.name(box, number): {"address": self.address(box, number), "interface": "eth0"}
                for box in boxes
                for number in numbers
            },
            "pools": {
                f"web{box:02}": {
                    "service": f"web{box:02}",
                    "hosts": [self.name(box, number) for number in numbers],
                    "max_unavailable": most_out,
                }
                for box in boxes
            },
            "arp_probe": {"interface": "eth0"},
            "rollout": {
                "kind": "roll",
                "hosts": names,
                "batch": self.batch,
                # The clock is fast, the processor is not: no deadline is what this is about.
                "drain": {"deadline_s": 100_000},
                "healthy_deadline_s": 100_000,
                "progress_deadline_s": 600_000,
                "action": {"argv": ["systemctl", "restart", "httpd"]},
            },
        }
        return parse_spec(json.dumps(text), path="fleet.yaml")


class ShortClock:
    """Real time that passes many times as fast for whoever waits.

    Attributes:
        slept_s: by thread, how long it has waited.
    """

    def __init__(self, times: float) -> None:
        self.times = times
        self.slept_s: dict[int, float] = {}

    def monotonic_s(self) -> float:
        return time.monotonic() * self.times

    def time_s(self) -> float:
        return time.time() * self.times

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds / self.times)
        thread = threading.get_ident()
        self.slept_s[thread] = self.slept_s.get(thread, 0.0) + seconds


class Waits:
    """How long each server of a run waited for what is outside of the product."""

    def __init__(self, clock: ShortClock) -> None:
        self._slept_s = clock.slept_s
        self._first: dict[str, float] = {}
        self._last: dict[str, float] = {}

    def hear(self, event: Event) -> None:
        """Hear of an event, in the thread that works on the server."""
        if event.server is not None:
            slept_s = self._slept_s.get(threading.get_ident(), 0.0)
            self._first.setdefault(event.server, slept_s)
            self._last[event.server] = slept_s

    def critical_path_s(self, plan: Plan) -> float:
        """Return how long the plan takes if nothing but waiting costs time."""
        waited = {name: self._last[name] - self._first[name] for name in self._last}
        return sum(max(waited.get(name, 0.0) for name in batch) for batch in plan.batches)


class Leaving:
    """A data path whose connections end some time after their server was disabled.

    Args:
        after_s: real seconds.
    """

    def __init__(self, after_s: float) -> None:
        self._after_s = after_s
        self._left_s: dict[int, float | None] = {}

    def start(self) -> None:
        pass

    def stop(self) -> None:
        pass

    def program(self, services: Sequence[L4Service]) -> None:
        now_s = time.monotonic()
        for server in (one for service in services for one in service.servers):
            if server.eligible:
                self._left_s[server.rs_index] = None
            elif self._left_s.get(server.rs_index) is None:
                self._left_s[server.rs_index] = now_s

    def counters(self) -> Mapping[int, ServerCounters]:
        now_s = time.monotonic()
        return {
            index: ServerCounters(
                active_connections=5 if left_s is None or now_s - left_s < self._after_s else 0
            )
            for index, left_s in self._left_s.items()
        }


class _Hosts(FakeHostDriver):
    """Hosts whose commands take time, side by side."""

    def run(self, host: Host, argv: Sequence[str], *, timeout_s: float) -> CommandResult:
        return self.hosts[host.name].on_run(argv)


class _Segment(FakeSegment):
    """Nobody but the LoadMasters has their VIPs, and every server takes what it is sent."""

    def __init__(self, fleet: Fleet) -> None:
        super().__init__({})
        self._macs = {
            fleet.vip(box): fleet.mac_of_box(box) for box in range(1, fleet.loadmasters + 1)
        }

    def ask_who_has(self, vip: str, *, unicast_to: Sequence[str], rounds: int = 3) -> ArpEvidence:
        answers = {self._macs[vip]: 3} if vip in self._macs else {}
        return ArpEvidence(answers=answers, asked=3 + len(unicast_to))

    def answers_vip(
        self, vip: str, port: int, *, server_mac: str, protocol: str = "tcp"
    ) -> FrameEvidence:
        return FrameEvidence(
            outcome=FrameOutcome.OPEN, answered_by=server_mac, via_server=True, seconds=0
        )


def hosts_of(fleet: Fleet, spec: Spec, clock: Clock) -> FakeHostDriver:
    """Return all hosts, in service and right in every way."""

    def act(_: Sequence[str]) -> CommandResult:
        clock.sleep(ACTION_S)
        return CommandResult(exit_code=0, stdout="", stderr="")

    driver = _Hosts()
    for box in range(1, fleet.loadmasters + 1):
        for number in range(fleet.each):
            host = spec.host(fleet.name(box, number))
            fake = driver.add(host, plain_host(host, mac=fleet.mac(box, number)))
            fake.sockets.append(listener())
            state = driver.read(host, by_loopback.METHOD.sections)
            driver.apply(host, by_loopback.plan_add(state, host=host, vip=fleet.vip(box)))
            fake.applied.clear()
            fake.on_run = act
    return driver


@contextmanager
def boxes_of(fleet: Fleet, *, times: float) -> Iterator[Sequence[VirtualLoadMaster]]:
    """Run the LoadMasters, with every server in service."""
    with ExitStack() as stack:
        made: list[VirtualLoadMaster] = []
        for box in range(1, fleet.loadmasters + 1):
            one = VirtualLoadMaster(
                health="up",
                http=True,
                time_scale=times,
                data_path=Leaving(LEAVING_S / times),
                # The same in each worker that brings its own.
                switches=Switches(rate_limit=False, serial_number=str(1_000_000 + box)),
            )
            stack.enter_context(one)
            service = {"vs": fleet.vip(box), "port": 80, "prot": "tcp"}
            one.run("addvs", **service, forcel4="y")
            for number in range(fleet.each):
                server = {"rs": fleet.address(box, number), "rsport": 80}
                one.run("addrs", **service, **server, weight=1000, enable="y")
                one.run("modrs", **service, **server, forward="route")
            made.append(one)
        yield made


def _serve(pipe: Connection, fleet: Fleet, times: float) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with boxes_of(fleet, times=times) as boxes:
        pipe.send([(one.url, one.api_key) for one in boxes])
        while pipe.recv() == "calls?":
            calls = [sorted(one.time_s for one in box.calls) for box in boxes]
            pipe.send((time.process_time(), calls))


class BoxProcess:
    """The LoadMasters in a process of their own: they must not share a worker's lock."""

    def __init__(self, fleet: Fleet, *, times: float) -> None:
        context = multiprocessing.get_context("spawn")
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(theirs, fleet, times))

    def __enter__(self) -> "BoxProcess":
        self._process.start()
        self.addresses: list[tuple[str, str]] = self._pipe.recv()
        return self

    def __exit__(self, *_: object) -> None:
        self._pipe.send("end")
        self._process.join()

    def calls(self) -> tuple[float, list[list[float]]]:
        """Return the processor's seconds, and when each LoadMaster was called."""
        self._pipe.send("calls?")
        answer: tuple[float, list[list[float]]] = self._pipe.recv()
        return answer


@contextmanager
def adapters_of(
    fleet: Fleet, spec: Spec, addresses: Sequence[tuple[str, str]], clock: ShortClock
) -> Iterator[Adapters]:
    """Return what a worker touches."""
    with ExitStack() as stack:
        clients: Mapping[str, LoadMaster] = {
            f"lb{box:02}": stack.enter_context(
                # A clock of its own: to keep to the rate of calls is no wait of the plan's.
                LoadMaster(url, auth=ApiKey(key), tls=Insecure(), clock=ShortClock(clock.times))
            )
            for box, (url, key) in enumerate(addresses, start=1)
        }
        driver = hosts_of(fleet, spec, clock)
        yield Adapters(
            loadmaster=clients.__getitem__,
            driver=lambda _: driver,
            clock=clock,
            segment=_Segment(fleet),
            here=run_here,
        )


def plan_of(spec: Spec, adapters: Adapters) -> Plan:
    return make_plan(spec, read_facts(spec, adapters))


@contextmanager
def _addresses(config: dict[str, Any], fleet: Fleet) -> Iterator[Sequence[tuple[str, str]]]:
    """Return where the LoadMasters are; without any, this worker brings its own.

    A LoadMaster is worked on by one worker at a time, so what it costs is divided as its
    servers are.
    """
    if config["addresses"]:
        yield config["addresses"]
    else:
        with boxes_of(fleet, times=config["times"]) as boxes:
            yield [(box.url, box.api_key) for box in boxes]


def main(config: dict[str, Any]) -> None:
    """Run the rollout, or serve whatever is queued until told to stop."""
    fleet, clock = Fleet(**config["fleet"]), ShortClock(config["times"])
    spec, figures = fleet.spec(), dict[str, float]()
    with (
        Store(config["state"]) as store,
        _addresses(config, fleet) as addresses,
        adapters_of(fleet, spec, addresses, clock) as adapters,
    ):
        if config["mode"] == "run":
            begun_s = time.monotonic()
            plan = plan_of(spec, adapters)
            figures["plan_s"] = time.monotonic() - begun_s
            waits = Waits(clock)
            begun_s = time.monotonic()
            report = run_rollout(plan, adapters, store, on_event=waits.hear, run_id="r1")
            figures["run_s"] = time.monotonic() - begun_s
            figures["critical_path_s"] = waits.critical_path_s(plan)
            assert report.state == "finished", report.reason
        else:
            stop = threading.Event()
            signal.signal(signal.SIGTERM, lambda *_: stop.set())
            worker = Worker(
                store,
                lambda _: nullcontext(adapters),
                adapters.clock,
                on_event=lambda _: None,
                serves=True,
                pace=Pace(look_s=0.2),
            )
            with worker:
                worker.serve(stop)
    figures["cpu_s"] = time.process_time()
    figures["peak_mib"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    sys.stdout.write(json.dumps(figures))


if __name__ == "__main__":
    main(json.loads(Path(sys.argv[1]).read_text()))
