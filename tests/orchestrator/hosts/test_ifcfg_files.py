"""VIPs in ifcfg files, which network-scripts read at boot."""

from dataclasses import replace

import pytest

from orchestrator.errors import HostChangeFailed
from orchestrator.hosts import ifcfg_files, vip_unit
from orchestrator.hosts.state import RECORD_FILE, SYSCTL_FILE
from tests.orchestrator.hosts.by_loopback import METHOD, wanted
from tests.orchestrator.hosts.release_world import HOST, STRANGER, THIRD, VIP, World, paths

SCRIPTS = "/etc/sysconfig/network-scripts"
ALIAS = f"{SCRIPTS}/ifcfg-lo:0"


@pytest.fixture
def world() -> World:
    return World("centos7")


def alias(vip: str, *, label: str = "lo:0", mask: str = "NETMASK=255.255.255.255\n") -> str:
    return f"DEVICE={label}\nIPADDR={vip}\n{mask}ONBOOT=yes\n"


def test_aliases_of_others_keep_their_numbers(world: World) -> None:
    world.fake.files[ALIAS] = alias(THIRD)
    world.fake.addresses.append(replace(STRANGER, label="lo:1"))
    world.add(VIP)
    assert f"{SCRIPTS}/ifcfg-lo:2" in world.fake.files
    (vip,) = [one for one in world.fake.addresses if one.address == VIP]
    assert vip.label == "lo:2", "ifup lo would take away a label that no file names"
    world.remove(VIP)
    assert world.fake.files[ALIAS] == alias(THIRD)


def test_an_alias_made_by_hand_is_right_and_stays(world: World) -> None:
    world.fake.files[ALIAS] = alias(VIP)
    changes = world.add(VIP)
    assert paths(changes) == [RECORD_FILE, SYSCTL_FILE]
    assert world.findings(VIP) == []
    order = wanted(HOST, VIP)
    left = [one.id for one in METHOD.left_alone(world.read(), order)]
    assert left == ["vip-in-foreign-file", "sysctls-still-needed"]
    world.remove(VIP)
    assert ALIAS in world.fake.files
    # It comes back at boot, so the host must be quiet then.
    assert world.fake.sysctls["conf/all/arp_ignore"] == 1
    assert SYSCTL_FILE in world.fake.files


def test_an_alias_without_a_netmask_would_take_the_whole_network(world: World) -> None:
    world.fake.files[ALIAS] = alias(VIP, mask="")
    assert "vip-prefix-persistent" in world.findings(VIP)
    with pytest.raises(HostChangeFailed, match=r"ifcfg-lo:0 was not written by kemp.*--adopt"):
        world.add(VIP)
    untouched = world.read()
    world.add(VIP, adopt=True)
    assert world.findings(VIP) == []
    world.revert()
    assert world.read() == untouched


@pytest.mark.parametrize("name", ["ifcfg-ens32", "ifcfg-ens32:1"])
def test_a_vip_that_a_file_puts_on_the_interface_is_found(world: World, name: str) -> None:
    world.fake.files[f"{SCRIPTS}/{name}"] = f"DEVICE=ens32\nIPADDR={VIP}\nPREFIX=24\n"
    world.add(VIP)
    assert world.findings(VIP) == ["vip-on-interface-persistent"]
    order = wanted(HOST, VIP)
    assert [one.id for one in METHOD.not_mended(world.read(), order)] == [
        "vip-on-interface-persistent"
    ]


@pytest.mark.parametrize("name", ["ifcfg-lo:0.bak", "ifcfg-lo:0~", "ifcfg-lo:0.rpmsave"])
def test_copies_that_the_scripts_leave_out_bring_nothing_back(world: World, name: str) -> None:
    world.fake.files[f"{SCRIPTS}/{name}"] = alias(VIP)
    assert "vip-not-persistent" in world.findings(VIP)


def test_an_alias_where_nobody_reads_it_is_dead() -> None:
    world = World("stream8")
    world.fake.files[ALIAS] = alias(VIP)
    assert "vip-not-persistent" in world.findings(VIP)
    world.add(VIP)
    assert vip_unit.PATH in world.fake.files


@pytest.mark.parametrize("label", ["lo", "lo:", "eth0:0", "lo:0\nIPADDR=1", "lo:$(x)", "lo:é"])
def test_nothing_that_bash_would_run_gets_into_an_alias(label: str) -> None:
    with pytest.raises(ValueError, match="alias"):
        ifcfg_files.alias_file(label, VIP)
    with pytest.raises(ValueError, match="touch"):
        ifcfg_files.alias_file("lo:0", "$(touch /x)")
