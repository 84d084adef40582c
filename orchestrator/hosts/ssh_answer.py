"""What a host answers to the scripts of the ssh driver, as plain data. Pure."""

import base64
import binascii
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from orchestrator.hosts.driver import CommandResult
from orchestrator.hosts.socket_table import parse
from orchestrator.hosts.state import HostAddress, NetState, Socket
from orchestrator.hosts.sysctl_files import lines_about_arp

_LINK = re.compile(
    r"\d+: (?P<name>\S+?)(@\S+)?: <.*?link/\S+(?: (?P<mac>[0-9a-f]{2}(?::[0-9a-f]{2})+)\b)?"
)
_ADDRESS = re.compile(
    r"\d+: (?P<interface>\S+)\s+inet (?P<address>[0-9.]+)(?: peer [0-9.]+)?/(?P<prefix>\d+) "
    r".*?scope [^\s\\]+(?P<rest>[^\\]*)"
)
_SYSCTL = re.compile(r"/proc/sys/net/ipv4/(?P<key>conf/(?P<name>[^/:]+)/\w+):(?P<value>-?\d+)")
_FLAGS = frozenset(
    {"secondary", "deprecated", "tentative", "dadfailed", "nodad", "noprefixroute", "dynamic"}
)
_NO_MAC = "00:00:00:00:00:00"


class Unintelligible(ValueError):
    """The answer is not one of ours."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came back from one script.

    Attributes:
        begun: the script ran; otherwise nothing was done.
        complete: it came to its end; otherwise the connection broke off, or its shell did.
        missing: a tool that the host does not have, or None.
        failed: why the host gave up, or None.
        sections: headings and what follows each.
    """

    begun: bool
    complete: bool
    missing: str | None
    failed: str | None
    sections: tuple[tuple[str, bytes], ...]

    def all_of(self, kind: str) -> Iterator[tuple[str, bytes]]:
        """Return what stands beside each heading of that kind, and below it."""
        for heading, body in self.sections:
            name, _, rest = heading.partition(" ")
            if name == kind:
                yield rest, body

    def one(self, kind: str) -> tuple[str, bytes]:
        """Return the first section of that kind.

        Raises:
            Unintelligible: there is none.
        """
        for found in self.all_of(kind):
            return found
        raise Unintelligible(f"the answer has no {kind}")


def answer(output: bytes) -> Answer:
    """Return the output of a script in its parts; what was printed before it is left out.

    Raises:
        Unintelligible: it came damaged.
    """
    begun, sections = False, list[tuple[str, list[bytes]]]()
    for line in output.splitlines(keepends=True):
        if line == b"== kemp\n":
            begun, sections = True, []
        elif begun and line.startswith(b"== ") and line.endswith(b"\n"):
            sections.append((line[3:-1].decode("utf-8", "surrogateescape"), []))
        elif sections:
            sections[-1][1].append(line)
    whole = tuple((heading, b"".join(lines)) for heading, lines in sections)
    complete = any(heading == "end" for heading, _ in whole)
    missing = [
        rest for heading, _ in whole if (rest := heading.removeprefix("missing ")) != heading
    ]
    failed = [_decoded(body) for heading, body in whole if heading == "failed"]
    return Answer(
        begun=begun,
        complete=complete,
        missing=missing[0] if missing else None,
        failed=failed[0].decode("utf-8", "replace").strip() if failed else None,
        sections=whole,
    )


def net_state(found: Answer) -> NetState:
    """Return what was read.

    Raises:
        Unintelligible: something is not as a Linux host prints it.
    """
    interfaces = dict(_links(_lines(found, "links")))
    return NetState(
        interfaces=interfaces,
        addresses=tuple(_addresses(_lines(found, "addresses"))),
        sysctls=_sysctls(_lines(found, "sysctls"), interfaces),
        persistent_sysctls=lines_about_arp(_files(found, "sysctl-file")),
        files=_files(found, "managed-file"),
        sockets=tuple(_sockets(found)),
        default_route=_default_route(_lines(found, "routes")),
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
    out, err = (_decoded(found.one(kind)[1]).decode("utf-8", "replace") for kind in ("out", "err"))
    return CommandResult(exit_code=None if code == "late" else int(code), stdout=out, stderr=err)


def _lines(found: Answer, kind: str) -> list[str]:
    return [line for line in found.one(kind)[1].decode("utf-8", "replace").splitlines() if line]


def _decoded(text: bytes) -> bytes:
    try:
        return base64.b64decode(b"".join(text.split()), validate=True)
    except binascii.Error as error:
        raise Unintelligible(f"a file came damaged: {error}") from error


def _files(found: Answer, kind: str) -> dict[str, str]:
    return {path: _decoded(body).decode("utf-8", "replace") for path, body in found.all_of(kind)}


def _links(lines: Sequence[str]) -> Iterator[tuple[str, str]]:
    for line in lines:
        found = _LINK.match(line)
        if found is None:
            raise Unintelligible(f"an interface that reads {line!r}")
        mac = found["mac"] or ""
        yield found["name"], "" if mac == _NO_MAC else mac


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


def _sysctls(lines: Sequence[str], interfaces: dict[str, str]) -> dict[str, int]:
    values = {}
    for line in lines:
        found = _SYSCTL.fullmatch(line)
        if found is None:
            raise Unintelligible(f"a sysctl that reads {line!r}")
        if found["name"] in ("all", "default", *interfaces):  # else made since they were listed
            values[found["key"]] = int(found["value"])
    if "conf/all/arp_ignore" not in values:
        raise Unintelligible("the sysctls cannot be read: is /proc there?")
    return values


def _sockets(found: Answer) -> Iterator[Socket]:
    for table, body in found.all_of("sockets"):
        try:
            yield from parse(table, body.decode("ascii"))
        except ValueError as error:
            raise Unintelligible(f"/proc/net/{table}: {error}") from error


def _default_route(lines: Sequence[str]) -> tuple[str, str] | None:
    routes = []
    for line in lines:
        device = re.search(r" dev (\S+)", line)
        if not line.startswith("default ") or device is None:
            continue  # unreachable, blackhole and their like lead nowhere
        gateway = re.search(r" via ([0-9.]+) ", line)
        metric = re.search(r" metric (\d+)", line)
        routes.append((int(metric[1]) if metric else 0, (gateway[1] if gateway else "", device[1])))
    return min(routes, key=lambda route: route[0])[1] if routes else None
