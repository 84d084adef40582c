"""What is seen from the servers' segment: who gives out a MAC, who answers, where frames go."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from kempsdk import VirtualService
from orchestrator.doctor.diagnosis import Check, Diagnosis, checked, diagnosis, not_made
from orchestrator.doctor.hosts import Examined
from orchestrator.errors import HostUnreachable
from orchestrator.hosts.driver import Host, HostDriver
from orchestrator.probes.arp import Proof
from orchestrator.probes.arp_verdict import Machine, Outcome, asked, described, judge
from orchestrator.probes.health_check import check_of
from orchestrator.probes.loadmaster_macs import Pinned
from orchestrator.probes.neighbours import FramePath, frame_path, router_commands
from orchestrator.probes.segment import Segment
from orchestrator.probes.traffic import watch_traffic
from orchestrator.probes.vip_request import FrameOutcome
from orchestrator.rules import Severity

_LEAST_ROUNDS, _ROUNDS_A_SECOND = 3, 5
CURE = "then one gratuitous ARP for the VIP by the LoadMaster, or every router forgets the entry"


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """One service on its segment.

    Attributes:
        service: as the LoadMaster has it; None where it could not be read.
        hosts: those that could be read.
        interfaces: on which each host hears ARP, by its name.
        pinned: the LoadMaster's MACs.
        bystanders: machines whose way to the VIP is looked at: from where we ask, and routers.
        known: further machines by MAC, such as routers.
        mtu: the largest of the hosts and the LoadMaster, in bytes.
        listen_s: how long ARP and traffic are listened to, in seconds.
    """

    vip: str
    service: VirtualService | None
    hosts: tuple[Examined, ...]
    interfaces: Mapping[str, str]
    pinned: Pinned
    segment: Segment
    driver: Callable[[Host], HostDriver]
    bystanders: tuple[Host, ...] = ()
    known: Mapping[str, str] = field(default_factory=dict)
    mtu: int = 1500
    listen_s: float = 2.0

    def mac(self, one: Examined) -> str:
        """Return the MAC on which a host hears ARP, "" where it has none."""
        return one.state.interfaces.get(self.interfaces[one.place.host], "").lower()

    @property
    def servers(self) -> Mapping[str, str]:
        """Return the hosts by every MAC that they have."""
        return {
            mac.lower(): one.place.host
            for one in self.hosts
            for mac in one.state.interfaces.values()
            if mac
        }

    def who(self, mac: str) -> str:
        """Return a machine in words."""
        if mac in self.servers or mac in self.known:
            return f"{self.servers.get(mac) or self.known[mac]} ({mac})"
        if mac in self.pinned.macs:
            return f"the LoadMaster ({mac})"
        return f"an unknown machine ({mac})"


def examine_arp(scene: Scene) -> Check:
    """Ask everybody who has the VIP: only the LoadMaster may answer."""
    subject = f"VIP {scene.vip}"
    macs = [mac for one in scene.hosts if (mac := scene.mac(one))]
    rounds = max(_LEAST_ROUNDS, round(scene.listen_s * _ROUNDS_A_SECOND))
    heard = scene.segment.ask_who_has(scene.vip, unicast_to=macs, rounds=rounds)
    verdict = judge(heard, loadmaster=scene.pinned.macs, servers=scene.servers)
    said = (
        asked(heard, scene.vip),
        *described(heard, verdict),
        *(f"LoadMaster: {one}" for one in scene.pinned.how),
    )
    found: list[Diagnosis] = []
    match verdict.outcome:
        case Outcome.CULPRITS:
            found += (_culprit(scene, one) for one in verdict.culprits)
        case Outcome.UNKNOWN:
            found.append(
                diagnosis(
                    "arp-loadmaster-unknown",
                    subject,
                    f"{verdict.culprits[0]} answered, and the LoadMaster's MAC is not known: "
                    f"{'; '.join(scene.pinned.how)}",
                    "say macs, or segment_address, of the LoadMaster in the file",
                    severity=Severity.WARNING,
                )
            )
        case Outcome.UNANSWERED:
            found.append(
                diagnosis(
                    "arp-unanswered",
                    subject,
                    "nobody answers for it, not even the LoadMaster",
                    "look whether the service is enabled, and whether it is asked from the right "
                    "segment (arp_probe in the file)",
                )
            )
        case Outcome.UNPROVEN:
            found.append(
                diagnosis(
                    "arp-unproven",
                    subject,
                    f"{heard.dropped} frames were lost while it was listened",
                    "run it again, from a less busy machine",
                    severity=Severity.WARNING,
                )
            )
    if heard.proof is not Proof.FRAMES:
        found.append(
            diagnosis(
                "arp-weak-proof",
                subject,
                f"asked by {heard.by}, which does not hear every frame",
                "on the station: dnf install python3 (or tcpdump and iputils), as root or with "
                "sudo: true",
                severity=Severity.WARNING,
            )
        )
    return checked("arp", subject, found, said)


def _culprit(scene: Scene, one: Machine) -> Diagnosis:
    how = "answers for it" if one.answers else "names it as its own"
    flush = "; ".join(router_commands(scene.vip))
    if one.name:
        return diagnosis(
            "arp-culprit",
            f"host {one.name}",
            f"{one} {how}: {scene.vip}",
            f"kemp host apply {one.name}; {CURE} ({flush})",
        )
    return diagnosis(
        "arp-culprit",
        f"machine {one.mac}",
        f"{scene.who(one.mac)} {how}: {scene.vip}",
        f"find it by its MAC in the switch's table, and take the VIP off it; {CURE} ({flush}). "
        "The other unit of a pair belongs to macs of the LoadMaster in the file",
    )


def examine_addresses(scene: Scene, one: Examined, address: str) -> Check:
    """Ask who has a host's own address: that host alone, on the device that was named."""
    heard = scene.segment.ask_who_has(address, unicast_to=[])
    own = scene.mac(one)
    said = [f"{address} is at {', '.join(sorted(heard.macs)) or 'nobody'}"]
    if not heard.macs:
        return not_made("duplicate-address", one.subject, f"nobody answered for {address}")
    found = []
    if len(heard.macs) > 1:
        others = ", ".join(scene.who(mac) for mac in sorted(heard.macs - {own}))
        found.append(
            diagnosis(
                "duplicate-address",
                one.subject,
                f"{address} is given out by {others} too",
                "give one of the two another address; the switch's table says where a MAC is",
            )
        )
    elif own not in heard.macs:
        found.append(
            diagnosis(
                "address-elsewhere",
                one.subject,
                f"{address} is at {scene.who(next(iter(heard.macs)))}, and the device named in "
                f"the file has {own or 'no MAC'}",
                "name the device that has the host's address in the file",
            )
        )
    return checked("duplicate-address", one.subject, found, said)


_ENDINGS = {
    FrameOutcome.REFUSED: ("vip-request-refused", "was refused"),
    FrameOutcome.SILENT: ("vip-request-unanswered", "was not answered"),
}


def examine_request(scene: Scene, one: Examined) -> Check:
    """Send a server a request to the VIP, as the LoadMaster would hand it over."""
    place, mac = one.place, scene.mac(one)
    port, protocol = place.rs.port, place.vs.protocol.value
    asking = f"a request to {scene.vip}:{port} ({protocol}) sent straight to {mac}"
    try:
        frame = scene.segment.answers_vip(scene.vip, port, server_mac=mac, protocol=protocol)
    except HostUnreachable as error:
        return not_made("vip-request", one.subject, str(error))
    if frame.answers:
        return checked("vip-request", one.subject, (), [f"took {asking}"])
    if protocol == "udp" and frame.outcome is FrameOutcome.SILENT:
        return not_made(
            "vip-request", one.subject, f"{asking} was not answered: over UDP that proves nothing"
        )
    if frame.outcome is FrameOutcome.OPEN:
        by = scene.who(frame.answered_by or "")
        return checked("vip-request", one.subject, (), [f"{asking} was answered through {by}"])
    name, how = _ENDINGS[frame.outcome]
    found = diagnosis(
        name,
        one.subject,
        f"{asking} {how}",
        "see the findings about this host: VIP, listener, firewall, way back. If there is none: "
        f"tcpdump -n -e -i {scene.interfaces[place.host]} host {scene.vip}",
    )
    return checked("vip-request", one.subject, [found])


def examine_health(scene: Scene, one: Examined) -> Check:
    """Make the LoadMaster's check of a server, with the service's own settings."""
    if scene.service is None:
        return not_made("health-check", one.subject, "the service could not be read")
    check = check_of(scene.service, one.place.rs)
    try:
        made = scene.segment.makes_check(check)
    except HostUnreachable as error:
        return not_made("health-check", one.subject, str(error))
    said = f"{check}: {made.said}"
    if made.passed is None:
        return not_made("health-check", one.subject, said)
    if made.passed:
        return checked("health-check", one.subject, (), [said])
    found = diagnosis(
        "health-check-fails",
        one.subject,
        said,
        "mend the program or its firewall for the server's own address; what is asked is set "
        "with kemp vs set: --check, --check-url, --check-codes",
    )
    return checked("health-check", one.subject, [found])


def examine_mtu(scene: Scene, one: Examined, address: str) -> Check:
    """Send a server a packet as large as any machine of the segment may send it."""
    size = scene.mtu
    try:
        passes = scene.segment.passes(address, server_mac=scene.mac(one), size=size)
    except HostUnreachable as error:
        return not_made("mtu-path", one.subject, str(error))
    if passes is None:
        return not_made("mtu-path", one.subject, "it does not answer pings")
    if passes:
        return checked("mtu-path", one.subject, (), [f"a packet of {size} bytes came back"])
    found = diagnosis(
        "mtu-path",
        one.subject,
        f"a ping of {size} bytes, the largest MTU on the segment, does not come back; a small "
        "one does",
        "give the segment one MTU, switch ports included: ip link set dev DEVICE mtu SIZE",
    )
    return checked("mtu-path", one.subject, [found])


def examine_traffic(scene: Scene, one: Examined, host: Host) -> Check:
    """Look on a server which MACs bring it the VIP's traffic."""
    seconds = scene.listen_s
    try:
        seen = watch_traffic(
            scene.driver(host), host, scene.vip, mac=scene.mac(one), seconds=seconds
        )
    except HostUnreachable as error:
        return not_made("traffic", one.subject, str(error))
    if not seen.by_mac:
        why = f"no traffic for {scene.vip} within {seconds:g} s, by {seen.by}"
        return not_made("traffic", one.subject, why)
    if not scene.pinned.macs:
        return not_made("traffic", one.subject, "the LoadMaster's MAC is not known")
    said = [f"{count} frames from {scene.who(mac)}" for mac, count in seen.by_mac.items()]
    found = [
        diagnosis(
            "traffic-past-loadmaster",
            one.subject,
            f"{count} of {sum(seen.by_mac.values())} frames for {scene.vip} came from "
            f"{scene.who(mac)}, not from the LoadMaster",
            f"that machine must forget the MAC it has for the VIP: {router_commands(scene.vip)[0]}",
            # The LoadMaster may send from another MAC than it answers with.
            severity=Severity.ERROR if mac in scene.known else Severity.WARNING,
        )
        for mac, count in seen.by_mac.items()
        if mac not in scene.pinned.macs
    ]
    return checked("traffic", one.subject, found, said)


def examine_paths(scene: Scene) -> Iterator[Check]:
    """Look up where bystanders send what is for the VIP; a wrong MAC stays after the repair."""
    for machine in scene.bystanders:
        subject = f"machine {machine.name}"
        try:
            path = frame_path(scene.driver(machine), machine, scene.vip)
        except HostUnreachable as error:
            yield not_made("frame-path", subject, str(error))
            continue
        yield checked("frame-path", subject, _wrong_mac(scene, path), [_path_in_words(scene, path)])


def _path_in_words(scene: Scene, path: FramePath) -> str:
    if path.local:
        return f"it has {path.vip} itself"
    hop = f"{path.vip}" if path.direct else f"{path.vip} by way of {path.next_hop}"
    if path.mac is None:
        return f"it has no MAC for {hop} yet"
    return f"it sends {hop} to {scene.who(path.mac)} on {path.device}"


def _wrong_mac(scene: Scene, path: FramePath) -> Iterable[Diagnosis]:
    if path.local or path.mac is None or not path.direct or path.mac in scene.pinned.macs:
        return ()
    if not scene.pinned.macs and path.mac not in scene.servers:
        return ()  # it may be the LoadMaster's
    return (
        diagnosis(
            "wrong-mac-learned",
            f"machine {path.machine}",
            f"it sends {path.vip} to {scene.who(path.mac)}",
            f"on {path.machine}: {path.flush}; or one gratuitous ARP by the LoadMaster. First "
            "mend whoever gave that MAC out",
        ),
    )
