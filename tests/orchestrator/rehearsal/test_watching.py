"""What watches and holds on beside a rehearsal's run."""

import time
from collections.abc import Callable, Iterator
from typing import Any, cast

import pytest

from kempsdk.emulator import ServerHealth
from orchestrator.errors import OrchestratorError
from orchestrator.lab.lab import Lab
from orchestrator.lab.loadmaster import LabLoadMaster
from orchestrator.rehearsal.health_watch import HealthWatch
from orchestrator.rehearsal.held_connections import HeldConnections
from tests.orchestrator.lab.conftest import as_root

__all__ = ["as_root"]

WEB, EMPTY = "tcp/203.0.113.250:80", "tcp/203.0.113.249:80"


class _Box:
    """A LoadMaster one of whose two servers is down for its second look only."""

    def __init__(self) -> None:
        self.looks = 0

    def controlled(self, do: Callable[[Any], Any]) -> Any:
        return do(self)

    def servers(self) -> dict[str, tuple[ServerHealth, ...]]:
        self.looks += 1
        return {
            EMPTY: (),
            WEB: tuple(
                ServerHealth(
                    service=WEB,
                    address=f"203.0.113.{number}",
                    port=80,
                    enabled=True,
                    healthy=number == 11 or self.looks != 2,
                )
                for number in (11, 12)
            ),
        }


def test_the_watch_keeps_step_with_the_plans_clock() -> None:
    """At the machine's pace these looks would take a minute."""
    box, deadline = _Box(), time.monotonic() + 20
    with HealthWatch({"lb1": cast("LabLoadMaster", box)}, speed=1000) as watch:
        while box.looks < 200:
            assert time.monotonic() < deadline, box.looks
            time.sleep(0.01)
    assert watch.lowest == {f"{WEB} on lb1": 1, f"{EMPTY} on lb1": 0}


@pytest.fixture
def lab(as_root: None) -> Iterator[Lab]:
    with Lab(hosts=1) as running:
        yield running


@pytest.mark.kernel
def test_a_service_that_takes_no_connections_is_named(lab: Lab) -> None:
    held = HeldConnections(lab, [(lab.lb_address, 81)], [lab.topology.client.address], speed=1)
    with pytest.raises(OrchestratorError, match=r"cannot hold connections to 203\.0\.113\.10:81"):
        held.__enter__()
