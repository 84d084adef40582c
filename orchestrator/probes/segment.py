"""The servers' segment, seen from a place on it that is not one of the servers."""

from collections.abc import Sequence
from typing import Protocol

from orchestrator.network_namespace import NetworkNamespace
from orchestrator.probes.arp import ArpEvidence, ask_over
from orchestrator.probes.health_check import CheckEvidence, HealthCheck, make_check
from orchestrator.probes.service import HttpEvidence, http_answers
from orchestrator.probes.vip_request import FrameEvidence, request_over
from orchestrator.probes.wire import PacketWire


class Segment(Protocol):
    """What can be asked from there."""

    def ask_who_has(self, vip: str, *, unicast_to: Sequence[str]) -> ArpEvidence:
        """Ask everybody, and the given MACs one by one, and collect what is answered."""
        ...

    def answers_vip(
        self, vip: str, port: int, *, server_mac: str, protocol: str = "tcp"
    ) -> FrameEvidence:
        """Ask one server for the VIP's service, as the LoadMaster would hand it over."""
        ...

    def answers_http(self, address: str, port: int, path: str) -> HttpEvidence:
        """Ask a server for a page at its own address, as the LoadMaster's check does."""
        ...

    def makes_check(self, check: HealthCheck) -> CheckEvidence:
        """Check a server at its own address, with the settings of the LoadMaster's service."""
        ...


class SegmentProbe:
    """Raw sockets on a device of this machine or of one of its namespaces."""

    def __init__(self, interface: str, *, namespace: NetworkNamespace | None = None) -> None:
        self._wire = PacketWire(interface, namespace=namespace)
        self._namespace = namespace

    def ask_who_has(self, vip: str, *, unicast_to: Sequence[str]) -> ArpEvidence:
        return ask_over(self._wire, vip, unicast_to=unicast_to)

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
