"""What a host answers to the scripts of the ssh driver, as plain data. Pure."""

import ipaddress
import re
from collections.abc import Collection, Iterator, Mapping, Sequence

from orchestrator.hosts.answer import Answer, Unintelligible, decoded
from orchestrator.hosts.driver import CommandResult, Host
from orchestrator.hosts.os_release import parse as parse_release
from orchestrator.hosts.route_words import route, rule
from orchestrator.hosts.section_answer import sections_of
from orchestrator.hosts.sections import Section
from orchestrator.hosts.socket_table import parse
from orchestrator.hosts.state import HostAddress, NetState, PolicyRule, Release, Route, Socket
from orchestrator.hosts.sysctl_files import lines_about_arp

_LINK = re.compile(
    r"\d+: (?P<name>\S+?)(@\S+)?: <.*? mtu (?P<mtu>\d+) .*?"
    r"link/\S+(?: (?P<mac>[0-9a-f]{2}(?::[0-9a-f]{2})+)\b)?"
)
_ADDRESS = re.compile(
    r"\d+: (?P<interface>\S+)\s+inet (?P<address>[0-9.]+)(?: peer [0-9.]+)?/(?P<prefix>\d+) "
    r".*?scope [^\s\\]+(?P<rest>[^\\]*)"
)
_ADDRESS6 = re.compile(
    r"\d+: (?P<interface>\S+)\s+inet6 (?P<address>[0-9a-f:.]+)(?: peer \S+?)?/(?P<prefix>\d+) "
)
_SYSCTL = re.compile(
    r"/proc/sys/net/(?P<family>ipv[46])/(?P<key>conf/(?P<name>[^/:]+)/\w+|ip_forward)"
    r":(?P<value>-?\d+)"
)
_FLAGS = frozenset(
    {"secondary", "deprecated", "tentative", "dadfailed", "nodad", "noprefixroute", "dynamic"}
)
_NO_MAC = "00:00:00:00:00:00"


def net_state(found: Answer, host: Host, sections: Collection[Section] = ()) -> NetState:
    """Return what was read.

    Raises:
        Unintelligible: something is not as a Linux host prints it.
    """
    interfaces = dict(_links(found.lines("links")))
    addresses6 = found.lines("addresses6") if found.has("addresses6") else []
    macs = {name: mac for name, (mac, _) in interfaces.items()}
    persistence, arptables, firewalld = sections_of(found, host, sections)
    return NetState(
        interfaces=macs,
        addresses=(*_addresses(found.lines("addresses")), *_addresses6(addresses6)),
        sysctls=_sysctls(found.lines("sysctls"), macs, "ipv4"),
        sysctls6=_sysctls(found.lines("sysctls"), macs, "ipv6"),
        persistent_sysctls=lines_about_arp(_files(found, "sysctl-file")),
        files=_files(found, "managed-file"),
        sockets=tuple(_sockets(found)),
        mtus={name: mtu for name, (_, mtu) in interfaces.items()},
        routes=tuple(_routes(found)),
        rules=tuple(_rules(found)),
        hostname=" ".join(found.lines("hostname")),
        release=_release(found),
        user=" ".join(found.lines("user")),
        read_at=" ".join(found.lines("date")),
        persistence=persistence,
        arptables=arptables,
        firewalld=firewalld,
    )


def changes_done(found: Answer) -> int:
    """Return how many changes are known to have been carried out."""
    return sum(1 for _ in found.all_of("done"))


def command_result(found: Answer) -> CommandResult:
    """Return how a command ended.

    Raises:
        Unintelligible: the answer does not say.
    """
    code, _ = found.one("ended")
    if code != "late" and not code.isdigit():
        raise Unintelligible(f"the command ended with {code!r}")
    out, err = (decoded(found.one(kind)[1]).decode("utf-8", "replace") for kind in ("out", "err"))
    return CommandResult(exit_code=None if code == "late" else int(code), stdout=out, stderr=err)


def _files(found: Answer, kind: str) -> dict[str, str]:
    return {path: decoded(body).decode("utf-8", "replace") for path, body in found.all_of(kind)}


def _links(lines: Sequence[str]) -> Iterator[tuple[str, tuple[str, int]]]:
    for line in lines:
        found = _LINK.match(line)
        if found is None:
            raise Unintelligible(f"an interface that reads {line!r}")
        mac = found["mac"] or ""
        yield found["name"], ("" if mac == _NO_MAC else mac, int(found["mtu"]))


def _addresses(lines: Sequence[str]) -> Iterator[HostAddress]:
    for line in lines:
        found = _ADDRESS.match(line)
        if found is None:
            raise Unintelligible(f"an address that reads {line!r}")
        # scope global [secondary dynamic ...] [LABEL]
        words = found["rest"].split()
        label = words[-1] if words and words[-1] not in _FLAGS else None
        interface = found["interface"]
        yield HostAddress(
            address=found["address"],
            prefix=int(found["prefix"]),
            interface=interface,
            label=label if label != interface else None,
        )


def _addresses6(lines: Sequence[str]) -> Iterator[HostAddress]:
    for line in lines:
        found = _ADDRESS6.match(line)
        if found is None:
            raise Unintelligible(f"an address that reads {line!r}")
        yield HostAddress(
            address=str(ipaddress.IPv6Address(found["address"])),
            prefix=int(found["prefix"]),
            interface=found["interface"],
        )


def _sysctls(lines: Sequence[str], interfaces: Mapping[str, str], family: str) -> dict[str, int]:
    values = {}
    for line in lines:
        found = _SYSCTL.fullmatch(line)
        if found is None:
            raise Unintelligible(f"a sysctl that reads {line!r}")
        # one that is made since they were listed is left out
        known = found["name"] in (None, "all", "default", *interfaces)
        if found["family"] == family and known:
            values[found["key"]] = int(found["value"])
    if family == "ipv4" and "conf/all/arp_ignore" not in values:
        raise Unintelligible("the sysctls cannot be read: is /proc there?")
    return values


def _sockets(found: Answer) -> Iterator[Socket]:
    for table, body in found.all_of("sockets"):
        try:
            yield from parse(table, body.decode("ascii"))
        except ValueError as error:
            raise Unintelligible(f"/proc/net/{table}: {error}") from error


def _routes(found: Answer) -> Iterator[Route]:
    for version, body in found.all_of("routes"):
        for line in body.decode("utf-8", "replace").splitlines():
            if line.strip():
                yield route(line, version=int(version))


def _rules(found: Answer) -> Iterator[PolicyRule]:
    for version, body in found.all_of("rules"):
        for line in body.decode("utf-8", "replace").splitlines():
            if line.strip():
                yield rule(line, version=int(version))


def _release(found: Answer) -> Release:
    return parse_release("".join(_files(found, "os-release").values()))


def host_release(found: Answer) -> Release:
    """Return the release that a host told when it was short of a tool."""
    return parse_release("\n".join(found.lines("release")) if found.has("release") else "")
