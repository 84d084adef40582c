"""The loopback method as a pure function, carried out on hosts in memory."""

import json
from collections.abc import Sequence
from dataclasses import replace

import pytest

from orchestrator.errors import HostChangeFailed
from orchestrator.hosts.changes import (
    AddAddress,
    NetChange,
    RemoveAddress,
    SetSysctl,
    WriteFile,
    describe,
)
from orchestrator.hosts.driver import Host
from orchestrator.hosts.state import RECORD_FILE, SYSCTL_FILE, HostAddress, NetState
from orchestrator.hosts.sysctl_files import HEADER
from tests.fakes.host import FakeHost, FakeHostDriver, plain_host
from tests.orchestrator.hosts.by_loopback import METHOD, left_alone, plan_add, plan_remove, verify

VIP, OTHER = "10.0.1.250", "10.0.1.251"
HOST = Host(name="web1", address="10.0.1.11", interface="ens32.100")
RIGHT_BY_HAND = """\
net.ipv4.conf.all.arp_ignore = 1
net.ipv4.conf.all.arp_announce = 2
"""


class World:
    """One host in memory, and the method applied to it."""

    def __init__(self) -> None:
        self.driver = FakeHostDriver()
        self.fake: FakeHost = self.driver.add(HOST, plain_host(HOST))

    def read(self) -> NetState:
        return self.driver.read(HOST, METHOD.sections)

    def add(self, vip: str = VIP) -> tuple[NetChange, ...]:
        changes = plan_add(self.read(), host=HOST, vip=vip)
        self.driver.apply(HOST, changes)
        return changes

    def remove(self, vip: str = VIP, *, keep: Sequence[str] = ()) -> tuple[NetChange, ...]:
        changes = plan_remove(self.read(), host=HOST, vip=vip, keep_vips=keep)
        self.driver.apply(HOST, changes)
        return changes

    def findings(self, vip: str = VIP) -> list[str]:
        found = verify(self.read(), host=HOST, vip=vip)
        return [one.id for one in found]

    def left(self, vip: str = VIP, *, keep: Sequence[str] = ()) -> list[str]:
        found = left_alone(self.read(), host=HOST, vip=vip, keep_vips=keep)
        return [one.id for one in found]

    def vips(self) -> list[str]:
        return [one.address for one in self.fake.addresses if one.prefix == 32]


@pytest.fixture
def world() -> World:
    return World()


def kinds(changes: Sequence[NetChange]) -> list[str]:
    return [type(one).__name__ for one in changes]


def test_silence_comes_first_and_the_vip_last(world: World) -> None:
    changes = world.add()
    assert kinds(changes) == ["WriteFile"] * 2 + ["SetSysctl"] * 4 + ["AddAddress"]
    assert [one.path for one in changes if isinstance(one, WriteFile)] == [
        RECORD_FILE,
        SYSCTL_FILE,
    ]
    assert {(one.key, one.value) for one in changes if isinstance(one, SetSysctl)} == {
        ("conf/all/arp_ignore", 1),
        ("conf/ens32.100/arp_ignore", 1),
        ("conf/all/arp_announce", 2),
        ("conf/ens32.100/arp_announce", 2),
    }
    assert world.findings() == []


def test_the_vip_leaves_first(world: World) -> None:
    world.add()
    assert kinds(world.remove()) == ["RemoveAddress"] + ["SetSysctl"] * 4 + ["WriteFile"] * 2


def test_everything_repeated_is_empty(world: World) -> None:
    before = (dict(world.fake.sysctls), dict(world.fake.files), list(world.fake.addresses))
    assert world.add() != ()
    assert world.add() == ()
    assert world.remove() != ()
    assert world.remove() == ()
    assert before == (world.fake.sysctls, world.fake.files, world.fake.addresses)


def test_the_file_survives_interface_names_with_dots(world: World) -> None:
    world.add()
    assert world.fake.files[SYSCTL_FILE] == HEADER + (
        "net/ipv4/conf/all/arp_announce = 2\n"
        "net/ipv4/conf/all/arp_ignore = 1\n"
        "net/ipv4/conf/ens32.100/arp_announce = 2\n"
        "net/ipv4/conf/ens32.100/arp_ignore = 1\n"
    )


def test_a_second_vip_adds_only_itself(world: World) -> None:
    world.add()
    changes = world.add(OTHER)
    assert kinds(changes) == ["WriteFile", "AddAddress"]
    assert [one.label for one in world.fake.addresses if one.label] == ["lo:0", "lo:1"]
    assert (world.findings(), world.findings(OTHER)) == ([], [])


@pytest.mark.parametrize("first", [VIP, OTHER])
def test_only_the_last_vip_takes_the_silence_away(world: World, first: str) -> None:
    last = OTHER if first == VIP else VIP
    world.add(VIP)
    world.add(OTHER)
    assert kinds(world.remove(first)) == ["RemoveAddress", "WriteFile"]
    assert world.findings(last) == []
    world.remove(last)
    assert set(world.fake.sysctls.values()) == {0}
    assert world.fake.files == {}


def test_a_vip_that_somebody_else_needs_keeps_the_silence(world: World) -> None:
    world.add()
    assert world.left(keep=[OTHER]) == ["sysctls-still-needed"]
    world.remove(keep=[OTHER])
    assert world.fake.sysctls["conf/all/arp_ignore"] == 1
    assert world.remove(keep=[OTHER]) == ()
    world.remove()
    assert world.fake.sysctls["conf/all/arp_ignore"] == 0


def test_a_vip_that_another_service_has_too_stays(world: World) -> None:
    world.add()
    assert world.remove(keep=[VIP]) == ()
    assert world.findings() == []
    assert world.left(keep=[VIP]) == ["sysctls-still-needed"]


def test_a_foreign_address_on_lo_keeps_the_silence(world: World) -> None:
    world.add()
    world.fake.addresses.append(HostAddress(address=OTHER, prefix=32, interface="lo"))
    assert world.left() == ["sysctls-still-needed"]
    world.remove()
    assert world.fake.sysctls["conf/all/arp_ignore"] == 1
    assert world.vips() == [OTHER]


def test_the_old_values_come_back(world: World) -> None:
    old = {"conf/all/arp_ignore": 3, "conf/ens32.100/arp_ignore": 8, "conf/all/arp_announce": 1}
    world.fake.sysctls.update(old)
    world.add()
    assert world.findings() == []
    world.remove()
    assert {key: world.fake.sysctls[key] for key in old} == old


def test_a_right_value_is_not_touched(world: World) -> None:
    world.fake.sysctls["conf/all/arp_ignore"] = 2
    changes = world.add()
    assert "conf/all/arp_ignore" not in [one.key for one in changes if isinstance(one, SetSysctl)]
    assert "net/ipv4/conf/all/arp_ignore = 2\n" in world.fake.files[SYSCTL_FILE]
    assert world.findings() == []
    world.remove()
    assert world.fake.sysctls["conf/all/arp_ignore"] == 2


def test_a_value_that_a_foreign_hand_changed_is_left_alone_and_reported(world: World) -> None:
    world.add()
    world.fake.sysctls["conf/all/arp_ignore"] = 2
    assert world.left() == ["sysctl-changed-since"]
    world.remove()
    assert world.fake.sysctls["conf/all/arp_ignore"] == 2
    assert world.fake.sysctls["conf/ens32.100/arp_ignore"] == 0


def test_the_first_value_found_is_what_comes_back_after_a_repair(world: World) -> None:
    world.add()
    world.fake.sysctls["conf/all/arp_ignore"] = 8
    assert kinds(world.add()) == ["SetSysctl"]
    world.remove()
    assert world.fake.sysctls["conf/all/arp_ignore"] == 0


@pytest.mark.parametrize("done", range(8))
def test_cut_off_after_any_change_the_next_plan_finishes(world: World, done: int) -> None:
    adding = plan_add(world.read(), host=HOST, vip=VIP)
    world.driver.apply(HOST, adding[:done])
    world.add()
    assert world.findings() == []
    removing = plan_remove(world.read(), host=HOST, vip=VIP)
    world.driver.apply(HOST, removing[:done])
    assert world.left() == []
    world.remove()
    assert set(world.fake.sysctls.values()) == {0}
    assert (world.fake.files, world.vips()) == ({}, [])


@pytest.mark.parametrize("done", range(8))
def test_no_state_in_between_has_the_vip_without_silence(world: World, done: int) -> None:
    harmless = {"vip-missing"}
    adding = plan_add(world.read(), host=HOST, vip=VIP)
    world.driver.apply(HOST, adding[:done])
    assert VIP not in world.vips() or set(world.findings()) <= harmless
    world.add()
    removing = plan_remove(world.read(), host=HOST, vip=VIP)
    world.driver.apply(HOST, removing[:done])
    assert VIP not in world.vips() or set(world.findings()) <= harmless


def test_a_host_made_right_by_hand_is_left_as_it_is(world: World) -> None:
    world.fake.files["/etc/sysctl.d/70-dsr.conf"] = RIGHT_BY_HAND
    world.fake.sysctls.update({"conf/all/arp_ignore": 1, "conf/all/arp_announce": 2})
    world.fake.addresses.append(HostAddress(address=VIP, prefix=32, interface="lo"))
    assert world.add() == ()
    assert kinds(world.remove()) == ["RemoveAddress"]
    assert world.fake.sysctls["conf/all/arp_ignore"] == 1


def test_a_reboot_keeps_the_silence_and_the_plan_brings_the_vip_back(world: World) -> None:
    world.add()
    world.fake.boot()
    assert world.findings() == ["vip-missing"]
    assert kinds(world.add()) == ["AddAddress"]
    world.remove()
    assert set(world.fake.sysctls.values()) == {0}


def test_right_now_but_wrong_after_a_reboot(world: World) -> None:
    world.add()
    del world.fake.files[SYSCTL_FILE]
    assert world.findings() == ["arp-ignore-persistent", "arp-announce-persistent"]
    assert kinds(world.add()) == ["WriteFile"]
    assert world.findings() == []


def test_a_conflicting_line_that_wins_is_named_with_its_file(world: World) -> None:
    world.add()
    world.fake.files["/etc/sysctl.conf"] = (
        "net.ipv4.conf.all.arp_ignore = 0\nnet/ipv4/conf/ens32.100/arp_ignore = 0\n"
    )
    (finding,) = verify(world.read(), host=HOST, vip=VIP)
    assert finding.id == "arp-ignore-persistent"
    assert "sysctl --system" in finding.message
    assert "/etc/sysctl.conf" in finding.message
    assert "/etc/sysctl.conf" in finding.cure
    assert world.add() == ()


@pytest.mark.parametrize(
    ("all_value", "interface_value", "ids"),
    [
        (0, 0, ["arp-ignore-live"]),
        (3, 1, ["arp-ignore-live"]),
        (1, 8, ["arp-ignore-live"]),
        (1, 0, []),
        (0, 2, []),
    ],
)
def test_live_values_are_judged_as_the_kernel_combines_them(
    world: World, all_value: int, interface_value: int, ids: list[str]
) -> None:
    world.add()
    world.fake.sysctls.update(
        {"conf/all/arp_ignore": all_value, "conf/ens32.100/arp_ignore": interface_value}
    )
    assert world.findings() == ids


@pytest.mark.parametrize("value", [0, 1])
def test_arp_announce_must_be_two(world: World, value: int) -> None:
    world.add()
    for scope in ("all", "ens32.100"):
        world.fake.sysctls[f"conf/{scope}/arp_announce"] = value
    assert world.findings() == ["arp-announce-live"]


def test_a_wide_prefix_is_found_and_put_right_without_a_gap(world: World) -> None:
    wide = HostAddress(address=VIP, prefix=24, interface="lo")
    world.fake.addresses.append(wide)
    assert "vip-prefix" in world.findings()
    changes = world.add()
    assert kinds(changes)[-2:] == ["AddAddress", "RemoveAddress"]
    assert world.findings() == []


def test_a_vip_on_the_interface_is_found_and_left_to_a_person(world: World) -> None:
    astray = HostAddress(address=VIP, prefix=24, interface="ens32.100")
    world.fake.addresses.append(astray)
    world.add()
    assert world.findings() == ["vip-on-interface"]
    assert astray in world.fake.addresses
    assert world.add() == ()
    assert RemoveAddress(address=astray) in world.remove()


def test_a_vip_nowhere_is_missing(world: World) -> None:
    world.add()
    world.fake.addresses.pop()
    assert world.findings() == ["vip-missing"]


def test_the_label_is_free_and_never_decides(world: World) -> None:
    world.fake.addresses.append(
        HostAddress(address="10.9.9.9", prefix=32, interface="lo", label="lo:0")
    )
    (added,) = [one for one in world.add() if isinstance(one, AddAddress)]
    assert added.address.label == "lo:1"
    world.fake.addresses = [replace(one, label=None) for one in world.fake.addresses]
    assert world.findings() == []
    assert world.add() == ()


@pytest.mark.parametrize("plan", [plan_add, plan_remove])
def test_the_hosts_own_address_is_refused(world: World, plan: object) -> None:
    state = world.read()
    with pytest.raises(HostChangeFailed, match="own address"):
        plan(state, host=HOST, vip=HOST.address)  # type: ignore[operator] # one of two functions
    assert [one.id for one in verify(state, host=HOST, vip=HOST.address)] == ["vip-is-host-address"]


def test_a_missing_interface_is_named(world: World) -> None:
    other = replace(HOST, interface="eth7")
    state = world.read()
    with pytest.raises(HostChangeFailed, match="eth7"):
        plan_add(state, host=other, vip=VIP)
    assert "interface-missing" in [one.id for one in verify(state, host=other, vip=VIP)]


def test_an_interface_without_ipv4_is_as_good_as_missing(world: World) -> None:
    for key in ("arp_ignore", "arp_announce", "rp_filter"):
        del world.fake.sysctls[f"conf/ens32.100/{key}"]
    assert world.findings() == ["interface-missing", "vip-missing"]
    with pytest.raises(HostChangeFailed, match=r"ens32\.100 with IPv4"):
        world.add()


def test_a_file_that_is_not_ours_is_not_overwritten(world: World) -> None:
    world.fake.files[SYSCTL_FILE] = "net.ipv4.conf.all.arp_ignore = 0\n"
    with pytest.raises(HostChangeFailed, match="not written by kemp"):
        world.add()


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"format": 2}', '{"format": 1, "vips": ["x"], "sysctls": {}}']
)
def test_a_record_that_makes_no_sense_stops_everything(world: World, text: str) -> None:
    world.fake.files[RECORD_FILE] = text
    with pytest.raises(HostChangeFailed, match="undo record"):
        world.add()
    with pytest.raises(HostChangeFailed, match="undo record"):
        world.remove()


def test_the_record_says_what_was_before(world: World) -> None:
    world.fake.sysctls["conf/all/arp_ignore"] = 3
    world.add()
    record = json.loads(world.fake.files[RECORD_FILE])
    assert record["vips"] == {
        VIP: {"method": "loopback", "who": "root", "when": "2026-01-01T00:00:00Z"}
    }
    assert record["sysctls"]["conf/all/arp_ignore"] == {"before": 3, "set": 1}


def test_odd_vips_are_refused(world: World) -> None:
    with pytest.raises(HostChangeFailed, match="IPv6"):
        plan_add(world.read(), host=HOST, vip="2001:db8::1")


def test_plans_read_as_lines(world: World) -> None:
    lines = [describe(one) for one in (*world.add(), *world.remove())]
    assert "set net/ipv4/conf/ens32.100/arp_ignore to 1 (was 0)" in lines
    assert f"add {VIP}/32 to lo label lo:0" in lines
    assert f"remove {VIP}/32 from lo" in lines
    assert f"remove the file {SYSCTL_FILE}" in lines
