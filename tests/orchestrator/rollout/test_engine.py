"""The engine: its calls come back, whatever its database does, and a process has one."""

import threading
from pathlib import Path

import pytest

from orchestrator.errors import Locked, OrchestratorError, StoreUnavailable
from orchestrator.rollout import engine
from orchestrator.rollout.run import run_rollout
from orchestrator.rollout.store import Store
from tests.orchestrator.rollout.world import World


def test_a_call_that_waits_without_end_is_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As the engine's own calls do when the database goes away under them."""
    monkeypatch.setattr(engine, "_ANSWER_S", 0.2)
    let_go = threading.Event()
    with Store(tmp_path / "state", patience_s=0.1) as store:
        asking = engine.Engine(store, "w1")
        with pytest.raises(StoreUnavailable, match="does not answer"):
            asking._patiently(let_go.wait)
        assert asking._patiently(lambda: 7) == 7
        let_go.set()


def test_what_a_call_raises_is_raised_where_it_was_asked(tmp_path: Path) -> None:
    def refuse() -> None:
        raise ValueError("no such run")

    with Store(tmp_path / "state") as store, pytest.raises(ValueError, match="no such run"):
        engine.Engine(store, "w1")._patiently(refuse)


def test_one_that_is_taken_for_dead_while_it_looks_queues_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Frozen in between, it wakes when somebody else has taken the same."""
    queued: list[str] = []
    monkeypatch.setattr(engine, "_unfinished", lambda _: [("r1.1", "gone")])
    monkeypatch.setattr(engine, "_resume", lambda found, _: queued.extend(found))
    monkeypatch.setattr(engine.Engine, "listen", lambda _: None)
    with Store(tmp_path / "state") as store, store.workers.hold("w1"):
        waking = engine.Engine(store, "w1")
        assert waking.adopt({"r1": 1}, lambda _: True) == 1
        with pytest.raises(Locked):
            waking.adopt({"r1": 1}, lambda _: store.workers.dismiss("w1"))
    assert queued == ["r1.1"]


def test_one_engine_in_a_process(ready: World, tmp_path: Path) -> None:
    refused: list[str] = []

    def begin_another() -> None:
        with (
            Store(tmp_path / "other") as other,
            pytest.raises(OrchestratorError, match="already running in this process") as error,
        ):
            run_rollout(
                ready.plan("kind: add"), ready.adapters, other, on_event=ready.events.append
            )
        refused.append(str(error.value))

    assert ready.run_until("kind: drain, hosts: [web1]", "web1/drain", begin_another).finished
    assert refused
