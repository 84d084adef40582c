"""What is told of runs as they go, line by line."""

import dataclasses
from pathlib import Path
from typing import cast

import pytest

from cli.progress import Lines, told
from cli.session import Adapters, Session
from orchestrator.rollout.records import Event


def event(kind: str, text: str, *, run: str = "r1", step: str | None = None) -> Event:
    return Event(run_id=run, at_s=0.0, kind=kind, text=text, step=step, data={})


def health(service: str, count: int) -> Event:
    text = f"{service}: {count} of 3 healthy, at least 1"
    return dataclasses.replace(event("healthy", text), data={"service": service})


def texts(capsys: pytest.CaptureFixture[str]) -> list[str]:
    return [line.split(maxsplit=1)[1] for line in capsys.readouterr().err.splitlines()]


def test_looks_that_show_nothing_new_are_told_once(capsys: pytest.CaptureFixture[str]) -> None:
    lines = Lines()
    for one in (health("web", 3), health("tls", 2), health("web", 3), health("tls", 2)):
        lines(one)
    lines(event("step-started", "no new connections", step="web1/disable"))
    lines(event("acting", "no new connections", step="web1/disable"))
    for text in ("7 left", "7 left", "6 left"):
        lines(event("waiting", text, step="web1/drain"))
    lines(health("web", 2))
    assert texts(capsys) == [
        "healthy      web: 3 of 3 healthy, at least 1",
        "healthy      tls: 2 of 3 healthy, at least 1",
        "step-started web1/disable no new connections",
        "waiting      web1/drain 7 left",
        "waiting      web1/drain 6 left",
        "healthy      web: 2 of 3 healthy, at least 1",
    ]


def test_a_worker_says_of_which_run_it_tells(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "kemp.prom"
    session = Session(environ={"KEMP_METRICS_FILE": str(file)}, adapters=cast(Adapters, None))
    with told(session) as tell:
        for run in ("r1", "r2"):
            tell(event("waiting", "7 left", run=run, step="web1/drain"))
        tell(event("run-started", "roll", run="r1"))
        assert 'running{run="r1"} 1.0' in file.read_text()
    lines = capsys.readouterr().err.splitlines()
    assert [line.split()[0] for line in lines] == ["r1", "r2", "r1"]


def test_a_quiet_worker_writes_no_lines(capsys: pytest.CaptureFixture[str]) -> None:
    session = Session(environ={}, adapters=cast(Adapters, None))
    session.quiet = True
    with told(session) as tell:
        tell(event("run-started", "roll"))
    assert capsys.readouterr().err == ""
