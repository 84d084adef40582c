"""What the real programs read in the files that we write."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from orchestrator.hosts import ifcfg_files, keyfiles, vip_unit
from orchestrator.hosts.state import SYSCTL_FILE
from tests.orchestrator.hosts.release_world import OTHER, VIP, VIP6, World
from tests.programs import need


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
