"""The servers' stand-ins in a rehearsal: one web server for each port of each."""

import subprocess
import sys
import threading
from collections.abc import Iterable

from orchestrator.lab.lab import Lab
from orchestrator.rehearsal.site import Server

_GRACE_S = 10.0


class WebServers:
    """Starts and ends them; they end with the lab."""

    def __init__(self, lab: Lab, servers: Iterable[Server]) -> None:
        self._lab = lab
        self._servers = {one.station: one for one in servers}
        self._running: dict[str, list[subprocess.Popen[str]]] = {}
        self._guard = threading.Lock()

    def restart(self, station: str, *, version: str = "2") -> None:
        """Let a server's open requests end, and start it anew; returns when it listens.

        Raises:
            OrchestratorError: it does not start.
        """
        with self._guard:
            old = self._running.pop(station, [])
        for process in old:
            self._lab.end(process, grace_s=_GRACE_S)
        server = self._servers[station]
        argv = [sys.executable, "-m", "orchestrator.lab.webserver", "--any-path", "--until-eof"]
        argv += ["--name", server.name, "--version", version]
        started = [
            self._lab.spawn_ready(station, [*argv, "--port", str(port)])[0] for port in server.ports
        ]
        with self._guard:
            self._running[station] = started
