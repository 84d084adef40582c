"""Proof from the segment that nobody but the LoadMaster gives out a MAC for the VIP.

A server that did so once is not undone by repairing it: whoever learned its MAC keeps it.
So a violation is said with the culprit, what follows from it and the cure, and the proof is
made again before anything goes on.
"""

from collections.abc import Iterator, Mapping, Sequence

from orchestrator.errors import GateRefused, HostUnreachable
from orchestrator.members import Member
from orchestrator.probes.arp_verdict import ArpVerdict, Machine, Outcome, described, judge
from orchestrator.probes.arp_verdict import asked as how_asked
from orchestrator.probes.loadmaster_macs import Pinned, pin
from orchestrator.probes.neighbours import frame_path
from orchestrator.probes.segment import Segment
from orchestrator.rollout.context import Context
from orchestrator.rollout.plan import StepKind

_FRESH_S = 60.0
"""A proof older than this is made again right before the server is enabled."""

CURE = "send one gratuitous ARP for the VIP from the LoadMaster, or flush the entry at the router"


def consequence(vip: str, name: str) -> str:
    """Return what it means that a server gave out its MAC for the VIP, and what to do."""
    return (
        f"whoever learned its MAC keeps it after the repair and sends the traffic of "
        f"{vip} straight to {name}, past the LoadMaster. Cure: {CURE}"
    )


def prove(context: Context, name: str) -> tuple[str, ...]:
    """Ask the segment who has each VIP of a server: only its LoadMaster may answer.

    Which MAC is the LoadMaster's is in the file or learned from its own addresses: one
    machine that answers alone may as well be a forgotten one.

    Raises:
        GateRefused: somebody else answered or named a VIP as its own, nobody knows the
            LoadMaster's MAC, or nobody answered, so the question was not heard.
    """
    segment = context.adapters.segment
    if segment is None:
        raise GateRefused(
            "the plan asks for a proof from the segment, but there is nobody to give it",
            gate="arp-proof",
        )
    asked, servers = mac_of(context, name), _servers(context, name)
    said: list[str] = []
    for place in context.direct(name):
        vip = place.vs.address
        pinned = _pinned(context, segment, place)
        heard = segment.ask_who_has(vip, unicast_to=[asked])
        verdict = judge(heard, loadmaster=pinned.macs, servers=servers)
        said += [
            how_asked(heard, vip),
            *described(heard, verdict),
            *(f"LoadMaster: {one}" for one in pinned.how),
        ]
        if verdict.outcome is not Outcome.LOADMASTER_ONLY:
            raise GateRefused(_refusal(place, verdict, pinned), gate="arp-proof", evidence=said)
        said += _paths(context, vip, pinned, servers)
    return tuple(said)


def _paths(context: Context, vip: str, pinned: Pinned, servers: Mapping[str, str]) -> Iterator[str]:
    """Look up where the routers of the file send the VIP: one may have learned a MAC earlier.

    Raises:
        GateRefused: one sends it past the LoadMaster, or could not be looked at.
    """
    for name in context.spec.routers:
        router = context.spec.station(name)
        try:
            path = frame_path(context.adapters.driver(router), router, vip)
        except HostUnreachable as error:
            raise GateRefused(
                f"where the router {name} sends {vip} is not known: {error}. Make it readable, or "
                "take it out of routers in the file",
                gate="arp-proof",
            ) from error
        if path.direct and path.mac is not None and path.mac not in pinned.macs:
            raise GateRefused(
                f"the router {name} sends {vip} to {servers.get(path.mac, path.mac)}, past the "
                f"LoadMaster: it learned that MAC earlier and keeps it. On {name}: {path.flush}; "
                "or one gratuitous ARP for the VIP by the LoadMaster; then resume",
                gate="arp-proof",
                evidence=[f"{name} has {path.mac} ({path.state}) for {vip} on {path.device}"],
            )
        yield f"{name} sends {vip} to {path.mac or 'nobody yet'}"


def _pinned(context: Context, segment: Segment, place: Member) -> Pinned:
    return pin(
        context.spec.loadmasters[place.loadmaster],
        loadmaster=lambda: context.loadmaster(place.loadmaster),
        ask=lambda address: segment.ask_who_has(address, unicast_to=[]),
        near=context.addresses,
        vip=place.vs.address,
    )


def _refusal(place: Member, verdict: ArpVerdict, pinned: Pinned) -> str:
    vip, known = place.vs.address, [one for one in verdict.culprits if one.name]
    again = "then resume, which proves it again"
    match verdict.outcome:
        case Outcome.CULPRITS if known:
            return (
                f"{_listed(known)} gave out its own MAC for {vip}: "
                f"{consequence(vip, known[0].name)}; {again}"
            )
        case Outcome.CULPRITS if pinned.macs:
            return (
                f"{_listed(verdict.culprits)} gave out a MAC for {vip} and is not the "
                f"LoadMaster ({', '.join(sorted(pinned.macs))}): whoever learned it does not "
                f"reach the LoadMaster. Take the VIP off that machine; {CURE}; {again}. If it "
                "is the other unit of a pair, add its MAC to the LoadMaster's macs in the file"
            )
        case Outcome.CULPRITS:
            return (
                f"{len(verdict.culprits)} machines gave out a MAC for {vip}: "
                f"{_listed(verdict.culprits)}. At most one is the LoadMaster; whoever learned "
                f"another one does not reach it. Take the VIP off the others; {CURE}; {again}"
            )
        case Outcome.UNKNOWN:
            return (
                f"{_listed(verdict.culprits)} answered for {vip}, and nobody knows whether that "
                f"is the LoadMaster: {'; '.join(pinned.how)}. Say so in the file: macs, or "
                f"segment_address, of the LoadMaster {place.loadmaster}"
            )
        case Outcome.UNPROVEN:
            return f"the question for {vip} proves nothing: frames were lost"
        case _:
            return f"the question for {vip} proves nothing: not even the LoadMaster answered"


def _listed(machines: Sequence[Machine]) -> str:
    return ", ".join(map(str, machines))


def prove_again_if_old(context: Context, name: str) -> tuple[str, ...]:
    """Make the proof again if it is not a fresh one: a killed run may come back much later.

    Raises:
        GateRefused: as for ``prove``.
    """
    ended = [
        record.ended_s
        for _, record in context.records(name, StepKind.ARP_PROOF)
        if record is not None and record.ended_s is not None
    ]
    if not ended:
        return ()
    age_s = context.adapters.clock.time_s() - min(ended)
    return () if 0 <= age_s <= _FRESH_S else prove(context, name)


def mac_of(context: Context, name: str) -> str:
    """Return the MAC of the device on which a server hears ARP, as it is now.

    Raises:
        GateRefused: there is no such device, or it has no MAC.
        HostUnreachable: the host cannot be read.
    """
    interface = context.host(name).interface
    mac = context.read_host(name).interfaces.get(interface, "")
    if not mac:
        raise GateRefused(
            f"{name} has no device {interface} with a MAC: name the one on the segment",
            gate="host-verified",
        )
    return mac.lower()


def _servers(context: Context, name: str) -> Mapping[str, str]:
    """Return the servers by MAC: the one in hand as it is now, the others as planned."""
    now = context.read_host(name).interfaces.values()
    return {**context.planned_macs, **{mac.lower(): name for mac in now if mac}}
