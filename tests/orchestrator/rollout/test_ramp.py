"""The weight raised in steps after a server is enabled."""

import threading

from kempsdk import Schedule
from orchestrator.rollout.records import Event, RequestKind
from tests.orchestrator.rollout.wide_world import WideWorld
from tests.orchestrator.rollout.world import ADDRESS, ALL_IN, SERVER, VS, World, failed_step

RAMP = "kind: roll, action: {argv: [restart]}, ramp: {percent: [10, 50], every_s: 30}"


def weight(world: World, name: str) -> int:
    servers = world.lm.virtual_services.get(VS).real_servers
    return next(rs.weight for rs in servers if rs.address == ADDRESS[name])


def weighted(world: World) -> World:
    world.lm.virtual_services.update(VS, schedule=Schedule.WEIGHTED_LEAST_CONNECTION)
    world.calls_before = len(world.box.calls)
    return world


def test_the_weight_rises_in_steps_and_comes_back_exactly(quick: World) -> None:
    weighted(quick).lm.real_servers.update(VS, SERVER["web1"], weight=777)
    quick.calls_before = len(quick.box.calls)
    plan = quick.plan(f"{RAMP}, hosts: [web1]")
    assert "ramp-without-weights" not in {one.id for one in plan.warnings}
    started_s = quick.clock.monotonic_s()
    result = quick.run(plan)
    assert result.finished, result.reason
    assert quick.clock.monotonic_s() - started_s >= 90
    calls = [(one.params.get("enable"), one.params.get("weight")) for one in quick.mutations()]
    # Out, in with a tenth, half, whole: four changes, and never more.
    assert calls == [("N", None), ("Y", "78"), (None, "389"), (None, "777")]
    assert weight(quick, "web1") == 777


def test_a_schedule_that_does_not_look_at_weights(quick: World) -> None:
    assert "ramp-without-weights" in {one.id for one in quick.plan(RAMP).warnings}


def test_a_weight_of_one_cannot_be_a_tenth(quick: World) -> None:
    weighted(quick).lm.real_servers.update(VS, SERVER["web1"], weight=1)
    assert quick.run(f"{RAMP}, hosts: [web1]").finished
    assert weight(quick, "web1") == 1


def test_down_at_half_its_weight_goes_out_with_its_whole_weight(quick: World) -> None:
    """Whoever puts it back by hand must not find a tenth of its weight."""
    weighted(quick)

    def watch(event: Event) -> None:
        if event.kind == "step-started" and event.step == "web1/healthy-50":
            quick.set_health("web1", up=False)

    result = quick.run(quick.plan(RAMP), watch=watch)
    assert result.state == "paused"
    assert quick.enabled()["web1"] is False
    assert weight(quick, "web1") == 1000
    quick.set_health("web1", up=True)
    assert quick.resume(result.run_id).finished
    assert quick.enabled() == ALL_IN
    assert weight(quick, "web1") == 1000


def test_paused_in_the_middle_of_a_ramp(quick: World) -> None:
    weighted(quick)
    stop = threading.Event()

    def watch(event: Event) -> None:
        if event.kind == "step-started" and event.step == "web1/healthy-50":
            stop.set()

    plan = quick.plan(f"{RAMP}, hosts: [web1]")
    paused = quick.run(plan, watch=watch, stop=stop)
    assert paused.state == "paused"
    assert weight(quick, "web1") == 500
    calls = len(quick.mutations())
    assert quick.resume(paused.run_id).finished
    assert weight(quick, "web1") == 1000
    # What was done before the pause is found done, not done again.
    assert len(quick.mutations()) == calls + 1


def test_ramp_over_several_services(wide: WideWorld) -> None:
    result = wide.run(wide.wide_plan(RAMP, "hosts: [web1]"))
    assert result.finished, result.reason
    per_service: dict[tuple[str, str], int] = {}
    for call in wide.all_mutations():
        key = (call.params["vs"], call.params["port"])
        per_service[key] = per_service.get(key, 0) + 1
    assert set(per_service.values()) == {4}


def test_somebody_else_changes_the_weight_in_the_middle(quick: World) -> None:
    weighted(quick)
    quick.clock.after(60, lambda: quick.lm.real_servers.update(VS, SERVER["web1"], weight=3))
    result = quick.run(f"{RAMP}, hosts: [web1]")
    failed = failed_step(result, "web1")
    assert failed.gate == "foreign-change"
    assert weight(quick, "web1") == 3


def test_skip_on_the_ramp_leaves_it_in(quick: World) -> None:
    weighted(quick)
    quick.clock.after(50, lambda: quick.ask(RequestKind.SKIP, "web1"))
    result = quick.run(f"{RAMP}, hosts: [web1]")
    assert result.hosts["web1"].outcome == "skipped"
    assert result.hosts["web1"].standing.startswith("enabled")
    assert quick.enabled()["web1"] is True
