"""A directory that a host's tools can run in: a shell, and tools that are scripts for it."""

import re
import shutil
import subprocess
from pathlib import Path


def furnish(root: Path) -> Path:
    """Give the directory a shell with the libraries it needs, so that chroot works there."""
    shell = shutil.which("dash") or shutil.which("bash")
    assert shell is not None, "no dash and no bash: apt-get install dash"
    (root / "bin").mkdir(parents=True, exist_ok=True)
    shutil.copy(shell, root / "bin/sh")
    listed = subprocess.run(["ldd", shell], capture_output=True, text=True, check=True).stdout
    for library in re.findall(r"/\S+", listed):
        place = root / library[1:]
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(library, place)
    return root


def tool(root: Path, name: str, script: str) -> None:
    """Give the host a tool: shell code that may use only what is part of the shell."""
    path = root / "usr/bin" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


def calls(root: Path) -> list[str]:
    """Return what LOGGING tools were called with, oldest first."""
    log = root / "calls"
    return log.read_text().splitlines() if log.exists() else []


LOGGING = 'echo "${0##*/} $*" >>/calls'
"""Shell code that keeps how a tool was called."""
