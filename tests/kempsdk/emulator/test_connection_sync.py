"""What the waiting unit of a pair is told of connections, and when it is not."""

import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import cast

import pytest

from kempsdk.emulator.box import VirtualLoadMaster
from kempsdk.emulator.connection_sync import ConnectionSync
from kempsdk.emulator.datapath import L4Connection, L4Service, ServerCounters


def connection(number: int) -> L4Connection:
    return L4Connection(
        service=(6, b"\xcb\x00\x71\xfa", b"\x00\x50"),
        client=number.to_bytes(6, "big"),
        server=("203.0.113.11", 80),
        acknowledged=True,
        closed=False,
    )


class Path:
    """A data path that keeps a list and moves nothing."""

    def __init__(self) -> None:
        self.has: tuple[L4Connection, ...] = ()
        self.stopped = False

    def start(self) -> None:
        raise NotImplementedError

    def stop(self) -> None:
        raise NotImplementedError

    def program(self, services: Sequence[L4Service]) -> None:
        raise NotImplementedError

    def counters(self) -> dict[int, ServerCounters]:
        raise NotImplementedError

    def connections(self) -> tuple[L4Connection, ...]:
        return self.has

    def hand_over(self) -> tuple[L4Connection, ...]:
        self.stopped = True
        return self.has

    def adopt(self, connections: Sequence[L4Connection]) -> None:
        self.has = tuple(connections)


@dataclass(eq=False, slots=True)
class Unit:
    """As much of a unit as is asked."""

    sync: str = "yes"
    running: bool = True
    is_on: bool = True
    path: Path = field(default_factory=Path)

    def parameter(self, name: str) -> str | None:
        assert name == "hal4update"
        return self.sync


class Pair:
    def __init__(self) -> None:
        self.active, self.other = Unit(), Unit()
        paths = {cast("VirtualLoadMaster", one): one.path for one in (self.active, self.other)}
        self.lock = threading.RLock()
        self.sync = ConnectionSync(lambda: cast("VirtualLoadMaster", self.active), paths, self.lock)

    def take_over(self) -> tuple[L4Connection, ...]:
        self.active, self.other = self.other, self.active
        self.sync.hand_over()
        return self.active.path.has


@pytest.fixture
def pair() -> Iterator[Pair]:
    made = Pair()
    yield made
    made.sync.stop()


def test_a_unit_that_goes_in_good_order_tells_everything_and_stops(pair: Pair) -> None:
    pair.active.path.has = (connection(1),)
    pair.sync.tell(last=True)
    assert pair.active.path.stopped
    assert pair.take_over() == (connection(1),)


def test_with_the_parameter_off_nothing_is_told(pair: Pair) -> None:
    pair.active.path.has = (connection(1),)
    pair.sync.tell()
    pair.active.sync = "no"
    pair.sync.tell(last=True)
    assert pair.take_over() == ()


def test_of_a_unit_that_lost_its_power_the_other_knows_what_it_was_told_last(pair: Pair) -> None:
    pair.active.path.has = (connection(1), connection(2))
    pair.sync.start()
    deadline = time.monotonic() + 20
    while pair.active.path.has != pair.sync.told:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    with pair.lock:
        pair.active.is_on = False
        pair.active.path.has = ()
        pair.sync.tell(last=True)
        assert pair.take_over() == (connection(1), connection(2))


def test_a_unit_that_has_ended_tells_nothing_new(pair: Pair) -> None:
    pair.active.path.has = (connection(1),)
    pair.sync.tell()
    pair.active.path.has, pair.active.running = (), False
    pair.sync.tell()
    assert pair.take_over() == (connection(1),)
