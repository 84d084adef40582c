"""The driver for hosts whose network is on this machine: its own, or a namespace of it.

The only importer of pyroute2 here. Sysctls are files of the namespace below /proc/sys/net;
addresses go over netlink; files lie below ``Host.root``, and only there is anything written.
No change can cut it off, since it comes over no network: it arms no revert as the ssh driver
does.
"""

import errno
import os
import subprocess
import threading
from collections.abc import Callable, Collection, Sequence
from datetime import datetime, timezone
from pathlib import Path
from typing import TypeVar

from pyroute2.netlink.exceptions import (  # type: ignore[import-untyped] # it ships no types
    NetlinkError,
)

from kempsdk.clock import Clock, SystemClock
from orchestrator.errors import (
    HostChangeFailed,
    HostTrouble,
    HostUnreachable,
    IsolationUnavailable,
)
from orchestrator.hosts import os_release
from orchestrator.hosts.answer import Answer, Unintelligible, answer
from orchestrator.hosts.changes import NetChange, describe
from orchestrator.hosts.driver import CommandResult, Host
from orchestrator.hosts.host_files import HostFiles
from orchestrator.hosts.local_command import run_command
from orchestrator.hosts.netlink_changes import NoTool, carry_out
from orchestrator.hosts.netlink_facts import read_network
from orchestrator.hosts.packages import package_of
from orchestrator.hosts.section_answer import sections_of
from orchestrator.hosts.sections import Arptables, Firewalld, Persistence, Section
from orchestrator.hosts.ssh_script import encoded, sections_script
from orchestrator.hosts.state import MANAGED_FILES, NetState
from orchestrator.hosts.sysctl_files import DIRECTORIES, LAST_FILE, lines_about_arp
from orchestrator.network_namespace import NetworkNamespace

T = TypeVar("T")

_SECTIONS_S = 60.0
_TROUBLES = {
    errno.EPERM: HostTrouble.PERMISSION,
    errno.EACCES: HostTrouble.PERMISSION,
    errno.EROFS: HostTrouble.READ_ONLY,
    errno.ENOSPC: HostTrouble.DISK_FULL,
    errno.EDQUOT: HostTrouble.DISK_FULL,
}
_AS_ROOT = "run as root, or as the user namespace's root"


class NetlinkDriver:
    """Reads and changes this machine's network and namespaces of it.

    Nothing is kept between calls. Safe to use from several threads.
    """

    def __init__(self, clock: Clock | None = None) -> None:
        """Make a driver.

        Args:
            clock: bounds the commands that are run; the machine's own unless given.
        """
        self._clock = clock or SystemClock()

    def read(self, host: Host, sections: Collection[Section] = ()) -> NetState:
        """Read the base. Needs no privilege for this machine's own network; sections may.

        Raises:
            HostUnreachable: no such namespace, no permission, or a file cannot be read.
        """
        try:
            files = HostFiles(host.root)
            contents = {path: files.read(path) for path in _sysctl_files(files)}
            managed = {path: files.read(path) for path in MANAGED_FILES}
            release = os_release.parse(files.read("/etc/os-release") or "")
            hostname = Path("/proc/sys/kernel/hostname").read_text()
            if host.root != "/":
                hostname = files.read("/etc/hostname") or ""

            def read() -> NetState:
                persistence, arptables, firewalld = (
                    _read_sections(host, sections) if sections else (None, None, None)
                )
                return read_network(
                    # A link into nowhere (the usual mask: to /dev/null) hides files of its name.
                    persistent_sysctls=lines_about_arp(
                        {path: text or "" for path, text in contents.items()}
                    ),
                    files={path: text for path, text in managed.items() if text is not None},
                    release=release,
                    hostname=hostname.strip(),
                    read_at=_date(self._clock.time_s()),
                    persistence=persistence,
                    arptables=arptables,
                    firewalld=firewalld,
                )

            return _inside(host, read)
        except (OSError, NetlinkError) as error:
            raise HostUnreachable(
                f"{host.name}: could not be read: {_reason(error)}", reason=_trouble(error)
            ) from error

    def apply(self, host: Host, changes: Sequence[NetChange]) -> None:
        """Carry the changes out in order; stop at the first that fails. Each may be repeated.

        Raises:
            HostUnreachable: no such namespace, or no permission to enter it.
            HostChangeFailed: names the change that failed and those that were done.
        """
        done: list[str] = []

        def work() -> None:
            for change in changes:
                try:
                    carry_out(host, change)
                except (OSError, NetlinkError) as error:
                    raise HostChangeFailed(
                        f"{host.name}: could not {describe(change)}: {_why_not(host, error)}",
                        done=done,
                        reason=_trouble(error),
                    ) from error
                done.append(describe(change))

        _inside(host, work)

    def apply_and_read(
        self, host: Host, changes: Sequence[NetChange], sections: Collection[Section] = ()
    ) -> NetState:
        """Carry the changes out, then read."""
        self.apply(host, changes)
        return self.read(host, sections)

    def run(self, host: Host, argv: Sequence[str], *, timeout_s: float) -> CommandResult:
        """Run a command in the host's network, as ``run_command`` does on this machine.

        Raises:
            HostUnreachable: no such namespace, or no permission to enter it.
        """
        # A child belongs to the network namespace of the thread that starts it.
        return run_command(
            argv, timeout_s, clock=self._clock, begin=lambda start: _inside(host, start)
        )


def _inside(host: Host, function: Callable[[], T]) -> T:
    """Run the function on a thread that lives in the host's network.

    A thread of its own also for this machine's network: pyroute2 must be opened and closed
    in one thread, and refuses to work where an event loop runs.
    """
    if host.namespace is None:
        return _on_a_thread(function)
    try:
        namespace = NetworkNamespace(host.namespace)
    except (HostUnreachable, IsolationUnavailable) as error:
        raise HostUnreachable(f"{host.name}: {error}") from error
    with namespace:
        return namespace.run(function)


def _on_a_thread(function: Callable[[], T]) -> T:
    results: list[T] = []
    errors: list[BaseException] = []

    def work() -> None:
        try:
            results.append(function())
        except BaseException as error:  # noqa: BLE001 - raised again in the caller's thread
            errors.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    if errors:
        raise errors[0]
    return results[0]


def _read_sections(
    host: Host, sections: Collection[Section]
) -> tuple[Persistence | None, Arptables | None, Firewalld | None]:
    """Read sections with the same script that goes to hosts over SSH.

    Raises:
        OSError: something could not be read.
    """
    try:
        done = subprocess.run(
            ["sh", "-s"],
            input=encoded(sections_script(host, sections)),
            capture_output=True,
            timeout=_SECTIONS_S,
            check=False,
        )
        found = answer(done.stdout)
        _check(found)
        return sections_of(found, host, sections)
    except subprocess.TimeoutExpired:
        raise OSError(f"the host's tools did not answer within {_SECTIONS_S:g} s") from None
    except Unintelligible as error:
        raise OSError(str(error)) from error


def _check(found: Answer) -> None:
    if found.missing is not None:
        raise NoTool(found.missing)
    if found.failed is not None:
        raise OSError(found.failed)
    if not found.complete:
        raise OSError("the shell that reads broke off")


def _date(time_s: float) -> str:
    return datetime.fromtimestamp(time_s, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def _sysctl_files(files: HostFiles) -> list[str]:
    return [
        *(path for directory in DIRECTORIES for path in files.names_in(directory)),
        LAST_FILE,
    ]


def _reason(error: OSError | NetlinkError) -> str:
    code = error.code if isinstance(error, NetlinkError) else error.errno
    text = str(error.args[-1]) if code is None else os.strerror(code)
    if isinstance(error, OSError) and error.filename:
        text = f"{error.filename}: {text}"
    return f"{text}: {_AS_ROOT}" if code in (1, 13) else text


def _why_not(host: Host, error: OSError | NetlinkError) -> str:
    if not isinstance(error, NoTool):
        return _reason(error)
    release = os_release.parse(HostFiles(host.root).read("/etc/os-release") or "")
    return f"{_reason(error)}: install the package {package_of(error.tool, release)}"


def _trouble(error: OSError | NetlinkError) -> HostTrouble:
    if isinstance(error, NoTool):
        return HostTrouble.MISSING_TOOL
    code = error.code if isinstance(error, NetlinkError) else error.errno
    return _TROUBLES.get(code or 0, HostTrouble.OTHER)
