"""Packets that come from the VIP are seen where they pass, and only there."""

import socket
import time
from collections.abc import Callable

import pytest
from pyroute2 import IPRoute  # type: ignore[import-untyped] # it ships no types

from orchestrator.lab.lab import Lab
from orchestrator.lab.recorder import ReplyEvidence, ReplyRecorder

pytestmark = pytest.mark.kernel


@pytest.fixture(scope="module")
def web1_with_vip(lab: Lab) -> Lab:
    def add() -> None:
        with IPRoute() as ip:
            ip.addr("add", index=1, address=lab.vip, prefixlen=32)

    lab.namespaces["web1"].run(add)
    return lab


def _send_as_vip(lab: Lab, target: tuple[str, int], count: int) -> None:
    def send() -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sending:
            sending.bind((lab.vip, 0))
            for _ in range(count):
                sending.sendto(b"x", target)

    lab.namespaces["web1"].run(send)


def _eventually(read: Callable[[], ReplyEvidence], packets: int) -> ReplyEvidence:
    deadline = time.monotonic() + 5
    while read().packets < packets and time.monotonic() < deadline:
        time.sleep(0.01)
    return read()


def test_what_goes_to_the_load_balancer_is_counted_with_its_sender(web1_with_vip: Lab) -> None:
    lab = web1_with_vip
    with ReplyRecorder(lab.namespaces["lb"], "eth0", lab.vip) as recorder:
        _send_as_vip(lab, (lab.lb_address, 9), 3)
        seen = _eventually(recorder.evidence, 3)
    assert seen == recorder.evidence()
    assert (seen.packets, dict(seen.by_source_mac), seen.missed) == (3, {lab.macs["web1"]: 3}, 0)


def test_what_goes_straight_to_the_client_does_not_pass_the_load_balancer(
    web1_with_vip: Lab,
) -> None:
    lab = web1_with_vip
    with (
        ReplyRecorder(lab.namespaces["lb"], "eth0", lab.vip) as at_lb,
        ReplyRecorder(lab.namespaces["router"], "eth0", lab.vip) as at_router,
    ):
        _send_as_vip(lab, ("198.51.100.10", 9), 5)
        _eventually(at_router.evidence, 5)
    assert at_router.evidence().by_source_mac == {lab.macs["web1"]: 5}
    assert at_lb.evidence().packets == 0


def test_other_sources_are_not_counted(web1_with_vip: Lab) -> None:
    lab = web1_with_vip

    def send() -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sending:
            sending.sendto(b"x", (lab.lb_address, 9))

    with ReplyRecorder(lab.namespaces["lb"], "eth0", lab.vip) as recorder:
        lab.namespaces["web2"].run(send)
        _send_as_vip(lab, (lab.lb_address, 9), 1)  # shows that the recorder got that far
        assert _eventually(recorder.evidence, 1).by_source_mac == {lab.macs["web1"]: 1}


def test_an_interface_that_is_not_there_is_an_error(lab: Lab) -> None:
    recorder = ReplyRecorder(lab.namespaces["lb"], "eth9", lab.vip)
    with pytest.raises(OSError, match="No such device"):
        recorder.__enter__()
