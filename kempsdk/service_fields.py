"""What the fields of a virtual service, a real server and a SubVS's slot mean.

Ranges are from the vendor's interface description of 2022; coercions were seen on
7.2.50 to 7.2.63.
"""

import re
from enum import Enum
from typing import Final

from kempsdk.fields import (
    Address,
    Field,
    HeaderList,
    Number,
    Switch,
    Table,
    Text,
    Word,
    Words,
    field,
)
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

_SWITCH: Final = Switch()
_TEXT: Final = Text()
_ADDRESS: Final = Address()
_NUMBER: Final = Number()


_NICKNAME: Final = Text(
    longest=127,
    pattern=re.compile(r"[A-Za-z0-9][A-Za-z0-9.@_-]*"),
    hint="letters, digits and . @ - _, beginning with a letter or digit",
)


def _word(default: Enum, other: Enum) -> Word:
    return Word(type(default), default=default, other=other)


_CHECK_METHODS: Final = {
    "0": CheckMethod.HEAD,
    "1": CheckMethod.GET,
    "2": CheckMethod.POST,
    "3": CheckMethod.OPTIONS,
}
_REWRITES: Final = {"0": SslRewrite.OFF, "1": SslRewrite.HTTP, "2": SslRewrite.HTTPS}


class _Rewrite(Word):
    """Written as a word, read as a number; which number is which is a guess."""

    def write(self, value: object, *, name: str) -> str:
        super().write(value, name=name)
        return SslRewrite(value).value

    def same(self, asked: object, got: object) -> bool:
        return (SslRewrite(asked) is SslRewrite.OFF) == (got is SslRewrite.OFF)


def _ports(*, zero: bool) -> Number:
    return Number(low=3, high=65530, also=(0,) if zero else ())


SERVICE: Final = Table(
    [
        field("Status", "status", _word(VsStatus.UNKNOWN, VsStatus.UNKNOWN), read_only=True),
        field("Index", "index", _NUMBER, read_only=True),
        field("Layer", "layer", Number(default=7), read_only=True),
        field("NickName", "nickname", _NICKNAME),
        field("Enable", "enabled", _SWITCH, setting="enable"),
        field("ForceL4", "force_l4", _SWITCH),
        field("ForceL7", "force_l7", _SWITCH),
        field("Transparent", "transparent", _SWITCH),
        field("SubnetOriginating", "subnet_originating", _SWITCH),
        field("UseforSnat", "use_for_snat", _SWITCH),
        field("VStype", "type", _word(ServiceType.GENERIC, ServiceType.OTHER)),
        field("Schedule", "schedule", _word(Schedule.ROUND_ROBIN, Schedule.OTHER)),
        field("Adaptive", "adaptive", _TEXT, read_only=True),
        field("Persist", "persist", _word(Persist.NONE, Persist.OTHER)),
        # Rounded down to whole minutes; what is below one turns persistence off.
        field("PersistTimeout", "persist_timeout_s", Number(high=2419200, step=60)),
        field("RefreshPersist", "refresh_persist", _SWITCH),
        field("Cookie", "cookie", _TEXT),
        field("QueryTag", "query_tag", _TEXT),
        # 0 is stored as the global connection timeout.
        field("Idletime", "idle_timeout_s", Number(high=86400, ignored=(0,))),
        field("CheckType", "check_type", _word(CheckType.TCP, CheckType.OTHER)),
        field("CheckPort", "check_port", _ports(zero=True)),
        field("CheckUrl", "check_url", Text(longest=126)),
        field("CheckHost", "check_host", _TEXT),
        field("CheckUse1.1", "check_use_http11", _SWITCH),
        field(
            "CheckUseGet",
            "check_method",
            Word(
                CheckMethod,
                default=CheckMethod.HEAD,
                other=CheckMethod.OTHER,
                codes=_CHECK_METHODS,
            ),
        ),
        field("CheckPattern", "check_pattern", _TEXT),
        field("CheckHeaders", "check_headers", HeaderList()),
        field("CheckPostData", "check_post_data", Text(longest=2047)),
        field("CheckCodes", "check_codes", Words(ordered=False, numbers=(300, 599))),
        field("MatchLen", "check_match_length", Number(high=8000)),
        # 0 (the global timers) is refused once a value was set.
        field("ChkInterval", "check_interval_s", Number(low=9, high=120, also=(0,))),
        field("ChkTimeout", "check_timeout_s", Number(low=4, high=60, also=(0,))),
        field("ChkRetryCount", "check_retries", Number(low=2, high=15, also=(0,))),
        field("EnhancedHealthChecks", "enhanced_health_checks", _SWITCH),
        # 1 is the effective minimum and stored as 0.
        field("RsMinimum", "rs_minimum", Number(ignored=(1,))),
        field("LdapEndpoint", "ldap_endpoint", _TEXT, shown=False),
        # A range of ports is allowed by the web interface; so words, not numbers.
        field("ExtraPorts", "extra_ports", Words(joiner=",", ordered=False)),
        field("AltAddress", "alternate_address", _ADDRESS, shown=False),
        field("DefaultGW", "default_gateway", _ADDRESS),
        field("LocalBindAddrs", "local_bind_addresses", Words(), shown=False),
        field("ServerInit", "server_init", Number(high=6)),
        field("StartTLSMode", "starttls_mode", Number(high=6)),
        field("QoS", "qos", Number(low=1, high=1, also=(0, 2, 4, 8, 16))),
        field("Cache", "cache", _SWITCH),
        field("CachePercent", "cache_percent", Number(high=100)),
        field("Compress", "compress", _SWITCH),
        field("MultiConnect", "multi_connect", _SWITCH),
        field("AddVia", "add_via", Number(high=6)),
        field("Verify", "detect_malicious", Number(high=7)),
        field("ErrorCode", "error_code", Number(low=200, high=505, also=(0,))),
        field("ErrorUrl", "error_url", _TEXT),
        field("StandbyAddr", "standby_address", _ADDRESS),
        field("StandbyPort", "standby_port", _ports(zero=True)),
        field("NonLocalSorryServer", "non_local_sorry_server", _SWITCH, shown=False),
        field("non_local", "non_local", _SWITCH, shown=False),
        field("FollowVSID", "follow_vs_index", _NUMBER),
        field("CopyHdrFrom", "copy_header_from", _TEXT),
        field("CopyHdrTo", "copy_header_to", _TEXT),
        field("ExtraHdrKey", "extra_header_name", _TEXT),
        field("ExtraHdrValue", "extra_header_value", _TEXT),
        field("SSLAcceleration", "ssl_acceleration", _SWITCH),
        field("SSLReencrypt", "ssl_reencrypt", _SWITCH),
        field("SSLReverse", "ssl_reverse", _SWITCH),
        field(
            "SSLRewrite",
            "ssl_rewrite",
            _Rewrite(SslRewrite, default=SslRewrite.OFF, other=SslRewrite.OTHER, codes=_REWRITES),
        ),
        field("CertFile", "cert_files", Words()),
        field("IntermediateCerts", "intermediate_certs", Words(joiner="+"), shown=False),
        field("CipherSet", "cipher_set", _TEXT),
        field("Ciphers", None, Words(joiner=":"), setting="ciphers"),
        field("Tls13CipherSet", "tls13_ciphers", Words(ordered=False), shown=False),
        # A mask of what is switched off: 1 SSLv3, 2 TLS1.0, 4 TLS1.1, 8 TLS1.2, 16 TLS1.3.
        field("TlsType", "tls_disabled_mask", Number(high=30)),
        field("ClientCert", "client_certificate", Number(high=6)),
        field("OCSPVerify", "ocsp_verify", _SWITCH),
        field("NeedHostName", "need_host_name", _SWITCH),
        field("PassCipher", "pass_cipher", _SWITCH),
        field("PassSni", "pass_sni", _SWITCH),
        field("ReverseSNIHostname", "reverse_sni_host", _TEXT, shown=False),
        field("SecurityHeaderOptions", "security_header_options", Number(high=6)),
        field("AllowHTTP2", "allow_http2", _SWITCH),
        field("Bandwidth", "bandwidth_limit_kbit_s", Number(low=16, high=99999999, also=(0,))),
        field("ConnsPerSecLimit", "connections_per_s_limit", Number(high=100000000)),
        field("RequestsPerSecLimit", "requests_per_s_limit", Number(high=1000000)),
        field("MaxConnsLimit", "connections_limit", Number(high=1000000)),
        field("Intercept", "waf", _SWITCH),
        field("InterceptMode", "waf_mode", Number(high=2)),
        field("InterceptOpts", "waf_options", Words(joiner=";", ordered=False)),
        field("OwaspOpts", "owasp_options", Words(joiner=";", ordered=False)),
        field("AlertThreshold", "waf_alert_threshold", Number(high=100000)),
        field("EspEnabled", "esp_enabled", _SWITCH),
        field("InputAuthMode", "input_auth_mode", Number(high=8)),
        field("OutputAuthMode", "output_auth_mode", Number(high=4)),
        field("RequestRules", "request_rules", Words(), read_only=True),
        field("ResponseRules", "response_rules", Words(), read_only=True),
        field("PreProcessRules", "pre_process_rules", Words(), read_only=True),
        field("MatchBodyRules", "body_rules", Words(), read_only=True),
        field("NumberOfRSs", "number_of_real_servers", _NUMBER, read_only=True),
        field("MasterVSID", "master_index", _NUMBER, read_only=True),
    ]
)

_FORWARD: Final = _word(Forward.NAT, Forward.OTHER)
_RS_STATUS: Final = _word(RsStatus.UNKNOWN, RsStatus.UNKNOWN)
_SLOT_FIELDS: Final[tuple[Field, ...]] = (
    field("VSIndex", "vs_index", _NUMBER, read_only=True),
    field("RsIndex", "rs_index", _NUMBER, read_only=True),
    field("Forward", "forward", _FORWARD, request="forward"),
    field("Weight", "weight", Number(low=1, high=65535, default=1000), request="weight"),
    field("Limit", "limit", Number(high=100000), request="limit"),
    # The request name is a guess: the vendor's description of 2022 does not have it.
    field("RateLimit", "rate_limit", _NUMBER, request="RateLimit"),
    field("Follow", "follow", _NUMBER, request="follow"),
    field("Enable", "enabled", _SWITCH, setting="enable", request="enable"),
    field("Critical", "critical", _SWITCH, request="critical"),
)

SERVER: Final = Table(
    [
        *_SLOT_FIELDS,
        field("Status", "status", _RS_STATUS, read_only=True),
        field("DnsName", "dns_name", _TEXT, read_only=True),
        field("MatchRules", "match_rules", Words(), read_only=True),
        # Not shown among the fields of a server.
        field("non_local", None, _SWITCH, setting="non_local"),
        field("Port", None, Number(low=3, high=65535), setting="new_port", request="newport"),
    ]
)

SLOT: Final = Table(
    [
        *_SLOT_FIELDS,
        field("Status", "status", _word(VsStatus.UNKNOWN, VsStatus.UNKNOWN), read_only=True),
        field("Name", "name", _TEXT, read_only=True),
        field("MatchRules", "match_rules", Words(), read_only=True),
    ]
)
