"""The unit of systemd that puts VIPs on lo at boot, where nothing else there does. Pure."""

import ipaddress
import re
from collections.abc import Mapping

from orchestrator.hosts.section_script import OUR_HEADER, UNIT_DIRECTORY

UNIT = "kemp-vip.service"
PATH = f"{UNIT_DIRECTORY}/{UNIT}"
HEADER = f"{OUR_HEADER}: the service addresses of this host. Do not edit.\n"
_IP = "/usr/sbin/ip"
_ADDS = re.compile(
    r"ExecStart=\S*ip(?: -6)? address replace (?P<address>\S+)/(?P<prefix>\d+) dev lo\b"
    r"(?: label (?P<label>\S+))?"
)


def unit_file(vips: Mapping[str, str | None]) -> str:
    """Return the unit.

    Args:
        vips: with the label that each gets; None for none (IPv6 has none).
    """
    add, remove = [], []
    for vip, label in vips.items():
        address = ipaddress.ip_interface(vip)
        family = " -6" if address.version == 6 else ""
        labelled = f" label {label}" if label else ""
        add.append(f"ExecStart={_IP}{family} address replace {address} dev lo{labelled}\n")
        # "-": one that is gone already is no failure.
        remove.append(f"ExecStop=-{_IP}{family} address del {address} dev lo\n")
    return (
        f"{HEADER}[Unit]\nDescription=Service addresses on lo\n"
        # The host must be silent before they are there: no sysctls, no addresses.
        "Requires=systemd-sysctl.service\nAfter=systemd-sysctl.service\n"
        "Wants=network-pre.target\nBefore=network-pre.target\n\n"
        f"[Service]\nType=oneshot\nRemainAfterExit=yes\n{''.join(add)}{''.join(remove)}\n"
        "[Install]\nWantedBy=multi-user.target\n"
    )


def vips_of(content: str) -> dict[str, tuple[int, str | None]]:
    """Return what a unit of ours puts on lo: address to prefix and label."""
    return {
        found["address"]: (int(found["prefix"]), found["label"])
        for found in map(_ADDS.match, content.splitlines())
        if found
    }
