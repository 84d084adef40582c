"""The servers' segment, seen from a place on it that is not one of the servers."""

from collections.abc import Sequence
from typing import Protocol

from kempsdk import CheckMethod, CheckType
from orchestrator.hosts.driver import Host, HostDriver
from orchestrator.network_namespace import NetworkNamespace
from orchestrator.probes.arp import ArpEvidence, ask_over
from orchestrator.probes.health_check import CheckEvidence, HealthCheck, make_check
from orchestrator.probes.host_check import check_from
from orchestrator.probes.host_tools import ask_with_tools
from orchestrator.probes.remote_wire import NoPython, RemoteWire
from orchestrator.probes.service import HttpEvidence, http_answers
from orchestrator.probes.vip_request import FrameEvidence, passes_over, request_over
from orchestrator.probes.wire import PacketWire

_ROUND_S = 0.2


class Segment(Protocol):
    """What can be asked from there."""

    def ask_who_has(self, vip: str, *, unicast_to: Sequence[str], rounds: int = 3) -> ArpEvidence:
        """Ask everybody, and the given MACs one by one, and collect what is answered.

        Args:
            rounds: how often; each listens for a fifth of a second.
        """
        ...

    def answers_vip(
        self, vip: str, port: int, *, server_mac: str, protocol: str = "tcp"
    ) -> FrameEvidence:
        """Ask one server for the VIP's service, as the LoadMaster would hand it over.

        Raises:
            NoPython: the place is another host that cannot send frames.
        """
        ...

    def answers_http(self, address: str, port: int, path: str) -> HttpEvidence:
        """Ask a server for a page at its own address, as the LoadMaster's check does."""
        ...

    def makes_check(self, check: HealthCheck) -> CheckEvidence:
        """Check a server at its own address, with the settings of the LoadMaster's service."""
        ...

    def passes(self, address: str, *, server_mac: str, size: int) -> bool | None:
        """Return whether a packet of that size gets to a server and back; None: no ping does."""
        ...


class SegmentProbe:
    """Raw sockets on a device of this machine or of one of its namespaces."""

    def __init__(self, interface: str, *, namespace: NetworkNamespace | None = None) -> None:
        self._wire = PacketWire(interface, namespace=namespace)
        self._namespace = namespace

    def ask_who_has(self, vip: str, *, unicast_to: Sequence[str], rounds: int = 3) -> ArpEvidence:
        return ask_over(self._wire, vip, unicast_to=unicast_to, rounds=rounds, window_s=_ROUND_S)

    def answers_vip(
        self, vip: str, port: int, *, server_mac: str, protocol: str = "tcp"
    ) -> FrameEvidence:
        return request_over(
            self._wire, server_mac=server_mac, vip=vip, port=port, protocol=protocol
        )

    def answers_http(self, address: str, port: int, path: str) -> HttpEvidence:
        return http_answers(address, port, path, namespace=self._namespace)

    def makes_check(self, check: HealthCheck) -> CheckEvidence:
        return make_check(check, namespace=self._namespace)

    def passes(self, address: str, *, server_mac: str, size: int) -> bool | None:
        return passes_over(self._wire, server_mac=server_mac, address=address, size=size)


class HostSegment:
    """Another host of the segment, reached by its driver.

    With some Python there it sends frames as this machine would; without, its own tools ask
    who has the VIP, and no request to the VIP can be made.
    """

    def __init__(self, driver: HostDriver, host: Host) -> None:
        self._driver = driver
        self._host = host
        self._wire = RemoteWire(driver, host)

    def ask_who_has(self, vip: str, *, unicast_to: Sequence[str], rounds: int = 3) -> ArpEvidence:
        try:
            return ask_over(
                self._wire, vip, unicast_to=unicast_to, rounds=rounds, window_s=_ROUND_S
            )
        except NoPython:
            seconds = max(1.5, rounds * _ROUND_S)
            return ask_with_tools(self._driver, self._host, vip, seconds=seconds)

    def answers_vip(
        self, vip: str, port: int, *, server_mac: str, protocol: str = "tcp"
    ) -> FrameEvidence:
        return request_over(
            self._wire, server_mac=server_mac, vip=vip, port=port, protocol=protocol
        )

    def answers_http(self, address: str, port: int, path: str) -> HttpEvidence:
        check = HealthCheck(
            type=CheckType.HTTP, address=address, port=port, method=CheckMethod.GET, url=path
        )
        made = self.makes_check(check)
        return HttpEvidence(
            status=made.status,
            failure="" if made.status else made.said,
            seconds=made.seconds,
        )

    def makes_check(self, check: HealthCheck) -> CheckEvidence:
        return check_from(self._driver, self._host, check)

    def passes(self, address: str, *, server_mac: str, size: int) -> bool | None:
        return passes_over(self._wire, server_mac=server_mac, address=address, size=size)
