"""A plan as data: what it says, its fingerprint, and that a changed one is refused."""

import json
from typing import Any

import jsonschema
import pytest

from orchestrator.errors import OrchestratorError
from orchestrator.hosts.driver import Host
from orchestrator.rollout.facts import moved, snapshot
from orchestrator.rollout.plan import Plan, StepKind, plan_schema
from orchestrator.rollout.planner import make_plan
from tests.orchestrator.rollout.facts import all_three, facts, plain, planned
from tests.orchestrator.rollout.world import ADDRESS, SERVER, VIP, spec_for


def test_round_trip() -> None:
    plan = planned("kind: roll, action: {argv: [reboot]}")
    again = Plan.from_json(plan.to_json())
    assert again == plan
    assert again.fingerprint == plan.fingerprint
    assert again.to_json() == plan.to_json()


def test_what_the_steps_of_many_servers_say_is_kept_once() -> None:
    plan = Plan.from_json(planned("kind: roll").to_json())
    first, second = (one.of_kind(StepKind.ENABLE)[0] for one in plan.servers[:2])
    assert first.pool is not None
    assert first.pool is second.pool


def test_stable_schema() -> None:
    data = planned("kind: roll").to_data()
    assert sorted(data) == [
        "batches", "duration", "facts", "fingerprint", "floors", "format", "gates", "kind",
        "servers", "spec", "undoes", "warnings",
    ]  # fmt: skip
    assert data["format"] == 4
    jsonschema.validate(data, json.loads(plan_schema()))
    assert sorted(data["servers"][0]) == ["host", "name", "places", "steps", "why"]
    assert sorted(data["servers"][0]["steps"][0]) == [
        "after", "before", "id", "inverse", "kind", "params", "phase", "pool", "server",
        "why",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "break_it",
    [
        lambda data: data.update(format=99),
        lambda data: data["facts"].update({"host web1 effective ARP": "absent"}),
        lambda data: data.pop("floors"),
        lambda data: data["batches"].pop(),
    ],
)
def test_a_plan_that_was_changed_is_refused(break_it: Any) -> None:
    data = planned("kind: roll").to_data()
    break_it(data)
    with pytest.raises(OrchestratorError):
        Plan.from_json(json.dumps(data))


def test_same_facts_same_fingerprint_and_moved_names_what_moved() -> None:
    spec = spec_for("kind: roll")
    plan = make_plan(spec, facts())
    assert make_plan(spec, facts()).fingerprint == plan.fingerprint
    vs = all_three({"web1": {"weight": 5}})
    other = facts(vs, {**facts().hosts, "web2": plain("web2")})
    different = moved(plan.facts, snapshot(spec, other))
    assert any("203.0.113.11:80" in line and "weight=5" in line for line in different)
    assert any(line.startswith(f"host web2 VIP {VIP}: was lo/32, is absent") for line in different)


def test_counters_are_no_drift() -> None:
    spec = spec_for("kind: roll")
    busy = facts(connections={SERVER["web1"]: 9})
    assert make_plan(spec, busy).fingerprint == make_plan(spec, facts()).fingerprint


def test_host_of_the_spec() -> None:
    assert spec_for("kind: add").host("web1") == Host(
        name="web1", address=ADDRESS["web1"], interface="eth0"
    )
