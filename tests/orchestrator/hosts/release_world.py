"""One host in memory, of one release, and the loopback method applied to it."""

from collections.abc import Sequence
from dataclasses import replace

from orchestrator.hosts.changes import NetChange, WriteFile
from orchestrator.hosts.driver import Host
from orchestrator.hosts.methods.record_file import read_record
from orchestrator.hosts.revert import SECTIONS, plan_revert
from orchestrator.hosts.state import HostAddress, NetState
from orchestrator.hosts.vip_at_boot import QUIET
from tests.fakes.host import FakeHostDriver
from tests.orchestrator.hosts.by_loopback import METHOD, wanted
from tests.orchestrator.hosts.releases import host_of

VIP, OTHER, THIRD, VIP6 = "10.0.1.250", "10.0.1.251", "10.0.1.252", "2001:db8::250"
HOST = Host(name="web1", address="10.0.1.11", interface="ens32")
STRANGER = HostAddress(address="10.9.9.9", prefix=32, interface="lo")


class World:
    """One host in memory, of one release."""

    def __init__(self, release: str, host: Host = HOST) -> None:
        self.host = host
        self.driver = FakeHostDriver()
        self.fake = self.driver.add(host, host_of(host, release))

    def read(self) -> NetState:
        return self.driver.read(self.host, SECTIONS)

    def add(self, *vips: str, adopt: bool = False) -> tuple[NetChange, ...]:
        order = replace(wanted(self.host, *vips), adopt=adopt)
        changes = METHOD.plan_add(self.read(), order)
        self.driver.apply(self.host, changes)
        return changes

    def remove(self, *vips: str) -> tuple[NetChange, ...]:
        changes = METHOD.plan_remove(self.read(), wanted(self.host, *vips))
        self.driver.apply(self.host, changes)
        return changes

    def revert(self) -> None:
        state = self.read()
        found = plan_revert(read_record(state, self.host), state)
        assert found.left == ()
        self.driver.apply(self.host, found.changes)

    def findings(self, *vips: str) -> list[str]:
        return [one.id for one in METHOD.verify(self.read(), wanted(self.host, *vips))]

    def live(self) -> set[str]:
        return {one.address for one in self.fake.addresses if one.interface in QUIET} - {
            "127.0.0.1"
        }


def paths(changes: Sequence[NetChange]) -> list[str]:
    return [one.path for one in changes if isinstance(one, WriteFile)]
