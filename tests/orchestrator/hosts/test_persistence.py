"""What brings VIPs back after a boot, on every release, and what the inventory says of it."""

from dataclasses import replace

import pytest

from orchestrator.errors import HostChangeFailed
from orchestrator.hosts import keyfiles, vip_unit
from orchestrator.hosts.changes import AddAddress, SetSysctl, describe
from orchestrator.hosts.state import RECORD_FILE, SYSCTL_FILE, HostAddress
from tests.orchestrator.hosts.by_loopback import METHOD, wanted
from tests.orchestrator.hosts.release_world import HOST, OTHER, THIRD, VIP, VIP6, World, paths
from tests.orchestrator.hosts.releases import KEEPERS, RELEASES


@pytest.fixture(params=RELEASES)
def world(request: pytest.FixtureRequest) -> World:
    return World(request.param)


@pytest.mark.parametrize("release", RELEASES)
def test_the_first_vip_persists_where_the_release_reads_it(release: str) -> None:
    world = World(release)
    changes = world.add(VIP)
    assert paths(changes) == [RECORD_FILE, SYSCTL_FILE, KEEPERS[release]]
    assert world.findings(VIP) == []
    assert VIP in world.fake.files[KEEPERS[release]]
    assert world.fake.files[KEEPERS[release]].startswith("# Written by kemp")
    # Silent, for the next boot and now, before the VIP is in any file or on lo.
    kinds = [type(one) for one in changes]
    last_sysctl = max(n for n, kind in enumerate(kinds) if kind is SetSysctl)
    assert paths(changes[last_sysctl:]) == [KEEPERS[release]]
    assert kinds[-1] is AddAddress


def test_every_way_there_and_back(world: World) -> None:
    untouched = world.read()
    for vips in ([VIP], [VIP, OTHER], [VIP, OTHER, VIP6], [VIP6]):
        assert world.add(*vips) != ()
        assert world.findings(*vips) == []
        assert world.live() == set(vips)
        assert world.add(*vips) == (), "repeated"
        assert world.remove(*vips) != ()
        assert world.remove(*vips) == (), "repeated"
        assert replace(world.read(), persistence=None) == replace(untouched, persistence=None)
        assert world.read().persistence == untouched.persistence


def test_one_after_the_other(world: World) -> None:
    untouched = world.read()
    for number, vip in enumerate([VIP, OTHER, VIP6, THIRD], 1):
        world.add(vip)
        assert len(world.live()) == number
    assert world.findings(VIP, OTHER, VIP6, THIRD) == []
    world.remove(OTHER)
    assert world.findings(VIP, VIP6, THIRD) == []
    assert "vip-not-persistent" in world.findings(OTHER)
    world.add(OTHER)
    assert world.findings(VIP, OTHER, VIP6, THIRD) == []
    for vip in (VIP, THIRD, OTHER):
        world.remove(vip)
    assert world.findings(VIP6) == []
    assert set(world.fake.sysctls.values()) == {0}, "IPv6 needs no silence of ARP"
    world.remove(VIP6)
    assert world.read() == untouched


def test_a_vip_is_changed(world: World) -> None:
    world.add(VIP)
    world.remove(VIP)
    world.add(OTHER)
    assert world.findings(OTHER) == []
    assert not [path for path, text in world.fake.files.items() if VIP in text]


def test_a_revert_gives_back_what_was(world: World) -> None:
    world.fake.sysctls["conf/all/arp_ignore"] = 3
    untouched = world.read()
    world.add(VIP, VIP6)
    world.add(OTHER)
    world.revert()
    assert world.read() == untouched


def test_right_now_but_wrong_after_a_boot_is_a_finding_of_its_own(world: World) -> None:
    world.add(VIP)
    for path in (*KEEPERS.values(), vip_unit.PATH):
        world.fake.files.pop(path, None)
    assert world.findings(VIP) == ["vip-not-persistent"]
    changes = world.add(VIP)
    assert AddAddress not in {type(one) for one in changes}
    assert world.findings(VIP) == []


@pytest.mark.parametrize("done", range(14))
def test_cut_off_after_any_change_the_next_plan_finishes(world: World, done: int) -> None:
    untouched = world.read()
    adding = METHOD.plan_add(untouched, wanted(HOST, VIP, VIP6))
    world.driver.apply(HOST, adding[:done])
    world.add(VIP, VIP6)
    assert world.findings(VIP, VIP6) == []
    removing = METHOD.plan_remove(world.read(), wanted(HOST, VIP, VIP6))
    world.driver.apply(HOST, removing[:done])
    world.remove(VIP, VIP6)
    assert world.live() == set()
    assert replace(world.read(), files={}) == replace(untouched, files={})
    assert RECORD_FILE not in world.fake.files


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("unit", vip_unit.PATH),
        ("networkmanager", keyfiles.PROFILE),
        ("dummy", keyfiles.DUMMY_PROFILE),
        ("none", None),
    ],
)
def test_the_inventory_overrides_what_was_found(name: str, path: str | None) -> None:
    host = replace(HOST, persistence=name)  # type: ignore[arg-type] # one of the names
    world = World("stream9", host)
    changes = world.add(VIP)
    assert paths(changes)[2:] == ([path] if path else [])
    findings = METHOD.verify(world.read(), wanted(host, VIP))
    assert [one.blocks for one in findings] == ([] if path else [False])


def test_the_dummy_interface_carries_all_and_goes_with_the_last() -> None:
    world = World("stream9.0")
    world.add(VIP)
    assert world.live() == {VIP}
    (first,) = [one for one in world.fake.addresses if one.address == VIP]
    assert (first.interface, first.prefix) == (keyfiles.DUMMY, 32)
    # One that is on lo by hand moves there, the right one first.
    world.fake.addresses.append(HostAddress(address=OTHER, prefix=32, interface="lo"))
    assert describe(world.add(VIP, OTHER)[-1]) == f"remove {OTHER}/32 from lo"
    world.add(VIP, OTHER, VIP6)
    assert {one.interface for one in world.fake.addresses if one.address != "127.0.0.1"} == {
        keyfiles.DUMMY,
        HOST.interface,
    }
    assert world.findings(VIP, OTHER, VIP6) == []
    world.remove(VIP, OTHER)
    assert "method=disabled" in world.fake.files[keyfiles.DUMMY_PROFILE]
    world.remove(VIP6)
    assert keyfiles.DUMMY not in world.fake.interfaces
    assert keyfiles.DUMMY_PROFILE not in world.fake.files


def test_without_networkmanager_there_is_no_dummy_interface() -> None:
    world = World("stream9.0")
    world.fake.persistence = replace(world.fake.persistence, nm_running=False, devices={})
    with pytest.raises(HostChangeFailed, match="NetworkManager does not run"):
        world.add(VIP)


def test_a_host_with_nobody_to_bring_it_back_is_a_warning() -> None:
    world = World("stream9")
    world.fake.persistence = replace(world.fake.persistence, units={}, systemd=False)
    assert paths(world.add(VIP)) == [RECORD_FILE, SYSCTL_FILE]
    (finding,) = METHOD.verify(world.read(), wanted(HOST, VIP))
    assert (finding.id, finding.blocks) == ("vip-not-persistent", False)


def test_a_line_that_wins_and_does_no_harm_is_warned_of_and_stays() -> None:
    world = World("centos7")
    line = "net.ipv4.conf.all.arp_ignore = 0\n"
    world.fake.files["/etc/sysctl.conf"] = line
    world.add(VIP)
    (found,) = METHOD.verify(world.read(), wanted(HOST, VIP))
    assert (found.id, found.blocks) == ("sysctl-overruled", False)
    assert "/etc/sysctl.conf says conf/all/arp_ignore = 0, which wins" in found.message
    assert found in METHOD.not_mended(world.read(), wanted(HOST, VIP))
    assert world.fake.files["/etc/sysctl.conf"] == line
    # With both keys it is no warning any more: after 'sysctl --system' the host answers.
    world.fake.files["/etc/sysctl.conf"] = line + "net.ipv4.conf.ens32.arp_ignore = 0\n"
    assert world.findings(VIP) == ["arp-ignore-persistent"]


def test_a_sysctl_file_of_somebody_else_is_taken_over_only_by_order() -> None:
    world = World("centos7")
    world.fake.files[SYSCTL_FILE] = "net.ipv4.conf.all.arp_ignore = 0\n"
    untouched = world.read()
    with pytest.raises(HostChangeFailed, match="--adopt"):
        world.add(VIP)
    world.add(VIP, adopt=True)
    assert world.findings(VIP) == []
    world.revert()
    assert world.read() == untouched
    world.add(VIP, adopt=True)
    world.remove(VIP)
    assert world.read() == untouched
