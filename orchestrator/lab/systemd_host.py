"""A host of the lab that boots a real systemd, and reboots from its files alone.

Needs root. The programs are this machine's; see :mod:`orchestrator.lab.fittings` for what a
release changes, and :mod:`orchestrator.lab.machine` for what a boot is made of.
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from orchestrator.errors import HostUnreachable, IsolationUnavailable, OrchestratorError
from orchestrator.hosts.driver import CommandResult
from orchestrator.lab.fitted_files import FittedFile, Fitting
from orchestrator.lab.fittings import HIDDEN, fitted
from orchestrator.lab.isolation import require_tool
from orchestrator.lab.machine_process import MachineProcess
from orchestrator.lab.release import Release
from orchestrator.network_namespace import NetworkNamespace

SIGNAL_POWEROFF, SIGNAL_REBOOT = signal.SIGRTMIN + 4, signal.SIGRTMIN + 5
SIGNAL_RESET = signal.SIGRTMIN + 15
"""What systemd does at these signals; the last one stops no unit first."""
_ALL_USERS = ["0", "0", "4294967295"]
_INITS = (Path("/usr/lib/systemd/systemd"), Path("/lib/systemd/systemd"))
_ENVIRONMENT = {
    "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
    "HOME": "/root",
    "LANG": "C.UTF-8",
    "TERM": "dumb",
}
_BOOT_S = 90.0
_RUNNING = ("running", "degraded")


@dataclass(frozen=True, slots=True, kw_only=True)
class SystemdOptions:
    """What the systemd hosts of a lab are.

    Attributes:
        firewalld: runs from the first boot on, with its default zone. Costs about a second.
        disk_mib: how much may be written on each host's disk: memory of this machine.
    """

    firewalld: bool = False
    disk_mib: int = 256


class SystemdHost:
    """A host: off, or up with processes, mounts and names of its own.

    /etc and everything else on its disk stays over reboots; /run, /tmp, the network namespace
    and all that was set in it do not. Also a reboot that somebody asks for on the host (over
    ssh, for example) goes like that. Nothing is left when ``close`` was called, or when this
    process has ended, however it ended.

    Attributes:
        boot_file: number of the boot and, while it is up, the process id of its systemd.
    """

    def __init__(
        self,
        fitting: Fitting,
        *,
        network: Callable[[], NetworkNamespace],
        directory: Path,
        disk_mib: int = 256,
    ) -> None:
        """Describe it; nothing is made before ``start``.

        Args:
            network: makes its network anew, as at power on: devices that are down and have no
                addresses. Called before each boot, also from another thread.
            directory: to be made, for its disk's mount point and its log.
            disk_mib: how much may be written on its disk: memory of this machine.
        """
        self.name = fitting.name
        self.release = fitting.release
        self._fitting = fitting
        self._machine = MachineProcess(
            fitting.name, network=network, directory=directory, disk_mib=disk_mib
        )
        self.boot_file = self._machine.boot_file

    # -- power

    def start(self) -> str:
        """Switch it on and wait until it has booted; on the first time, furnish its disk.

        Returns:
            What ``systemctl is-system-running`` says: running, or degraded when a unit failed.

        Raises:
            IsolationUnavailable: this machine does not allow it; says what is missing.
            OrchestratorError: it did not come up in 90 s.
        """
        if not self._machine.made:
            self._furnish()
        if self._machine.is_up:
            return self._wait_until_booted()
        number = self.boots + 1
        self._machine.boot()
        return self.wait_for_boot(number)

    def reboot(self, *, clean: bool = True) -> str:
        """Boot it anew, from its files alone, and wait until it is up.

        Args:
            clean: units are stopped first, as ``systemctl reboot`` does; otherwise it is as if
                the power had failed for a moment.

        Returns:
            As ``start``.

        Raises:
            HostUnreachable: it is off.
            OrchestratorError: it did not come up.
        """
        number = self.boots + 1
        self._machine.send(SIGNAL_REBOOT if clean else SIGNAL_RESET)
        return self.wait_for_boot(number)

    def wait_for_boot(self, number: int) -> str:
        """Wait until boot number ``number`` (``boots`` counts them) is up.

        Returns, raises: as ``start``.
        """
        self._machine.wait_for_boot(number)
        return self._wait_until_booted()

    def stop(self) -> None:
        """Shut it down in order; already off is fine. Its disk stays.

        Raises:
            OrchestratorError: it did not go down in 60 s; then it is switched off.
        """
        if not self._machine.is_up:
            return
        self._machine.send(SIGNAL_POWEROFF)
        if not self._machine.wait_until_off():
            self._machine.cut_power()
            raise OrchestratorError(f"{self.name} did not shut down: its power was cut")

    def cut_power(self) -> None:
        """End everything on it at once; already off is fine. Its disk stays."""
        self._machine.cut_power()

    def close(self) -> None:
        """Cut the power and let go of the disk; repeatable."""
        self._machine.close()

    def __enter__(self) -> "SystemdHost":
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # -- what is on it

    @property
    def root(self) -> Path:
        """Return where its disk can be seen from outside, also while it is off."""
        return self._machine.root

    @property
    def pid(self) -> int:
        """Return the process id of its systemd, as seen from here.

        Raises:
            HostUnreachable: it is off.
        """
        return self._machine.pid

    @property
    def boots(self) -> int:
        """Return how often it was booted."""
        return self._machine.boots

    def path(self, inside: str | Path) -> Path:
        """Return where a file of its disk can be seen from outside, also while it is off.

        /run, /tmp, /proc and alike are no part of the disk.
        """
        return self.root / Path(inside).relative_to("/")

    def write(self, inside: str | Path, content: str, *, mode: int = 0o644) -> None:
        """Write a file of its disk from outside, also while it is off."""
        self._put(Path(inside), FittedFile(content=content, mode=mode))

    def command(self, argv: Sequence[str]) -> list[str]:
        """Return the command line that runs ``argv`` on it, as root.

        Raises:
            HostUnreachable: it is off.
        """
        return entering_argv(str(self.pid), argv)

    def run(
        self, argv: Sequence[str], *, timeout_s: float = 60.0, stdin: str = ""
    ) -> CommandResult:
        """Run a command on it, as root, not through ssh.

        Raises:
            HostUnreachable: it is off.
        """
        with subprocess.Popen(
            self.command(argv),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
            start_new_session=True,
        ) as process:
            try:
                stdout, stderr = process.communicate(stdin, timeout_s)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                stdout, stderr = process.communicate()
                return CommandResult(exit_code=None, stdout=stdout, stderr=stderr)
        return CommandResult(exit_code=process.returncode, stdout=stdout, stderr=stderr)

    def _furnish(self) -> None:
        init = next((path for path in _INITS if path.exists()), None)
        if init is None:
            raise IsolationUnavailable(
                "there is no systemd on this machine; install it with: apt-get install systemd, "
                "or dnf install systemd"
            )
        self._machine.make(init, hidden=HIDDEN, visible=_visible())
        for inside, file in fitted(self._fitting).items():
            self._put(inside, file)

    def _put(self, inside: Path, file: FittedFile) -> None:
        """Write a file of the disk, whatever was there; its directories too."""
        if file.copied is None:
            content = file.content.encode()
        else:
            content = self.path(file.copied).read_bytes()
        path = self.path(inside)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        if file.removed:
            return
        if file.link is not None:
            path.symlink_to(file.link)
            return
        # Made with its mode: a private key is at no moment for everybody.
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
        with os.fdopen(os.open(path, flags, file.mode), "wb") as opened:
            opened.write(content)
        path.chmod(file.mode)

    def _wait_until_booted(self) -> str:
        deadline = time.monotonic() + _BOOT_S
        while (left := deadline - time.monotonic()) > 0:
            try:
                asked = self.run(["systemctl", "is-system-running", "--wait"], timeout_s=left)
            except HostUnreachable:
                raise OrchestratorError(
                    f"{self.name} ended while it booted: {self._machine.messages()}"
                ) from None
            if (state := asked.stdout.strip()) in _RUNNING:
                return state
            time.sleep(0.02)  # systemd does not listen yet
        waiting = self.run(["systemctl", "list-jobs", "--no-legend"], timeout_s=10)
        raise OrchestratorError(
            f"{self.name} did not boot in {_BOOT_S:.0f} s; it waits for: {waiting.stdout}"
        )


def require_systemd(releases: Sequence[Release], *, firewalld: bool) -> None:
    """See whether hosts of these releases can be booted here.

    Raises:
        IsolationUnavailable: says what is missing and how to get it.
    """
    if os.geteuid() != 0 or Path("/proc/self/uid_map").read_text().split() != _ALL_USERS:
        raise IsolationUnavailable(
            "hosts that boot need root of this machine itself, for their file systems and control "
            "groups: run as root (sudo), or take hosts without systemd (init none)"
        )
    tools = ["systemctl", "sshd", "ssh", "ssh-keygen", "ip", "dbus-daemon", "sysctl", "arptables"]
    if Release.CENTOS7 in releases:
        tools.append("arping")
    if set(releases) - {Release.CENTOS7}:
        tools.append("nmcli")
    if firewalld:
        tools.append("firewall-cmd")
    for tool in tools:
        require_tool(tool)


def entering_argv(pid: str, argv: Sequence[str]) -> list[str]:
    """Return the command line that runs ``argv`` where that process lives, as at a login there."""
    entering = [require_tool("nsenter"), f"--target={pid}"]
    entering += ["--mount", "--uts", "--ipc", "--net", "--pid", "--cgroup", "--"]
    environment = [f"{key}={value}" for key, value in _ENVIRONMENT.items()]
    return [*entering, "/usr/bin/env", "-i", *environment, *argv]


def _visible() -> list[Path]:
    """Return the directories that our own programs need, where hosts would not see them."""
    ours = Path(__file__).resolve().parents[2]
    seen: list[Path] = []
    for path in (ours, Path(sys.prefix), Path(sys.base_prefix), Path(sys.base_prefix).resolve()):
        covered = any(path.is_relative_to(one) for one in (Path("/usr"), *seen))
        if not covered:
            seen.append(path)
    return seen
