"""A rollout of servers whose default route is the LoadMaster, under load through its proxy."""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from kempsdk import CheckType, LoadMaster
from kempsdk.clock import SystemClock
from orchestrator.hosts.netlink import NetlinkDriver
from orchestrator.inventory import spec_from_data
from orchestrator.lab.lab import Lab
from orchestrator.lab.load import LoadOptions, LoadRun
from orchestrator.lab.loadmaster import LabLoadMaster
from orchestrator.lab.rollout_file import lab_service, rollout_file
from orchestrator.lab.topology import BRIDGE
from orchestrator.probes.segment import SegmentProbe
from orchestrator.rollout.adapters import Adapters, run_here
from orchestrator.rollout.facts import read_facts
from orchestrator.rollout.planner import make_plan
from orchestrator.rollout.report import RunReport
from orchestrator.rollout.run import run_rollout
from orchestrator.rollout.store import Store
from tests.orchestrator.lab.web_servers import WebServers

pytestmark = pytest.mark.kernel
ROUTER = "203.0.113.1"
CLIENT = "198.51.100.10"


@dataclass(frozen=True, kw_only=True)
class Site:
    lab: Lab
    box: LabLoadMaster
    lm: LoadMaster
    adapters: Adapters
    store: Store

    def roll_out(self, kind: str, *names: str) -> RunReport:
        content = rollout_file(self.lab, self.box, kind, names, method="gateway")
        content["rollout"].pop("action", None)
        spec = spec_from_data(content)
        plan = make_plan(spec, read_facts(spec, self.adapters))
        return run_rollout(plan, self.adapters, self.store, on_event=lambda _event: None)

    def ways_out(self) -> list[str]:
        read = NetlinkDriver().read
        return [route[0] for host in self.lab.hosts if (route := read(host).default_route)]

    def clients(self) -> set[str]:
        """Return who the servers are talking to."""
        return {
            one.peer_address
            for host in self.lab.hosts
            for one in NetlinkDriver().read(host).sockets
            if (one.local_port, one.state) == (80, "established")
            and one.peer_address != self.lab.lb_address
        }


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with ExitStack() as stack:
        lab = stack.enter_context(Lab(3))
        stack.enter_context(lab.namespaces["admin"].entered())
        servers = WebServers(lab)
        for host in lab.hosts:
            servers.start(host.name)
        box = stack.enter_context(LabLoadMaster(lab, layer=7))
        lm = stack.enter_context(box.client())
        lm.virtual_services.create(
            lab_service(lab),
            nickname="web",
            force_l7=True,
            transparent=True,
            check_type=CheckType.HTTP,
            check_url="/health",
        )
        driver = NetlinkDriver()
        adapters = Adapters(
            loadmaster=lambda _name: lm,
            driver=lambda _host: driver,
            clock=SystemClock(),
            segment=SegmentProbe(BRIDGE),
            here=run_here,
        )
        store = stack.enter_context(Store(tmp_path / "runs"))
        yield Site(lab=lab, box=box, lm=lm, adapters=adapters, store=store)


def outcomes(report: RunReport) -> dict[str, str]:
    return {name: host.outcome for name, host in report.hosts.items()}


def test_servers_come_in_are_rolled_and_go_out_under_load(site: Site) -> None:
    assert site.ways_out() == [ROUTER] * 3
    added = site.roll_out("add", "web1", "web2")
    assert outcomes(added) == {"web1": "done", "web2": "done"}, added.reason
    assert site.ways_out() == [site.lab.lb_address] * 2 + [ROUTER]

    with LoadRun(site.lab, LoadOptions(address=site.lab.vip, rate_per_s=40)) as load:
        rolled = site.roll_out("roll", "web1", "web2")
        assert outcomes(rolled) == {"web1": "done", "web2": "done"}, rolled.reason
        load.phase("wider")
        added = site.roll_out("add", "web3")
        assert outcomes(added) == {"web3": "done"}, added.reason
        seen = site.clients()
        load.phase("narrower")
        removed = site.roll_out("remove", "web1")
        assert outcomes(removed) == {"web1": "done"}, removed.reason
        load.phase("after")
        result = load.stop()
    assert result.failed == 0, result.failures
    # They see who asks, and what they answer comes back through the LoadMaster.
    assert seen <= {CLIENT}
    assert set(result.by_phase["wider"].by_server) >= {"web1", "web2"}
    assert set(result.by_phase["narrower"].by_server) >= {"web2", "web3"}
    # The one that left has its own way out again.
    assert site.ways_out() == [ROUTER, *[site.lab.lb_address] * 2]
