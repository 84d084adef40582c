"""What a systemd host of the lab has on its disk before its first boot, by release.

A release decides what is fitted: who reads which network files at boot, which services there
are, how it calls itself. The programs are this machine's own, whatever their version.
"""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

UNITS = Path("/etc/systemd/system")
_DELIVERED = Path("/usr/lib/systemd/system")
_TARGETS = ("sysinit", "local-fs", "sockets", "timers", "multi-user", "graphical", "getty")
_SYSCONFIG = Path("/etc/sysconfig")
_LIBEXEC = Path("/usr/libexec/kemp-lab")
_PROFILES = Path("/etc/NetworkManager/system-connections")


class Release(str, Enum):
    """What a host looks like.

    ``centos7`` has the network-scripts stand-in and no NetworkManager; ``stream8`` has
    NetworkManager, but none that carries addresses on lo; ``stream9`` has one that does;
    ``stream10`` is the same without an arptables service.
    """

    CENTOS7 = "centos7"
    STREAM8 = "stream8"
    STREAM9 = "stream9"
    STREAM10 = "stream10"


HIDDEN = (
    Path("/root"),
    Path("/etc/init.d"),
    Path("/etc/NetworkManager"),
    Path("/etc/ssh"),
    Path("/etc/sysctl.d"),
    Path("/etc/firewalld"),
    UNITS,
    Path("/usr/lib/systemd/system-generators"),
    Path("/usr/lib/systemd/system-environment-generators"),
    Path("/var/lib/NetworkManager"),
    Path("/var/log/journal"),
    *(_DELIVERED / f"{target}.target.wants" for target in _TARGETS),
)
"""Directories that begin empty: what this machine starts, or was told, is no business of a host's.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class FittedFile:
    """A file; with ``link`` a symbolic link to that text, with ``removed`` nothing at all.

    Attributes:
        copied: take the content from this file, which is on the disk already.
    """

    content: str = ""
    mode: int = 0o644
    link: str | None = None
    copied: Path | None = None
    removed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Fitting:
    """What one host is to be.

    Attributes:
        prefix: length of the segment's network prefix.
        firewalld: runs from the first boot on; installed it is always.
        web: command line of its web server, or empty for none.
        web_directory: where that command is started.
        host_key: private key of its sshd, in OpenSSH's format; public half in ``known_as``.
        authorized_key: line of the public key that may log in as root.
        hosts: names and addresses of its neighbours.
    """

    name: str
    address: str
    prefix: int
    gateway: str
    interface: str
    release: Release
    firewalld: bool
    web: tuple[str, ...]
    web_directory: Path
    host_key: str
    authorized_key: str
    hosts: Mapping[str, str]


def fitted(fitting: Fitting) -> dict[Path, FittedFile]:
    """Return the files of a host."""
    files = {**_identity(fitting), **_base_units(), **_sshd(fitting)}
    files.update(_arptables(fitting.release))
    if fitting.release is Release.CENTOS7:
        files.update(_network_scripts(fitting))
    else:
        files.update(_network_manager(fitting))
    if fitting.web:
        files.update(_web_server(fitting))
    files.update(_firewalld(enabled=fitting.firewalld))
    return files


# -- who it is

_NAMES = {
    Release.CENTOS7: ("CentOS Linux", "7", "7 (Core)", "CentOS Linux release 7.9.2009 (Core)"),
    Release.STREAM8: ("CentOS Stream", "8", "8", "CentOS Stream release 8"),
    Release.STREAM9: ("CentOS Stream", "9", "9", "CentOS Stream release 9"),
    Release.STREAM10: ("CentOS Stream", "10", "10 (Coughlan)", "CentOS Stream release 10"),
}


def os_release(release: Release) -> str:
    """Return the content of /etc/os-release."""
    name, number, version, _ = _NAMES[release]
    return (
        f'NAME="{name}"\nVERSION="{version}"\nID="centos"\nID_LIKE="rhel fedora"\n'
        f'VERSION_ID="{number}"\nPRETTY_NAME="{name} {version}"\n'
    )


def _identity(fitting: Fitting) -> dict[Path, FittedFile]:
    etc = Path("/etc")
    sentence = FittedFile(content=f"{_NAMES[fitting.release][3]}\n")
    named = "".join(f"{address} {name}\n" for name, address in fitting.hosts.items())
    return {
        etc / "os-release": FittedFile(content=os_release(fitting.release)),
        etc / "centos-release": sentence,
        etc / "redhat-release": FittedFile(link="centos-release"),
        etc / "hostname": FittedFile(content=f"{fitting.name}\n"),
        etc / "machine-id": FittedFile(content=f"{uuid.uuid4().hex}\n", mode=0o444),
        etc / "hosts": FittedFile(content=f"127.0.0.1 localhost\n{named}"),
        etc / "resolv.conf": FittedFile(content="# there is nobody to ask in the lab\n"),
        etc / "fstab": FittedFile(content="# the lab mounts everything\n"),
        etc / "sysctl.conf": FittedFile(content="# sysctl settings are in /etc/sysctl.d\n"),
        etc / "sysctl.d/99-sysctl.conf": FittedFile(link="../sysctl.conf"),
        # No password, but not locked either: sshd without PAM turns locked users away.
        etc / "shadow": FittedFile(content="root:*:20000:0:99999:7:::\n", mode=0o600),
        _SYSCONFIG / "network": FittedFile(content="# Created by the lab\n"),
        Path("/root/.bashrc"): FittedFile(content=f"PS1='[root@{fitting.name} \\W]# '\n"),
    }


# -- what starts

_AT_BOOT = {
    "sysinit": (
        "systemd-journald.service",
        "systemd-sysctl.service",
        "systemd-tmpfiles-setup.service",
    ),
    "sockets": ("dbus.socket", "systemd-journald.socket", "systemd-journald-dev-log.socket"),
}
# Started over D-Bus by those who would like to have them; each takes its time to come up.
_MASKED = (
    "polkit.service",
    "dbus-org.freedesktop.hostname1.service",
    "dbus-org.freedesktop.login1.service",
    "dbus-org.freedesktop.resolve1.service",
    "systemd-hostnamed.service",
    "systemd-logind.service",
    "systemd-journald-audit.socket",
    "wpa_supplicant.service",
)


def _base_units() -> dict[Path, FittedFile]:
    files = {
        _DELIVERED / f"{target}.target.wants" / unit: FittedFile(link=f"../{unit}")
        for target, units in _AT_BOOT.items()
        for unit in units
    }
    files.update({UNITS / unit: FittedFile(link="/dev/null") for unit in _MASKED})
    files[UNITS / "default.target"] = FittedFile(link=str(_DELIVERED / "multi-user.target"))
    if (_DELIVERED / "dbus-broker.service").exists():
        files[UNITS / "dbus.service"] = FittedFile(link=str(_DELIVERED / "dbus-broker.service"))
    # It also bounds how long a shutdown waits for commands that were run from outside, whose
    # end it does not hear of.
    files[Path("/etc/systemd/system.conf.d/lab.conf")] = FittedFile(
        content="[Manager]\nDefaultTimeoutStopSec=3s\n"
    )
    files[Path("/etc/systemd/journald.conf.d/lab.conf")] = FittedFile(
        content="[Journal]\nStorage=volatile\nRuntimeMaxUse=16M\n"
    )
    return files


def _enabled(name: str, *, target: str = "multi-user") -> dict[Path, FittedFile]:
    """Return what ``systemctl enable`` makes for a unit that a package delivers."""
    unit = f"{name}.service"
    return {
        UNITS / f"{target}.target.wants" / unit: FittedFile(link=str(_DELIVERED / unit)),
    }


def _unit(name: str, content: str, *, enabled: bool) -> dict[Path, FittedFile]:
    """Return a unit as if a package had delivered it."""
    files = {_DELIVERED / f"{name}.service": FittedFile(content=content)}
    return {**files, **(_enabled(name) if enabled else {})}


def _sshd(fitting: Fitting) -> dict[Path, FittedFile]:
    ssh = Path("/etc/ssh")
    config = f"""\
HostKey {ssh}/ssh_host_ed25519_key
PermitRootLogin prohibit-password
PasswordAuthentication no
UsePAM no
UseDNS no
MaxStartups 100
Subsystem sftp internal-sftp
"""
    # PAM would set these, as it does there; the machine's own environment is not for logins.
    environment = "PATH=/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8"
    unit = """\
[Unit]
Description=OpenSSH server daemon
After=network.target

[Service]
Type=notify
RuntimeDirectory=sshd
RuntimeDirectoryMode=0755
ExecStart=/usr/sbin/sshd -D
ExecReload=/bin/kill -HUP $MAINPID
KillMode=process
Restart=on-failure

[Install]
WantedBy=multi-user.target
"""
    return {
        ssh / "sshd_config": FittedFile(content=f"{config}SetEnv {environment}\n", mode=0o600),
        ssh / "ssh_host_ed25519_key": FittedFile(content=fitting.host_key, mode=0o600),
        Path("/root/.ssh/authorized_keys"): FittedFile(
            content=f"{fitting.authorized_key}\n", mode=0o600
        ),
        **_unit("sshd", unit, enabled=True),
    }


def _arptables(release: Release) -> dict[Path, FittedFile]:
    if release is Release.STREAM10:
        return {}  # a guess: no package is known to bring the service there
    # After=network.target is from memory of the package's unit, so a guess; it is also the
    # harder case, since the VIP may be there before the rules.
    unit = """\
[Unit]
Description=Stand-in for the arptables service of Enterprise Linux
After=network.target

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/bin/sh -c 'exec arptables-restore < /etc/sysconfig/arptables'
ExecStop=/bin/sh -c 'exec arptables -F'

[Install]
WantedBy=multi-user.target
"""
    files = _unit("arptables", unit, enabled=False)
    if release is Release.CENTOS7:  # which knows the old kernel interface only
        for name in ("arptables", "arptables-save", "arptables-restore"):
            program = name.replace("arptables", "/usr/sbin/arptables-legacy")
            if Path(program).exists():
                files[Path("/usr/sbin") / name] = FittedFile(link=program)
    return files


def _firewalld(*, enabled: bool) -> dict[Path, FittedFile]:
    # The zones are those of the package: ssh and dhcpv6-client may come in, nothing else.
    config = "DefaultZone=public\nFirewallBackend=nftables\n"
    files = {Path("/etc/firewalld/firewalld.conf"): FittedFile(content=config)}
    if enabled:
        files.update(_enabled("firewalld"))
        files[UNITS / "dbus-org.fedoraproject.FirewallD1.service"] = FittedFile(
            link=str(_DELIVERED / "firewalld.service")
        )
    return files


def _web_server(fitting: Fitting) -> dict[Path, FittedFile]:
    unit = f"""\
[Unit]
Description=Web server of the lab, stand-in for httpd
After=network.target

[Service]
Type=notify
Environment=VERSION=1 PYTHONDONTWRITEBYTECODE=1
EnvironmentFile=-/etc/sysconfig/httpd
WorkingDirectory={fitting.web_directory}
ExecStart={" ".join(fitting.web)}
TimeoutStopSec=90
Restart=on-failure

[Install]
WantedBy=multi-user.target
"""
    return _unit("httpd", unit, enabled=True)


# -- the network


def _network_manager(fitting: Fitting) -> dict[Path, FittedFile]:
    config = "[main]\nplugins=keyfile\nno-auto-default=*\nauth-polkit=root-only\ndns=none\n"
    profile = f"""\
[connection]
id={fitting.interface}
uuid={uuid.uuid5(uuid.NAMESPACE_DNS, f"{fitting.name}.{fitting.interface}.lab")}
type=ethernet
interface-name={fitting.interface}

[ipv4]
method=manual
address1={fitting.address}/{fitting.prefix},{fitting.gateway}

[ipv6]
method=link-local
"""
    files = {
        Path("/etc/NetworkManager/NetworkManager.conf"): FittedFile(content=config),
        _PROFILES / f"{fitting.interface}.nmconnection": FittedFile(content=profile, mode=0o600),
        **_enabled("NetworkManager"),
        **_enabled("NetworkManager-wait-online", target="network-online"),
        UNITS / "dbus-org.freedesktop.nm-dispatcher.service": FittedFile(
            link=str(_DELIVERED / "NetworkManager-dispatcher.service")
        ),
        # As where a service wants the network to be online: the boot has ended when it is.
        UNITS / "multi-user.target.wants/network-online.target": FittedFile(
            link=str(_DELIVERED / "network-online.target")
        ),
    }
    if fitting.release is Release.STREAM8:
        files.update(_without_loopback_profiles())
    return files


def _without_loopback_profiles() -> dict[Path, FittedFile]:
    """Make NetworkManager look like 1.40: it leaves lo alone, and says that it is 1.40.

    The stand-in for ``nmcli`` hands all but ``--version`` on to the real one.
    """
    real = _LIBEXEC / "nmcli-of-this-machine"
    stand_in = f"""\
#!/bin/sh
# Stand-in of the lab: the NetworkManager that runs here is newer than it says.
case $1 in
-v | --version | -version) echo "nmcli tool, version 1.40.16" ;;
*) exec {real} "$@" ;;
esac
"""
    return {
        Path("/etc/NetworkManager/conf.d/lab-leaves-lo-alone.conf"): FittedFile(
            content="[keyfile]\nunmanaged-devices=interface-name:lo\n"
        ),
        real: FittedFile(copied=Path("/usr/bin/nmcli"), mode=0o755),
        Path("/usr/bin/nmcli"): FittedFile(content=stand_in, mode=0o755),
    }


def _network_scripts(fitting: Fitting) -> dict[Path, FittedFile]:
    program = _LIBEXEC / "network-scripts-stand-in"
    unit = f"""\
[Unit]
Description=Stand-in for the network service of CentOS 7
Wants=network.target
After=network-pre.target
Before=network.target network-online.target

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart={program} start
ExecStop={program} stop

[Install]
WantedBy=multi-user.target
"""
    loopback = """\
DEVICE=lo
IPADDR=127.0.0.1
NETMASK=255.0.0.0
NETWORK=127.0.0.0
BROADCAST=127.255.255.255
ONBOOT=yes
NAME=loopback
"""
    interface = f"""\
TYPE=Ethernet
BOOTPROTO=none
DEFROUTE=yes
NAME={fitting.interface}
DEVICE={fitting.interface}
ONBOOT=yes
IPADDR={fitting.address}
PREFIX={fitting.prefix}
GATEWAY={fitting.gateway}
"""
    scripts = _SYSCONFIG / "network-scripts"
    script = Path(__file__).with_name("network-scripts-stand-in.bash").read_text(encoding="utf-8")
    absent = {
        **{Path("/usr/bin") / name: FittedFile(removed=True) for name in ("nmcli", "nmtui")},
        Path("/usr/sbin/NetworkManager"): FittedFile(removed=True),
        _DELIVERED / "NetworkManager.service": FittedFile(removed=True),
        _DELIVERED / "NetworkManager-wait-online.service": FittedFile(removed=True),
        _DELIVERED / "NetworkManager-dispatcher.service": FittedFile(removed=True),
    }
    return {
        program: FittedFile(content=script, mode=0o755),
        **{Path("/usr/sbin") / name: FittedFile(link=str(program)) for name in ("ifup", "ifdown")},
        scripts / "ifcfg-lo": FittedFile(content=loopback),
        scripts / f"ifcfg-{fitting.interface}": FittedFile(content=interface),
        **_unit("network", unit, enabled=True),
        **absent,
    }
