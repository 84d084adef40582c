"""Private worlds: what a command finds there, how signals reach it, that nothing is left."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from orchestrator.errors import IsolationUnavailable
from orchestrator.lab import isolation
from orchestrator.lab.isolation import isolation_prefix, require_tool, run_isolated

MARKER = "kemp-isolation-test"


@pytest.fixture(params=["as we are", "in a user namespace"])
def world(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Worlds made with our own rights, and those an ordinary user gets."""
    if request.param == "in a user namespace":
        monkeypatch.setattr(os, "geteuid", lambda: 1000)
    try:
        prefix = isolation_prefix()
    except IsolationUnavailable as error:
        pytest.skip(str(error))
    assert ("--user" in prefix) == (os.geteuid() != 0)


def _python(code: str) -> list[str]:
    return [sys.executable, "-c", code]


@pytest.mark.kernel
@pytest.mark.usefixtures("world")
def test_a_command_finds_a_world_of_its_own(tmp_path: Path) -> None:
    report = tmp_path / "report"
    code = f"""
import os, pathlib, socket, tempfile
lines = [
    "uid %d" % os.getuid(),
    "pid %d" % os.getpid(),
    "run %s" % os.listdir("/run"),
    "temporary files in %s" % tempfile.gettempdir(),
    "devices %s" % [name for _, name in socket.if_nameindex()],
]
with socket.create_server(("127.0.0.1", 0)) as server:
    socket.create_connection(server.getsockname(), 5).close()
pathlib.Path("/run/{MARKER}").touch()
pathlib.Path("/proc/sys/net/ipv4/conf/lo/arp_ignore").write_text("2")
pathlib.Path({str(report)!r}).write_text("\\n".join(lines))
"""
    ours = Path("/proc/sys/net/ipv4/conf/lo/arp_ignore").read_text()
    assert run_isolated(_python(code)) == 0
    assert report.read_text().splitlines() == [
        "uid 0",
        "pid 2",
        "run []",
        "temporary files in /run",
        "devices ['lo']",
    ]
    assert not Path(f"/run/{MARKER}").exists()
    assert Path("/proc/sys/net/ipv4/conf/lo/arp_ignore").read_text() == ours


@pytest.mark.kernel
@pytest.mark.usefixtures("world")
@pytest.mark.parametrize(
    ("argv", "code"),
    [
        (["true"], 0),
        (["sh", "-c", "exit 42"], 42),
        (["sh", "-c", "kill -9 $$"], 137),
        (["no-such-command"], 127),
    ],
)
def test_the_exit_code_is_the_commands(argv: list[str], code: int) -> None:
    assert run_isolated(argv) == code


@pytest.mark.kernel
@pytest.mark.usefixtures("world")
def test_orphans_do_not_become_zombies() -> None:
    code = """
import os, pathlib, subprocess, sys, time
subprocess.run(["sh", "-c", "sleep 0.05 & sleep 0.05 & sleep 0.05 &"])
time.sleep(0.3)
states = {p.name: (p / "stat").read_text().rpartition(")")[2].split()[0]
          for p in pathlib.Path("/proc").iterdir() if p.name.isdigit()}
sys.exit(3 if "Z" in states.values() else len(states))
"""
    assert run_isolated(_python(code)) == 2, "process 1 and the command itself are left"


@pytest.mark.kernel
@pytest.mark.usefixtures("world")
def test_the_environment_can_be_given() -> None:
    environment = {"PATH": os.environ["PATH"], "WORD": "x"}
    check = 'test "$WORD" = x && test -z "$HOME" && test "$TMPDIR" = /run'
    assert run_isolated(["sh", "-c", check], environment=environment) == 0


_CALLER = """
import sys
from orchestrator.lab.isolation import run_isolated
sys.exit(run_isolated(sys.argv[1:]))
"""
_SLEEPER = """
import signal, sys, time
def end(number, frame):
    print("got", number, flush=True)
    sys.exit(5)
for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
    signal.signal(number, end)
print("ready", flush=True)
time.sleep(60)
"""


@contextmanager
def _caller(code: str) -> Iterator["subprocess.Popen[str]"]:
    argv = [sys.executable, "-c", _CALLER, sys.executable, "-c", code]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        yield process


def _wait_for(condition: Callable[[], bool], within_s: float = 5.0) -> bool:
    deadline = time.monotonic() + within_s
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.01)
    return condition()


@pytest.mark.kernel
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_reaches_the_command_once(number: signal.Signals) -> None:
    with _caller(_SLEEPER) as process:
        process.send_signal(number)
        output, _errors = process.communicate(timeout=10)
    assert output == f"got {int(number)}\n"
    assert process.returncode == 5


@pytest.mark.kernel
def test_everything_ends_when_the_caller_is_killed() -> None:
    code = f"""
import subprocess, time
child = subprocess.Popen(["sleep", "61"], env={{"{MARKER}": "1"}})
print("ready", flush=True)
time.sleep(60)
"""

    def marked() -> list[str]:
        found = []
        for environ in Path("/proc").glob("[0-9]*/environ"):
            try:
                if MARKER.encode() in environ.read_bytes():
                    found.append(environ.parent.name)
            except OSError:  # gone meanwhile, or somebody else's
                continue
        return found

    with _caller(code) as process:
        assert len(marked()) == 1
        process.kill()
    assert _wait_for(lambda: not marked())


def test_a_missing_tool_is_named_with_the_command_that_installs_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "dnf").touch(mode=0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(IsolationUnavailable, match=r"'arping' is missing.*: dnf install iputils$"):
        require_tool("arping")


def test_without_a_known_installer_both_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    words = "apt-get install iputils-arping or dnf install iputils"
    with pytest.raises(IsolationUnavailable, match=words):
        require_tool("arping")


def test_a_refusal_is_explained(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    fake = tmp_path / "unshare"
    fake.write_text(
        "#!/bin/sh\necho 'unshare: unshare failed: Operation not permitted' >&2\nexit 1\n"
    )
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    with pytest.raises(
        IsolationUnavailable, match="unshare failed: Operation not permitted"
    ) as got:
        run_isolated(["true"])
    assert "root" in str(got.value) or "--privileged" in str(got.value)


@pytest.mark.parametrize(
    ("key", "closed", "cure"),
    [
        ("user/max_user_namespaces", "0", "sysctl -w user.max_user_namespaces=10000"),
        (
            "kernel/unprivileged_userns_clone",
            "0",
            "sysctl -w kernel.unprivileged_userns_clone=1",
        ),
        (
            "kernel/apparmor_restrict_unprivileged_userns",
            "1",
            "sysctl -w kernel.apparmor_restrict_unprivileged_userns=0",
        ),
    ],
)
def test_a_closed_switch_is_named(tmp_path: Path, key: str, closed: str, cure: str) -> None:
    path = tmp_path / key
    path.parent.mkdir(parents=True)
    path.write_text(f"{closed}\n")
    assert cure in isolation.cure(tmp_path)
    path.write_text("15000\n")
    assert "sysctl" not in isolation.cure(tmp_path)
