"""What somebody else changed, between the plan and the start and in the middle of a run."""

import pytest

from orchestrator.errors import DriftDetected
from orchestrator.rollout.report import summaries
from tests.orchestrator.rollout.world import SERVER, VS, World, connection, failed_step


def test_drift_before_the_start(ready: World) -> None:
    plan = ready.plan("kind: roll")
    ready.lm.real_servers.update(VS, SERVER["web2"], weight=5)
    ready.calls_before = len(ready.box.calls)
    with pytest.raises(DriftDetected, match="weight=5") as drift:
        ready.run(plan)
    assert len(drift.value.moved) == 1
    assert not ready.mutations()
    assert not ready.store.locks.all()
    assert summaries(ready.store)[0].state == "abandoned"


def test_drift_on_a_host(ready: World) -> None:
    plan = ready.plan("kind: roll")
    ready.driver.hosts["web3"].sysctls |= {"conf/all/arp_ignore": 0, "conf/eth0/arp_ignore": 0}
    with pytest.raises(DriftDetected, match="web3 effective ARP") as drift:
        ready.run(plan)
    assert drift.value.moved


def test_a_drained_server_enabled_by_somebody_else(ready: World) -> None:
    ready.driver.hosts["web1"].sockets.append(connection())
    ready.clock.after(30, lambda: ready.lm.real_servers.enable_in(VS, SERVER["web1"]))
    result = ready.run("kind: drain, hosts: [web1]")
    failed = result.hosts["web1"].steps[-1]
    assert (failed.id, failed.gate) == ("web1/drain", "foreign-change")
    assert ready.enabled()["web1"] is True  # left as it was found


def test_a_weight_changed_in_mid_run_stops_the_server(ready: World) -> None:
    ready.clock.after(8, lambda: ready.lm.real_servers.update(VS, SERVER["web1"], weight=3))
    result = ready.run("kind: roll")
    failed = failed_step(result, "web1")
    assert (failed.id, failed.gate) == ("web1/enable", "foreign-change")
    assert failed.evidence == ("weight: left as 1000, found 3",)


def test_somebody_else_disables_it_first(ready: World) -> None:
    result = ready.run_until(
        "kind: roll", "web1/disable", lambda: ready.lm.real_servers.disable_in(VS, SERVER["web1"])
    )
    failed = result.hosts["web1"].steps[0]
    assert (failed.status, failed.gate) == ("failed", "foreign-change")
    assert ready.enabled()["web1"] is False
