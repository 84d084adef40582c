"""What brings VIPs back after a boot, per release: hosts in memory, and real validators."""

import shutil
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from orchestrator.errors import HostChangeFailed
from orchestrator.hosts import ifcfg_files, keyfiles, tools, vip_unit
from orchestrator.hosts.changes import (
    AddAddress,
    CallTool,
    NetChange,
    SetSysctl,
    WriteFile,
    describe,
)
from orchestrator.hosts.driver import Host
from orchestrator.hosts.methods.record_file import read_record
from orchestrator.hosts.revert import SECTIONS, plan_revert
from orchestrator.hosts.sections import NmProfile
from orchestrator.hosts.state import RECORD_FILE, SYSCTL_FILE, HostAddress, NetState
from orchestrator.hosts.vip_at_boot import QUIET
from tests.fakes.host import FakeHostDriver
from tests.orchestrator.hosts.by_loopback import METHOD, wanted
from tests.orchestrator.hosts.releases import KEEPERS, RELEASES, host_of

VIP, OTHER, THIRD, VIP6 = "10.0.1.250", "10.0.1.251", "10.0.1.252", "2001:db8::250"
HOST = Host(name="web1", address="10.0.1.11", interface="ens32")
SCRIPTS = "/etc/sysconfig/network-scripts"


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


@pytest.fixture(params=RELEASES)
def world(request: pytest.FixtureRequest) -> World:
    return World(request.param)


def paths(changes: Sequence[NetChange]) -> list[str]:
    return [one.path for one in changes if isinstance(one, WriteFile)]


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


# -- network-scripts ------------------------------------------------------------------


def alias(vip: str, *, label: str = "lo:0", mask: str = "NETMASK=255.255.255.255\n") -> str:
    return f"DEVICE={label}\nIPADDR={vip}\n{mask}ONBOOT=yes\n"


def test_aliases_of_others_keep_their_numbers() -> None:
    world = World("centos7")
    world.fake.files[f"{SCRIPTS}/ifcfg-lo:0"] = alias(THIRD)
    world.fake.addresses.append(
        HostAddress(address="10.9.9.9", prefix=32, interface="lo", label="lo:1")
    )
    world.add(VIP)
    assert f"{SCRIPTS}/ifcfg-lo:2" in world.fake.files
    (vip,) = [one for one in world.fake.addresses if one.address == VIP]
    assert vip.label == "lo:2", "ifup lo would take away a label that no file names"
    world.remove(VIP)
    assert world.fake.files[f"{SCRIPTS}/ifcfg-lo:0"] == alias(THIRD)


def test_an_alias_made_by_hand_is_right_and_stays() -> None:
    world = World("centos7")
    world.fake.files[f"{SCRIPTS}/ifcfg-lo:0"] = alias(VIP)
    changes = world.add(VIP)
    assert paths(changes) == [RECORD_FILE, SYSCTL_FILE]
    assert world.findings(VIP) == []
    order = wanted(HOST, VIP)
    left = [one.id for one in METHOD.left_alone(world.read(), order)]
    assert left == ["vip-in-foreign-file", "sysctls-still-needed"]
    world.remove(VIP)
    assert f"{SCRIPTS}/ifcfg-lo:0" in world.fake.files
    # It comes back at boot, so the host must be quiet then.
    assert world.fake.sysctls["conf/all/arp_ignore"] == 1
    assert SYSCTL_FILE in world.fake.files


def test_an_alias_without_a_netmask_would_take_the_whole_network() -> None:
    world = World("centos7")
    path = f"{SCRIPTS}/ifcfg-lo:0"
    world.fake.files[path] = alias(VIP, mask="")
    assert "vip-prefix-persistent" in world.findings(VIP)
    with pytest.raises(HostChangeFailed, match=r"ifcfg-lo:0 was not written by kemp.*--adopt"):
        world.add(VIP)
    untouched = world.read()
    world.add(VIP, adopt=True)
    assert world.findings(VIP) == []
    world.revert()
    assert world.read() == untouched


@pytest.mark.parametrize("name", ["ifcfg-ens32", "ifcfg-ens32:1"])
def test_a_vip_that_a_file_puts_on_the_interface_is_found(name: str) -> None:
    world = World("centos7")
    world.fake.files[f"{SCRIPTS}/{name}"] = f"DEVICE=ens32\nIPADDR={VIP}\nPREFIX=24\n"
    world.add(VIP)
    assert world.findings(VIP) == ["vip-on-interface-persistent"]
    order = wanted(HOST, VIP)
    assert [one.id for one in METHOD.not_mended(world.read(), order)] == [
        "vip-on-interface-persistent"
    ]


@pytest.mark.parametrize("name", ["ifcfg-lo:0.bak", "ifcfg-lo:0~", "ifcfg-lo:0.rpmsave"])
def test_copies_that_the_scripts_leave_out_bring_nothing_back(name: str) -> None:
    world = World("centos7")
    world.fake.files[f"{SCRIPTS}/{name}"] = alias(VIP)
    assert "vip-not-persistent" in world.findings(VIP)


def test_an_alias_where_nobody_reads_it_is_dead() -> None:
    world = World("stream8")
    world.fake.files[f"{SCRIPTS}/ifcfg-lo:0"] = alias(VIP)
    assert "vip-not-persistent" in world.findings(VIP)
    world.add(VIP)
    assert vip_unit.PATH in world.fake.files


@pytest.mark.parametrize("label", ["lo", "lo:", "eth0:0", "lo:0\nIPADDR=1", "lo:$(x)", "lo:é"])
def test_nothing_that_bash_would_run_gets_into_an_alias(label: str) -> None:
    with pytest.raises(ValueError, match="alias"):
        ifcfg_files.alias_file(label, VIP)
    with pytest.raises(ValueError, match="touch"):
        ifcfg_files.alias_file("lo:0", "$(touch /x)")


# -- NetworkManager -------------------------------------------------------------------

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


def with_profile(world: World, path: str = FOREIGN, text: str = FOREIGN_PROFILE) -> None:
    world.fake.files[path] = text
    world.fake.modes[path] = 0o600
    uuid = keyfiles.section(text, "connection")["uuid"]
    profile = NmProfile(uuid=uuid, device="lo", path=path)
    kept = world.fake.persistence
    world.fake.persistence = replace(kept, profiles=(*kept.profiles, profile))


def test_all_vips_of_a_host_are_in_one_profile() -> None:
    world = World("stream9")
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


def test_a_profile_is_raised_before_any_vip_is_there_and_never_again() -> None:
    world = World("stream9")
    changes = world.add(VIP)
    calls = [one for one in changes if isinstance(one, CallTool | AddAddress)]
    uuid = keyfiles.uuid_of(world.fake.files[keyfiles.PROFILE])
    assert calls[:2] == [tools.load_profile(keyfiles.PROFILE), tools.raise_profile(uuid)]
    # Raised once, before any VIP is there: it takes away what is on lo for a moment. Never
    # reapplied: that would take away what others put there.
    calls = [one for one in world.add(OTHER) if isinstance(one, CallTool | AddAddress)]
    assert calls[:-1] == [tools.load_profile(keyfiles.PROFILE)]


def test_somebody_elses_profile_of_lo_is_taken_over_only_by_order() -> None:
    world = World("stream9")
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


def test_two_profiles_of_lo_are_a_persons_work() -> None:
    world = World("stream9")
    world.add(VIP)
    with_profile(world)
    assert world.findings(VIP) == ["two-loopback-profiles"]
    with pytest.raises(HostChangeFailed, match="both for lo"):
        world.add(VIP)


def test_where_others_have_addresses_on_lo_no_profile_is_made() -> None:
    # NetworkManager would take theirs away when it raises ours.
    world = World("stream9")
    world.fake.addresses.append(HostAddress(address="10.9.9.9", prefix=32, interface="lo"))
    world.add(VIP)
    assert vip_unit.PATH in world.fake.files
    assert keyfiles.PROFILE not in world.fake.files
    assert world.findings(VIP) == []


def test_a_unit_stays_the_way_where_it_has_begun() -> None:
    world = World("stream9")
    stranger = HostAddress(address="10.9.9.9", prefix=32, interface="lo")
    world.fake.addresses.append(stranger)
    world.add(VIP)
    world.fake.addresses.remove(stranger)
    world.add(OTHER)
    assert keyfiles.PROFILE not in world.fake.files, "it would take the first VIP away"
    assert world.findings(VIP, OTHER) == []


def test_a_profile_that_would_take_an_address_away_is_refused() -> None:
    world = World("stream9", replace(HOST, persistence="networkmanager"))
    world.fake.addresses.append(HostAddress(address="10.9.9.9", prefix=32, interface="lo"))
    with pytest.raises(HostChangeFailed, match=r"take 10\.9\.9\.9 from lo.*persistence: unit"):
        world.add(VIP)


def test_others_addresses_come_back_when_our_profile_goes() -> None:
    world = World("stream9")
    world.add(VIP)
    stranger = HostAddress(address="10.9.9.9", prefix=32, interface="lo")
    world.fake.addresses.append(stranger)
    changes = world.remove(VIP)
    loaded = changes.index(tools.load_profile(keyfiles.PROFILE))
    assert AddAddress(address=stranger) in changes[loaded:]


@pytest.mark.parametrize("wrong", ["mode", "not loaded", "autoconnect"])
def test_a_profile_that_networkmanager_does_not_take_is_found_and_mended(wrong: str) -> None:
    world = World("stream9")
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


def test_a_profile_that_is_not_roots_is_a_persons_work() -> None:
    world = World("stream9")
    world.add(VIP)
    world.fake.owners[keyfiles.PROFILE] = 1000
    assert world.findings(VIP) == ["vip-not-persistent"]
    with pytest.raises(HostChangeFailed, match="chown root"):
        world.add(VIP)


def test_a_vip_that_a_profile_puts_on_the_interface_is_found() -> None:
    world = World("stream9")
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


# -- what the inventory says ----------------------------------------------------------


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


# -- what the real programs say of what we write --------------------------------------


def need(program: str) -> str:
    path = shutil.which(program, path="/usr/sbin:/usr/bin:/sbin:/bin")
    if path is None:
        pytest.skip(f"no {program} on this machine: .ci/packages installs it")
    return path


@pytest.mark.parametrize("make", [keyfiles.with_addresses, keyfiles.dummy_with])
@pytest.mark.parametrize("vips", [[VIP], [VIP, OTHER], [VIP6], [VIP, OTHER, VIP6]])
def test_networkmanager_reads_our_profile_as_we_mean_it(
    make: Callable[[None, list[str]], str], vips: list[str]
) -> None:
    text = make(None, vips)
    # It leaves out what it does not know, so look at what it makes of it.
    read = subprocess.run(
        [need("nmcli"), "--offline", "connection", "modify", "connection.zone", ""],
        input=text,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert keyfiles.addresses(read) == keyfiles.addresses(text)
    assert keyfiles.section(read, "connection") == keyfiles.section(text, "connection")
    for family in ("ipv4", "ipv6"):
        meant = keyfiles.section(text, family).get("method")
        assert meant in (None, keyfiles.section(read, family)["method"])


@pytest.mark.parametrize("vips", [{VIP: "lo:0"}, {VIP: "lo:0", OTHER: None, VIP6: None}])
def test_systemd_accepts_our_unit(tmp_path: Path, vips: dict[str, str | None]) -> None:
    path = tmp_path / vip_unit.UNIT
    path.write_text(vip_unit.unit_file(vips))
    done = subprocess.run(
        [need("systemd-analyze"), "verify", "--recursive-errors=no", str(path)],
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert vip_unit.vips_of(path.read_text()) == {
        vip: (128 if ":" in vip else 32, label) for vip, label in vips.items()
    }


def test_bash_reads_our_alias_as_we_mean_it(tmp_path: Path) -> None:
    path = tmp_path / "ifcfg"
    path.write_text(ifcfg_files.alias_file("lo:3", VIP))
    script = '. "$1"; echo "$DEVICE|$IPADDR|$NETMASK|$ONBOOT|$NAME"'
    done = subprocess.run(
        [need("bash"), "-c", script, "bash", str(path)], capture_output=True, text=True, check=True
    )
    assert done.stdout == f"lo:3|{VIP}|255.255.255.255|yes|loopback\n"


def test_sysctl_accepts_our_file(tmp_path: Path) -> None:
    world = World("centos7")
    world.add(VIP)
    path = tmp_path / "90-kemp-dsr.conf"
    path.write_text(world.fake.files[SYSCTL_FILE].replace("/ens32/", "/lo/"))
    done = subprocess.run(
        [need("sysctl"), "--dry-run", "-p", str(path)], capture_output=True, text=True
    )
    assert (done.returncode, done.stderr) == (0, "")
