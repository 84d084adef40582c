"""A rollout as it is typed, at hostile moments: what it says, how it ends, what it leaves.

Real processes against a virtual LoadMaster. Its servers are addresses of this machine, and
nothing is changed on them: the method is none, the kind drain.
"""

import json
import os
import shlex
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from cli.exit_codes import ExitCode
from cli.worker import operator
from kempsdk import RsRef, VsRef
from kempsdk.emulator import Switches, VirtualLoadMaster
from orchestrator.lab.isolation import require_tool
from orchestrator.rollout.store import Store
from tests.cli.conftest import Result, Terminal, connected
from tests.fakes.stored_run import create

VS = VsRef.parse("tcp/127.0.0.250:80")
SERVERS = {f"web{number}": RsRef(f"127.0.0.1{number}", 80) for number in (1, 2, 3)}


class Site:
    """A pool of three servers, the file that is about it, and who types."""

    def __init__(self, kemp: Terminal, box: VirtualLoadMaster, home: Path) -> None:
        self.kemp, self.box = kemp, box
        self.file, self.store = home / "rollout.yaml", home / "store"
        kemp.environ = {**connected(box), "KEMP_STORE": str(self.store)}
        with box.client() as client:
            client.virtual_services.create(VS, nickname="web", force_l7=True)
            for one in SERVERS.values():
                client.real_servers.add(VS, one)
        self.write()

    def write(self, **rollout: Any) -> None:
        """Write the file: drain web1, and what else is said."""
        spec = {
            "loadmasters": {"lb": {"url": self.box.url}},
            "services": {"web": {"loadmaster": "lb", "service": str(VS), "method": "none"}},
            "hosts": {
                name: {"address": one.address, "interface": "eth0"} for name, one in SERVERS.items()
            },
            "pools": {"web": {"service": "web", "hosts": list(SERVERS)}},
            "rollout": {
                "kind": "drain",
                "pool": "web",
                "hosts": ["web1"],
                "settle_s": 0.1,
                "drain": {"window_s": 0.3, "poll_s": 0.1},
                **rollout,
            },
        }
        self.file.write_text(yaml.safe_dump(spec, sort_keys=False))

    def __call__(self, *argv: str) -> Result:
        return self.kemp.process("rollout", *argv)

    def run(self) -> Result:
        return self("run", str(self.file), "--yes")

    def enabled(self) -> dict[str, bool]:
        with self.box.client() as client:
            servers = client.virtual_services.get(VS).real_servers
        by_ref = {one.ref: one.enabled for one in servers}
        return {name: by_ref[ref] for name, ref in SERVERS.items()}

    def with_mounts(self, script: str, *argv: str) -> Result:
        """Type ``argv`` as ``"$@"`` of a script that may mount what it likes."""
        line = [require_tool("unshare"), "--mount"]
        if os.geteuid() != 0:
            line += ["--user", "--map-root-user"]
        done = subprocess.run(
            [*line, "sh", "-ec", script, "sh", *self.kemp.argv("rollout", *argv)],
            env={**self.kemp.environment(), "STORE": str(self.store)},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        return Result(done.returncode, done.stdout, done.stderr)


@pytest.fixture
def site(kemp: Terminal, tmp_path: Path) -> Iterator[Site]:
    with VirtualLoadMaster(health="up", switches=Switches(rate_limit=False), time_scale=20) as made:
        yield Site(kemp, made, tmp_path)


ALL_IN = dict.fromkeys(SERVERS, True)
WEB1_OUT = {**ALL_IN, "web1": False}
READ_ONLY = 'mount --bind "$STORE" "$STORE"; mount -o remount,bind,ro "$STORE"; exec "$@"'


def told(result: Result, code: ExitCode, *words: str) -> None:
    """See that a command ended so, and said so to a person."""
    assert result.code == code, result.err
    for one in words:
        assert one in result.err, result.err
    assert "Traceback" not in result.err + result.out


@pytest.mark.kernel
def test_a_store_that_cannot_be_written_is_looked_at_and_no_more(site: Site) -> None:
    site.store.mkdir()
    argv = ("run", str(site.file), "--yes")
    told(site.with_mounts(READ_ONLY, *argv), ExitCode.STORE_READ_ONLY, "KEMP_STORE=DIRECTORY")
    assert site.enabled() == ALL_IN

    with Store(site.store) as store:  # now there is one
        create(store, "r1", "host 203.0.113.11")
    before = sorted(one.name for one in site.store.iterdir())
    told(site.with_mounts(READ_ONLY, *argv), ExitCode.STORE_READ_ONLY, "KEMP_STORE=DIRECTORY")
    assert site.enabled() == ALL_IN
    shown = site.with_mounts(READ_ONLY, "list", "-o", "name")
    assert (shown.code, shown.out) == (0, "r1\n"), shown.err
    assert "203.0.113.11" in site.with_mounts(READ_ONLY, "locks").out
    assert sorted(one.name for one in site.store.iterdir()) == before


@pytest.mark.kernel
@pytest.mark.parametrize("size", ["8k", "100k", "300k", "500k"])
def test_a_file_system_that_is_full_before_the_run(site: Site, size: str) -> None:
    """The journal meets the end of 8 and 100 kB, the engine's own file that of the others."""
    site.store.mkdir()
    script = f'mount -t tmpfs -o size={size} kemp "$STORE"; exec "$@"'
    full = site.with_mounts(script, "run", str(site.file), "--yes", "--quiet")
    told(full, ExitCode.STORE_FULL, "make room", "kemp rollout resume")
    assert site.enabled() == ALL_IN


@pytest.mark.kernel
def test_a_file_system_that_fills_in_mid_run_and_room_is_made(site: Site) -> None:
    site.store.mkdir()
    fill = '[ -e "$KEMP_FULL" ] || cat /dev/zero > "$KEMP_FULL" || true'
    filler = site.store / "filler"
    script = fill.replace("$KEMP_FULL", str(filler))
    site.write(hooks=[{"at": "after-drain", "name": "fill", "argv": ["sh", "-c", script]}])
    resume = shlex.join(site.kemp.argv("rollout", "resume", "-o", "json"))
    result = site.with_mounts(
        'mount -t tmpfs -o size=4m kemp "$STORE"; code=0; "$@" || code=$?; echo "code $code" >&2; '
        f': > "{filler}"; exec {resume}',
        "run",
        str(site.file),
        "--yes",
    )
    assert f"code {ExitCode.STORE_FULL.value}\n" in result.err
    told(result, ExitCode.OK, "make room")
    ended = json.loads(result.out)
    assert (ended["state"], ended["attempts"]) == ("finished", 1)
    assert site.enabled() == WEB1_OUT
    assert sum(one.command == "modrs" for one in site.box.calls) == 1


def test_a_hook_that_never_ends_is_ended_with_what_it_started(site: Site, tmp_path: Path) -> None:
    number = tmp_path / "number"
    script = f"sleep 600 & echo $! > {number}; wait"
    hook = {"at": "before-drain", "name": "slow", "argv": ["sh", "-c", script], "timeout_s": 1}
    site.write(hooks=[hook])
    stopped = site.run()
    told(
        stopped,
        ExitCode.COMMAND_TIMED_OUT,
        "the hook slow did not end within 1 s",
        "kemp rollout resume",
        "look at what that did first",
    )
    assert "web1  failed" in stopped.out
    assert site.enabled() == ALL_IN
    assert not _runs(int(number.read_text()))
    assert site("watch").code == ExitCode.COMMAND_TIMED_OUT
    status = json.loads(site("status", "-o", "json").out)
    assert (status["state"], status["servers"][0]["gate"]) == ("paused", "hook-timeout")

    # Mended by whoever owns it, the run goes on to its end.
    number.unlink()
    site.kemp.environ["PATH"] = f"{tmp_path}:{os.environ['PATH']}"
    (tmp_path / "sleep").write_text("#!/bin/sh\nexit 0\n")
    (tmp_path / "sleep").chmod(0o755)
    assert site("resume").code == 0
    assert site.enabled() == WEB1_OUT


def _runs(number: int) -> bool:
    """Return whether a process is there and not merely waited for."""
    try:
        state = Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


CLOCK = """\
# What time.time() says is moved by what stands in a file: as if somebody set the clock.
import os, time
_time, _place = time.time, os.environ["CLOCK_MOVED_BY"]
def moved():
    try:
        with open(_place) as file:
            return _time() + float(file.read() or 0)
    except FileNotFoundError:
        return _time()
time.time = moved
"""


@pytest.mark.parametrize("jump_s", [30 * 86400, -30 * 86400], ids=["forward", "back"])
def test_a_clock_that_jumps_moves_no_deadline(site: Site, tmp_path: Path, jump_s: int) -> None:
    """The drain lasts 2 s and gives up after 60: neither at once, nor in a month."""
    moved = tmp_path / "moved"
    (tmp_path / "sitecustomize.py").write_text(CLOCK)
    jump = ["sh", "-c", f"echo {jump_s} > {moved}"]
    site.write(
        hooks=[{"at": "before-drain", "name": "jump", "argv": jump}],
        drain={"window_s": 1, "poll_s": 0.2, "deadline_s": 60},
        settle_s=1,
        progress_deadline_s=300,
    )
    site.kemp.environ["CLOCK_MOVED_BY"] = str(moved)
    path = site.kemp.environment()["PYTHONPATH"]
    site.kemp.environ["PYTHONPATH"] = f"{tmp_path}:{path}"
    began_s = time.monotonic()
    told(site.run(), ExitCode.OK, "every server is done")
    assert 2 < time.monotonic() - began_s < 50
    assert moved.exists()
    assert site.enabled() == WEB1_OUT
    (host,) = json.loads(site("report", "-o", "json").out)["hosts"].values()
    # Only the step in which it jumped is as long as the clock says.
    assert all(0 <= one["seconds"] < 50 for one in host["steps"] if one["id"] != "web1/hook-jump")


@pytest.mark.parametrize(
    ("floor", "words"),
    [
        ({"max_unavailable": "30%"}, ("30% of 3 is less than one", "at least 34%")),
        ({"min_healthy": 3}, ("3 of 3 is all of them", "min_healthy: 2")),
        ({"min_healthy": "100%"}, ("100% of 3 is all of them", "min_healthy: 2")),
    ],
    ids=["rounds-to-none", "all", "all-of-a-percentage"],
)
def test_a_floor_under_which_nothing_can_be_done(
    site: Site, floor: dict[str, Any], words: tuple[str, ...]
) -> None:
    site.write(**floor)
    calls = len(site.box.calls)
    for verb in ("plan", "run"):
        refused = site.kemp("rollout", verb, str(site.file), *(["--yes"] * (verb == "run")))
        told(refused, ExitCode.FLOOR_IMPOSSIBLE, *words, "rollout.may_empty")
    assert all(not one.mutates for one in _commands(site.box, calls))
    assert site.enabled() == ALL_IN


def test_the_only_server_is_never_taken_out(site: Site) -> None:
    with site.box.client() as client:
        for name in ("web2", "web3"):
            client.real_servers.delete(VS, SERVERS[name])
    refused = site.kemp("rollout", "plan", str(site.file))
    told(refused, ExitCode.FLOOR_IMPOSSIBLE, "one server only", "kind: replace")


def _commands(box: VirtualLoadMaster, since: int) -> list[Any]:
    from kempsdk import catalogue

    return [catalogue.command(one.command) for one in box.calls[since:]]


def test_a_lock_says_who_has_it_since_when_and_what_can_be_done(site: Site) -> None:
    """A run that paused keeps what it held; another one is told, and changes nothing."""
    site.write(hooks=[{"at": "before-drain", "name": "no", "argv": ["false"]}])
    assert site.run().code == ExitCode.PARTIAL
    run_id = site("list", "-o", "name").out.strip()
    locked = site.run()
    told(
        locked,
        ExitCode.LOCKED,
        f"service {VS} of {site.box.url} has been held since {time.strftime('%Y-', time.gmtime())}",
        f"by run {run_id} of {operator()} (drain of web1)",
        f"kemp rollout resume {run_id}",
        f"kemp rollout abandon {run_id}",
        "see: kemp rollout locks",
    )
    assert site.enabled() == ALL_IN
    assert site("abandon", run_id, "--yes", "--reason", "wrong day").code == 0
    document = site("report", run_id, "-o", "md").out
    assert f"given up by {operator()}: wrong day" in document
    assert f" by {operator()}, ended 2" in document
    site.write()
    assert site.run().code == 0
    assert site.enabled() == WEB1_OUT
