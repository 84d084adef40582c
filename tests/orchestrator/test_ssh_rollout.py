"""A rollout whose hosts are reached as real ones are: over SSH, with a real server on each."""

import dataclasses
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from kempsdk import CheckType, LoadMaster
from kempsdk.clock import SystemClock
from orchestrator.hosts.driver import Host, HostDriver
from orchestrator.hosts.netlink import NetlinkDriver
from orchestrator.hosts.ssh import SshDriver
from orchestrator.inventory import spec_from_data
from orchestrator.lab.lab import Lab
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
from tests.orchestrator.hosts.sshd import Sshd, need_openssh
from tests.orchestrator.lab.web_servers import WebServers

pytestmark = pytest.mark.kernel


@dataclasses.dataclass(frozen=True, kw_only=True)
class Site:
    lab: Lab
    box: LabLoadMaster
    lm: LoadMaster
    adapters: Adapters
    store: Store

    def roll_out(self, kind: str, *names: str) -> RunReport:
        content: dict[str, Any] = rollout_file(self.lab, self.box, kind, names)
        for name, host in content["hosts"].items():
            content["hosts"][name] = {
                "address": host["address"],
                "interface": host["interface"],
                "root": host["root"],
                "driver": "ssh",
            }
        content["rollout"].pop("action", None)
        spec = spec_from_data(content)
        plan = make_plan(spec, read_facts(spec, self.adapters))
        return run_rollout(plan, self.adapters, self.store, on_event=lambda _event: None)


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    need_openssh()
    with ExitStack() as stack:
        lab = stack.enter_context(Lab(2))
        stack.enter_context(lab.namespaces["admin"].entered())
        servers, drivers = WebServers(lab), dict[str, HostDriver]()
        for host in lab.hosts:
            servers.start(host.name)
            sshd = Sshd(lab.namespaces[host.name], host.address, tmp_path / host.name)
            stack.enter_context(sshd.start())
            drivers[host.name] = stack.enter_context(SshDriver(config_file=sshd.config))
        box = stack.enter_context(LabLoadMaster(lab))
        lm = stack.enter_context(box.client())
        lm.virtual_services.create(
            lab_service(lab),
            nickname="web",
            force_l4=True,
            check_type=CheckType.HTTP,
            check_url="/health",
        )
        adapters = Adapters(
            loadmaster=lambda _name: lm,
            driver=lambda host: drivers[host.name],
            clock=SystemClock(),
            segment=SegmentProbe(BRIDGE),
            here=run_here,
        )
        store = stack.enter_context(Store(tmp_path / "runs"))
        yield Site(lab=lab, box=box, lm=lm, adapters=adapters, store=store)


def carries_vip(host: Host, vip: str) -> bool:
    # Looked at by another way than the one that was used.
    return any(one.address == vip for one in NetlinkDriver().read(host).addresses)


def outcomes(report: RunReport) -> dict[str, str]:
    return {name: host.outcome for name, host in report.hosts.items()}


def test_servers_come_in_and_go_out_over_ssh(site: Site) -> None:
    added = site.roll_out("add", "web1", "web2")
    assert outcomes(added) == {"web1": "done", "web2": "done"}, added.reason
    service = site.lm.virtual_services.get(lab_service(site.lab))
    assert [server.enabled for server in service.real_servers] == [True, True]
    assert [carries_vip(host, site.lab.vip) for host in site.lab.hosts] == [True, True]

    rolled = site.roll_out("roll", "web1", "web2")
    assert outcomes(rolled) == {"web1": "done", "web2": "done"}, rolled.reason

    removed = site.roll_out("remove", "web2")
    assert outcomes(removed) == {"web2": "done"}, removed.reason
    assert [carries_vip(host, site.lab.vip) for host in site.lab.hosts] == [True, False]
