"""What a systemd host of the lab has on its disk before its first boot, by release.

A release decides what is fitted: who reads which network files at boot, which services there
are, how it calls itself. The programs are this machine's own, whatever their version.
"""

import uuid
from pathlib import Path

from orchestrator.lab.fitted_files import DELIVERED, UNITS, FittedFile, Fitting, delivered, enabled
from orchestrator.lab.network_fittings import network_files
from orchestrator.lab.release import Release, os_release, release_line

_TARGETS = ("sysinit", "local-fs", "sockets", "timers", "multi-user", "graphical", "getty")
_SYSCONFIG = Path("/etc/sysconfig")


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
    *(DELIVERED / f"{target}.target.wants" for target in _TARGETS),
)
"""Directories that begin empty: what this machine starts, or was told, is no business of a host's.
"""


def fitted(fitting: Fitting) -> dict[Path, FittedFile]:
    """Return the files of a host."""
    files = {**_identity(fitting), **_base_units(), **_sshd(fitting)}
    files.update(_arptables(fitting.release))
    files.update(network_files(fitting))
    if fitting.web:
        files.update(_web_server(fitting))
    files.update(_firewalld(at_boot=fitting.firewalld))
    return files


# -- who it is


def _identity(fitting: Fitting) -> dict[Path, FittedFile]:
    etc = Path("/etc")
    sentence = FittedFile(content=release_line(fitting.release))
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
    "dbus-org.freedesktop.resolve1.service",
    "systemd-hostnamed.service",
    "systemd-journald-audit.socket",
    "wpa_supplicant.service",
)


def _base_units() -> dict[Path, FittedFile]:
    files = {
        DELIVERED / f"{target}.target.wants" / unit: FittedFile(link=f"../{unit}")
        for target, units in _AT_BOOT.items()
        for unit in units
    }
    files.update({UNITS / unit: FittedFile(link="/dev/null") for unit in _MASKED})
    files[UNITS / "default.target"] = FittedFile(link=str(DELIVERED / "multi-user.target"))
    if (DELIVERED / "dbus-broker.service").exists():
        files[UNITS / "dbus.service"] = FittedFile(link=str(DELIVERED / "dbus-broker.service"))
    # It also bounds how long a shutdown waits for commands that were run from outside, whose
    # end it does not hear of.
    files[Path("/etc/systemd/system.conf.d/lab.conf")] = FittedFile(
        content="[Manager]\nDefaultTimeoutStopSec=3s\n"
    )
    files[Path("/etc/systemd/journald.conf.d/lab.conf")] = FittedFile(
        content="[Journal]\nStorage=volatile\nRuntimeMaxUse=16M\n"
    )
    return files


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
        **delivered("sshd", unit, at_boot=True),
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
    files = delivered("arptables", unit, at_boot=False)
    if release is Release.CENTOS7:  # which knows the old kernel interface only
        for name in ("arptables", "arptables-save", "arptables-restore"):
            program = name.replace("arptables", "/usr/sbin/arptables-legacy")
            if Path(program).exists():
                files[Path("/usr/sbin") / name] = FittedFile(link=program)
    return files


def _firewalld(*, at_boot: bool) -> dict[Path, FittedFile]:
    # The zones are those of the package: ssh and dhcpv6-client may come in, nothing else.
    config = "DefaultZone=public\nFirewallBackend=nftables\n"
    files = {Path("/etc/firewalld/firewalld.conf"): FittedFile(content=config)}
    if at_boot:
        files.update(enabled("firewalld"))
        files[UNITS / "dbus-org.fedoraproject.FirewallD1.service"] = FittedFile(
            link=str(DELIVERED / "firewalld.service")
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
    return delivered("httpd", unit, at_boot=True)
