"""The driver for hosts whose network is on this machine: its own, or a namespace of it.

The only importer of pyroute2 here. Sysctls are files of the namespace below /proc/sys/net;
addresses go over netlink; files lie below ``Host.root``, and only there is anything written.
"""

import ipaddress
import os
import re
import signal
import subprocess
import tempfile
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO, Any, TypeVar

from pyroute2 import IPRoute  # type: ignore[import-untyped] # it ships no types
from pyroute2.netlink.exceptions import (  # type: ignore[import-untyped] # it ships no types
    NetlinkError,
)

from kempsdk.clock import Clock, SystemClock
from orchestrator.errors import HostChangeFailed, HostUnreachable, IsolationUnavailable
from orchestrator.hosts.driver import CommandResult, Host
from orchestrator.hosts.host_files import HostFiles
from orchestrator.hosts.socket_table import TABLES, parse
from orchestrator.hosts.state import (
    MANAGED_FILES,
    AddAddress,
    HostAddress,
    NetChange,
    NetState,
    RemoveAddress,
    SetSysctl,
    Socket,
    WriteFile,
    describe,
)
from orchestrator.hosts.sysctl_files import DIRECTORIES, LAST_FILE, lines_about_arp
from orchestrator.network_namespace import NetworkNamespace

T = TypeVar("T")

_CONF = Path("/proc/sys/net/ipv4/conf")
_SYSCTLS = ("arp_ignore", "arp_announce", "rp_filter")
_SETTABLE = re.compile(r"conf/(?P<name>[^/]+)/(arp_ignore|arp_announce|rp_filter)")
_IPV4 = 2  # AF_INET; an int, because that is what pyroute2 compares with
_NOT_THERE = 99  # EADDRNOTAVAIL: what the kernel says to removing an address that is gone
_MOST_OUTPUT = 64 * 1024
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

    def read(self, host: Host) -> NetState:
        """Read everything. Needs no privilege for this machine's own network.

        Raises:
            HostUnreachable: no such namespace, no permission, or a file cannot be read.
        """
        try:
            files = HostFiles(host.root)
            contents = {path: files.read(path) for path in _sysctl_files(files)}
            managed = {path: files.read(path) for path in MANAGED_FILES}
            return _inside(
                host,
                lambda: _read_network(
                    # A link into nowhere (the usual mask: to /dev/null) hides files of its name.
                    sysctl_files={path: text or "" for path, text in contents.items()},
                    managed={path: text for path, text in managed.items() if text is not None},
                ),
            )
        except (OSError, NetlinkError) as error:
            raise HostUnreachable(f"{host.name}: could not be read: {_reason(error)}") from error

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
                    _carry_out(host, change)
                except (OSError, NetlinkError) as error:
                    raise HostChangeFailed(
                        f"{host.name}: could not {describe(change)}: {_reason(error)}", done=done
                    ) from error
                done.append(describe(change))

        _inside(host, work)

    def run(self, host: Host, argv: Sequence[str], *, timeout_s: float) -> CommandResult:
        """Run a command in the host's network, without a shell and without input.

        At the timeout the command and what it started in its process group are killed.
        Something that it leaves behind on purpose when it ends (a daemon) goes on. Output is
        cut to its last 64 KiB. A command that cannot be started ends as in a shell: 127 when
        there is none of that name, 126 when it may not be run.

        Raises:
            HostUnreachable: no such namespace, or no permission to enter it.
        """
        # Files, not pipes: a daemon that keeps the output open must not keep us waiting.
        with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:

            def start() -> subprocess.Popen[bytes]:
                return subprocess.Popen(
                    list(argv),
                    stdin=subprocess.DEVNULL,
                    stdout=out,
                    stderr=err,
                    start_new_session=True,
                )

            try:
                # A child belongs to the network namespace of the thread that starts it.
                process = _inside(host, start)
            except FileNotFoundError:
                return CommandResult(exit_code=127, stdout="", stderr=f"{argv[0]}: not found")
            except OSError as error:
                return CommandResult(
                    exit_code=126, stdout="", stderr=f"{argv[0]}: {error.strerror}"
                )
            exit_code = self._wait(process, timeout_s)
            return CommandResult(exit_code=exit_code, stdout=_tail(out), stderr=_tail(err))

    def _wait(self, process: "subprocess.Popen[bytes]", timeout_s: float) -> int | None:
        deadline = self._clock.monotonic_s() + timeout_s
        pause_s = 0.001
        try:
            while process.poll() is None and self._clock.monotonic_s() < deadline:
                self._clock.sleep(pause_s)
                pause_s = min(pause_s * 2, 0.02)
            return process.poll()
        finally:
            if process.returncode is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()


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


def _read_network(*, sysctl_files: dict[str, str], managed: dict[str, str]) -> NetState:
    with IPRoute() as netlink:
        names: dict[int, str] = {}
        interfaces: dict[str, str] = {}
        for link in netlink.get_links():
            name = link.get("ifname")
            names[link["index"]] = name
            mac = link.get("address") or ""
            interfaces[name] = "" if mac == "00:00:00:00:00:00" else mac
        addresses = tuple(
            _address(one, names) for one in netlink.get_addr(family=_IPV4) if one["index"] in names
        )
        default_route = _default_route(netlink, names)
    return NetState(
        interfaces=interfaces,
        addresses=addresses,
        sysctls=_live_sysctls(["all", "default", *interfaces]),
        persistent_sysctls=lines_about_arp(sysctl_files),
        files=managed,
        sockets=_sockets(),
        default_route=default_route,
    )


# Any below: pyroute2 hands out messages without types.
def _address(message: Any, names: dict[int, str]) -> HostAddress:
    interface = names[message["index"]]
    label = message.get("label")
    return HostAddress(
        # local, not address: on a point-to-point link the latter is the peer's
        address=message.get("local") or message.get("address"),
        prefix=message["prefixlen"],
        interface=interface,
        label=label if label != interface else None,
    )


def _default_route(netlink: Any, names: dict[int, str]) -> tuple[str, str] | None:
    main_table = 254
    routes = sorted(
        netlink.get_default_routes(family=_IPV4, table=main_table),
        key=lambda route: route.get("priority") or 0,
    )
    for route in routes:
        hops = route.get("multipath")
        index = hops[0]["oif"] if hops else route.get("oif")
        gateway = (hops[0] if hops else route).get("gateway")
        if index in names:
            return (gateway or "", names[index])
    return None


def _live_sysctls(scopes: Sequence[str]) -> dict[str, int]:
    values = {}
    for scope in scopes:
        for key in _SYSCTLS:
            try:
                values[f"conf/{scope}/{key}"] = int((_CONF / scope / key).read_text())
            except FileNotFoundError:
                continue  # no IPv4 there (MTU below 68), or gone since the links were listed
    return values


def _sockets() -> tuple[Socket, ...]:
    found: list[Socket] = []
    for table in TABLES:
        # thread-self, not self: the main thread lives in another network
        path = Path("/proc/thread-self/net") / table
        if path.exists():  # no tcp6 where IPv6 is switched off
            found += parse(table, path.read_text())
    return tuple(found)


def _sysctl_files(files: HostFiles) -> list[str]:
    return [
        *(path for directory in DIRECTORIES for path in files.names_in(directory)),
        LAST_FILE,
    ]


def _carry_out(host: Host, change: NetChange) -> None:
    match change:
        case SetSysctl():
            _set_sysctl(change)
        case WriteFile(content=None):
            HostFiles(host.root).remove(change.path)
        case WriteFile(content=str(content)):
            HostFiles(host.root).write(change.path, content)
        case AddAddress(address=address):
            with IPRoute() as netlink:
                netlink.addr(
                    "replace",
                    index=_index(netlink, address.interface),
                    address=address.address,
                    prefixlen=address.prefix,
                    **({"label": address.label} if address.label else {}),
                )
        case RemoveAddress(address=address):
            with IPRoute() as netlink:
                _remove_address(netlink, address)


def _remove_address(netlink: Any, address: HostAddress) -> None:
    index = _index(netlink, address.interface)
    network = ipaddress.ip_interface(f"{address.address}/{address.prefix}").network
    siblings = [
        one
        for one in netlink.get_addr(family=_IPV4, index=index)
        if one["prefixlen"] == address.prefix
        and one.get("local") != address.address
        and ipaddress.ip_address(one.get("local")) in network
    ]
    # The first address of a network takes the others of that network with it, routes and all,
    # unless they are promoted.
    promote = _CONF / address.interface / "promote_secondaries"
    before = promote.read_text()
    if siblings:
        promote.write_text("1\n")
    try:
        netlink.addr("del", index=index, address=address.address, prefixlen=address.prefix)
    except NetlinkError as error:
        if error.code != _NOT_THERE:
            raise
    finally:
        if siblings:
            promote.write_text(before)


def _set_sysctl(change: SetSysctl) -> None:
    match = _SETTABLE.fullmatch(change.key)
    if match is None or match["name"] in (".", ".."):
        raise OSError(f"{change.key} is not a sysctl that is set here")
    # The file itself, not sysctl(8): that takes the dots of an interface name for slashes.
    file = _CONF.parent / change.key
    file.write_text(f"{change.value}\n")
    got = file.read_text().strip()
    if got != str(change.value):
        raise OSError(f"it reads {got!r} after writing {change.value}")


def _index(netlink: IPRoute, interface: str) -> int:
    found = list(netlink.link_lookup(ifname=interface))
    if not found:
        raise OSError(f"there is no interface {interface}")
    return int(found[0])


def _reason(error: OSError | NetlinkError) -> str:
    code = error.code if isinstance(error, NetlinkError) else error.errno
    text = str(error.args[-1]) if code is None else os.strerror(code)
    if isinstance(error, OSError) and error.filename:
        text = f"{error.filename}: {text}"
    return f"{text}: {_AS_ROOT}" if code in (1, 13) else text


def _tail(file: IO[bytes]) -> str:
    size = file.seek(0, os.SEEK_END)
    file.seek(max(0, size - _MOST_OUTPUT))
    return file.read().decode("utf-8", errors="replace")
