"""Operators and hostile moments in a real lab: at any moment, from any process."""

# ruff: noqa: F811 - fixtures are named as what they give

import json
import re
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from cli.exit_codes import ExitCode
from tests.cli.test_rollout import Rehearsal, filled, lab  # noqa: F401 - fixtures
from tests.fakes.postgres import PASSWORD, PostgresServer

pytestmark = [pytest.mark.kernel, pytest.mark.soak, pytest.mark.long]


def standing(lab: Rehearsal) -> dict[str, Any]:
    """Return the status of the newest run."""
    found: dict[str, Any] = json.loads(lab.kemp("rollout", "status", "-o", "json").out or "{}")
    return found


def until(lab: Rehearsal, seen: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    """Wait until the newest run stands so."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if (now := standing(lab)) and seen(now):
            return now
        time.sleep(0.1)
    raise AssertionError(f"never seen; last: {standing(lab)}")


def is_at(step: str) -> Callable[[dict[str, Any]], bool]:
    """Return whether some server is at a step now."""
    return lambda now: any(
        one["step"] == step and one["outcome"] == "in_progress" for one in now["servers"]
    )


@contextmanager
def working(lab: Rehearsal, *argv: str) -> Iterator["tuple[subprocess.Popen[str], str]"]:
    """Start a command in the lab; what is left of it is killed at the end."""
    with lab.start(*argv) as process:
        assert process.stdout is not None
        number = process.stdout.readline().strip()
        try:
            yield process, number
        finally:
            if process.poll() is None:
                lab.kemp.process("lab", "exec", "admin", "--", "kill", "-KILL", number)
                process.stdout.read()


def test_pause_skip_abort_and_undo_while_a_server_drains(filled: Rehearsal) -> None:
    """The settle time is ten minutes: whatever happens, happens while the server drains."""
    file = filled.file(kind="roll", settle_s=600)
    with working(filled, "rollout", "run", "-f", file, "--yes") as (process, _):
        run_id = until(filled, is_at("drain"))["run_id"]
        paused = filled.kemp("rollout", "pause", run_id, "--now", "--wait", "60")
        assert paused.code == 0, paused.err
        assert "web1: disabled" in paused.err
        assert process.wait(60) == ExitCode.STOPPED
    first, second = (f"{filled.lab['stations'][name]['address']}:80" for name in filled.hosts)
    assert filled.weights() == {first: (False, 1000), second: (True, 1000)}

    assert filled.kemp("rollout", "skip", run_id, "web1", "--note", "later").code == 0
    with working(filled, "rollout", "resume", run_id) as (process, _):
        now = until(filled, lambda now: is_at("drain")(now) and now["counts"].get("skipped") == 1)
        assert now["servers"][0]["outcome"] == "skipped"
        assert filled.weights() == {first: (True, 1000), second: (False, 1000)}
        aborted = filled.kemp("rollout", "abort", run_id, "--note", "wrong day", "--wait", "60")
        assert aborted.code == 0, aborted.err
        assert "web2: disabled" in aborted.out
        assert process.wait(60) == ExitCode.STOPPED
    assert standing(filled)["state"] == "abandoned"
    undone = filled("rollout", "undo", run_id, "--yes")
    assert undone.code == 0, undone.err
    assert set(filled.weights().values()) == {(True, 1000)}


def test_ctrl_c_once_pauses_twice_stops_at_once_and_both_go_on(filled: Rehearsal) -> None:
    slow = {"argv": ["sleep", "5"], "repeatable": True}
    file = filled.file(kind="roll", action=slow, hosts=["web1"])
    with working(filled, "rollout", "run", "-f", file, "--yes") as (process, number):
        run_id = until(filled, is_at("action"))["run_id"]
        filled.signal(number, "INT")
        assert process.wait(60) == ExitCode.STOPPED
    now = standing(filled)
    assert now["state"] == "paused"
    assert "action done" in now["reason"]  # the step in hand was finished

    with working(filled, "rollout", "run", "-f", file, "--yes") as (process, number):
        assert process.wait(60) == ExitCode.LOCKED
    assert filled.kemp("rollout", "abort", run_id).code == 0
    assert filled("rollout", "undo", run_id, "--yes").code == 0

    slow = {"argv": ["sleep", "30"], "repeatable": True, "finished": ["true"]}
    file = filled.file(kind="roll", action=slow, hosts=["web1"])
    with working(filled, "rollout", "run", "-f", file, "--yes") as (process, number):
        run_id = until(filled, is_at("action"))["run_id"]
        began_s = time.monotonic()
        filled.signal(number, "INT")
        time.sleep(0.5)
        filled.signal(number, "INT")
        assert process.wait(60) == ExitCode.INTERRUPTED
        assert time.monotonic() - began_s < 25
    assert standing(filled)["state"] == "interrupted"
    resumed = filled("rollout", "resume", run_id)
    assert resumed.code == 0, resumed.err
    assert set(filled.weights().values()) == {(True, 1000)}


def test_workers_on_postgresql_and_a_terminal_that_goes_away(
    filled: Rehearsal, postgres: PostgresServer
) -> None:
    """The lab has a network of its own, so the database is reached by its socket."""
    database = postgres.new_database().rpartition("/")[2]
    filled.kemp.environ["KEMP_STORE"] = (
        f"postgresql://kemp:{PASSWORD}@/{database}?host={postgres.directory}&port={postgres.port}"
    )
    file = filled.file(kind="roll", action={"argv": ["sleep", "2"]})
    with working(filled, "worker") as (worker, number):
        queued = filled("rollout", "run", "-f", file, "--yes", "--detach")
        assert queued.code == 0, queued.err
        found = re.search(r"run (\w+) is queued", queued.err)
        assert found is not None
        assert filled.kemp.process("rollout", "watch", found[1], timeout_s=120).code == 0
        assert set(filled.weights().values()) == {(True, 1000)}

        # Begun at a terminal, which goes away: the worker goes on with it.
        with working(filled, "rollout", "run", "-f", file, "--yes") as (process, attached):
            run_id = until(filled, is_at("action"))["run_id"]
            filled.signal(attached, "HUP")
            assert process.wait(60) == -signal.SIGHUP or process.returncode == 128 + signal.SIGHUP
        until(filled, lambda now: now["run_id"] == run_id and now["state"] == "finished")
        assert set(filled.weights().values()) == {(True, 1000)}
        filled.signal(number, "TERM")
        assert worker.wait(60) == 0
