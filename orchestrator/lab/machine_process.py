"""The machine of a host as its owner sees it: a process that is told what to do over a pipe.

See :mod:`orchestrator.lab.machine` for what that process does.
"""

import os
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO

from orchestrator.errors import HostUnreachable, IsolationUnavailable, OrchestratorError
from orchestrator.network_namespace import NetworkNamespace

_BOOT_S = 60.0
_DOWN_S = 60.0


class MachineProcess:
    """A disk, and at most one boot of it. A reboot from within boots it again by itself.

    Attributes:
        root: where its disk can be seen from outside, also while it is off.
        boot_file: number of the boot and, while it is up, the process id of its systemd.
    """

    def __init__(
        self,
        name: str,
        *,
        network: Callable[[], NetworkNamespace],
        directory: Path,
        disk_mib: int,
    ) -> None:
        """Describe it; ``make`` makes it."""
        self.name = name
        self._network = network
        self._directory = directory
        self._disk_mib = disk_mib
        self._process: subprocess.Popen[str] | None = None
        self._follower: threading.Thread | None = None
        self._changed = threading.Condition()
        self._pid: int | None = None
        self._boots = 0
        self._ended = ""
        self._failure: Exception | None = None
        self.root = Path()
        self.boot_file = directory / "boot"

    @property
    def made(self) -> bool:
        """Return whether there is one."""
        return self._process is not None

    @property
    def is_up(self) -> bool:
        """Return whether a boot of it runs."""
        with self._changed:
            return self._pid is not None

    @property
    def pid(self) -> int:
        """Return the process id of its systemd, as seen from here.

        Raises:
            HostUnreachable: it is off.
        """
        with self._changed:
            if self._pid is None:
                raise HostUnreachable(f"{self.name} is off")
            return self._pid

    @property
    def boots(self) -> int:
        """Return how often it was booted."""
        with self._changed:
            return self._boots

    def make(self, init: Path, *, hidden: Sequence[Path], visible: Sequence[Path]) -> None:
        """Make its disk; it is off.

        Args:
            init: systemd.
            hidden: directories of this machine that begin empty on the disk.
            visible: directories of this machine to be seen read-only on top of the disk.

        Raises:
            IsolationUnavailable: not possible here; says why.
        """
        self._directory.mkdir()
        argv = [sys.executable, "-m", "orchestrator.lab.machine", "--name", self.name]
        argv += ["--directory", str(self._directory), "--init", str(init)]
        argv += ["--disk-mib", str(self._disk_mib)]
        argv += [f"--hidden={path}" for path in hidden]
        argv += [f"--visible={path}" for path in visible]
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
                f"no machine for {self.name}: {self.messages()}. It needs root, with all of "
                "root's rights on this machine"
            )
        self.root = Path(root)
        self._follower = threading.Thread(
            target=self._follow, args=(self._process.stdout,), daemon=True
        )
        self._follower.start()

    def boot(self) -> None:
        """Switch it on; ``wait_for_boot`` waits for it."""
        network = self._network()
        with self._changed:
            self._ended = ""
        self._tell(f"boot {network.path}")

    def send(self, number: int) -> None:
        """Send a signal to its systemd.

        Raises:
            HostUnreachable: it is off.
        """
        os.kill(self.pid, number)

    def wait_for_boot(self, number: int) -> None:
        """Wait until that boot, by its number, has begun.

        Raises:
            OrchestratorError: it does not, in 60 s.
        """

        def settled() -> bool:
            ended_for_good = self._ended not in ("", "reboot")
            return self._boots >= number or self._failure is not None or ended_for_good

        with self._changed:
            self._changed.wait_for(settled, _BOOT_S)
            failure, self._failure = self._failure, None
            if failure is not None:
                raise failure
            if self._boots < number:
                raise OrchestratorError(f"{self.name} did not boot: {self.messages()}")

    def wait_until_off(self) -> bool:
        """Wait up to 60 s until it is off, and say whether it is."""
        with self._changed:
            return self._changed.wait_for(lambda: self._pid is None, _DOWN_S)

    def cut_power(self) -> None:
        """End everything on it at once; already off is fine. Its disk stays."""
        if self.is_up:
            self._tell("kill")
            self.wait_until_off()

    def close(self) -> None:
        """Cut the power and let go of the disk; repeatable."""
        process, self._process = self._process, None
        if process is None:
            return
        orders, told = process.stdin, process.stdout
        assert orders is not None  # noqa: S101 - made as a pipe
        assert told is not None  # noqa: S101 - made as a pipe
        orders.close()
        process.wait()
        if self._follower is not None:
            self._follower.join()
        told.close()

    def messages(self) -> str:
        """Return what the process had to complain about, and how the last boot ended."""
        said = self._log.read_text(errors="replace").strip() or "it says nothing"
        return f"{said} ({self._ended})" if self._ended else said

    @property
    def _log(self) -> Path:
        return self._directory / "machine.log"

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
                self._boot_again()

    def _boot_again(self) -> None:
        try:
            self.boot()
        except Exception as error:  # noqa: BLE001 - told to whoever waits for the boot
            with self._changed:
                self._failure = error
                self._changed.notify_all()

    def _record(self) -> None:
        """Say in a file which boot this is, and its process id: for those who look from outside."""
        new = self.boot_file.with_suffix(".new")
        new.write_text(f"{self._boots} {self._pid or ''}\n")
        new.replace(self.boot_file)
