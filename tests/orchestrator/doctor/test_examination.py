"""A service looked at end to end on the real kernel: sound, and with one fault after another.

A virtual LoadMaster says what is configured; ``lb`` is the machine that has the VIP on the
segment, and nothing moves packets. What differs from a sound service must be found, and
nothing else.
"""

import dataclasses
import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace

import pytest
from pyroute2 import IPRoute  # type: ignore[import-untyped] # it ships no types

from kempsdk import Forward, LoadMaster, RsRef, VsRef
from kempsdk.emulator import Switches, VirtualLoadMaster
from orchestrator.doctor.diagnosis import Check, Report, Verdict, checked
from orchestrator.doctor.examination import examine, examine_alone
from orchestrator.hosts.changes import AddAddress
from orchestrator.hosts.methods.method import Wanted
from orchestrator.hosts.methods.registry import METHODS
from orchestrator.hosts.netlink import NetlinkDriver
from orchestrator.inventory import parse_spec
from orchestrator.probes.segment import HostSegment, SegmentProbe
from orchestrator.probes.segment import Segment as Place
from orchestrator.rollout.adapters import Adapters, run_here
from orchestrator.spec import Spec
from tests.fakes.clock import FakeClock
from tests.orchestrator.hosts.segment import (
    BRIDGE,
    INTERFACE,
    VIP,
    VIP_ON_LO,
    Member,
    Segment,
    sysctl,
)

pytestmark = pytest.mark.kernel
DRIVER = NetlinkDriver()
VS = VsRef.parse(f"tcp/{VIP}:80")


@dataclass(slots=True, kw_only=True)
class World:
    """A service with two servers, and everything around it."""

    segment: Segment
    lm: LoadMaster
    lb: Member
    gw: Member
    web1: Member
    web2: Member
    stack: ExitStack
    vs: VsRef = VS

    def spec(self, *, probe: str = "") -> Spec:
        def machine(one: Member) -> str:
            host = one.host
            return (
                f'{{address: "{host.address}", interface: {INTERFACE}, '
                f"namespace: {host.namespace}, root: {host.root}}}"
            )

        text = f"""\
loadmasters:
  lb:
    url: "https://127.0.0.1:1"
    macs: ["{self.lb.mac}"]
    segment_address: "{self.lb.host.address}"
services: {{web: {{loadmaster: lb, service: "{self.vs}", method: loopback}}}}
hosts: {{web1: {machine(self.web1)}, web2: {machine(self.web2)}}}
stations: {{gw: {machine(self.gw)}}}
routers: [gw]
pools: {{web: {{service: web, hosts: [web1, web2]}}}}
arp_probe: {probe or f"{{interface: {BRIDGE}, namespace: {self.segment.bridge.path}}}"}
"""
        return parse_spec(text, path="test.yaml")

    def examine(self, *, probe: str = "", place: Place | None = None) -> Report:
        here = SegmentProbe(BRIDGE, namespace=self.segment.bridge)
        adapters = Adapters(
            loadmaster=lambda _: self.lm,
            driver=lambda _: DRIVER,
            clock=FakeClock(),
            segment=place or here,
            here=run_here,
        )
        report = examine(self.spec(probe=probe), "web", adapters, listen_s=0.3)
        # These hosts are bare namespaces: nothing on them brings a VIP back after a boot.
        return replace(report, checks=tuple(map(_but_for_the_boot, report.checks)))

    def serve(self, member: Member, address: str) -> None:
        """Answer HTTP on port 80 until the world ends, in place of who did so before."""
        self.stack.enter_context(_web_server(member, address))


def _but_for_the_boot(check: Check) -> Check:
    if check.verdict is not Verdict.FOUND:
        return check
    findings = [one for one in check.findings if "vip-not-persistent" not in one.id]
    return checked(check.name, check.subject, findings, check.said)


@contextmanager
def _web_server(member: Member, address: str) -> Iterator[None]:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    server = member.namespace.run(lambda: socket.create_server((address, 80), family=family))
    server.settimeout(0.05)
    end = threading.Event()

    def serve() -> None:
        while not end.is_set():
            try:
                taken, _ = server.accept()
            except TimeoutError:
                continue
            with taken:
                taken.settimeout(5)
                if taken.recv(4096):
                    taken.sendall(b"HTTP/1.0 200 OK\r\n\r\n")

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield
    finally:
        end.set()
        thread.join()
        server.close()


@pytest.fixture
def world(segment: Segment) -> Iterator[World]:
    with ExitStack() as stack:
        box = stack.enter_context(
            VirtualLoadMaster(health="up", switches=Switches(rate_limit=False), http=True)
        )
        lm = box.client(clock=FakeClock())
        stack.callback(lm.close)
        lm.virtual_services.create(VS, nickname="web", force_l4=True)
        lb, gw, web1, web2 = map(segment.attach, ("lb", "gw", "web1", "web2"))
        lb.add_address(VIP, 32, INTERFACE)
        for member in (web1, web2):
            host = member.host
            method = METHODS["loopback"]
            state = DRIVER.read(host, method.sections)
            wanted = Wanted(host=host, services=(VS,))
            DRIVER.apply(host, method.plan_add(state, wanted))
            lm.real_servers.add(VS, RsRef(host.address, 80), forward=Forward.ROUTE)
        yield World(segment=segment, lm=lm, lb=lb, gw=gw, web1=web1, web2=web2, stack=stack)


EVERYWHERE = ".".join("0000")


@pytest.fixture
def served(world: World) -> World:
    world.serve(world.web1, EVERYWHERE)
    world.serve(world.web2, EVERYWHERE)
    return world


def found(report: Report) -> set[tuple[str, str]]:
    """Return each finding with its subject."""
    return {(one.id, one.subject) for one in report.findings}


def run(member: Member, *words: str) -> None:
    done = DRIVER.run(member.host, words, timeout_s=10)
    assert done.exit_code == 0, done.stderr


def test_a_sound_service(served: World) -> None:
    report = served.examine()
    assert found(report) == set()
    assert report.healthy
    missing = {(one.name, one.subject) for one in report.checks if one.verdict is Verdict.NOT_MADE}
    # Nobody sends traffic; and ethtool may not be on this machine.
    assert {name for name, _ in missing} <= {"traffic", "offloads"}
    assert {("traffic", "host web1"), ("traffic", "host web2")} <= missing
    said = {one.name: one.said for one in report.checks}
    assert any(f"the LoadMaster ({served.lb.mac}) answered" in line for line in said["arp"])


def test_a_loud_server_and_the_router_that_learned_it(served: World) -> None:
    loud, router = served.web1, served.gw
    DRIVER.apply(loud.host, [sysctl("all", "arp_ignore", 0), sysctl(INTERFACE, "arp_ignore", 0)])
    run(router, "ip", "neigh", "replace", VIP, "lladdr", loud.mac, "dev", INTERFACE)
    report = served.examine()
    assert found(report) == {
        ("arp-ignore-live", "host web1"),
        ("arp-culprit", "host web1"),
        ("wrong-mac-learned", "machine gw"),
    }
    assert not report.healthy
    # Repaired is not mended: the router keeps what it learned.
    DRIVER.apply(loud.host, [sysctl("all", "arp_ignore", 1), sysctl(INTERFACE, "arp_ignore", 1)])
    (left,) = served.examine().findings
    assert left.id == "wrong-mac-learned"
    assert f"on gw: ip neigh flush to {VIP} dev {INTERFACE}" in left.cure


def test_a_forgotten_machine_with_the_vip_seen_from_a_station(served: World) -> None:
    old = served.segment.attach("old")
    DRIVER.apply(old.host, [AddAddress(address=VIP_ON_LO)])
    station = HostSegment(DRIVER, served.gw.host)
    report = served.examine(probe="{station: gw}", place=station)
    (culprit,) = report.findings
    assert any("of gw" in line for one in report.checks if one.name == "arp" for line in one.said)
    assert (culprit.id, culprit.subject) == ("arp-culprit", f"machine {old.mac}")
    assert "switch's table" in culprit.cure


def test_a_firewall_and_a_program_on_one_address_only(world: World) -> None:
    world.serve(world.web1, EVERYWHERE)
    world.serve(world.web2, world.web2.host.address)
    run(world.web1, "nft", "add table inet kemptest")
    run(
        world.web1,
        "nft",
        "add chain inet kemptest input { type filter hook input priority 0; policy drop; }",
    )
    run(world.web1, "nft", "add rule inet kemptest input tcp dport 22 accept")
    assert found(world.examine()) == {
        ("packet-filter", "host web1"),
        ("vip-request-unanswered", "host web1"),
        ("health-check-fails", "host web1"),
        ("listens-elsewhere", "host web2"),
        ("vip-request-refused", "host web2"),
    }


def test_an_mtu_and_an_address_that_somebody_else_has(served: World) -> None:
    def shrink() -> None:
        with IPRoute() as netlink:
            (index,) = netlink.link_lookup(ifname=INTERFACE)
            netlink.link("set", index=index, mtu=1400)

    served.web1.namespace.run(shrink)
    twin = served.segment.attach("twin")
    twin.add_address(served.web2.host.address, 24, INTERFACE)
    report = served.examine()
    assert found(report) - {("health-check-fails", "host web2")} == {
        ("mtu-differs", "segment"),
        ("mtu-path", "host web1"),
        ("duplicate-address", "host web2"),
    }
    (twice,) = [one for one in report.findings if one.id == "duplicate-address"]
    assert twin.mac in twice.message


def test_routes_that_lose_replies(served: World) -> None:
    run(served.web1, "ip", "route", "replace", "default", "via", served.lb.host.address)
    # Two networks, the way out through the other one, and a strict reverse path.
    run(served.web2, "ip", "link", "add", "other", "type", "veth", "peer", "name", "far")
    run(served.web2, "ip", "address", "add", "203.0.113.2/24", "dev", "other")
    run(served.web2, "ip", "link", "set", "other", "up")
    run(served.web2, "ip", "route", "replace", "default", "via", "203.0.113.1", "dev", "other")
    DRIVER.apply(served.web2.host, [sysctl("all", "rp_filter", 1)])
    assert found(served.examine()) == {
        ("default-route-through-loadmaster", "host web1"),
        ("rp-filter-drops", "host web2"),
    }


def test_traffic_that_comes_past_the_loadmaster(served: World) -> None:
    router = served.gw
    run(router, "ip", "neigh", "replace", VIP, "lladdr", served.web1.mac, "dev", INTERFACE)
    end = threading.Event()

    def talk() -> None:
        while not end.wait(0.02):
            router.speak_from(router.host.address, VIP)

    thread = threading.Thread(target=talk)
    thread.start()
    try:
        report = served.examine()
    finally:
        end.set()
        thread.join()
    assert found(report) == {
        ("traffic-past-loadmaster", "host web1"),
        ("wrong-mac-learned", "machine gw"),
    }
    (past,) = [one for one in report.findings if one.id == "traffic-past-loadmaster"]
    assert f"came from gw ({router.mac})" in past.message


def test_what_is_gone_is_a_finding_and_the_rest_is_looked_at(served: World) -> None:
    served.lm.virtual_services.delete(VS)
    run(served.lb, "ip", "address", "del", f"{VIP}/32", "dev", INTERFACE)
    nowhere = dataclasses.replace(served.web2.host, namespace="/run/netns/none-such")
    served.web2 = dataclasses.replace(served.web2, host=nowhere)
    report = served.examine()
    assert found(report) == {
        ("service-missing", f"service {VS}"),
        ("host-unreadable", "host web2"),
        ("arp-unanswered", f"VIP {VIP}"),
    }
    good = {(one.name, one.subject) for one in report.checks if one.verdict is Verdict.GOOD}
    assert ("host-state", "host web1") in good
    assert ("vip-request", "host web1") in good


def test_without_a_place_to_ask_from(served: World) -> None:
    spec = dataclasses.replace(served.spec(), arp_probe=None)
    adapters = Adapters(
        loadmaster=lambda _: served.lm,
        driver=lambda _: DRIVER,
        clock=FakeClock(),
        segment=None,
        here=run_here,
    )
    report = examine(spec, "web", adapters)
    assert report.healthy
    (left,) = [one for one in report.checks if one.name == "segment"]
    assert left.verdict is Verdict.NOT_MADE
    assert "give arp_probe" in left.said[0]


def test_a_service_with_nothing_but_its_loadmaster(world: World) -> None:
    world.lm.virtual_services.update(VS, force_l4=False, force_l7=True)
    report = examine_alone(world.lm.virtual_services.get(VS), loadmaster=world.lm)
    assert "dsr-needs-l4" in {one.id for one in report.findings}
    assert [one.name for one in report.checks if one.verdict is Verdict.NOT_MADE] == [
        "hosts",
        "segment",
    ]
