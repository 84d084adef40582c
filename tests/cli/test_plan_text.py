"""A plan as text for people."""

import re
import time
from dataclasses import replace
from pathlib import Path

import pytest

from cli.plan_text import plan_text, when
from kempsdk.words import Persist
from orchestrator.rollout.facts import Facts
from orchestrator.rollout.plan import Warned
from orchestrator.rollout.planner import make_plan
from orchestrator.rollout.store import Store
from tests.orchestrator.rollout.facts import facts, loaded
from tests.orchestrator.rollout.wide_world import WideWorld
from tests.orchestrator.rollout.world import spec_for


def _shown(rollout: str, given: Facts | None = None) -> str:
    return " ".join(plan_text(make_plan(spec_for(rollout), given or facts()), colour=False).split())


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("", "if a server fails, it stays out and the run pauses"),
        ("max_failures: 2", "it stays out; when more than 2 have, the run pauses"),
        ("on_failure: revert-server", "it is put back as it was found and the run pauses"),
        ("on_failure: revert-all", "it stays out and the whole run is undone"),
    ],
)
def test_it_says_what_becomes_of_a_server_that_fails(written: str, said: str) -> None:
    assert said in _shown(f"kind: drain, hosts: [web1], {written}")


def test_of_several_services_it_says_on_which_loadmaster(tmp_path: Path) -> None:
    with Store(tmp_path) as store, WideWorld(store) as world:
        plan = world.wide_plan("kind: drain", "hosts: [web1]")
    shown = plan_text(plan, colour=False).splitlines()
    assert [line.strip() for line in shown if line.startswith("      on ")] == [
        "on lb1 (web): enabled: yes -> no",
        "on lb1 (tls): enabled: yes -> no",
        "on lb2 (api): enabled: yes -> no",
    ]


def test_what_is_warned_of_several_servers_stands_there_once() -> None:
    plan = make_plan(spec_for("kind: add"), facts())
    names = [f"web{number}" for number in range(1, 8)]
    servers = [replace(plan.servers[0], name=one, host=one, steps=()) for one in names]
    warnings = [Warned(id="x", message=f"{one}: is loud", cure="mend it") for one in names]
    warnings.append(Warned(id="x", message="web2: is lame", cure="mend it"))
    warnings.append(Warned(id="y", message="lb1: tells nothing", cure="ask it"))
    many = replace(plan, servers=tuple(servers), batches=(tuple(names),), warnings=tuple(warnings))
    shown = plan_text(many, colour=False, width=200).splitlines()
    assert [line for line in shown if line.startswith("warning")] == [
        "warning x: web1, web2, web3, web4, web5 and 2 more: is loud; mend it",
        "warning x: web2: is lame; mend it",
        "warning y: lb1: tells nothing; ask it",
    ]


def test_nothing_to_do_can_not_fail() -> None:
    assert "fails" not in _shown("kind: add")


@pytest.mark.parametrize(
    ("at_deadline", "said"),
    [
        ("fail", "it stays out and has failed"),
        ("skip", "it is put back as it was found"),
        ("force", "those that are left are cut"),
    ],
)
def test_each_step_says_what_ends_it(at_deadline: str, said: str) -> None:
    shown = _shown(
        "kind: roll, hosts: [web1, web2], canary: {deadline_s: 600}, "
        f"drain: {{connections: 3, window_s: 9, deadline_s: 60, at_deadline: {at_deadline}}}, "
        "min_healthy_s: 7, healthy_deadline_s: 33, bake: {time_s: 20, every_s: 5, failures: 1}, "
        "action: {argv: [sh, -c, 'deploy {host} {run}'], timeout_s: 40}, hooks: ["
        "{at: after-in, name: warm, on: host, argv: [warm, '{address}']}, "
        "{at: before-batch, name: say, http: {url: 'https://chat.example/{batch}'}}]"
    )
    for words in (
        f"wait until at most 3 are left on both sides for 9 s; if not within 60 s, {said}",
        "up without a break for 7 s; if not within 33 s, it has failed",
        "action on the server: sh -c 'deploy web1 {run}'; at most 40 s",
        "hook after-in, warm, on the server: warm 203.0.113.12",
        "before batch 1 hook before-batch, say, POST https://chat.example/batch 1",
        "hook before-batch, say, POST https://chat.example/batch 2",
        "bake 20 s, a look every 5 s: up on the LoadMaster; one may fail",
        "approves it; if nobody has within 600 s, the run pauses",
    ):
        assert words in shown


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
