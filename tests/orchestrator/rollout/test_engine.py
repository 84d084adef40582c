"""The engine's calls come back, whatever its database does."""

import threading
from pathlib import Path

import pytest

from orchestrator.errors import StoreUnavailable
from orchestrator.rollout import engine
from orchestrator.rollout.store import Store


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
