"""Hosts that boot a real systemd: what runs on them, what a reboot keeps, that nothing is left."""

import json
import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from orchestrator.errors import HostUnreachable
from orchestrator.hosts.ssh import SshDriver
from orchestrator.lab.lab import Lab
from orchestrator.lab.systemd_host import SystemdHost, SystemdOptions
from orchestrator.probes.service import http_answers
from tests.orchestrator.lab.systemd_lab import control_groups, need_systemd
from tests.soak import runs

pytestmark = pytest.mark.kernel


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    need_systemd()
    with Lab(hosts=1, systemd=SystemdOptions()) as running:
        yield running


@pytest.fixture
def web1(lab: Lab) -> SystemdHost:
    return lab.machines["web1"]


def _said(host: SystemdHost, *argv: str) -> str:
    result = host.run(argv)
    assert result.exit_code == 0, result
    return result.stdout.strip()


def _running_services(host: SystemdHost) -> set[str]:
    listed = _said(host, "systemctl", "list-units", "--no-legend", "--plain", "--type=service")
    return {line.split()[0] for line in listed.splitlines()}


def test_it_boots_its_own_services_and_none_of_this_machine(web1: SystemdHost) -> None:
    assert _said(web1, "systemctl", "is-system-running") == "running"
    expected = {"sshd", "httpd", "NetworkManager", "systemd-sysctl", "systemd-journald", "dbus"}
    expected |= {"NetworkManager-wait-online", "systemd-tmpfiles-setup"}
    # Those come and go.
    also = {"NetworkManager-dispatcher.service", "dbus-broker.service", "systemd-logind.service"}
    assert _running_services(web1) - also == {f"{name}.service" for name in expected}
    assert _said(web1, "systemctl", "is-enabled", "sshd", "httpd", "NetworkManager") == (
        "enabled\nenabled\nenabled"
    )


def test_it_calls_itself_by_its_name_and_release(web1: SystemdHost) -> None:
    assert _said(web1, "hostname") == "web1"
    assert 'VERSION_ID="9"' in _said(web1, "cat", "/etc/os-release")
    assert _said(web1, "cat", "/etc/redhat-release") == "CentOS Stream release 9"


def test_its_network_comes_from_its_profile(web1: SystemdHost) -> None:
    assert _said(web1, "nmcli", "-t", "-f", "NAME,DEVICE", "connection", "show", "--active") in (
        "eth0:eth0",
        "eth0:eth0\nlo:lo",
    )
    addresses = json.loads(_said(web1, "ip", "-j", "-4", "address", "show", "eth0"))
    assert addresses[0]["addr_info"][0]["local"] == "203.0.113.11"
    assert "default via 203.0.113.1 dev eth0" in _said(web1, "ip", "route")


def test_services_and_logins_cannot_change_this_machine_by_mistake(
    lab: Lab, web1: SystemdHost
) -> None:
    (host,) = lab.hosts
    attempts = ("echo 1 > /proc/sys/kernel/panic", "mknod /dev/disk b 254 0", "date -s 2000-01-01")
    with (
        lab.namespaces["admin"].entered(),
        SshDriver(config_file=str(lab.ssh_config)) as driver,
    ):
        for attempt in attempts:
            assert driver.run(host, ["sh", "-c", attempt], timeout_s=20).exit_code, attempt


def test_something_can_be_left_behind_that_runs_later(web1: SystemdHost) -> None:
    _said(
        web1,
        "systemd-run",
        "--on-active=100ms",
        "--timer-property=AccuracySec=1ms",
        "touch",
        "/run/later",
    )
    deadline = time.monotonic() + 20
    while web1.run(["test", "-e", "/run/later"]).exit_code != 0:
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_the_ssh_driver_reaches_it(lab: Lab, web1: SystemdHost) -> None:
    (host,) = lab.hosts
    with (
        lab.namespaces["admin"].entered(),
        SshDriver(config_file=str(lab.ssh_config)) as driver,
    ):
        state = driver.read(host)
        result = driver.run(host, ["systemctl", "is-active", "httpd"], timeout_s=20)
    assert "203.0.113.11" in {one.address for one in state.addresses}
    assert (result.exit_code, result.stdout) == (0, "active\n")


def test_a_reboot_keeps_files_and_nothing_else(lab: Lab, web1: SystemdHost) -> None:
    boot_id, before = "/proc/sys/kernel/random/boot_id", web1.boots
    first = _said(web1, "cat", boot_id)
    script = "ip address add 203.0.113.250/32 dev lo; sysctl -q net.ipv4.conf.all.arp_ignore=1; "
    script += "mkdir -p /var/lib/kemp; echo kept > /var/lib/kemp/file; echo gone > /run/file; "
    script += (
        "nft add table inet mine; echo net.ipv4.conf.all.arp_announce=2 > /etc/sysctl.d/a.conf"
    )
    _said(web1, "sh", "-ec", script)
    for clean in (True, False):
        assert web1.reboot(clean=clean) == "running"
        assert web1.path("/var/lib/kemp/file").read_text() == "kept\n"
        assert _said(web1, "cat", "/var/lib/kemp/file") == "kept"
        assert web1.run(["test", "-e", "/run/file"]).exit_code == 1
        assert "203.0.113.250" not in _said(web1, "ip", "address")
        assert _said(web1, "sysctl", "-n", "net.ipv4.conf.all.arp_ignore") == "0"
        assert _said(web1, "sysctl", "-n", "net.ipv4.conf.all.arp_announce") == "2"
        assert _said(web1, "nft", "list", "ruleset") == ""
        assert _said(web1, "cat", boot_id) != first
        with lab.namespaces["admin"].entered():
            assert http_answers("203.0.113.11", 80, "/health").healthy
    assert web1.boots == before + 2


def test_a_reboot_asked_for_on_the_host_is_one(lab: Lab, web1: SystemdHost) -> None:
    before = web1.boots
    (host,) = lab.hosts
    with (
        lab.namespaces["admin"].entered(),
        SshDriver(config_file=str(lab.ssh_config)) as driver,
    ):
        with pytest.raises(HostUnreachable):  # the connection goes with the host
            driver.run(host, ["sh", "-c", "systemctl reboot; sleep 60"], timeout_s=70)
        web1.wait_for_boot(before + 1)
        assert "203.0.113.11" in {one.address for one in driver.read(host).addresses}


@pytest.mark.soak
def test_reboots_do_not_pile_up(lab: Lab, web1: SystemdHost) -> None:
    def held() -> tuple[int, int, int, int]:
        machine = min(_processes(str(lab.directory)), key=int)
        return (
            len(list(Path("/proc/self/fd").iterdir())),
            len(list(Path(f"/proc/{machine}/fd").iterdir())),
            len(_mounts(machine)),
            len(socket.if_nameindex()),
        )

    with lab.namespaces["admin"].entered():
        web1.reboot()
        before = held()
        for number in range(runs(short=3, long=200)):
            assert web1.reboot(clean=number % 2 == 0) == "running"
        assert held() == before


def test_switched_off_it_is_unreachable_and_its_disk_can_be_changed(web1: SystemdHost) -> None:
    web1.stop()
    web1.stop()
    with pytest.raises(HostUnreachable, match="web1 is off"):
        web1.run(["true"])
    web1.write("/etc/motd", "changed while it was off\n")
    assert web1.start() == "running"
    assert web1.start() == "running"
    assert _said(web1, "cat", "/etc/motd") == "changed while it was off"


_KILLED = """
import signal
from orchestrator.lab.lab import Lab
from orchestrator.lab.systemd_host import SystemdOptions
with Lab(hosts=1, systemd=SystemdOptions()) as lab:
    print(lab.machines["web1"].pid, lab.directory, flush=True)
    signal.pause()
"""


_BUILT = """
from orchestrator.lab.lab import Lab
from orchestrator.lab.systemd_host import SystemdOptions
print(flush=True)
while True:
    with Lab(hosts=2, systemd=SystemdOptions()):
        pass
"""


@pytest.mark.soak
def test_nothing_is_left_whenever_it_is_killed(tmp_path: Path) -> None:
    need_systemd()
    for _ in range(runs(short=2, long=60)):
        with subprocess.Popen(
            [sys.executable, "-c", _BUILT],
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "TMPDIR": str(tmp_path)},
        ) as process:
            assert process.stdout is not None
            process.stdout.readline()
            time.sleep(random.uniform(0, 4))
            machines = _processes(str(tmp_path))
            process.kill()
        machines += _processes(str(tmp_path))
        deadline = time.monotonic() + 30
        while _processes(str(tmp_path)) or _groups_of(machines):
            assert time.monotonic() < deadline
            time.sleep(0.05)


def _groups_of(machines: list[str]) -> list[Path]:
    names = {f"kemp-lab-{pid}-{host}" for pid in machines for host in ("web1", "web2")}
    return [group for name in names for group in control_groups(name)]


def _mounts(pid: str) -> list[str]:
    return Path(f"/proc/{pid}/mounts").read_text().splitlines()


def _processes(directory: str) -> list[str]:
    """Return the processes whose command line names a directory."""
    found = []
    for line in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if directory in line.read_text():
                found.append(line.parent.name)
        except OSError:  # gone meanwhile
            continue
    return found


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
def test_nothing_is_left_when_the_lab_ends_by_a_signal(tmp_path: Path, how: signal.Signals) -> None:
    need_systemd()
    with subprocess.Popen(
        [sys.executable, "-c", _KILLED],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "TMPDIR": str(tmp_path)},
    ) as process:
        try:
            assert process.stdout is not None
            pid, directory = process.stdout.readline().split()
            names = [f"kemp-lab-{one}-web1" for one in _processes(directory)]
            (group,) = [name for name in names if control_groups(name)]
        except BaseException:
            process.kill()
            raise
        process.send_signal(how)

    def left() -> list[object]:
        systemd = Path(f"/proc/{pid}")
        return [*_processes(directory), *control_groups(group), *systemd.glob("exe")]

    deadline = time.monotonic() + 20
    while left() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert left() == []
    assert directory not in Path("/proc/mounts").read_text()
