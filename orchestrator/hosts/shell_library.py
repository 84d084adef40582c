"""The plain POSIX sh that runs on hosts: functions, called by the scripts. Text only."""

# /sbin: a login that is not root often has no ip on its PATH.
COMMON = r"""
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
        without "$tool"
    done
}

# End: the host does not have that tool. Its release says which package brings it.
without() {
    printf '== missing %s\n== release\n' "$1"
    grep -hE '^(ID|VERSION_ID)=' "$root/etc/os-release" 2>/dev/null
    printf '== end\n'
    exit 0
}

# A tool of the host: of its root, where that is a directory of this machine.
tool() {
    if [ -z "$root" ]; then
        "$@" </dev/null
    elif [ -x "$root/bin/sh" ]; then
        chroot "$root" "$@" </dev/null
    else
        return 127
    fi
}

has() {
    if [ -z "$root" ]; then
        command -v "$1" >/dev/null 2>&1
        return
    fi
    [ -x "$root/bin/sh" ] || return
    for folder in usr/local/sbin usr/local/bin usr/sbin usr/bin sbin bin; do
        [ ! -x "$root/$folder/$1" ] || return 0
    done
    return 1
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
ENGLISH = "LC_ALL=C\nexport LC_ALL\n"

READ = r"""
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

who() {
    printf '== user\n%s\n== hostname\n' "${SUDO_USER:-$(id -un)}"
    if [ -z "$root" ]; then
        cat /proc/sys/kernel/hostname
    elif [ -r "$root/etc/hostname" ]; then
        cat "$root/etc/hostname"
    fi
    printf '== date\n'
    date -u +%Y-%m-%dT%H:%M:%SZ
}

# The rest of a family; a host may have no IPv6.
routing() {
    if [ "$1" = 6 ]; then
        [ -e /proc/net/if_inet6 ] || return 0
        printf '== addresses6\n'
        ip -o -6 address || fail 'the IPv6 addresses cannot be read'
    fi
    printf '== routes %s\n' "$1"
    ip "-$1" -o route show table main || fail 'the routes cannot be read'
    printf '== rules %s\n' "$1"
    ip "-$1" rule show || fail 'the rules that choose a routing table cannot be read'
}

socket_table() {
    [ -e "/proc/net/$1" ] || return 0
    printf '== sockets %s\n' "$1"
    cat "/proc/net/$1" || fail "/proc/net/$1 cannot be read"
}
"""

APPLY = r"""
# The file that takes the changes back, where there is one.
armed=

step() {
    number=$1
    shift
    [ -z "$armed" ] || [ -e "$armed" ] || fail 'it took too long, so the host takes all of it back'
    reason=$("$@" 2>&1) || fail "$reason"
    is_done "$number"
}

is_done() {
    # Nobody listens any more: whoever asked for this does not know how far it went. Stop.
    printf '== done %s\n' "$1" 2>/dev/null || exit 1
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

# Path, content, mode or nothing.
write_file() {
    entry "$1" || return
    [ ! -d "$file" ] || refuse "$file is a directory" || return
    case $3 in
    '' | *[1-7][1-7] | *[1-7]0 | *0[1-7]) mkdir -p "$directory" || return ;;
    *) (umask 077 && mkdir -p "$directory") || return ;;
    esac
    # What an earlier write left that was cut off. The name does not end in .conf and begins
    # with a dot: no reader of the directory takes it.
    rm -f "$directory/.$name.kemp."?????? || return
    new=$(mktemp "$directory/.$name.kemp.XXXXXX") || return
    trap 'rm -f "$new"' EXIT
    mode=644 labelled=
    if [ -f "$file" ]; then
        mode=$(stat -L -c %a "$file") || return
        owner=$(stat -L -c %u:%g "$file") || return
        chown "$owner" "$new" || return
        # The SELinux label too, also one that the policy would not give; ? where there is none.
        case $(stat -L -c %C "$file" 2>/dev/null) in
        *:*:*)
            labelled=yes
            chcon --reference="$file" "$new" || return
            ;;
        esac
    fi
    printf '%s' "$2" | cat >"$new" || return
    chmod "${3:-$mode}" "$new" || return
    sync "$new" || return
    mv -f "$new" "$file" || return
    if [ -z "$labelled" ] && has restorecon; then
        tool restorecon "${file#"$root"}" ||
            refuse 'it is written, but its SELinux label could not be set' || return
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

# Family, then the words that name a route.
remove_route() {
    family=$1
    shift
    reply=$(ip "$family" route del "$@" 2>&1) && return
    case $reply in
    *'No such process'* | *'FIB table does not exist'*) return 0 ;;
    esac
    refuse "$reply"
}

# Family, priority, source, then all words of the rule. Old kernels add the same rule again.
add_rule() {
    listed=$(ip "$1" rule show) || return
    family=$1
    case $LF$listed in
    *"$LF$2:	from $3 "*) return 0 ;;
    esac
    shift 3
    ip "$family" rule add "$@"
}

remove_rule() {
    family=$1
    shift
    reply=$(ip "$family" rule del "$@" 2>&1) && return
    case $reply in
    *'No such file or directory'*) return 0 ;;
    esac
    refuse "$reply"
}

# Whether the answer to a question is yes.
answered() {
    has "$1" && tool "$@" >/dev/null 2>&1
}

# Exit codes that mean success, then the call.
call_tool() {
    accept=$1
    shift
    tool "$@"
    result=$?
    for code in $accept; do
        [ "$result" != "$code" ] || return 0
    done
    refuse "it ended with exit code $result"
}
"""

# Files, not pipes: a daemon that keeps its output open must not keep us waiting. And a session
# of its own, so that the whole of it can be ended.
RUN = r"""
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
