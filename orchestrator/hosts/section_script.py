r"""What prints the sections of a host's state that are read only when asked for. Pure.

Plain sh, as in ssh_script; both drivers run it, so that both read the same.
"""

import shlex
from collections.abc import Collection

from orchestrator.hosts.driver import Host
from orchestrator.hosts.sections import Section
from orchestrator.hosts.state import ARPTABLES_FILE

UNITS = (
    "network",
    "NetworkManager",
    "firewalld",
    "arptables",
    "nftables",
    "kemp-vip",
    "kemp-arptables",
)
"""Units whose state at boot is read."""

OUR_HEADER = "# Written by kemp"
"""How every file begins that this product writes where others write too."""

NETWORK_SCRIPTS = "/etc/sysconfig/network-scripts"
KEYFILES = (
    "/etc/NetworkManager/system-connections",
    "/usr/lib/NetworkManager/system-connections",
)
"""Where profiles lie that a boot finds again; those in /run are NetworkManager's own."""
UNIT_DIRECTORY = "/etc/systemd/system"

FUNCTIONS = r"""
# Heading, path, reader: the file with its mode and owner, where there is one.
host_file() {
    locate "$2" >/dev/null || fail "$2 goes round in circles"
    [ -f "$root$place" ] || return 0
    [ -r "$root$place" ] || fail "$2 cannot be read: permission denied"
    printf '== %s %s %s\n' "$1" "$(stat -L -c '%a %u' "$root$place")" "$2"
    ${3:-cat} <"$root$place" | base64 || fail "$2 cannot be read"
}

# Of a keyfile only what cannot be a secret. GLib allows blanks before a section's name. A
# profile of lo has no secrets; all of it is needed to put it back.
public_part() {
    text=$(cat; echo x)
    case $text in
    *"${LF}type=loopback$LF"*) printf '%s' "${text%x}" ;;
    *) printf '%s' "${text%x}" | without_secrets ;;
    esac
}

without_secrets() {
    awk '
        /^[ \t]*\[/ { shown = ($0 ~ /^[ \t]*\[(connection|ipv4|ipv6)\]/) }
        /^[ \t]*[#;]/ { if ($0 ~ /^# Written by kemp/) print; next }
        tolower($0) ~ /password|psk|secret|private-key/ { next }
        shown'
}

# Heading, folder, reader, patterns of names.
folder() {
    heading=$1 path=$2 reader=$3
    shift 3
    locate "$path" >/dev/null || fail "$path goes round in circles"
    [ -d "$root$place" ] || return 0
    [ -r "$root$place" ] || fail "$path cannot be read"
    in=$root$place
    for pattern; do
        for file in "$in"/$pattern; do
            name=${file##*/}
            [ -f "$file" ] || [ -h "$file" ] || continue
            case $name in
            *"$LF"*) fail "$path holds a name with a line break" ;;
            esac
            host_file "$heading" "$path/$name" "$reader"
        done
    done
}

unit_state() {
    has systemctl || return 0
    # The last line: for a service of the old kind there are others before it.
    words=$(tool systemctl is-enabled "$1.service" 2>/dev/null)
    echo "${words##*"$LF"}"
}

persistence() {
    printf '== units\n'
    for unit; do
        printf '%s %s\n' "$unit" "$(unit_state "$unit")"
    done
    printf '== readers\n'
    [ ! -d "$root/run/systemd/system" ] || echo systemd
    [ ! -e "$root/etc/sysconfig/network-scripts/ifup-eth" ] || echo network-scripts
    has nmcli || return 0
    printf '== nm-version\n'
    tool nmcli --version || fail 'nmcli does not tell its version'
    [ "$(tool nmcli -t -f RUNNING general 2>/dev/null)" = running ] || return 0
    printf '== nm-profiles\n'
    tool nmcli -t -f UUID,DEVICE,FILENAME connection show ||
        fail 'NetworkManager does not tell its connections'
    printf '== nm-devices\n'
    tool nmcli -t -f DEVICE,STATE device || fail 'NetworkManager does not tell its devices'
}

arptables_rules() {
    printf '== arptables\n%s\n' "$(unit_state arptables)"
    has arptables || return 0
    printf '== arptables-version\n'
    tool arptables --version || fail 'arptables does not tell its version'
    printf '== arptables-rules\n'
    # Not arptables-save: 1.8.9 writes names from /etc/hosts where addresses belong.
    tool arptables -n -L || fail 'the ARP rules cannot be read'
}

# Heading, then the call.
firewall_says() {
    printf '== firewalld-%s\n' "$1"
    shift
    tool "$@" || fail "$1 does not answer: $*"
}

firewall() {
    printf '== firewalld\n%s\n' "$(unit_state firewalld)"
    has firewall-cmd || return 0
    printf '== firewalld-version\n'
    # The one tool does not tell while the service is down, the other may not be there.
    tool firewall-cmd --version 2>/dev/null || tool firewall-offline-cmd --version ||
        fail 'firewalld does not tell its version'
    if tool firewall-cmd --state >/dev/null 2>&1; then
        printf '== firewalld-running\n'
        zone=$(tool firewall-cmd --get-zone-of-interface="$1" 2>/dev/null) ||
            zone=$(tool firewall-cmd --get-default-zone) || fail 'firewalld tells no zone'
        firewall_says runtime firewall-cmd --zone="$zone" --list-all
        firewall_says permanent firewall-cmd --permanent --zone="$zone" --list-all
        firewall_says direct firewall-cmd --direct --get-all-rules
        firewall_says direct-permanent firewall-cmd --permanent --direct --get-all-rules
        return
    fi
    has firewall-offline-cmd || return 0
    zone=$(tool firewall-offline-cmd --get-zone-of-interface="$1" 2>/dev/null) ||
        zone=$(tool firewall-offline-cmd --get-default-zone) || fail 'firewalld tells no zone'
    firewall_says permanent firewall-offline-cmd --zone="$zone" --list-all
    firewall_says direct-permanent firewall-offline-cmd --direct --get-all-rules
}
"""


def commands(host: Host, sections: Collection[Section]) -> list[str]:
    """Return the calls that print these sections."""
    lines: list[str] = []
    if Section.PERSISTENCE in sections:
        lines += _persistence(host)
    if Section.ARPTABLES in sections:
        lines += ["arptables_rules", f"host_file arptables-file {ARPTABLES_FILE}"]
    if Section.FIREWALLD in sections:
        lines += [f"firewall {shlex.quote(host.interface)}"]
    return lines


def _persistence(host: Host) -> list[str]:
    # In sh a pattern: letters that mean something there stand in brackets.
    name = "".join(f"[{one}]" if one in "*?[" else one for one in host.interface)
    kinds = ("ifcfg", "route", "route6", "rule", "rule6")
    patterns = ["ifcfg-lo*", "ifcfg-dummy*"]
    patterns += [f"{kind}-{name}" for kind in kinds] + [f"ifcfg-{name}:*"]
    return [
        "need stat awk",
        f"persistence {' '.join(UNITS)}",
        f"folder boot-file {NETWORK_SCRIPTS} cat {' '.join(map(shlex.quote, patterns))}",
        "host_file boot-file /etc/sysconfig/network",
        *(f"folder keyfile {directory} public_part '*'" for directory in KEYFILES),
        f"folder boot-file {UNIT_DIRECTORY} cat 'kemp-*.service'",
        f"folder boot-file {UNIT_DIRECTORY}/arptables.service.d cat '*-kemp.conf'",
    ]
