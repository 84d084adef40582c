"""What the LoadMaster says of a service, held against the rules and the inventory. Pure."""

from collections.abc import Iterator, Sequence

from kempsdk import Forward, RealServer, RsStatus, VirtualService, VsStatus
from orchestrator.doctor.diagnosis import Check, Diagnosis, checked, diagnosis
from orchestrator.members import Member
from orchestrator.rules import (
    RULES,
    RuleFinding,
    Severity,
    check_real_server,
    check_service,
    is_layer_4,
)

_OF_ROLLOUTS = ("l4-has-no-drain", "persistence-pins")
"""Rules about how a drain goes, which are no fault of the service."""

_COMMANDS = {
    "dsr-needs-l4": "kemp vs set {vs} --l4",
    "udp-needs-l4": "kemp vs set {vs} --l4",
    "dsr-no-ssl": "kemp vs set {vs} --set ssl_acceleration=false",
    "dsr-no-cookie-persistence": "kemp vs set {vs} --persist src",
    "dsr-no-cache": "kemp vs set {vs} --set cache=false --set compress=false",
    "transparent-subnet-originating": "kemp vs set {vs} --no-subnet-originating",
    "no-health-check": "kemp vs set {vs} --check tcp",
    "drain-time-zero": "kemp param set finalpersist 60",
    "dsr-forward-route": "kemp rs set {vs} {rs} --forward route",
    "dsr-port-equal": "kemp rs set {vs} {rs} --new-port {port}",
}


def examine_service(
    service: VirtualService, *, members: Sequence[Member] = (), drain_time_s: int | None = None
) -> Check:
    """Check the settings and the state of a service and its servers.

    Args:
        members: hosts of the inventory in this service; none where there is no inventory.
        drain_time_s: the appliance's L7 connection drain time, where it was read.
    """
    subject = f"service {service.ref}"
    direct = any(one.how.direct_return for one in members) if members else None
    rules = check_service(service, direct_return=direct, drain_time_s=drain_time_s)
    found = [*_of_rules(service, rules), *_state(service, subject)]
    for server in service.real_servers:
        place = next((one for one in members if one.rs == server.ref), None)
        found += _server(service, server, place, inventory=bool(members))
    found += _missing(service, members)
    unique = tuple(dict.fromkeys(found))
    layer = 4 if is_layer_4(service) else 7
    up = sum(one.status is RsStatus.UP for one in service.real_servers)
    said = (f"layer {layer}, {up} of {len(service.real_servers)} servers up",)
    return checked("loadmaster", subject, unique, said)


def _of_rules(
    service: VirtualService, findings: Sequence[RuleFinding], rs: str = ""
) -> Iterator[Diagnosis]:
    name = service.nickname or str(service.ref)
    for one in findings:
        if one.id in _OF_ROLLOUTS:
            continue
        command = _COMMANDS.get(one.id, "").format(vs=name, rs=rs, port=service.port)
        yield Diagnosis(
            id=one.id,
            severity=one.severity,
            subject=f"service {service.ref}",
            message=one.message,
            consequence=RULES[one.id].summary,
            cure=f"{one.cure}: {command}" if command else one.cure,
        )


def _state(service: VirtualService, subject: str) -> Iterator[Diagnosis]:
    name = service.nickname or str(service.ref)
    if not service.enabled:
        yield diagnosis(
            "service-disabled", subject, "it is disabled", f"kemp vs set {name} --enabled"
        )
    if not service.real_servers and not service.sub_services:
        yield diagnosis(
            "no-servers", subject, "it has no server", f"kemp rs add {name} ADDRESS:PORT"
        )
    elif service.enabled and service.status is VsStatus.DOWN:
        yield diagnosis(
            "service-down",
            subject,
            "the LoadMaster calls it down",
            "see the findings about its servers; none of them is up",
        )


def _server(
    service: VirtualService, server: RealServer, place: Member | None, *, inventory: bool
) -> Iterator[Diagnosis]:
    name = service.nickname or str(service.ref)
    subject = f"server {server.ref} of {service.ref}"
    direct = place is not None and place.how.direct_return
    findings = check_real_server(service, server.ref, server.forward, carries_vip=direct)
    yield from _of_rules(service, findings, str(server.ref))
    if place is None and inventory:
        yield diagnosis(
            "server-not-in-inventory",
            subject,
            "no host of the file is this server",
            f"add the host to the file, or delete the server: kemp rs delete {name} {server.ref}",
            severity=Severity.WARNING,
        )
    if place is not None and not direct and server.forward is Forward.ROUTE:
        yield diagnosis(
            "forward-route-without-vip",
            subject,
            f"forward=route, but the method {place.method} gives {place.host} no VIP",
            f"kemp rs set {name} {server.ref} --forward nat, or name a method of direct return "
            "in the file",
        )
    if not server.enabled:
        yield diagnosis(
            "server-disabled",
            subject,
            "it is disabled",
            f"when it may have traffic again: kemp rs enable {name} {server.ref}",
            severity=Severity.WARNING,
        )
    elif server.status is RsStatus.DOWN:
        yield diagnosis(
            "server-down",
            subject,
            "enabled, and its health check fails",
            f"see the findings about the host; what the check asks: kemp vs show {name}",
        )


def _missing(service: VirtualService, members: Sequence[Member]) -> Iterator[Diagnosis]:
    there = {one.ref for one in service.real_servers}
    for place in members:
        if place.rs not in there:
            yield diagnosis(
                "server-not-on-loadmaster",
                f"host {place.host}",
                f"{place.rs} is no server of {service.ref}",
                "a rollout of kind add puts it in; or take the host out of the pool",
                severity=Severity.WARNING,
            )
