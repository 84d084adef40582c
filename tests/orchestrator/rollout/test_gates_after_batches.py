"""What is between batches: canaries, approval, baking; and how many may fail."""

import re
from collections.abc import Sequence

import pytest

from orchestrator.errors import AlreadyAsked
from orchestrator.hosts.driver import CommandResult
from orchestrator.rollout.records import RequestKind, RequestState
from orchestrator.rollout.steps import Verdict, perform
from tests.orchestrator.rollout.taken_over import one_worker, walk
from tests.orchestrator.rollout.world import (
    ADDRESS,
    ALL_IN,
    NAMES,
    ROLL,
    SERVER,
    VS,
    World,
    connection,
    listener,
)

CANARY = f"{ROLL}, canary: {{deadline_s: 3600}}, batch: 2, max_unavailable: 2"


# -- canary and approval ----------------------------------------------------------------


def test_canary_then_a_person_then_the_others(quick: World) -> None:
    plan = quick.plan(CANARY)
    assert plan.batches == (("web1",), ("web2", "web3"))
    assert plan.stages == (("web1",), ("batch 1",), ("web2", "web3"))
    begun: list[list[str]] = []

    def approve() -> None:
        begun.append([name for name in NAMES if quick.kinds(name)])
        quick.ask(RequestKind.APPROVE, "batch 1", by="ada", note="looks good")
        with pytest.raises(AlreadyAsked, match="ada asked for approve batch 1"):
            quick.ask(RequestKind.APPROVE, "batch 1", by="bob")

    quick.clock.after(600, approve)
    result = quick.run(plan)
    assert result.finished, result.reason
    assert begun == [["web1"]]
    (gate,) = result.gates
    assert gate.steps[0].evidence == ("approved by ada: looks good",)
    assert gate.steps[0].seconds is not None
    assert gate.steps[0].seconds > 500
    # Whoever comes later is told that it was done, and by whom.
    with pytest.raises(AlreadyAsked, match="it was done") as late:
        quick.ask(RequestKind.APPROVE, "batch 1", by="bob")
    assert late.value.by == "ada"


def test_nobody_approves(quick: World) -> None:
    result = quick.run(CANARY)
    assert result.state == "paused"
    assert "nobody approved batch 1 within 3600 s" in result.reason
    assert quick.enabled() == ALL_IN
    assert result.hosts["web2"].outcome == "not_attempted"
    # The approval may come while the run is paused.
    quick.ask(RequestKind.APPROVE, "batch 1")
    assert quick.resume(result.run_id).finished
    assert all(len(quick.driver.hosts[name].commands) == 1 for name in NAMES)


def test_a_canary_that_checks_needs_nobody(quick: World) -> None:
    result = quick.run(
        f"{ROLL}, canary: {{gate: check}}, bake: {{time_s: 60}}, batch: 2, max_unavailable: 2"
    )
    assert result.finished, result.reason
    assert [one.name for one in result.gates] == ["batch 1", "batch 2"]
    assert quick.clock.monotonic_s() > 1120


def test_a_server_with_nothing_to_do_is_no_canary(quick: World) -> None:
    quick.lm.real_servers.disable_in(VS, SERVER["web3"])
    plan = quick.plan("kind: add, hosts: [web1, web2, web3], canary: {hosts: 1}")
    assert plan.batches == (("web1", "web2", "web3"),)
    assert not plan.gates[0].steps  # no other batch is to be let go on


# -- baking -------------------------------------------------------------------------------


def test_a_flap_while_baking_stops_the_run(quick: World) -> None:
    def flap() -> None:
        quick.clock.after(25, lambda: quick.set_health("web1", up=False))

    result = quick.run_until(f"{ROLL}, bake: {{time_s: 120}}", "batch 1/bake", flap)
    assert result.state == "paused"
    assert "web1 up in tcp/203.0.113.250:80: Down" in result.reason
    step = result.gates[0].steps[0]
    assert (step.status, step.gate) == ("failed", "bake")
    assert result.hosts["web2"].outcome == "not_attempted"
    quick.set_health("web1", up=True)
    assert quick.resume(result.run_id).finished


def test_some_looks_may_fail(quick: World) -> None:
    def flap() -> None:
        quick.clock.after(25, lambda: quick.set_health("web1", up=False))
        quick.clock.after(34, lambda: quick.set_health("web1", up=True))

    result = quick.run_until(
        f"{ROLL}, hosts: [web1], bake: {{time_s: 120, failures: 1}}", "batch 1/bake", flap
    )
    assert result.finished, result.reason
    assert "1 failed" in result.gates[0].steps[0].evidence[0]


@pytest.mark.parametrize(("status", "right"), [(200, True), (500, False), (None, False)])
def test_a_page_through_the_vip(quick: World, status: int | None, right: bool) -> None:
    quick.web_status = status
    page = "{name: page, http: {path: /shop, host: www.example}}"
    result = quick.run(f"{ROLL}, hosts: [web1], bake: {{checks: [{page}]}}")
    assert result.finished is right
    (asked,) = quick.web_calls
    assert asked.url == "http://203.0.113.250:80/shop"
    assert asked.headers == {"Host": "www.example"}
    if not right:
        assert "page: http://203.0.113.250:80/shop answered" in result.reason


def test_a_command_as_check(quick: World) -> None:
    check = "{name: errors, argv: [count-errors, '{batch}', '{run}']}"
    rollout = f"{ROLL}, hosts: [web1], bake: {{checks: [{check}]}}"
    assert quick.run(rollout, run_id="abc").finished
    assert quick.here_calls == [("count-errors", "batch 1", "abc")]
    quick.here_result = CommandResult(exit_code=1, stdout="17 errors", stderr="")
    result = quick.run(rollout)
    assert "errors: exit code 1: 17 errors" in result.reason


def test_a_server_that_gets_no_traffic(quick: World) -> None:
    """It is up and takes nothing: what a health check does not see."""
    quick.counters.rates = {ADDRESS["web2"]: 40, ADDRESS["web3"]: 60, ADDRESS["web1"]: 5}
    check = "{name: traffic, traffic: {least: 20}}"
    rollout = f"{ROLL}, hosts: [web1], bake: {{time_s: 30, checks: [{check}]}}"
    result = quick.run(rollout)
    assert "10% of what others get for their weight (at least 20%)" in result.reason
    quick.counters.rates[ADDRESS["web1"]] = 15
    quick.clock.sleep(10)
    assert quick.resume(result.run_id).finished


# -- how many may fail ----------------------------------------------------------------------


def _break(world: World, *names: str) -> None:
    def fails(_: Sequence[str]) -> CommandResult:
        return CommandResult(exit_code=1, stdout="", stderr="broken")

    for name in names:
        world.driver.hosts[name].on_run = fails


def test_failures_within_the_budget_do_not_stop_the_run(quick: World) -> None:
    _break(quick, "web1")
    result = quick.run(f"{ROLL}, max_failures: 1, max_unavailable: 2")
    assert result.finished
    assert result.reason == "every server is done but web1 (failed, and stays out)"
    assert {name: one.outcome for name, one in result.hosts.items()} == {
        "web1": "failed",
        "web2": "done",
        "web3": "done",
    }
    assert quick.enabled() == {"web1": False, "web2": True, "web3": True}
    assert any(one.kind == "failure-allowed" for one in quick.events)


def test_failures_spread_over_batches_stop_at_the_budget(quick: World) -> None:
    _break(quick, "web1", "web2")
    result = quick.run(f"{ROLL}, max_failures: 1, max_unavailable: 2")
    assert result.state == "paused"
    assert result.hosts["web3"].outcome == "not_attempted"
    assert quick.enabled() == {"web1": False, "web2": False, "web3": True}


def test_the_floor_is_nobodys_failure(quick: World) -> None:
    """A server that may not go out has not failed: the whole run waits."""
    result = quick.run_until(
        f"{ROLL}, max_failures: 3",
        "web1/disable",
        lambda: quick.set_health("web3", up=False),
    )
    assert result.state == "paused"
    assert result.hosts["web2"].outcome == "not_attempted"


def test_a_run_that_does_not_come_on_pauses(quick: World) -> None:
    result = quick.run_until(
        "kind: roll, drain: {deadline_s: 300}, progress_deadline_s: 301, healthy_deadline_s: 300, "
        "settle_s: 280",
        "web1/drain",
        lambda: quick.clock.advance(400),
    )
    assert result.state == "paused"
    failed = result.hosts["web1"].steps[1]
    assert (failed.id, failed.gate) == ("web1/drain", "progress-deadline")
    assert quick.resume(result.run_id).finished


# -- what people ask ------------------------------------------------------------------------


def test_pause_finishes_the_servers_in_hand(quick: World) -> None:
    result = quick.run_until(ROLL, "web2/drain", lambda: quick.ask(RequestKind.PAUSE, note="lunch"))
    assert result.state == "paused"
    assert {name: one.outcome for name, one in result.hosts.items()} == {
        "web1": "done",
        "web2": "done",
        "web3": "not_attempted",
    }
    assert quick.enabled() == ALL_IN
    (asked,) = quick.store.requests.of_run(result.run_id)
    assert asked.state is RequestState.TAKEN
    assert quick.resume(result.run_id).finished


def test_a_server_in_hand_is_finished_before_a_pause(quick: World) -> None:
    with one_worker(quick, ROLL, "first") as context:
        assert perform(context, "web1/disable") is Verdict.GO_ON
    quick.ask(RequestKind.PAUSE)
    with one_worker(quick, ROLL, "second") as context:
        assert walk(context, "web1") is Verdict.GO_ON
        assert walk(context, "web2") is Verdict.STOPPED
    assert quick.enabled()["web1"]
    # Taken out and put back, each once.
    assert len(quick.mutations()) == 2


def test_pause_now_breaks_off_the_wait_and_says_where_each_server_stands(quick: World) -> None:
    quick.driver.hosts["web2"].sockets.append(connection())
    result = quick.run_until(
        ROLL,
        "web2/drain",
        lambda: quick.clock.after(60, lambda: quick.ask(RequestKind.PAUSE, "now")),
    )
    assert result.state == "paused"
    # Steps that ended at the same moment stand in any order.
    assert "web1: enabled, drained, action done" in result.reason
    assert {"host prepared", "healthy"} <= set(re.split(", |; ", result.reason))
    assert "web2: disabled" in result.reason
    assert result.hosts["web1"].seconds is not None
    # Not the time until its disable ended: a minute of the drain is over.
    assert result.hosts["web2"].seconds is None
    assert result.hosts["web3"].standing == "not touched"
    quick.driver.hosts["web2"].sockets.clear()
    quick.driver.hosts["web2"].sockets.append(listener())
    assert quick.resume(result.run_id).finished


def test_abort_while_draining(quick: World) -> None:
    quick.driver.hosts["web1"].sockets.append(connection())
    quick.clock.after(60, lambda: quick.ask(RequestKind.ABORT, by="eve", note="wrong version"))
    started_s = quick.clock.monotonic_s()
    result = quick.run(ROLL)
    assert quick.clock.monotonic_s() - started_s < 70
    assert result.state == "abandoned"
    assert result.reason == "aborted by eve: wrong version; web1: disabled"
    assert not quick.store.locks.all()
    assert quick.enabled() == {"web1": False, "web2": True, "web3": True}


def test_skip_while_draining_puts_it_back(quick: World) -> None:
    quick.driver.hosts["web1"].sockets.append(connection())
    quick.clock.after(60, lambda: quick.ask(RequestKind.SKIP, "web1", by="eve"))
    result = quick.run(ROLL)
    assert result.finished
    assert result.hosts["web1"].outcome == "skipped"
    assert result.hosts["web1"].reason == "eve asked to skip it"
    assert result.hosts["web1"].standing == "put back"
    assert quick.enabled() == ALL_IN
    assert not quick.driver.hosts["web1"].commands
    assert all(quick.driver.hosts[name].commands for name in ("web2", "web3"))
    (asked,) = quick.store.requests.of_run(result.run_id)
    assert (asked.state, asked.answer) == (RequestState.TAKEN, "it is as it was found")


def test_skip_of_one_that_is_not_begun(quick: World) -> None:
    result = quick.run_until(ROLL, "web1/drain", lambda: quick.ask(RequestKind.SKIP, "web3"))
    assert result.finished
    assert result.reason == "every server is done but web3 (skipped)"
    assert result.hosts["web3"].outcome == "skipped"
    assert not quick.driver.hosts["web3"].commands
    assert len(quick.mutations()) == 4


def test_skip_of_one_that_failed_leaves_it_out(quick: World) -> None:
    _break(quick, "web1")
    paused = quick.run(f"{ROLL}, max_unavailable: 2")
    assert paused.state == "paused"
    quick.ask(RequestKind.SKIP, "web1")
    result = quick.resume(paused.run_id)
    assert result.finished, result.reason
    assert result.hosts["web1"].outcome == "skipped"
    assert quick.enabled() == {"web1": False, "web2": True, "web3": True}
    assert len(quick.driver.hosts["web1"].commands) == 1


def test_retry_of_one_of_two_that_failed(quick: World) -> None:
    _break(quick, "web1", "web2")
    paused = quick.run(f"{ROLL}, max_failures: 1, max_unavailable: 2")
    quick.driver.hosts["web2"].on_run = lambda _: CommandResult(exit_code=0, stdout="", stderr="")
    quick.ask(RequestKind.RETRY, "web2")
    result = quick.resume(paused.run_id)
    assert result.finished, result.reason
    assert {name: one.outcome for name, one in result.hosts.items()} == {
        "web1": "failed",
        "web2": "done",
        "web3": "done",
    }
    assert len(quick.driver.hosts["web1"].commands) == 1
