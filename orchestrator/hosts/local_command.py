"""A command of somebody else's on this machine, bounded in time and in what it may print."""

import os
import signal
import subprocess
import tempfile
from collections.abc import Callable, Mapping, Sequence
from typing import IO

from kempsdk.clock import Clock
from orchestrator.hosts.driver import CommandResult

Start = Callable[[], "subprocess.Popen[bytes]"]

_MOST_OUTPUT = 64 * 1024


def run_command(
    argv: Sequence[str],
    timeout_s: float,
    *,
    clock: Clock,
    environ: Mapping[str, str] | None = None,
    begin: Callable[[Start], "subprocess.Popen[bytes]"] = lambda start: start(),
) -> CommandResult:
    """Run a command without a shell and without input.

    At the timeout the command and what it started in its process group are killed. Something
    that it leaves behind on purpose when it ends (a daemon) goes on. Output is cut to its last
    64 KiB. A command that cannot be started ends as in a shell: 127 when there is none of that
    name, 126 when it may not be run.

    Args:
        environ: what it finds in its environment; None: what this process has.
        begin: starts it where it is to run, by calling what it is given.
    """
    # Files, not pipes: a daemon that keeps the output open must not keep us waiting.
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:

        def start() -> "subprocess.Popen[bytes]":
            return subprocess.Popen(
                list(argv),
                env=environ,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                start_new_session=True,
            )

        try:
            process = begin(start)
        except FileNotFoundError:
            return CommandResult(exit_code=127, stdout="", stderr=f"{argv[0]}: not found")
        except OSError as error:
            return CommandResult(exit_code=126, stdout="", stderr=f"{argv[0]}: {error.strerror}")
        exit_code = _wait(process, timeout_s, clock)
        return CommandResult(exit_code=exit_code, stdout=_tail(out), stderr=_tail(err))


def _wait(process: "subprocess.Popen[bytes]", timeout_s: float, clock: Clock) -> int | None:
    deadline = clock.monotonic_s() + timeout_s
    pause_s = 0.001
    try:
        while process.poll() is None and clock.monotonic_s() < deadline:
            clock.sleep(pause_s)
            pause_s = min(pause_s * 2, 0.02)
        return process.poll()
    finally:
        if process.returncode is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _tail(file: IO[bytes]) -> str:
    size = file.seek(0, os.SEEK_END)
    file.seek(max(0, size - _MOST_OUTPUT))
    return file.read().decode("utf-8", errors="replace")
