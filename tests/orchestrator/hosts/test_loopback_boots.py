"""The loopback method on hosts of four releases that really boot, over ssh, asked all the time."""

import ipaddress
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from pyroute2 import IPRoute  # type: ignore[import-untyped] # it ships no types

from orchestrator.hosts.changes import NetChange
from orchestrator.hosts.driver import Host
from orchestrator.hosts.methods.record_file import read_record
from orchestrator.hosts.revert import SECTIONS, plan_revert
from orchestrator.hosts.ssh import SshDriver
from orchestrator.hosts.state import NetState
from orchestrator.lab.lab import Lab
from orchestrator.lab.release import Release
from orchestrator.lab.systemd_host import SystemdHost, SystemdOptions
from orchestrator.lab.topology import BRIDGE
from orchestrator.probes.arp import ask_who_has
from tests.orchestrator.hosts.by_loopback import METHOD, wanted
from tests.orchestrator.hosts.releases import KEEPERS
from tests.orchestrator.lab.systemd_lab import need_systemd
from tests.soak import runs

pytestmark = [pytest.mark.kernel, pytest.mark.soak, pytest.mark.timeout(runs(short=400, long=3600))]

VIP, OTHER, VIP6 = "203.0.113.250", "203.0.113.251", "2001:db8::250"


@dataclass(slots=True, kw_only=True)
class Traveller:
    """One host on its journey; ``log`` says how far it got."""

    lab: Lab
    driver: SshDriver
    host: Host
    log: list[str] = field(default_factory=list)

    @property
    def machine(self) -> SystemdHost:
        return self.lab.machines[self.host.name]

    def read(self) -> NetState:
        with self.lab.namespaces["admin"].entered():
            return self.driver.read(self.host, SECTIONS)

    def apply(self, changes: tuple[NetChange, ...]) -> None:
        with self.lab.namespaces["admin"].entered():
            self.driver.apply(self.host, changes)

    def add(self, *vips: str) -> None:
        order = wanted(self.host, *vips)
        self.apply(METHOD.plan_add(self.read(), order))
        self.right(*vips)
        assert METHOD.plan_add(self.read(), order) == (), "repeated"

    def remove(self, *vips: str) -> None:
        order = wanted(self.host, *vips)
        self.apply(METHOD.plan_remove(self.read(), order))
        assert METHOD.plan_remove(self.read(), order) == (), "repeated"

    def change(self, old: str, new: str) -> None:
        self.remove(old)
        self.add(new, VIP6)

    def revert(self) -> None:
        state = self.read()
        found = plan_revert(read_record(state, self.host), state)
        assert found.left == ()
        self.apply(found.changes)

    def reboot(self) -> None:
        self.machine.reboot()

    def right(self, *vips: str) -> None:
        state = self.read()
        assert [one.id for one in METHOD.verify(state, wanted(self.host, *vips))] == []
        on_lo = {one.address for one in state.addresses if one.interface == "lo"}
        assert {one for one in on_lo if not ipaddress.ip_address(one).is_loopback} == set(vips)

    def as_it_was(self, before: NetState) -> None:
        assert _lasting(self.read()) == _lasting(before)

    def travel(self) -> None:
        untouched = self.read()
        steps: dict[str, Callable[[], object]] = {
            "first VIP": lambda: self.add(VIP),
            "its file": lambda: self._persists_in(KEEPERS[self.machine.release.value]),
            "boot": self.reboot,
            "back after the boot": lambda: self.right(VIP),
            "repeated after the boot": lambda: self.add(VIP),
            "second and IPv6": lambda: self.add(VIP, OTHER, VIP6),
            "one removed": lambda: self.remove(VIP),
            "the others stay": lambda: self.right(OTHER, VIP6),
            "power cut": lambda: self.machine.reboot(clean=False),
            "the others are back": lambda: self.right(OTHER, VIP6),
            "changed": lambda: self.change(OTHER, VIP),
            "last removed": lambda: self.remove(VIP, VIP6),
            "as it was": lambda: self.as_it_was(untouched),
            "again": lambda: self.add(VIP, VIP6),
            "reverted": self.revert,
            "as it was once more": lambda: self.as_it_was(untouched),
            "last boot": self.reboot,
            "as it was after the boot": lambda: self.as_it_was(untouched),
        }
        for name, step in steps.items():
            self.log.append(name)
            step()
        for number in range(runs(short=0, long=50)):
            self.log.append(f"round {number}")
            self.add(VIP, VIP6)
            self.remove(VIP, VIP6)
        self.log.append("home")

    def _persists_in(self, path: str) -> None:
        assert VIP in self.machine.path(path).read_text()
        record = self.machine.path("/var/lib/kemp/dsr.json")
        assert (record.stat().st_mode & 0o777, record.parent.stat().st_mode & 0o777) == (
            0o600,
            0o700,
        )


def _lasting(state: NetState) -> NetState:
    """Return the state without what is another one at every look, in one order."""
    persistence = state.persistence
    assert persistence is not None
    return replace(
        state,
        sockets=(),
        addresses=tuple(sorted(state.addresses, key=repr)),
        routes=tuple(sorted(state.routes, key=repr)),
        # NetworkManager makes its own profile of lo anew.
        persistence=replace(persistence, profiles=()),
    )


@dataclass(slots=True, kw_only=True)
class Asker:
    """Asks for the addresses all the time, in every way, and counts who answers."""

    lab: Lab
    addresses: tuple[str, ...]
    asked: int = 0
    answers: dict[tuple[str, str], int] = field(default_factory=dict)
    end: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        servers = [self.lab.macs[host.name] for host in self.lab.hosts]
        while not self.end.is_set():
            for address in self.addresses:
                heard = ask_who_has(
                    address,
                    BRIDGE,
                    window_s=0.005,
                    rounds=10,
                    unicast_to=servers,
                    namespace=self.lab.namespaces["admin"],
                )
                self.asked += heard.asked
                for mac in heard.macs:
                    self.answers[address, mac] = self.answers.get((address, mac), 0) + 1


@pytest.fixture(scope="module")
def journeys() -> Iterator[tuple[dict[str, tuple[Traveller, Future[None]]], Asker]]:
    need_systemd()
    with (
        Lab(len(Release), releases=tuple(Release), systemd=SystemdOptions()) as lab,
        SshDriver(config_file=str(lab.ssh_config)) as driver,
        ThreadPoolExecutor(len(Release) + 1) as pool,
    ):
        _give_ipv6(lab)
        travellers = [Traveller(lab=lab, driver=driver, host=host) for host in lab.hosts]
        asker = Asker(lab=lab, addresses=(VIP, VIP6))
        asking = pool.submit(asker.run)
        try:
            futures = {
                one.machine.release.value: (one, pool.submit(one.travel)) for one in travellers
            }
            for _, future in futures.values():
                future.exception()
        finally:
            asker.end.set()
            asking.result()
        yield futures, asker


def _give_ipv6(lab: Lab) -> None:
    """Let the segment be asked over IPv6."""

    def give() -> None:
        Path("/proc/sys/net/ipv6/conf", BRIDGE, "disable_ipv6").write_text("0")
        with IPRoute() as netlink:
            (index,) = netlink.link_lookup(ifname=BRIDGE)
            without_waiting = 2  # IFA_F_NODAD
            netlink.addr(
                "add", index=index, address="2001:db8::2", prefixlen=64, flags=without_waiting
            )

    lab.namespaces["admin"].run(give)


@pytest.mark.parametrize("release", [one.value for one in Release])
def test_there_and_back_over_boots(
    journeys: tuple[dict[str, tuple[Traveller, Future[None]]], Asker], release: str
) -> None:
    traveller, future = journeys[0][release]
    if error := future.exception():
        raise AssertionError(f"it did not get beyond: {traveller.log[-1]}") from error
    assert traveller.log[-1] == "home"


def test_no_host_ever_answered_for_a_vip(
    journeys: tuple[dict[str, tuple[Traveller, Future[None]]], Asker],
) -> None:
    assert journeys[1].asked > 1000
    assert journeys[1].answers == {}
