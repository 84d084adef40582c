"""``kemp demo`` for real: namespaces, packets, load, and what is left behind."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from cli.exit_codes import ExitCode
from tests.cli.conftest import Terminal
from tests.soak import LONG

pytestmark = pytest.mark.kernel

KEMP = [sys.executable, "-m", "cli.main"]
_LIMIT_S = 120


def left_behind() -> set[str]:
    """Return what a demonstration could leave on this machine."""
    found = {f"interface {one.name}" for one in Path("/sys/class/net").iterdir()}
    named = Path("/run/netns")
    found |= {f"namespace {one.name}" for one in named.iterdir()} if named.exists() else set()
    found |= {
        f"sysctl {one}={one.read_text()}" for one in Path("/proc/sys/net/ipv4/conf").glob("*/arp_*")
    }
    found |= {f"file {one}" for one in Path("/run").glob("kemp-lab*")}
    return found


def children(pid: int) -> set[int]:
    """Return the processes that a process has started, and theirs."""
    found: set[int] = set()
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            except (FileNotFoundError, ProcessLookupError):
                continue
            if parent == pid:
                found |= {int(entry.name)} | children(int(entry.name))
    return found


def stop(
    process: "subprocess.Popen[str]", number: signal.Signals, *, before: set[str], least: int
) -> None:
    """Stop a command in the middle by a signal, and check that nothing of it is left.

    Args:
        before: what ``left_behind`` said before the command began.
        least: fewest processes that it must have started by now.
    """
    assert process.stderr is not None
    alive = children(process.pid)
    assert len(alive) >= least
    process.send_signal(number)
    process.stderr.read()
    code = process.wait(timeout=30)
    deadline = time.monotonic() + 10
    while alive and time.monotonic() < deadline:
        alive = {pid for pid in alive if Path(f"/proc/{pid}").exists()}
        time.sleep(0.05)
    assert not alive
    assert left_behind() == before
    if number is signal.SIGINT:
        assert code == ExitCode.INTERRUPTED


def demo(*arguments: str) -> tuple[int, dict[str, Any], str]:
    before = left_behind()
    done = subprocess.run(
        [*KEMP, "demo", "--output", "json", *arguments],
        capture_output=True,
        text=True,
        timeout=_LIMIT_S,
        check=False,
    )
    assert left_behind() == before
    assert done.stdout, done.stderr
    return done.returncode, json.loads(done.stdout), done.stderr


def held(evidence: dict[str, Any]) -> dict[str, bool]:
    return {one["id"]: one["held"] for one in evidence["invariants"]}


@pytest.mark.soak
@pytest.mark.parametrize("init", ["none", "systemd"] if LONG else ["none"])
def test_the_main_job(init: str, tmp_path: Path) -> None:
    page = tmp_path / "roll.html"
    code, evidence, progress = demo("--init", init, "--html", str(page))
    assert code == 0, evidence
    assert all(held(evidence).values())
    assert evidence["requests"]["failed"] == 0
    assert evidence["requests"]["total"] > 1000
    assert set(evidence["arp"]["answers_by"]) == {"lb"}
    assert evidence["returned_through_lb"] == 0
    assert set(evidence["hosts"]) == {"web1", "web2", "web3"}
    assert evidence["hosts"]["web3"]["outcomes"]["remove"] == "done"
    assert evidence["requests"]["by_phase"]["afterwards"]["by_server"].get("web3", 0) == 0
    assert evidence["seconds"] < _LIMIT_S
    assert "kemp vs create" in progress
    phases = evidence["requests"]["by_phase"]
    rolled = sum(one["total"] for name, one in phases.items() if name.startswith("roll: "))
    assert rolled > 0
    assert f"<th>all</th><td>{rolled}</td>" in page.read_text()


def test_the_vip_before_the_silence_breaks_the_service() -> None:
    code, evidence, _ = demo("--break", "arp-order")
    assert code == 22
    assert not held(evidence)["no-request-failed"]
    assert not held(evidence)["only-lb-in-arp"]
    assert evidence["arp"]["answers_by"]["web3"] > 0
    assert evidence["requests"]["by_phase"]["right order"]["failed"] == 0
    assert evidence["requests"]["by_phase"]["wrong order"]["failed"] > 0
    [refusal] = evidence["refusals"]
    assert "verify-host" in refusal
    assert "arp_ignore" in refusal


def test_enabled_before_the_vip_breaks_the_service() -> None:
    code, evidence, _ = demo("--break", "enable-first")
    assert code == 22
    assert not held(evidence)["proven-before-enabled"]
    assert not held(evidence)["no-request-failed"]
    assert evidence["requests"]["by_phase"]["right order"]["failed"] == 0
    assert evidence["requests"]["by_phase"]["wrong order"]["failed"] > 0
    [refusal] = evidence["refusals"]
    assert "enable" in refusal


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_stopped_in_the_middle_it_leaves_nothing(number: signal.Signals) -> None:
    before = left_behind()
    with subprocess.Popen(
        [*KEMP, "demo"], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stderr is not None
        for line in process.stderr:
            if "requests" in line:  # the load runs, so everything is up
                break
        stop(process, number, before=before, least=6)


def test_without_namespaces_it_says_what_to_do(tmp_path: Path) -> None:
    done = subprocess.run(
        [*KEMP, "demo"],
        env={"PATH": str(tmp_path), "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert done.returncode == 18
    assert "util-linux" in done.stderr


def test_servers_that_boot_need_root(kemp: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    result = kemp("demo", "--init", "systemd")
    assert result.code == ExitCode.ISOLATION
    assert "run as root" in result.err
