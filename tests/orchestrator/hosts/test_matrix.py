"""Every method on every release, on hosts that really boot, over SSH, asked all the time.

The short form has all methods at once on each host, which is what a boot costs least for; the
long one (``make soak``) has each by itself through every step, and 50 rounds of add and remove.
The programs are this machine's; what reads ifcfg files at boot is the lab's stand-in.
"""

import ipaddress
import logging
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field, replace

import pytest

from kempsdk import VsRef
from orchestrator.hosts.carrying import Part, plan_add, plan_remove, read_carrying
from orchestrator.hosts.driver import Host
from orchestrator.hosts.findings import blocking
from orchestrator.hosts.methods.method import MethodName, Wanted
from orchestrator.hosts.methods.record_file import read_record
from orchestrator.hosts.methods.registry import METHODS
from orchestrator.hosts.revert import SECTIONS, plan_revert
from orchestrator.hosts.section_script import KEYFILES
from orchestrator.hosts.sections import HostFile, Persistence, Section
from orchestrator.hosts.ssh import SshDriver
from orchestrator.hosts.state import NetState
from orchestrator.lab.lab import Lab
from orchestrator.lab.release import Release
from orchestrator.lab.systemd_host import SystemdHost, SystemdOptions
from orchestrator.lab.topology import BRIDGE
from orchestrator.probes.arp import ArpWatch, ask_who_has
from orchestrator.probes.vip_request import FrameOutcome, answers_vip_frame
from tests.orchestrator.lab.systemd_lab import need_systemd
from tests.soak import LONG, runs

pytestmark = [pytest.mark.kernel, pytest.mark.soak, pytest.mark.timeout(runs(short=400, long=7000))]

_LOG = logging.getLogger(__name__)

VIPS = FIRST, SECOND, THIRD = "203.0.113.250", "203.0.113.251", "203.0.113.252"
LOADMASTER = "203.0.113.10"
ROUNDS = runs(short=0, long=50)

ROWS = ("together", "gateway", "none") + (("loopback", "arptables", "firewalld") if LONG else ())
"""What a host goes through, one after the other."""

_WINDOW_S = 0.005 if LONG else 0.05
_ON_LO = ("loopback", "arptables")


@dataclass(slots=True, kw_only=True)
class Traveller:
    """One host on its way through the rows; ``log`` says how far it got."""

    lab: Lab
    driver: SshDriver
    host: Host
    log: list[str] = field(default_factory=list)
    rounds: dict[str, int] = field(default_factory=dict)

    @property
    def machine(self) -> SystemdHost:
        return self.lab.machines[self.host.name]

    # -- what is asked of it

    def part(self, method: MethodName, *vips: str, port: int = 80) -> Part:
        # Two redirects cannot share a port of the host; nothing listens on the second one.
        ports = {SECOND: 8080} if method == "firewalld" else {}
        services = tuple(VsRef.parse(f"tcp/{vip}:{ports.get(vip, port)}") for vip in vips)
        gateway = LOADMASTER if method == "gateway" else None
        wanted = Wanted(host=self.host, services=services, gateway=gateway)
        return Part(method=method, wanted=wanted)

    def read(self, *parts: Part) -> NetState:
        needed = frozenset[Section]().union(SECTIONS, *(one.how.sections for one in parts))
        return read_carrying(self.driver, self.host, needed)

    def add(self, *parts: Part) -> None:
        self.driver.apply(self.host, plan_add(self.read(*parts), parts))
        assert plan_add(self.right(*parts), parts) == (), "repeated"

    def remove(self, part: Part) -> None:
        self.driver.apply(self.host, plan_remove(self.read(part), part))
        assert plan_remove(self.read(part), part) == (), "repeated"

    def revert(self) -> None:
        state = self.read()
        back = plan_revert(read_record(state, self.host), state)
        assert back.left == ()
        self.driver.apply(self.host, back.changes)

    def right(self, *parts: Part) -> NetState:
        """Look from inside, live and for the next boot, and from the segment."""
        state = self.read(*parts)
        for one in parts:
            wrong = blocking(one.how.verify(state, one.wanted))
            assert [f"{each.id}: {each.message}" for each in wrong] == []
        vips = {
            service.address
            for one in parts
            if one.how.direct_return
            for service in one.wanted.services
            if one.how.vip_on_host or service.port == 80
        }
        mac = self.lab.macs[self.host.name]
        for vip in VIPS:
            found = answers_vip_frame(interface=BRIDGE, server_mac=mac, vip=vip, port=80)
            assert (found.outcome is FrameOutcome.OPEN) == (vip in vips), (vip, found)
        on_lo = {one.address for one in state.addresses if one.interface == "lo"}
        placed = {vip for one in parts if one.method in _ON_LO for vip in one.wanted.vips}
        assert {one for one in on_lo if not ipaddress.ip_address(one).is_loopback} == placed
        return state

    def lasting(self, row: str) -> NetState:
        return _lasting(self.read(*self._every_part(row)))

    def as_it_was(self, row: str, before: NetState) -> None:
        assert self.lasting(row) == before

    def _every_part(self, row: str) -> tuple[Part, ...]:
        return (self.part("firewalld", FIRST),) if row in ("together", "firewalld") else ()

    # -- its way

    def travel(self) -> None:
        for row in ROWS:
            before = self.lasting(row)
            for name, step in self._steps(row).items():
                self._note(f"{row}: {name}")
                step()
            self._note(f"{row}: as it was")
            self.as_it_was(row, before)
            self._note(f"{row}: done")

    def _note(self, said: str) -> None:
        self.log.append(said)
        _LOG.info("%s: %s", self.machine.release.value, said)

    def _steps(self, row: str) -> dict[str, Callable[[], object]]:
        if row == "together":
            return self._together()
        method = next(name for name in METHODS if name == row)
        if method == "none":
            return {"verified": lambda: self.add(self.part(method, FIRST))}
        one, two = self.part(method, FIRST), self.part(method, FIRST, SECOND)
        short: dict[str, Callable[[], object]] = {
            "add, repeat": lambda: self.add(one),
            "boot": self.machine.reboot,
            "back after the boot": lambda: self.right(one),
            "remove the last": lambda: self.remove(one),
        }
        if not LONG:
            return short
        return {
            **short,
            "add again": lambda: self.add(one),
            "second VIP": lambda: self.add(two),
            "remove one": lambda: self.remove(one),
            "the other stays": lambda: self.right(self.part(method, SECOND)),
            "change VIP": lambda: self._change(method, SECOND, THIRD),
            "power cut": lambda: self.machine.reboot(clean=False),
            "back after the cut": lambda: self.right(self.part(method, THIRD)),
            "revert": self.revert,
            "boot again": self.machine.reboot,
            **({"rounds": lambda: self._rounds(method)} if method in _ON_LO else {}),
        }

    def _change(self, method: MethodName, old: str, new: str) -> None:
        self.remove(self.part(method, old))
        self.add(self.part(method, new))

    def _rounds(self, method: MethodName) -> None:
        one = self.part(method, FIRST)
        for number in range(ROUNDS):
            self.driver.apply(self.host, plan_add(self.read(one), [one]))
            if number % 10 == 9:
                self.machine.reboot()
                self.right(one)
            self.driver.apply(self.host, plan_remove(self.read(one), one))
            self.rounds[method] = number + 1

    def _together(self) -> dict[str, Callable[[], object]]:
        # The redirect wants its port for itself.
        loopback = self.part("loopback", FIRST, port=8080)
        arptables = self.part("arptables", SECOND, port=8080)
        firewalld = self.part("firewalld", THIRD)
        swapped = self.part("arptables", FIRST, SECOND, port=8080)
        return {
            "add, repeat": lambda: self.add(loopback, arptables, firewalld),
            "boot": self.machine.reboot,
            "back after the boot": lambda: self.right(loopback, arptables, firewalld),
            "remove the redirect": lambda: self.remove(firewalld),
            "another method": lambda: self.add(swapped),
            "remove one": lambda: self.remove(self.part("arptables", SECOND, port=8080)),
            "and back": lambda: self.add(loopback),
            "remove the last": lambda: self.remove(loopback),
        }


def _lasting(state: NetState) -> NetState:
    """Return the state without what is another one at every look, in one order."""
    persistence, arptables = state.persistence, state.arptables
    assert persistence is not None
    assert arptables is not None
    return replace(
        state,
        sockets=(),
        addresses=tuple(sorted(state.addresses, key=repr)),
        # Who set a route is another one after a boot.
        routes=tuple(sorted((replace(one, protocol="") for one in state.routes), key=repr)),
        # NetworkManager makes its own profile of lo anew, and spells a file that it was told to
        # change in its own way.
        persistence=replace(persistence, profiles=(), files=_meant(persistence)),
        arptables=replace(arptables, rules=_rules(arptables.rules)),
    )


def _meant(persistence: Persistence) -> dict[str, HostFile]:
    files = dict(persistence.files)
    for path, file in files.items():
        if path.startswith(KEYFILES):
            lines = sorted(line for line in file.content.splitlines() if "address" in line)
            files[path] = replace(file, content="\n".join(lines))
    return files


def _rules(saved: str) -> str:
    return "\n".join(line for line in saved.splitlines() if line.startswith("-A"))


@dataclass(slots=True, kw_only=True)
class Asker:
    """Asks for the VIPs 200 times a second, in every way, and counts who answers.

    In the short form ten times less often: it is the hosts that are to have the processors.
    """

    lab: Lab
    asked: int = 0
    answers: dict[tuple[str, str], int] = field(default_factory=dict)
    end: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        servers = [self.lab.macs[host.name] for host in self.lab.hosts]
        while not self.end.is_set():
            for vip in VIPS:
                heard = ask_who_has(vip, BRIDGE, window_s=_WINDOW_S, rounds=10, unicast_to=servers)
                self.asked += heard.asked
                for mac in heard.macs:
                    self.answers[vip, mac] = self.answers.get((vip, mac), 0) + 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Journeys:
    """How far everybody got, and what was heard meanwhile."""

    travellers: dict[str, tuple[Traveller, Future[None]]]
    asker: Asker
    claims: dict[str, dict[str, int]]


@pytest.fixture(scope="module")
def journeys() -> Iterator[Journeys]:
    need_systemd()
    with ExitStack() as stack:
        options = SystemdOptions(firewalld=True)
        lab = stack.enter_context(Lab(len(Release), releases=tuple(Release), systemd=options))
        admin = lab.namespaces["admin"]
        driver = stack.enter_context(SshDriver(config_file=str(lab.ssh_config)))
        pool = stack.enter_context(ThreadPoolExecutor(len(Release) + 1))
        travellers = [Traveller(lab=lab, driver=driver, host=host) for host in lab.hosts]
        for one in travellers:
            _let_clients_in(one.machine)
        watches = {vip: stack.enter_context(ArpWatch(BRIDGE, vip, admin)) for vip in VIPS}
        asker = Asker(lab=lab)
        asking = pool.submit(_inside, lab, asker.run)
        try:
            futures = {
                one.machine.release.value: (one, pool.submit(_inside, lab, one.travel))
                for one in travellers
            }
            for _, future in futures.values():
                future.exception()
        finally:
            asker.end.set()
        asking.result()
        claims = {vip: dict(watch.evidence().claims) for vip, watch in watches.items()}
        yield Journeys(travellers=futures, asker=asker, claims=claims)


def _inside(lab: Lab, work: Callable[[], None]) -> None:
    with lab.namespaces["admin"].entered():
        work()


def _let_clients_in(machine: SystemdHost) -> None:
    """Open the port, as an operator has: only one of the methods does so itself."""
    for lasting in ([], ["--permanent"]):
        done = machine.run(["firewall-cmd", *lasting, "--zone=public", "--add-service=http"])
        assert done.exit_code == 0, done


@pytest.mark.parametrize("row", ROWS)
@pytest.mark.parametrize("release", [one.value for one in Release])
def test_the_row_of_a_release(journeys: Journeys, release: str, row: str) -> None:
    traveller, future = journeys.travellers[release]
    if f"{row}: done" not in traveller.log:
        future.result()
        raise AssertionError(f"it did not get beyond {traveller.log[-1]}")


def test_no_host_ever_answered_for_a_vip_or_named_it_as_sender(journeys: Journeys) -> None:
    assert journeys.asker.asked > 500
    assert journeys.asker.answers == {}
    assert [one.rounds for one, _ in journeys.travellers.values()] == [
        dict.fromkeys(_ON_LO if LONG else (), ROUNDS)
    ] * len(Release)
    macs = {journeys.asker.lab.macs[host.name] for host in journeys.asker.lab.hosts}
    assert [(vip, macs & set(seen)) for vip, seen in journeys.claims.items()] == [
        (vip, set()) for vip in VIPS
    ]
