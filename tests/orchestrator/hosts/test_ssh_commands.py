"""Commands on a host over ssh: their output, their end, and what they leave behind."""

import os
import time

import pytest

from tests.orchestrator.hosts.reached import Reached
from tests.processes import gone

pytestmark = pytest.mark.kernel


def test_a_command_runs_on_the_host(reached: Reached) -> None:
    script = "readlink /proc/self/ns/net; echo no >&2; exit 3"
    result = reached.run(["sh", "-c", script], timeout_s=10)
    inside = reached.member.namespace.run(lambda: os.readlink("/proc/thread-self/ns/net"))  # noqa: PTH115 - an identity, not a path
    assert (result.exit_code, result.stdout.strip(), result.stderr) == (3, inside, "no\n")


def test_a_command_that_takes_too_long_is_killed_with_its_children(reached: Reached) -> None:
    started = time.monotonic()
    result = reached.run(["sh", "-c", "sleep 60 & echo $!; wait"], timeout_s=0.5)
    assert result.exit_code is None
    assert gone(int(result.stdout))
    assert time.monotonic() - started < 30


def test_a_daemon_left_behind_keeps_nobody_waiting(reached: Reached) -> None:
    started = time.monotonic()
    result = reached.run(["sh", "-c", "setsid sleep 60 & echo $!"], timeout_s=50)
    pid = int(result.stdout)
    try:
        assert result.exit_code == 0
        assert time.monotonic() - started < 30
        os.kill(pid, 0)
    finally:
        os.kill(pid, 9)


def test_output_is_cut_to_its_end(reached: Reached) -> None:
    script = "head -c 200000 /dev/zero | tr '\\0' x; echo end"
    result = reached.run(["sh", "-c", script], timeout_s=20)
    assert len(result.stdout) == 64 * 1024
    assert result.stdout.endswith("xend\n")
