"""kill -9 anywhere, any number of times: the same end state, and nothing done twice.

The processes that are killed are real ones; see worker.py. A short form runs by default.
``KEMP_KILL_POINTS=all`` kills at every point there is.
"""

import os
import random
import signal
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest

from orchestrator.errors import Locked
from orchestrator.rollout.adapters import Adapters
from orchestrator.rollout.engine import launched
from orchestrator.rollout.report import report
from orchestrator.rollout.store import Store
from orchestrator.rollout.worker import Worker
from orchestrator.spec import Spec
from tests.fakes.clock import FakeClock
from tests.orchestrator.rollout.stage import Stage, floor_held
from tests.orchestrator.rollout.worker import load_host, save_host
from tests.orchestrator.rollout.world import ADDRESS, NAMES, VIP, VS

TIMES = "settle_s: 1, min_healthy_s: 2, drain: {window_s: 3, poll_s: 1}"
ROLL = f"kind: roll, hosts: [web1, web2], action: {{argv: [reboot]}}, {TIMES}"
REMOVE = f"kind: remove, hosts: [web3], {TIMES}"
ADD = f"kind: add, hosts: [web1], {TIMES}"


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    with Stage(tmp_path, in_service=NAMES) as stage:
        yield stage


REPLACE = f"kind: replace, replace: {{web1: web3}}, {TIMES}"
REHOME = f"kind: rehome, moves_from: web, hosts: [web1], {TIMES}"
CASES = {
    "roll": (ROLL, NAMES),
    "remove": (REMOVE, NAMES),
    "add": (ADD, ()),
    "replace": (REPLACE, ("web1", "web2")),
    "rehome": (REHOME, NAMES),
}


_LONG = (pytest.mark.soak, pytest.mark.long)


@pytest.fixture(
    scope="module",
    params=[
        pytest.param(one, marks=_LONG if one in ("replace", "rehome") else ()) for one in CASES
    ],
)
def unharmed(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[str, tuple[str, ...], list[str], dict[str, Any], list[tuple[str, str, str]]]:
    """Return a case with the points that an unharmed run passes, its end and its calls."""
    rollout, in_service = CASES[request.param]
    directory = tmp_path_factory.mktemp("unharmed")
    with Stage(directory, in_service=in_service) as stage:
        said = stage.work("run", rollout)
        assert said is not None
        assert said["state"] == "finished"
        return rollout, in_service, said["points"], stage.end_state(), stage.calls()


def _chosen(points: list[str]) -> list[int]:
    # After the last one the run is finished: there is nothing to go on with.
    everything = list(range(1, len(points)))
    if os.environ.get("KEMP_KILL_POINTS") == "all":
        return everything
    # Fixed seed: the same points each time, spread over the run.
    return sorted(random.Random(4).sample(everything, 4))


def test_killed_and_resumed(
    unharmed: tuple[str, tuple[str, ...], list[str], dict[str, Any], list[tuple[str, str, str]]],
    tmp_path: Path,
) -> None:
    rollout, in_service, points, end, calls = unharmed
    for kill_at in _chosen(points):
        directory = tmp_path / str(kill_at)
        directory.mkdir()
        with Stage(directory, in_service=in_service) as stage:
            where = f"killed at point {kill_at}: {points[kill_at - 1]}"
            assert stage.work("run", rollout, kill_at=kill_at) is None, where
            said = stage.work("resume")
            assert said is not None, where
            assert said["state"] == "finished", where
            assert stage.end_state() == end, where
            assert stage.calls() == calls, where
            assert floor_held(stage.mutations()), where
            commands = [len(load_host(stage.hosts, name).commands) for name in NAMES]
            # Only the action itself may run again, if it is not known to have ended.
            in_action = points[kill_at - 1].startswith("rebooted")
            assert max(commands) <= (2 if in_action else 1), where


def test_killed_again_while_resuming(stage: Stage) -> None:
    assert stage.work("run", ROLL, kill_at=9) is None
    assert stage.work("resume", kill_at=5) is None
    assert stage.work("resume", kill_at=12) is None
    said = stage.work("resume")
    assert said is not None
    assert said["state"] == "finished"
    assert [call[2] for call in stage.calls()] == ["N", "Y", "N", "Y"]
    assert floor_held(stage.mutations())


def test_a_killed_run_is_seen_as_interrupted_and_keeps_its_locks(stage: Stage) -> None:
    assert stage.work("run", ROLL, kill_at=9) is None
    with Store(stage.state) as store:
        assert report("r1", store).state == "interrupted"
        held = {lock.resource for lock in store.locks.all()}
        number = next(one for one in held if "serial number" in one)
        assert number.startswith(f"service {VS} of the LoadMaster with serial number ")
        assert held - {number} == {
            f"service {VS} of https://127.0.0.1:1",
            f"host {ADDRESS['web1']}",
            f"host {ADDRESS['web2']}",
        }
        with pytest.raises(Locked, match="kemp rollout resume r1"):
            store.create_run(
                "r2",
                store.run("r1").plan,
                worker="",
                resources=[f"host {ADDRESS['web1']}"],
                now_s=store.run("r1").updated_s,
            )


def test_ctrl_c_finishes_the_step_and_pauses(stage: Stage) -> None:
    said = stage.work("run", ROLL, kill_at="acting web1/disable", number=signal.SIGINT)
    assert said is not None
    assert said["state"] == "paused"
    assert said["points"][-2] == "step-ended web1/disable"
    assert said["points"][-1].startswith("run-paused")
    assert [call[2] for call in stage.calls()] == ["N"]
    again = stage.work("resume")
    assert again is not None
    assert again["state"] == "finished"
    assert [call[2] for call in stage.calls()] == ["N", "Y", "N", "Y"]


def test_an_action_that_must_not_be_repeated_asks_for_a_person(stage: Stage) -> None:
    rollout = ROLL.replace("{argv: [reboot]}", "{argv: [reboot], repeatable: false}")
    assert stage.work("run", rollout, kill_at="rebooted web1") is None
    paused = stage.work("resume")
    assert paused is not None
    assert paused["state"] == "paused"
    with Store(stage.state) as store:
        assert "not known to have ended" in report("r1", store).hosts["web1"].reason
    assert len(load_host(stage.hosts, "web1").commands) == 1
    # Resumed by a person who has looked.
    said = stage.work("resume")
    assert said is not None
    assert said["state"] == "finished"
    assert len(load_host(stage.hosts, "web1").commands) == 2


def _nothing(_: Spec) -> AbstractContextManager[Adapters]:
    raise AssertionError("it was asked to work")


def test_another_process_on_the_same_store_does_not_take_the_work(stage: Stage) -> None:
    assert stage.work("run", ROLL, kill_at=9) is None
    with (
        Store(stage.state) as store,
        Worker(store, _nothing, FakeClock(), on_event=print) as idle,
        launched(store, idle),
    ):
        said = stage.work("resume")
    assert said is not None
    assert said["state"] == "finished"


def test_no_secret_is_stored(stage: Stage) -> None:
    said = stage.work("run", REMOVE)
    assert said is not None
    for path in stage.state.rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            assert stage.box.api_key.encode() not in content, path
            assert stage.box.password.encode() not in content, path
    assert not any(one.address == VIP for one in load_host(stage.hosts, "web3").addresses)


def test_killed_while_a_dead_server_is_taken_out(tmp_path: Path) -> None:
    with Stage(tmp_path, in_service=()) as stage:
        stage.box.set_health(ADDRESS["web1"], 80, False)
        rollout = f"{ADD}, healthy_deadline_s: 10"
        assert stage.work("run", rollout, kill_at=f"disable_in {ADDRESS['web1']}:80") is None
        said = stage.work("resume")
        assert said is not None
        assert said["state"] == "paused"
        with Store(stage.state) as store:
            host = report("r1", store).hosts["web1"]
        assert "it was disabled again and stays out" in host.reason
        assert [call[2] for call in stage.calls()].count("N") == 2  # added so, and taken out once


def test_a_host_that_rebooted_while_the_run_lay_dead_is_not_enabled(stage: Stage) -> None:
    """It was verified, and the run was killed right before it was enabled."""
    assert stage.work("run", ROLL, kill_at="step-started web1/enable") is None
    fake = load_host(stage.hosts, "web1")
    fake.boot()
    save_host(stage.hosts, "web1", fake)
    said = stage.work("resume")
    assert said is not None
    assert said["state"] == "paused"
    with Store(stage.state) as store:
        failed = next(
            one for one in report("r1", store).hosts["web1"].steps if one.status == "failed"
        )
    assert (failed.id, failed.gate) == ("web1/enable", "host-verified")
    assert [call[2] for call in stage.calls()] == ["N"]
    # Its program is started by hand; the run makes the host right again, and proves it.
    fake.sockets = list(load_host(stage.hosts, "web2").sockets)
    save_host(stage.hosts, "web1", fake)
    said = stage.work("resume")
    assert said is not None
    assert said["state"] == "finished"
    assert any(one.address == VIP for one in load_host(stage.hosts, "web1").addresses)
