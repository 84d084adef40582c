"""What tests need that boot hosts."""

import os
import shutil
from pathlib import Path

import pytest

_TOOLS = "systemctl dbus-daemon NetworkManager nmcli sshd ssh ip nft arptables firewall-cmd sysctl"


def need_systemd() -> None:
    """Skip the test where hosts of the lab cannot be booted."""
    path = f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"
    if gone := [name for name in _TOOLS.split() if shutil.which(name, path=path) is None]:
        pytest.skip(f"no {', '.join(gone)} on this machine: .ci/packages installs them")
    if os.geteuid() != 0:
        pytest.skip("booting hosts needs root: run as root")


def control_groups(name: str) -> list[Path]:
    """Return the control groups of this machine that are called so."""
    return [Path(path) for path, _, _ in os.walk("/sys/fs/cgroup") if Path(path).name == name]
