"""A private world for a command: own mounts, network and processes, gone when it ends.

``run_isolated`` starts ``unshare`` with a small first process, which starts the command.
The caller holds a pipe to that first process: signals travel over it, and when the caller
is killed, even by SIGKILL, the pipe's end makes the first process exit, and with it the
kernel ends every process and drops every namespace, mount and sysctl of that world.
"""

import argparse
import fcntl
import os
import shutil
import signal
import socket
import struct
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import FrameType
from typing import NoReturn

from orchestrator.errors import IsolationUnavailable
from orchestrator.lab.mounts import NODEV, NOSUID, mount

_FORWARDED = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_UNSHARE = ("unshare", "--mount", "--net", "--pid", "--fork", "--kill-child", "--mount-proc")
_AS_USER = ("--user", "--map-root-user")
_SIOCGIFFLAGS, _SIOCSIFFLAGS, _IFF_UP = 0x8913, 0x8914, 0x1
_PRIVATE_DIRECTORY = Path("/run")


_PACKAGES = {
    "unshare": ("util-linux", "util-linux"),
    "nsenter": ("util-linux", "util-linux"),
    "ip": ("iproute2", "iproute"),
    "ssh": ("openssh-client", "openssh-clients"),
    "ssh-keygen": ("openssh-client", "openssh"),
    "sshd": ("openssh-server", "openssh-server"),
    "systemctl": ("systemd", "systemd"),
    "dbus-daemon": ("dbus", "dbus-daemon"),
    "sysctl": ("procps", "procps-ng"),
    "arping": ("iputils-arping", "iputils"),
    "arptables": ("arptables", "iptables-nft"),
    "nmcli": ("network-manager", "NetworkManager"),
    "firewall-cmd": ("firewalld", "firewalld"),
}
"""Who has a command: on Debian, on CentOS. The lists of .ci/packages are the same."""


def require_tool(name: str) -> str:
    """Return the path of a system tool.

    Raises:
        IsolationUnavailable: it is missing; says which package has it.
    """
    path = shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")
    if path is None:
        package = dict(zip(("apt-get", "dnf"), _PACKAGES[name], strict=True))
        here = [tool for tool in package if shutil.which(tool)]
        commands = [f"{tool} install {package[tool]}" for tool in here or package]
        raise IsolationUnavailable(
            f"the command '{name}' is missing; install it with: {' or '.join(commands)}"
        )
    return path


def isolation_prefix() -> tuple[str, ...]:
    """Return the command line that makes a private world here, after trying it out.

    Takes some 10 ms and leaves nothing behind.

    Raises:
        IsolationUnavailable: not possible here; says what is missing and how to get it.
    """
    if not sys.platform.startswith("linux"):
        raise IsolationUnavailable("network namespaces are a feature of the Linux kernel")
    tool = require_tool("unshare")
    plain = (tool, *_UNSHARE[1:])
    # Root without the capability (a container) may still be allowed a user namespace.
    candidates = [plain, (*plain, *_AS_USER)] if os.geteuid() == 0 else [(*plain, *_AS_USER)]
    complaints = []
    for candidate in candidates:
        tried = subprocess.run(
            [*candidate, "true"], capture_output=True, text=True, check=False, timeout=30
        )
        if tried.returncode == 0:
            return candidate
        complaints.append(tried.stderr.strip().removeprefix("unshare: "))
    raise IsolationUnavailable(f"no private namespaces: {complaints[0]}. {cure()}")


def cure(proc_sys: Path = Path("/proc/sys")) -> str:
    """Say what would allow namespaces here; reads the switches that may forbid them."""
    switches = {
        "user/max_user_namespaces": ("0", "10000"),  # as RHEL 7 is delivered
        "kernel/unprivileged_userns_clone": ("0", "1"),  # older Debian
        "kernel/apparmor_restrict_unprivileged_userns": ("1", "0"),  # Ubuntu since 23.10
    }
    for key, (closed, opened) in switches.items():
        try:
            value = (proc_sys / key).read_text().strip()
        except OSError:
            continue
        if value == closed:
            name = key.replace("/", ".")
            return (
                f"User namespaces are switched off here: sysctl -w {name}={opened}, or run as root"
            )
    if os.geteuid() == 0:
        return (
            "In a container: start it with --privileged (or with CAP_SYS_ADMIN and CAP_NET_ADMIN)"
        )
    return "Run as root, or allow user namespaces to this user"


def world_argv(prefix: Sequence[str], argv: Sequence[str], *, lifeline: int | None) -> list[str]:
    """Return the command line of a world that runs ``argv``.

    Args:
        prefix: from :func:`isolation_prefix`.
        lifeline: a file descriptor to inherit; the world ends when it reaches its end.
            None for a world that outlives its maker.
    """
    first = [sys.executable, "-m", "orchestrator.lab.isolation"]
    if lifeline is not None:
        first += ["--lifeline", str(lifeline)]
    return [*prefix, *first, "--", *argv]


def cared_for(argv: Sequence[str], *, keep: int) -> list[str]:
    """Return the command line of a world that boots machines: what it leaves is cleared away.

    Args:
        keep: a file descriptor for the world to inherit.
    """
    return [sys.executable, "-m", "orchestrator.lab.caretaker", f"--keep={keep}", "--", *argv]


def run_isolated(
    argv: Sequence[str],
    *,
    environment: Mapping[str, str] | None = None,
    boots_machines: bool = False,
    inherit: Sequence[int] = (),
) -> int:
    """Run a command in a private world and wait for it.

    Inside, the command is root over namespaces of its own, /run is empty memory and
    ``TMPDIR`` points there; loopback is up. Stdin, stdout and stderr are the caller's.
    SIGINT, SIGTERM and SIGHUP that reach the caller reach the command once (when called
    from the main thread); nothing is left when either of them ends.

    Args:
        argv: the command; must be found and readable by this user.
        environment: of the command; default the caller's.
        boots_machines: needs root.
        inherit: further file descriptors for the command.

    Returns:
        Its exit code, or 128 plus the number of the signal that ended it.

    Raises:
        IsolationUnavailable: not possible here; nothing was started.
    """
    prefix = isolation_prefix()
    lifeline, hold = os.pipe2(os.O_CLOEXEC)

    def forward(number: int, _frame: FrameType | None) -> None:
        try:
            os.write(hold, bytes((number,)))
        except BrokenPipeError:
            return  # the command has just ended; its exit code says how

    previous = {}
    try:
        if threading.current_thread() is threading.main_thread():
            previous = {number: signal.signal(number, forward) for number in _FORWARDED}
        # A session of its own: Ctrl-C at the terminal then comes here only, and is passed on.
        world = world_argv(prefix, argv, lifeline=lifeline)
        process = subprocess.Popen(
            cared_for(world, keep=lifeline) if boots_machines else world,
            env=None if environment is None else dict(environment),
            pass_fds=(lifeline, *inherit),
            start_new_session=True,
        )
        os.close(lifeline)
        lifeline = -1
        code = process.wait()
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
        for descriptor in (lifeline, hold):
            if descriptor >= 0:
                os.close(descriptor)
    return code if code >= 0 else 128 - code


def _first_process(argv: Sequence[str], lifeline: int | None) -> NoReturn:
    """Be process 1 of the world: furnish it, run the command, reap, exit with its code."""
    _mount_memory(_PRIVATE_DIRECTORY)
    _raise_loopback()
    if lifeline is not None:
        os.set_inheritable(lifeline, False)
    environment = {**os.environ, "TMPDIR": str(_PRIVATE_DIRECTORY)}
    try:
        command = os.posix_spawnp(argv[0], list(argv), environment)
    except OSError as error:
        sys.stderr.write(f"{argv[0]}: {error.strerror}\n")
        sys.exit(127)

    def forward(number: int, _frame: FrameType | None) -> None:
        os.kill(command, number)

    for number in _FORWARDED:
        signal.signal(number, forward)
    if lifeline is not None:
        pulse = threading.Thread(target=_follow, args=(lifeline, forward), daemon=True)
        pulse.start()
    while True:
        # Orphans become children of process 1: reaping any child keeps zombies away.
        pid, status = os.wait()
        if pid == command:
            code = os.waitstatus_to_exitcode(status)
            # No interpreter shutdown: leaving is what ends everything else in this world.
            os._exit(code if code >= 0 else 128 - code)


def _follow(lifeline: int, forward: Callable[[int, FrameType | None], None]) -> None:
    while received := os.read(lifeline, 1):
        forward(received[0], None)
    os._exit(128 + signal.SIGKILL)  # whoever made this world is gone


def _mount_memory(directory: Path) -> None:
    try:
        mount("tmpfs", directory, NOSUID | NODEV, "mode=0755")
    except OSError as error:
        sys.stderr.write(f"{error.strerror}\n")
        sys.exit(126)


def _raise_loopback() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        request = struct.pack("16sh14x", b"lo", 0)
        flags = struct.unpack("16sh14x", fcntl.ioctl(control, _SIOCGIFFLAGS, request))[1]
        fcntl.ioctl(control, _SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", flags | _IFF_UP))


def main() -> NoReturn:
    """Entry of the first process; started by ``unshare``, not by people."""
    parser = argparse.ArgumentParser(prog="python -m orchestrator.lab.isolation")
    parser.add_argument("--lifeline", type=int)
    parser.add_argument("argv", nargs="+")
    options = parser.parse_args()
    if os.getpid() != 1:
        parser.error("this is the first process of a private world; see run_isolated")
    _first_process(options.argv, options.lifeline)


if __name__ == "__main__":
    main()
