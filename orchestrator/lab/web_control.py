"""The web servers of a lab's hosts, started and stopped through a driver."""

from pathlib import Path

from orchestrator.errors import OrchestratorError
from orchestrator.hosts.driver import Host, HostDriver
from orchestrator.lab.lab import Lab
from orchestrator.lab.rollout_file import PORT
from orchestrator.lab.webservice import argv as webservice


class WebControl:
    """Starts and stops them; where the hosts boot, the boot has started them already."""

    def __init__(self, lab: Lab, driver: HostDriver) -> None:
        self._lab = lab
        self._driver = driver

    def start(self, host: Host) -> None:
        """Start a host's server, or renew it, and return when it answers.

        Raises:
            OrchestratorError: it does not come up.
        """
        self._do("restart", host)

    def stop(self, host: Host) -> None:
        """End a host's server; open requests are finished.

        Raises:
            OrchestratorError: it does not end.
        """
        self._do("stop", host)

    def _do(self, verb: str, host: Host) -> None:
        argv = ["systemctl", verb, "httpd"]
        if host.name not in self._lab.machines:
            root = Path(host.root)
            argv = webservice(verb, root=root, name=host.name, version="1", port=PORT)
        result = self._driver.run(host, argv, timeout_s=60)
        if result.exit_code != 0:
            raise OrchestratorError(f"the web server of {host.name}: {result.stderr.strip()}")
