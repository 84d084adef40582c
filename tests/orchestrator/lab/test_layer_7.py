"""Layer 7 in the lab: the virtual LoadMaster's proxy, seen by clients and by servers."""

import time
from collections.abc import Callable, Iterator

import pytest
from pyroute2 import IPRoute  # type: ignore[import-untyped] # it ships no types

from kempsdk import CheckType, LoadMaster, RsRef, RsStatus, VsRef
from orchestrator.hosts.netlink import NetlinkDriver
from orchestrator.lab.lab import Lab
from orchestrator.lab.load import LoadOptions, LoadRun
from orchestrator.lab.loadmaster import LabLoadMaster
from tests.orchestrator.lab.web_servers import WebServers

pytestmark = pytest.mark.kernel


def _eventually(condition: Callable[[], bool], within_s: float = 15.0) -> bool:
    deadline = time.monotonic() + within_s
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.2)
    return condition()


@pytest.fixture(scope="module")
def servers(lab: Lab) -> WebServers:
    servers = WebServers(lab)
    for host in lab.hosts:
        servers.start(host.name)
    return servers


@pytest.fixture(scope="module")
def lm(lab: Lab, servers: WebServers) -> Iterator[LoadMaster]:
    with (
        LabLoadMaster(lab, layer=7, time_scale=20.0) as box,
        lab.namespaces["admin"].entered(),
        box.client() as client,
    ):
        yield client


def _service(lab: Lab, lm: LoadMaster, vip: str, *, transparent: bool) -> VsRef:
    vs = VsRef.parse(f"tcp/{vip}:80")
    lm.virtual_services.create(
        vs, force_l7=True, transparent=transparent, check_type=CheckType.HTTP, check_url="/health"
    )
    for host in lab.hosts:
        lm.real_servers.add(vs, RsRef(host.address, 80))
    assert _eventually(lambda: all(one.status is RsStatus.UP for one in lm.real_servers.list(vs)))
    return vs


def _clients_seen_by(lab: Lab, host: int) -> set[str]:
    state = NetlinkDriver().read(lab.hosts[host])
    return {
        one.peer_address
        for one in state.sockets
        if one.local_port == 80 and one.state == "established"
    }


def test_a_server_leaves_under_load_without_a_failed_request(
    lab: Lab, servers: WebServers, lm: LoadMaster
) -> None:
    vs = _service(lab, lm, lab.vip, transparent=False)
    first = RsRef(lab.hosts[0].address, 80)
    with LoadRun(lab, LoadOptions(address=lab.vip, rate_per_s=100)) as load:
        load.progress()  # waits until there are requests
        assert _clients_seen_by(lab, 0) == {lab.lb_address}
        load.phase("disabled")
        lm.real_servers.disable_in(vs, first)
        assert _eventually(
            lambda: all(
                row.active_connections == 0
                for row in lm.statistics.read().servers
                if row.address == first.address
            )
        )
        servers.stop("web1")
        load.phase("away")
        time.sleep(0.5)
        result = load.stop()
    servers.start("web1")
    assert result.failed == 0, result.failures
    assert set(result.by_phase["start"].by_server) == {"web1", "web2"}
    assert set(result.by_phase["away"].by_server) == {"web2"}


def test_a_server_stopped_before_it_is_disabled_shows_as_failures(
    lab: Lab, servers: WebServers, lm: LoadMaster
) -> None:
    vip = "203.0.113.251"
    _service(lab, lm, vip, transparent=False)
    with LoadRun(lab, LoadOptions(address=vip, rate_per_s=100)) as load:
        time.sleep(0.5)
        servers.kill("web1")
        time.sleep(0.3)
        result = load.stop()
    servers.start("web1")
    assert result.failed > 0


def test_transparent_servers_see_the_client_and_answer_through_the_load_balancer(
    lab: Lab, servers: WebServers, lm: LoadMaster
) -> None:
    vip = "203.0.113.252"
    _service(lab, lm, vip, transparent=True)

    def route_through(gateway: str) -> None:
        with IPRoute() as ip:
            ip.route("replace", dst="0.0.0.0/0", gateway=gateway)

    def failures_and_clients() -> tuple[int, set[str]]:
        with LoadRun(lab, LoadOptions(address=vip, rate_per_s=50, timeout_s=1.0)) as load:
            load.progress()  # waits until there are requests
            clients = _clients_seen_by(lab, 0) | _clients_seen_by(lab, 1)
            return load.stop().failed, clients

    # The servers' way back is the router: the proxy never hears from them.
    failed, _ = failures_and_clients()
    assert failed > 0
    try:
        for host in lab.hosts:
            lab.namespaces[host.name].run(lambda: route_through(lab.lb_address))
        failed, clients = failures_and_clients()
    finally:
        for host in lab.hosts:
            lab.namespaces[host.name].run(lambda: route_through("203.0.113.1"))
    assert failed == 0
    assert clients == {"198.51.100.10"}


def test_the_addresses_leave_with_their_services(lab: Lab, lm: LoadMaster) -> None:
    def addresses() -> set[str]:
        with IPRoute() as ip:
            return {str(one.get("address")) for one in ip.get_addr(family=2)}

    vip = "203.0.113.253"
    vs = _service(lab, lm, vip, transparent=True)
    assert vip in lab.namespaces["lb"].run(addresses)
    lm.virtual_services.delete(vs)
    assert vip not in lab.namespaces["lb"].run(addresses)
