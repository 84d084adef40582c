"""What a host's own facts say of its place in a service. Pure."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import get_args

from orchestrator.doctor.diagnosis import Check, Diagnosis, checked, diagnosis, not_made
from orchestrator.doctor.extras import Extras
from orchestrator.doctor.firewall import closed_zones, dropping_chains
from orchestrator.errors import HostChangeFailed
from orchestrator.hosts.carrying import Part, plan_add
from orchestrator.hosts.effective import effective_arp, persistent_arp
from orchestrator.hosts.sections import Firewalld
from orchestrator.hosts.state import ArpKey, NetState
from orchestrator.members import Member, carried
from orchestrator.probes.service import bound
from orchestrator.rules import Severity
from orchestrator.spec import Spec

_STRICT = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Examined:
    """A host in a service, as it was read.

    Attributes:
        extras: None where they could not be read.
    """

    place: Member
    state: NetState
    extras: Extras | None = None

    @property
    def subject(self) -> str:
        return f"host {self.place.host}"


def examine_host(
    spec: Spec, one: Examined, *, loadmaster_addresses: Collection[str]
) -> Iterator[Check]:
    """Check a host that was read.

    Args:
        loadmaster_addresses: the LoadMaster's own, as far as they are known.
    """
    host = spec.host(one.place.host)
    yield _method(spec, one)
    if one.place.how.direct_return and host.interface in one.state.interfaces:
        if ":" not in one.place.vs.address:
            yield checked("arp-settings", one.subject, (), arp_settings(one.state, host.interface))
        yield checked("routes", one.subject, _routes(one, host.interface, loadmaster_addresses))
    yield checked("listening", one.subject, _listening(one))
    yield _firewall(one, host.interface)
    yield _offloads(one, host.interface)


def _method(spec: Spec, one: Examined) -> Check:
    """Ask the method whether the host is as it must be, now and after a boot."""
    host = spec.host(one.place.host)
    (part,) = carried(host, [one.place])
    found = one.place.how.verify(one.state, part.wanted)
    left = one.place.how.not_mended(one.state, part.wanted) if found else ()
    offered = bool(found) and _would_change(one, part.part)
    said = () if found else one.place.how.evidence(one.state, part.wanted)
    findings = (
        Diagnosis(
            id=each.id,
            severity=Severity.ERROR if each.blocks else Severity.WARNING,
            subject=one.subject,
            message=each.message,
            consequence="it is not ready for traffic"
            if each.blocks
            else "it works, and may surprise",
            cure=f"{each.cure}; or let it be done: kemp host apply {one.place.host}"
            if offered and each not in left
            else each.cure,
        )
        for each in found
    )
    return checked("host-state", one.subject, findings, said)


def _would_change(one: Examined, part: Part) -> bool:
    """Return whether there is anything that applying could do on the host."""
    try:
        return bool(plan_add(one.state, [part]))
    except HostChangeFailed:
        return False


def arp_settings(state: NetState, interface: str) -> tuple[str, ...]:
    """Return what the ARP sysctls amount to, now, after a boot, and which lines decide."""
    live, files = effective_arp(state, interface), persistent_arp(state, interface)
    lines = []
    for key in get_args(ArpKey):
        winners = [line for name, line in files.boot_winners.items() if name.endswith(f"/{key}")]
        by = ", ".join(dict.fromkeys(f"{line.path}: {line.key} = {line.value}" for line in winners))
        lines.append(
            f"{key} is {live.value(key)}, after a boot {files.after_boot.value(key)}, after "
            f"sysctl --system {files.after_reload.value(key)} ({by or 'no file sets it'})"
        )
    return tuple(lines)


def _routes(
    one: Examined, interface: str, loadmaster_addresses: Collection[str]
) -> Iterator[Diagnosis]:
    vip = one.place.vs.address
    version = 6 if ":" in vip else 4
    if any(rule.source.partition("/")[0] == vip for rule in one.state.rules):
        return  # replies from the VIP have a routing table of their own, which is not read
    route = one.state.default_route_of(version)
    if route is None:
        yield diagnosis(
            "no-default-route",
            one.subject,
            f"there is no default route of IPv{version}",
            f"ip route add default via GATEWAY dev {interface}, and the same for the next boot",
            severity=Severity.WARNING,
        )
    elif route.gateway in loadmaster_addresses or route.gateway == vip:
        yield diagnosis(
            "default-route-through-loadmaster",
            one.subject,
            f"its default route is via {route.gateway}, the LoadMaster",
            f"ip route replace default via ROUTER dev {interface}, and the same for the next boot; "
            "where the host needs both ways: ip rule add from "
            f"{vip} lookup 100; ip route add default via ROUTER dev {interface} table 100",
        )
    if version == 4:
        yield from _reverse_path(one, interface, route.interface if route else "")


def _reverse_path(one: Examined, interface: str, way_out: str) -> Iterator[Diagnosis]:
    sysctls = one.state.sysctls
    values = [sysctls.get(f"conf/{scope}/rp_filter", 0) for scope in ("all", interface)]
    # The kernel takes the larger one: 2, which only asks for some way back, beats 1.
    if max(values) == _STRICT and way_out != interface:
        yield diagnosis(
            "rp-filter-drops",
            one.subject,
            f"rp_filter of {interface} is strict (all {values[0]}, {interface} {values[1]}), and "
            f"the way back to clients is {way_out or 'nowhere'}",
            f"sysctl -w net/ipv4/conf/{interface}/rp_filter=2, and the same in /etc/sysctl.d",
        )


def _listening(one: Examined) -> Iterator[Diagnosis]:
    place = one.place
    address, protocol = place.served_address, place.vs.protocol.value
    seen = bound(one.state, address, place.rs.port, protocol)
    if seen.bound:
        return
    where = f"{address}:{place.rs.port} ({protocol})"
    if seen.elsewhere:
        others = ", ".join(dict.fromkeys(each.local_address for each in seen.elsewhere))
        yield diagnosis(
            "listens-elsewhere",
            one.subject,
            f"nothing listens on {where}, only on {others}",
            f"make the program listen on {address} or on every address",
        )
    else:
        yield diagnosis(
            "not-listening",
            one.subject,
            f"nothing listens on {where}",
            "start the program; what listens now: ss -lntu",
        )


def _firewall(one: Examined, interface: str) -> Check:
    firewalld, extras = one.state.firewalld, one.extras
    filters = extras is not None and (extras.nft is not None or bool(extras.iptables))
    if not filters and not (firewalld and firewalld.version):
        return not_made("firewall", one.subject, "neither firewalld nor nft could be read")
    said = []
    if firewalld is not None and firewalld.version:
        state = "running" if firewalld.running else "not running"
        said.append(f"firewalld is {state}, zone {firewalld.zone or 'default'}")
    found = [*_zone(one, firewalld), *_filters(one, interface)]
    return checked("firewall", one.subject, found, said)


def _zone(one: Examined, firewalld: Firewalld | None) -> Iterator[Diagnosis]:
    if firewalld is None or not firewalld.version:
        return
    port, protocol = one.place.rs.port, one.place.vs.protocol.value
    now, later = closed_zones(firewalld, port, protocol)
    zone = firewalld.zone or "default"
    words = f"--zone={zone} --add-port={port}/{protocol}"
    if now:
        yield diagnosis(
            "firewall-closed",
            one.subject,
            f"firewalld's zone {zone} does not let {port}/{protocol} in",
            f"firewall-cmd {words}; firewall-cmd --permanent {words}",
        )
    elif later:
        yield diagnosis(
            "firewall-closed-after-reload",
            one.subject,
            f"the permanent zone {zone} of firewalld does not let {port}/{protocol} in",
            f"firewall-cmd --permanent {words}",
        )


def _filters(one: Examined, interface: str) -> Iterator[Diagnosis]:
    if one.extras is None:
        return
    port, protocol = one.place.rs.port, one.place.vs.protocol.value
    for chain in dropping_chains(
        one.extras.nft or "",
        one.extras.iptables,
        port=port,
        protocol=protocol,
        interface=interface,
    ):
        yield diagnosis(
            "packet-filter",
            one.subject,
            f"chain {chain} drops what nobody let in, and no rule names port {port}",
            f"see: nft list ruleset; let {protocol} port {port} in for every source",
            severity=Severity.WARNING,
        )


def _offloads(one: Examined, interface: str) -> Check:
    lro = one.extras.lro if one.extras is not None else None
    if lro is None:
        why = f"needs ethtool on {one.place.host}: dnf install ethtool"
        return not_made("offloads", one.subject, why)
    found = []
    if lro and one.state.sysctls.get("ip_forward") == 1:
        found.append(
            diagnosis(
                "lro-forwarding",
                one.subject,
                f"{interface} joins packets as they come in (large-receive-offload) and the host "
                "forwards (ip_forward=1)",
                f"ethtool -K {interface} lro off",
                severity=Severity.WARNING,
            )
        )
    said = f"large-receive-offload {'on' if lro else 'off'}"
    return checked("offloads", one.subject, found, [said])


def compare_mtus(
    spec: Spec, hosts: Collection[Examined], *, loadmaster: Mapping[str, int]
) -> Check:
    """Check that everybody on the segment takes packets of the same size.

    Args:
        loadmaster: MTU of the LoadMaster's interfaces on the segment, by their name.
    """
    sizes = {f"the LoadMaster's {name}": size for name, size in loadmaster.items()}
    for one in hosts:
        interface = spec.host(one.place.host).interface
        if interface in one.state.mtus:
            sizes[f"{one.place.host}'s {interface}"] = one.state.mtus[interface]
    said = [f"{name}: {size}" for name, size in sizes.items()]
    if len(set(sizes.values())) <= 1:
        return checked("mtu", "segment", (), said)
    counted = list(sizes.values())
    usual = max(counted, key=lambda size: (counted.count(size), size))
    odd = {name: size for name, size in sizes.items() if size != usual}
    findings = [
        diagnosis(
            "mtu-differs",
            "segment",
            f"{name} has an MTU of {size}, the others have {usual}",
            "give all machines of the segment the same: ip link set dev DEVICE mtu "
            f"{usual}, and the same for the next boot",
            severity=Severity.WARNING,
        )
        for name, size in odd.items()
    ]
    return checked("mtu", "segment", findings, said)
