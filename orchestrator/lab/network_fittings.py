"""Who reads which network files at boot on a host of the lab, by release."""

import uuid
from pathlib import Path

from orchestrator.lab.fitted_files import DELIVERED, UNITS, FittedFile, Fitting, delivered, enabled
from orchestrator.lab.release import Release

_LIBEXEC = Path("/usr/libexec/kemp-lab")
_PROFILES = Path("/etc/NetworkManager/system-connections")
_SCRIPTS = Path("/etc/sysconfig/network-scripts")


def network_files(fitting: Fitting) -> dict[Path, FittedFile]:
    """Return the files of a host that bring up its network, and those that it must not have."""
    if fitting.release is Release.CENTOS7:
        return _network_scripts(fitting)
    return _network_manager(fitting)


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
        **enabled("NetworkManager"),
        **enabled("NetworkManager-wait-online", target="network-online"),
        UNITS / "dbus-org.freedesktop.nm-dispatcher.service": FittedFile(
            link=str(DELIVERED / "NetworkManager-dispatcher.service")
        ),
        # As where a service wants the network to be online: the boot has ended when it is.
        UNITS / "multi-user.target.wants/network-online.target": FittedFile(
            link=str(DELIVERED / "network-online.target")
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
    script = Path(__file__).with_name("network-scripts-stand-in.bash").read_text(encoding="utf-8")
    absent = {
        **{Path("/usr/bin") / name: FittedFile(removed=True) for name in ("nmcli", "nmtui")},
        Path("/usr/sbin/NetworkManager"): FittedFile(removed=True),
        DELIVERED / "NetworkManager.service": FittedFile(removed=True),
        DELIVERED / "NetworkManager-wait-online.service": FittedFile(removed=True),
        DELIVERED / "NetworkManager-dispatcher.service": FittedFile(removed=True),
    }
    return {
        program: FittedFile(content=script, mode=0o755),
        **{Path("/usr/sbin") / name: FittedFile(link=str(program)) for name in ("ifup", "ifdown")},
        _SCRIPTS / "ifcfg-lo": FittedFile(content=loopback),
        _SCRIPTS / f"ifcfg-{fitting.interface}": FittedFile(content=interface),
        **delivered("network", unit, at_boot=True),
        **absent,
    }
