"""Who else uses a LoadMaster, and what it says: stories 17 and 18."""

import pytest

from kempsdk.emulator import Fault, FaultKind
from orchestrator.rollout.store import Store
from tests.fakes.clock import FakeClock
from tests.orchestrator.rollout.test_failover import LOST, PairWorld
from tests.orchestrator.rollout.wide_world import SERVICES, WideWorld
from tests.orchestrator.rollout.world import (
    ADDRESS,
    ALL_IN,
    ROLL,
    SERVER,
    VS,
    World,
    connection,
    step,
)


@pytest.mark.parametrize("what", ["enabled", "weighted"])
def test_17_another_tool_changes_the_server_while_it_drains(quick: World, what: str) -> None:
    """It is that tool's now: nothing is done to it, and it is left as it is."""
    quick.driver.hosts["web1"].sockets.append(connection())

    def meddle() -> None:
        if what == "enabled":
            quick.lm.real_servers.enable_in(VS, SERVER["web1"])
        else:
            quick.lm.real_servers.update(VS, SERVER["web1"], weight=5)
        quick.driver.hosts["web1"].sockets.pop()

    result = quick.run_until(
        f"{ROLL}, hosts: [web1]", "web1/drain", lambda: quick.clock.after(30, meddle)
    )
    assert result.state == "paused"
    assert "somebody else changed it" in result.reason
    (rs,) = (
        one
        for one in quick.lm.virtual_services.get(VS).real_servers
        if one.ref.port == 80 and one.ref.address == ADDRESS["web1"]
    )
    assert (rs.enabled, rs.weight) == ((True, 1000) if what == "enabled" else (False, 5))
    assert quick.acted_on() == ([] if what == "enabled" else ["web1"])


@pytest.mark.parametrize(
    "fault",
    [
        Fault(kind=FaultKind.REJECT, status=401, times=3),
        Fault(kind=FaultKind.PAGE, status=503, times=3),
        Fault(kind=FaultKind.GARBAGE, times=3),
        Fault(kind=FaultKind.CLOSE, times=3),
    ],
    ids=lambda fault: fault.kind.value,
)
def test_18_the_api_says_nonsense_for_a_while(quick: World, fault: Fault) -> None:
    """A few bad answers while it drains are no reason to stop, and nothing to believe."""
    quick.driver.hosts["web1"].sockets.append(connection())
    quick.clock.after(60, quick.driver.hosts["web1"].sockets.pop)
    result = quick.run_until(
        f"{ROLL}, hosts: [web1]",
        "web1/drain",
        lambda: quick.clock.after(20, lambda: quick.box.arm(fault)),
    )
    if result.state == "paused":
        # What was refused is not tried for ever; nothing was lost by stopping.
        assert not quick.acted_on()
        result = quick.resume(result.run_id)
    assert result.finished, result.reason
    assert quick.enabled() == ALL_IN
    assert len(quick.mutations()) == 2


LATE_S = 1.0


@pytest.mark.parametrize(
    "fault",
    [
        Fault(kind=FaultKind.DELAY, seconds=2 * LATE_S, times=3),
        Fault(kind=FaultKind.DELAY, seconds=2 * LATE_S, when="after", command="modrs"),
    ],
    ids=["looks", "the-enable"],
)
def test_18_answers_come_later_than_anybody_waits(quick: World, fault: Fault) -> None:
    """Thirty seconds against ten, in small: a look is made again, a change is looked for."""
    quick.driver.hosts["web1"].sockets.append(connection())
    quick.clock.after(60, quick.driver.hosts["web1"].sockets.pop)
    with quick.box.client(clock=FakeClock(), timeout=LATE_S) as quick.lm:
        result = quick.run_until(
            f"{ROLL}, hosts: [web1]",
            "web1/drain",
            lambda: quick.clock.after(20, lambda: quick.box.arm(fault)),
        )
        assert result.finished, result.reason
        assert (quick.acted_on(), quick.enabled()) == (["web1"], ALL_IN)
        assert len(quick.mutations()) == 2
        assert all(one.struck for one in quick.box.faults)


def test_18_the_pair_fails_over_in_mid_drain(store: Store) -> None:
    """The new unit has what the run left, so it goes on; or it has not, and the run stops."""
    for losing in (None, {**LOST, "enable": "Y"}):
        with PairWorld(store) as pair:
            pair.in_service()
            result = pair.failover_in_drain(losing=losing)
            assert pair.words("failover")
            if losing is None:
                assert result.finished, result.reason
                assert pair.enabled() == ALL_IN
            else:
                assert step(result, "web1/drain").gate == "failover"
                assert not pair.acted_on()


def test_18_one_of_several_loadmasters_goes_away(wide: WideWorld) -> None:
    """Then nobody knows whether the server is drained there: blind is not nought."""
    wide.driver.hosts["web1"].sockets.append(connection())
    wide.clock.after(60, wide.driver.hosts["web1"].sockets.pop)
    away = Fault(kind=FaultKind.PAGE, times=None)
    result = wide.run_until(
        wide.wide_plan(ROLL, "hosts: [web1]"),
        "web1/drain",
        lambda: wide.clock.after(20, lambda: wide.api_box.arm(away)),
    )
    assert step(result, "web1/drain").gate == "blind"
    assert not wide.driver.hosts["web1"].commands
    wide.api_box.disarm()
    assert wide.resume(result.run_id).finished
    assert wide.states("web1") == dict.fromkeys(SERVICES, True)
