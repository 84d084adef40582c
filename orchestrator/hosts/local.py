"""This very machine as a real server: for images, cloud-init, and a unit at boot."""

import shlex
from collections.abc import Sequence

from orchestrator.errors import SpecInvalid
from orchestrator.hosts.driver import Host, HostDriver
from orchestrator.hosts.state import NetState

UNIT = "kemp-host.service"
UNIT_PATH = f"/etc/systemd/system/{UNIT}"

_UNIT = """\
# Written by kemp: what this server carries for its load balancer. 'kemp host unit' writes it.
[Unit]
Description=Virtual addresses of the load balancer on this server
Documentation=man:systemd.special(7)
DefaultDependencies=no
# The sysctl files are applied, and the interface is there but has no address yet: nothing can
# be asked for the virtual address before the server keeps silent about it.
After=local-fs.target systemd-sysctl.service {device}
Wants={device} network-pre.target
Before={before}
Conflicts=shutdown.target

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart={command}

[Install]
WantedBy=multi-user.target
"""


def local_host(
    driver: HostDriver, *, interface: str | None = None, address: str | None = None
) -> Host:
    """Return this machine as a host.

    Args:
        interface: the device with its own address; None takes the default route's.
        address: its own address; None takes the interface's first one of IPv4.

    Raises:
        SpecInvalid: that cannot be told from the machine: it must be named.
        HostUnreachable: the machine's network cannot be read.
    """
    if interface is not None and address is not None:
        # Said whole, so at boot, before there are addresses and routes, it works as well.
        return Host(name="this host", address=address, interface=interface)
    state = driver.read(Host(name="this host", address="", interface=interface or "lo"))
    device = interface or _default_interface(state)
    return Host(name="this host", address=address or _address_on(state, device), interface=device)


def _default_interface(state: NetState) -> str:
    route = state.default_route
    if route is None:
        raise SpecInvalid(
            f"there is no default route; name the interface, one of {', '.join(state.interfaces)}",
            path="--interface",
        )
    return route[1]


def _address_on(state: NetState, interface: str) -> str:
    for one in state.addresses:
        if one.interface == interface and ":" not in one.address:
            return one.address
    raise SpecInvalid(f"{interface} has no IPv4 address; name the server's own", path="--address")


def unit(argv: Sequence[str], *, interface: str, before: Sequence[str]) -> str:
    """Return a systemd unit that makes this server right at boot, before it serves.

    Args:
        argv: the command, with an absolute path.
        before: units of the service, such as ``httpd.service``; they need not exist.
    """
    if not argv[0].startswith("/"):
        raise ValueError(f"systemd wants an absolute path, not {argv[0]!r}")
    return _UNIT.format(
        device=f"sys-subsystem-net-devices-{_escaped(interface)}.device",
        before=" ".join(["network-pre.target", *before]),
        command=" ".join(_quoted(word) for word in argv),
    )


def _escaped(name: str) -> str:
    """Return a device's name as systemd spells it in a unit's name."""
    return "".join(
        one if one.isascii() and (one.isalnum() or one in ":_.") else f"\\x{ord(one):02x}"
        for one in name
    )


def _quoted(word: str) -> str:
    return shlex.quote(word.replace("%", "%%").replace("$", "$$"))
