"""What cannot be read is never nothing there; what is dark for a moment stops nobody."""

import pytest

from orchestrator.errors import HostUnreachable
from orchestrator.rollout.facts import read_facts
from tests.orchestrator.rollout.world import World, connection, spec_for, step


def test_frozen_statistics_are_not_zero(ready: World) -> None:
    result = ready.run_until(
        "kind: roll, drain: {at_deadline: force}",
        "web1/drain",
        lambda: ready.box.freeze_stats(True),
    )
    drain = step(result, "web1/drain")
    assert (drain.status, drain.gate) == ("failed", "blind")
    assert ready.enabled() == {"web1": False, "web2": True, "web3": True}


def test_host_that_cannot_be_read_is_not_drained(ready: World) -> None:
    def lose() -> None:
        ready.driver.hosts["web1"].down = "no route"

    result = ready.run_until(
        "kind: drain, hosts: [web1], drain: {at_deadline: force, deadline_s: 30}",
        "web1/drain",
        lose,
    )
    assert result.hosts["web1"].outcome == "failed"
    assert "nobody knows how many would be cut" in result.hosts["web1"].reason


def test_one_bad_answer_while_draining_is_no_reason_to_stop(ready: World) -> None:
    ready.driver.hosts["web1"].sockets.append(connection())
    ready.clock.after(20, lambda: ready.box.html(1))
    ready.clock.after(60, ready.driver.hosts["web1"].sockets.pop)
    result = ready.run("kind: drain, hosts: [web1]")
    assert result.finished
    assert any("LoadMaster unknown" in one.text for one in ready.events)


def test_a_loadmaster_that_stays_away_stops_the_run(ready: World) -> None:
    ready.driver.hosts["web1"].sockets.append(connection())
    ready.clock.after(20, lambda: ready.box.html(10_000))
    result = ready.run("kind: drain, hosts: [web1]")
    drain = result.hosts["web1"].steps[-1]
    assert (drain.status, drain.gate) == ("failed", "blind")
    assert "for 6" in drain.reason  # stopped after a minute of darkness, not at the deadline


def test_a_loadmaster_that_goes_away_while_a_server_comes_up(ready: World) -> None:
    result = ready.run_until("kind: roll, hosts: [web1]", "web1/healthy", lambda: ready.box.html(3))
    assert result.finished


def test_unreadable_host_before_the_start(ready: World) -> None:
    ready.driver.hosts["web2"].down = "no route"
    with pytest.raises(HostUnreachable, match="no route"):
        ready.plan("kind: roll")
    with pytest.raises(HostUnreachable):
        read_facts(spec_for("kind: add"), ready.adapters)
