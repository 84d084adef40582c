"""NetworkManager's keyfiles: what they say, and the profile that carries VIPs. Pure.

That is one of lo, or of a dummy interface where NetworkManager has no profiles for lo.
"""

import ipaddress
from collections.abc import Collection, Iterator, Mapping, Sequence

from orchestrator.hosts.section_script import OUR_HEADER

PROFILE = "/etc/NetworkManager/system-connections/kemp-vip.nmconnection"
DUMMY_PROFILE = "/etc/NetworkManager/system-connections/kemp-vip-dummy.nmconnection"
DUMMY = "kemp-vip"
"""The dummy interface; it is there as long as its profile is active."""
HEADER = f"{OUR_HEADER}: the service addresses of this host. One profile has them all, because\n"
HEADER += "# NetworkManager gives a device one profile. Do not edit.\n"
MODE = 0o600

_UUID = "2c7a2b7e-9b0a-5a8e-9d43-6f6b8f4d7a10"
_NEW = f"""\
[connection]
id=kemp-vip
uuid={_UUID}
type=loopback
interface-name=lo

[ipv4]
method=manual
address1=127.0.0.1/8
"""
_NEW_DUMMY = f"""\
[connection]
id=kemp-vip-dummy
uuid=7f0c3a56-3a0e-5c39-8d2b-0d6a1f5f9e44
type=dummy
interface-name={DUMMY}

[ipv4]
method=disabled

[ipv6]
method=disabled
"""
_LOCAL = {"ipv4": "127.0.0.1/8", "ipv6": "::1/128"}
LOCAL = frozenset({("127.0.0.1", 8), ("::1", 128)})
"""What is on lo anyway."""

Sections = dict[str, list[tuple[str, str]]]


def section(content: str, name: str) -> Mapping[str, str]:
    """Return the keys of one section."""
    return dict(_parse(content).get(name, []))


def is_loopback(content: str) -> bool:
    """Return whether the profile is one for lo."""
    return section(content, "connection").get("type") == "loopback"


def is_dummy(content: str) -> bool:
    """Return whether the profile is one for the dummy interface of ours."""
    connection = section(content, "connection")
    return (connection.get("type"), connection.get("interface-name")) == ("dummy", DUMMY)


def uuid_of(content: str) -> str:
    """Return the profile's uuid; "" where it names none."""
    return section(content, "connection").get("uuid", "")


def starts_by_itself(content: str) -> bool:
    """Return whether NetworkManager raises the profile at boot."""
    return section(content, "connection").get("autoconnect", "true") not in ("false", "no", "0")


def addresses(content: str) -> tuple[tuple[str, int], ...]:
    """Return the addresses of both families with their prefixes, in their order."""
    sections = _parse(content)
    return tuple(
        (str(one.ip), one.network.prefixlen)
        for family in _LOCAL
        for one in _addresses(sections.get(family, []))
    )


def with_addresses(content: str | None, add: Sequence[str], *, remove: Collection[str] = ()) -> str:
    """Return a profile of lo with addresses added and removed; the rest is as it was.

    Args:
        content: the profile as it is; None for a new one.
        add: addresses without prefix: each gets the longest.
    """
    return _with_addresses(content if content is not None else _NEW, add, remove, _LOCAL)


def dummy_with(content: str | None, add: Sequence[str], *, remove: Collection[str] = ()) -> str:
    """Return a profile of the dummy interface; otherwise as ``with_addresses``."""
    return _with_addresses(content if content is not None else _NEW_DUMMY, add, remove, {})


def _with_addresses(
    content: str, add: Sequence[str], remove: Collection[str], local: Mapping[str, str]
) -> str:
    sections = _parse(content)
    for family, version in (("ipv4", 4), ("ipv6", 6)):
        entries = sections.get(family, [])
        kept = [one for one in _addresses(entries) if str(one.ip) not in {*remove, *add}]
        new = [one for one in map(ipaddress.ip_interface, add) if one.version == version]
        if not kept and not new and family not in sections:
            continue
        listed = [str(one) for one in (*kept, *new)]
        if listed and family in local and local[family] not in listed:
            listed.insert(0, local[family])
        others = [one for one in entries if not one[0].startswith("address")]
        if listed or not local:
            method = "manual" if listed else "disabled"
            others = [("method", method), *(one for one in others if one[0] != "method")]
        sections[family] = [*others, *((f"address{n}", one) for n, one in enumerate(listed, 1))]
    # A profile that waits to be asked would bring nothing back.
    connection = [one for one in sections.get("connection", []) if one[0] != "autoconnect"]
    if "uuid" not in dict(connection):
        connection.insert(0, ("uuid", _UUID))
    sections["connection"] = connection
    return HEADER + "".join(_render(sections))


def _render(sections: Sections) -> Iterator[str]:
    for name, entries in sections.items():
        yield f"\n[{name}]\n" if name != next(iter(sections)) else f"[{name}]\n"
        yield from (f"{key}={value}\n" for key, value in entries)


def _parse(content: str) -> Sections:
    sections: Sections = {}
    entries: list[tuple[str, str]] = []
    for line in map(str.strip, content.splitlines()):
        if line.startswith("[") and line.endswith("]"):
            entries = sections.setdefault(line[1:-1], [])
        elif "=" in line and not line.startswith(("#", ";")):
            key, _, value = line.partition("=")
            entries.append((key.strip(), value.strip()))
    return sections


_Interface = ipaddress.IPv4Interface | ipaddress.IPv6Interface


def _addresses(entries: Sequence[tuple[str, str]]) -> list[_Interface]:
    """Return what address1=ADDRESS/PREFIX[,GATEWAY] and its older spellings say."""
    found = []
    for key, value in entries:
        if not key.startswith("address"):
            continue
        for part in filter(None, value.split(";")):
            try:
                found.append(ipaddress.ip_interface(part.partition(",")[0].strip()))
            except ValueError:
                continue  # NetworkManager leaves out what is no address, too
    return found
