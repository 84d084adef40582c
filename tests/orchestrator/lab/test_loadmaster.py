"""The virtual LoadMaster in the lab: API, health checks and packets together."""

import stat
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from pyroute2 import IPRoute  # type: ignore[import-untyped] # it ships no types

from kempsdk import CheckType, Forward, LoadMaster, Protocol, RsRef, RsStatus, Schedule, VsRef
from orchestrator.errors import OrchestratorError
from orchestrator.lab.lab import Lab
from orchestrator.lab.load import LoadOptions, LoadRun
from orchestrator.lab.loadmaster import LabLoadMaster
from tests.orchestrator.lab.web_servers import WebServers

pytestmark = pytest.mark.kernel


@pytest.fixture(scope="module")
def servers(lab: Lab) -> WebServers:
    """Web servers on hosts that carry the VIP and keep silent about it."""

    def carry() -> None:
        for scope in ("all", "eth0"):
            for key, value in (("arp_ignore", "1"), ("arp_announce", "2")):
                Path(f"/proc/sys/net/ipv4/conf/{scope}/{key}").write_text(value)
        with IPRoute() as ip:
            ip.addr("add", index=1, address=lab.vip, prefixlen=32)

    servers = WebServers(lab)
    for host in lab.hosts:
        lab.namespaces[host.name].run(carry)
        servers.start(host.name)
    return servers


@pytest.fixture(scope="module")
def box(lab: Lab) -> Iterator[LabLoadMaster]:
    with LabLoadMaster(lab, time_scale=20.0) as running:
        yield running


@pytest.fixture(scope="module")
def lm(lab: Lab, box: LabLoadMaster) -> Iterator[LoadMaster]:
    """A client that stands where the operator does, at ``admin``."""
    with lab.namespaces["admin"].entered(), box.client() as client:
        yield client


def _eventually(condition: Callable[[], bool], within_s: float = 10.0) -> bool:
    deadline = time.monotonic() + within_s
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.2)  # the appliance's rate limit is on
    return condition()


def test_its_key_is_readable_by_the_owner_only(box: LabLoadMaster) -> None:
    assert stat.S_IMODE(box.api_key_file.stat().st_mode) == 0o600
    key_file = box.api_key_file.with_name("key.pem")
    assert stat.S_IMODE(key_file.stat().st_mode) == 0o600


def test_from_the_api_to_the_packets(
    lab: Lab, servers: WebServers, box: LabLoadMaster, lm: LoadMaster
) -> None:
    vs = VsRef(protocol=Protocol.TCP, address=lab.vip, port=80)
    lm.virtual_services.create(
        vs,
        nickname="web",
        force_l4=True,
        schedule=Schedule.ROUND_ROBIN,
        check_type=CheckType.HTTP,
        check_url="/health",
    )
    members = [RsRef(address=host.address, port=80) for host in lab.hosts]
    for member in members:
        lm.real_servers.add(vs, member, forward=Forward.ROUTE, weight=1000)

    def statuses() -> list[RsStatus]:
        return [server.status for server in lm.real_servers.list(vs)]

    assert _eventually(lambda: statuses() == [RsStatus.UP, RsStatus.UP])
    with LoadRun(lab, LoadOptions(address=lab.vip, rate_per_s=100)) as load:
        time.sleep(1)
        load.phase("web1 disabled")
        lm.real_servers.disable_in(vs, members[0])
        assert _eventually(
            lambda: all(
                row.active_connections == 0
                for row in lm.statistics.read().servers
                if row.address == lab.hosts[0].address
            )
        )
        servers.stop("web1")
        load.phase("web1 away")
        time.sleep(0.5)
        result = load.stop()
    assert result.failed == 0, result.failures
    assert set(result.by_phase["start"].by_server) == {"web1", "web2"}
    assert set(result.by_phase["web1 away"].by_server) == {"web2"}
    assert _eventually(
        lambda: sum(row.total_connections for row in lm.statistics.read().servers) > 50
    )


def test_health_checks_are_real(lab: Lab, servers: WebServers, lm: LoadMaster) -> None:
    vs = VsRef(protocol=Protocol.TCP, address="203.0.113.251", port=80)
    lm.virtual_services.create(vs, force_l4=True, check_type=CheckType.HTTP, check_url="/health")
    lm.real_servers.add(vs, RsRef(address=lab.hosts[1].address, port=80), forward=Forward.ROUTE)
    assert _eventually(lambda: lm.real_servers.list(vs)[0].status is RsStatus.UP)
    servers.kill("web2")
    assert _eventually(lambda: lm.real_servers.list(vs)[0].status is RsStatus.DOWN)


def test_its_log_says_how_the_servers_were_at_each_call(
    lab: Lab, box: LabLoadMaster, lm: LoadMaster
) -> None:
    vs, first = VsRef.parse("tcp/203.0.113.252:80"), RsRef(lab.hosts[0].address, 80)
    lm.virtual_services.create(vs, force_l4=True, check_type=CheckType.NONE)
    lm.real_servers.add(vs, first, forward=Forward.ROUTE)
    lm.real_servers.disable_in(vs, first)
    call = next(one for one in reversed(box.calls()) if one.command == "modrs")
    assert (call.params["rs"], call.params["enable"], call.code) == (first.address, "N", 200)
    assert [(one.address, one.enabled) for one in call.servers] == [(first.address, True)]
    lm.virtual_services.delete(vs)


def test_it_takes_its_address_back_from_whoever_claimed_it(lab: Lab, box: LabLoadMaster) -> None:
    router = lab.namespaces["router"]

    def poison() -> None:
        with IPRoute() as ip:
            device = ip.link_lookup(ifname="eth0")[0]
            ip.neigh("replace", dst=lab.vip, lladdr=lab.macs["web1"], ifindex=device, state=2)

    def learned() -> str:
        with IPRoute() as ip:
            return str(next(iter(ip.get_neighbours(dst=lab.vip))).get("lladdr"))

    router.run(poison)
    assert router.run(learned) == lab.macs["web1"]
    box.announce(lab.vip)
    assert _eventually(lambda: router.run(learned) == lab.macs["lb"])


def test_a_second_one_on_the_same_address_says_why_it_does_not_start(
    lab: Lab, box: LabLoadMaster
) -> None:
    with pytest.raises(OrchestratorError, match="Address already in use"):
        LabLoadMaster(lab).__enter__()
