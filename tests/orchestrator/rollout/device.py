"""The virtual LoadMaster of a world: what it counts, its time, how it is made."""

import time
from collections.abc import Callable, Mapping, Sequence

from kempsdk.emulator import Switches, VirtualLoadMaster
from kempsdk.emulator.datapath import L4Service, ServerCounters
from tests.fakes.clock import FakeClock


class Counters:
    """A data path that moves nothing and counts what the test says.

    Attributes:
        by_address: open connections. rates: new ones, as shares of one another.
    """

    def __init__(self) -> None:
        self.by_address: dict[str, int] = {}
        self.rates: dict[str, int] = {}
        self._addresses: dict[int, str] = {}
        self._totals: dict[str, float] = {}
        self._counted_s = time.monotonic()

    def start(self) -> None:
        pass

    def stop(self) -> None:
        pass

    def program(self, services: Sequence[L4Service]) -> None:
        self._addresses = {
            server.rs_index: server.address for vs in services for server in vs.servers
        }

    def counters(self) -> Mapping[int, ServerCounters]:
        # The device divides by real time, of which little passes here: many for each.
        passed_s = time.monotonic() - self._counted_s
        self._counted_s += passed_s
        for address, rate in self.rates.items():
            self._totals[address] = self._totals.get(address, 0) + rate * 1e6 * passed_s
        return {
            index: ServerCounters(
                active_connections=self.by_address.get(address, 0),
                total_connections=int(self._totals.get(address, 0)),
            )
            for index, address in self._addresses.items()
        }


class DeviceClock(FakeClock):
    """Virtual time that the LoadMaster's statistics follow; ``at`` plans what happens then."""

    def __init__(self, box: VirtualLoadMaster) -> None:
        super().__init__()
        self._boxes = [box]
        self._planned: list[tuple[float, Callable[[], object]]] = []

    def follow(self, box: VirtualLoadMaster) -> None:
        """Let another LoadMaster's statistics follow too."""
        self._boxes.append(box)

    def after(self, seconds: float, action: Callable[[], object]) -> None:
        """Let something happen that many seconds from now, while somebody sleeps."""
        self._planned.append((self.monotonic_s() + seconds, action))

    def sleep(self, seconds: float) -> None:
        super().sleep(seconds)
        now = self.monotonic_s()
        due = [one for one in self._planned if one[0] <= now]
        self._planned = [one for one in self._planned if one[0] > now]
        for _, action in due:
            action()
        for box in self._boxes:
            box.sample_now()


def new_box(counters: Counters) -> VirtualLoadMaster:
    """Return a LoadMaster that calls every server healthy and takes any rate of calls."""
    return VirtualLoadMaster(
        health="up", data_path=counters, switches=Switches(rate_limit=False), http=True
    )
