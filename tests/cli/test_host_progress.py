"""Hosts as they end: what is seen of ``kemp host apply`` while it works, in real namespaces."""

import contextlib
import json
import os
import pty
import re
import subprocess
from pathlib import Path

import pytest

from cli.exit_codes import ExitCode
from tests.cli.conftest import Terminal
from tests.orchestrator.hosts.segment import VIP, Segment, segment

__all__ = ["segment"]

pytestmark = pytest.mark.kernel

NAMES = ("web1", "web2", "web3")


@pytest.fixture
def typed(kemp: Terminal, segment: Segment, tmp_path: Path) -> list[str]:
    """Three hosts; the command that changes them one after the other."""
    members = [segment.attach(name) for name in NAMES]
    hosts = {
        one.host.name: {
            "address": one.host.address,
            "interface": one.host.interface,
            "driver": "netlink",
            "namespace": one.host.namespace,
            "root": one.host.root,
        }
        for one in members
    }
    inventory = tmp_path / "inventory.yaml"
    inventory.write_text(
        json.dumps(
            {
                "loadmasters": {"lb": {"url": "https://127.0.0.1:1"}},
                "services": {
                    "web": {"loadmaster": "lb", "service": f"tcp/{VIP}:80", "method": "loopback"}
                },
                "hosts": hosts,
                "pools": {"web": {"service": "web", "hosts": list(NAMES)}},
            }
        )
    )
    kemp.environ = {"KEMP_INVENTORY": str(inventory)}
    return ["host", "apply", *NAMES, "--width", "1", "--yes"]


def broken(kemp: Terminal, name: str) -> None:
    """Have the changes of a host fail in the middle: a file is where a directory must be."""
    inventory = json.loads(Path(kemp.environ["KEMP_INVENTORY"]).read_text())
    (Path(inventory["hosts"][name]["root"]) / "var").write_text("in the way")


def lines_of(err: str) -> list[str]:
    """Return the lines of hosts that ended: number, name, outcome."""
    return [
        " ".join(line.split()[:3]) for line in err.splitlines() if re.match(r" *\d+/\d+ ", line)
    ]


def test_one_line_a_host_where_there_is_no_terminal(kemp: Terminal, typed: list[str]) -> None:
    done = kemp(*typed)
    assert done.code == 0, done.err
    assert lines_of(done.err) == ["1/3 web1 changed", "2/3 web2 changed", "3/3 web3 changed"]
    assert "\x1b" not in done.err
    again = kemp(*typed)
    assert (again.code, lines_of(again.err)) == (0, [])
    back = kemp("host", "revert", *typed[2:], "--force", "web1", "--force", "web2")
    assert back.code != 0  # the LoadMaster of web3 is not there to be asked
    assert lines_of(back.err) == []


def test_a_failure_in_the_middle_is_seen_and_in_the_exit_code(
    kemp: Terminal, typed: list[str]
) -> None:
    broken(kemp, "web2")
    done = kemp(*typed)
    assert done.code == ExitCode.PARTIAL
    assert lines_of(done.err) == [
        "1/3 web1 changed",
        "2/3 web2 failed",
        "3/3 web3 not-attempted",
    ]


def test_data_stays_data_and_quiet_is_quiet(kemp: Terminal, typed: list[str]) -> None:
    broken(kemp, "web3")
    done = kemp(*typed, "-o", "json", "-q")
    assert done.code == ExitCode.PARTIAL
    assert done.err == ""
    assert [one["outcome"] for one in json.loads(done.out)["hosts"]] == [
        "changed",
        "changed",
        "failed",
    ]


@pytest.mark.parametrize("colour", [True, False])
def test_on_a_terminal_it_lives(kemp: Terminal, typed: list[str], colour: bool) -> None:
    broken(kemp, "web3")
    environ = {**kemp.environment(), "TERM": "xterm-256color", "COLUMNS": "200"}
    if not colour:
        environ["NO_COLOR"] = "1"
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        kemp.argv(*typed, "-o", "json"),
        env=environ,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=theirs,
        text=True,
    )
    os.close(theirs)
    seen = b""
    # An error is how a terminal says that nobody is left on the other side.
    with contextlib.suppress(OSError):
        while part := os.read(ours, 4096):
            seen += part
    os.close(ours)
    out, _ = process.communicate(timeout=60)
    assert process.returncode == ExitCode.PARTIAL
    assert len(json.loads(out)["hosts"]) == 3
    text = seen.decode()
    plain = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", text).replace("\r", "\n")
    assert lines_of(plain) == ["1/3 web1 changed", "2/3 web2 changed", "3/3 web3 failed"]
    assert "3 to go: web1, web2, web3" in plain
    assert ("\x1b[32m" in text) is colour
