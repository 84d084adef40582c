"""What the doctor says: findings with their consequence and cure, and what was looked at. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum

from orchestrator.rules import Severity

CONSEQUENCES = {
    # The LoadMaster's side. Rules of the LoadMaster (orchestrator.rules) bring their own.
    "loadmaster-unreadable": "nothing is known of the service; that is not the same as nothing "
    "wrong",
    "service-missing": "there is no such service for clients to reach",
    "service-disabled": "the LoadMaster takes no connection for it",
    "service-down": "clients get no answer, or the sorry server's",
    "no-servers": "there is nobody to send traffic to",
    "server-down": "it gets no traffic, and the others carry its share",
    "server-disabled": "it gets no traffic until somebody enables it",
    "server-not-on-loadmaster": "the host is prepared for traffic that never comes",
    "server-not-in-inventory": "nobody looks after that server: it is not checked here, and no "
    "rollout knows it",
    "forward-route-without-vip": "the server gets packets for an address that it does not have, "
    "and drops them",
    # The host's own side. Findings of the methods say their consequence in their message.
    "host-unreadable": "nothing is known of this host; that is not the same as nothing wrong",
    "not-listening": "connections to the service are refused, while a health check of another "
    "port may pass",
    "listens-elsewhere": "the health check passes and clients are refused: the program listens on "
    "the server's own address, and clients' packets have the VIP",
    "default-route-through-loadmaster": "replies have the VIP as source; the LoadMaster, whose own "
    "address that is, drops them: clients time out",
    "no-default-route": "replies to clients of other subnets have no way out",
    "rp-filter-drops": "requests of clients are dropped as they come in, without a trace",
    "firewall-closed": "clients' packets are refused at the server, whatever the program does",
    "firewall-closed-after-reload": "it works now and stops with the next reload or boot",
    "packet-filter": "if no other rule lets the port in, clients' packets are dropped",
    "mtu-differs": "large packets between them are lost without an error: small pages work, large "
    "ones hang",
    "lro-forwarding": "the kernel forwards joined packets that no link takes: transfers through "
    "this host stall",
    # Seen from the segment.
    "arp-culprit": "whoever asks may learn that machine's MAC and send past the LoadMaster; it "
    "keeps it after the repair, some for hours",
    "arp-loadmaster-unknown": "whether the LoadMaster answered or a forgotten machine is not known",
    "arp-unanswered": "new clients do not find the service at all",
    "arp-unproven": "frames were lost: that nobody else was heard proves nothing",
    "arp-weak-proof": "a machine that gives out its MAC in another way is not found",
    "duplicate-address": "traffic for that address goes now here, now there: health checks and "
    "logins fail by chance",
    "address-elsewhere": "the LoadMaster's frames go to another device than the one that was "
    "checked here",
    "vip-request-refused": "every connection that the LoadMaster hands to this server is refused",
    "vip-request-unanswered": "every connection that the LoadMaster hands to this server times out",
    "health-check-fails": "the LoadMaster calls the server down, or will",
    "mtu-path": "packets of full size do not arrive: small pages work, large ones hang",
    "wrong-mac-learned": "what this machine sends goes past the LoadMaster to that MAC, balanced "
    "by nobody, and goes on doing so after the server is repaired",
    "traffic-past-loadmaster": "those clients are balanced by nobody, and stay on this server when "
    "it is disabled or drained",
}
"""What follows from each finding of the doctor's own, by its id. The ids are stable."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnosis:
    """Something that is not as it must be.

    Attributes:
        id: stable, for scripts.
        subject: whom it is about: ``service tcp/203.0.113.250:80``, ``host web1``, ``router gw``.
        message: what was seen.
        consequence: what follows from it.
        cure: what mends it, commands where there are some.
    """

    id: str
    severity: Severity
    subject: str
    message: str
    consequence: str
    cure: str


def diagnosis(
    name: str, subject: str, message: str, cure: str, *, severity: Severity = Severity.ERROR
) -> Diagnosis:
    """Return a finding of the doctor's own, with the consequence that its id has."""
    return Diagnosis(
        id=name,
        severity=severity,
        subject=subject,
        message=message,
        consequence=CONSEQUENCES[name],
        cure=cure,
    )


class Verdict(str, Enum):
    """How a check ended."""

    GOOD = "good"
    FOUND = "found"
    NOT_MADE = "not-made"


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One thing that was looked at, or could not be.

    Attributes:
        name: stable, such as ``arp`` or ``vip-request``.
        findings: none unless ``FOUND``.
        said: what was seen; for ``NOT_MADE`` why, and what would be needed.
    """

    name: str
    subject: str
    verdict: Verdict
    said: tuple[str, ...] = ()
    findings: tuple[Diagnosis, ...] = ()


def checked(
    name: str, subject: str, findings: Iterable[Diagnosis], said: Iterable[str] = ()
) -> Check:
    """Return a check that was made."""
    found = tuple(findings)
    return Check(
        name=name,
        subject=subject,
        verdict=Verdict.FOUND if found else Verdict.GOOD,
        said=tuple(said),
        findings=found,
    )


def not_made(name: str, subject: str, why: str) -> Check:
    """Return a check that was not made; ``why`` says what would be needed."""
    return Check(name=name, subject=subject, verdict=Verdict.NOT_MADE, said=(why,))


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """One service, from end to end."""

    service: str
    checks: tuple[Check, ...]

    @property
    def findings(self) -> tuple[Diagnosis, ...]:
        """Return all findings, errors first, in the order of the checks."""
        found = [one for check in self.checks for one in check.findings]
        return tuple(sorted(found, key=lambda one: one.severity is not Severity.ERROR))

    @property
    def healthy(self) -> bool:
        """Return whether there is no error; warnings and checks not made are no errors."""
        return not any(one.severity is Severity.ERROR for one in self.findings)
