"""Starts and restarts a lab host's web server, as ``systemctl`` would on a real one.

Run on the host: ``python -m orchestrator.lab.webservice restart --root DIR --name web1``.
It is what the demonstration does to a drained server.
"""

import argparse
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from orchestrator.errors import OrchestratorError
from orchestrator.probes.service import http_answers

PID_FILE = "run/webserver.pid"
_PATIENCE_S = 10.0


def argv(verb: str, *, root: Path, name: str, version: str, port: int) -> list[str]:
    """Return the command line that restarts or stops a host's server when run on it."""
    return [
        *(sys.executable, "-m", "orchestrator.lab.webservice", verb),
        *("--root", str(root), "--name", name, "--version", version, "--port", str(port)),
    ]


def restart(root: Path, *, name: str, version: str, port: int) -> None:
    """End the running server, if there is one, and start ``version``; returns when it answers.

    Raises:
        OrchestratorError: the old one does not end, or the new one does not answer, in 10 s.
    """
    pid_file = root / PID_FILE
    stop(root)
    arguments = ("--name", name, "--version", version, "--port", str(port))
    server = subprocess.Popen(
        [sys.executable, "-m", "orchestrator.lab.webserver", *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    pid_file.parent.mkdir(parents=True, exist_ok=True)
    pid_file.write_text(f"{server.pid}\n")
    deadline = time.monotonic() + _PATIENCE_S
    while not http_answers("127.0.0.1", port, "/health").healthy:
        if server.poll() is not None or time.monotonic() > deadline:
            raise OrchestratorError(f"the web server {version} on {name} does not answer")
        time.sleep(0.05)


def stop(root: Path) -> None:
    """End the running server, letting open requests finish; nothing happens without one.

    Raises:
        OrchestratorError: it does not end within 10 s.
    """
    pid_file = root / PID_FILE
    if not pid_file.exists():
        return
    pid = int(pid_file.read_text())
    deadline = time.monotonic() + _PATIENCE_S
    try:
        os.kill(pid, signal.SIGTERM)
        while time.monotonic() < deadline:
            os.kill(pid, 0)
            time.sleep(0.02)
    except ProcessLookupError:
        pid_file.unlink()
        return
    raise OrchestratorError(f"the web server with process id {pid} does not end")


def main() -> None:
    """Restart or stop the server named by the arguments."""
    parser = argparse.ArgumentParser(prog="python -m orchestrator.lab.webservice")
    parser.add_argument("verb", choices=("restart", "stop"))
    parser.add_argument("--root", type=Path, required=True)
    parser.add_argument("--name", required=True)
    parser.add_argument("--version", default="1")
    parser.add_argument("--port", type=int, default=80)
    options = parser.parse_args()
    if options.verb == "stop":
        stop(options.root)
        return
    restart(options.root, name=options.name, version=options.version, port=options.port)


if __name__ == "__main__":
    main()
