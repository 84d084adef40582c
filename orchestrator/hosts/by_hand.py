"""Changes as the shell commands that a person would type, for change boards and closed sites.

The script does in the same order what a driver would do, and stops at the first command that
fails. It is plain sh and needs the programs of a RHEL-like host. Pure.
"""

import shlex
from collections.abc import Iterable, Sequence

from orchestrator.hosts.changes import (
    AddAddress,
    AddRule,
    CallTool,
    NetChange,
    RemoveAddress,
    RemoveRoute,
    RemoveRule,
    SetRoute,
    SetSysctl,
    WriteFile,
    describe,
    route_words,
    rule_words,
)
from orchestrator.hosts.driver import Host
from orchestrator.hosts.state import HostAddress

_HEAD = """\
#!/bin/sh
# {title}
# Run as root on {name} ({address}). Stops at the first command that fails.
set -eu
"""


def script(host: Host, changes: Sequence[NetChange], *, title: str) -> str:
    """Return a shell script that carries the changes out; one that says so where there are none.

    Args:
        title: one line for people.
    """
    lines = [_HEAD.format(title=" ".join(title.split()), name=host.name, address=host.address)]
    if not changes:
        lines.append("echo 'nothing to do'\n")
    for number, change in enumerate(changes, start=1):
        lines.append(f"\n# {number}. {describe(change)}\n")
        lines += [f"{line}\n" for line in _commands(change)]
    return "".join(lines)


def _commands(change: NetChange) -> Iterable[str]:
    match change:
        case SetSysctl():
            yield _line("sysctl", "-w", f"net/ipv4/{change.key}={change.value}")
        case WriteFile(content=None):
            yield _line("rm", "-f", change.path)
        case WriteFile():
            yield from _written(change)
        case AddAddress(address=address):
            label = ["label", address.label] if address.label else []
            words = ["ip", "address", "replace", _cidr(address), "dev", address.interface, *label]
            yield _line(*words)
        case RemoveAddress(address=address):
            yield _line("ip", "address", "del", _cidr(address), "dev", address.interface)
        case SetRoute(route=route):
            yield _line("ip", f"-{route.version}", "route", "replace", *route_words(route).split())
        case RemoveRoute(route=route):
            yield _line("ip", f"-{route.version}", "route", "del", *route_words(route).split())
        case AddRule(rule=rule):
            yield _line("ip", f"-{rule.version}", "rule", "add", *_rule(rule_words(rule)))
        case RemoveRule(rule=rule):
            yield _line("ip", f"-{rule.version}", "rule", "del", *_rule(rule_words(rule)))
        case CallTool():
            asked = f"{_line(*change.unless)} >/dev/null 2>&1 || " if change.unless else ""
            others = "".join(f' || [ "$?" = {code} ]' for code in change.accept if code)
            yield asked + _line(*change.argv) + others


def _written(change: WriteFile) -> Iterable[str]:
    content = change.content or ""
    directory = change.path.rpartition("/")[0] or "/"
    new = f"{change.path}.new"
    yield _line("mkdir", "-p", directory)
    # Whole or not at all, and never readable by more than it should be on the way.
    yield _line("install", "-m", "600", "/dev/null", new)
    if content.endswith("\n") and "\nEND-OF-FILE\n" not in f"\n{content}":
        yield f"cat >{shlex.quote(new)} <<'END-OF-FILE'\n{content}END-OF-FILE"
    else:
        yield f"printf '%s' {shlex.quote(content)} >{shlex.quote(new)}"
    old = f"--reference={shlex.quote(change.path)} {shlex.quote(new)}"
    if change.before is not None:
        yield f"chown {old}"
        label = f"$(stat -c %C {shlex.quote(change.path)} 2>/dev/null)"
        yield f'case "{label}" in *:*:*) chcon {old};; esac'
    if change.mode is None and change.before is not None:
        yield f"chmod {old}"
    else:
        yield _line("chmod", f"{0o644 if change.mode is None else change.mode:o}", new)
    yield _line("mv", new, change.path)
    if change.before is None:
        yield f"if command -v restorecon >/dev/null; then {_line('restorecon', change.path)}; fi"


def _rule(words: str) -> list[str]:
    priority, _, rest = words.partition(": ")
    return ["priority", priority, *rest.split()]


def _cidr(address: HostAddress) -> str:
    return f"{address.address}/{address.prefix}"


def _line(*words: str) -> str:
    return shlex.join(words)
