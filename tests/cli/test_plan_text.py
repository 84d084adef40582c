"""A plan as text for people."""

import re
import time

import pytest

from cli.plan_text import plan_text, when
from kempsdk.words import Persist
from orchestrator.rollout.planner import make_plan
from tests.orchestrator.rollout.facts import loaded
from tests.orchestrator.rollout.world import spec_for


def test_it_says_until_what_time_persistence_pins_clients(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "time", lambda: 1_780_000_000.0)
    given = loaded(2, 2, drain_time_s=300, layer=7, force_l4=False, persist=Persist.SRC)
    one = "kind: drain, hosts: [web1]"
    shown = " ".join(plan_text(make_plan(spec_for(one), given), colour=False).split())
    until = when(1_780_000_300.0)
    assert "persistence (src) pins clients of tcp/203.0.113.250:80 on lb1 for 5:00" in shown
    assert f"begun now, until about {until}" in shown
    two = "kind: drain, hosts: [web1, web2], max_unavailable: 2"
    shown = " ".join(plan_text(make_plan(spec_for(two), given), colour=False).split())
    assert re.search(rf"until about {until} in the first batch and .* in the last", shown)
