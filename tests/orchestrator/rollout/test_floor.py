"""The floor: of a plan, and looked at again in the moment in which a server would go."""

import pytest

from kempsdk import RsStatus
from orchestrator.errors import GateRefused
from tests.orchestrator.rollout.facts import all_three, facts, planned, real_server, service
from tests.orchestrator.rollout.world import ADDRESS, ALL_IN, NAMES, World


@pytest.mark.parametrize(
    ("rollout", "down", "words"),
    [
        ("kind: drain, hosts: [web1, web2], max_unavailable: 3", ["web3"], "min_healthy is 1"),
        ("kind: drain, hosts: [web1, web2]", [], "max_unavailable is 1"),
        ("kind: roll, min_healthy: 2", ["web3"], "leaves 1 healthy, min_healthy is 2"),
        ("kind: roll, hosts: [web1]", ["web2"], "makes 2 out, max_unavailable is 1"),
        ("kind: roll, hosts: [web1], max_unavailable: 3", ["web2", "web3"], "leaves 0 healthy"),
    ],
)
def test_floor(rollout: str, down: list[str], words: str) -> None:
    vs = all_three({name: {"status": RsStatus.DOWN} for name in down})
    with pytest.raises(GateRefused, match=words) as refused:
        planned(rollout, facts(vs))
    assert refused.value.gate == "floor"


@pytest.mark.parametrize(
    ("rollout", "servers", "words"),
    [
        ("kind: roll", 1, "one server only"),
        ("kind: roll, min_healthy: 3", 3, "min_healthy 3 of 3 is all of them"),
        ("kind: roll, min_healthy: 67%", 3, "min_healthy 67% of 3 is all of them"),
        ("kind: roll, min_healthy: 51%", 2, "min_healthy 51% of 2 is all of them"),
        ("kind: roll, max_unavailable: 33%", 3, "max_unavailable 33% of 3 is less than one"),
    ],
)
def test_a_floor_under_which_nothing_can_be_done(rollout: str, servers: int, words: str) -> None:
    vs = service([real_server(name) for name in NAMES[:servers]])
    with pytest.raises(GateRefused, match=words) as refused:
        planned(f"{rollout}, hosts: [web1]", facts(vs))
    assert refused.value.gate == "floor-impossible"


def test_percentages_of_the_floor_round_to_the_safe_side() -> None:
    plan = planned("kind: roll, min_healthy: 50%, max_unavailable: 67%")
    assert (plan.floors[0].min_healthy, plan.floors[0].max_unavailable) == (2, 2)


def test_the_last_server_goes_where_the_pool_may_be_empty() -> None:
    vs = service([real_server("web1")])
    plan = planned("kind: drain, hosts: [web1], may_empty: [web]", facts(vs))
    assert (plan.floors[0].lowest, plan.floors[0].min_healthy) == (0, 0)


def test_removed_servers_are_not_out_any_more() -> None:
    plan = planned("kind: remove, hosts: [web1, web2]")
    assert plan.floors[0].lowest == 1
    assert plan.floors[0].most_out == 1


def test_the_floor_says_where_it_is_lowest() -> None:
    floors = planned("kind: drain, hosts: [web1]").floors
    assert (floors[0].lowest, floors[0].lowest_at) == (2, "batch 1")


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
    assert ready.enabled() == ALL_IN
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
