"""A control group of our own, so that what runs in it can be found, ended and cleared away.

For processes that have mounts of their own: the hierarchy may have to be mounted first.
"""

import os
import time
from contextlib import suppress
from pathlib import Path

from orchestrator.lab.mounts import QUIET, mount

_PLACE = Path("/sys/fs/cgroup")
_EMPTY_S = 10.0


class ControlGroup:
    """A control group below the one of this process. It stays until it is removed."""

    def __init__(self, name: str) -> None:
        """Make it.

        Raises:
            OSError: no right to, or this kernel has no cgroup v2.
        """
        if not (_PLACE / "cgroup.procs").exists():  # version 1, or nothing
            mount("cgroup2", _PLACE, QUIET)
        lines = Path("/proc/self/cgroup").read_text().splitlines()
        ours = next((line.removeprefix("0::/") for line in lines if line.startswith("0::/")), "")
        self._group = _PLACE / ours / name
        self._group.mkdir()

    def join(self) -> None:
        """Move this process into it; its children will be there, too."""
        (self._group / "cgroup.procs").write_text("0")

    def remove(self) -> None:
        """Kill what is in it, and remove it and those below.

        Raises:
            OSError: something stays in it for 10 s.
        """
        with suppress(FileNotFoundError):  # kernels before 5.14; its processes are dead anyway
            (self._group / "cgroup.kill").write_text("1")
        deadline = time.monotonic() + _EMPTY_S
        while True:
            try:
                for group, _, _ in os.walk(self._group, topdown=False):
                    Path(group).rmdir()
            except OSError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.01)
            else:
                return
