"""How long a plan says that it takes, and until when persistence pins clients."""

import json
import re
from typing import Any

import jsonschema
import pytest

from kempsdk import Persist
from orchestrator.rollout.facts import Facts
from orchestrator.rollout.plan import Plan, plan_schema
from orchestrator.rollout.planner import make_plan
from tests.orchestrator.rollout.facts import loaded, planned
from tests.orchestrator.rollout.world import VS, spec_for


def test_duration_follows_connections_and_rates() -> None:
    """120 connections at 10 a second last 12 s each, and the last of them 64 s."""
    rollout = "kind: roll, hosts: [web1], action: {argv: [x]}, bake: {time_s: 30}"
    duration = planned(rollout, loaded(120, 10)).duration
    assert duration is not None
    assert duration.expected_s == pytest.approx(5 + 15 + 64.4 + 10 + 30, abs=0.5)
    assert duration.longest_s == 900 + 600 + 120 + 30
    assert duration.not_counted == ("your action",)
    (how,) = duration.how
    assert how.startswith("batch 1: 124 s, by web1: drain 84 s (120 connections, 10 new a second")


@pytest.mark.parametrize(
    ("rollout", "given", "seconds", "why"),
    [
        ("kind: drain, hosts: [web1]", loaded(0, 0), 20, "0 connections open"),
        ("kind: drain, hosts: [web1]", loaded(3, 0), 680, "idle out after 660 s"),
        ("kind: drain, hosts: [web1]", loaded(3, 0, idle_timeout_s=90), 110, "after 90 s"),
        (
            "kind: drain, hosts: [web1], drain: {deadline_s: 60}",
            loaded(3, 0),
            60,
            "deadline of 60 s",
        ),
        (
            "kind: drain, hosts: [web1]",
            loaded(2, 2, drain_time_s=300, layer=7, force_l4=False, persist=Persist.SRC),
            320,
            "brings clients back for 300 s",
        ),
        ("kind: drain, hosts: [web1, web2], max_unavailable: 2", loaded(0, 0), 40, "batch 2"),
        ("kind: drain, hosts: [web1, web2], batch: 2, max_unavailable: 2", loaded(0, 0), 20, ""),
    ],
)
def test_duration(rollout: str, given: Facts, seconds: float, why: str) -> None:
    plan = planned(rollout, given)
    assert plan.duration is not None
    assert plan.duration.expected_s == pytest.approx(seconds, abs=0.5)
    assert why in "\n".join(plan.duration.how)
    assert Plan.from_json(plan.to_json()) == plan


@pytest.mark.parametrize(
    ("drain", "given", "said"),
    [
        ("deadline_s: 60", loaded(3, 0), "the drain's deadline of 60 s comes first, .* has failed"),
        ("deadline_s: 60, at_deadline: skip", loaded(3, 0), "is put back and skipped"),
        ("deadline_s: 60, at_deadline: force", loaded(3, 0), None),  # drain-force says it
        ("deadline_s: 60", loaded(0, 0), None),
        ("deadline_s: 690", loaded(3, 0), None),
    ],
)
def test_a_drain_that_its_deadline_will_cut_off(drain: str, given: Facts, said: str | None) -> None:
    """By the idle time-out of 660 s, as no new connections come, and the window."""
    plan = planned(f"kind: drain, hosts: [web1, web2], batch: 1, max_unavailable: 2, "
                   f"drain: {{{drain}}}", given)  # fmt: skip
    late = [one for one in plan.warnings if one.id == "drain-late"]
    if said is None:
        assert not late
    else:
        (warned,) = late
        assert re.search(rf"^web1: .*{said}", warned.message)


def test_until_when_persistence_pins_clients() -> None:
    """By the drain time, from the moment at which each batch is disabled; not at layer 4."""
    layer_7: Any = {"layer": 7, "force_l4": False, "persist": Persist.SRC}
    spec = spec_for("kind: drain, hosts: [web1, web2], max_unavailable: 2")
    plan = make_plan(spec, loaded(0, 0, drain_time_s=300, **layer_7))
    assert plan.duration is not None
    (pinned,) = plan.duration.pinned
    assert (pinned.service, pinned.persist) == (f"{VS} on lb1", "src")
    # The second batch begins when the first one has drained: settle, window and drain time.
    assert (pinned.each_s, pinned.first_until_s, pinned.last_until_s) == (300, 300, 620)
    jsonschema.validate(plan.to_data(), json.loads(plan_schema()))
    assert Plan.from_json(plan.to_json()) == plan
    for given in (
        loaded(0, 0, drain_time_s=300),
        loaded(0, 0, drain_time_s=0, **layer_7),
        loaded(0, 0, drain_time_s=300, **{**layer_7, "persist": Persist.NONE}),
    ):
        other = make_plan(spec, given).duration
        assert other is not None
        assert other.pinned == ()
