"""Programs of a host, called by both drivers; they are scripts in a directory of ours."""

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from orchestrator.errors import HostChangeFailed
from orchestrator.hosts.answer import answer, decoded
from orchestrator.hosts.changes import CallTool, NetChange, WriteFile, inverse, inverses
from orchestrator.hosts.driver import Host
from orchestrator.hosts.netlink import NetlinkDriver
from orchestrator.hosts.sections import Section
from orchestrator.hosts.ssh_answer import changes_done
from orchestrator.hosts.ssh_script import sections_script
from tests.orchestrator.hosts.rooted import LOGGING, calls, furnish, tool
from tests.orchestrator.hosts.test_ssh_script import applied, sent

pytestmark = [
    pytest.mark.kernel,
    pytest.mark.skipif(os.geteuid() != 0, reason="chroot needs root: run as root"),
]

ENABLE = CallTool(
    argv=("systemctl", "enable", "kemp-vip.service"),
    says="enable kemp-vip.service",
    undo=CallTool(argv=("systemctl", "disable", "kemp-vip.service"), says="disable it"),
)
RELOAD = CallTool(argv=("systemctl", "daemon-reload"), says="have systemd read its units")


def over_sh(host: Host, change: NetChange) -> str | None:
    found = applied(["dash"], host, change)
    if found.missing:
        return f"there is no {found.missing}"
    return found.failed if changes_done(found) == 0 else None


def over_netlink(host: Host, change: NetChange) -> str | None:
    try:
        NetlinkDriver().apply(host, [change])
    except HostChangeFailed as error:
        return str(error)
    return None


@pytest.fixture
def host(tmp_path: Path) -> Host:
    (tmp_path / "tools").mkdir()
    (tmp_path / "tools/ip").write_text("#!/bin/sh\n")
    (tmp_path / "tools/ip").chmod(0o755)
    root = furnish(tmp_path / "root")
    return Host(name="web1", address="192.0.2.1", interface="ens32.100", root=str(root))


both = pytest.mark.parametrize("carry_out", [over_sh, over_netlink])
CarryOut = Callable[[Host, NetChange], str | None]


@both
def test_a_tool_gets_its_arguments_as_they_are(host: Host, carry_out: CarryOut) -> None:
    tool(Path(host.root), "nmcli", 'printf "%s|" "$@" >>/calls')
    words = ("$(touch /owned)", "a b", "*", "'", '"', "")
    assert carry_out(host, CallTool(argv=("nmcli", *words), says="x")) is None
    assert calls(Path(host.root)) == ["|".join(words) + "|"]
    assert not (Path(host.root) / "owned").exists()


@both
def test_exit_codes_that_mean_success(host: Host, carry_out: CarryOut) -> None:
    tool(Path(host.root), "firewall-cmd", "echo NOT_ENABLED; exit 12")
    call = CallTool(argv=("firewall-cmd", "--remove-port=80/tcp"), says="close 80/tcp")
    assert carry_out(host, replace(call, accept=(0, 12))) is None
    reason = carry_out(host, call)
    assert reason is not None
    assert "exit code 12" in reason
    assert "NOT_ENABLED" in reason


@both
@pytest.mark.parametrize(("answer", "called"), [(0, False), (1, True), (4, True)])
def test_what_is_done_already_is_not_done_again(
    host: Host, carry_out: CarryOut, answer: int, called: bool
) -> None:
    tool(Path(host.root), "firewall-cmd", f"exit {answer}")
    tool(Path(host.root), "systemctl", LOGGING)
    call = replace(ENABLE, unless=("firewall-cmd", "--query-port=80/tcp"))
    assert carry_out(host, call) is None
    assert bool(calls(Path(host.root))) is called


@both
def test_a_question_to_a_tool_that_is_not_there_is_no_answer(
    host: Host, carry_out: CarryOut
) -> None:
    tool(Path(host.root), "systemctl", LOGGING)
    assert carry_out(host, replace(ENABLE, unless=("nmcli", "x"))) is None
    assert calls(Path(host.root)) == ["systemctl enable kemp-vip.service"]


@both
def test_a_tool_of_this_machine_is_none_of_the_host(host: Host, carry_out: CarryOut) -> None:
    reason = carry_out(host, CallTool(argv=("systemctl", "--version"), says="x"))
    assert reason is not None
    assert "there is no systemctl" in reason


@both
def test_the_label_of_a_written_file_is_set(host: Host, carry_out: CarryOut) -> None:
    tool(Path(host.root), "restorecon", LOGGING)
    assert carry_out(host, WriteFile(path="/etc/x y", content="1", before=None)) is None
    assert calls(Path(host.root)) == ["restorecon /etc/x y"]
    tool(Path(host.root), "restorecon", "exit 1")
    assert carry_out(host, WriteFile(path="/etc/x y", content="2", before=None)) is not None
    assert (Path(host.root) / "etc/x y").read_text() == "2"


def test_other_programs_are_refused() -> None:
    for argv in [("rm", "-rf", "/"), ("sh", "-c", "x"), ()]:
        with pytest.raises(ValueError, match="program"):
            CallTool(argv=argv, says="x")


def test_the_inverse_of_a_call_and_back() -> None:
    assert inverse(ENABLE).argv[1] == "disable"  # type: ignore[union-attr] # a call it is
    assert inverse(inverse(ENABLE)) == ENABLE
    assert inverse(RELOAD) == RELOAD


def test_reloads_come_after_the_files_that_were_put_back() -> None:
    unit = WriteFile(path="/etc/systemd/system/kemp-vip.service", content="x", before=None)
    other = WriteFile(path="/etc/y", content="x", before=None)
    back = inverses([other, unit, RELOAD, ENABLE])
    assert back == (inverse(ENABLE), inverse(unit), inverse(other), RELOAD)


# -- sections --------------------------------------------------------------------------

KEYFILE = """\
# psk=secret-in-a-comment
[connection]
id=office
type=wifi
interface-name=ens32.100
 [wifi-security]
psk=secret-psk
[ipv4]
method=manual
address1=192.0.2.1/24,192.0.2.254
[vpn-secrets]
password=secret-vpn
"""
OURS = "# Written by kemp\n[connection]\nid=kemp-vip\ntype=loopback\ninterface-name=lo\n"


def furnished(host: Host) -> Path:
    """Make a host as Stream 9 looks: NetworkManager, firewalld, arptables of the nft kind."""
    root = Path(host.root)
    (root / "run/systemd/system").mkdir(parents=True)
    folder = root / "etc/NetworkManager/system-connections"
    folder.mkdir(parents=True)
    for name, text in (
        ("office.nmconnection", KEYFILE),
        ("kemp-vip.nmconnection", OURS),
        ("other.nmconnection", KEYFILE.replace("ens32.100", "wlan0")),
    ):
        (folder / name).write_text(text)
        (folder / name).chmod(0o600)
    scripts = root / "etc/sysconfig/network-scripts"
    scripts.mkdir(parents=True)
    wanted = ("ifcfg-lo:0", "ifcfg-ens32.100", "route-ens32.100")
    for name in (*wanted, "ifcfg-wlan0", "ifcfg-ens32x100"):
        (scripts / name).write_text(f"DEVICE={name}\n")
    tool(
        root,
        "systemctl",
        'case $2 in NetworkManager*) echo enabled ;; network.*) echo "no such" >&2; exit 1 ;; '
        "arptables*) echo disabled; exit 1 ;; esac",
    )
    tool(
        root,
        "nmcli",
        'case "$*" in --version) echo "nmcli tool, version 1.42.4-1.el9" ;; '
        '*RUNNING*) echo running ;; *FILENAME*) printf "%s\\n" '
        "'0a-1:lo:/run/NetworkManager/system-connections/lo.nmconnection' "
        "'0b-2:ens32.100:/etc/a\\:b' '0c-3:--:' ;; "
        "*) printf '%s\\n' 'lo:connected (externally)' 'ens32.100:connected' ;; esac",
    )
    tool(
        root,
        "arptables",
        'case "$*" in --version) echo "arptables v1.8.10 (nf_tables)" ;; '
        "*) printf '%s\\n' 'Chain INPUT (policy ACCEPT)' '-j DROP' '' ;; esac",
    )
    return root


def test_how_a_host_brings_its_network_back(host: Host) -> None:
    furnished(host)
    found = NetlinkDriver().read(host, [Section.PERSISTENCE]).persistence
    assert found is not None
    assert found.systemd
    assert not found.network_scripts
    assert found.units["NetworkManager"] == "enabled"
    assert found.units["network"] == ""
    assert (found.nm_version, found.nm_running) == ("1.42.4", True)
    assert [(one.device, one.path) for one in found.profiles] == [
        ("lo", "/run/NetworkManager/system-connections/lo.nmconnection"),
        ("ens32.100", "/etc/a:b"),
        ("", ""),
    ]
    assert found.devices == {"lo": "connected (externally)", "ens32.100": "connected"}
    names = {path.rpartition("/")[2]: file for path, file in found.files.items()}
    assert set(names) == {
        "office.nmconnection",
        "kemp-vip.nmconnection",
        "ifcfg-lo:0",
        "ifcfg-ens32.100",
        "route-ens32.100",
    }
    assert names["kemp-vip.nmconnection"].content == OURS
    assert (names["kemp-vip.nmconnection"].mode, names["kemp-vip.nmconnection"].owner) == (0o600, 0)


def test_no_secret_of_a_keyfile_leaves_the_host(host: Host) -> None:
    furnished(host)
    printed = sent(["dash"], host, sections_script(host, [Section.PERSISTENCE]).encode())
    bodies = [decoded(body) for _, body in printed.all_of("keyfile")]
    assert len(bodies) == 3
    assert not any(b"secret" in body for body in bodies)
    found = NetlinkDriver().read(host, [Section.PERSISTENCE]).persistence
    assert found is not None
    (office,) = [one for path, one in found.files.items() if path.endswith("office.nmconnection")]
    assert "address1=192.0.2.1/24,192.0.2.254" in office.content
    assert "secret" not in repr(found)


def test_the_arp_rules_of_a_host(host: Host) -> None:
    root = furnished(host)
    found = NetlinkDriver().read(host, [Section.ARPTABLES]).arptables
    assert found is not None
    assert (found.variant, found.service, found.saved) == ("nft", "disabled", None)
    assert found.rules.splitlines()[-1] == "-A INPUT -j DROP"
    (root / "etc/sysconfig/arptables").write_text("*filter\n")
    tool(root, "arptables", 'echo "arptables v0.0.4"')
    found = NetlinkDriver().read(host, [Section.ARPTABLES]).arptables
    assert found is not None
    assert found.variant == "legacy"
    assert found.saved is not None
    assert found.saved.content == "*filter\n"


ZONE = """\
public{active}
  target: default
  icmp-block-inversion: no
  interfaces: ens32.100
  sources:
  services: ssh http
  ports: 80/tcp 443/tcp
  protocols:
  forward: yes
  masquerade: no
  forward-ports:
\tport=80:proto=tcp:toport=80:toaddr=
  rich rules:
\trule family="ipv4" destination address="198.51.100.250/32" accept
\trule family="ipv4" source address="192.0.2.9" accept
"""


def firewalld(root: Path, *, running: bool) -> None:
    zone = ZONE.format(active=" (active)")
    tool(
        root,
        "firewall-cmd" if running else "firewall-offline-cmd",
        f"""case "$*" in --version) echo 1.3.4 ;; --state) exit 0 ;;
*get-zone-of-interface*) echo public ;;
*direct*) echo 'ipv4 nat PREROUTING 0 -d 198.51.100.250' ;;
*list-all*) printf '%s' '{zone}' ;; esac""",
    )
    if not running:
        tool(root, "firewall-cmd", '[ "$1" = --version ] && echo 1.3.4 || exit 252')


def test_the_firewall_of_a_host(host: Host) -> None:
    firewalld(Path(host.root), running=True)
    found = NetlinkDriver().read(host, [Section.FIREWALLD]).firewalld
    assert found is not None
    assert (found.version, found.running, found.zone) == ("1.3.4", True, "public")
    assert found.runtime == found.permanent
    assert found.runtime is not None
    assert found.runtime.ports == ("80/tcp", "443/tcp")
    assert found.runtime.services == ("ssh", "http")
    assert found.runtime.forward_ports == ("port=80:proto=tcp:toport=80:toaddr=",)
    assert len(found.runtime.rich_rules) == 2
    assert not found.runtime.masquerade
    assert found.direct == ("ipv4 nat PREROUTING 0 -d 198.51.100.250",)


def test_the_firewall_of_a_host_where_it_does_not_run(host: Host) -> None:
    firewalld(Path(host.root), running=False)
    found = NetlinkDriver().read(host, [Section.FIREWALLD]).firewalld
    assert found is not None
    assert (found.running, found.runtime, found.zone) == (False, None, "public")
    assert found.permanent is not None
    assert found.permanent.ports == ("80/tcp", "443/tcp")


def test_a_section_that_breaks_off_is_no_section() -> None:
    assert not answer(b"\n== kemp\n== units\n").complete
