"""A host over several services and LoadMasters: out everywhere, then in everywhere."""

import pytest

from kempsdk import RsRef
from orchestrator.errors import GateRefused, RuleViolated
from orchestrator.rollout.records import Event
from tests.fakes.host import FAILS
from tests.orchestrator.rollout.wide_world import SERVICES, WIDE, WideWorld
from tests.orchestrator.rollout.world import ADDRESS, NAMES, ROLL, VIP, connection, step

EVERYWHERE = {"web": True, "tls": True, "api": True}


def test_roll_of_a_host_over_all_its_services(wide: WideWorld) -> None:
    plan = wide.wide_plan(ROLL, "hosts: [web1]")
    assert [one.pool for one in plan.server("web1").places] == ["web", "tls", "api"]
    result = wide.run(plan)
    assert result.finished, result.reason
    assert wide.kinds("web1") == [
        "disable@web", "disable@tls", "disable@api", "drain", "action", "prepare-host",
        "verify-host", "arp-proof", "service-bound", "enable@web", "enable@tls", "enable@api",
        "healthy",
    ]  # fmt: skip
    assert wide.states("web1") == EVERYWHERE
    # One call to take it out of each service, one to put it back.
    assert len(wide.all_mutations()) == 6


def test_out_of_every_service_before_anything_is_waited_for(wide: WideWorld) -> None:
    wide.driver.hosts["web1"].sockets.append(connection(port=443))
    seen: list[dict[str, bool]] = []

    def watch(event: Event) -> None:
        if event.kind == "waiting" and event.step == "web1/drain":
            seen.append(wide.states("web1"))

    wide.clock.after(60, wide.driver.hosts["web1"].sockets.pop)
    plan = wide.wide_plan(ROLL, "hosts: [web1]")
    result = wide.run(plan, watch=watch)
    assert result.finished, result.reason
    assert seen[0] == {"web": False, "tls": False, "api": False}
    drain = step(result, "web1/drain")
    # A connection to any of the services holds it, on whichever side it is counted.
    assert (drain.seconds or 0) >= 60


@pytest.mark.parametrize("side", ["lb1", "lb2"])
def test_a_connection_that_one_loadmaster_counts_holds_the_server(
    wide: WideWorld, side: str
) -> None:
    counters = wide.counters if side == "lb1" else wide.api_counters
    counters.by_address[ADDRESS["web1"]] = 1
    wide.clock.after(90, counters.by_address.clear)
    result = wide.run(wide.wide_plan("kind: drain", "hosts: [web1]"))
    assert result.finished, result.reason
    assert (result.hosts["web1"].steps[-1].seconds or 0) >= 90


def test_one_of_two_loadmasters_that_stands_still_is_not_zero(wide: WideWorld) -> None:
    wide.clock.after(10, lambda: wide.api_box.freeze_stats(True))
    wide.driver.hosts["web1"].sockets.append(connection())
    wide.clock.after(30, wide.driver.hosts["web1"].sockets.pop)
    result = wide.run(wide.wide_plan("kind: drain", "hosts: [web1]"))
    assert result.hosts["web1"].steps[-1].gate == "blind"


def test_a_floor_of_one_service_keeps_the_server_in_all_of_them(wide: WideWorld) -> None:
    """It must not be found out when the server is half out already."""

    def watch(event: Event) -> None:
        if event.kind == "step-started" and event.step == "web1/disable@web":
            wide.api_box.set_health(ADDRESS["web2"], 8080, False)

    plan = wide.wide_plan(ROLL, "hosts: [web1]")
    result = wide.run(plan, watch=watch)
    failed = result.hosts["web1"].steps[0]
    assert (failed.id, failed.gate) == ("web1/disable@web", "floor")
    assert f"{SERVICES['api'][1]} on lb2" in failed.reason
    assert wide.states("web1") == EVERYWHERE
    assert not wide.all_mutations()


def test_a_pool_has_a_floor_of_its_own(wide: WideWorld) -> None:
    inventory = WIDE.replace("api: {service: api,", "api: {service: api, min_healthy: 2,")
    with pytest.raises(GateRefused, match="min_healthy 2 of 2 is all of them"):
        wide.wide_plan(ROLL, "hosts: [web1]", inventory=inventory)
    plan = wide.wide_plan(ROLL, "pools: [web, tls], hosts: [web3]", inventory=inventory)
    assert not plan.empty


def test_what_was_found_disabled_in_one_service_stays_so_there(wide: WideWorld) -> None:
    wide.lm.real_servers.disable_in(SERVICES["tls"][1], RsRef(ADDRESS["web1"], 443))
    result = wide.run(wide.wide_plan(f"{ROLL}, max_unavailable: 2", "hosts: [web1]"))
    assert result.finished, result.reason
    assert wide.states("web1") == {"web": True, "tls": False, "api": True}


def test_an_action_needs_every_service_drained(wide: WideWorld) -> None:
    with pytest.raises(RuleViolated, match="host-serves-elsewhere") as violated:
        wide.wide_plan(ROLL, "pools: [web, tls], hosts: [web1]")
    assert "203.0.113.251:8080 on lb2" in str(violated.value)
    wide.wide_plan(ROLL, "pools: [web, tls], hosts: [web3]")


def test_selected_by_labels(wide: WideWorld) -> None:
    plan = wide.wide_plan("kind: roll", "selector: {rack: b}")
    assert [one.name for one in plan.servers] == ["web2", "web3"]
    assert [len(one.places) for one in plan.servers] == [3, 2]
    assert wide.run(plan).finished
    assert all(wide.states(name)["web"] for name in NAMES)


def test_remove_from_everywhere(wide: WideWorld) -> None:
    assert wide.run(wide.wide_plan("kind: remove", "hosts: [web1]")).finished
    assert wide.states("web1") == {}
    host = wide.driver.hosts["web1"]
    assert {one.address for one in host.addresses} == {"127.0.0.1", ADDRESS["web1"]}
    assert host.sysctls["conf/all/arp_ignore"] == 0
    with pytest.raises(GateRefused, match="one server only"):
        wide.wide_plan("kind: remove", "hosts: [web2]")


def test_a_server_that_does_not_come_up_in_one_service_goes_out_of_all(wide: WideWorld) -> None:
    def watch(event: Event) -> None:
        if event.kind == "step-started" and event.step == "web1/healthy":
            wide.api_box.set_health(ADDRESS["web1"], 8080, False)

    plan = wide.wide_plan(ROLL, "hosts: [web1]")
    result = wide.run(plan, watch=watch)
    assert result.state == "paused"
    assert wide.states("web1") == {"web": False, "tls": False, "api": False}
    assert "it was disabled again and stays out" in result.hosts["web1"].reason
    wide.api_box.set_health(ADDRESS["web1"], 8080, True)
    assert wide.resume(result.run_id).finished
    assert wide.states("web1") == EVERYWHERE


def test_skip_puts_it_back_everywhere(wide: WideWorld) -> None:
    wide.driver.hosts["web1"].sockets.append(connection(VIP))
    plan = wide.wide_plan(f"{ROLL}, drain: {{deadline_s: 60, at_deadline: skip}}", "hosts: [web1]")
    result = wide.run(plan)
    assert result.finished
    assert result.hosts["web1"].outcome == "skipped"
    assert wide.states("web1") == EVERYWHERE


def test_polling_does_not_grow_with_the_number_of_servers(wide: WideWorld) -> None:
    """Three servers of a batch drain for ten minutes: as many readings as for one."""
    for name in NAMES:
        wide.driver.hosts[name].sockets.append(connection())

    def go() -> None:
        for name in NAMES:
            wide.driver.hosts[name].sockets.pop()

    wide.clock.after(600, go)
    plan = wide.wide_plan(
        "kind: drain, batch: 3, max_unavailable: 3, may_empty: [web, tls, api]",
        "hosts: [web1, web2, web3]",
    )
    started_s = wide.clock.monotonic_s()
    result = wide.run(plan)
    assert result.finished, result.reason
    lasted_s = wide.clock.monotonic_s() - started_s
    for box, before in ((wide.box, wide.calls_before), (wide.api_box, wide.api_calls_before)):
        readings = [one for one in box.calls[before:] if one.command == "stats"]
        assert len(readings) <= lasted_s / 5 + 3


def test_a_server_on_its_way_back_asks_no_loadmaster_but_its_own(wide: WideWorld) -> None:
    """web3 is behind the first one only; the other may be a pair in the middle of a failover."""
    wide.driver.hosts["web3"].on_run = lambda _: FAILS
    plan = wide.wide_plan(
        "kind: roll, action: {argv: [deploy]}, on_failure: revert-server",
        "hosts: [web3, web1]",
    )
    before = len(wide.api_box.calls)
    result = wide.run(plan)
    assert result.hosts["web3"].standing.startswith("enabled, on its way back")
    asked = [one.params.get("param") for one in wide.api_box.calls[before:]]
    assert "hastatus" not in asked
    assert "hastatus" in [one.params.get("param") for one in wide.box.calls]
