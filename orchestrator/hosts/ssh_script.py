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

import ipaddress
import math
import re
import shlex
from collections.abc import Sequence

from orchestrator.hosts.driver import Host
from orchestrator.hosts.socket_table import TABLES
from orchestrator.hosts.state import (
    MANAGED_FILES,
    AddAddress,
    HostAddress,
    NetChange,
    RemoveAddress,
    SetSysctl,
    WriteFile,
)
from orchestrator.hosts.sysctl_files import DIRECTORIES, LAST_FILE

MOST_OUTPUT = 64 * 1024
"""Bytes of a command's output that come back: the last ones."""

_SYSCTLS = ("arp_ignore", "arp_announce", "rp_filter")
_SETTABLE = re.compile(r"conf/(?P<name>[^/]+)/(arp_ignore|arp_announce|rp_filter)")

# /sbin: a login that is not root often has no ip on its PATH.
_COMMON = r"""
PATH=$PATH:/usr/sbin:/usr/bin:/sbin:/bin
umask 022
LF='
'

fail() {
    printf '== failed\n'
    printf '%s' "$1" | base64
    printf '== end\n'
    exit 0
}

need() {
    for tool; do
        command -v "$tool" >/dev/null 2>&1 && continue
        printf '== missing %s\n== end\n' "$tool"
        exit 0
    done
}

# Set place to where a path of the host leads below $root, links followed as the host would:
# an absolute one starts again at $root.
locate() {
    place= left=$1 links=0
    while [ -n "$left" ]; do
        part=${left%%/*}
        case $left in
        */*) left=${left#*/} ;;
        *) left= ;;
        esac
        case $part in
        '' | .) continue ;;
        ..)
            place=${place%/*}
            continue
            ;;
        esac
        if [ ! -h "$root$place/$part" ]; then
            place=$place/$part
            continue
        fi
        links=$((links + 1))
        if [ "$links" -gt 40 ]; then
            echo "$1 goes round in circles"
            return 1
        fi
        target=$(readlink "$root$place/$part") || return
        case $target in
        /*) place= ;;
        esac
        left=$target/$left
    done
}
"""

# English reasons, but not for a command of the operator.
_ENGLISH = "LC_ALL=C\nexport LC_ALL\n"

_READ = r"""
show() {
    locate "$2" >/dev/null || fail "$2 goes round in circles"
    if [ -f "$root$place" ]; then
        printf '== %s %s\n' "$1" "$2"
        base64 <"$root$place" || fail "$2 cannot be read"
    elif [ "$1" = sysctl-file ]; then
        printf '== %s %s\n' "$1" "$2"
    fi
}

boot_files() {
    locate "$1" >/dev/null || fail "$1 goes round in circles"
    [ -d "$root$place" ] || return 0
    [ -r "$root$place" ] || fail "$1 cannot be read"
    for file in "$root$place"/*.conf "$root$place"/.[!.]*.conf; do
        [ -e "$file" ] || [ -h "$file" ] || continue
        name=${file##*/}
        case $name in
        *"$LF"*) fail "$1 holds a name with a line break" ;;
        esac
        show sysctl-file "$1/$name"
    done
}

socket_table() {
    [ -e "/proc/net/$1" ] || return 0
    printf '== sockets %s\n' "$1"
    cat "/proc/net/$1" || fail "/proc/net/$1 cannot be read"
}
"""

_APPLY = r"""
step() {
    number=$1
    shift
    reason=$("$@" 2>&1) || fail "$reason"
    # Nobody listens any more: whoever asked for this does not know how far it went. Stop.
    printf '== done %s\n' "$number" 2>/dev/null || exit 1
}

refuse() {
    echo "$1"
    return 1
}

# Through cat, because what a shell says about a failed write differs: cat gives the reason.
set_sysctl() {
    file=/proc/sys/net/ipv4/$1
    [ -e "$file" ] || refuse 'there is no such sysctl' || return
    printf '%s\n' "$2" | cat >"$file" || return
    got=$(cat "$file") || return
    [ "$got" = "$2" ] || refuse "it reads '$got' after writing $2"
}

entry() {
    locate "${1%/*}" || return
    name=${1##*/}
    directory=$root$place
    file=$directory/$name
}

write_file() {
    entry "$1" || return
    [ ! -d "$file" ] || refuse "$file is a directory" || return
    mkdir -p "$directory" || return
    # What an earlier write left that was cut off. The name does not end in .conf and begins
    # with a dot: no reader of the directory takes it.
    rm -f "$directory/.$name.kemp."?????? || return
    new=$(mktemp "$directory/.$name.kemp.XXXXXX") || return
    trap 'rm -f "$new"' EXIT
    mode=644
    if [ -f "$file" ]; then
        mode=$(stat -L -c %a "$file") || return
        owner=$(stat -L -c %u:%g "$file") || return
        chown "$owner" "$new" || return
    fi
    printf '%s' "$2" | cat >"$new" || return
    chmod "$mode" "$new" || return
    sync "$new" || return
    mv -f "$new" "$file" || return
    if command -v restorecon >/dev/null 2>&1; then
        restorecon "$file" || refuse 'it is written, but its SELinux label could not be set' ||
            return
    fi
    sync "$directory"
}

remove_file() {
    entry "$1" || return
    [ -e "$file" ] || [ -h "$file" ] || return 0
    rm -f "$file" || return
    sync "$directory"
}

add_address() {
    interface=$1 address=$2
    shift 2
    ip address replace "$address" dev "$interface" "$@"
}

remove_address() {
    listed=$(ip -o address show dev "$1") || return
    case $listed in
    *" inet $2 "* | *" inet6 $2 "*) ;;
    *) return 0 ;;
    esac
    promote=/proc/sys/net/ipv4/conf/$1/promote_secondaries
    case $2 in
    */32 | *:*) before=1 ;;
    *) before=$(cat "$promote") || return ;;
    esac
    # The first address of a network takes the others of that network with it, unless they are
    # promoted.
    if [ "$before" = 1 ]; then
        ip address del "$2" dev "$1"
        return
    fi
    echo 1 | cat >"$promote" || return
    ip address del "$2" dev "$1"
    result=$?
    echo "$before" | cat >"$promote" || return
    return "$result"
}
"""

# Files, not pipes: a daemon that keeps its output open must not keep us waiting. And a session
# of its own, so that the whole of it can be ended.
_RUN = r"""
bounded() {
    seconds=$1 most=$2
    shift 2
    work=
    for directory in /run /dev/shm /tmp; do
        work=$(mktemp -d "$directory/kemp.XXXXXX" 2>/dev/null) && break
    done
    [ -n "$work" ] || fail 'no room for the output of the command in /run, /dev/shm or /tmp'
    trap 'rm -rf "$work"' EXIT
    trap 'exit 1' HUP INT PIPE TERM
    setsid sh -c 'exec "$@"' sh "$@" >"$work/out" 2>"$work/err" </dev/null &
    command=$!
    setsid sh -c 'sleep "$1" && : >"$3" && kill -KILL "-$2"' \
        sh "$seconds" "$command" "$work/late" >/dev/null 2>&1 </dev/null &
    watch=$!
    wait "$command"
    code=$?
    # The group first, then the process, which may not have made its group yet. It must not
    # live on: the number it would end belongs to somebody else soon.
    kill -KILL "-$watch" 2>/dev/null
    kill -KILL "$watch" 2>/dev/null
    wait "$watch" 2>/dev/null
    [ "$code" != 137 ] || [ ! -e "$work/late" ] || code=late
    printf '== ended %s\n' "$code"
    for output in out err; do
        printf '== %s\n' "$output"
        tail -c "$most" "$work/$output" | base64
    done
}
"""


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


def read_script(host: Host) -> str:
    """Return the script that prints everything a NetState holds."""
    commands = [
        "need ip base64 cat grep readlink",
        "printf '== links\\n'",
        "ip -o link || fail 'the interfaces cannot be read'",
        "printf '== addresses\\n'",
        "ip -o -4 address || fail 'the addresses cannot be read'",
        "printf '== routes\\n'",
        "ip -4 -o route show table main default || fail 'the routes cannot be read'",
        "printf '== sysctls\\n'",
        # Not read: some shells read byte by byte, and these files have no second byte. An
        # interface may go while they are listed.
        f"grep -Hs '' {' '.join(f'/proc/sys/net/ipv4/conf/*/{key}' for key in _SYSCTLS)}",
        *(f"boot_files {quoted(directory)}" for directory in DIRECTORIES),
        f"show sysctl-file {quoted(LAST_FILE)}",
        *(f"show managed-file {quoted(path)}" for path in MANAGED_FILES),
        *(f"socket_table {table}" for table in TABLES),
    ]
    return _script(host, _ENGLISH + _READ, commands)


def apply_script(host: Host, changes: Sequence[NetChange]) -> str:
    """Return the script that carries the changes out in order, up to the first that fails.

    A change that may not be sent at all fails on the host in its turn, so that those before
    it are carried out like before any other failure.
    """
    commands = ["need ip base64 cat readlink mktemp stat chown chmod sync mv rm mkdir"]
    for number, change in enumerate(changes):
        try:
            words = _words(change)
            commands.append(f"step {number} {' '.join(quoted(word) for word in words)}")
        except ValueError as error:
            commands.append(f"step {number} refuse {quoted(str(error))}")
            break
    return _script(host, _ENGLISH + _APPLY, commands)


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
    return _script(host, _RUN, commands)


def _script(host: Host, functions: str, commands: Sequence[str]) -> str:
    lines = "\n".join(f"    {command}" for command in commands)
    root = host.root.rstrip("/")
    return (
        f"{_COMMON}{functions}\n"
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
            return ["write_file", _path(path), content]
        case AddAddress(address=address):
            label = ["label", address.label] if address.label else []
            return ["add_address", _interface(address), _with_prefix(address), *label]
        case RemoveAddress(address=address):
            return ["remove_address", _interface(address), _with_prefix(address)]


def _path(path: str) -> str:
    parts = path.split("/")
    if not path.startswith("/") or ".." in parts or parts[-1] in ("", ".") or "\0" in path:
        raise ValueError(f"{path!r} is not the absolute path of a file of the host")
    return path


def _interface(address: HostAddress) -> str:
    if "/" in address.interface or address.interface in ("", ".", ".."):
        raise ValueError(f"{address.interface!r} is not the name of an interface")
    return address.interface


def _with_prefix(address: HostAddress) -> str:
    return str(ipaddress.ip_interface(f"{address.address}/{address.prefix}"))
