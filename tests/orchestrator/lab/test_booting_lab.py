"""A lab in the background whose hosts boot: logins, reboots, and what is left of it."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from orchestrator.errors import HostUnreachable, IsolationUnavailable, OrchestratorError
from orchestrator.inventory import load_spec
from orchestrator.lab import systemd_host
from orchestrator.lab.isolation import run_isolated
from orchestrator.lab.lab import Lab
from orchestrator.lab.release import Release
from orchestrator.lab.station import METHODS, LabMethod, LabOptions
from orchestrator.lab.supervisor import (
    LabStatus,
    lab_down,
    lab_exec_argv,
    lab_reboot,
    lab_status,
    lab_up,
)
from orchestrator.lab.systemd_host import SystemdOptions
from tests.orchestrator.lab.systemd_lab import control_groups, need_systemd


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("state")


@pytest.fixture(scope="module")
def status(directory: Path) -> Iterator[LabStatus]:
    need_systemd()
    yield lab_up(LabOptions(directory=directory, hosts=1, init="systemd"))
    lab_down(directory)


def _on(status: LabStatus, station: str, *argv: str) -> "subprocess.CompletedProcess[str]":
    command = lab_exec_argv(status, station, argv)
    return subprocess.run(command, capture_output=True, text=True, timeout=60)


@pytest.mark.kernel
def test_a_command_on_a_host_is_as_at_a_login_there(status: LabStatus) -> None:
    assert status.stations["web1"].release == "stream9"
    assert _on(status, "web1", "hostname").stdout == "web1\n"
    seen = _on(status, "web1", "env").stdout
    assert "HOME=/root" in seen
    assert "KEMP" not in seen
    assert _on(status, "web1", "sh", "-c", "exit 7").returncode == 7
    assert _on(status, "web1", "printf", "%s|", "a b", "$x", "'").stdout == "a b|$x|'|"


@pytest.mark.kernel
def test_ssh_leads_from_the_operator_to_the_hosts(status: LabStatus) -> None:
    assert _on(status, "admin", "ssh", "web1", "hostname").stdout == "web1\n"
    by_file = ["ssh", "-F", f"{status.directory}/ssh_config", "web1", "id", "-un"]
    assert _on(status, "admin", *by_file).stdout == "root\n"


@pytest.mark.kernel
def test_a_host_is_rebooted_from_outside(status: LabStatus) -> None:
    for clean in (True, False):
        _on(status, "web1", "touch", "/run/gone", "/etc/kept")
        assert lab_reboot(status, "web1", clean=clean) == "running"
        assert _on(status, "web1", "ls", "/run/gone").returncode != 0
        assert _on(status, "web1", "ls", "/etc/kept").returncode == 0
    with pytest.raises(HostUnreachable, match="lb has nothing to boot"):
        lab_reboot(status, "lb")
    with pytest.raises(HostUnreachable, match="no station 'web9'"):
        lab_reboot(status, "web9")


@pytest.mark.kernel
def test_its_rollouts_go_over_ssh(status: LabStatus, tmp_path: Path) -> None:
    for kind in ("add", "drain", "remove", "roll", "reboot"):
        path = tmp_path / f"{kind}.yaml"
        path.write_text(_on(status, "admin", "cat", f"{status.directory}/{kind}.yaml").stdout)
        spec = load_spec(path)
        assert spec.hosts["web1"].driver == "ssh"
    assert spec.rollout is not None
    assert spec.rollout.action is not None
    # As the rollout fills it in: the braces of the shell are to come out as they went in.
    reboot = [part.format(host="web1", address="", run="") for part in spec.rollout.action.argv]
    boot_id = _on(status, "web1", "cat", "/proc/sys/kernel/random/boot_id").stdout
    done = _on(status, "admin", *reboot)
    assert (done.returncode, done.stdout) == (0, "running\n"), done.stderr
    assert _on(status, "web1", "cat", "/proc/sys/kernel/random/boot_id").stdout != boot_id


@pytest.mark.kernel
def test_a_host_that_was_switched_off_is_off(status: LabStatus) -> None:
    _on(status, "web1", "systemctl", "poweroff")
    deadline = time.monotonic() + 30
    while (asked := _on(status, "web1", "true")).stderr != "this host is off\n":
        assert time.monotonic() < deadline, asked
        time.sleep(0.1)
    assert asked.returncode == 1
    with pytest.raises(HostUnreachable, match="web1 is off"):
        lab_reboot(status, "web1")


@pytest.mark.kernel
def test_nothing_of_it_is_left_when_it_was_killed(tmp_path: Path) -> None:
    need_systemd()
    status = lab_up(LabOptions(directory=tmp_path, hosts=1, init="systemd"))
    group = f"kemp-lab-{status.caretaker_pid}"
    assert [path.name for path in control_groups(group)] == [group]
    os.kill(status.pid, signal.SIGKILL)
    deadline = time.monotonic() + 20
    while control_groups(group) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert control_groups(group) == []
    found = lab_status(tmp_path)
    assert found is not None
    assert not found.running
    lab_down(tmp_path)


@pytest.mark.kernel
def test_a_host_that_does_not_boot_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    need_systemd()
    monkeypatch.setattr(systemd_host, "_INITS", (Path("/bin/false"),))
    with (
        pytest.raises(OrchestratorError, match=r"web1 (did not boot|ended while it booted)"),
        Lab(1, directory=tmp_path, systemd=SystemdOptions()),
    ):
        pass
    assert list(tmp_path.iterdir()) == []


_IN_A_WORLD = """
import os, sys
from pathlib import Path
from orchestrator.lab.lab import Lab
from orchestrator.lab.ssh_access import use_ssh_config
from orchestrator.lab.systemd_host import SystemdOptions
import subprocess
with Lab(hosts=1, systemd=SystemdOptions()) as lab:
    use_ssh_config(lab.ssh_config)
    with lab.namespaces["admin"].entered():
        subprocess.run(["ssh", "web1", "hostname"], check=True)
    group = Path("/proc/self/cgroup").read_text().splitlines()[-1].rpartition("/")[2]
    Path(sys.argv[1]).write_text(group)
    os._exit(7)  # nothing is tidied up
"""


@pytest.mark.kernel
def test_what_a_world_leaves_is_cleared_away(tmp_path: Path) -> None:
    need_systemd()
    argv = [sys.executable, "-c", _IN_A_WORLD, str(tmp_path / "group")]
    assert run_isolated(argv, boots_machines=True) == 7
    group = (tmp_path / "group").read_text()
    assert group.startswith("kemp-lab-")
    assert control_groups(group) == []


@pytest.mark.kernel
def test_the_page_is_true(tmp_path: Path) -> None:
    need_systemd()
    page = Path(__file__).parents[3] / "docs" / "pages" / "lab.md"
    (script,) = re.findall(r"```python\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", script],
        capture_output=True,
        text=True,
        env={**os.environ, "TMPDIR": str(tmp_path)},
        timeout=150,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == "CentOS Stream release 9\n"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("method", METHODS)
def test_the_method_decides_the_layer(tmp_path: Path, method: LabMethod) -> None:
    options = LabOptions(directory=tmp_path, method=method, init="systemd")
    assert options.layer == (7 if method in ("gateway", "none") else 4)


def test_a_lab_that_cannot_be_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="at most 24 hosts with systemd, not 25"):
        LabOptions(directory=tmp_path, hosts=25, init="systemd")
    with pytest.raises(ValueError, match="take init systemd"):
        LabOptions(directory=tmp_path, method="firewalld")
    with pytest.raises(ValueError, match="needs a release"):
        LabOptions(directory=tmp_path, releases=())


def test_an_ordinary_user_is_told_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(IsolationUnavailable, match=r"run as root \(sudo\), or .*\(init none\)"):
        lab_up(LabOptions(directory=tmp_path, init="systemd"))


@pytest.mark.parametrize(
    ("missing", "release", "firewalld"),
    [
        ("sshd", Release.CENTOS7, False),
        ("arping", Release.CENTOS7, False),
        ("nmcli", Release.STREAM8, False),
        ("firewall-cmd", Release.STREAM9, True),
    ],
)
def test_a_missing_program_is_named(
    monkeypatch: pytest.MonkeyPatch, missing: str, release: Release, firewalld: bool
) -> None:
    def require(name: str) -> str:
        if name == missing:
            raise IsolationUnavailable(f"{name} is missing")
        return name

    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(systemd_host, "_ALL_USERS", Path("/proc/self/uid_map").read_text().split())
    monkeypatch.setattr(systemd_host, "require_tool", require)
    with pytest.raises(IsolationUnavailable, match=f"{missing} is missing"):
        systemd_host.require_systemd([release], firewalld=firewalld)
    missing = "nothing"
    systemd_host.require_systemd([release], firewalld=firewalld)
