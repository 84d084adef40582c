"""A run taken back: by a person, or because a server failed; and what somebody else changed."""

import threading
from collections.abc import Sequence

import pytest

from kempsdk import Schedule
from orchestrator.errors import Locked, OrchestratorError
from orchestrator.hosts.changes import AddAddress, RemoveAddress, SetSysctl
from orchestrator.hosts.driver import CommandResult
from orchestrator.rollout.records import Event, RequestKind
from orchestrator.rollout.run import plan_undo
from tests.fakes.host import FAILS, OK
from tests.orchestrator.rollout.wide_world import WideWorld
from tests.orchestrator.rollout.world import (
    ADDRESS,
    ALL_IN,
    NAMES,
    SERVER,
    VS,
    World,
    bare,
    connection,
    listener,
)

ROLL = "kind: roll, action: {argv: [deploy]}"
UNDOABLE = "kind: roll, action: {argv: [deploy], undo: [roll-back, '{host}']}"


@pytest.fixture
def bare_world(world: World) -> World:
    world.light = True
    return world


def commands(world: World, name: str) -> list[tuple[str, ...]]:
    return [bare(one) for one in world.driver.hosts[name].commands]


# -- by a person ------------------------------------------------------------------------------


def test_undo_of_an_addition_takes_it_out_and_away(bare_world: World) -> None:
    for name in ("web1", "web2"):
        bare_world.add_by_hand(name)
    done = bare_world.run("kind: add, hosts: [web3]")
    assert done.finished
    host = bare_world.driver.hosts["web3"]
    host.applied.clear()
    undone = bare_world.undo(done.run_id)
    assert undone.finished, undone.reason
    assert bare_world.enabled() == {"web1": True, "web2": True}
    assert not bare_world.carries_vip("web3")
    assert host.sysctls["conf/all/arp_ignore"] == 0
    vip = [n for n, one in enumerate(host.applied) if isinstance(one, RemoveAddress)]
    loud = [n for n, one in enumerate(host.applied) if isinstance(one, SetSysctl)]
    assert max(vip) < min(loud)
    assert f"undone by run {undone.run_id}" in bare_world.store.run(done.run_id).reason


def test_undo_of_a_removal_brings_it_back_network_first(quick: World) -> None:
    quick.lm.real_servers.update(VS, SERVER["web3"], weight=7, limit=50)
    quick.calls_before = len(quick.box.calls)
    done = quick.run("kind: remove, hosts: [web3]")
    assert done.finished
    host = quick.driver.hosts["web3"]
    host.applied.clear()
    plan = plan_undo(done.run_id, quick.adapters, quick.store)
    assert [one.kind.value for one in plan.server("web3").steps] == [
        "prepare-host", "verify-host", "arp-proof", "service-bound", "add-server", "enable",
        "healthy",
    ]  # fmt: skip
    assert quick.run(plan).finished
    assert quick.enabled() == ALL_IN
    assert quick.carries_vip("web3")
    silence = [n for n, one in enumerate(host.applied) if isinstance(one, SetSysctl)]
    vip = [n for n, one in enumerate(host.applied) if isinstance(one, AddAddress)]
    assert max(silence) < min(vip)
    servers = {rs.address: rs for rs in quick.lm.virtual_services.get(VS).real_servers}
    assert (servers[ADDRESS["web3"]].weight, servers[ADDRESS["web3"]].limit) == (7, 50)


def test_undo_of_a_roll_that_paused_puts_back_what_is_out(quick: World) -> None:
    quick.driver.hosts["web2"].on_run = lambda _: FAILS
    paused = quick.run(ROLL)
    assert quick.enabled() == {"web1": True, "web2": False, "web3": True}
    plan = plan_undo(paused.run_id, quick.adapters, quick.store)
    assert "action-stays" in {one.id for one in plan.warnings}
    assert not plan.server("web1").steps
    undone = quick.run(plan)
    assert undone.finished, undone.reason
    assert quick.enabled() == ALL_IN
    # Its locks went over to the run that undid it, and are free now.
    assert not quick.store.locks.all()
    assert quick.store.run(paused.run_id).state.value == "abandoned"


def test_undo_takes_the_action_back_newest_first_where_the_file_says_how(quick: World) -> None:
    done = quick.run(UNDOABLE)
    assert done.finished
    plan = plan_undo(done.run_id, quick.adapters, quick.store)
    assert [one.name for one in plan.servers] == ["web3", "web2", "web1"]
    assert plan.batches == (("web3",), ("web2",), ("web1",))
    assert [one.kind.value for one in plan.server("web1").steps] == [
        "disable", "drain", "action", "prepare-host", "verify-host", "arp-proof",
        "service-bound", "enable", "healthy",
    ]  # fmt: skip
    assert quick.run(plan).finished
    for name in NAMES:
        assert commands(quick, name) == [("deploy",), ("roll-back", name)]
    assert quick.enabled() == ALL_IN
    for call in quick.mutations():
        others = [one for one in call.servers if one.address != call.params["rs"]]
        assert all(one.enabled and one.healthy for one in others)


def test_undo_is_a_run_of_its_own_that_pauses_and_resumes(quick: World) -> None:
    done = quick.run(UNDOABLE)
    stop = threading.Event()

    def watch(event: Event) -> None:
        if event.kind == "step-started" and event.step == "web3/action":
            stop.set()

    plan = plan_undo(done.run_id, quick.adapters, quick.store)
    paused = quick.run(plan, watch=watch, stop=stop)
    assert paused.state == "paused"
    assert quick.resume(paused.run_id).finished
    assert all(commands(quick, name) == [("deploy",), ("roll-back", name)] for name in NAMES)


def test_undo_of_an_undo_goes_forward_again(quick: World) -> None:
    done = quick.run("kind: remove, hosts: [web3]")
    undone = quick.undo(done.run_id)
    assert undone.finished
    assert quick.undo(undone.run_id).finished
    assert quick.enabled() == {"web1": True, "web2": True}
    assert not quick.carries_vip("web3")


def test_undo_while_a_batch_runs_is_refused(quick: World) -> None:
    refused: list[str] = []

    def undo() -> None:
        run_id = quick.store.runs()[0].run_id
        with pytest.raises(Locked, match="pause or abort it first") as locked:
            plan_undo(run_id, quick.adapters, quick.store)
        refused.append(str(locked.value))

    assert quick.run_until(ROLL, "web1/drain", undo).finished
    assert refused


def test_abort_then_undo(quick: World) -> None:
    quick.driver.hosts["web1"].sockets.append(connection())
    quick.clock.after(60, lambda: quick.ask(RequestKind.ABORT))
    aborted = quick.run(ROLL)
    assert aborted.state == "abandoned"
    quick.driver.hosts["web1"].sockets = [listener()]
    assert quick.undo(aborted.run_id).finished
    assert quick.enabled() == ALL_IN


def test_what_somebody_else_changed_since_is_left_so(quick: World) -> None:
    quick.driver.hosts["web1"].on_run = lambda _: FAILS
    paused = quick.run(ROLL)
    quick.lm.real_servers.update(VS, SERVER["web1"], weight=3)
    plan = plan_undo(paused.run_id, quick.adapters, quick.store)
    assert plan.empty
    assert "somebody else changed it since in web" in plan.server("web1").why
    assert "foreign-change" in {one.id for one in plan.warnings}


def test_nothing_to_undo(quick: World) -> None:
    done = quick.run("kind: add")
    with pytest.raises(OrchestratorError, match="changed nothing"):
        plan_undo(done.run_id, quick.adapters, quick.store)


def test_undo_in_the_middle_of_a_ramp_gives_the_whole_weight_back(quick: World) -> None:
    quick.lm.virtual_services.update(VS, schedule=Schedule.WEIGHTED_LEAST_CONNECTION)
    stop = threading.Event()

    def watch(event: Event) -> None:
        if event.kind == "step-started" and event.step == "web1/healthy-50":
            stop.set()

    paused = quick.run(f"{ROLL}, hosts: [web1], ramp: {{}}", watch=watch, stop=stop)
    assert paused.state == "paused"
    plan = plan_undo(paused.run_id, quick.adapters, quick.store)
    assert [one.kind.value for one in plan.server("web1").steps] == ["update-server"]
    assert quick.run(plan).finished
    servers = {rs.address: rs.weight for rs in quick.lm.virtual_services.get(VS).real_servers}
    assert servers[ADDRESS["web1"]] == 1000


def test_undo_over_several_services(wide: WideWorld) -> None:
    done = wide.run(wide.wide_plan("kind: remove", "hosts: [web1]"))
    assert wide.states("web1") == {}
    undone = wide.undo(done.run_id)
    assert undone.finished, undone.reason
    assert wide.states("web1") == {"web": True, "tls": True, "api": True}


# -- by itself --------------------------------------------------------------------------------


def _fails_once(world: World, name: str) -> None:
    answers = [FAILS]

    def run(argv: Sequence[str]) -> CommandResult:
        return answers.pop() if bare(argv)[0] == "deploy" and answers else OK

    world.driver.hosts[name].on_run = run


def test_revert_server_puts_it_back_and_pauses(quick: World) -> None:
    _fails_once(quick, "web2")
    result = quick.run(f"{UNDOABLE}, on_failure: revert-server")
    assert result.state == "paused"
    assert {name: one.outcome for name, one in result.hosts.items()} == {
        "web1": "done",
        "web2": "failed",
        "web3": "not_attempted",
    }
    assert quick.enabled() == ALL_IN
    assert commands(quick, "web2") == [("deploy",), ("roll-back", "web2")]
    assert result.hosts["web2"].standing.startswith("enabled, on its way back")
    assert any(one.kind == "server-reverted" for one in quick.events)
    # The next attempt begins anew with it, and only with it.
    again = quick.resume(result.run_id)
    assert again.finished, again.reason
    assert commands(quick, "web2") == [("deploy",), ("roll-back", "web2"), ("deploy",)]
    assert commands(quick, "web1") == [("deploy",)]
    assert quick.enabled() == ALL_IN


def test_revert_server_does_not_put_a_sick_server_back(quick: World) -> None:
    """Undone ends with verified health: one that does not come up stays out."""
    quick.clock.after(8, lambda: quick.set_health("web1", up=False))
    result = quick.run(f"{ROLL}, on_failure: revert-server")
    assert result.state == "paused"
    assert quick.enabled()["web1"] is False
    assert any(
        one.kind == "server-reverted" and "could not be put back" in one.text
        for one in quick.events
    )


def test_revert_server_of_an_addition_takes_it_away_again(bare_world: World) -> None:
    for name in ("web1", "web2"):
        bare_world.add_by_hand(name)
    bare_world.driver.hosts["web3"].sockets.clear()
    result = bare_world.run("kind: add, hosts: [web3], on_failure: revert-server")
    assert result.state == "paused"
    assert not bare_world.carries_vip("web3")
    bare_world.driver.hosts["web3"].sockets.append(listener())
    assert bare_world.resume(result.run_id).finished
    assert bare_world.enabled() == ALL_IN
    assert bare_world.carries_vip("web3")


def test_a_flap_while_baking_reverts_the_batch(quick: World) -> None:
    def flap() -> None:
        quick.clock.after(15, lambda: quick.set_health("web1", up=False))
        quick.clock.after(70, lambda: quick.set_health("web1", up=True))

    result = quick.run_until(
        f"{UNDOABLE}, bake: {{time_s: 120}}, on_failure: revert-server, max_unavailable: 2",
        "batch 1/bake",
        flap,
    )
    assert result.state == "paused"
    assert commands(quick, "web1") == [("deploy",), ("roll-back", "web1")]
    assert quick.enabled() == ALL_IN


def test_revert_all_undoes_the_run_as_a_run_of_its_own(quick: World) -> None:
    quick.driver.hosts["web3"].on_run = lambda argv: FAILS if bare(argv)[0] == "deploy" else OK
    result = quick.run(f"{UNDOABLE}, on_failure: revert-all", run_id="r1")
    assert result.state == "abandoned"
    assert "undone by run r1-undo" in result.reason
    assert quick.enabled() == ALL_IN
    assert [commands(quick, name)[-1][0] for name in NAMES] == ["roll-back"] * 3
    assert quick.store.run("r1-undo").state.value == "finished"
    assert not quick.store.locks.all()


def test_revert_all_with_the_engine(ready: World) -> None:
    ready.driver.hosts["web2"].on_run = lambda _: FAILS
    result = ready.run(f"{ROLL}, on_failure: revert-all", run_id="r1")
    assert result.state == "abandoned"
    assert ready.store.run("r1-undo").state.value == "finished"
    assert ready.enabled() == ALL_IN


def test_revert_all_that_the_floor_does_not_allow_pauses_instead(quick: World) -> None:
    def sick() -> None:
        quick.set_health("web3", up=False)

    quick.driver.hosts["web2"].on_run = lambda argv: FAILS if bare(argv)[0] == "deploy" else OK
    result = quick.run_until(f"{UNDOABLE}, on_failure: revert-all", "web2/action", sick)
    assert result.state == "paused"
    assert "it could not be undone" in result.reason
