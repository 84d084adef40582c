"""Web servers of lab hosts as children of the test, which end with the lab at the latest."""

import subprocess
import sys

from orchestrator.lab.lab import Lab


class WebServers:
    """One web server per host; ends with the lab at the latest."""

    def __init__(self, lab: Lab, *, port: int = 80) -> None:
        """Describe them; none runs before ``start``."""
        self._lab = lab
        self._port = port
        self._running: dict[str, subprocess.Popen[str]] = {}

    def start(self, host: str, *, version: str = "1") -> None:
        """Start the server of one host and wait until it listens.

        Raises:
            OrchestratorError: it did not come up, for example because one runs there.
        """
        argv = [sys.executable, "-m", "orchestrator.lab.webserver", "--until-eof"]
        argv += ["--name", host, "--version", version, "--port", str(self._port)]
        process, _line = self._lab.spawn_ready(host, argv)
        self._running[host] = process

    def stop(self, host: str, *, grace_s: float = 5.0) -> None:
        """Stop one: open requests are finished, up to ``grace_s``; none running is fine."""
        process = self._running.pop(host, None)
        if process is not None:
            self._lab.end(process, grace_s=grace_s)

    def renew(self, host: str, *, version: str) -> None:
        """Replace one by a server of another version: the operator's action of a rollout."""
        self.stop(host)
        self.start(host, version=version)

    def kill(self, host: str) -> None:
        """End one at once, as a crash would."""
        self.stop(host, grace_s=0.0)
