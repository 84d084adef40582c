"""Files of network-scripts: what they raise on lo at boot, and the alias that carries a VIP.

Measured with the scripts of RHEL 7. They are sourced by bash: nothing is written into them that
is not checked.
"""

import ipaddress
import re
import shlex
from collections.abc import Collection, Iterator, Mapping

from orchestrator.hosts.section_script import NETWORK_SCRIPTS, OUR_HEADER
from orchestrator.hosts.sections import HostFile

HEADER = f"{OUR_HEADER}: a service address of this host. Do not edit.\n"
_IGNORED = (".bak", ".old", ".orig", ".rpmnew", ".rpmorig", ".rpmsave", "~")
_ALIAS = re.compile(r"lo:\w+", re.ASCII)
_OF_LO = 8
"""What an alias gets that names no netmask: that of 127.0.0.1."""


def alias_path(label: str) -> str:
    """Return the path of the alias ``lo:N``."""
    return f"{NETWORK_SCRIPTS}/ifcfg-{label}"


def alias_file(label: str, vip: str) -> str:
    """Return the file that raises the VIP as ``lo:N``.

    Raises:
        ValueError: that is no alias of lo, or no IPv4 address.
    """
    if not is_alias(label):
        raise ValueError(f"{label!r} is no alias of lo")
    return (
        f"{HEADER}DEVICE={label}\nIPADDR={ipaddress.IPv4Address(vip)}\n"
        "NETMASK=255.255.255.255\nONBOOT=yes\nNAME=loopback\n"
    )


def is_alias(label: str) -> bool:
    """Return whether network-scripts take the label for an alias of lo."""
    return _ALIAS.fullmatch(label) is not None


def settings(content: str) -> Mapping[str, str]:
    """Return NAME=VALUE lines, without their quotes; what bash would compute is not."""
    found = {}
    for line in content.splitlines():
        name, equals, value = line.strip().partition("=")
        if not equals or not name.isidentifier():
            continue
        try:
            words = shlex.split(value, comments=True)
        except ValueError:  # a quote that does not end
            continue
        found[name] = words[0] if words else ""
    return found


def on_lo(files: Mapping[str, HostFile]) -> Iterator[tuple[str, int, str]]:
    """Yield address, prefix and path of each alias of lo that ``ifup lo`` raises.

    Of two with the same device or address the second is an error and left out.
    """
    devices: set[str] = set()
    seen: set[str] = set()
    for path in sorted(alias_files(files)):
        values = settings(files[path].content)
        device, address = values.get("DEVICE", ""), values.get("IPADDR", "")
        if not is_alias(device) or not address or values.get("ONPARENT") in ("no", "NO"):
            continue
        if device in devices or address in seen:
            continue
        devices.add(device)
        seen.add(address)
        prefix = _prefix(values)
        if prefix is not None:
            yield address, prefix, path


def alias_files(files: Mapping[str, HostFile]) -> Collection[str]:
    """Return the paths that ``ifup lo`` reads as aliases, copies among them."""
    start = f"{NETWORK_SCRIPTS}/ifcfg-lo:"
    return [path for path in files if path.startswith(start) and not path.endswith(_IGNORED)]


def on_interface(files: Mapping[str, HostFile], interface: str) -> Iterator[tuple[str, int, str]]:
    """Yield address, prefix and path of what the files of an interface raise on it."""
    start = f"{NETWORK_SCRIPTS}/ifcfg-{interface}"
    for path in sorted(files):
        if (path != start and not path.startswith(f"{start}:")) or path.endswith(_IGNORED):
            continue
        values = settings(files[path].content)
        for name, value in values.items():
            if number := re.fullmatch(r"IPADDR(\d*)", name):
                prefix = _prefix(values, number[1])
                yield value, 32 if prefix is None else prefix, path


def _prefix(values: Mapping[str, str], number: str = "") -> int | None:
    """Return the prefix; None where it makes no sense."""
    prefix, mask = values.get(f"PREFIX{number}"), values.get(f"NETMASK{number}")
    if prefix is None and mask is None:
        return _OF_LO
    try:
        return ipaddress.IPv4Network(f"0.0.0.0/{mask if prefix is None else prefix}").prefixlen
    except ValueError:
        return None
