"""Hosts side by side: every one has an outcome, and nothing happens that was not shown."""

import threading
from dataclasses import replace

import pytest

from kempsdk import VsRef
from kempsdk.emulator import VirtualLoadMaster
from orchestrator.errors import GateRefused, SpecInvalid
from orchestrator.fleet import Assignment, Fleet, HostReport, Outcome, assignment, refuse_enabled
from orchestrator.hosts.changes import AddAddress, NetChange
from orchestrator.hosts.state import HostAddress, NetState
from orchestrator.inventory import parse_spec
from orchestrator.spec import Spec
from tests.fakes.host import FakeHostDriver

VIP = "203.0.113.250"
INVENTORY = """\
loadmasters:
  lb1: {url: "https://127.0.0.1:1"}
services:
  web: {loadmaster: lb1, service: "tcp/203.0.113.250:80", method: loopback}
  tls: {loadmaster: lb1, service: "tcp/203.0.113.250:443", method: loopback}
  app: {loadmaster: lb1, service: "tcp/203.0.113.251:80", method: none}
hosts:
  web1: {address: 203.0.113.11, interface: eth0}
  web2: {address: 203.0.113.12, interface: eth0}
  web3: {address: 203.0.113.13, interface: eth0}
  web4: {address: 203.0.113.15, interface: eth0}
  spare: {address: 203.0.113.14, interface: eth0}
pools:
  web: {service: web, hosts: [web1, web2, web3, web4]}
  tls: {service: tls, hosts: [web1]}
  app: {service: app, hosts: [web1]}
"""


@pytest.fixture
def spec() -> Spec:
    return parse_spec(INVENTORY, path="test.yaml")


@pytest.fixture
def driver(spec: Spec) -> FakeHostDriver:
    driver = FakeHostDriver()
    for name in spec.hosts:
        driver.add(spec.host(name))
    return driver


def fleet(spec: Spec, driver: FakeHostDriver, *names: str, width: int = 4) -> Fleet:
    return Fleet([assignment(spec, name) for name in names], lambda _host: driver, width=width)


def carries(driver: FakeHostDriver, name: str) -> bool:
    return any(one.address == VIP for one in driver.hosts[name].addresses)


def test_a_host_is_to_carry_what_its_pools_say(spec: Spec) -> None:
    found = assignment(spec, "web1")
    assert {part.method: part.wanted.services for part in found.parts} == {
        "loopback": (VsRef.parse("tcp/203.0.113.250:80"), VsRef.parse("tcp/203.0.113.250:443")),
        "none": (VsRef.parse("tcp/203.0.113.251:80"),),
    }
    assert found.parts[0].wanted.keep == (VsRef.parse("tcp/203.0.113.251:80"),)
    with pytest.raises(SpecInvalid, match="spare is in no pool"):
        assignment(spec, "spare")


def test_plan_apply_and_an_empty_second_plan(spec: Spec, driver: FakeHostDriver) -> None:
    hosts = fleet(spec, driver, "web1", "web2", "web3")
    planned = hosts.plan()
    assert {one.outcome for one in planned.values()} == {Outcome.TO_CHANGE}
    assert not any(carries(driver, name) for name in planned)
    done = hosts.apply(planned)
    assert {name: one.outcome for name, one in done.items()} == dict.fromkeys(
        planned, Outcome.CHANGED
    )
    assert all(carries(driver, name) for name in planned)
    assert {one.outcome for one in hosts.verify().values()} == {Outcome.RIGHT}
    again = hosts.plan()
    assert {one.outcome for one in again.values()} == {Outcome.RIGHT}
    assert hosts.apply(again) == again


def test_verify_says_what_is_wrong(spec: Spec, driver: FakeHostDriver) -> None:
    (found,) = fleet(spec, driver, "web2").verify().values()
    assert found.outcome is Outcome.WRONG
    assert {"arp-ignore-live", "vip-missing"} <= {one.id for one in found.findings}


def test_a_host_that_cannot_be_read_hides_no_other(spec: Spec, driver: FakeHostDriver) -> None:
    driver.hosts["web2"].down = "no route to host"
    hosts = fleet(spec, driver, "web1", "web2")
    planned = hosts.plan()
    assert planned["web2"].outcome is Outcome.UNREACHABLE
    assert "no route to host" in planned["web2"].reason
    assert planned["web1"].outcome is Outcome.TO_CHANGE
    found = hosts.facts()
    assert isinstance(found["web1"], NetState)
    assert not isinstance(found["web2"], NetState)


def test_after_a_failure_no_further_host_is_begun(spec: Spec, driver: FakeHostDriver) -> None:
    def refuse(change: NetChange) -> str | None:
        return "no space left" if isinstance(change, AddAddress) else None

    driver.hosts["web1"].refuse = refuse
    hosts = fleet(spec, driver, "web1", "web2", "web3", width=1)
    planned = hosts.plan()
    done = hosts.apply(planned)
    assert [one.outcome for one in done.values()] == [
        Outcome.FAILED,
        Outcome.NOT_ATTEMPTED,
        Outcome.NOT_ATTEMPTED,
    ]
    assert not carries(driver, "web2")
    kept_going = hosts.apply(hosts.plan(), keep_going=True)
    assert [one.outcome for one in kept_going.values()] == [
        Outcome.FAILED,
        Outcome.CHANGED,
        Outcome.CHANGED,
    ]
    driver.hosts["web1"].refuse = lambda _change: None
    assert hosts.apply(hosts.plan())["web1"].outcome is Outcome.CHANGED


def test_each_host_is_heard_of_as_it_ends(spec: Spec, driver: FakeHostDriver) -> None:
    fleet(spec, driver, "web2").apply(fleet(spec, driver, "web2").plan())
    driver.hosts["web3"].refuse = lambda _change: "no space left"
    hosts = fleet(spec, driver, "web1", "web2", "web3", "web4", width=1)
    heard: list[tuple[str, Outcome]] = []
    planned = hosts.plan()

    def hear(report: HostReport) -> None:
        # The hosts after it have not been touched yet.
        assert not carries(driver, "web4")
        heard.append((report.name, report.outcome))

    hosts.apply(planned, on_end=hear)
    # web2 was right before.
    assert heard == [
        ("web1", Outcome.CHANGED),
        ("web3", Outcome.FAILED),
        ("web4", Outcome.NOT_ATTEMPTED),
    ]
    heard.clear()
    hosts.revert(hosts.plan_revert(), keep_going=True, on_end=hear)
    assert ("web1", Outcome.CHANGED) in heard


def test_a_host_that_moved_since_the_plan_is_left_alone(spec: Spec, driver: FakeHostDriver) -> None:
    hosts = fleet(spec, driver, "web1")
    planned = hosts.plan()
    driver.hosts["web1"].sysctls["conf/all/arp_ignore"] = 1
    (found,) = hosts.apply(planned).values()
    assert found.outcome is Outcome.FAILED
    assert "plan again" in found.reason
    assert not carries(driver, "web1")


def test_revert_gives_back_and_names_what_somebody_else_changed(
    spec: Spec, driver: FakeHostDriver
) -> None:
    hosts = fleet(spec, driver, "web1")
    before = replace_record(driver)
    hosts.apply(hosts.plan())
    driver.hosts["web1"].sysctls["conf/all/arp_ignore"] = 2
    planned = hosts.plan_revert()
    assert [one.id for one in planned["web1"].findings] == ["changed-since"]
    (found,) = hosts.revert(planned).values()
    assert found.outcome is Outcome.CHANGED
    fake = driver.hosts["web1"]
    assert fake.files == {}
    assert fake.addresses == before
    assert fake.sysctls["conf/all/arp_ignore"] == 2
    assert fake.sysctls["conf/eth0/arp_announce"] == 0
    assert hosts.plan_revert()["web1"].changes == ()


def replace_record(driver: FakeHostDriver) -> list[HostAddress]:
    return [replace(one) for one in driver.hosts["web1"].addresses]


def test_as_many_at_the_same_time_as_allowed_and_no_more(spec: Spec) -> None:
    together, most, guard = 0, 0, threading.Lock()
    meeting = threading.Barrier(3, timeout=10)

    class Slow(FakeHostDriver):
        def read(self, host, sections=()):  # type: ignore[no-untyped-def] # as the one it covers
            nonlocal together, most
            with guard:
                together += 1
                most = max(most, together)
            meeting.wait()
            with guard:
                together -= 1
            return super().read(host, sections)

    driver = Slow()
    names = [f"web{number}" for number in range(1, 10)]
    one = assignment(spec, "web2")
    assignments = []
    for name in names:
        host = replace(one.host, name=name)
        driver.add(host)
        assignments.append(Assignment(host=host, parts=one.parts))
    found = Fleet(assignments, lambda _host: driver, width=3).verify()
    assert list(found) == names
    assert most == 3


def test_nothing_is_taken_off_a_host_that_is_sent_traffic(spec: Spec) -> None:
    web, tls, app = (spec.services[name].ref for name in ("web", "tls", "app"))
    with VirtualLoadMaster(health="up") as box, box.client() as lm:
        for ref in (web, tls):
            lm.virtual_services.create(ref, force_l4=True)
        lm.virtual_services.create(app)
        server = spec.server("web", "web1")
        lm.real_servers.add(web, server)
        with pytest.raises(GateRefused, match="web1 is enabled in tcp"):
            refuse_enabled(spec, ["web1", "web2"], lambda _name: lm)
        lm.real_servers.disable_in(web, server)
        refuse_enabled(spec, ["web1", "web2"], lambda _name: lm)
