"""VIPs in profiles, which NetworkManager reads at boot."""

from dataclasses import replace

import pytest

from orchestrator.errors import HostChangeFailed
from orchestrator.hosts import keyfiles, tools, vip_unit
from orchestrator.hosts.changes import AddAddress, CallTool
from orchestrator.hosts.sections import NmProfile
from tests.orchestrator.hosts.release_world import HOST, OTHER, STRANGER, VIP, VIP6, World

FOREIGN = "/etc/NetworkManager/system-connections/loop.nmconnection"
FOREIGN_PROFILE = """\
[connection]
id=loop
uuid=0f6d6d5e-0000-4000-8000-000000000001
type=loopback
interface-name=lo

[loopback]
mtu=65536

[ipv4]
method=manual
address1=127.0.0.1/8
address2=10.9.9.9/32
"""


@pytest.fixture
def world() -> World:
    return World("stream9")


def with_profile(world: World, path: str = FOREIGN, text: str = FOREIGN_PROFILE) -> None:
    world.fake.files[path] = text
    world.fake.modes[path] = 0o600
    uuid = keyfiles.section(text, "connection")["uuid"]
    profile = NmProfile(uuid=uuid, device="lo", path=path)
    kept = world.fake.persistence
    world.fake.persistence = replace(kept, profiles=(*kept.profiles, profile))


def test_all_vips_of_a_host_are_in_one_profile(world: World) -> None:
    world.add(VIP)
    world.add(OTHER, VIP6)
    assert [path for path in world.fake.files if path.endswith(".nmconnection")] == [
        keyfiles.PROFILE
    ]
    assert keyfiles.addresses(world.fake.files[keyfiles.PROFILE]) == (
        ("127.0.0.1", 8),
        (VIP, 32),
        (OTHER, 32),
        ("::1", 128),
        (VIP6, 128),
    )
    assert world.fake.modes[keyfiles.PROFILE] == 0o600


def test_a_profile_is_raised_before_any_vip_is_there_and_never_again(world: World) -> None:
    changes = world.add(VIP)
    calls = [one for one in changes if isinstance(one, CallTool | AddAddress)]
    uuid = keyfiles.uuid_of(world.fake.files[keyfiles.PROFILE])
    assert calls[:2] == [tools.load_profile(keyfiles.PROFILE), tools.raise_profile(uuid)]
    # Raised once, before any VIP is there: it takes away what is on lo for a moment. Never
    # reapplied: that would take away what others put there.
    calls = [one for one in world.add(OTHER) if isinstance(one, CallTool | AddAddress)]
    assert calls[:-1] == [tools.load_profile(keyfiles.PROFILE)]


def test_somebody_elses_profile_of_lo_is_taken_over_only_by_order(world: World) -> None:
    with_profile(world)
    with pytest.raises(HostChangeFailed, match=r"loop\.nmconnection was not written by kemp"):
        world.add(VIP)
    untouched = world.read()
    world.add(VIP, adopt=True)
    text = world.fake.files[FOREIGN]
    assert ("10.9.9.9", 32) in keyfiles.addresses(text)
    assert "mtu=65536" in text
    assert keyfiles.section(text, "connection")["id"] == "loop"
    assert world.findings(VIP) == []
    world.add(OTHER)
    world.remove(VIP)
    assert world.findings(OTHER) == []
    world.remove(OTHER)
    assert world.fake.files[FOREIGN] == FOREIGN_PROFILE
    world.add(VIP, adopt=True)
    world.revert()
    assert world.read() == untouched


def test_two_profiles_of_lo_are_a_persons_work(world: World) -> None:
    world.add(VIP)
    with_profile(world)
    assert world.findings(VIP) == ["two-loopback-profiles"]
    with pytest.raises(HostChangeFailed, match="both for lo"):
        world.add(VIP)


def test_where_others_have_addresses_on_lo_no_profile_is_made(world: World) -> None:
    # NetworkManager would take theirs away when it raises ours.
    world.fake.addresses.append(STRANGER)
    world.add(VIP)
    assert vip_unit.PATH in world.fake.files
    assert keyfiles.PROFILE not in world.fake.files
    assert world.findings(VIP) == []


def test_a_unit_stays_the_way_where_it_has_begun(world: World) -> None:
    world.fake.addresses.append(STRANGER)
    world.add(VIP)
    world.fake.addresses.remove(STRANGER)
    world.add(OTHER)
    assert keyfiles.PROFILE not in world.fake.files, "it would take the first VIP away"
    assert world.findings(VIP, OTHER) == []


def test_a_profile_that_would_take_an_address_away_is_refused() -> None:
    world = World("stream9", replace(HOST, persistence="networkmanager"))
    world.fake.addresses.append(STRANGER)
    with pytest.raises(HostChangeFailed, match=r"take 10\.9\.9\.9 from lo.*persistence: unit"):
        world.add(VIP)


def test_others_addresses_come_back_when_our_profile_goes(world: World) -> None:
    world.add(VIP)
    world.fake.addresses.append(STRANGER)
    changes = world.remove(VIP)
    loaded = changes.index(tools.load_profile(keyfiles.PROFILE))
    assert AddAddress(address=STRANGER) in changes[loaded:]


@pytest.mark.parametrize("wrong", ["mode", "not loaded", "autoconnect"])
def test_a_profile_that_networkmanager_does_not_take_is_found_and_mended(
    world: World, wrong: str
) -> None:
    world.add(VIP)
    if wrong == "mode":
        world.fake.modes[keyfiles.PROFILE] = 0o644
    elif wrong == "not loaded":
        world.fake.persistence = replace(world.fake.persistence, profiles=())
    else:
        text = world.fake.files[keyfiles.PROFILE]
        world.fake.files[keyfiles.PROFILE] = text.replace(
            "type=loopback", "type=loopback\nautoconnect=false"
        )
    assert world.findings(VIP) == ["vip-not-persistent"]
    world.add(VIP)
    assert world.findings(VIP) == []


def test_a_profile_that_is_not_roots_is_a_persons_work(world: World) -> None:
    world.add(VIP)
    world.fake.owners[keyfiles.PROFILE] = 1000
    assert world.findings(VIP) == ["vip-not-persistent"]
    with pytest.raises(HostChangeFailed, match="chown root"):
        world.add(VIP)


def test_a_vip_that_a_profile_puts_on_the_interface_is_found(world: World) -> None:
    world.add(VIP)
    text = FOREIGN_PROFILE.replace("loopback", "ethernet").replace("=lo\n", "=ens32\n")
    with_profile(world, text=text.replace("10.9.9.9/32", f"{VIP}/24,10.0.1.1"))
    assert world.findings(VIP) == ["vip-on-interface-persistent"]


def test_a_unit_does_not_hold_where_networkmanager_wipes_lo() -> None:
    world = World("stream9", replace(HOST, persistence="unit"))
    world.add(VIP)
    assert world.findings(VIP) == []
    world.fake.sysctls6["conf/lo/disable_ipv6"] = 1
    assert world.findings(VIP) == ["vip-not-persistent"]
