"""Every command that a manager sends, and every method of a manager, is in the recordings."""

import functools
import inspect
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any, Final, get_args

import pytest

from kempsdk import ApiKey, LoadMaster
from kempsdk.catalogue import command
from kempsdk.recording import read_file, replay
from kempsdk.recording.cases import CASES
from kempsdk.recording.conversation import Api
from tests.meta.commands_in_use import commands_in_use

FIXTURES: Final = Path(__file__).parents[2] / "fixtures"
RAW: Final = {"listapi"}
"""Recorded for scripts that ask for it; no manager does."""
IN_USE: Final = commands_in_use()


@cache
def _recorded(folder: Path, api: Api) -> set[str]:
    return {
        command(one.request.command, one.request.params).name
        for path in folder.rglob(f"*-{api}.yaml")
        for one in read_file(path).exchanges
    }


@pytest.mark.parametrize("name", sorted(IN_USE))
def test_a_command_in_use_is_recorded_on_both_wires(name: str) -> None:
    folder = FIXTURES / name.partition("?")[0]
    for api in get_args(Api):
        assert name in _recorded(folder, api), (
            f"{IN_USE[name]} sends {name}: add a case {folder.name}/... for {api} to "
            "kempsdk/recording/cases and run 'make fixtures'"
        )


def test_what_is_recorded_is_in_use() -> None:
    # Otherwise the search for commands in the source has missed something.
    recorded = {name for api in get_args(Api) for name in _recorded(FIXTURES, api)}
    assert recorded - RAW == set(IN_USE)


def _managers() -> Iterator[tuple[str, object]]:
    lm = LoadMaster("https://lb.example", ApiKey("unused"))
    for name, one in inspect.getmembers(lm):
        if not name.startswith("_") and not callable(one) and name != "commands":
            yield name, one


def test_every_method_of_every_manager_is_recorded(monkeypatch: pytest.MonkeyPatch) -> None:
    missing: set[str] = set()

    def watched(method: Callable[..., Any], name: str) -> Callable[..., Any]:
        @functools.wraps(method)
        def call(*args: Any, **given: Any) -> Any:
            missing.discard(name)
            return method(*args, **given)

        return call

    for manager, holder in _managers():
        for name, method in inspect.getmembers(type(holder), inspect.isfunction):
            if not name.startswith("_"):
                missing.add(f"lm.{manager}.{name}")
                monkeypatch.setattr(type(holder), name, watched(method, f"lm.{manager}.{name}"))
    assert len(missing) > 150
    for one in CASES:
        with replay(FIXTURES / f"{one.name}-v2") as box, box.client() as lm:
            one.run(lm)
    assert missing == set(), "add cases to kempsdk/recording/cases and run 'make fixtures'"
