"""A small world for rollouts: a virtual LoadMaster, three hosts in memory, virtual time."""

from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

from typing_extensions import Self

from kempsdk import Forward, LoadMaster, RsRef, VsRef
from kempsdk.emulator import CallRecord
from orchestrator.hosts.driver import CommandResult
from orchestrator.hosts.state import Socket
from orchestrator.inventory import parse_spec
from orchestrator.probes.arp import ArpEvidence
from orchestrator.probes.health_check import CheckEvidence, HealthCheck
from orchestrator.probes.service import HttpEvidence
from orchestrator.probes.vip_request import FrameEvidence, FrameOutcome
from orchestrator.rollout.adapters import Adapters
from orchestrator.rollout.facts import read_facts
from orchestrator.rollout.plan import Plan
from orchestrator.rollout.planner import make_plan
from orchestrator.rollout.records import Event, Request, RequestKind
from orchestrator.rollout.report import RunReport, StepReport
from orchestrator.rollout.run import plan_undo, resume, run_rollout
from orchestrator.rollout.store import Store
from orchestrator.rollout.web import WebAnswer, WebRequest
from orchestrator.spec import Spec
from tests.fakes.clock import FakeClock
from tests.fakes.host import OK, FakeHost, FakeHostDriver, plain_host
from tests.fakes.light_engine import resume_lightly, run_lightly
from tests.orchestrator.hosts import by_loopback
from tests.orchestrator.rollout.device import Counters, DeviceClock, new_box

VIP = "203.0.113.250"
VS = VsRef.parse(f"tcp/{VIP}:80")
NAMES = ("web1", "web2", "web3")
ADDRESS = {"web1": "203.0.113.11", "web2": "203.0.113.12", "web3": "203.0.113.13"}
ALL_IN = dict.fromkeys(NAMES, True)
SERVER = {name: RsRef(address, 80) for name, address in ADDRESS.items()}
MAC = {"web1": "02:00:00:00:00:11", "web2": "02:00:00:00:00:12", "web3": "02:00:00:00:00:13"}
LOADMASTER_MAC = "02:00:00:00:00:fe"
ROLL = "kind: roll, action: {argv: [restart]}"
MUTATING = ("addrs", "modrs", "delrs", "enablers", "disablers")

INVENTORY = """\
loadmasters:
  lb1: {url: "https://127.0.0.1:1", macs: ["02:00:00:00:00:FE"]}
services:
  web: {loadmaster: lb1, service: "tcp/203.0.113.250:80", method: loopback}
hosts:
  web1: {address: 203.0.113.11, interface: eth0}
  web2: {address: 203.0.113.12, interface: eth0}
  web3: {address: 203.0.113.13, interface: eth0}
pools:
  web: {service: web, hosts: [web1, web2, web3]}
arp_probe: {interface: eth0}
"""


OTHER_METHOD = INVENTORY.replace(
    "hosts:\n",
    f"  plain: {{loadmaster: lb1, service: 'tcp/{VIP}:80', method: none}}\nhosts:\n",
    1,
).replace("arp_probe", "  plain: {service: plain, hosts: [web1, web2, web3]}\narp_probe")
"""The same service a second time, by another method, and the pool that rehomes lead into."""


def spec_for(rollout: str, *, inventory: str = INVENTORY, about: str = "pool: web") -> Spec:
    """Return the inventory with a rollout, given as the inside of a YAML mapping.

    Args:
        about: which servers, in the same form.
    """
    inside = ", ".join(one for one in (about, rollout) if one)
    return parse_spec(f"{inventory}rollout: {{{inside}}}\n", path="test.yaml")


@dataclass
class FakeSegment:
    """The segment, as the hosts' states make it: who is not silent answers for the VIP.

    Attributes:
        deaf: the LoadMaster does not answer. others: further addresses by who has them.
        checks: why a server's health check fails, by its address.
        silent: no server answers a request to the VIP.
    """

    hosts: Mapping[str, FakeHost]
    deaf: bool = False
    others: dict[str, list[str]] = field(default_factory=dict)
    claims: dict[str, int] = field(default_factory=dict)
    pages: dict[str, int] = field(default_factory=dict)
    checks: dict[str, str] = field(default_factory=dict)
    silent: bool = False

    def ask_who_has(self, vip: str, *, unicast_to: Sequence[str], rounds: int = 3) -> ArpEvidence:
        if vip != VIP:
            return ArpEvidence(answers=dict.fromkeys(self.others.get(vip, ()), 3), asked=3)
        answers = {} if self.deaf else {LOADMASTER_MAC: 3}
        for host in self.hosts.values():
            has = any(one.address == vip for one in host.addresses)
            silent = max(host.sysctls["conf/all/arp_ignore"], host.sysctls["conf/eth0/arp_ignore"])
            if has and not silent:
                answers[host.interfaces["eth0"]] = 3
        return ArpEvidence(answers=answers, claims=dict(self.claims), asked=3 + len(unicast_to))

    def answers_vip(
        self, vip: str, port: int, *, server_mac: str, protocol: str = "tcp"
    ) -> FrameEvidence:
        host = next(one for one in self.hosts.values() if one.interfaces["eth0"] == server_mac)
        has = any(one.address == vip for one in host.addresses)
        listens = any(
            one.state in ("listen", "unconn") and (one.protocol, one.local_port) == (protocol, port)
            for one in host.sockets
        )
        outcome = FrameOutcome.SILENT
        if has and not self.silent:
            outcome = FrameOutcome.OPEN if listens else FrameOutcome.REFUSED
        return FrameEvidence(outcome=outcome, answered_by=server_mac, via_server=True, seconds=0)

    def answers_http(self, address: str, port: int, path: str) -> HttpEvidence:
        return HttpEvidence(status=self.pages.get(path, 200), failure="", seconds=0)

    def makes_check(self, check: HealthCheck) -> CheckEvidence:
        failure = self.checks.get(check.address)
        return CheckEvidence(passed=failure is None, said=failure or "it answered", seconds=0)

    def passes(self, address: str, *, server_mac: str, size: int) -> bool | None:
        return True


def listener(port: int = 80) -> Socket:
    """Return a program that listens everywhere."""
    return Socket(
        protocol="tcp",
        local_address="0.0.0.0",  # noqa: S104 - what a listener says, not a place to listen
        local_port=port,
        peer_address="0.0.0.0",  # noqa: S104 - as above
        peer_port=0,
        state="listen",
    )


def connection(peer: str = "198.51.100.7", port: int = 80) -> Socket:
    """Return a client's open connection to the VIP."""
    return Socket(
        protocol="tcp",
        local_address=VIP,
        local_port=port,
        peer_address=peer,
        peer_port=40000,
        state="established",
    )


def step(result: RunReport, step_id: str) -> StepReport:
    """Return what became of a step, by its id, which begins with its server."""
    steps = result.hosts[step_id.partition("/")[0]].steps
    return next(one for one in steps if one.id == step_id)


def failed_step(result: RunReport, name: str) -> StepReport:
    """Return the step at which a server failed."""
    return next(one for one in result.hosts[name].steps if one.status == "failed")


def bare(argv: Sequence[str]) -> tuple[str, ...]:
    """Return a command without the names that it was given in its environment."""
    words = list(argv)
    if words[:1] == ["env"]:
        words.pop(0)
        while words and words[0].startswith("KEMP_"):
            words.pop(0)
    return tuple(words)


class World:
    """Everything that a rollout touches, and everything it did.

    Attributes:
        light: run without the durable engine, which takes a tenth of the time.
    """

    light = False

    def __init__(self, store: Store) -> None:
        self.store = store
        self.counters = Counters()
        self.box = new_box(self.counters)
        self.events: list[Event] = []
        self.here_calls: list[tuple[str, ...]] = []
        self.here_result = OK
        self.web_calls: list[WebRequest] = []
        self.web_status: int | None = 200
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        self._stack.enter_context(self.box)
        self.prepare()
        self._stack.callback(self.lm.close)
        return self

    def prepare(self) -> None:
        """Make the service and the hosts; the LoadMaster runs."""
        self.clock = DeviceClock(self.box)
        self.lm: LoadMaster = self.box.client(clock=FakeClock())
        self.lm.virtual_services.create(VS, nickname="web", force_l4=True)
        self.driver = FakeHostDriver()
        hosts = spec_for("kind: add")
        for name in NAMES:
            fake = plain_host(hosts.host(name), mac=MAC[name])
            fake.sockets.append(listener())
            self.driver.add(hosts.host(name), fake)
        self.segment = FakeSegment(self.driver.hosts)

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    # -- what a rollout is given --------------------------------------------------------

    @property
    def adapters(self) -> Adapters:
        return Adapters(
            loadmaster=lambda _: self.lm,
            driver=lambda _: self.driver,
            clock=self.clock,
            segment=self.segment,
            here=self._here,
            web=self._web,
        )

    def _here(self, argv: Sequence[str], _: float) -> CommandResult:
        self.here_calls.append(tuple(argv))
        return self.here_result

    def _web(self, request: WebRequest) -> WebAnswer:
        self.web_calls.append(request)
        failure = "" if self.web_status else "ConnectionError"
        return WebAnswer(status=self.web_status, failure=failure, seconds=0.01)

    def ask(
        self, kind: RequestKind, target: str = "", *, by: str = "ada", note: str = ""
    ) -> Request:
        """Ask something of the run that was begun last."""
        run_id = self.store.runs()[0].run_id
        now_s = self.clock.time_s()
        return self.store.requests.ask(
            run_id,
            kind,
            target,
            asked_by=by,
            now_s=now_s,
            note=note,
            once=kind is RequestKind.APPROVE,
        )

    def plan(self, rollout: str, **more: Any) -> Plan:
        """Read the world and plan a rollout."""
        spec = spec_for(rollout, **more)
        return make_plan(spec, read_facts(spec, self.adapters))

    def run(
        self, rollout: str | Plan, *, watch: Callable[[Event], object] | None = None, **more: Any
    ) -> RunReport:
        """Plan and run a rollout.

        Args:
            watch: told of every event, as it happens.
        """
        plan = self.plan(rollout) if isinstance(rollout, str) else rollout
        go = run_lightly if self.light else run_rollout
        return go(plan, self.adapters, self.store, on_event=self._heard(watch), **more)

    def resume(
        self, run_id: str, *, watch: Callable[[Event], object] | None = None, **more: Any
    ) -> RunReport:
        go = resume_lightly if self.light else resume
        return go(run_id, self.adapters, self.store, on_event=self._heard(watch), **more)

    def undo(self, run_id: str, **more: Any) -> RunReport:
        """Plan the undoing of a run, and run that."""
        return self.run(plan_undo(run_id, self.adapters, self.store), **more)

    def run_until(
        self,
        rollout: str | Plan,
        at: str | None,
        do: Callable[[], object],
        *,
        kind: str = "step-started",
        **more: Any,
    ) -> RunReport:
        """Run a rollout and do something when a step begins, or whenever else something happens.

        Args:
            at: the step; None for what happens to the run as a whole.
            kind: of the event.
        """

        def watch(event: Event) -> None:
            if (event.kind, event.step) == (kind, at):
                do()

        return self.run(rollout, watch=watch, **more)

    def _heard(self, watch: Callable[[Event], object] | None) -> Callable[[Event], None]:
        def hear(event: Event) -> None:
            self.events.append(event)
            if watch is not None:
                watch(event)

        return hear

    # -- how it is made and what became of it ---------------------------------------------

    def in_service(self, names: Collection[str] = NAMES) -> None:
        """Put hosts into service, right in every way, without a run; traces are wiped."""
        spec = spec_for("kind: add")
        for name in names:
            host, fake = spec.host(name), self.driver.hosts[name]
            self.driver.apply(
                host,
                by_loopback.plan_add(
                    self.driver.read(host, by_loopback.METHOD.sections), host=host, vip=VIP
                ),
            )
            fake.applied.clear()
            self.add_by_hand(name)
        self.calls_before = len(self.box.calls)

    calls_before = 0

    def mutations(self) -> list[CallRecord]:
        """Return the calls that changed the LoadMaster since the world was made ready."""
        return [one for one in self.box.calls[self.calls_before :] if one.command in MUTATING]

    def enabled(self) -> dict[str, bool]:
        """Return the servers of the service by host name."""
        by_address = {
            rs.address: rs.enabled for rs in self.lm.virtual_services.get(VS).real_servers
        }
        return {name: by_address[ADDRESS[name]] for name in NAMES if ADDRESS[name] in by_address}

    def add_by_hand(self, name: str, *, enable: bool = True, weight: int = 1000) -> None:
        """Add a server as somebody else would, without touching the host."""
        self.lm.real_servers.add(
            VS, SERVER[name], forward=Forward.ROUTE, weight=weight, enable=enable
        )

    def acted_on(self) -> list[str]:
        """Return the servers on whose hosts a command was run."""
        return [name for name in NAMES if self.driver.hosts[name].commands]

    def set_health(self, name: str, *, up: bool) -> None:
        """Let the LoadMaster's check of a server pass, or fail."""
        self.box.set_health(ADDRESS[name], 80, up)

    def carries_vip(self, name: str) -> bool:
        return any(one.address == VIP for one in self.driver.hosts[name].addresses)

    def kinds(self, name: str) -> list[str]:
        """Return which steps of a server were begun, in order."""
        return [
            one.step.partition("/")[2]
            for one in self.events
            if one.kind == "step-started" and one.server == name and one.step
        ]
