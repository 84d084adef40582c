"""Settings as keyword arguments: what can be written to a service or a server.

Ranges and meanings are those of the models' attributes of the same name. What is left
out keeps its value, or gets the appliance's default in something new.
"""

from collections.abc import Sequence
from typing import TypedDict

from kempsdk.words import (
    CheckMethod,
    CheckType,
    Forward,
    Persist,
    Schedule,
    ServiceType,
    SslRewrite,
)


class VsSettings(TypedDict, total=False):
    """Settings of a virtual service; see ``VirtualService``."""

    nickname: str | None
    enable: bool
    force_l4: bool
    force_l7: bool
    transparent: bool
    subnet_originating: bool
    use_for_snat: bool
    type: ServiceType
    schedule: Schedule
    persist: Persist
    persist_timeout_s: int
    refresh_persist: bool
    cookie: str | None
    query_tag: str | None
    idle_timeout_s: int
    check_type: CheckType
    check_port: int
    check_url: str | None
    check_host: str | None
    check_use_http11: bool
    check_method: CheckMethod
    check_pattern: str | None
    check_headers: str | None
    check_post_data: str | None
    check_codes: Sequence[str]
    check_match_length: int
    check_interval_s: int
    check_timeout_s: int
    check_retries: int
    enhanced_health_checks: bool
    rs_minimum: int
    ldap_endpoint: str | None
    extra_ports: Sequence[str]
    alternate_address: str | None
    default_gateway: str | None
    local_bind_addresses: Sequence[str]
    server_init: int
    starttls_mode: int
    qos: int
    cache: bool
    cache_percent: int
    compress: bool
    multi_connect: bool
    add_via: int
    detect_malicious: int
    error_code: int
    error_url: str | None
    standby_address: str | None
    standby_port: int
    non_local_sorry_server: bool
    non_local: bool
    follow_vs_index: int
    copy_header_from: str | None
    copy_header_to: str | None
    extra_header_name: str | None
    extra_header_value: str | None
    ssl_acceleration: bool
    ssl_reencrypt: bool
    ssl_reverse: bool
    ssl_rewrite: SslRewrite
    cert_files: Sequence[str]
    intermediate_certs: Sequence[str]
    cipher_set: str | None
    ciphers: Sequence[str]
    tls13_ciphers: Sequence[str]
    tls_disabled_mask: int
    client_certificate: int
    ocsp_verify: bool
    need_host_name: bool
    pass_cipher: bool
    pass_sni: bool
    reverse_sni_host: str | None
    security_header_options: int
    allow_http2: bool
    bandwidth_limit_kbit_s: int
    connections_per_s_limit: int
    requests_per_s_limit: int
    connections_limit: int
    waf: bool
    waf_mode: int
    waf_options: Sequence[str]
    owasp_options: Sequence[str]
    waf_alert_threshold: int
    esp_enabled: bool
    input_auth_mode: int
    output_auth_mode: int


class SlotSettings(TypedDict, total=False):
    """Settings of a SubVS's slot in its parent; see ``SubVs``."""

    weight: int
    limit: int
    enable: bool
    critical: bool


class RsSettings(TypedDict, total=False):
    """Settings of a real server in one service; see ``RealServer``.

    ``new_port`` moves it, in updates only. ``non_local`` allows a server outside the
    local networks; it needs the global parameter ``nonlocalrs`` and a service that is not
    transparent, and answers do not show it.
    """

    forward: Forward
    weight: int
    limit: int
    rate_limit: int
    follow: int
    enable: bool
    critical: bool
    non_local: bool
    new_port: int
