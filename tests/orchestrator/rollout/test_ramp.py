"""The weight raised in steps after a server is enabled."""

import threading

from kempsdk import RsRef, Schedule
from orchestrator.rollout.records import Event, RequestKind
from orchestrator.rollout.run import run_rollout
from tests.orchestrator.rollout.wide_world import WideWorld
from tests.orchestrator.rollout.world import ADDRESS, NAMES, VS, World

RAMP = "kind: roll, action: {argv: [restart]}, ramp: {percent: [10, 50], every_s: 30}"


def weight(world: World, name: str) -> int:
    servers = world.lm.virtual_services.get(VS).real_servers
    return next(rs.weight for rs in servers if rs.address == ADDRESS[name])


def weighted(world: World) -> World:
    world.lm.virtual_services.update(VS, schedule=Schedule.WEIGHTED_LEAST_CONNECTION)
    world.calls_before = len(world.box.calls)
    return world


def test_the_weight_rises_in_steps_and_comes_back_exactly(ready: World) -> None:
    weighted(ready).lm.real_servers.update(VS, RsRef(ADDRESS["web1"], 80), weight=777)
    ready.calls_before = len(ready.box.calls)
    plan = ready.plan(f"{RAMP}, hosts: [web1]")
    assert "ramp-without-weights" not in {one.id for one in plan.warnings}
    started_s = ready.clock.monotonic_s()
    result = ready.run(plan)
    assert result.finished, result.reason
    assert ready.clock.monotonic_s() - started_s >= 90
    calls = [(one.params.get("enable"), one.params.get("weight")) for one in ready.mutations()]
    # Out, in with a tenth, half, whole: four changes, and never more.
    assert calls == [("N", None), ("Y", "78"), (None, "389"), (None, "777")]
    assert weight(ready, "web1") == 777


def test_a_schedule_that_does_not_look_at_weights(ready: World) -> None:
    assert "ramp-without-weights" in {one.id for one in ready.plan(RAMP).warnings}


def test_a_weight_of_one_cannot_be_a_tenth(ready: World) -> None:
    weighted(ready).lm.real_servers.update(VS, RsRef(ADDRESS["web1"], 80), weight=1)
    assert ready.run(f"{RAMP}, hosts: [web1]").finished
    assert weight(ready, "web1") == 1


def test_down_at_half_its_weight_goes_out_with_its_whole_weight(ready: World) -> None:
    """Whoever puts it back by hand must not find a tenth of its weight."""
    weighted(ready)

    def watch(event: Event) -> None:
        if event.kind == "step-started" and event.step == "web1/healthy-50":
            ready.box.set_health(ADDRESS["web1"], 80, False)

    result = run_rollout(ready.plan(RAMP), ready.adapters, ready.store, on_event=watch)
    assert result.state == "paused"
    assert ready.enabled()["web1"] is False
    assert weight(ready, "web1") == 1000
    ready.box.set_health(ADDRESS["web1"], 80, True)
    assert ready.resume(result.run_id).finished
    assert ready.enabled() == dict.fromkeys(NAMES, True)
    assert weight(ready, "web1") == 1000


def test_paused_in_the_middle_of_a_ramp(ready: World) -> None:
    weighted(ready)
    stop = threading.Event()

    def watch(event: Event) -> None:
        if event.kind == "step-started" and event.step == "web1/healthy-50":
            stop.set()

    plan = ready.plan(f"{RAMP}, hosts: [web1]")
    paused = run_rollout(plan, ready.adapters, ready.store, on_event=watch, stop=stop)
    assert paused.state == "paused"
    assert weight(ready, "web1") == 500
    calls = len(ready.mutations())
    assert ready.resume(paused.run_id).finished
    assert weight(ready, "web1") == 1000
    # What was done before the pause is found done, not done again.
    assert len(ready.mutations()) == calls + 1


def test_ramp_over_several_services(wide: WideWorld) -> None:
    result = wide.run(wide.wide_plan(RAMP, "hosts: [web1]"))
    assert result.finished, result.reason
    per_service: dict[tuple[str, str], int] = {}
    for call in wide.all_mutations():
        key = (call.params["vs"], call.params["port"])
        per_service[key] = per_service.get(key, 0) + 1
    assert set(per_service.values()) == {4}


def test_somebody_else_changes_the_weight_in_the_middle(ready: World) -> None:
    weighted(ready)
    ready.clock.after(
        60, lambda: ready.lm.real_servers.update(VS, RsRef(ADDRESS["web1"], 80), weight=3)
    )
    result = ready.run(f"{RAMP}, hosts: [web1]")
    failed = next(one for one in result.hosts["web1"].steps if one.status == "failed")
    assert failed.gate == "foreign-change"
    assert weight(ready, "web1") == 3


def test_skip_on_the_ramp_leaves_it_in(ready: World) -> None:
    weighted(ready)
    ready.clock.after(50, lambda: ready.ask(RequestKind.SKIP, "web1"))
    result = ready.run(f"{RAMP}, hosts: [web1]")
    assert result.hosts["web1"].outcome == "skipped"
    assert result.hosts["web1"].standing.startswith("enabled")
    assert ready.enabled()["web1"] is True
