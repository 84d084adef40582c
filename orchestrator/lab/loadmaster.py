"""A virtual LoadMaster in the lab, with one of its data paths; or a pair, where there are two."""

import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from kempsdk.emulator.l4 import announce
from orchestrator.lab.failover import fail_over
from orchestrator.lab.lab import Lab

if TYPE_CHECKING:
    from collections.abc import Callable

    from kempsdk.client import LoadMaster
    from kempsdk.emulator import CallRecord
    from kempsdk.emulator.remote_control import RemoteControl

Result = TypeVar("Result")

USER = "bal"


class LabLoadMaster:
    """Listens on the load balancer's own address from ``__enter__`` to ``__exit__``.

    Checks the real servers from there and moves the traffic of the services at one layer. It
    can be reached from the stations of the segment only; the operator's one is ``admin``. In
    a lab with two load balancers it is a pair, whose shared address is the url; the active
    unit's interface has that address::

        with Lab() as lab, LabLoadMaster(lab) as box, lab.namespaces["admin"].entered():
            with box.client() as lm:
                ...

    Attributes:
        url: base URL of its API.
        fingerprint: SHA-256 of its certificate, as hex.
        api_key_file: readable by its owner only; in the lab's directory.
        control_url: of its control port, on loopback of the first load balancer.
    """

    def __init__(
        self,
        lab: Lab,
        *,
        layer: Literal[4, 7] | None = 4,
        time_scale: float = 5.0,
        port: int = 443,
        rate_limit: bool = True,
    ) -> None:
        """Describe it; nothing is started yet.

        Args:
            layer: whose services' traffic is moved; None: both. No virtual address may then
                have services of both layers: the kernel must own it for the proxy, and must
                not for direct return.
            port: of its API; several at the same place have different ones.
            time_scale: seconds of the device that pass in one real second: health checks
                and the statistics period are that much faster.
            rate_limit: drop connections above 30 calls in 3 s, as the appliance does.
        """
        self._lab = lab
        self._balancers = lab.topology.balancers
        self._layer = layer
        self._time_scale = time_scale
        self._port = port
        self._rate_limit = rate_limit
        self._process: subprocess.Popen[str] | None = None
        self.url = ""
        self.control_url = ""
        self.fingerprint = ""
        self.user = USER
        self.api_key_file = Path()

    def __enter__(self) -> "LabLoadMaster":
        """Start it and wait until it answers.

        Raises:
            OrchestratorError: it did not start.
        """
        directory = self._lab.directory / f"loadmaster-{self._port}"
        directory.mkdir(mode=0o700, exist_ok=True)
        self.api_key_file = directory / "api-key"
        argv = [sys.executable, "-m", "orchestrator.lab.loadmaster_process"]
        argv += ["--address", self._lab.lb_address, "--port", str(self._port)]
        if self._lab.topology.pair:
            for one in self._balancers:
                argv += ["--unit", f"{one.address}={self._lab.namespaces[one.name].path}"]
        for layer in (4, 7) if self._layer is None else (self._layer,):
            argv += [f"--l{layer}-interface", self._lab.interface]
        argv += ["--directory", str(directory)]
        argv += ["--time-scale", str(self._time_scale)]
        if not self._rate_limit:
            argv.append("--no-rate-limit")
        self._process, line = self._lab.spawn_ready(self._balancers[0].name, argv)
        ready = json.loads(line)
        self.url, self.fingerprint = ready["url"], ready["fingerprint"]
        self.control_url = ready["control_url"]
        return self

    def __exit__(self, *_: object) -> None:
        if self._process is not None:
            self._lab.end(self._process)
            self._process = None

    @property
    def api_key(self) -> str:
        """Return the one API key; never put it on a command line."""
        return self.api_key_file.read_text(encoding="ascii").strip()

    def announce(self, vip: str) -> None:
        """Send gratuitous ARP for a VIP from the load balancer's interface.

        The cure of routers and neighbours that learned a server's MAC for it: a server that
        was repaired does not make them forget.
        """
        self._lab.namespaces[self.active].run(lambda: announce(self._lab.interface, vip))

    @property
    def active(self) -> str:
        """Return the station that moves the traffic: of a pair, the active unit."""
        described = self.controlled(lambda box: box.description())
        units = zip(self._balancers, described["units"], strict=True)
        return next(station.name for station, unit in units if unit["active"])

    def fail_over(self, *, power: bool = False) -> None:
        """Let the other unit of a pair take over; returns when it has.

        Args:
            power: the active unit loses its power for it, and comes back as the waiting one.

        Raises:
            ValueError: this is no pair.
        """
        self.controlled(lambda box: fail_over(box, power=power))

    def calls(self) -> "tuple[CallRecord, ...]":
        """Return its log: every call, with all servers' real health at that moment."""
        return self.controlled(lambda box: box.calls)

    def controlled(self, do: "Callable[[RemoteControl], Result]") -> "Result":
        """Do something with its controls, past its API.

        Raises:
            ValueError: what its control port refuses.
        """
        from kempsdk.emulator.remote_control import RemoteControl

        # On loopback of its own namespace: nobody else in the lab reaches it.
        station = self._balancers[0].name
        return self._lab.namespaces[station].run(lambda: do(RemoteControl(self.control_url)))

    def client(self, **more: Any) -> "LoadMaster":
        """Return a client with API key and pinned certificate; ``more`` goes to LoadMaster."""
        from kempsdk import ApiKey, LoadMaster, Pin

        settings: dict[str, Any] = {"auth": ApiKey(self.api_key), "tls": Pin(self.fingerprint)}
        return LoadMaster(self.url, **{**settings, **more})
