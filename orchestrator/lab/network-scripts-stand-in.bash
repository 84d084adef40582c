#!/bin/bash
# Stand-in for the network-scripts of CentOS 7 in the lab: not theirs, and only what is needed to
# see which of an operator's files take effect at boot. It follows what was measured with the real
# ones, and what was read in them:
#   - files are sourced by bash; names that end in ~ .bak .old .orig .rpmnew .rpmorig .rpmsave are
#     left out, every other copy of an alias file counts as one more alias
#   - an alias takes NETMASK from its parent when it has none: 255.0.0.0 on lo
#   - aliases ignore ONBOOT; ONPARENT=no keeps one down
#   - of two aliases with one DEVICE or one address, the second is refused
#   - a label of the parent's that no file names is removed when the parent is raised
#   - sysctl files are applied before lo is raised and after all devices
# Left out: DHCP, IPv6, VLAN, bonds, bridges, rename by HWADDR, NM_CONTROLLED.
#
# network-scripts-stand-in start|stop|restart; ifup NAME; ifdown NAME

cd "${NETWORK_SCRIPTS:-/etc/sysconfig/network-scripts}" || exit 1
failed=0

complain() {
    echo "$1" >&2
    failed=1
}

# Print the files of a pattern without those that are copies.
files() {
    local file
    for file in "$@"; do
        case $file in
        *~ | *.bak | *.old | *.orig | *.rpmnew | *.rpmorig | *.rpmsave) ;;
        *) [ ! -f "$file" ] || echo "$file" ;;
        esac
    done
}

# The prefix that PREFIX or NETMASK says, or that of the address's class.
prefix() {
    if [ -n "$PREFIX" ]; then
        echo "$PREFIX"
        return
    fi
    local octet bits=0 mask=$NETMASK
    if [ -z "$mask" ]; then
        octet=${IPADDR%%.*}
        if [ "$octet" -lt 128 ]; then mask=255.0.0.0
        elif [ "$octet" -lt 192 ]; then mask=255.255.0.0
        else mask=255.255.255.0; fi
    fi
    for octet in ${mask//./ }; do
        while [ "$octet" -gt 0 ]; do
            bits=$((bits + (octet & 1)))
            octet=$((octet >> 1))
        done
    done
    echo "$bits"
}

add_address() { # DEVICE LABEL
    local length broadcast=+
    length=$(prefix)
    [ "$length" != 32 ] || broadcast=$IPADDR
    ip address add "$IPADDR/$length" brd "$broadcast" dev "$1" label "$2" \
        $([[ $IPADDR != 127.* ]] || echo scope host)
}

announce() { # DEVICE: tell the segment, once now and once later; never on lo
    [ "$1" != lo ] || return 0
    (
        arping -q -c 1 -A -I "$1" "$IPADDR"
        sleep 2
        arping -q -c 1 -U -I "$1" "$IPADDR"
    ) &
}

has_label() { ip -o -4 address show label "$1" | grep -q .; }
has_address() { ip -o -4 address show | grep -qF " $1/"; }

# Raise one alias by its file. In a shell of its own: the parent's variables are what it starts with.
raise_alias() ( # PARENT FILE
    . "./ifcfg-$1"
    device=$DEVICE parent_prefix=$PREFIX parent_netmask=$NETMASK
    unset ONPARENT IPADDR PREFIX NETMASK
    . "./$2"
    [ -n "$PREFIX$NETMASK" ] || PREFIX=$parent_prefix NETMASK=$parent_netmask
    if [[ ! $DEVICE =~ ^$device:[0-9A-Za-z_]+$ ]]; then
        complain "error in $2: DEVICE=$DEVICE is no alias of $1"
    elif [ -z "$IPADDR" ]; then
        complain "error in $2: didn't specify device or ipaddr"
    elif has_label "$DEVICE"; then
        complain "error in $2: already seen device $DEVICE"
    elif has_address "$IPADDR"; then
        complain "error in $2: already seen ipaddr $IPADDR"
    else
        add_address "$device" "$DEVICE" || complain "error in $2: could not add $IPADDR to $device"
        announce "$device"
    fi
    exit $failed
)

raise_aliases() { # PARENT
    local label file
    ip -o -4 address show dev "$1" | sed -n "s/.* \($1:[^ \\\\]*\)\\\\.*/\1/p" |
        while read -r label; do
            ip address flush dev "$1" label "$label"
        done
    for file in $(files "ifcfg-$1":*); do
        (
            . "./$file"
            [ "$ONPARENT" != no ]
        ) || continue
        raise_alias "$1" "$file" || failed=1
    done
}

add_routes() { # DEVICE: both forms of route-DEVICE, and rule-DEVICE
    local line number
    if [ -f "route-$1" ]; then
        if grep -q '^[[:space:]]*ADDRESS[0-9]' "route-$1"; then
            for number in $(seq 0 99); do
                (
                    eval "unset ADDRESS$number NETMASK$number GATEWAY$number"
                    . "./route-$1"
                    address=ADDRESS$number mask=NETMASK$number gateway=GATEWAY$number
                    [ -z "${!address}" ] || {
                        IPADDR=${!address} NETMASK=${!mask} PREFIX=
                        ip route replace "$IPADDR/$(prefix)" ${!gateway:+via "${!gateway}"} dev "$1"
                    }
                ) || complain "error in route-$1: ADDRESS$number"
            done
        else
            while read -r line; do
                # Meant to be words: each line is what follows "ip route replace".
                [[ -z $line || $line == \#* ]] || ip route replace $line ||
                    complain "error in route-$1: $line"
            done <"route-$1"
        fi
    fi
    if [ -f "rule-$1" ]; then
        while read -r line; do
            [[ -z $line || $line == \#* ]] || ip rule add $line ||
                complain "error in rule-$1: $line"
        done <"rule-$1"
    fi
}

raise_device() ( # NAME of the file, without ifcfg-
    GATEWAY= GATEWAYDEV=
    [ ! -f /etc/sysconfig/network ] || . /etc/sysconfig/network
    . "./ifcfg-$1"
    ip link set "$DEVICE" up || complain "Device $DEVICE does not seem to be present"
    if [ -n "$IPADDR" ] && ! has_address "$IPADDR"; then
        add_address "$DEVICE" "$DEVICE" || complain "could not add $IPADDR to $DEVICE"
        announce "$DEVICE"
    fi
    if [ "$DEVICE" != lo ] && [ -n "$GATEWAY" ] && [ "${GATEWAYDEV:-$DEVICE}" = "$DEVICE" ] &&
        [ "$DEFROUTE" != no ]; then
        ip route replace default via "$GATEWAY" dev "$DEVICE" ||
            complain "could not set the default route via $GATEWAY"
    fi
    add_routes "$DEVICE"
    raise_aliases "$1"
    exit $failed
)

up() { # NAME
    if [ ! -f "ifcfg-$1" ]; then
        complain "ifup: configuration for $1 not found."
    elif [ "${1#*:}" != "$1" ]; then
        raise_alias "${1%%:*}" "ifcfg-$1" || failed=1
    else
        raise_device "$1" || failed=1
    fi
}

down() { # NAME
    if [ ! -f "ifcfg-$1" ]; then
        complain "ifdown: configuration for $1 not found."
    elif [ "${1#*:}" != "$1" ]; then
        ip address flush dev "${1%%:*}" label "$1"
    else
        ip -4 address flush dev "$1"
        ip link set "$1" down
    fi
}

devices() { # those to be raised at boot, without lo and without aliases
    local file
    for file in $(files ifcfg-*); do
        case $file in
        ifcfg-lo | *:*) continue ;;
        esac
        (
            . "./$file"
            [ "$ONBOOT" != no ]
        ) && echo "${file#ifcfg-}"
    done
}

start() {
    local name
    /usr/lib/systemd/systemd-sysctl || true
    up lo
    for name in $(devices); do
        up "$name"
    done
    /usr/lib/systemd/systemd-sysctl || true
}

stop() {
    local name
    for name in $(devices) lo; do
        down "$name"
    done
}

case ${0##*/} in
ifup) up "${1#ifcfg-}" ;;
ifdown) down "${1#ifcfg-}" ;;
*)
    case $1 in
    start) start ;;
    stop) stop ;;
    restart)
        stop
        start
        ;;
    *)
        echo "usage: $0 start|stop|restart" >&2
        exit 2
        ;;
    esac
    ;;
esac
exit $failed
