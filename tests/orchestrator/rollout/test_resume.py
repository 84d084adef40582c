"""A run that was stopped goes on where it stood."""

import threading

import pytest

from orchestrator.errors import RunNotFound, RunPaused
from tests.orchestrator.rollout.world import ALL_IN, NAMES, ROLL, World, connection


def test_pause_and_resume(ready: World) -> None:
    stop = threading.Event()
    result = ready.run_until(ROLL, "web2/disable", stop.set, kind="acting", stop=stop)
    assert result.state == "paused"
    assert "as asked for" in result.reason
    assert result.hosts["web1"].outcome == "done"
    assert result.hosts["web2"].outcome == "in_progress"
    assert result.hosts["web3"].outcome == "not_attempted"
    assert ready.enabled() == {"web1": True, "web2": False, "web3": True}
    assert ready.resume(result.run_id).finished
    assert ready.enabled() == ALL_IN
    # web1 was not touched again, web2 not disabled again.
    assert len(ready.mutations()) == 6
    assert all(len(ready.driver.hosts[name].commands) == 1 for name in NAMES)


def test_pause_while_draining(ready: World) -> None:
    ready.driver.hosts["web1"].sockets.append(connection())
    stop = threading.Event()
    ready.clock.after(50, stop.set)
    started = ready.clock.time_s()
    result = ready.run("kind: drain, hosts: [web1]", stop=stop)
    assert result.state == "paused"
    assert ready.clock.time_s() - started < 60
    ready.driver.hosts["web1"].sockets.pop()
    assert ready.resume(result.run_id).finished


def test_resume_of_nothing(ready: World) -> None:
    with pytest.raises(RunNotFound):
        ready.resume("none")
    done = ready.run("kind: drain, hosts: [web1]")
    with pytest.raises(RunPaused, match="finished"):
        ready.resume(done.run_id)
