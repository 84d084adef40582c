"""What a LoadMaster says of its services and servers, as plain immutable data.

Reading an attribute never asks the appliance again. ``extra`` holds what came besides,
under its wire name and as the interface at hand spells it; so it is left out of
comparisons.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from kempsdk.codec import nothing_else
from kempsdk.references import WILDCARD_PORT, AnyVsRef, Protocol, RsRef, SubVsRef, VsRef
from kempsdk.words import (
    CheckMethod,
    CheckType,
    Forward,
    Persist,
    RsStatus,
    Schedule,
    ServiceType,
    SslRewrite,
    VsStatus,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class RealServer:
    """A server in one service.

    Attributes:
        ref: its address and port; the address is 0.0.0.0 where a DNS name did not resolve.
        vs_index: index of the service it is in; renumbered now and then.
        rs_index: unique on the appliance, and stable.
        weight: 1 to 65535, relative.
        limit: most open connections before it gets no more; 0 is no limit.
        rate_limit: new connections per second; 0 is no limit.
        follow: RsIndex of the server whose health decides for this one; 0 is its own.
        critical: the whole service is down when this server is down or disabled.
        match_rules: names of the content rules that send traffic to it.
    """

    ref: RsRef
    vs_index: int
    rs_index: int
    forward: Forward = Forward.NAT
    weight: int = 1000
    limit: int = 0
    rate_limit: int = 0
    follow: int = 0
    enabled: bool = False
    critical: bool = False
    status: RsStatus = RsStatus.UNKNOWN
    dns_name: str | None = None
    match_rules: tuple[str, ...] = ()
    extra: Mapping[str, object] = field(default_factory=nothing_else, compare=False)

    @property
    def address(self) -> str:
        return self.ref.address

    @property
    def port(self) -> int:
        return self.ref.port


@dataclass(frozen=True, slots=True, kw_only=True)
class SubVs:
    """A SubVS as its parent sees it: a slot among others, with a share of the traffic.

    Attributes:
        ref: its parent and slot.
        index: its own index among services; renumbered now and then.
        rs_index: number of the slot, stable; the same as in ``ref``.
        name: nickname, or None.
        weight: 1 to 65535, relative.
        limit: most open connections; 0 is no limit.
        critical: the parent is down when this one is down or disabled.
        service: its own settings and servers; None where the answer did not hold them
            (only a list of all services does).
    """

    ref: SubVsRef
    index: int
    rs_index: int
    forward: Forward = Forward.NAT
    weight: int = 1000
    limit: int = 0
    rate_limit: int = 0
    follow: int = 0
    enabled: bool = False
    critical: bool = False
    status: VsStatus = VsStatus.UNKNOWN
    name: str | None = None
    match_rules: tuple[str, ...] = ()
    service: "VirtualService | None" = None
    extra: Mapping[str, object] = field(default_factory=nothing_else, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class VirtualService:
    """A virtual service or SubVS.

    Attributes:
        ref: its name: protocol, address and port; for a SubVS its parent and slot.
        index: number on the appliance, renumbered after changes of global configuration.
        layer: 4 or 7, as it really runs.
        enabled: of a SubVS, its slot in the parent decides instead.
        transparent: servers see the client's address.
        subnet_originating: servers see an address of the LoadMaster in their subnet.
        adaptive: kind of agent of an adaptive schedule.
        persist_timeout_s: whole minutes; 0 is no persistence.
        cookie: name of the cookie, or of the header for ``Persist.HEADER``.
        idle_timeout_s: 0 to 86400; connections idle for longer are closed.
        check_port: port of the health check; 0 is the server's own.
        check_host: Host header of the check; only sent with ``check_use_http11``.
        check_codes: further HTTP codes, 300 to 599, that count as healthy.
        check_match_length: bytes of the answer that are searched (bdata).
        check_interval_s: 9 to 120; 0 is the global timer. Likewise ``check_timeout_s``
            (4 to 60) and ``check_retries`` (2 to 15).
        rs_minimum: servers that must be up, with ``enhanced_health_checks``; 0 means one.
        extra_ports: further ports or ranges of ports. That a comma separates them when
            written is a guess.
        detect_malicious: bit mask: 1 detect, 2 drop instead of reject, 4 warnings.
        error_code: HTTP code without servers, 200 to 505; 0 is none.
        follow_vs_index: index of the service whose choice of server is followed.
        tls_disabled_mask: protocols that are off: 1 SSLv3, 2 TLS1.0, 4 TLS1.1, 8 TLS1.2,
            16 TLS1.3.
        bandwidth_limit_kbit_s: 16 to 99999999, forces layer 7; 0 is no limit.
        number_of_real_servers: of a parent, the number of its SubVSs.
        master_index: of a SubVS, the index of its parent; else 0.
        real_servers: in the order of the answer.
        sub_services: in the order of the answer.
    """

    ref: AnyVsRef
    status: VsStatus = VsStatus.UNKNOWN
    index: int
    layer: int = 7
    nickname: str | None = None
    enabled: bool = False
    force_l4: bool = False
    force_l7: bool = False
    transparent: bool = False
    subnet_originating: bool = False
    use_for_snat: bool = False
    type: ServiceType = ServiceType.GENERIC
    schedule: Schedule = Schedule.ROUND_ROBIN
    adaptive: str | None = None
    persist: Persist = Persist.NONE
    persist_timeout_s: int = 0
    refresh_persist: bool = False
    cookie: str | None = None
    query_tag: str | None = None
    idle_timeout_s: int = 0
    check_type: CheckType = CheckType.TCP
    check_port: int = 0
    check_url: str | None = None
    check_host: str | None = None
    check_use_http11: bool = False
    check_method: CheckMethod = CheckMethod.HEAD
    check_pattern: str | None = None
    check_headers: str | None = None
    check_post_data: str | None = None
    check_codes: tuple[str, ...] = ()
    check_match_length: int = 0
    check_interval_s: int = 0
    check_timeout_s: int = 0
    check_retries: int = 0
    enhanced_health_checks: bool = False
    rs_minimum: int = 0
    ldap_endpoint: str | None = None
    extra_ports: tuple[str, ...] = ()
    alternate_address: str | None = None
    default_gateway: str | None = None
    local_bind_addresses: tuple[str, ...] = ()
    server_init: int = 0
    starttls_mode: int = 0
    qos: int = 0
    cache: bool = False
    cache_percent: int = 0
    compress: bool = False
    multi_connect: bool = False
    add_via: int = 0
    detect_malicious: int = 0
    error_code: int = 0
    error_url: str | None = None
    standby_address: str | None = None
    standby_port: int = 0
    non_local_sorry_server: bool = False
    non_local: bool = False
    follow_vs_index: int = 0
    copy_header_from: str | None = None
    copy_header_to: str | None = None
    extra_header_name: str | None = None
    extra_header_value: str | None = None
    ssl_acceleration: bool = False
    ssl_reencrypt: bool = False
    ssl_reverse: bool = False
    ssl_rewrite: SslRewrite = SslRewrite.OFF
    cert_files: tuple[str, ...] = ()
    intermediate_certs: tuple[str, ...] = ()
    cipher_set: str | None = None
    tls13_ciphers: tuple[str, ...] = ()
    tls_disabled_mask: int = 0
    client_certificate: int = 0
    ocsp_verify: bool = False
    need_host_name: bool = False
    pass_cipher: bool = False
    pass_sni: bool = False
    reverse_sni_host: str | None = None
    security_header_options: int = 0
    allow_http2: bool = False
    bandwidth_limit_kbit_s: int = 0
    connections_per_s_limit: int = 0
    requests_per_s_limit: int = 0
    connections_limit: int = 0
    waf: bool = False
    waf_mode: int = 0
    waf_options: tuple[str, ...] = ()
    owasp_options: tuple[str, ...] = ()
    waf_alert_threshold: int = 0
    esp_enabled: bool = False
    input_auth_mode: int = 0
    output_auth_mode: int = 0
    request_rules: tuple[str, ...] = ()
    response_rules: tuple[str, ...] = ()
    pre_process_rules: tuple[str, ...] = ()
    body_rules: tuple[str, ...] = ()
    number_of_real_servers: int = 0
    master_index: int = 0
    real_servers: tuple[RealServer, ...] = ()
    sub_services: tuple[SubVs, ...] = ()
    extra: Mapping[str, object] = field(default_factory=nothing_else, compare=False)

    @property
    def address(self) -> str:
        """The address; empty for a SubVS, which has none."""
        return self.ref.address if isinstance(self.ref, VsRef) else ""

    @property
    def port(self) -> int:
        """The port; 0 for a service on every port and for a SubVS."""
        return self.ref.port if isinstance(self.ref, VsRef) else WILDCARD_PORT

    @property
    def protocol(self) -> Protocol:
        return self.ref.protocol if isinstance(self.ref, VsRef) else self.ref.parent.protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthCheckTimers:
    """The global timers of the health checks.

    Attributes:
        retry_interval_s: between two checks of a server; at least
            ``retry_count * timeout_s + 1``.
        timeout_s: longest wait for an answer, 4 to 60.
        retry_count: failures in a row before a server is down, 2 to 15.
    """

    retry_interval_s: int
    timeout_s: int
    retry_count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AdaptiveCheck:
    """The global settings of adaptive scheduling, where servers tell their load.

    Attributes:
        url: path that a server answers its load on.
        port: where it is asked, 3 to 65530.
        interval_s: between two questions; should not be less than the check interval.
        min_percent: load below which a server counts as idle, 0 to 100.
    """

    url: str | None
    port: int
    interval_s: int
    min_percent: int
