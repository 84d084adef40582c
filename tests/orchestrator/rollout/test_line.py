"""Whose turn it is: runs of one LoadMaster and segment one after another, others together."""

import threading
from contextlib import nullcontext
from dataclasses import replace

import pytest

from kempsdk import Forward, RsRef
from orchestrator.rollout.plan_locks import partitions
from orchestrator.rollout.records import Event, RunState
from orchestrator.rollout.run import enqueue
from orchestrator.rollout.status import status
from orchestrator.rollout.store.line import InLine, ahead
from orchestrator.rollout.worker import Pace, Worker
from tests.orchestrator.rollout.wide_world import SERVICES, WIDE, WideWorld
from tests.orchestrator.rollout.world import ADDRESS, World


def run(name: str, *partitions: str, works: bool = False, undoes: bool = False) -> InLine:
    return InLine(run_id=name, partitions=partitions, waits=not works, undoes=undoes)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ([run("a", "x"), run("b", "x"), run("c", "y")], {"a": (), "b": ("a",), "c": ()}),
        ([run("w", "x", works=True), run("a", "x")], {"a": ("w",)}),
        # A wide one waits for both, and nobody overtakes it where it is going to work.
        (
            [run("w", "x", works=True), run("a", "x", "y"), run("b", "y"), run("c", "z")],
            {"a": ("w",), "b": ("a",), "c": ()},
        ),
        (
            [run("v", "x", works=True), run("w", "y", works=True), run("a", "x", "y")],
            {"a": ("v", "w")},
        ),
        # Servers are out until a run is taken back; the others wait for that too.
        (
            [run("w", "x", works=True), run("a", "x"), run("u", "x", undoes=True), run("b", "x")],
            {"a": ("w",), "u": (), "b": ("u",)},
        ),
        # Of a run that an earlier version queued nobody knows what it works on.
        ([run("w", "x", works=True), run("old")], {"old": ()}),
    ],
)
def test_who_is_before_whom(line: list[InLine], expected: dict[str, tuple[str, ...]]) -> None:
    assert ahead(line) == expected


def test_a_partition_is_a_loadmaster_and_the_network_of_its_servers(ready: World) -> None:
    (first,) = partitions(ready.plan("kind: drain, hosts: [web1]"))
    assert first.startswith("LoadMaster with serial number ")
    assert first.endswith(", segment 203.0.113.0/24")
    assert partitions(ready.plan("kind: drain, hosts: [web2]")) == (first,)
    addresses = ready.driver.hosts["web3"].addresses
    (own,) = [one for one in addresses if one.address == ADDRESS["web3"]]
    addresses[addresses.index(own)] = replace(own, prefix=28)
    (other,) = partitions(ready.plan("kind: drain, hosts: [web3]"))
    assert other == first.replace("203.0.113.0/24", "203.0.113.0/28")


def test_runs_of_one_loadmaster_and_segment_go_one_after_another_others_beside(
    wide: WideWorld,
) -> None:
    """Three runs that share no service and no host, and one worker that takes all it may."""
    wide.api_lm.real_servers.add(
        SERVICES["api"][1], RsRef(ADDRESS["web3"], 8080), forward=Forward.ROUTE
    )
    inventory = WIDE.replace("api, hosts: [web1, web2]", "api, hosts: [web1, web2, web3]")
    about = {
        "first": "pools: [web], hosts: [web1]",
        "second": "pools: [tls], hosts: [web2]",
        "beside": "pools: [api], hosts: [web3]",
    }
    for name, what in about.items():
        plan = wide.wide_plan("kind: drain", what, inventory=inventory)
        wide.clock.sleep(1)
        enqueue(plan, wide.store, now_s=wide.clock.time_s(), run_id=name)
    assert status("second", wide.store).reason == (
        "waits for run first on the same LoadMaster and segment"
    )
    heard: list[tuple[str, str]] = []
    beside, stop = threading.Event(), threading.Event()

    def hear(event: Event) -> None:
        heard.append((event.run_id, event.kind))
        if (event.run_id, event.kind) == ("beside", "run-finished"):
            beside.set()
        if (event.run_id, event.kind) == ("first", "step-started"):
            # It stays where it is until the one beside it is through.
            assert beside.wait(60)
        if len([kind for _, kind in heard if kind == "run-finished"]) == 3:
            stop.set()

    give_up = threading.Timer(120, stop.set)
    give_up.start()
    pace = Pace(look_s=0.05)
    adapters = wide.adapters
    try:
        with Worker(
            wide.store,
            lambda _: nullcontext(adapters),
            wide.clock,
            on_event=hear,
            serves=True,
            pace=pace,
        ) as worker:
            worker.serve(stop)
    finally:
        give_up.cancel()
    assert {name: wide.store.standing(name)[0] for name in about} == dict.fromkeys(
        about, RunState.FINISHED
    )
    order = [name for name, kind in heard if kind == "run-finished"]
    assert order == ["beside", "first", "second"]
    assert heard.index(("second", "run-started")) > heard.index(("first", "run-finished"))
