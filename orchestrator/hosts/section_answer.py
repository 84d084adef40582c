"""What the sections of a host's state are made of, out of what was printed. Pure."""

import re
from collections.abc import Collection

from orchestrator.hosts.answer import Answer, Unintelligible, decoded
from orchestrator.hosts.driver import Host
from orchestrator.hosts.keyfiles import section
from orchestrator.hosts.section_script import OUR_HEADER
from orchestrator.hosts.sections import (
    Arptables,
    Firewalld,
    HostFile,
    NmProfile,
    Persistence,
    Section,
    Zone,
)

_HEADING = re.compile(r"(?P<mode>[0-7]+) (?P<owner>\d+) (?P<path>/.*)")
_CHAIN = re.compile(r"Chain (?P<name>\S+) \((?:policy (?P<policy>\S+)|.*)\)")
_VERSION = re.compile(r"\d+(\.\d+)*")


def sections_of(
    found: Answer, host: Host, wanted: Collection[Section]
) -> tuple[Persistence | None, Arptables | None, Firewalld | None]:
    """Return the sections that were asked for, None for the others.

    Raises:
        Unintelligible: something is not as a Linux host prints it.
    """
    return (
        _persistence(found, host) if Section.PERSISTENCE in wanted else None,
        _arptables(found) if Section.ARPTABLES in wanted else None,
        _firewalld(found) if Section.FIREWALLD in wanted else None,
    )


def _persistence(found: Answer, host: Host) -> Persistence:
    readers = found.lines("readers")
    units = dict(_first_word(line) for line in found.lines("units"))
    version = (
        _VERSION.search(" ".join(found.lines("nm-version"))) if found.has("nm-version") else None
    )
    files = dict(_file(heading, body) for heading, body in found.all_of("boot-file"))
    keyfiles = dict(_file(heading, body) for heading, body in found.all_of("keyfile"))
    return Persistence(
        systemd="systemd" in readers,
        units=units,
        network_scripts="network-scripts" in readers,
        nm_version=version[0] if version else "",
        nm_running=found.has("nm-devices"),
        profiles=tuple(_profiles(found)),
        devices=dict(_terse(line)[:2] for line in _optional(found, "nm-devices")),
        files={
            **files,
            **{path: file for path, file in keyfiles.items() if _concerns_us(path, file, host)},
        },
    )


def _concerns_us(path: str, file: HostFile, host: Host) -> bool:
    """Return whether a keyfile is about lo, a dummy or the interface, or ours."""
    if file.content.startswith(OUR_HEADER):
        return True
    connection = section(file.content, "connection")
    return (
        connection.get("type") in ("loopback", "dummy")
        or connection.get("interface-name") in ("lo", host.interface)
        or path.rpartition("/")[2].startswith("kemp-")
    )


def _profiles(found: Answer) -> list[NmProfile]:
    rows = [_terse(line) for line in _optional(found, "nm-profiles")]
    return [
        # nmcli says "--" where a connection has no device or no file.
        NmProfile(uuid=uuid, device=device.replace("--", ""), path=path.replace("--", ""))
        for uuid, device, path in rows
    ]


def _terse(line: str) -> list[str]:
    r"""Return the fields of a line of ``nmcli -t``, where a colon inside a field is ``\:``."""
    return [re.sub(r"\\(.)", r"\1", one) for one in re.split(r"(?<!\\):", line)]


def _arptables(found: Answer) -> Arptables:
    files = [_file(heading, body)[1] for heading, body in found.all_of("arptables-file")]
    return Arptables(
        version=" ".join(_optional(found, "arptables-version")),
        rules=_saved(_optional(found, "arptables-rules")),
        saved=files[0] if files else None,
        service=" ".join(found.lines("arptables")),
    )


def _saved(listed: list[str]) -> str:
    """Return a listing of ARP rules as arptables-save would write it."""
    chains: list[str] = []
    rules: list[str] = []
    for line in map(str.strip, listed):
        if found := _CHAIN.fullmatch(line):
            chains.append(f":{found['name']} {found['policy'] or '-'}\n")
        elif line:
            rules.append(f"-A {chains[-1].split()[0][1:]} {line}\n" if chains else f"{line}\n")
    return "".join(["*filter\n", *chains, *rules]) if chains else ""


def _firewalld(found: Answer) -> Firewalld:
    runtime, permanent = (
        _zone(found.lines(kind)) if found.has(kind) else None
        for kind in ("firewalld-runtime", "firewalld-permanent")
    )
    known = runtime or permanent
    return Firewalld(
        version=" ".join(_optional(found, "firewalld-version")),
        running=found.has("firewalld-running"),
        service=" ".join(found.lines("firewalld")),
        zone=known.name if known else "",
        runtime=runtime,
        permanent=permanent,
        direct=tuple(_optional(found, "firewalld-direct")),
        direct_permanent=tuple(_optional(found, "firewalld-direct-permanent")),
    )


def _zone(lines: list[str]) -> Zone:
    """Read ``--list-all``: NAME, then ``key: value`` lines, further values behind a tab."""
    if not lines:
        raise Unintelligible("firewalld shows a zone without a name")
    values: dict[str, list[str]] = {}
    key = ""
    for line in lines[1:]:
        if line.startswith("\t"):
            values[key].append(line.strip())
            continue
        key, _, first = line.strip().partition(":")
        values[key] = [first.strip()] if first.strip() else []

    def words(name: str) -> tuple[str, ...]:
        return tuple(word for value in values.get(name, []) for word in value.split())

    return Zone(
        name=lines[0].split()[0],
        target=" ".join(words("target")),
        interfaces=words("interfaces"),
        sources=words("sources"),
        services=words("services"),
        ports=words("ports"),
        protocols=words("protocols"),
        forward_ports=words("forward-ports"),
        masquerade=words("masquerade") == ("yes",),
        rich_rules=tuple(values.get("rich rules", [])),
    )


def _file(heading: str, body: bytes) -> tuple[str, HostFile]:
    match = _HEADING.fullmatch(heading)
    if match is None:
        raise Unintelligible(f"a file that is headed {heading!r}")
    content = decoded(body).decode("utf-8", "replace")
    file = HostFile(content=content, mode=int(match["mode"], 8), owner=int(match["owner"]))
    return match["path"], file


def _optional(found: Answer, kind: str) -> list[str]:
    return found.lines(kind) if found.has(kind) else []


def _first_word(line: str) -> tuple[str, str]:
    name, _, rest = line.partition(" ")
    return name, rest.strip()
