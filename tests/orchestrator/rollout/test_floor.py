"""The floor, looked at in the moment in which a server would go."""

from tests.orchestrator.rollout.world import ADDRESS, NAMES, World


def test_the_floor_is_looked_at_right_before_the_disable(ready: World) -> None:
    result = ready.run_until(
        "kind: roll, max_unavailable: 2, min_healthy: 2",
        "web2/disable",
        lambda: ready.set_health("web3", up=False),
    )
    assert result.hosts["web1"].outcome == "done"
    assert result.hosts["web2"].outcome == "failed"
    failed = result.hosts["web2"].steps[0]
    assert (failed.id, failed.gate) == ("web2/disable", "floor")
    assert any(f"{ADDRESS['web3']}:80 is enabled and Down" in one for one in failed.evidence)
    assert result.hosts["web3"].outcome == "not_attempted"
    assert ready.enabled() == dict.fromkeys(NAMES, True)
    ready.set_health("web3", up=True)
    assert ready.resume(result.run_id).finished


def test_two_servers_of_a_batch_do_not_both_take_the_last_place(ready: World) -> None:
    result = ready.run_until(
        "kind: drain, hosts: [web1, web2], batch: 2, max_unavailable: 3",
        None,
        lambda: ready.set_health("web3", up=False),
        kind="run-started",
    )
    assert result.state == "paused"
    outcomes = sorted(one.outcome for one in result.hosts.values())
    assert outcomes == ["done", "failed"]
    assert sum(ready.enabled()[name] for name in ("web1", "web2")) == 1
