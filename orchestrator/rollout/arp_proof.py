"""Proof from the segment that nobody but the LoadMaster gives out a MAC for the VIP.

A server that did so once is not undone by repairing it: whoever learned its MAC keeps it.
So a violation is said with the culprit, what follows from it and the cure, and the proof is
made again before anything goes on.
"""

from collections.abc import Mapping

from orchestrator.errors import GateRefused
from orchestrator.probes.arp import ArpEvidence
from orchestrator.rollout.context import Context
from orchestrator.rollout.plan import StepKind

_FRESH_S = 60.0
"""A proof older than this is made again right before the server is enabled."""

CURE = "send one gratuitous ARP for the VIP from the LoadMaster, or flush the entry at the router"


def consequence(context: Context, name: str) -> str:
    """Return what it means that a server gave out its MAC for the VIP, and what to do."""
    return (
        f"whoever learned its MAC keeps it after the repair and sends the traffic of "
        f"{context.vip} straight to {name}, past the LoadMaster. Cure: {CURE}"
    )


def prove(context: Context, name: str) -> tuple[str, ...]:
    """Ask the segment who has the VIP: only the LoadMaster may answer.

    Raises:
        GateRefused: a server answered or named the VIP as its own, several machines did, or
            nobody did, so the question was not heard.
    """
    segment = context.adapters.segment
    if segment is None:
        raise GateRefused(
            "the plan asks for a proof from the segment, but there is nobody to give it",
            gate="arp-proof",
        )
    asked = mac_of(context, name)
    servers = _servers(context, name)
    heard = segment.ask_who_has(context.vip, unicast_to=[asked])
    evidence = (f"asked {heard.asked} times who has {context.vip}", *_heard(heard, servers))
    loud = sorted(mac for mac in heard.macs if mac in servers)
    if loud:
        culprits = ", ".join(f"{servers[mac]} ({mac})" for mac in loud)
        raise GateRefused(
            f"{culprits} gave out its own MAC for {context.vip}: "
            f"{consequence(context, servers[loud[0]])}; then resume, which proves it again",
            gate="arp-proof",
            evidence=evidence,
        )
    if len(heard.macs) > 1:
        raise GateRefused(
            f"{len(heard.macs)} machines gave out a MAC for {context.vip}: "
            f"{', '.join(sorted(heard.macs))}. One is the LoadMaster; whoever learned another "
            f"one does not reach it. Take the VIP off the other machine; {CURE}; then resume, "
            "which proves it again",
            gate="arp-proof",
            evidence=evidence,
        )
    if not heard.answers or heard.dropped:
        raise GateRefused(
            f"the question for {context.vip} proves nothing: "
            + ("frames were lost" if heard.dropped else "not even the LoadMaster answered"),
            gate="arp-proof",
            evidence=evidence,
        )
    return evidence


def prove_again_if_old(context: Context, name: str) -> tuple[str, ...]:
    """Make the proof again if it is not a fresh one: a killed run may come back much later.

    Raises:
        GateRefused: as for ``prove``.
    """
    record = context.journal(f"{name}/{StepKind.ARP_PROOF.value}")
    if record is None or record.ended_s is None:
        return ()
    age_s = context.adapters.clock.time_s() - record.ended_s
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
    planned = {
        context.plan.facts.get(f"host {one.name} {context.host(one.name).interface}", ""): one.name
        for one in context.plan.servers
    }
    now = context.read_host(name).interfaces.values()
    return {mac.lower(): server for mac, server in planned.items()} | {
        mac.lower(): name for mac in now if mac
    }


def _heard(heard: ArpEvidence, servers: Mapping[str, str]) -> tuple[str, ...]:
    """Return who said what, one line a machine."""

    def who(mac: str) -> str:
        return f"{servers[mac]} ({mac})" if mac in servers else f"{mac} (none of the servers)"

    return (
        *(f"{who(mac)} answered {times(count)}" for mac, count in sorted(heard.answers.items())),
        *(
            f"{who(mac)} named it as its own {times(count)}"
            for mac, count in sorted(heard.claims.items())
        ),
        *([f"{heard.dropped} frames were lost"] if heard.dropped else []),
        *([] if heard.macs else ["nobody answered"]),
    )


def times(count: int) -> str:
    """Return a number of times in words."""
    return "once" if count == 1 else f"{count} times"
