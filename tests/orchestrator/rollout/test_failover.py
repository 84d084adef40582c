"""A pair fails over while servers are worked on, reached by its shared address."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, cast

import pytest

from kempsdk import VirtualService
from kempsdk.emulator import HighAvailabilityPair, Switches, VirtualLoadMaster
from orchestrator.errors import GateRefused
from orchestrator.rollout import failover
from orchestrator.rollout.plan_parts import server_state
from orchestrator.rollout.records import Event, StepStatus
from orchestrator.rollout.report import RunReport
from orchestrator.rollout.steps import Verdict, perform
from orchestrator.rollout.store import Store
from tests.fakes.host import FAILS, OK
from tests.orchestrator.rollout.taken_over import one_worker, walk
from tests.orchestrator.rollout.world import ADDRESS, ALL_IN, SERVER, VS, World

LOST = {"vs": VS.address, "port": VS.port, "prot": "tcp", "rs": ADDRESS["web1"], "rsport": 80}
WEB2 = SERVER["web2"]
ROLL = "kind: roll, hosts: [web1, web2], action: {argv: [deploy]}"


class PairWorld(World):
    """A pair instead of one LoadMaster; what is called ``box`` is both units."""

    light = True

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self.pair = HighAvailabilityPair(
            health="up", switches=Switches(rate_limit=False), http=True
        )
        self.box = cast("VirtualLoadMaster", self.pair)

    def fail_over(self, *, losing: dict[str, Any] | None = None) -> None:
        """Let the other unit take over, without the newest change of a server if asked for."""
        self.pair.failover()
        if losing is not None:
            self.pair.active.run("modrs", **losing)

    def failover_in_drain(self, **how: Any) -> RunReport:
        """Run, and let the pair fail over once the drain of web1 was looked at."""
        todo = [how]

        def watch(event: Event) -> None:
            if event.kind == "waiting" and event.step == "web1/drain" and todo:
                self.fail_over(**todo.pop())

        return self.run(ROLL, watch=watch)

    def words(self, kind: str) -> list[str]:
        return [one.text for one in self.events if one.kind == kind]


@pytest.fixture
def pair(store: Store) -> Iterator[PairWorld]:
    with PairWorld(store) as world:
        world.in_service()
        yield world


def test_a_run_through_the_shared_address_of_a_quiet_pair(pair: PairWorld) -> None:
    done = pair.run(ROLL)
    assert done.finished, done.reason
    assert not pair.words("failover")


def test_a_failover_in_mid_drain_is_read_again_and_the_run_goes_on(pair: PairWorld) -> None:
    first = pair.pair.active
    done = pair.failover_in_drain()
    assert done.finished, done.reason
    assert pair.pair.active is not first
    assert len(pair.words("failover")) == 1
    assert len(pair.words("failed-over")) == 1
    assert pair.enabled() == ALL_IN


def test_a_unit_that_lost_the_disable_stops_the_run(pair: PairWorld) -> None:
    done = pair.failover_in_drain(losing={**LOST, "enable": "Y"})
    assert not done.finished
    record = pair.store.steps(done.run_id)["web1/drain"]
    assert record.gate == "failover"
    assert "enabled: left as no, found yes" in record.reason
    assert not pair.driver.hosts["web1"].commands


def test_a_failover_at_the_last_look_of_a_drain_is_noticed_before_anything_is_done(
    pair: PairWorld,
) -> None:
    assert pair.run(ROLL).finished
    looks = [one for one in pair.events if (one.kind, one.step) == ("waiting", "web1/drain")]
    todo = len(looks)

    def watch(event: Event) -> None:
        nonlocal todo
        if event.kind == "waiting" and event.step == "web1/drain":
            todo -= 1
            if todo == 0:
                pair.fail_over(losing={**LOST, "enable": "Y"})

    done = pair.run(ROLL, watch=watch)
    assert not done.finished
    assert pair.store.steps(done.run_id)["web1/drain"].gate == "failover"
    assert "enabled: left as no, found yes" in done.reason


def test_a_unit_on_which_another_server_differs_stops_the_run(pair: PairWorld) -> None:
    done = pair.failover_in_drain(losing={**LOST, "rs": ADDRESS["web3"], "weight": 3})
    assert not done.finished
    assert "weight=1000" in done.reason
    assert "weight=3" in done.reason
    # It is put right by a person, and the run goes on with what it had begun.
    pair.lm.real_servers.update(VS, SERVER["web3"], weight=1000)
    again = pair.resume(done.run_id)
    assert again.finished, again.reason


def test_a_standby_unit_that_answers_is_not_the_active_one(pair: PairWorld) -> None:
    def neither() -> None:
        pair.pair.first.set_standby(True)
        pair.pair.second.set_standby(True)

    done = pair.run_until(ROLL, "web1/drain", neither)
    assert not done.finished
    assert pair.store.steps(done.run_id)["web1/drain"].gate == "failover"
    assert "no unit of the pair was active" in done.reason
    pair.pair.first.set_standby(False)
    again = pair.resume(done.run_id)
    assert again.finished, again.reason


class _Killed(BaseException):
    """Nothing in the run outlives it."""


def test_killed_on_the_way_back_it_goes_on_without_calling_that_a_failover(
    pair: PairWorld,
) -> None:
    """No plan says what that step leads to, and its end was not noted any more."""

    def kill(event: Event) -> None:
        if event.kind == "acting" and event.step == "web1/undo-1-enable":
            pair.box.run("modrs", **LOST, enable="Y")
            raise _Killed

    answers = [FAILS]
    pair.driver.hosts["web1"].on_run = lambda _: answers.pop() if answers else OK
    with pytest.raises(_Killed):
        pair.run(f"{ROLL}, on_failure: revert-server", watch=kill)
    again = pair.resume(pair.store.runs()[0].run_id)
    assert again.finished, again.reason
    assert not pair.words("failover")
    assert pair.enabled() == ALL_IN


def test_a_pair_that_failed_over_meanwhile_is_read_again(pair: PairWorld) -> None:
    with one_worker(pair, ROLL, "first") as context:
        assert perform(context, "web1/disable") is Verdict.GO_ON
    pair.fail_over(losing={**LOST, "enable": "Y"})
    with one_worker(pair, ROLL, "second") as context:
        assert perform(context, "web1/drain") is Verdict.FAILED
    record = pair.store.step("r1", "web1/drain")
    assert record is not None
    assert record.gate == "failover"
    assert "enabled: left as no, found yes" in record.reason


def test_a_pair_that_did_not_fail_over_meanwhile_says_nothing(pair: PairWorld) -> None:
    with one_worker(pair, ROLL, "first") as context:
        assert perform(context, "web1/disable") is Verdict.GO_ON
    with one_worker(pair, ROLL, "second") as context:
        assert walk(context, "web1") is Verdict.GO_ON
    assert not pair.words("failover")


def test_what_ends_between_the_two_reads_is_no_difference(
    pair: PairWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another server was in the middle of its change: read as it was, noted as it is."""
    services, store = pair.lm.virtual_services, pair.store
    read = services.list

    def end_meanwhile() -> tuple[VirtualService, ...]:
        found = read()
        before = server_state(pair.lm.real_servers.get(VS, WEB2))
        pair.clock.sleep(1)
        pair.lm.real_servers.disable_in(VS, WEB2)
        step = {"run_id": "r1", "step_id": "web2/disable", "worker": "second"}
        store.announce(**step, before=before, inverse=None)
        store.end_step(
            **step,
            status=StepStatus.DONE,
            now_s=pair.clock.time_s(),
            after={**before, "enabled": False},
        )
        return found

    with one_worker(pair, ROLL, "first") as context:
        assert perform(context, "web1/disable") is Verdict.GO_ON
    with one_worker(pair, ROLL, "second") as context:
        store.begin_step("r1", "web2/disable", worker="second", now_s=pair.clock.time_s())
        monkeypatch.setattr(services, "list", end_meanwhile)
        assert failover.check(replace(context, lane="web1")) is False


def test_all_servers_together_wait_once_for_a_unit(pair: PairWorld) -> None:
    with one_worker(pair, ROLL, "first") as context:
        assert failover.check(replace(context, lane="web1")) is False
        pair.pair.first.set_standby(True)
        pair.pair.second.set_standby(True)
        begun_s = pair.clock.monotonic_s()
        pair.clock.sleep(5)
        for name in ("web1", "web2"):
            with pytest.raises(GateRefused, match="no unit of the pair was active"):
                failover.check(replace(context, lane=name))
        assert pair.clock.monotonic_s() - begun_s < 150
