r"""What is sent to a host over SSH: scripts of plain POSIX sh, one per round trip. Pure.

They run on hosts without Python, in dash, bash and busybox alike. Whatever comes from a file,
an API or a person enters a script through ``quoted`` and nothing else. A script reaches the
host over the standard input of its shell, so none of it is seen in a list of processes; and
nothing of it runs before all of it has arrived, because all of it is functions and the call is
the last line. Large values are only ever arguments of functions and of printf, which is part
of the shell, so they are in no argv there either.

The answer is lines beginning with ``== ``, each followed by what belongs to it; files, the
output of commands and reasons come in base64, so they cannot forge such a line.
"""

import contextlib
import ipaddress
import math
import re
import shlex
from collections.abc import Collection, Sequence

from orchestrator.hosts import confirm_or_revert, section_script, shell_library
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
    inverses,
)
from orchestrator.hosts.confirm_or_revert import Revert
from orchestrator.hosts.driver import Host
from orchestrator.hosts.sections import Section
from orchestrator.hosts.socket_table import TABLES
from orchestrator.hosts.state import (
    MANAGED_FILES,
    ROUTE_OPTIONS,
    HostAddress,
    PolicyRule,
    Route,
)
from orchestrator.hosts.sysctl_files import DIRECTORIES, LAST_FILE

MOST_OUTPUT = 64 * 1024
"""Bytes of a command's output that come back: the last ones."""

_SYSCTLS = (
    *(f"ipv4/conf/*/{key}" for key in ("arp_ignore", "arp_announce", "rp_filter")),
    "ipv4/ip_forward",
    *(f"ipv6/conf/*/{key}" for key in ("disable_ipv6", "forwarding", "proxy_ndp")),
)
_SETTABLE = re.compile(r"conf/(?P<name>[^/]+)/(arp_ignore|arp_announce|rp_filter)")


def quoted(text: str) -> str:
    """Return the text as one word of sh, whatever it holds.

    The only way for a value into a script. Bytes that are no UTF-8 may come as surrogates,
    as the os module gives them.

    Raises:
        ValueError: it holds NUL, which no shell can hold, or is no text at all.
    """
    if "\0" in text:
        raise ValueError("it holds a NUL character")
    text.encode("utf-8", "surrogateescape")
    return shlex.quote(text)


def encoded(script: str) -> bytes:
    """Return the script as it goes over the wire."""
    return script.encode("utf-8", "surrogateescape")


def read_script(host: Host, sections: Collection[Section] = ()) -> str:
    """Return the script that prints everything a NetState holds."""
    functions = shell_library.ENGLISH + _reading_functions(sections)
    return _script(host, functions, _reading_commands(host, sections))


def _reading_functions(sections: Collection[Section]) -> str:
    return shell_library.READ + (section_script.FUNCTIONS if sections else "")


def _reading_commands(host: Host, sections: Collection[Section]) -> list[str]:
    return [
        "need ip base64 cat grep readlink id date",
        "who",
        "printf '== links\\n'",
        "ip -o link || fail 'the interfaces cannot be read'",
        "printf '== addresses\\n'",
        "ip -o -4 address || fail 'the addresses cannot be read'",
        *(f"routing {version}" for version in (4, 6)),
        "printf '== sysctls\\n'",
        # Not read: some shells read byte by byte, and these files have no second byte. An
        # interface may go while they are listed.
        f"grep -Hs '' {' '.join(f'/proc/sys/net/{key}' for key in _SYSCTLS)}",
        *(f"boot_files {quoted(directory)}" for directory in DIRECTORIES),
        f"show sysctl-file {quoted(LAST_FILE)}",
        *(f"show managed-file {quoted(path)}" for path in MANAGED_FILES),
        "show os-release /etc/os-release",
        *(f"socket_table {table}" for table in TABLES),
        *section_script.commands(host, sections),
    ]


def sections_script(host: Host, sections: Collection[Section]) -> str:
    """Return the script that prints only these sections."""
    functions = shell_library.ENGLISH + shell_library.READ + section_script.FUNCTIONS
    needed = "need base64 cat grep readlink stat"
    return _script(host, functions, [needed, *section_script.commands(host, sections)])


def apply_script(
    host: Host,
    changes: Sequence[NetChange],
    revert: Revert | None = None,
    *,
    then_read: Collection[Section] | None = None,
) -> str:
    """Return the script that carries the changes out in order, up to the first that fails.

    A change that may not be sent at all fails on the host in its turn, so that those before
    it are carried out like before any other failure.

    Args:
        revert: have the host take all of them back, unless ``confirm_script`` comes in time.
        then_read: after the last change print what ``read_script`` does of these sections.
    """
    functions = shell_library.ENGLISH + shell_library.APPLY
    commands = ["need ip base64 cat readlink mktemp stat chown chmod sync mv rm mkdir"]
    if revert is not None:
        functions += confirm_or_revert.ARM
        back = quoted(_revert_script(host, changes))
        commands.append(f"arm {quoted(revert.token)} {revert.after_s:d} {back}")
    for number, change in enumerate(changes):
        try:
            commands.append(_command(number, change))
        except ValueError as error:
            commands.append(f"step {number} refuse {quoted(str(error))}")
            break
    if then_read is not None:
        functions += _reading_functions(then_read)
        commands += _reading_commands(host, then_read)
    return _script(host, functions, commands)


def _revert_script(host: Host, changes: Sequence[NetChange]) -> str:
    """Return the script that the host runs from a file to take the changes back."""
    commands = []
    for number, change in enumerate(inverses(changes)):
        # One that may not be sent was not carried out.
        with contextlib.suppress(ValueError):
            commands.append(_command(number, change))
    functions = shell_library.ENGLISH + shell_library.APPLY + confirm_or_revert.BACK
    return confirm_or_revert.TAKE + _script(host, functions, commands) + confirm_or_revert.TAKEN


def confirm_script(
    host: Host, revert: Revert, *, then_read: Collection[Section] | None = None
) -> str:
    """Return the script after which the host keeps the changes.

    It prints ``confirmed``; ``reverted`` where the host was faster; ``gone`` where neither is
    left to be done.

    Args:
        then_read: after that print what ``read_script`` does of these sections.
    """
    functions = shell_library.ENGLISH + confirm_or_revert.CONFIRM
    commands = ["need base64 mv rm", f"confirm {quoted(revert.token)}"]
    if then_read is not None:
        functions += _reading_functions(then_read)
        commands += _reading_commands(host, then_read)
    return _script(host, functions, commands)


def _command(number: int, change: NetChange) -> str:
    step = f"step {number} {' '.join(quoted(word) for word in _words(change))}"
    if not isinstance(change, CallTool):
        return step
    # Outside of the step, whose output is the reason of a failure.
    step = f"has {change.argv[0]} || without {change.argv[0]}; {step}"
    if not change.unless:
        return step
    question = " ".join(quoted(word) for word in change.unless)
    return f"if answered {question}; then is_done {number}; else {step}; fi"


def run_script(host: Host, argv: Sequence[str], *, timeout_s: float) -> str:
    """Return the script that runs a command, bounded in time (whole seconds, rounded up).

    Raises:
        ValueError: no command, or an argument that no command can be given.
    """
    if not argv:
        raise ValueError("no command was given")
    words = [str(max(1, math.ceil(timeout_s))), str(MOST_OUTPUT), *argv]
    commands = [
        "need setsid mktemp sleep tail base64 rm",
        f"bounded {' '.join(quoted(word) for word in words)}",
    ]
    return _script(host, shell_library.RUN, commands)


def _script(host: Host, functions: str, commands: Sequence[str]) -> str:
    lines = "\n".join(f"    {command}" for command in commands)
    root = host.root.rstrip("/")
    return (
        f"{shell_library.COMMON}{functions}\n"
        "main() {\n"
        f"    root={quoted(root)}\n"
        # A line of its own, also after what a profile printed without an end of line.
        "    printf '\\n== kemp\\n'\n"
        f"{lines}\n"
        "    printf '== end\\n'\n"
        "}\n"
        "main </dev/null\n"
    )


def _words(change: NetChange) -> list[str]:
    """Return the function of the script that carries a change out, and its arguments.

    Raises:
        ValueError: the change is not one that is made here.
    """
    match change:
        case SetSysctl():
            found = _SETTABLE.fullmatch(change.key)
            if found is None or found["name"] in (".", ".."):
                raise ValueError(f"{change.key} is not a sysctl that is set here")
            return ["set_sysctl", change.key, str(change.value)]
        case WriteFile(path=path, content=content):
            if content is None:
                return ["remove_file", _path(path)]
            mode = f"{change.mode:o}" if change.mode is not None else ""
            return ["write_file", _path(path), content, mode]
        case AddAddress(address=address):
            label = ["label", address.label] if address.label else []
            return ["add_address", _interface(address.interface), _with_prefix(address), *label]
        case RemoveAddress(address=address):
            return ["remove_address", _interface(address.interface), _with_prefix(address)]
        case SetRoute(route=route):
            return ["ip", f"-{route.version}", "route", "replace", *_route_words(route)]
        case RemoveRoute(route=route):
            return ["remove_route", f"-{route.version}", *_route_words(route)]
        case AddRule(rule=rule):
            known = [str(rule.priority), rule.source]
            return ["add_rule", f"-{rule.version}", *known, *_rule_words(rule)]
        case RemoveRule(rule=rule):
            return ["remove_rule", f"-{rule.version}", *_rule_words(rule)]
        case CallTool():
            return ["call_tool", " ".join(map(str, change.accept)), *change.argv]


def _path(path: str) -> str:
    parts = path.split("/")
    if not path.startswith("/") or ".." in parts or parts[-1] in ("", ".") or "\0" in path:
        raise ValueError(f"{path!r} is not the absolute path of a file of the host")
    return path


def _interface(name: str) -> str:
    if "/" in name or name in ("", ".", ".."):
        raise ValueError(f"{name!r} is not the name of an interface")
    return name


def _with_prefix(address: HostAddress) -> str:
    return str(ipaddress.ip_interface(f"{address.address}/{address.prefix}"))


def _route_words(route: Route) -> list[str]:
    """Return the words of ``ip route``; each value is checked, so none is taken for a word."""
    if route.hops:
        raise ValueError("a route with several paths is not changed here")
    words = [route.kind] if route.kind != "unicast" else []
    words.append(_network(route.destination, everything="default"))
    words += ["via", str(ipaddress.ip_address(route.gateway))] if route.gateway else []
    words += ["dev", _interface(route.interface)] if route.interface else []
    words += ["onlink"] if route.onlink else []
    words += ["src", str(ipaddress.ip_address(route.source))] if route.source else []
    words += ["metric", str(route.metric)] if route.metric else []
    words += [word for name, value in route.options for word in (_option(name), str(value))]
    return [*words, "table", _word(route.table), "proto", _word(route.protocol)]


def _rule_words(rule: PolicyRule) -> list[str]:
    words = ["priority", str(rule.priority), "from", _network(rule.source, everything="all")]
    if rule.destination != "all":
        words += ["to", _network(rule.destination, everything="all")]
    words += ["fwmark", _word(rule.mark)] if rule.mark else []
    words += ["iif", _interface(rule.interface)] if rule.interface else []
    return [*words, "lookup", _word(rule.table)]


def _network(text: str, *, everything: str) -> str:
    return text if text == everything else str(ipaddress.ip_interface(text))


def _option(name: str) -> str:
    if name not in ROUTE_OPTIONS:
        raise ValueError(f"{name!r} is no option of a route that is set here")
    return name


def _word(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9_/.]+", text):
        raise ValueError(f"{text!r} is neither a number nor a name")
    return text
