"""The undo record, and the way back from it."""

import json
from dataclasses import replace

import pytest

from orchestrator.hosts.changes import (
    AddAddress,
    AddRule,
    CallTool,
    NetChange,
    RemoveRoute,
    SetRoute,
    SetSysctl,
    WriteFile,
    inverses,
)
from orchestrator.hosts.driver import Host
from orchestrator.hosts.revert import SECTIONS, plan_revert
from orchestrator.hosts.state import (
    RECORD_FILE,
    SYSCTL_FILE,
    HostAddress,
    NetState,
    PolicyRule,
    Route,
)
from orchestrator.hosts.undo_record import UndoRecord
from tests.fakes.host import FakeHost, FakeHostDriver, plain_host
from tests.orchestrator.hosts.by_loopback import plan_add

HOST = Host(name="web1", address="10.0.1.11", interface="ens32")
VIP = HostAddress(address="10.0.1.250", prefix=32, interface="lo", label="lo:0")
OLD = Route(destination="default", gateway="10.0.1.1", interface="ens32", options=(("mtu", 1400),))
NEW = replace(OLD, gateway="10.0.1.2")
UNIT = "/etc/systemd/system/kemp-vip.service"
CHANGES: list[NetChange] = [
    WriteFile(path=UNIT, content="x\n", before=None),
    CallTool(argv=("systemctl", "daemon-reload"), says="reload"),
    CallTool(
        argv=("systemctl", "enable", "kemp-vip.service"),
        says="enable it",
        undo=CallTool(argv=("systemctl", "disable", "kemp-vip.service"), says="disable it"),
    ),
    SetSysctl(key="conf/all/arp_ignore", value=1, before=3),
    AddAddress(address=VIP),
    SetRoute(route=NEW, before=OLD),
    AddRule(rule=PolicyRule(priority=100, source="10.0.1.250", table="100")),
]


class World:
    """One host in memory that was changed, its record on it."""

    def __init__(self) -> None:
        self.driver = FakeHostDriver()
        self.fake: FakeHost = self.driver.add(HOST, plain_host(HOST))
        self.fake.routes = [OLD]
        self.fake.sysctls["conf/all/arp_ignore"] = 3
        self.calls: list[tuple[str, ...]] = []
        self.fake.on_tool = lambda call: self.calls.append(call.argv)
        self.before = self.read()
        record = UndoRecord().noting(CHANGES).carrying(VIP.address, "loopback", self.before)
        write = WriteFile(path=RECORD_FILE, content=record.render(), before=None)
        self.driver.apply(HOST, [write, *CHANGES])

    def read(self) -> NetState:
        return self.driver.read(HOST, SECTIONS)

    def revert(self) -> list[str]:
        """Give the host back and return the messages about what was left."""
        state = self.read()
        found = plan_revert(UndoRecord.parse(state.files[RECORD_FILE]), state)
        self.driver.apply(HOST, found.changes)
        return [one.message for one in found.left]


def test_everything_comes_back() -> None:
    world = World()
    assert world.read() != world.before
    world.calls.clear()
    assert world.revert() == []
    assert world.read() == world.before
    assert world.calls == [
        ("systemctl", "disable", "kemp-vip.service"),
        ("systemctl", "daemon-reload"),
    ]


def test_a_record_survives_the_file() -> None:
    record = UndoRecord().noting(CHANGES).carrying("2001:db8::1", "loopback", World().before)
    assert UndoRecord.parse(record.render()) == record


def test_changes_and_their_inverses_leave_nothing_to_undo() -> None:
    record = UndoRecord().noting(CHANGES).noting(inverses(CHANGES))
    assert replace(record, settling=()) == UndoRecord()


def test_the_first_value_found_counts() -> None:
    record = UndoRecord().noting(
        [
            SetSysctl(key="conf/all/arp_ignore", value=1, before=3),
            SetSysctl(key="conf/all/arp_ignore", value=2, before=8),
            WriteFile(path="/etc/a", content="1", before="0", mode=0o600, before_mode=0o640),
            WriteFile(path="/etc/a", content="2", before="x"),
            SetRoute(route=NEW, before=OLD),
            RemoveRoute(route=NEW),
        ]
    )
    assert (record.sysctls["conf/all/arp_ignore"].before, record.files["/etc/a"].before) == (3, "0")
    assert record.files["/etc/a"].mode == 0o640
    assert [(one.before, one.set) for one in record.routes] == [(OLD, None)]


def test_a_file_of_ours_that_is_gone_is_as_it_was() -> None:
    world = World()
    del world.fake.files[UNIT]
    assert world.revert() == []
    assert world.read() == world.before


@pytest.mark.parametrize("what", ["sysctl", "file", "route"])
def test_what_a_foreign_hand_changed_stays_and_is_named(what: str) -> None:
    world = World()
    if what == "sysctl":
        world.fake.sysctls["conf/all/arp_ignore"] = 2
    elif what == "file":
        world.fake.files[UNIT] = "mine\n"
    else:
        world.fake.routes = [replace(NEW, gateway="10.0.1.99")]
    before = world.read()
    left = world.revert()
    after = world.read()
    assert len(left) == 1
    assert "somebody changed it" in left[0]
    if what == "sysctl":
        assert after.sysctls["conf/all/arp_ignore"] == 2
    elif what == "file":
        assert world.fake.files[UNIT] == "mine\n"
    else:
        assert after.routes == before.routes
    assert RECORD_FILE not in world.fake.files


def test_a_record_of_the_first_kind_is_read_and_leads_back() -> None:
    driver = FakeHostDriver()
    fake = driver.add(HOST, plain_host(HOST))
    before = driver.read(HOST, SECTIONS)
    driver.apply(HOST, plan_add(driver.read(HOST, SECTIONS), host=HOST, vip=VIP.address))
    record = UndoRecord.parse(fake.files[RECORD_FILE])
    fake.files[RECORD_FILE] = json.dumps(
        {
            "written_by": "kemp",
            "format": 1,
            "vips": [VIP.address],
            "sysctls": {
                key: {"before": one.before, "set": one.set} for key, one in record.sysctls.items()
            },
        }
    )
    state = driver.read(HOST, SECTIONS)
    assert plan_add(state, host=HOST, vip=VIP.address) == ()
    found = plan_revert(UndoRecord.parse(fake.files[RECORD_FILE]), state)
    assert found.left == ()
    assert SYSCTL_FILE in fake.files
    driver.apply(HOST, found.changes)
    assert driver.read(HOST, SECTIONS) == before


def test_a_state_read_without_all_that_may_be_ours_is_refused() -> None:
    world = World()
    state = world.driver.read(HOST)
    with pytest.raises(ValueError, match="all that may be ours"):
        plan_revert(UndoRecord(), state)
