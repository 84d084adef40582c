"""What a driver does not read of a host and only the doctor wants: filters and offloads."""

import re
from dataclasses import dataclass

from orchestrator.hosts.driver import Host, HostDriver
from orchestrator.probes.host_tools import script

_TIMEOUT_S = 30.0
_LOOK = """\
PATH=$PATH:/usr/sbin:/sbin
have() { command -v "$1" >/dev/null 2>&1; }
echo "== nft"
have nft && nft list ruleset 2>/dev/null && echo "== nft read"
echo "== iptables"
have iptables-save && case $(iptables-save --version 2>/dev/null) in
*nf_tables*) ;;
*) iptables-save -t filter 2>/dev/null ;;
esac
echo "== ethtool"
have ethtool && ethtool -k "$1" 2>/dev/null
echo "== end"
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Extras:
    """What was read, as the tools print it.

    Attributes:
        nft: the rules of nftables, or None where they could not be read.
        iptables: those of the legacy tool; "" where there are none.
        lro: whether the interface joins packets as they come in; None where it is not known.
    """

    nft: str | None = None
    iptables: str = ""
    lro: bool | None = None


def read_extras(driver: HostDriver, host: Host) -> Extras:
    """Read them; what is not there is left out, since every tool of it may be missing.

    Raises:
        HostUnreachable: no way in.
    """
    said = driver.run(host, script(_LOOK, host.interface), timeout_s=_TIMEOUT_S).stdout
    parts = dict(re.findall(r"^== (\w+)\n(.*?)(?=^== |\Z)", said, re.MULTILINE | re.DOTALL))
    lro = re.search(r"^large-receive-offload: (on|off)", parts.get("ethtool", ""), re.MULTILINE)
    return Extras(
        nft=parts.get("nft") if "== nft read" in said else None,
        iptables=parts.get("iptables", ""),
        lro=lro[1] == "on" if lro else None,
    )
