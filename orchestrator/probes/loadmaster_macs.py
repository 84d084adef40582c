"""The MACs of the LoadMaster on the servers' segment: from the file, or learned by ARP.

Learned from its *own* addresses, not from the VIP: who answers for the VIP is the question.
"""

import ipaddress
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass

from kempsdk import LoadMaster
from kempsdk.errors import KempError
from orchestrator.probes.arp import ArpEvidence
from orchestrator.spec import LoadMasterSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class Pinned:
    """What is known of the LoadMaster's MACs.

    Attributes:
        macs: in lower case; none where they are not known.
        how: where they come from, or why they are not known; one line each.
    """

    macs: frozenset[str]
    how: tuple[str, ...]


def pin(
    entry: LoadMasterSpec,
    *,
    loadmaster: Callable[[], LoadMaster],
    ask: Callable[[str], ArpEvidence],
    near: Collection[str],
    vip: str,
) -> Pinned:
    """Return the MACs of the LoadMaster: those of the file, or those it answers with.

    Args:
        loadmaster: asked for its interfaces, where the file says neither MACs nor address.
        ask: asks the segment who has an address.
        near: addresses of servers of the segment: which interfaces are on it.
        vip: never taken for the LoadMaster's own address.
    """
    if entry.macs:
        return Pinned(macs=frozenset(map(str.lower, entry.macs)), how=("its MACs are configured",))
    try:
        addresses = _own_addresses(entry, loadmaster, near)
    except KempError as error:
        return Pinned(macs=frozenset(), how=(f"its interfaces could not be read: {error}",))
    macs: set[str] = set()
    how: list[str] = []
    for address in addresses:
        if address == vip:
            continue
        heard = ask(address)
        if len(heard.macs) > 1 or heard.dropped:
            why = "frames were lost" if heard.dropped else "several machines have it"
            how.append(f"its address {address} does not tell its MAC: {why}")
        elif heard.answers:
            macs |= heard.macs
            how.append(f"its address {address} is at {', '.join(heard.macs)}")
        else:
            how.append(f"nobody answered for its address {address}")
    return Pinned(macs=frozenset(macs), how=tuple(how) or ("it has no address on the segment",))


def _own_addresses(
    entry: LoadMasterSpec, loadmaster: Callable[[], LoadMaster], near: Collection[str]
) -> tuple[str, ...]:
    if entry.segment_address is not None:
        return (entry.segment_address,)
    servers = [ipaddress.ip_address(one) for one in near]
    found: list[str] = []
    for interface in loadmaster().interfaces.list():
        own = [one for one in (interface.address, *interface.additional) if one is not None]
        networks = [ipaddress.ip_interface(one) for one in own]
        if any(server in one.network for one in networks for server in servers):
            found += [str(one.ip) for one in networks]
            found += _given(interface.shared_address, interface.partner_address)
    return tuple(dict.fromkeys(found))


def _given(*addresses: str | None) -> Iterable[str]:
    """Return the addresses of a pair; the appliance may write them with a prefix."""
    return [str(ipaddress.ip_interface(one).ip) for one in addresses if one]
