"""Calls whose answer got lost: read back, then decided, never repeated blindly.

For every step that changes the LoadMaster, over both APIs.
"""

import json
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from orchestrator.errors import HostUnreachable
from orchestrator.hosts.changes import AddAddress, NetChange
from orchestrator.rollout.records import Event
from orchestrator.rollout.report import RunReport
from tests.fakes.clock import FakeClock
from tests.orchestrator.rollout.world import (
    ALL_IN,
    INVENTORY,
    NAMES,
    SERVER,
    VS,
    World,
    connection,
)

WEIGHT = INVENTORY.replace("web: {service: web,", "web: {service: web, weight: 500,")

# Step, rollout, inventory, what must have happened to the service in the end.
CASES: dict[str, tuple[str, str]] = {
    "web1/disable": ("kind: drain, hosts: [web1]", INVENTORY),
    "web1/enable": ("kind: roll, hosts: [web1]", INVENTORY),
    "web1/update-server": ("kind: add, hosts: [web1]", WEIGHT),
    "web1/delete-server": ("kind: remove, hosts: [web1]", INVENTORY),
    "web1/add-server": ("kind: add, hosts: [web1]", INVENTORY),
    "web1/put-back": (
        "kind: roll, hosts: [web1], drain: {deadline_s: 30, at_deadline: skip}",
        INVENTORY,
    ),
    "web1/take-out": ("kind: roll, hosts: [web1]", INVENTORY),
}


@pytest.fixture(params=["v1", "v2"])
def api(request: pytest.FixtureRequest, ready: World) -> Iterator[World]:
    """Return the world, spoken to over one of the APIs."""
    with closing(ready.box.client(api=request.param, clock=FakeClock())) as lm:
        ready.lm = lm
        yield ready


def _stage(world: World, step: str) -> None:
    """Make the world so that the step comes up."""
    if step == "web1/add-server":
        world.lm.real_servers.delete(VS, SERVER["web1"])
    if step == "web1/put-back":
        world.driver.hosts["web1"].sockets.append(connection())
    world.calls_before = len(world.box.calls)


def _run(world: World, step: str, fault: Callable[[], None]) -> RunReport:
    rollout, inventory = CASES[step]

    def watch(event: Event) -> None:
        if (
            step == "web1/take-out"
            and event.kind == "step-started"
            and event.step == "web1/healthy"
        ):
            world.set_health("web1", up=False)
        if event.kind == "acting" and event.step == step:
            fault()

    plan = world.plan(rollout, inventory=inventory)
    return world.run(plan, watch=watch)


def _calls(world: World) -> list[tuple[str, str | None]]:
    return [(one.command, one.params.get("enable")) for one in world.mutations()]


EXPECTED: dict[str, list[tuple[str, str | None]]] = {
    "web1/disable": [("modrs", "N")],
    "web1/enable": [("modrs", "N"), ("modrs", "Y")],
    "web1/update-server": [("modrs", None)],
    "web1/delete-server": [("modrs", "N"), ("delrs", None)],
    # addrs ignores forward, which a second call mends.
    "web1/add-server": [("addrs", "N"), ("modrs", None), ("modrs", "Y")],
    "web1/put-back": [("modrs", "N"), ("modrs", "Y")],
    "web1/take-out": [("modrs", "N"), ("modrs", "Y"), ("modrs", "N")],
}


def _check_end(world: World, step: str, result: RunReport) -> None:
    if step == "web1/take-out":
        assert result.state == "paused"
        assert "it was disabled again and stays out" in result.hosts["web1"].reason
        assert world.enabled()["web1"] is False
        return
    assert result.finished, result.reason
    if step == "web1/delete-server":
        assert "web1" not in world.enabled()
    else:
        assert world.enabled()["web1"] is (step != "web1/disable")


@pytest.mark.parametrize("step", CASES)
def test_a_lost_answer_is_read_back_and_nothing_is_sent_twice(api: World, step: str) -> None:
    _stage(api, step)
    result = _run(api, step, lambda: api.box.drop_after_read(1))
    _check_end(api, step, result)
    assert _calls(api) == EXPECTED[step]


@pytest.mark.parametrize("step", CASES)
def test_a_loadmaster_that_stays_away_for_a_while_after_the_act(api: World, step: str) -> None:
    _stage(api, step)
    result = _run(api, step, lambda: api.box.drop_after_read(25))
    _check_end(api, step, result)
    assert _calls(api) == EXPECTED[step]
    assert any("to read back" in one.text for one in api.events)


@pytest.mark.parametrize("step", ["web1/disable", "web1/enable", "web1/delete-server"])
def test_a_request_that_never_arrived_is_sent_once_more_after_reading(
    api: World, step: str
) -> None:
    _stage(api, step)
    # Something in between answers with a page; the command does not run, nobody can know that.
    result = _run(api, step, lambda: api.box.html(1, 200))
    _check_end(api, step, result)
    assert _calls(api) == EXPECTED[step]


def test_a_loadmaster_that_does_not_come_back_leaves_it_open_and_resume_reads_first(
    api: World,
) -> None:
    result = _run(api, "web1/disable", lambda: api.box.drop_after_read(100_000))
    assert result.state == "paused"
    (disable, *_) = result.hosts["web1"].steps
    assert (disable.status, disable.gate) == ("failed", "outcome-unknown")
    assert "nobody knows whether disable happened" in disable.reason
    assert "resume reads first" in disable.reason
    api.box.drop_after_read(0)
    assert api.resume(result.run_id).finished
    assert _calls(api) == [("modrs", "N")]
    assert api.enabled()["web1"] is False


def test_what_was_refused_is_not_claimed_when_somebody_else_does_it(ready: World) -> None:
    """A refused disable was not ours; one by somebody else later is not put back by us."""
    ready.box.reject("modrs", n=1)
    result = ready.run("kind: roll, hosts: [web1]")
    assert result.hosts["web1"].steps[0].status == "failed"
    ready.lm.real_servers.disable_in(VS, SERVER["web1"])
    again = ready.resume(result.run_id)
    assert again.hosts["web1"].steps[0].gate == "foreign-change"
    assert ready.enabled() == {"web1": False, "web2": True, "web3": True}


def test_a_host_that_goes_away_in_the_middle_of_a_change_is_read_back(world: World) -> None:
    host = world.driver.hosts["web1"]
    broken: list[NetChange] = []

    def refuse(change: NetChange) -> str | None:
        if isinstance(change, AddAddress) and not broken:
            broken.append(change)
            raise HostUnreachable("web1: the connection broke")
        return None

    host.refuse = refuse
    result = world.run("kind: add, hosts: [web1]")
    assert result.finished, result.reason
    assert broken
    # What had been done before was seen, and not done again.
    assert len(host.applied) == len({repr(one) for one in host.applied})
    assert world.carries_vip("web1")


def test_a_dead_server_is_taken_out_though_nobody_else_is_healthy(world: World) -> None:
    result = world.run_until(
        "kind: add, hosts: [web1]", "web1/healthy", lambda: world.set_health("web1", up=False)
    )
    assert result.state == "paused"
    assert world.enabled() == {"web1": False}
    steps = {one.id: one for one in result.hosts["web1"].steps}
    assert steps["web1/take-out"].status == "done"
    world.set_health("web1", up=True)
    again = world.resume(result.run_id)
    assert again.finished
    assert again.hosts["web1"].outcome == "done"
    assert world.enabled() == {"web1": True}


def test_the_last_healthy_server_is_not_taken_out(world: World) -> None:
    """It came up late, but it is up now, and nobody else is."""

    def come_up_late() -> None:
        world.set_health("web1", up=False)
        world.clock.after(119, lambda: world.set_health("web1", up=True))

    result = world.run_until("kind: add, hosts: [web1]", "web1/healthy", come_up_late)
    assert result.state == "paused"
    assert "it could not be taken out again" in result.hosts["web1"].reason
    assert world.enabled() == dict.fromkeys(NAMES[:1], True)


def test_no_secret_in_what_a_run_with_errors_leaves(api: World) -> None:
    """Over v1 the key travels in the URL, which HTTP libraries like to put into errors."""
    lost = _run(api, "web1/disable", lambda: api.box.drop_after_read(100_000))
    api.box.drop_after_read(0)
    api.box.reject("modrs", n=1)
    ended = api.resume(lost.run_id)
    text = json.dumps([lost.to_data(), ended.to_data()]) + repr(api.events)
    kept = b"".join(
        path.read_bytes() for path in Path(api.store.place).rglob("*") if path.is_file()
    )
    assert b"nobody knows whether disable happened" in kept  # it is the journal that is read
    for secret in (api.box.api_key, api.box.password):
        assert secret not in text
        assert secret.encode() not in kept


def test_lost_answers_are_read_back_not_repeated(ready: World) -> None:
    def watch(event: Event) -> None:
        if event.kind == "acting" and event.step in ("web1/disable", "web1/enable"):
            ready.box.drop_after_read(1)

    result = ready.run("kind: roll, hosts: [web1]", watch=watch)
    assert result.finished, result.reason
    assert [one.params["enable"] for one in ready.mutations()] == ["N", "Y"]
    assert ready.enabled()["web1"] is True


def test_a_refused_disable_changes_nothing(ready: World) -> None:
    ready.box.reject("modrs", n=9)
    result = ready.run("kind: roll")
    assert result.hosts["web1"].outcome == "failed"
    assert result.hosts["web1"].steps[0].status == "failed"
    assert ready.enabled() == ALL_IN
