"""Worker processes for crash tests, forked from one that has loaded everything already.

To load the engine anew for each worker takes longer than most of them live.
"""

import multiprocessing
import os
import signal
import sys
import time
import warnings
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from types import TracebackType

_CONTEXT = multiprocessing.get_context("forkserver")
_CONTEXT.set_forkserver_preload(["tests.orchestrator.rollout.worker", "dbos", "psycopg"])


class WorkerProcess:
    """A process that works as its configuration says; used like ``subprocess.Popen``."""

    def __init__(self, config: Path) -> None:
        self._out, self._err = config.with_suffix(".out"), config.with_suffix(".err")
        self._process: ForkServerProcess = _CONTEXT.Process(
            target=_work, args=(str(config), str(self._out), str(self._err)), daemon=True
        )
        self._process.start()

    def __enter__(self) -> "WorkerProcess":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if error is not None:
            self.kill()
        self.wait(60)

    @property
    def pid(self) -> int:
        assert self._process.pid is not None
        return self._process.pid

    @property
    def returncode(self) -> int | None:
        """The exit code, or minus the signal that ended it; None while it lives."""
        return self._process.exitcode

    def wait(self, timeout: float) -> int:
        """Wait until it has ended.

        Raises:
            TimeoutError: it has not in that many seconds.
        """
        self._process.join(timeout)
        code = self._process.exitcode
        if code is None:
            raise TimeoutError(f"the worker {self.pid} still runs after {timeout} s")
        return code

    def wait_until_stopped(self, timeout: float = 60.0) -> None:
        """Wait until a signal has frozen it."""
        deadline = time.monotonic() + timeout
        stat = Path(f"/proc/{self.pid}/stat")
        while stat.read_text().rpartition(")")[2].split()[0] != "T":
            if time.monotonic() > deadline:
                raise TimeoutError(f"the worker {self.pid} was not frozen in {timeout} s")
            time.sleep(0.02)

    def communicate(self, timeout: float) -> tuple[str, str]:
        """Wait until it has ended and return what it said."""
        self.wait(timeout)
        return self._out.read_text(), self._err.read_text()

    def send_signal(self, number: signal.Signals) -> None:
        if self.returncode is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


def _work(config: str, out: str, err: str) -> None:
    """Be the worker; in the process of its own."""
    from tests.orchestrator.rollout import worker

    for descriptor, path in ((1, out), (2, err)):
        opened = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        os.dup2(opened, descriptor)
        os.close(opened)
    sys.stdout = os.fdopen(1, "w", closefd=False)
    sys.stderr = os.fdopen(2, "w", buffering=1, closefd=False)
    warnings.simplefilter("error")
    signal.signal(signal.SIGINT, signal.default_int_handler)
    worker.main_of(Path(config))
    sys.stdout.flush()
