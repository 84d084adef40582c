"""Which runs keep each other off, by whatever address they reach it, and for how long."""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace

import pytest

from kempsdk import ApiKey, LoadMaster
from kempsdk.emulator import VirtualLoadMaster
from kempsdk.emulator.faults import Fault, FaultKind
from kempsdk.errors import Unreachable
from orchestrator.errors import DriftDetected, Locked, RuleViolated, RunPaused
from orchestrator.rollout.appliances import read_appliance
from orchestrator.rollout.facts import read_facts
from orchestrator.rollout.plan import Plan
from orchestrator.rollout.plan_locks import resources, service_locks
from orchestrator.rollout.planner import make_plan
from orchestrator.rollout.records import RunState
from orchestrator.rollout.run import abandon, enqueue
from orchestrator.rollout.store import Store
from tests.fakes.clock import FakeClock
from tests.fakes.host import FAILS
from tests.orchestrator.rollout.test_failover import PairWorld
from tests.orchestrator.rollout.wide_world import SERVICES, WIDE, WideWorld
from tests.orchestrator.rollout.world import INVENTORY, ROLL, VS, World, failed_step, spec_for


def plan_by(world: World, lm: LoadMaster, url: str, host: str) -> Plan:
    """Plan something for a host, with a LoadMaster reached by a URL."""
    spec = spec_for(
        "kind: drain",
        about=f"hosts: [{host}]",
        inventory=INVENTORY.replace("https://127.0.0.1:1", url),
    )
    return make_plan(spec, read_facts(spec, replace(world.adapters, loadmaster=lambda _: lm)))


def client(box: VirtualLoadMaster, url: str, key: str) -> LoadMaster:
    assert url != box.url
    return LoadMaster(url, auth=ApiKey(key), clock=FakeClock())


def queue(world: World, plan: Plan, run_id: str) -> None:
    enqueue(plan, world.store, now_s=world.clock.time_s(), operator="amy@desk", run_id=run_id)


@pytest.fixture
def pair(store: Store) -> Iterator[PairWorld]:
    with PairWorld(store) as world:
        world.in_service()
        yield world


@pytest.mark.parametrize(
    "url", ["https://LB1.example", "https://lb1.example:443/", "https://lb1.example."]
)
def test_spellings_of_one_address_are_one_lock(url: str) -> None:
    spec = spec_for("kind: add", inventory=INVENTORY.replace("https://127.0.0.1:1", url))
    held = service_locks(spec, "lb1", str(VS), None)
    assert held == (f"service {VS} of https://lb1.example",)


def test_two_spellings_of_one_loadmaster_exclude_each_other(ready: World) -> None:
    by_name = ready.box.url.replace("127.0.0.1", "localhost")
    queue(ready, plan_by(ready, ready.lm, ready.box.url, "web1"), "r1")
    with client(ready.box, by_name, ready.box.api_key) as other:
        second = plan_by(ready, other, by_name, "web2")
        with pytest.raises(
            Locked,
            match=rf"service {VS} of the LoadMaster with serial number \d+ has been held since "
            r"\d{4}-.* UTC by run r1 of amy@desk \(drain of web1\)",
        ):
            queue(ready, second, "r2")
    ready.store.stand("r1", RunState.ABANDONED, "", now_s=0)
    queue(ready, second, "r2")


def test_both_units_of_a_pair_and_its_shared_address_exclude_each_other(pair: PairWorld) -> None:
    units = (pair.pair.first, pair.pair.second)
    with ExitStack() as stack:
        clients = {one.url: stack.enter_context(one.client(clock=FakeClock())) for one in units}
        clients[pair.pair.url] = pair.lm
        plans = {url: plan_by(pair, lm, url, "web1") for url, lm in clients.items()}
        others = [plan_by(pair, lm, url, "web2") for url, lm in clients.items()]
    assert len({resources(one) for one in plans.values()}) == 3
    for number, plan in enumerate(plans.values()):
        queue(pair, plan, f"r{number}")
        for other in others:
            if other.spec["loadmasters"] == plan.spec["loadmasters"]:
                continue
            with pytest.raises(
                Locked, match=r"of the pair at 192\.0\.2\.12 has been held .* by run r"
            ):
                queue(pair, other, "other")
        pair.store.stand(f"r{number}", RunState.ABANDONED, "", now_s=0)


def test_a_failover_between_plan_and_run_is_no_other_loadmaster(pair: PairWorld) -> None:
    plan = pair.plan("kind: drain, hosts: [web1]")
    pair.fail_over()
    assert pair.run(plan).finished


def test_two_loadmasters_with_a_service_of_one_name_do_not(store: Store) -> None:
    with World(store) as one, World(store) as other:
        one.in_service()
        other.in_service()
        queue(one, plan_by(one, one.lm, one.box.url, "web1"), "r1")
        queue(other, plan_by(other, other.lm, other.box.url, "web2"), "r2")


def test_another_loadmaster_at_the_same_address_is_drift(store: Store) -> None:
    with World(store) as one, World(store) as other:
        one.in_service()
        other.in_service()
        plan = one.plan("kind: drain, hosts: [web1]")
        with pytest.raises(DriftDetected) as drift:
            other.run(plan)
    assert any(one.startswith("lb1 appliance: was LoadMaster") for one in drift.value.moved)


def test_a_run_of_an_earlier_version_keeps_off_those_of_the_same_address(ready: World) -> None:
    """It goes on with what it holds: the service by its address, and the hosts."""
    held = [f"service {VS} of https://127.0.0.1:1", "host 203.0.113.11"]
    now_s, new = ready.clock.time_s(), ready.plan("kind: drain, hosts: [web2]")
    ready.store.create_run(
        "old", ready.plan("kind: drain, hosts: [web1]"), worker="", resources=held, now_s=now_s
    )
    with pytest.raises(Locked, match=r"held .* by run old"):
        queue(ready, new, "new")
    assert ready.resume("old").finished
    queue(ready, new, "new")


def test_one_that_does_not_say_what_it_is_is_known_by_its_address(ready: World) -> None:
    known = ready.plan("kind: drain, hosts: [web1]")
    ready.box.arm(Fault(kind=FaultKind.REJECT, command="get", times=None))
    assert read_appliance(ready.lm) is None
    unknown = ready.plan("kind: drain, hosts: [web2]")
    (warning,) = [one for one in unknown.warnings if one.id == "loadmaster-unidentified"]
    assert "serial number" in warning.message
    assert resources(unknown)[0] == f"service {VS} of https://127.0.0.1:1"
    queue(ready, unknown, "r1")
    with pytest.raises(Locked, match=r"held .* by run r1"):
        queue(ready, known, "r2")


def test_one_that_does_not_answer_is_not_taken_for_one_that_does_not_say(ready: World) -> None:
    ready.box.arm(Fault(kind=FaultKind.CLOSE, when="before", command="get", times=None))
    with pytest.raises(Unreachable):
        read_appliance(ready.lm)


def test_one_loadmaster_under_two_names_is_refused(wide: WideWorld) -> None:
    """Its floor would be looked at in two places, and its last server taken by both."""
    wide.lm.virtual_services.create(SERVICES["api"][1], nickname="api", force_l4=True)
    spec = spec_for("kind: drain", about="hosts: [web1]", inventory=WIDE)
    adapters = replace(wide.adapters, loadmaster=lambda _: wide.lm)
    with pytest.raises(RuleViolated, match="lb1 and lb2 are one: the LoadMaster with serial"):
        make_plan(spec, read_facts(spec, adapters))


def test_second_run_on_the_same_service(ready: World) -> None:
    plan = ready.plan("kind: drain, hosts: [web2]")
    refused: list[Locked] = []

    def begin_another() -> None:
        with pytest.raises(Locked, match="is being worked on") as locked:
            ready.store.create_run(
                "other",
                plan,
                worker="",
                resources=[f"service {VS} of https://127.0.0.1:1"],
                now_s=ready.clock.time_s(),
            )
        refused.append(locked.value)

    run = ready.run_until("kind: roll", "web1/drain", begin_another)
    assert run.finished
    assert refused[0].owner == run.run_id
    assert not ready.store.locks.all()


def test_a_paused_run_keeps_its_locks(ready: World) -> None:
    ready.driver.hosts["web1"].on_run = lambda _: FAILS
    paused = ready.run(ROLL)
    assert paused.state == "paused"
    with pytest.raises(Locked, match=f"kemp rollout resume {paused.run_id}") as locked:
        ready.run("kind: drain, hosts: [web2], max_unavailable: 2")
    assert locked.value.owner == paused.run_id
    abandon(paused.run_id, ready.store, now_s=ready.clock.time_s(), reason="given up")
    assert ready.run("kind: drain, hosts: [web2], max_unavailable: 2").finished
    with pytest.raises(RunPaused, match="abandoned"):
        ready.resume(paused.run_id)


def test_a_forgotten_lock_expires(ready: World) -> None:
    host = ready.driver.hosts["web1"]
    host.on_run = lambda _: FAILS
    paused = ready.run(ROLL)
    ready.clock.advance(25 * 3600)
    assert ready.run("kind: add, hosts: [web1]").finished
    # The old run may be taken up again, but it does nothing to a server that is in use.
    again = ready.resume(paused.run_id)
    failed = failed_step(again, "web1")
    assert (failed.id, failed.gate) == ("web1/action", "out-of-rotation")
    assert len(host.commands) == 1
    assert ready.enabled()["web1"] is True
