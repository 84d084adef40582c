"""The machine below one systemd host of the lab: a disk, and boots of it. A process of its own.

Its disk is this system's own root directory with a layer of memory over it: what is written
there stays over reboots and is gone with this process. A boot gets new mounts, processes,
names and an empty /run, in a network namespace that the caller made. Needs root.

Told by lines on stdin: ``boot PATH`` (of a network namespace), ``kill``. Tells by lines on
stdout: ``ready PATH`` (of the disk, seen from outside), ``booted PID`` (of systemd), ``ended
HOW`` (reboot, poweroff, killed). At the end of stdin, also when the caller was killed, all of
it goes: processes, mounts, memory, control groups.
"""

import argparse
import os
import select
import signal
import socket
import sys
import uuid
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import NoReturn

from orchestrator.lab import mounts
from orchestrator.lab.control_group import ControlGroup
from orchestrator.lab.mounts import NODEV, NOSUID, QUIET, bind, mount

# What could change this machine itself: modules, raw device access, clock, device nodes.
_GIVEN_UP = {"sys_module": 16, "sys_rawio": 17, "sys_time": 25, "mknod": 27}
_DEVICES = ("null", "zero", "full", "random", "urandom", "tty")
_OPAQUE = "trusted.overlay.opaque"


class Disk:
    """The root file system: mounted as long as this process lives."""

    def __init__(self, directory: Path, *, hidden: list[Path], size_mib: int) -> None:
        """Mount it below ``directory``; what ``hidden`` names is empty to begin with."""
        mounts.unshare(mounts.NEWNS)
        mounts.make_private()
        self.place = directory / "disk"
        self.place.mkdir()
        mount("tmpfs", self.place, 0, f"mode=0755,size={size_mib}m")
        self.root, upper = self.place / "root", self.place / "upper"
        for folder in (self.root, upper, self.place / "work"):
            folder.mkdir()
        for path in hidden:
            below = upper / path.relative_to("/")
            below.mkdir(parents=True)
            os.setxattr(below, _OPAQUE, b"y")
        options = f"lowerdir=/,upperdir={upper},workdir={self.place}/work"
        mount("overlay", self.root, 0, options)


def _furnish(root: Path, *, visible: list[Path], boot_id: Path) -> None:
    """Mount what a boot has for itself: kernel file systems, devices, empty memory."""
    proc, sys_, dev = root / "proc", root / "sys", root / "dev"
    mount("proc", proc, QUIET)
    bind(boot_id, proc / "sys/kernel/random/boot_id", read_only=True)
    bind(proc / "sys", proc / "sys", read_only=True)
    bind(proc / "sys/net", proc / "sys/net")
    sysrq = proc / "sysrq-trigger"
    if sysrq.exists():  # not in every kernel
        bind(sysrq, sysrq, read_only=True)
    # Read-only tells systemd and NetworkManager that there is no udev to wait for.
    mount("sysfs", sys_, QUIET | mounts.RDONLY)
    mount("cgroup2", sys_ / "fs/cgroup", QUIET)
    mount("tmpfs", dev, NOSUID, "mode=0755,size=1m")
    for name in _DEVICES:
        (dev / name).touch()
        bind(Path("/dev") / name, dev / name)
    (dev / "console").touch()
    bind(Path("/dev/null"), dev / "console")
    for folder in ("pts", "shm"):
        (dev / folder).mkdir()
    terminals = "newinstance,ptmxmode=0666,mode=0620,gid=5"
    mount("devpts", dev / "pts", NOSUID | mounts.NOEXEC, terminals)
    mount("tmpfs", dev / "shm", NOSUID | NODEV, "mode=1777")
    for name, target in {
        "ptmx": "pts/ptmx",
        "fd": "/proc/self/fd",
        "stdin": "/proc/self/fd/0",
        "stdout": "/proc/self/fd/1",
        "stderr": "/proc/self/fd/2",
    }.items():
        (dev / name).symlink_to(target)
    mount("tmpfs", root / "run", NOSUID | NODEV, "mode=0755")
    mount("tmpfs", root / "tmp", NOSUID | NODEV, "mode=1777")
    for path in visible:
        place = root / path.relative_to("/")
        place.mkdir(parents=True, exist_ok=True)
        bind(path, place, read_only=True)


def _first_process(disk: Disk, init: str, *, name: str, visible: list[Path]) -> NoReturn:
    mounts.make_private()
    boot_id = disk.place / "boot_id"
    boot_id.write_text(f"{uuid.uuid4()}\n")
    _furnish(disk.root, visible=visible, boot_id=boot_id)
    mounts.pivot(disk.root)
    socket.sethostname(name)
    for capability in _GIVEN_UP.values():
        mounts.give_up_capability(capability)
    nothing = os.open("/dev/null", os.O_RDWR)
    for descriptor in range(3):
        os.dup2(nothing, descriptor)
    os.closerange(3, 1 << 12)
    environment = {"container": "kemp-lab", "PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}
    os.execve(init, [init], environment)  # noqa: S606 - becoming systemd is the point


class Machine:
    """One disk, and at most one boot of it at a time."""

    def __init__(self, options: argparse.Namespace) -> None:
        directory: Path = options.directory
        self._init: str = options.init
        self._name: str = options.name
        self._visible: list[Path] = options.visible
        self._disk = Disk(directory, hidden=options.hidden, size_mib=options.disk_mib)
        self._group = ControlGroup(f"kemp-lab-{os.getpid()}-{options.name}")
        self._booted: tuple[int, int] | None = None  # the watcher's pid, and a descriptor of it
        _tell(f"ready /proc/{os.getpid()}/root{self._disk.root}")

    def serve(self) -> None:
        """Do as told until the end of stdin."""
        try:
            while True:
                watched = [0] if self._booted is None else [0, self._booted[1]]
                readable, _, _ = select.select(watched, (), ())
                if self._booted is not None and self._booted[1] in readable:
                    self._ended()
                elif 0 in readable:
                    line = sys.stdin.readline()
                    if not line:
                        return
                    self._obey(line.split())
        finally:
            self._kill()
            self._group.remove()

    def _obey(self, words: list[str]) -> None:
        if words[0] == "boot":
            self._boot(words[1])
        else:
            self._kill()

    def _boot(self, network: str) -> None:
        reading, writing = os.pipe()
        watcher = os.fork()
        if watcher == 0:
            _never_return(lambda: self._watch(network, writing))
        os.close(writing)
        with os.fdopen(reading) as told:
            pid = told.read()
        self._booted = (watcher, os.pidfd_open(watcher))
        if pid:
            _tell(f"booted {pid}")

    def _watch(self, network: str, writing: int) -> NoReturn:
        """Make the namespaces, start the first process in them, end as it ended."""
        mounts.die_with_parent()
        self._group.join()
        mounts.enter(Path(network), mounts.NEWNET)
        mounts.unshare(
            mounts.NEWNS | mounts.NEWCGROUP | mounts.NEWUTS | mounts.NEWIPC | mounts.NEWPID
        )
        first = os.fork()
        if first == 0:
            mounts.die_with_parent()
            _never_return(
                lambda: _first_process(
                    self._disk, self._init, name=self._name, visible=self._visible
                )
            )
        os.write(writing, str(first).encode())
        os.close(writing)
        _, status = os.waitpid(first, 0)
        os._exit(os.WTERMSIG(status) if os.WIFSIGNALED(status) else 127)

    def _ended(self) -> None:
        assert self._booted is not None  # noqa: S101 - only called with one
        watcher, descriptor = self._booted
        self._booted = None
        os.close(descriptor)
        code = os.waitstatus_to_exitcode(os.waitpid(watcher, 0)[1])
        # In a namespace of processes, reboot(2) ends the first one by one of these signals.
        how = {signal.SIGHUP: "reboot", signal.SIGINT: "poweroff", 127: "failed"}
        _tell(f"ended {how.get(code, 'killed')}")

    def _kill(self) -> None:
        if self._booted is not None:
            os.kill(self._booted[0], signal.SIGKILL)  # its child dies with it
            self._ended()


def _never_return(function: Callable[[], NoReturn]) -> NoReturn:
    try:
        function()
    except BaseException as error:  # noqa: BLE001 - a forked process must not run on
        sys.stderr.write(f"{error}\n")
        sys.stderr.flush()
    finally:
        os._exit(127)


def _tell(line: str) -> None:
    with suppress(BrokenPipeError):  # the caller was killed: the end of stdin tells us, too
        os.write(1, f"{line}\n".encode())


def main() -> None:
    """Entry of the process; started by :mod:`orchestrator.lab.systemd_host`, not by people."""
    parser = argparse.ArgumentParser(prog="python -m orchestrator.lab.machine")
    parser.add_argument("--name", required=True, help="of the host")
    parser.add_argument("--directory", type=Path, required=True, help="empty, and ours alone")
    parser.add_argument("--init", required=True, help="path of systemd")
    parser.add_argument("--disk-mib", type=int, required=True, help="memory for changed files")
    parser.add_argument("--hidden", type=Path, action="append", default=[], help="starts empty")
    parser.add_argument("--visible", type=Path, action="append", default=[], help="read-only")
    Machine(parser.parse_args()).serve()


if __name__ == "__main__":
    main()
