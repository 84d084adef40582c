"""The outside world as a run sees it: passed in, never built by the run itself."""

import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from kempsdk import LoadMaster
from kempsdk.clock import Clock
from orchestrator.hosts.driver import CommandResult, Host, HostDriver
from orchestrator.network_namespace import NetworkNamespace
from orchestrator.probes.arp import ArpEvidence, ask_who_has
from orchestrator.probes.service import (
    FrameEvidence,
    HttpEvidence,
    answers_vip_frame,
    http_answers,
)


class Segment(Protocol):
    """The servers' segment, seen from a machine on it that is not one of them."""

    def ask_who_has(self, vip: str, *, unicast_to: Sequence[str]) -> ArpEvidence:
        """Ask everybody, and the given MACs one by one, and collect what is answered."""
        ...

    def answers_vip(self, vip: str, port: int, *, server_mac: str) -> FrameEvidence:
        """Ask one server for a connection to the VIP, as the LoadMaster would hand it over."""
        ...

    def answers_http(self, address: str, port: int, path: str) -> HttpEvidence:
        """Ask a server for a page at its own address, as the LoadMaster's check does."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Adapters:
    """Everything a run touches.

    Attributes:
        loadmaster: gives the client of a LoadMaster by its name in the inventory.
        driver: gives the driver of a host.
        clock: all waiting and all times.
        segment: None where there is no place to watch the servers' segment from.
        here: runs an operator's action on this machine: arguments, then seconds.
    """

    loadmaster: Callable[[str], LoadMaster]
    driver: Callable[[Host], HostDriver]
    clock: Clock
    segment: Segment | None
    here: Callable[[Sequence[str], float], CommandResult]


class SegmentProbe:
    """A real ``Segment``: raw sockets on a device of this machine or of one of its namespaces."""

    def __init__(self, interface: str, *, namespace: NetworkNamespace | None = None) -> None:
        self._interface = interface
        self._namespace = namespace

    def ask_who_has(self, vip: str, *, unicast_to: Sequence[str]) -> ArpEvidence:
        return ask_who_has(vip, self._interface, unicast_to=unicast_to, namespace=self._namespace)

    def answers_vip(self, vip: str, port: int, *, server_mac: str) -> FrameEvidence:
        return answers_vip_frame(
            interface=self._interface,
            server_mac=server_mac,
            vip=vip,
            port=port,
            namespace=self._namespace,
        )

    def answers_http(self, address: str, port: int, path: str) -> HttpEvidence:
        return http_answers(address, port, path, namespace=self._namespace)


def run_here(argv: Sequence[str], timeout_s: float) -> CommandResult:
    """Run a command on this machine, bounded in time: the real ``Adapters.here``."""
    try:
        done = subprocess.run(
            list(argv),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=timeout_s,
            check=False,
            text=True,
            errors="replace",
        )
    except subprocess.TimeoutExpired:
        return CommandResult(exit_code=None, stdout="", stderr="")
    except OSError as error:
        return CommandResult(exit_code=127, stdout="", stderr=str(error))
    return CommandResult(exit_code=done.returncode, stdout=done.stdout, stderr=done.stderr)
