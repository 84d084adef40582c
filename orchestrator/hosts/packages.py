"""Which package of a release brings a tool. Pure."""

from orchestrator.hosts.state import Release

_COREUTILS = "coreutils"
# Enterprise Linux (CentOS, RHEL and their kin), then Debian's name where it is another.
_PACKAGES = {
    "arptables-restore": ("iptables-nft", "arptables"),
    "arptables": ("iptables-nft", "arptables"),
    "awk": ("gawk", "gawk"),
    "chroot": (_COREUTILS, _COREUTILS),
    "firewall-cmd": ("firewalld", "firewalld"),
    "firewall-offline-cmd": ("firewalld", "firewalld"),
    "grep": ("grep", "grep"),
    "ip": ("iproute", "iproute2"),
    "nmcli": ("NetworkManager", "network-manager"),
    "restorecon": ("policycoreutils", "policycoreutils"),
    "setsid": ("util-linux", "util-linux"),
    "sudo": ("sudo", "sudo"),
    "systemctl": ("systemd", "systemd"),
}
# Known, not seen: no such machine was there to look at.
_ARPTABLES_BY_MAJOR = {7: "arptables", 8: "iptables-arptables"}
_DEBIAN = frozenset({"debian", "ubuntu"})


def package_of(tool: str, release: Release | None) -> str:
    """Return the package that brings a tool; both names where the release is not known."""
    enterprise, debian = _PACKAGES.get(tool, (_COREUTILS, _COREUTILS))
    if release is not None and release.id:
        if release.id in _DEBIAN:
            return debian
        if tool.startswith("arptables"):
            return _ARPTABLES_BY_MAJOR.get(release.major or 0, enterprise)
        return enterprise
    return enterprise if enterprise == debian else f"{enterprise} (Debian: {debian})"
