"""Where a machine really sends what is for the VIP: its route and its neighbour table.

A machine that learned a server's MAC keeps it after the server is repaired, and goes on sending
past the LoadMaster. Nothing is asked on the wire here, and nothing is changed.
"""

import re
from dataclasses import dataclass

from orchestrator.errors import HostUnreachable
from orchestrator.hosts.driver import Host, HostDriver
from orchestrator.probes.host_tools import script

_TIMEOUT_S = 15.0
_LOOK = """\
PATH=$PATH:/usr/sbin:/sbin
route=$(ip route get "$1") || exit
route=${route%%
*}
echo "route $route"
via=$(printf '%s\\n' "$route" | sed -n 's/.* via \\(inet6 \\)\\{0,1\\}\\([^ ]*\\).*/\\2/p')
device=$(printf '%s\\n' "$route" | sed -n 's/.* dev \\([^ ]*\\).*/\\1/p')
ip neigh show to "${via:-$1}" dev "$device" | sed -n '1s/^/neighbour /p'
"""
_ROUTE = re.compile(r"^route (?P<kind>local )?.*?\bdev (?P<device>\S+)", re.MULTILINE)
_VIA = re.compile(r"^route .* via (?:inet6 )?(?P<via>\S+)", re.MULTILINE)
_ENTRY = re.compile(
    r"^neighbour \S+(?: dev \S+)? (?:lladdr (?P<mac>[0-9a-f:]{17}) )?.*?(?P<state>[A-Z]+)\s*$",
    re.MULTILINE,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class FramePath:
    """Where a machine sends frames for the VIP.

    Attributes:
        machine: its name.
        device: on which they leave.
        next_hop: the address whose MAC counts: the VIP where it is on the same segment, else a
            gateway.
        mac: None where the machine has none yet, or found nobody; it will ask.
        state: of the entry, as the kernel says (REACHABLE, STALE, PERMANENT, FAILED, ...); ""
            without one.
        local: the machine keeps them for itself, since it has the VIP.
    """

    machine: str
    vip: str
    device: str
    next_hop: str
    mac: str | None = None
    state: str = ""
    local: bool = False

    @property
    def direct(self) -> bool:
        """Return whether the MAC is the VIP's own, not a gateway's."""
        return self.next_hop == self.vip

    @property
    def flush(self) -> str:
        """Return the command that makes the machine forget the MAC."""
        return f"ip neigh flush to {self.next_hop} dev {self.device}"


def frame_path(driver: HostDriver, host: Host, vip: str) -> FramePath:
    """Look up where a Linux machine sends what is for the VIP; one round trip.

    Raises:
        HostUnreachable: no way in, no route to the VIP, or no ``ip`` there.
    """
    result = driver.run(host, script(_LOOK, vip), timeout_s=_TIMEOUT_S)
    route = _ROUTE.search(result.stdout)
    if result.exit_code != 0 or route is None:
        said = result.stderr.strip().rpartition("\n")[2] or "its route cannot be read"
        raise HostUnreachable(f"{host.name}: where it sends {vip} is not known: {said}")
    via, entry = _VIA.search(result.stdout), _ENTRY.search(result.stdout)
    return FramePath(
        machine=host.name,
        vip=vip,
        device=route["device"],
        next_hop=via["via"] if via else vip,
        mac=entry["mac"] if entry else None,
        state=entry["state"] if entry else "",
        local=route["kind"] is not None,
    )


def router_commands(vip: str) -> tuple[str, ...]:
    """Return how the usual routers show and forget the MAC of the VIP, for those not reached."""
    if ":" in vip:
        return (
            f"Linux: ip -6 neigh show to {vip}; ip -6 neigh flush to {vip} dev DEVICE",
            f"Cisco IOS: show ipv6 neighbors {vip}; clear ipv6 neighbors",
            f"Junos: show ipv6 neighbors; clear ipv6 neighbors host {vip}",
        )
    return (
        f"Linux: ip neigh show to {vip}; ip neigh flush to {vip} dev DEVICE",
        f"Cisco IOS: show ip arp {vip}; clear ip arp {vip}",
        f"Junos: show arp hostname {vip}; clear arp hostname {vip}",
    )
