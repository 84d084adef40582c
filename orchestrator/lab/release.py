"""What a host of the lab looks like."""

from enum import Enum


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


_NAMES = {
    Release.CENTOS7: ("CentOS Linux", "7", "7 (Core)", "CentOS Linux release 7.9.2009 (Core)"),
    Release.STREAM8: ("CentOS Stream", "8", "8", "CentOS Stream release 8"),
    Release.STREAM9: ("CentOS Stream", "9", "9", "CentOS Stream release 9"),
    Release.STREAM10: ("CentOS Stream", "10", "10 (Coughlan)", "CentOS Stream release 10"),
}


def release_line(release: Release) -> str:
    """Return the content of /etc/centos-release."""
    return f"{_NAMES[release][3]}\n"


def os_release(release: Release) -> str:
    """Return the content of /etc/os-release."""
    name, number, version, _ = _NAMES[release]
    return (
        f'NAME="{name}"\nVERSION="{version}"\nID="centos"\nID_LIKE="rhel fedora"\n'
        f'VERSION_ID="{number}"\nPRETTY_NAME="{name} {version}"\n'
    )
