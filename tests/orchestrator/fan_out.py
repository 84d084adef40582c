"""Many hosts side by side, as ``kemp host apply --all`` takes them, measured.

Simulated hosts stand behind the driver seam and answer as slowly as hosts do; real ones are
network namespaces with an sshd each. Every second one gets another default route, which could
cut us off, so it is confirmed over a new connection.
"""

import collections
import threading
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from kempsdk import VsRef
from orchestrator.fleet import DEFAULT_WIDTH, Assignment, Fleet, HostReport, Outcome
from orchestrator.hosts.carrying import Part
from orchestrator.hosts.changes import NetChange
from orchestrator.hosts.confirm_or_revert import cuts
from orchestrator.hosts.driver import CommandResult, Host, HostDriver
from orchestrator.hosts.methods.method import Wanted
from orchestrator.hosts.sections import Section
from orchestrator.hosts.ssh import SshDriver
from orchestrator.hosts.state import NetState, Route
from tests.fakes.host import FakeHostDriver, plain_host
from tests.orchestrator.hosts.segment import INTERFACE, LOOK_ON, VIP, Segment
from tests.orchestrator.hosts.sshd import Sshd

MOST_ROUND_TRIPS = 4
_SERVICE = VsRef.parse(f"tcp/{VIP}:80")
_OTHER_GATEWAY = "198.51.100.9"


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What one fan-out took.

    Attributes:
        applied: what became of each host.
        again: what a second plan says of each.
        seconds: of each host's plan and apply, its verification included.
        facts_s: of reading all hosts once before, on cold connections.
        wall_s: of the plan and the apply of all hosts.
        floor_s: of the same fan-out doing nothing: as many round trips for each host, and as
            many hosts at a time, measured in the same run.
        round_trips: of each host's plan and apply.
        cutting: hosts that got a change that could have cut us off.
    """

    applied: Mapping[str, HostReport]
    again: Mapping[str, HostReport]
    seconds: Mapping[str, float]
    facts_s: float
    wall_s: float
    floor_s: float
    round_trips: Mapping[str, int]
    cutting: frozenset[str]

    @property
    def slowest_s(self) -> float:
        return max(self.seconds.values())

    @property
    def limit_s(self) -> float:
        """Return what it may take: 1.3 times the slowest host, and the floor."""
        return 1.3 * self.slowest_s + self.floor_s

    @property
    def whole(self) -> bool:
        """Return whether every host was changed and is right, in few enough round trips."""
        return (
            {one.outcome for one in self.applied.values()} == {Outcome.CHANGED}
            and {one.outcome for one in self.again.values()} == {Outcome.RIGHT}
            and max(self.round_trips.values()) <= MOST_ROUND_TRIPS
        )


def measure(
    hosts: Sequence[Host],
    driver: HostDriver,
    *,
    round_trips: Callable[[], Mapping[str, int]],
    idle: Callable[[Host], object],
    width: int = DEFAULT_WIDTH,
) -> Measured:
    """Read, plan, apply and verify all hosts, and plan once more.

    Args:
        round_trips: counts those of each host so far.
        idle: one round trip that does nothing.
    """
    assignments = [
        _assignment(one, other_route=number % 2 == 1) for number, one in enumerate(hosts)
    ]
    fleet = Fleet(assignments, lambda _host: driver, width=width)
    facts_s = _wall_s(fleet.facts)
    before = round_trips()
    began_s = time.monotonic()
    planned = fleet.plan()
    applied = fleet.apply(planned)
    wall_s = time.monotonic() - began_s
    trips = {name: count - before[name] for name, count in round_trips().items()}
    seconds = {name: planned[name].seconds + applied[name].seconds for name in applied}

    def nothing(host: Host) -> None:
        for _ in range(trips[host.name]):
            idle(host)

    with ThreadPoolExecutor(max_workers=width) as pool:
        floor_s = _wall_s(lambda: list(pool.map(nothing, hosts)))
    by_name = {one.name: one.host for one in assignments}
    return Measured(
        applied=applied,
        again=fleet.plan(),
        seconds=seconds,
        facts_s=facts_s,
        wall_s=wall_s,
        floor_s=floor_s,
        round_trips=trips,
        cutting=frozenset(
            name
            for name, one in applied.items()
            if any(cuts(change, by_name[name]) for change in one.changes)
        ),
    )


def _wall_s(work: Callable[[], object]) -> float:
    began_s = time.monotonic()
    work()
    return time.monotonic() - began_s


def _assignment(host: Host, *, other_route: bool) -> Assignment:
    gateway = _OTHER_GATEWAY if other_route else None
    wanted = Wanted(host=host, services=(_SERVICE,), gateway=gateway)
    return Assignment(
        host=host, parts=(Part(method="gateway" if other_route else "loopback", wanted=wanted),)
    )


# -- simulated


class DistantHosts:
    """Simulated hosts: every round trip takes its time. Counts them."""

    def __init__(self, driver: FakeHostDriver, latency_s: Mapping[str, float]) -> None:
        self._driver = driver
        self._latency_s = latency_s
        self._guard = threading.Lock()
        self._trips: collections.Counter[str] = collections.Counter()

    def trips(self) -> Mapping[str, int]:
        with self._guard:
            return dict(self._trips)

    def idle(self, host: Host) -> None:
        with self._guard:
            self._trips[host.name] += 1
        time.sleep(self._latency_s[host.name])

    def read(self, host: Host, sections: Collection[Section] = ()) -> NetState:
        self.idle(host)
        return self._driver.read(host, sections)

    def apply(self, host: Host, changes: Sequence[NetChange]) -> None:
        self.idle(host)
        self._driver.apply(host, changes)

    def apply_and_read(
        self, host: Host, changes: Sequence[NetChange], sections: Collection[Section] = ()
    ) -> NetState:
        self.apply(host, changes)
        if any(cuts(change, host) for change in changes):
            self.idle(host)  # the confirmation
        return self._driver.read(host, sections)

    def run(self, host: Host, argv: Sequence[str], *, timeout_s: float) -> CommandResult:
        self.idle(host)
        return self._driver.run(host, argv, timeout_s=timeout_s)


def simulated(count: int) -> Measured:
    """Measure up to 230 hosts that answer in 20 ms, every tenth of them in 60."""
    fakes, hosts = FakeHostDriver(), []
    for number in range(1, count + 1):
        address = f"198.51.100.{10 + number}"
        host = Host(name=f"web{number}", address=address, interface=INTERFACE)
        fakes.add(host, plain_host(host)).routes = [
            Route(destination="default", gateway=LOOK_ON, interface=INTERFACE)
        ]
        hosts.append(host)
    distant = DistantHosts(
        fakes,
        {one.name: 0.06 if number % 10 == 0 else 0.02 for number, one in enumerate(hosts, 1)},
    )
    return measure(hosts, distant, round_trips=distant.trips, idle=distant.idle)


# -- real


def over_ssh(count: int, folder: Path) -> Measured:
    """Measure network namespaces with an sshd each; needs root and OpenSSH.

    Raises:
        IsolationUnavailable: there are no network namespaces.
    """
    with _served(count, folder) as (segment, servers, config):

        def idle(host: Host) -> None:
            driver.run(host, ["true"], timeout_s=30)

        with SshDriver(config_file=config) as driver, segment.bridge.entered():
            return measure(
                [host for host, _ in servers.values()],
                driver,
                round_trips=lambda: {
                    name: server.round_trips() for name, (_, server) in servers.items()
                },
                idle=idle,
            )


@contextmanager
def _served(
    count: int, folder: Path
) -> Iterator[tuple[Segment, Mapping[str, tuple[Host, Sshd]], str]]:
    servers: dict[str, tuple[Host, Sshd]] = {}
    blocks = []
    with ExitStack() as stack:
        segment = stack.enter_context(Segment())
        for number in range(1, count + 1):
            member = segment.attach(f"web{number}")
            address = member.host.address
            sshd = stack.enter_context(Sshd(member.namespace, address, folder / f"sshd{number}"))
            sshd.start()
            servers[member.host.name] = (replace(member.host, driver="ssh"), sshd)
            blocks.append(
                f"Host {address}\n  IdentityFile {sshd.user_key}\n"
                f"  UserKnownHostsFile {sshd.known_hosts}\n"
            )
        config = folder / "ssh_config"
        always = "Host *\n  User root\n  IdentityAgent none\n  IdentitiesOnly yes\n"
        config.write_text("".join(blocks) + always)
        config.chmod(0o600)
        yield segment, servers, str(config)
