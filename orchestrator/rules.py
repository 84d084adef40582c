"""What the LoadMaster accepts and traffic does not survive: lint rules with ids.

The appliance takes most of these settings without a word, so they are refused here.
Pure functions over kempsdk's models. An operator who knows better allows a rule by name.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Final

from kempsdk.references import Protocol, RsRef
from kempsdk.words import CheckType, Forward, Persist
from orchestrator.errors import RuleViolated

if TYPE_CHECKING:
    from kempsdk import VirtualService


class Severity(str, Enum):
    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One rule. ``summary`` says what must hold, and why."""

    id: str
    severity: Severity
    summary: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleFinding:
    """A rule that does not hold: where, and what to do about it."""

    id: str
    message: str
    cure: str
    severity: Severity


_E, _W = Severity.ERROR, Severity.WARNING

RULES: Final = {
    rule.id: rule
    for rule in (
        # Sources: the vendor's documentation of direct server return, transparency and drain
        # time; "accepted without effect" also seen on 7.2.50 to 7.2.63.
        Rule(
            id="dsr-needs-l4",
            severity=_E,
            summary="forward=route works at layer 4 only; a layer-7 service ignores it",
        ),
        Rule(
            id="dsr-forward-route",
            severity=_E,
            summary="a server that carries the VIP itself must get its packets unchanged",
        ),
        Rule(
            id="dsr-port-equal",
            severity=_E,
            summary="direct return does not rewrite ports: server port = service port",
        ),
        Rule(id="dsr-no-ssl", severity=_E, summary="the LoadMaster sees no reply it could encrypt"),
        Rule(
            id="dsr-no-cookie-persistence",
            severity=_E,
            summary="persistence by content needs layer 7; by source address works",
        ),
        Rule(id="dsr-no-content-rules", severity=_E, summary="content rules need layer 7"),
        Rule(id="dsr-no-cache", severity=_E, summary="caching and compression need layer 7"),
        Rule(
            id="vip-is-server-address",
            severity=_E,
            summary="a server's own address cannot be the service's: both would answer for it",
        ),
        Rule(
            id="udp-needs-l4",
            severity=_E,
            summary="UDP and DNS go through layer 4; layer 7 would have to understand them",
        ),
        Rule(
            id="transparent-subnet-originating",
            severity=_E,
            summary="transparency and subnet originating requests exclude each other",
        ),
        Rule(
            id="service-has-subvs",
            severity=_E,
            summary="servers of a service with SubVSs belong to the SubVSs",
        ),
        Rule(
            id="critical-server",
            severity=_E,
            summary="a critical server takes its whole service down while it is out",
        ),
        Rule(
            id="host-serves-elsewhere",
            severity=_E,
            summary="a server in further services is cut there: only the named one is drained",
        ),
        Rule(
            id="loadmaster-twice",
            severity=_E,
            summary="one LoadMaster under two names: its servers would be counted twice",
        ),
        Rule(
            id="loadmaster-unidentified",
            severity=_W,
            summary="a LoadMaster that does not say what it is: runs that reach it by another "
            "address are not held off",
        ),
        Rule(
            id="transparent-needs-gateway",
            severity=_W,
            summary="layer 7 transparent: replies must come back through the LoadMaster, so it "
            "is the servers' default gateway and clients are on other subnets",
        ),
        Rule(
            id="l4-has-no-drain",
            severity=_W,
            summary="layer 4 has no drain phase on the appliance: waiting is ours",
        ),
        Rule(
            id="drain-time-zero",
            severity=_W,
            summary="drain time 0 cuts every connection when a server is disabled",
        ),
        Rule(
            id="persistence-pins",
            severity=_W,
            summary="layer 7 with persistence: known clients still open connections to a "
            "disabled server until the drain time ends",
        ),
        Rule(
            id="no-health-check",
            severity=_W,
            summary="without a health check every enabled server counts as healthy",
        ),
    )
}


def finding(rule: str, message: str, cure: str) -> RuleFinding:
    """Return a finding with the severity that the rule has."""
    return RuleFinding(id=rule, message=message, cure=cure, severity=RULES[rule].severity)


def check_service(
    vs: "VirtualService", *, direct_return: bool | None = None, drain_time_s: int | None = None
) -> tuple[RuleFinding, ...]:
    """Check the settings of a service.

    Args:
        direct_return: whether servers answer clients themselves; None: by its servers.
        drain_time_s: the appliance's L7 connection drain time, where it was read.
    """
    if direct_return is None:
        direct_return = any(server.forward is Forward.ROUTE for server in vs.real_servers)
    found = list(_general(vs, drain_time_s))
    if direct_return:
        found += _direct_return(vs)
    return tuple(found)


def check_real_server(
    vs: "VirtualService", rs: RsRef, forward: Forward, *, carries_vip: bool = False
) -> tuple[RuleFinding, ...]:
    """Check one server against its service, before it is added or changed.

    Args:
        forward: how packets are to reach it.
        carries_vip: the server has the VIP on itself and expects unchanged packets.
    """
    name = _name(vs)
    found: list[RuleFinding] = []
    if rs.address == vs.address:
        found.append(
            finding(
                "vip-is-server-address",
                f"{rs} has the address of {name}",
                "name the server's own address",
            )
        )
    if vs.sub_services:
        found.append(
            finding(
                "service-has-subvs",
                f"{name} has SubVSs, so it takes no server",
                "add the server to one of the SubVSs",
            )
        )
    if forward is not Forward.ROUTE:
        if carries_vip:
            found.append(
                finding(
                    "dsr-forward-route",
                    f"{rs} carries the VIP, but {name} would send it translated packets",
                    "set forward=route",
                )
            )
        return tuple(found)
    found += _direct_return(vs)
    if vs.port and rs.port != vs.port:
        found.append(
            finding(
                "dsr-port-equal",
                f"{rs} listens on port {rs.port}, {name} on {vs.port}",
                f"use port {vs.port} on the server",
            )
        )
    return tuple(found)


def enforce(findings: Iterable[RuleFinding], *, allow: Collection[str] = ()) -> None:
    """Refuse if a finding is an error that is not allowed by name.

    Raises:
        RuleViolated: names each rule, what is wrong and the cure.
    """
    errors = [one for one in findings if one.severity is _E and one.id not in allow]
    if errors:
        text = "; ".join(f"{one.id}: {one.message} ({one.cure})" for one in errors)
        raise RuleViolated(text, rules=tuple(dict.fromkeys(one.id for one in errors)))


def is_layer_4(vs: "VirtualService") -> bool:
    """Return whether the appliance forwards this service without reading it."""
    return vs.layer == 4


def _name(vs: "VirtualService") -> str:
    return f"{vs.nickname} ({vs.ref})" if vs.nickname else str(vs.ref)


def _general(vs: "VirtualService", drain_time_s: int | None) -> Iterable[RuleFinding]:
    name, layer_4 = _name(vs), is_layer_4(vs)
    if vs.protocol is Protocol.UDP and vs.force_l7:
        yield finding("udp-needs-l4", f"{name} is UDP at layer 7", "set force_l4, clear force_l7")
    if vs.transparent and vs.subnet_originating and not layer_4:
        yield finding(
            "transparent-subnet-originating",
            f"{name} is transparent and originates from its own subnet",
            "switch one of the two off",
        )
    if vs.transparent and not layer_4:
        yield finding(
            "transparent-needs-gateway",
            f"{name} is transparent at layer 7",
            "make the LoadMaster the servers' default gateway",
        )
    if vs.check_type is CheckType.NONE:
        yield finding("no-health-check", f"{name} checks nothing", "set a check_type")
    pinned = not layer_4 and vs.persist is not Persist.NONE
    if layer_4:
        yield finding(
            "l4-has-no-drain",
            f"{name} works at layer 4: disabling a server stops new connections at once and "
            "open ones go on until they end or idle out",
            "nothing to do: the rollout waits for them itself",
        )
    elif drain_time_s == 0:
        yield finding(
            "drain-time-zero",
            f"the appliance's drain time is 0: disabling a server cuts connections of {name}",
            "set the L7 connection drain time (finalpersist), 60 s or more",
        )
    elif pinned:
        yield finding(
            "persistence-pins",
            f"{name} keeps clients on their server by {vs.persist.value}, a disabled one "
            f"included: {_pinned_for(vs, drain_time_s)}",
            "nothing to do: the drain waits for them; a shorter L7 connection drain time "
            "(finalpersist) lets them go sooner",
        )


def _pinned_for(vs: "VirtualService", drain_time_s: int | None) -> str:
    if drain_time_s is None:
        return "they come back until the L7 connection drain time is over"
    sooner = (
        f"; who stays away for {vs.persist_timeout_s} s is forgotten sooner"
        if 0 < vs.persist_timeout_s < drain_time_s
        else ""
    )
    return (
        f"they come back for up to {drain_time_s} s after it is disabled (the L7 connection "
        f"drain time){sooner}"
    )


def _direct_return(vs: "VirtualService") -> Iterable[RuleFinding]:
    name = _name(vs)
    if not is_layer_4(vs):
        yield finding("dsr-needs-l4", f"{name} works at layer 7", "set force_l4")
    if vs.ssl_acceleration:
        yield finding("dsr-no-ssl", f"{name} ends TLS itself", "switch ssl_acceleration off")
    if vs.persist not in (Persist.NONE, Persist.SRC):
        yield finding(
            "dsr-no-cookie-persistence",
            f"{name} keeps clients by {vs.persist.value}",
            "use persistence by source address, or none",
        )
    if vs.cache or vs.compress:
        yield finding("dsr-no-cache", f"{name} caches or compresses", "switch both off")
    if (
        vs.request_rules
        or vs.response_rules
        or vs.pre_process_rules
        or vs.body_rules
        or any(server.match_rules for server in vs.real_servers)
    ):
        yield finding("dsr-no-content-rules", f"{name} has content rules", "detach them")
