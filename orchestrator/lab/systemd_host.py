"""A host of the lab that boots a real systemd, and reboots from its files alone.

Needs root. The programs are this machine's; see :mod:`orchestrator.lab.fittings` for what a
release changes, and :mod:`orchestrator.lab.machine` for what a boot is made of.
"""

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from orchestrator.errors import HostUnreachable, IsolationUnavailable, OrchestratorError
from orchestrator.hosts.driver import CommandResult
from orchestrator.lab.fittings import HIDDEN, FittedFile, Fitting, Release, fitted
from orchestrator.lab.isolation import require_tool
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
_DOWN_S = 60.0
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
        root: where its disk can be seen from outside, also while it is off.
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
        self._network = network
        self._directory = directory
        self.boot_file = directory / "boot"
        self._disk_mib = disk_mib
        self.root = Path()
        self._process: subprocess.Popen[str] | None = None
        self._follower: threading.Thread | None = None
        self._changed = threading.Condition()
        self._pid: int | None = None
        self._boots = 0
        self._ended = ""
        self._failure: Exception | None = None

    # -- power

    def start(self) -> str:
        """Switch it on and wait until it has booted; on the first time, furnish its disk.

        Returns:
            What ``systemctl is-system-running`` says: running, or degraded when a unit failed.

        Raises:
            IsolationUnavailable: this machine does not allow it; says what is missing.
            OrchestratorError: it did not come up in 90 s.
        """
        if self._process is None:
            self._make()
        with self._changed:
            if self._pid is not None:
                return self._wait_until_booted()
            before = self._boots
        self._boot()
        return self._up_after(before)

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
        if not clean:
            self.cut_power()
            return self.start()
        with self._changed:
            before, pid = self._boots, self._running_pid()
        os.kill(pid, SIGNAL_REBOOT)
        return self._up_after(before)

    def wait_for_boot(self, number: int) -> str:
        """Wait until boot number ``number`` (``boots`` counts them) is up.

        Returns, raises: as ``start``.
        """
        return self._up_after(number - 1)

    def stop(self) -> None:
        """Shut it down in order; already off is fine. Its disk stays.

        Raises:
            OrchestratorError: it did not go down in 60 s; then it is switched off.
        """
        with self._changed:
            pid = self._pid
        if pid is None:
            return
        with contextlib.suppress(ProcessLookupError):  # it ends by itself right now
            os.kill(pid, SIGNAL_POWEROFF)
        with self._changed:
            if not self._changed.wait_for(lambda: self._pid is None, _DOWN_S):
                self.cut_power()
                raise OrchestratorError(f"{self.name} did not shut down: its power was cut")

    def cut_power(self) -> None:
        """End everything on it at once; already off is fine. Its disk stays."""
        with self._changed:
            if self._pid is not None:
                self._tell("kill")
                self._changed.wait_for(lambda: self._pid is None, _DOWN_S)

    def close(self) -> None:
        """Cut the power and let go of the disk; repeatable."""
        process, self._process = self._process, None
        if process is None:
            return
        assert process.stdin is not None and process.stdout is not None  # noqa: S101, PT018 - made as pipes
        process.stdin.close()
        process.wait()
        if self._follower is not None:
            self._follower.join()
        process.stdout.close()

    def __enter__(self) -> "SystemdHost":
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # -- what is on it

    @property
    def pid(self) -> int:
        """Return the process id of its systemd, as seen from here.

        Raises:
            HostUnreachable: it is off.
        """
        with self._changed:
            return self._running_pid()

    @property
    def boots(self) -> int:
        """Return how often it was booted."""
        with self._changed:
            return self._boots

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

    # -- the machine below

    def _make(self) -> None:
        init = next((path for path in _INITS if path.exists()), None)
        if init is None:
            raise IsolationUnavailable(
                "there is no systemd on this machine; install it with: apt-get install systemd, "
                "or dnf install systemd"
            )
        self._directory.mkdir()
        argv = [sys.executable, "-m", "orchestrator.lab.machine", "--name", self.name]
        argv += ["--directory", str(self._directory), "--init", str(init)]
        argv += ["--disk-mib", str(self._disk_mib)]
        argv += [f"--hidden={path}" for path in HIDDEN]
        argv += [f"--visible={path}" for path in _visible()]
        with self._log.open("w") as messages:
            self._process = subprocess.Popen(
                argv,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=messages,
                text=True,
                # Ctrl-C ends us, and then the machine ends in its own order.
                start_new_session=True,
            )
        assert self._process.stdout is not None  # noqa: S101 - made as a pipe just above
        word, _, root = self._process.stdout.readline().strip().partition(" ")
        if word != "ready":
            self.close()
            raise IsolationUnavailable(
                f"no machine for {self.name}: {self._messages()}. It needs root, with all of "
                "root's rights on this machine"
            )
        self.root = Path(root)
        for inside, file in fitted(self._fitting).items():
            self._put(inside, file)
        self._follower = threading.Thread(
            target=self._follow, args=(self._process.stdout,), daemon=True
        )
        self._follower.start()

    def _put(self, inside: Path, file: FittedFile) -> None:
        """Write a file of the disk, whatever was there; its directories too."""
        content = (
            file.content.encode() if file.copied is None else self.path(file.copied).read_bytes()
        )
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

    @property
    def _log(self) -> Path:
        return self._directory / "machine.log"

    def _messages(self) -> str:
        return self._log.read_text(errors="replace").strip() or "it says nothing"

    def _tell(self, line: str) -> None:
        process = self._process
        if process is None:
            raise HostUnreachable(f"{self.name} is closed")
        assert process.stdin is not None  # noqa: S101 - made as a pipe
        process.stdin.write(f"{line}\n")
        process.stdin.flush()

    def _follow(self, told: IO[str]) -> None:
        for line in told:
            word, _, rest = line.strip().partition(" ")
            with self._changed:
                if word == "booted":
                    self._pid, self._boots, self._ended = int(rest), self._boots + 1, ""
                else:
                    self._pid, self._ended = None, rest
                self._record()
                self._changed.notify_all()
            if rest == "reboot":
                try:
                    self._boot()
                except Exception as error:  # noqa: BLE001 - told to whoever waits for the boot
                    with self._changed:
                        self._failure = error
                        self._changed.notify_all()

    def _record(self) -> None:
        """Say in a file which boot this is, and its process id: for those who look from outside."""
        new = self.boot_file.with_suffix(".new")
        new.write_text(f"{self._boots} {self._pid or ''}\n")
        new.replace(self.boot_file)

    def _boot(self) -> None:
        network = self._network()
        with self._changed:
            self._ended = ""
        self._tell(f"boot {network.path}")

    def _running_pid(self) -> int:
        if self._pid is None:
            raise HostUnreachable(f"{self.name} is off")
        return self._pid

    def _up_after(self, boots: int) -> str:
        def settled() -> bool:
            return (
                self._boots > boots
                or self._failure is not None
                or self._ended not in ("", "reboot")
            )

        with self._changed:
            self._changed.wait_for(settled, _DOWN_S)
            failure, self._failure = self._failure, None
            if failure is not None:
                raise failure
            if self._boots <= boots:
                raise OrchestratorError(f"{self.name} did not boot: {self._messages()}")
        return self._wait_until_booted()

    def _wait_until_booted(self) -> str:
        deadline = time.monotonic() + _BOOT_S
        while (left := deadline - time.monotonic()) > 0:
            try:
                asked = self.run(["systemctl", "is-system-running", "--wait"], timeout_s=left)
            except HostUnreachable:
                raise OrchestratorError(
                    f"{self.name} ended while it booted ({self._ended}): {self._messages()}"
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


def _visible() -> Iterator[Path]:
    """Yield the directories that our own programs need, where hosts would not see them."""
    ours = Path(__file__).resolve().parents[2]
    seen: list[Path] = []
    for path in (ours, Path(sys.prefix), Path(sys.base_prefix), Path(sys.base_prefix).resolve()):
        covered = any(path.is_relative_to(one) for one in (Path("/usr"), *seen))
        if not covered:
            seen.append(path)
    yield from seen
