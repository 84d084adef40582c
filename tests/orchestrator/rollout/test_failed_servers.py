"""A server that failed stays out until a person puts it back."""

from orchestrator.hosts.driver import CommandResult
from tests.fakes.host import NEVER
from tests.orchestrator.rollout.world import ALL_IN, ROLL, World, failed_step


def test_a_server_that_does_not_come_up_is_taken_out_again(ready: World) -> None:
    result = ready.run_until(
        "kind: roll", "web1/enable", lambda: ready.set_health("web1", up=False)
    )
    assert result.state == "paused"
    assert "web1 failed" in result.reason
    assert "stays out" in result.hosts["web1"].reason
    assert {result.hosts[name].outcome for name in ("web2", "web3")} == {"not_attempted"}
    assert ready.enabled() == {"web1": False, "web2": True, "web3": True}
    ready.set_health("web1", up=True)
    again = ready.resume(result.run_id)
    assert again.finished
    assert again.attempts == 2
    assert ready.enabled() == ALL_IN


def test_up_for_two_seconds_is_not_healthy(ready: World) -> None:
    result = ready.run_until(
        "kind: roll, drain: {poll_s: 1}",
        "web1/healthy",
        lambda: ready.clock.after(2, lambda: ready.set_health("web1", up=False)),
    )
    assert result.hosts["web1"].outcome == "failed"
    assert "1 breaks" in result.hosts["web1"].reason
    assert ready.enabled()["web1"] is False


def test_failed_action_keeps_the_server_out(ready: World) -> None:
    ready.driver.hosts["web2"].on_run = lambda argv: CommandResult(
        exit_code=3, stdout="", stderr="disk full"
    )
    result = ready.run(ROLL)
    assert result.hosts["web1"].outcome == "done"
    assert result.hosts["web2"].outcome == "failed"
    assert "exit code 3" in result.hosts["web2"].reason
    failed = failed_step(result, "web2")
    assert failed.evidence == ("disk full",)
    assert ready.enabled() == {"web1": True, "web2": False, "web3": True}


def test_action_that_never_ends(ready: World) -> None:
    ready.driver.hosts["web1"].on_run = lambda _: NEVER
    result = ready.run(ROLL)
    assert "did not end within 600 s" in result.hosts["web1"].reason
