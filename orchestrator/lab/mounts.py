"""Mounts, and what else a private world asks of the kernel, by its system calls."""

import ctypes
import os
import signal
from pathlib import Path

RDONLY, NOSUID, NODEV, NOEXEC = 0x1, 0x2, 0x4, 0x8
QUIET = NOSUID | NODEV | NOEXEC
NEWNS, NEWCGROUP, NEWUTS, NEWIPC = 0x20000, 0x2000000, 0x4000000, 0x8000000
NEWPID, NEWNET = 0x20000000, 0x40000000
_REMOUNT, _BIND, _REC, _PRIVATE = 0x20, 0x1000, 0x4000, 0x40000
_MNT_DETACH = 0x2
_PR_SET_PDEATHSIG, _PR_CAPBSET_DROP = 1, 24
_SYS_PIVOT_ROOT = {"x86_64": 155, "aarch64": 41, "ppc64le": 203, "s390x": 217}
_libc = ctypes.CDLL(None, use_errno=True)


def _check(result: int, what: str) -> None:
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, f"{what}: {os.strerror(code)}")


def mount(kind: str, target: Path, flags: int = 0, options: str = "") -> None:
    """Mount a file system of that kind; raises OSError, as all of these do."""
    arguments = (kind.encode(), str(target).encode(), kind.encode(), flags, options.encode())
    _check(_libc.mount(*arguments), f"cannot mount {kind} over {target}")


def bind(source: Path, target: Path, *, read_only: bool = False) -> None:
    """Show a file or directory, and what is mounted below it, at a second place."""
    paths = (str(source).encode(), str(target).encode())
    _check(_libc.mount(*paths, b"", _BIND | _REC, b""), f"cannot bind {source} to {target}")
    flags = _BIND | _REMOUNT | (RDONLY if read_only else 0)
    _check(_libc.mount(*paths, b"", flags, b""), f"cannot bind {source} to {target}")


def make_private() -> None:
    """Keep what is mounted from here on from spreading to other mount namespaces."""
    _check(_libc.mount(b"", b"/", b"", _REC | _PRIVATE, b""), "cannot make mounts private")


def pivot(root: Path) -> None:
    """Make a mounted directory the root, and let go of the old one."""
    os.chdir(root)
    _check(_libc.syscall(_SYS_PIVOT_ROOT[os.uname().machine], b".", b"."), "cannot change the root")
    _check(_libc.umount2(b".", _MNT_DETACH), "cannot let go of the old root")
    os.chdir("/")


def unshare(flags: int) -> None:
    """Move this process into new namespaces; NEWPID is for its children."""
    _check(_libc.unshare(flags), "cannot make namespaces")


def enter(namespace: Path, kind: int) -> None:
    """Move this thread into an existing namespace."""
    with namespace.open("rb") as opened:
        _check(_libc.setns(opened.fileno(), kind), f"cannot enter {namespace}")


def die_with_parent() -> None:
    """Have the kernel kill this process when the one that started it ends."""
    _check(_libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0), "cannot tie to the parent")


def give_up_capability(number: int) -> None:
    """Take a capability from all that this process will execute."""
    _check(_libc.prctl(_PR_CAPBSET_DROP, number, 0, 0, 0), f"cannot drop capability {number}")
