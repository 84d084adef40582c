"""Sixty servers on three LoadMasters: what size must not change. For speed see make bench."""

from collections import Counter
from pathlib import Path

from orchestrator.rollout.run import run_rollout
from orchestrator.rollout.store import Store
from tests.orchestrator.rollout.fleet import (
    Fleet,
    ShortClock,
    adapters_of,
    boxes_of,
    plan_of,
)
from tests.orchestrator.rollout.world import MUTATING

FLEET = Fleet(loadmasters=3, each=20, batch=30)
TIMES = 100.0


def test_a_fleet_is_rolled(tmp_path: Path) -> None:
    clock, spec = ShortClock(TIMES), FLEET.spec()
    with boxes_of(FLEET, times=TIMES) as boxes, Store(tmp_path / "state") as store:
        before = [len(box.calls) for box in boxes]
        addresses = [(box.url, box.api_key) for box in boxes]
        with adapters_of(FLEET, spec, addresses, clock) as adapters:
            plan = plan_of(spec, adapters)
            report = run_rollout(plan, adapters, store, on_event=lambda _: None)
        calls = [box.calls[begun:] for box, begun in zip(boxes, before, strict=True)]

    assert report.finished, report.reason
    assert len(plan.batches) == 2
    assert Counter(one.outcome for one in report.hosts.values()) == {"done": 60}
    for of_box in calls:
        changes = [one for one in of_box if one.command in MUTATING]
        assert Counter(one.params["rs"] for one in changes) == dict.fromkeys(
            {one.address for one in changes[0].servers}, 2
        )
        for one in changes:
            out = sum(not server.enabled for server in one.servers)
            assert out + (one.params["enable"] == "N") <= 10
        # Ten servers of a batch look together: each alone would look a dozen times.
        looks = Counter(one.command for one in of_box)
        assert looks["listvs"] + looks["stats"] < 10 * 12 * len(plan.batches) / 2
