"""The verdicts of a demonstration, one broken measurement at a time."""

import dataclasses
from typing import Any

import pytest

from orchestrator.lab.evidence import Measured, StepTime, invariants, to_data
from orchestrator.lab.load import LoadResult


def step(name: str, began_s: float, *, status: str = "done", server: str = "web1") -> StepTime:
    return StepTime(
        run="roll", server=server, step=name, status=status, began_s=began_s, seconds=1.0
    )


GOOD = Measured(
    servers={"web1": "203.0.113.11", "web2": "203.0.113.12"},
    load=LoadResult(
        total=10,
        failed=0,
        by_server={"web1": 5, "web2": 5},
        by_phase={},
        failures=(),
        latency_p50_ms=1.0,
        latency_p99_ms=2.0,
        late_ms=1.0,
        seconds=3.0,
    ),
    answered={"lb": 4},
    claimed={},
    arp_dropped=0,
    returned=0,
    returned_missed=0,
    replies={"web1": 50, "web2": 50},
    steps=(
        step("drain", 0),
        step("action", 1),
        step("verify-host", 2),
        step("arp-proof", 3),
        step("service-bound", 4),
        step("enable", 5),
    ),
    outcomes={"roll": {"web1": "done", "web2": "done"}},
    lowest_healthy=1,
    gone={"web2": []},
    seconds=9.0,
)


def broken(measured: Measured) -> set[str]:
    return {one.id for one in invariants(measured, rolled=True) if not one.held}


def test_all_hold() -> None:
    assert broken(GOOD) == set()


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"load": dataclasses.replace(GOOD.load, failed=1)}, "no-request-failed"),
        ({"load": dataclasses.replace(GOOD.load, total=0)}, "no-request-failed"),
        ({"load": dataclasses.replace(GOOD.load, by_server={"web1": 10})}, "every-server-served"),
        ({"answered": {"lb": 4, "web2": 1}}, "only-lb-in-arp"),
        ({"answered": {}}, "only-lb-in-arp"),
        ({"claimed": {"web1": 1}}, "only-lb-in-arp"),
        ({"arp_dropped": 1}, "only-lb-in-arp"),
        ({"returned": 1}, "replies-bypass-lb"),
        ({"returned_missed": 1}, "replies-bypass-lb"),
        ({"replies": {}}, "replies-bypass-lb"),
        ({"steps": (*GOOD.steps[:3], *GOOD.steps[4:])}, "proven-before-enabled"),
        ({"steps": (*GOOD.steps[:5], step("enable", 4.5))}, "proven-before-enabled"),
        ({"steps": GOOD.steps[1:]}, "drained-before-touched"),
        (
            {"steps": (step("drain", 0, status="failed"), *GOOD.steps[1:])},
            "drained-before-touched",
        ),
        ({"lowest_healthy": 0}, "floor-kept"),
        ({"lowest_healthy": None}, "floor-kept"),
        ({"gone": {"web2": ["203.0.113.250 on lo"]}}, "removed-without-trace"),
        ({"gone": {}}, "removed-without-trace"),
        ({"outcomes": {"roll": {"web1": "failed"}}}, "every-rollout-ended-well"),
    ],
)
def test_one_broken_measurement_breaks_its_invariant(change: dict[str, Any], expected: str) -> None:
    assert broken(dataclasses.replace(GOOD, **change)) == {expected}


def test_nothing_measured_is_nothing_proven() -> None:
    empty = dataclasses.replace(GOOD, steps=(), outcomes={})
    assert broken(empty) == {
        "proven-before-enabled",
        "drained-before-touched",
        "every-rollout-ended-well",
    }


def test_a_wrong_order_is_not_judged_by_the_story_it_left_out() -> None:
    part = dataclasses.replace(GOOD, lowest_healthy=None, gone={})
    verdicts = invariants(part, rolled=False)
    assert all(one.held for one in verdicts)


def test_the_object_for_machines() -> None:
    data = to_data(GOOD, invariants(GOOD, rolled=True), ["gate floor refused"])
    assert data["requests"]["total"] == 10
    assert data["arp"]["answers_by"] == {"lb": 4}
    assert data["returned_through_lb"] == 0
    assert data["hosts"]["web1"]["outcomes"] == {"roll": "done"}
    assert [one["step"] for one in data["hosts"]["web1"]["steps"]][-1] == "enable"
    assert {one["id"] for one in data["invariants"] if one["held"]} == {
        one.id for one in invariants(GOOD, rolled=True)
    }
    assert data["seconds"] == 9.0
