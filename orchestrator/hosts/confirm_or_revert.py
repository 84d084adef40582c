r"""Changes that could cut the way to a host: it takes them back unless they are confirmed. Pure.

Before the first change the host gets a script that takes all of them back, and a timer that
runs it. Who confirms comes over a new connection: that one proves the way in. The script and
the confirmation both begin by renaming the same file, so only one of them ever happens.
"""

import secrets
from dataclasses import dataclass, field

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
)
from orchestrator.hosts.driver import Host
from orchestrator.hosts.state import HostAddress

REVERT_AFTER_S = 60
"""When a host takes changes back that nobody confirmed, unless told otherwise."""

_NETWORK_UNITS = frozenset({"firewalld", "NetworkManager", "network", "iptables", "nftables"})
_NMCLI_REREADS = frozenset({"reload", "load", "show"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Revert:
    """What a host does when no confirmation comes.

    Attributes:
        after_s: when, in whole seconds from its arming, at least 1.
        token: tells it from every other one; letters and digits.
    """

    after_s: int
    token: str = field(default_factory=lambda: secrets.token_hex(8))


def cuts(change: NetChange, host: Host) -> bool:
    """Return whether the change could cut the way we came, so that it needs a way back."""
    match change:
        case SetRoute() | RemoveRoute() | AddRule() | RemoveRule():
            return True
        case AddAddress(address=address) | RemoveAddress(address=address):
            return address.address in (host.address, host.ssh_host) or _brings_a_route(address)
        case CallTool(argv=("firewall-cmd", *words)):
            return "--permanent" not in words
        case CallTool(argv=("nmcli", *words)):
            return not _NMCLI_REREADS & set(words)
        case CallTool(argv=("systemctl", *words)):
            return any(word.removesuffix(".service") in _NETWORK_UNITS for word in words)
        case SetSysctl(key=key, value=value):
            # Strict: packets that come another way than answers would go are dropped.
            return key.endswith("/rp_filter") and value == 1
        case CallTool() | WriteFile():
            return False


def _brings_a_route(address: HostAddress) -> bool:
    """Return whether the kernel has a route for the network around it."""
    return address.interface != "lo" and address.prefix < (128 if ":" in address.address else 32)


# What a host's systemd starts has the network of process 1, which is not ours where hosts are
# namespaces of one machine, so it is asked which network it has; at's daemon likewise. A
# detached shell has ours. at knows whole minutes only: its job begins at once and waits.
ARM = r"""
# Token, seconds, the script that takes everything back.
arm() {
    seconds=$2
    for folder in /run/kemp /var/lib/kemp; do
        armed=$folder/revert-$1
        reason=$(leave "$3" 2>&1) && break
        rm -f "$armed" 2>/dev/null
        armed=
    done
    [ -n "$armed" ] || fail "the host has no place for what takes this back: $reason"
    # An IPv4 address that goes takes routes with it that no change names, and has flags.
    (
        umask 077
        ip -4 address save >"$armed.addresses"
        ip -4 route save table main >"$armed.routes"
    ) 2>/dev/null
    for way in systemd at shell ''; do
        [ -z "$way" ] || ! "by_$way" || break
    done
    if [ -z "$way" ]; then
        rm -f "$armed" "$armed.addresses" "$armed.routes"
        fail 'nothing on the host can take this back later: it needs systemd-run, at or setsid'
    fi
    printf '== armed %s\n' "$way" || exit 1
}

leave() {
    umask 077
    mkdir -p "$folder" && printf 'changing=%s\n%s' "$$" "$1" >"$armed"
}

by_systemd() {
    [ -d /run/systemd/system ] && command -v systemd-run >/dev/null 2>&1 || return
    shares_our_network 1 || return
    # A timer is a minute late where nobody asks for better.
    set -- --on-active="${seconds}s" --timer-property=AccuracySec=100ms \
        --unit="kemp-${armed##*/}" /bin/sh "$armed"
    # EL7 does not know --collect.
    systemd-run --collect "$@" >/dev/null 2>&1 || systemd-run "$@" >/dev/null 2>&1
}

shares_our_network() {
    [ "$(readlink /proc/self/ns/net)" = "$(readlink "/proc/$1/ns/net")" ]
}

by_at() {
    command -v at >/dev/null 2>&1 || return
    daemon=$(cat /run/atd.pid 2>/dev/null) && shares_our_network "$daemon" || return
    {
        printf '{\nset -- %s %s\n[ ! -e "$1" ] || : >"$1.waits"\n' "$armed" "$seconds"
        printf '%s\nexit\n} >/dev/null 2>&1 </dev/null\n' "$waiting"
    } | at -M now >/dev/null 2>&1 || return
    # It takes jobs also where nobody runs them, or runs them late.
    for attempt in 1 2 3 4 5 6 7 8 9 10; do
        [ ! -e "$armed.waits" ] || return 0
        sleep 0.2 2>/dev/null || sleep 1
    done
    return 1
}

by_shell() {
    command -v setsid >/dev/null 2>&1 || return
    setsid sh -c "$waiting" sh "$armed" "$seconds" >/dev/null 2>&1 </dev/null &
}

# Until it is time, or until the file is gone: then it was confirmed.
waiting='
    while [ -e "$1" ] && [ "$2" -gt 0 ]; do
        sleep 1
        set -- "$1" $(($2 - 1))
    done
    [ ! -e "$1" ] || exec sh "$1"
'
"""

TAKE = r"""
exec >/dev/null 2>&1 </dev/null
mv "$0" "$0.running" || exit 0
# Whoever makes the changes stops at the next one, now that the file is gone.
waited=0
while kill -0 "$changing" && [ "$waited" -lt 60 ]; do
    sleep 1
    waited=$((waited + 1))
done
logger -t kemp 'nobody confirmed the changes to the network: they are taken back'
# What is there already is left alone.
ip -4 address restore <"$0.addresses"
"""

# As far as it goes: one step that fails must not keep the others from mending.
BACK = r"""
step() {
    shift
    ("$@")
}

is_done() {
    :
}

without() {
    :
}
"""

TAKEN = r"""
# Twice: a route may need one that stands after it.
for attempt in 1 2; do
    ip -4 route restore <"$0.routes"
done
{
    : >"$0.reverted"
    rm -f "$0.running" "$0.addresses" "$0.routes" "$0.waits"
    exit 0
}
"""

CONFIRM = r"""
confirm() {
    for folder in /run/kemp /var/lib/kemp; do
        file=$folder/revert-$1
        if reason=$(mv "$file" "$file.confirmed" 2>&1); then
            rm -f "$file.confirmed" "$file.addresses" "$file.routes" "$file.waits"
            # A job of at and a detached shell see that the file is gone.
            systemctl stop "kemp-revert-$1.timer" >/dev/null 2>&1
            printf '== confirmed\n'
            return
        fi
        [ ! -e "$file" ] || fail "$reason"
        if [ -e "$file.running" ] || [ -e "$file.reverted" ]; then
            printf '== reverted\n'
            return
        fi
    done
    printf '== gone\n'
}
"""
