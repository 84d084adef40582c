"""A virtual service as keepalived.conf, for an LVS director beside the LoadMaster or instead.

Pure. Accepted by keepalived 2.2.7; that of CentOS 7 (1.3) does not know all of it. What LVS or
keepalived cannot do is said, in the file and to the caller, and never left out silently.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from kempsdk import Forward, HealthCheckTimers, Persist, RealServer, Schedule, VirtualService, VsRef
from kempsdk.errors import InvalidRequest
from kempsdk.references import WILDCARD_PORT
from kempsdk.words import CheckMethod, CheckType

_ALGORITHMS: Mapping[Schedule, str] = {
    Schedule.ROUND_ROBIN: "rr",
    Schedule.WEIGHTED_ROUND_ROBIN: "wrr",
    Schedule.LEAST_CONNECTION: "lc",
    Schedule.WEIGHTED_LEAST_CONNECTION: "wlc",
    Schedule.FIXED: "fo",
    Schedule.SOURCE_HASH: "sh",
}
_NEAREST_ALGORITHM = "wlc"
_KINDS = {Forward.ROUTE: "DR", Forward.NAT: "NAT"}
_HEALTHY_CODES = ("200-299", "301", "302", "401")
_CHECKERS: Mapping[CheckType, str] = {
    CheckType.HTTP: "HTTP_GET",
    CheckType.HTTPS: "SSL_GET",
    CheckType.TCP: "TCP_CHECK",
    CheckType.ICMP: "PING_CHECK",
    CheckType.DNS: "DNS_CHECK",
    CheckType.SMTP: "SMTP_CHECK",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Exported:
    """The file, and what could not be said in it.

    Attributes:
        notes: one sentence each; they stand in the file too.
    """

    text: str
    notes: tuple[str, ...]


def keepalived_conf(
    service: VirtualService,
    *,
    timers: HealthCheckTimers,
    interface: str,
    router_id: int = 51,
) -> Exported:
    """Return a service as a director with keepalived would have it.

    Args:
        timers: for what the service leaves to the appliance.
        interface: the director's device on the servers' segment; the VIP goes there.
        router_id: virtual router id, 1 to 255, unlike any other on the segment.

    Raises:
        InvalidRequest: the service is a SubVS or has some, which nothing of keepalived is
            like; it has no servers; or a name or number is none.
    """
    if not isinstance(service.ref, VsRef) or service.sub_services:
        raise InvalidRequest(
            f"{service.ref}: SubVSs choose by content, which an LVS director cannot: export a "
            "service that has servers of its own",
            field="service",
            value=str(service.ref),
        )
    if not 1 <= router_id <= 255:
        raise InvalidRequest(f"router id {router_id}: 1 to 255", field="router_id", value=router_id)
    if not service.real_servers:
        raise InvalidRequest(
            f"{service.ref} has no servers: keepalived ignores such a service",
            field="service",
            value=str(service.ref),
        )
    export = _Export(service=service, ref=service.ref, timers=timers)
    body = [*export.router(interface, router_id), "", *export.virtual_server()]
    notes = tuple(dict.fromkeys(export.notes))
    head = [
        f"# {service.ref}{f' ({_words(service.nickname)})' if service.nickname else ''}, "
        "written by kemp vs export for keepalived 2.2.",
        "# Try it with: keepalived -t -f FILE",
        *(["# What has no equivalent here:"] if notes else []),
        *(f"#  - {_words(one)}" for one in notes),
    ]
    return Exported(text="\n".join([*head, "", *body, ""]), notes=notes)


@dataclass(slots=True, kw_only=True)
class _Export:
    service: VirtualService
    ref: VsRef
    timers: HealthCheckTimers
    notes: list[str] = field(default_factory=list)

    def router(self, interface: str, router_id: int) -> Iterator[str]:
        if not re.fullmatch(r"[^\s/{}#!\"']{1,15}", interface):
            raise InvalidRequest(
                f"{interface!r} is not the name of a network device",
                field="interface",
                value=interface,
            )
        prefix = 128 if ":" in self.ref.address else 32
        yield from _block(
            f"vrrp_instance {_name(self.service, self.ref)}",
            "state BACKUP",
            f"interface {interface}",
            f"virtual_router_id {router_id}",
            "priority 100",
            "advert_int 1",
            *_block("virtual_ipaddress", f"{self.ref.address}/{prefix}"),
        )

    def virtual_server(self) -> list[str]:
        service = self.service
        kind = self._kind()
        lines = [
            f"lb_algo {self._algorithm()}",
            f"lb_kind {kind}",
            f"protocol {self.ref.protocol.value.upper()}",
            f"delay_loop {service.check_interval_s or self.timers.retry_interval_s}",
            *self._persistence(),
            *self._quorum(),
            *self._sorry_server(kind),
        ]
        for server in service.real_servers:
            lines += self._real_server(server, kind)
        self._no_equivalent(kind)
        return _block(f"virtual_server {self.ref.address} {self.ref.port}", *lines)

    # -- how packets go ----------------------------------------------------------------

    def _kind(self) -> str:
        forwards = {one.forward for one in self.service.real_servers}
        return "DR" if forwards and forwards <= {Forward.ROUTE} else "NAT"

    def _algorithm(self) -> str:
        schedule = self.service.schedule
        if schedule is Schedule.SOURCE_HASH:
            self.notes.append("sh: clients come to other servers than by the LoadMaster's hash")
        if schedule not in _ALGORITHMS:
            self.notes.append(
                f"schedule {schedule.value} needs the load or the content: "
                f"{_NEAREST_ALGORITHM} stands in"
            )
        return _ALGORITHMS.get(schedule, _NEAREST_ALGORITHM)

    def _persistence(self) -> Iterator[str]:
        persist, seconds = self.service.persist, self.service.persist_timeout_s
        if persist not in (Persist.NONE, Persist.SRC):
            self.notes.append(
                f"persistence by {persist.value} reads the content: by source address instead"
            )
        if persist is not Persist.NONE and seconds:
            yield f"persistence_timeout {seconds}"
        elif self.ref.port == WILDCARD_PORT:
            self.notes.append(
                "a service on every port works with persistence by source address only: "
                "360 s of it were added"
            )
            yield "persistence_timeout 360"

    def _quorum(self) -> Iterator[str]:
        least = self.service.rs_minimum
        if not self.service.enhanced_health_checks or least < 2:
            return
        weights = {one.weight for one in self.service.real_servers if one.enabled}
        if len(weights) == 1:
            yield f"quorum {least * weights.pop()}"
        else:
            self.notes.append(
                f"at least {least} servers up: quorum counts weights, and these differ"
            )

    def _sorry_server(self, kind: str) -> Iterator[str]:
        service = self.service
        if service.standby_address is None:
            return
        port = service.standby_port or self.ref.port
        yield f"sorry_server {service.standby_address} {port}"
        if kind != "DR":
            return
        if port == self.ref.port:
            self.notes.append(
                "the sorry server gets packets for the VIP as they are (DR): it needs the VIP "
                "on lo and silence like the other servers"
            )
        else:
            yield "sorry_server_lvs_method NAT"
            self.notes.append(
                "the sorry server has a port of its own, so it is reached by NAT: the director "
                "must be its default gateway, with ip_forward=1"
            )

    # -- servers -----------------------------------------------------------------------

    def _real_server(self, server: RealServer, kind: str) -> list[str]:
        lines = [f"weight {server.weight if server.enabled else 0}"]
        if not server.enabled:
            lines[0] += f"  # disabled on the LoadMaster, where its weight is {server.weight}"
        own = _KINDS.get(server.forward)
        if own is None:
            self.notes.append(f"{server.ref}: its forwarding method is not known: NAT stands in")
        elif own != kind:
            lines.append(f"lvs_method {own}")
        if server.limit:
            lines.append(f"uthreshold {server.limit}")
        if server.rate_limit:
            self.notes.append(f"{server.ref}: limit of {server.rate_limit} connections per second")
        if server.critical:
            self.notes.append(f"{server.ref} is critical: nothing takes the service down with it")
        if server.follow:
            self.notes.append(f"{server.ref} follows another server's health: checked itself")
        lines += self._checker(server)
        return _block(f"real_server {server.ref.address} {self._port(server)}", *lines)

    def _port(self, server: RealServer) -> int:
        """Return the port of a server: every one where the service is on every port."""
        return WILDCARD_PORT if self.ref.port == WILDCARD_PORT else server.port

    def _checker(self, server: RealServer) -> list[str]:
        service = self.service
        if service.check_type is CheckType.NONE:
            self.notes.append("no health check: every server counts as up")
            return []
        checker = _CHECKERS.get(service.check_type, "TCP_CHECK")
        if service.check_type not in _CHECKERS:
            self.notes.append(
                f"health check {service.check_type.value}: only that the port opens is checked"
            )
        timeout_s = service.check_timeout_s or self.timers.timeout_s
        retries = service.check_retries or self.timers.retry_count
        lines = [f"connect_timeout {timeout_s}"]
        port = service.check_port or server.port
        if checker != "PING_CHECK" and port != self._port(server):
            lines.append(f"connect_port {port}")
        # The appliance counts failures in a row, keepalived those after the first.
        lines.append(f"retry {max(0, retries - 1)}")
        if checker == "DNS_CHECK":
            lines += ["type NS", "name ."]
        elif checker in ("HTTP_GET", "SSL_GET"):
            lines += self._http(checker)
        return _block(checker, *lines)

    def _http(self, checker: str) -> Iterator[str]:
        service = self.service
        if service.check_method is not CheckMethod.GET:
            self.notes.append(
                f"the health check asks with {service.check_method.value.upper()}: GET instead"
            )
        if service.check_headers:
            self.notes.append("further headers of the health check")
        yield f"http_protocol {'1.1' if service.check_use_http11 else '1.0'}"
        host = service.check_host if service.check_use_http11 else None
        if host and checker == "SSL_GET":
            yield "enable_sni"
        codes = " ".join((*_HEALTHY_CODES, *service.check_codes))
        url = [f"path {_url_word(service.check_url or '/')}", f"status_code {codes}"]
        if host:
            url.append(f"virtualhost {_url_word(host)}")
        if service.check_pattern and service.check_method in (CheckMethod.GET, CheckMethod.POST):
            url.append(f"regex {_escaped(service.check_pattern)}")
        yield from _block("url", *url)

    # -- what there is not -------------------------------------------------------------

    def _no_equivalent(self, kind: str) -> None:
        service = self.service
        if service.layer != 4:
            self.notes.append(
                "the service works at layer 7: a director forwards packets and reads nothing"
            )
        if kind == "NAT":
            self.notes.append(
                "NAT: the director must be the default gateway of the servers, and clients on "
                "their subnet do not work; ip_forward=1 on the director"
            )
        self.notes += [f"not carried over: {what}" for what, there in _features(service) if there]
        if service.idle_timeout_s:
            self.notes.append(
                f"idle connections end after {service.idle_timeout_s} s: LVS has one time for "
                f"all services (ipvsadm --set {service.idle_timeout_s} 0 0)"
            )
        if not service.enabled:
            self.notes.append("the service is disabled on the LoadMaster; this file has it on")


def _features(service: VirtualService) -> Iterable[tuple[str, bool]]:
    rules = (
        service.request_rules,
        service.response_rules,
        service.pre_process_rules,
        service.body_rules,
        *(one.match_rules for one in service.real_servers),
    )
    limits = (
        service.connections_limit,
        service.connections_per_s_limit,
        service.requests_per_s_limit,
        service.bandwidth_limit_kbit_s,
    )
    return (
        ("TLS termination", service.ssl_acceleration),
        ("caching", service.cache),
        ("compression", service.compress),
        ("content rules", any(rules)),
        ("the web application firewall", service.waf),
        ("pre-authentication (ESP)", service.esp_enabled),
        ("intrusion detection", bool(service.detect_malicious)),
        ("further ports", bool(service.extra_ports)),
        ("the alternate address", bool(service.alternate_address)),
        ("the answer where no server is left", bool(service.error_code or service.error_url)),
        ("limits of connections, requests and bandwidth", any(limits)),
        ("the service's own default gateway", bool(service.default_gateway)),
        ("following another service's choice of server", bool(service.follow_vs_index)),
    )


def _block(head: str, *lines: str) -> list[str]:
    return [f"{head} {{", *(f"    {line}" for line in lines), "}"]


def _name(service: VirtualService, ref: VsRef) -> str:
    text = service.nickname or f"{ref.protocol.value}_{ref.address}_{ref.port}"
    return re.sub(r"[^A-Za-z0-9_.-]", "_", text)


def _words(text: str) -> str:
    """Return a text of the appliance for a comment: on one line, whatever it holds."""
    return "".join(letter if letter.isprintable() else " " for letter in text)


def _url_word(text: str) -> str:
    # A quoted word knows no escapes, and a line break would end it.
    return _quoted(re.sub(r'["\\\s\x00-\x1f]', lambda one: f"%{ord(one[0]):02X}", text))


def _quoted(text: str) -> str:
    return f'"{text}"'


def _escaped(pattern: str) -> str:
    """Return a regular expression as keepalived reads one: quoted, with escapes of its own."""
    hidden = re.sub(r'["\x00-\x1f\x7f]', lambda one: f"\\x{ord(one[0]):02x}", pattern)
    return _quoted(hidden.replace("\\", "\\\\"))
