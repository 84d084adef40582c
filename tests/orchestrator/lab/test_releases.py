"""What each release's files do at boot, on hosts that really boot: the VIP, silence, arptables."""

import json
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from orchestrator.lab.lab import Lab
from orchestrator.lab.release import Release
from orchestrator.lab.systemd_host import SystemdHost, SystemdOptions
from orchestrator.lab.topology import BRIDGE
from orchestrator.probes.arp import ArpEvidence, ask_who_has
from tests.orchestrator.lab.systemd_lab import need_systemd
from tests.soak import runs

pytestmark = pytest.mark.kernel

VIP = "203.0.113.250"
SCRIPTS = "/etc/sysconfig/network-scripts"
SILENCE = "/etc/sysctl.d/90-silence.conf"
PROFILE = "/etc/NetworkManager/system-connections/vip.nmconnection"
_SILENT = """\
net.ipv4.conf.all.arp_ignore = 1
net.ipv4.conf.all.arp_announce = 2
"""
_ALIAS = f"DEVICE=lo:0\nIPADDR={VIP}\nNETMASK=255.255.255.255\nONBOOT=yes\n"
_KEYFILE = f"""\
[connection]
id=vip
uuid=5c7fd5ba-4b0c-4f0e-a2d6-3f1c6f9a6f10
type=loopback
interface-name=lo

[ipv4]
method=manual
address1=127.0.0.1/8
address2={VIP}/32
"""
_UNIT = f"""\
[Unit]
Requires=systemd-sysctl.service
After=systemd-sysctl.service
Before=network-pre.target
Wants=network-pre.target

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/usr/sbin/ip address replace {VIP}/32 dev lo label lo:0

[Install]
WantedBy=multi-user.target
"""


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    need_systemd()
    with Lab(len(Release), releases=tuple(Release), systemd=SystemdOptions()) as running:
        yield running


@pytest.fixture(scope="module")
def hosts(lab: Lab) -> dict[Release, SystemdHost]:
    return {machine.release: machine for machine in lab.machines.values()}


@pytest.fixture
def centos7(hosts: dict[Release, SystemdHost]) -> Iterator[SystemdHost]:
    """Give the host that reads ifcfg files; what a test left of the VIP is removed."""
    host = hosts[Release.CENTOS7]
    yield host
    host.run(
        ["sh", "-c", f"rm -f {SCRIPTS}/ifcfg-lo:* {SILENCE}; ip address flush dev lo; ifup lo"]
    )


def _said(host: SystemdHost, *argv: str) -> str:
    result = host.run(argv)
    assert result.exit_code == 0, result
    return result.stdout.strip()


def _on_lo(host: SystemdHost) -> set[tuple[str, int, str]]:
    """Return address, prefix and label of what is on lo beside 127.0.0.1."""
    (device,) = json.loads(_said(host, "ip", "-j", "-4", "address", "show", "dev", "lo"))
    return {
        (one["local"], one["prefixlen"], one["label"])
        for one in device["addr_info"]
        if one["local"] != "127.0.0.1"
    }


def _answers_during(lab: Lab, action: "threading.Thread") -> ArpEvidence:
    """Ask for the VIP all the time that something takes; add up what was heard."""
    mac_of_nobody = "02:00:00:00:00:fe"
    macs: dict[str, int] = {}
    asked = 0
    action.start()
    while action.is_alive():
        heard = ask_who_has(
            VIP,
            BRIDGE,
            window_s=0.005,
            rounds=10,
            unicast_to=[mac_of_nobody],
            namespace=lab.namespaces["admin"],
        )
        asked += heard.asked
        for mac in heard.macs:
            macs[mac] = macs.get(mac, 0) + 1
    action.join()
    return ArpEvidence(answers=macs, asked=asked)


def test_each_calls_itself_by_its_release_and_has_its_services(
    hosts: dict[Release, SystemdHost],
) -> None:
    for release, host in hosts.items():
        assert _said(host, "systemctl", "is-system-running") == "running"
        number = release.value.removeprefix("centos").removeprefix("stream")
        assert f'VERSION_ID="{number}"' in _said(host, "cat", "/etc/os-release")
        old = release is Release.CENTOS7
        assert (host.run(["systemctl", "is-active", "network"]).exit_code == 0) == old
        assert (host.run(["systemctl", "is-active", "NetworkManager"]).exit_code == 0) != old
        assert (host.run(["sh", "-c", "command -v nmcli"]).exit_code == 0) != old
        has_arptables = host.run(["systemctl", "cat", "arptables.service"]).exit_code == 0
        assert has_arptables == (release is not Release.STREAM10)
    assert "legacy" not in _said(hosts[Release.STREAM9], "arptables", "--version")
    assert "nf_tables" not in _said(hosts[Release.CENTOS7], "arptables", "--version")
    assert _said(hosts[Release.STREAM8], "nmcli", "--version").endswith(" 1.40.16")
    assert "1.40" not in _said(hosts[Release.STREAM9], "nmcli", "--version")


def test_what_carries_the_vip_over_a_reboot(lab: Lab, hosts: dict[Release, SystemdHost]) -> None:
    for host in hosts.values():
        host.write(f"{SCRIPTS}/ifcfg-lo:0", _ALIAS)
        host.write(PROFILE, _KEYFILE, mode=0o600)
        host.write(SILENCE, _SILENT)
    with ThreadPoolExecutor() as pool:
        assert set(pool.map(SystemdHost.reboot, hosts.values())) == {"running"}
    assert _on_lo(hosts[Release.CENTOS7]) == {(VIP, 32, "lo:0")}
    assert _on_lo(hosts[Release.STREAM8]) == set(), "neither an alias file nor a loopback profile"
    for release in (Release.STREAM9, Release.STREAM10):
        assert _on_lo(hosts[release]) == {(VIP, 32, "lo")}
    for host in hosts.values():
        assert _said(host, "sysctl", "-n", "net.ipv4.conf.all.arp_announce") == "2"


@pytest.mark.soak
@pytest.mark.parametrize("release", [Release.CENTOS7, Release.STREAM9])
def test_a_boot_answers_for_the_vip_only_without_its_sysctl_file(
    lab: Lab, hosts: dict[Release, SystemdHost], release: Release
) -> None:
    for one in hosts.values():
        for path in (f"{SCRIPTS}/ifcfg-lo:0", PROFILE, SILENCE):
            one.path(path).unlink(missing_ok=True)
        one.run(["ip", "address", "del", f"{VIP}/32", "dev", "lo"])
    host = hosts[release]
    host.write(f"{SCRIPTS}/ifcfg-lo:0", _ALIAS)
    host.write(PROFILE, _KEYFILE, mode=0o600)
    host.write(SILENCE, _SILENT)
    for _ in range(runs(short=1, long=50)):
        silent = _answers_during(lab, threading.Thread(target=host.reboot))
        assert VIP in {address for address, _, _ in _on_lo(host)}
        assert silent.asked > 50
        assert silent.answers == {}
    host.path(SILENCE).unlink()
    loud = _answers_during(lab, threading.Thread(target=host.reboot))
    assert set(loud.answers) == {lab.macs[host.name]}


def test_a_oneshot_unit_carries_the_vip_where_networkmanager_does_not(
    hosts: dict[Release, SystemdHost],
) -> None:
    host = hosts[Release.STREAM8]
    host.write("/etc/systemd/system/vip.service", _UNIT)
    _said(host, "systemctl", "enable", "vip.service")
    assert host.reboot() == "running"
    assert _on_lo(host) == {(VIP, 32, "lo:0")}


def test_arptables_rules_come_back_where_the_service_is_enabled(
    lab: Lab, hosts: dict[Release, SystemdHost]
) -> None:
    chosen = [hosts[Release.CENTOS7], hosts[Release.STREAM9]]
    for host in chosen:
        address = lab.topology.servers[int(host.name.removeprefix("web")) - 1].address
        for rule in (
            ["INPUT", "-d", VIP, "-j", "DROP"],
            ["OUTPUT", "-s", VIP, "-j", "mangle", "--mangle-ip-s", address],
        ):
            _said(host, "arptables", "-A", *rule)
        _said(host, "sh", "-c", "arptables-save > /etc/sysconfig/arptables")
        _said(host, "systemctl", "enable", "arptables")
    with ThreadPoolExecutor() as pool:
        assert set(pool.map(SystemdHost.reboot, chosen)) == {"running"}
    for host in chosen:
        assert f"-j DROP -d {VIP}" in _said(host, "arptables-save").replace("  ", " ")
        _said(host, "systemctl", "stop", "arptables")
        assert VIP not in _said(host, "arptables-save")
    # The two kinds are two: what one tool has set, the other does not show.
    listed = _said(hosts[Release.STREAM9], "nft", "list", "ruleset")
    assert "arp" in listed
    assert _said(hosts[Release.CENTOS7], "nft", "list", "ruleset") == ""


# -- the stand-in for network-scripts, held to what was measured with the real ones


def test_an_alias_without_a_netmask_takes_that_of_lo(centos7: SystemdHost) -> None:
    centos7.write(f"{SCRIPTS}/ifcfg-lo:0", f"DEVICE=lo:0\nIPADDR={VIP}\n")
    _said(centos7, "ifup", "lo:0")
    assert _on_lo(centos7) == {(VIP, 8, "lo:0")}


def test_one_alias_is_raised_and_lowered_by_its_name(centos7: SystemdHost) -> None:
    centos7.write(f"{SCRIPTS}/ifcfg-lo:0", _ALIAS.replace("ONBOOT=yes", "ONBOOT=no"))
    _said(centos7, "ifup", "lo")  # aliases do not look at ONBOOT
    assert _on_lo(centos7) == {(VIP, 32, "lo:0")}
    listed = _said(centos7, "ip", "-4", "address", "show", "dev", "lo")
    assert f"inet {VIP}/32 brd {VIP} scope global lo:0" in listed
    _said(centos7, "ifdown", "lo:0")
    assert _on_lo(centos7) == set()
    centos7.write(f"{SCRIPTS}/ifcfg-lo:0", f"{_ALIAS}ONPARENT=no\n")
    _said(centos7, "ifup", "lo")
    assert _on_lo(centos7) == set()
    _said(centos7, "ifup", "lo:0")
    assert _on_lo(centos7) == {(VIP, 32, "lo:0")}


@pytest.mark.parametrize(
    "suffix", ["~", ".bak", ".old", ".orig", ".rpmnew", ".rpmorig", ".rpmsave"]
)
def test_copies_with_a_known_suffix_are_left_out(centos7: SystemdHost, suffix: str) -> None:
    centos7.write(f"{SCRIPTS}/ifcfg-lo:0{suffix}", _ALIAS)
    _said(centos7, "ifup", "lo")
    assert _on_lo(centos7) == set()


def test_any_other_copy_is_one_more_alias(centos7: SystemdHost) -> None:
    centos7.write(f"{SCRIPTS}/ifcfg-lo:0-backup", _ALIAS)
    _said(centos7, "ifup", "lo")
    assert _on_lo(centos7) == {(VIP, 32, "lo:0")}


@pytest.mark.parametrize(
    ("second", "error"),
    [
        (_ALIAS.replace(VIP, "203.0.113.251"), "already seen device lo:0"),
        (_ALIAS.replace("lo:0", "lo:1"), f"already seen ipaddr {VIP}"),
        ("DEVICE=lo:1-x\nIPADDR=203.0.113.251\n", "is no alias of lo"),
        ("DEVICE=lo:1\n", "didn't specify device or ipaddr"),
    ],
)
def test_a_second_alias_that_clashes_is_an_error(
    centos7: SystemdHost, second: str, error: str
) -> None:
    centos7.write(f"{SCRIPTS}/ifcfg-lo:0", _ALIAS)
    centos7.write(f"{SCRIPTS}/ifcfg-lo:1", second)
    result = centos7.run(["ifup", "lo"])
    assert result.exit_code == 1
    assert error in result.stderr
    assert _on_lo(centos7) == {(VIP, 32, "lo:0")}


def test_labels_that_no_file_names_go_and_unlabelled_addresses_stay(centos7: SystemdHost) -> None:
    _said(centos7, "ip", "address", "add", f"{VIP}/32", "dev", "lo", "label", "lo:7")
    _said(centos7, "ip", "address", "add", "203.0.113.251/32", "dev", "lo")
    _said(centos7, "ifup", "lo")
    assert _on_lo(centos7) == {("203.0.113.251", 32, "lo")}


def test_a_device_that_has_no_file_is_an_error(centos7: SystemdHost) -> None:
    for program in ("ifup", "ifdown"):
        result = centos7.run([program, "lo:9"])
        assert (result.exit_code, result.stderr) == (
            1,
            f"{program}: configuration for lo:9 not found.\n",
        )


def test_gateway_and_routes_are_read_in_both_forms(centos7: SystemdHost) -> None:
    interface, route = f"{SCRIPTS}/ifcfg-eth0", f"{SCRIPTS}/route-eth0"
    kept = centos7.path(interface).read_text()
    try:
        centos7.write(interface, kept.replace("GATEWAY=203.0.113.1", "GATEWAY=203.0.113.10"))
        centos7.write(route, "192.0.2.0/25 via 203.0.113.1 dev eth0\n# a remark\n\n")
        _said(centos7, "ifup", "eth0")
        routes = _said(centos7, "ip", "route")
        assert "default via 203.0.113.10 dev eth0" in routes
        assert "192.0.2.0/25 via 203.0.113.1 dev eth0" in routes
        centos7.write(
            route, "ADDRESS0=192.0.2.128\nNETMASK0=255.255.255.128\nGATEWAY0=203.0.113.1\n"
        )
        _said(centos7, "ifup", "eth0")
        assert "192.0.2.128/25 via 203.0.113.1 dev eth0" in _said(centos7, "ip", "route")
        centos7.write(route, "nonsense\n")
        assert "error in route-eth0: nonsense" in centos7.run(["ifup", "eth0"]).stderr
    finally:
        centos7.path(route).unlink(missing_ok=True)
        centos7.write(interface, kept)
        centos7.run(["ifup", "eth0"])


def test_sysctl_files_are_applied_again_after_the_devices(centos7: SystemdHost) -> None:
    centos7.write(SILENCE, "net.ipv4.conf.eth0.arp_ignore = 1\n")
    _said(centos7, "sysctl", "-w", "net.ipv4.conf.eth0.arp_ignore=0")
    _said(centos7, "systemctl", "restart", "network")
    assert _said(centos7, "sysctl", "-n", "net.ipv4.conf.eth0.arp_ignore") == "1"
