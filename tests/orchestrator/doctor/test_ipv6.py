"""The same over IPv6: neighbour discovery in ARP's place, on the real kernel."""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest
from pyroute2 import IPRoute  # type: ignore[import-untyped] # it ships no types

from kempsdk import Forward, RsRef, VsRef
from kempsdk.emulator import Switches, VirtualLoadMaster
from orchestrator.hosts.methods.method import Wanted
from orchestrator.hosts.methods.registry import METHODS
from orchestrator.network_namespace import NetworkNamespace
from tests.fakes.clock import FakeClock
from tests.orchestrator.doctor.test_examination import DRIVER, World, found, run
from tests.orchestrator.hosts.segment import BRIDGE, INTERFACE, Member, Segment

pytestmark = pytest.mark.kernel
VIP = "2001:db8::250"
VS = VsRef.parse(f"tcp/[{VIP}]:80")
EVERYWHERE = "::"
_WITHOUT_WAITING = 2
"""IFA_F_NODAD: used at once, without asking whether somebody has it."""


def _give(namespace: NetworkNamespace, interface: str, address: str, prefix: int) -> None:
    def give() -> None:
        Path("/proc/sys/net/ipv6/conf", interface, "disable_ipv6").write_text("0")
        with IPRoute() as netlink:
            (index,) = netlink.link_lookup(ifname=interface)
            netlink.addr(
                "add", index=index, address=address, prefixlen=prefix, flags=_WITHOUT_WAITING
            )

    namespace.run(give)


def _attach(segment: Segment, name: str, number: int) -> Member:
    member = segment.attach(name)
    address = f"2001:db8::{number}"
    _give(member.namespace, INTERFACE, address, 64)
    run(member, "ip", "-6", "route", "replace", "default", "via", "2001:db8::2")
    return replace(member, host=replace(member.host, address=address))


@pytest.fixture
def served(segment: Segment) -> Iterator[World]:
    with ExitStack() as stack:
        box = stack.enter_context(
            VirtualLoadMaster(health="up", switches=Switches(rate_limit=False), http=True)
        )
        lm = box.client(clock=FakeClock())
        stack.callback(lm.close)
        lm.virtual_services.create(VS, nickname="web", force_l4=True)
        _give(segment.bridge, BRIDGE, "2001:db8::2", 64)
        lb, gw, web1, web2 = (
            _attach(segment, name, number)
            for number, name in enumerate(("lb", "gw", "web1", "web2"), 10)
        )
        _give(lb.namespace, INTERFACE, VIP, 128)
        world = World(
            segment=segment, lm=lm, lb=lb, gw=gw, web1=web1, web2=web2, stack=stack, vs=VS
        )
        for member in (web1, web2):
            method = METHODS["loopback"]
            state = DRIVER.read(member.host, method.sections)
            wanted = Wanted(host=member.host, services=(VS,))
            DRIVER.apply(member.host, method.plan_add(state, wanted))
            lm.real_servers.add(VS, RsRef(member.host.address, 80), forward=Forward.ROUTE)
            world.serve(member, EVERYWHERE)
        yield world


def test_a_sound_service(served: World) -> None:
    report = served.examine()
    assert found(report) == set()
    assert report.healthy
    said = {one.name: one.said for one in report.checks}
    assert any(f"the LoadMaster ({served.lb.mac}) answered" in line for line in said["arp"])
    good = {(one.name, one.subject) for one in report.checks if one.said and not one.findings}
    assert {("vip-request", "host web1"), ("vip-request", "host web2")} <= good


def test_a_server_that_answers_neighbour_discovery_and_the_router_that_learned_it(
    served: World,
) -> None:
    loud, router = served.web1, served.gw
    _give(loud.namespace, INTERFACE, VIP, 128)
    run(router, "ip", "-6", "neigh", "replace", VIP, "lladdr", loud.mac, "dev", INTERFACE)
    report = served.examine()
    assert found(report) == {
        ("vip-on-interface", "host web1"),
        ("arp-culprit", "host web1"),
        ("wrong-mac-learned", "machine gw"),
    }
    run(loud, "ip", "-6", "address", "del", f"{VIP}/128", "dev", INTERFACE)
    (left,) = served.examine().findings
    assert left.id == "wrong-mac-learned"
