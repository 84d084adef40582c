"""What is between batches: canaries, approval, baking; and how many may fail."""

from collections.abc import Callable, Sequence

import pytest

from kempsdk import RsRef
from orchestrator.errors import AlreadyAsked
from orchestrator.hosts.driver import CommandResult
from orchestrator.rollout.records import Event, RequestKind, RequestState
from orchestrator.rollout.report import RunReport
from orchestrator.rollout.run import run_rollout
from tests.orchestrator.rollout.world import ADDRESS, NAMES, VS, World, connection, listener

ROLL = "kind: roll, action: {argv: [restart]}"
CANARY = f"{ROLL}, canary: {{deadline_s: 3600}}, batch: 2, max_unavailable: 2"


def _watched(world: World, rollout: str, at: str, do: Callable[[], object]) -> RunReport:
    """Run a rollout and call ``do`` when the step ``at`` begins."""

    def watch(event: Event) -> None:
        world.events.append(event)
        if event.kind == "step-started" and event.step == at:
            do()

    return run_rollout(world.plan(rollout), world.adapters, world.store, on_event=watch)


# -- canary and approval ----------------------------------------------------------------


def test_canary_then_a_person_then_the_others(ready: World) -> None:
    plan = ready.plan(CANARY)
    assert plan.batches == (("web1",), ("web2", "web3"))
    assert plan.stages == (("web1",), ("batch 1",), ("web2", "web3"))
    begun: list[list[str]] = []

    def approve() -> None:
        begun.append([name for name in NAMES if ready.kinds(name)])
        ready.ask(RequestKind.APPROVE, "batch 1", by="ada", note="looks good")
        with pytest.raises(AlreadyAsked, match="ada asked for approve batch 1"):
            ready.ask(RequestKind.APPROVE, "batch 1", by="bob")

    ready.clock.after(600, approve)
    result = ready.run(plan)
    assert result.finished, result.reason
    assert begun == [["web1"]]
    (gate,) = result.gates
    assert gate.steps[0].evidence == ("approved by ada: looks good",)
    assert gate.steps[0].seconds is not None
    assert gate.steps[0].seconds > 500
    # Whoever comes later is told that it was done, and by whom.
    with pytest.raises(AlreadyAsked, match="it was done") as late:
        ready.ask(RequestKind.APPROVE, "batch 1", by="bob")
    assert late.value.by == "ada"


def test_nobody_approves(ready: World) -> None:
    result = ready.run(CANARY)
    assert result.state == "paused"
    assert "nobody approved batch 1 within 3600 s" in result.reason
    assert ready.enabled() == dict.fromkeys(NAMES, True)
    assert result.hosts["web2"].outcome == "not_attempted"
    # The approval may come while the run is paused.
    ready.ask(RequestKind.APPROVE, "batch 1")
    assert ready.resume(result.run_id).finished
    assert all(len(ready.driver.hosts[name].commands) == 1 for name in NAMES)


def test_a_canary_that_checks_needs_nobody(ready: World) -> None:
    result = ready.run(
        f"{ROLL}, canary: {{gate: check}}, bake: {{time_s: 60}}, batch: 2, max_unavailable: 2"
    )
    assert result.finished, result.reason
    assert [one.name for one in result.gates] == ["batch 1", "batch 2"]
    assert ready.clock.monotonic_s() > 1120


def test_a_server_with_nothing_to_do_is_no_canary(ready: World) -> None:
    ready.lm.real_servers.disable_in(VS, RsRef(ADDRESS["web3"], 80))
    plan = ready.plan("kind: add, hosts: [web1, web2, web3], canary: {hosts: 1}")
    assert plan.batches == (("web1", "web2", "web3"),)
    assert not plan.gates[0].steps  # no other batch is to be let go on


# -- baking -------------------------------------------------------------------------------


def test_a_flap_while_baking_stops_the_run(ready: World) -> None:
    def flap() -> None:
        ready.clock.after(25, lambda: ready.box.set_health(ADDRESS["web1"], 80, False))

    result = _watched(ready, f"{ROLL}, bake: {{time_s: 120}}", "batch 1/bake", flap)
    assert result.state == "paused"
    assert "web1 up in tcp/203.0.113.250:80: Down" in result.reason
    step = result.gates[0].steps[0]
    assert (step.status, step.gate) == ("failed", "bake")
    assert result.hosts["web2"].outcome == "not_attempted"
    ready.box.set_health(ADDRESS["web1"], 80, True)
    assert ready.resume(result.run_id).finished


def test_some_looks_may_fail(ready: World) -> None:
    def flap() -> None:
        ready.clock.after(25, lambda: ready.box.set_health(ADDRESS["web1"], 80, False))
        ready.clock.after(34, lambda: ready.box.set_health(ADDRESS["web1"], 80, True))

    result = _watched(
        ready, f"{ROLL}, hosts: [web1], bake: {{time_s: 120, failures: 1}}", "batch 1/bake", flap
    )
    assert result.finished, result.reason
    assert "1 failed" in result.gates[0].steps[0].evidence[0]


@pytest.mark.parametrize(("status", "right"), [(200, True), (500, False), (None, False)])
def test_a_page_through_the_vip(ready: World, status: int | None, right: bool) -> None:
    ready.web_status = status
    page = "{name: page, http: {path: /shop, host: www.example}}"
    result = ready.run(f"{ROLL}, hosts: [web1], bake: {{checks: [{page}]}}")
    assert result.finished is right
    (asked,) = ready.web_calls
    assert asked.url == "http://203.0.113.250:80/shop"
    assert asked.headers == {"Host": "www.example"}
    if not right:
        assert "page: http://203.0.113.250:80/shop answered" in result.reason


def test_a_command_as_check(ready: World) -> None:
    check = "{name: errors, argv: [count-errors, '{batch}', '{run}']}"
    rollout = f"{ROLL}, hosts: [web1], bake: {{checks: [{check}]}}"
    assert ready.run(rollout, run_id="abc").finished
    assert ready.here_calls == [("count-errors", "batch 1", "abc")]
    ready.here_result = CommandResult(exit_code=1, stdout="17 errors", stderr="")
    result = ready.run(rollout)
    assert "errors: exit code 1: 17 errors" in result.reason


def test_a_server_that_gets_no_traffic(ready: World) -> None:
    """It is up and takes nothing: what a health check does not see."""
    ready.counters.rates = {ADDRESS["web2"]: 40, ADDRESS["web3"]: 60, ADDRESS["web1"]: 5}
    check = "{name: traffic, traffic: {least: 20}}"
    rollout = f"{ROLL}, hosts: [web1], bake: {{time_s: 30, checks: [{check}]}}"
    result = ready.run(rollout)
    assert "10% of what others get for their weight (at least 20%)" in result.reason
    ready.counters.rates[ADDRESS["web1"]] = 15
    ready.clock.sleep(10)
    assert ready.resume(result.run_id).finished


# -- how many may fail ----------------------------------------------------------------------


def _break(world: World, *names: str) -> None:
    def fails(_: Sequence[str]) -> CommandResult:
        return CommandResult(exit_code=1, stdout="", stderr="broken")

    for name in names:
        world.driver.hosts[name].on_run = fails


def test_failures_within_the_budget_do_not_stop_the_run(ready: World) -> None:
    _break(ready, "web1")
    result = ready.run(f"{ROLL}, max_failures: 1, max_unavailable: 2")
    assert result.finished
    assert "every server is done but web1, which failed and stays out" in result.reason
    assert {name: one.outcome for name, one in result.hosts.items()} == {
        "web1": "failed",
        "web2": "done",
        "web3": "done",
    }
    assert ready.enabled() == {"web1": False, "web2": True, "web3": True}
    assert any(one.kind == "failure-allowed" for one in ready.events)


def test_failures_spread_over_batches_stop_at_the_budget(ready: World) -> None:
    _break(ready, "web1", "web2")
    result = ready.run(f"{ROLL}, max_failures: 1, max_unavailable: 2")
    assert result.state == "paused"
    assert result.hosts["web3"].outcome == "not_attempted"
    assert ready.enabled() == {"web1": False, "web2": False, "web3": True}


def test_the_floor_is_nobodys_failure(ready: World) -> None:
    """A server that may not go out has not failed: the whole run waits."""
    result = _watched(
        ready,
        f"{ROLL}, max_failures: 3",
        "web1/disable",
        lambda: ready.box.set_health(ADDRESS["web3"], 80, False),
    )
    assert result.state == "paused"
    assert result.hosts["web2"].outcome == "not_attempted"


def test_a_run_that_does_not_come_on_pauses(ready: World) -> None:
    result = _watched(
        ready,
        "kind: roll, drain: {deadline_s: 300}, progress_deadline_s: 301, healthy_deadline_s: 300, "
        "settle_s: 280",
        "web1/drain",
        lambda: ready.clock.advance(400),
    )
    assert result.state == "paused"
    failed = result.hosts["web1"].steps[1]
    assert (failed.id, failed.gate) == ("web1/drain", "progress-deadline")
    assert ready.resume(result.run_id).finished


# -- what people ask ------------------------------------------------------------------------


def test_pause_finishes_the_servers_in_hand(ready: World) -> None:
    result = _watched(ready, ROLL, "web2/drain", lambda: ready.ask(RequestKind.PAUSE, note="lunch"))
    assert result.state == "paused"
    assert {name: one.outcome for name, one in result.hosts.items()} == {
        "web1": "done",
        "web2": "done",
        "web3": "not_attempted",
    }
    assert ready.enabled() == dict.fromkeys(NAMES, True)
    (asked,) = ready.store.requests.of_run(result.run_id)
    assert asked.state is RequestState.TAKEN
    assert ready.resume(result.run_id).finished


def test_pause_now_breaks_off_the_wait_and_says_where_each_server_stands(ready: World) -> None:
    ready.driver.hosts["web2"].sockets.append(connection())
    result = _watched(
        ready,
        ROLL,
        "web2/drain",
        lambda: ready.clock.after(60, lambda: ready.ask(RequestKind.PAUSE, "now")),
    )
    assert result.state == "paused"
    assert "web1: enabled, drained, action done, host prepared, healthy" in result.reason
    assert "web2: disabled" in result.reason
    assert result.hosts["web3"].standing == "not touched"
    ready.driver.hosts["web2"].sockets.clear()
    ready.driver.hosts["web2"].sockets.append(listener())
    assert ready.resume(result.run_id).finished


def test_abort_while_draining(ready: World) -> None:
    ready.driver.hosts["web1"].sockets.append(connection())
    ready.clock.after(60, lambda: ready.ask(RequestKind.ABORT, by="eve", note="wrong version"))
    started_s = ready.clock.monotonic_s()
    result = ready.run(ROLL)
    assert ready.clock.monotonic_s() - started_s < 70
    assert result.state == "abandoned"
    assert result.reason == "aborted by eve: wrong version; web1: disabled"
    assert not ready.store.locks.all()
    assert ready.enabled() == {"web1": False, "web2": True, "web3": True}


def test_skip_while_draining_puts_it_back(ready: World) -> None:
    ready.driver.hosts["web1"].sockets.append(connection())
    ready.clock.after(60, lambda: ready.ask(RequestKind.SKIP, "web1", by="eve"))
    result = ready.run(ROLL)
    assert result.finished
    assert result.hosts["web1"].outcome == "skipped"
    assert result.hosts["web1"].reason == "eve asked to skip it"
    assert result.hosts["web1"].standing == "put back"
    assert ready.enabled() == dict.fromkeys(NAMES, True)
    assert not ready.driver.hosts["web1"].commands
    assert all(ready.driver.hosts[name].commands for name in ("web2", "web3"))
    (asked,) = ready.store.requests.of_run(result.run_id)
    assert (asked.state, asked.answer) == (RequestState.TAKEN, "it is as it was found")


def test_skip_of_one_that_is_not_begun(ready: World) -> None:
    result = _watched(ready, ROLL, "web1/drain", lambda: ready.ask(RequestKind.SKIP, "web3"))
    assert result.finished
    assert result.hosts["web3"].outcome == "skipped"
    assert not ready.driver.hosts["web3"].commands
    assert len(ready.mutations()) == 4


def test_skip_of_one_that_failed_leaves_it_out(ready: World) -> None:
    _break(ready, "web1")
    paused = ready.run(f"{ROLL}, max_unavailable: 2")
    assert paused.state == "paused"
    ready.ask(RequestKind.SKIP, "web1")
    result = ready.resume(paused.run_id)
    assert result.finished, result.reason
    assert result.hosts["web1"].outcome == "skipped"
    assert ready.enabled() == {"web1": False, "web2": True, "web3": True}
    assert len(ready.driver.hosts["web1"].commands) == 1


def test_retry_of_one_of_two_that_failed(ready: World) -> None:
    _break(ready, "web1", "web2")
    paused = ready.run(f"{ROLL}, max_failures: 1, max_unavailable: 2")
    ready.driver.hosts["web2"].on_run = lambda _: CommandResult(exit_code=0, stdout="", stderr="")
    ready.ask(RequestKind.RETRY, "web2")
    result = ready.resume(paused.run_id)
    assert result.finished, result.reason
    assert {name: one.outcome for name, one in result.hosts.items()} == {
        "web1": "failed",
        "web2": "done",
        "web3": "done",
    }
    assert len(ready.driver.hosts["web1"].commands) == 1
