"""A typed client for the Kemp LoadMaster API.

::

    from kempsdk import ApiKey, LoadMaster, Pin

    with LoadMaster("https://lb.example", ApiKey(key), tls=Pin(fingerprint)) as lm:
        for service in lm.virtual_services.list():
            print(service.ref, service.status)

Names are imported when they are first used, so importing the package costs nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from kempsdk.access_lists import AccessEntry, AccessList, PacketFilter
    from kempsdk.acme import AcmeAccount, AcmeCertificate
    from kempsdk.api_keys import MOST_API_KEYS
    from kempsdk.auth import ApiKey, Auth, ClientCert, Password
    from kempsdk.backups import BackupPart
    from kempsdk.certificates import Certificate, CertificateBackupPart, KeyType
    from kempsdk.cipher_sets import SYSTEM_CIPHER_SETS, CipherSet
    from kempsdk.client import LoadMaster
    from kempsdk.clock import Clock, SystemClock
    from kempsdk.cluster import ClusterNode, ClusterStatus, NodeState
    from kempsdk.counters import (
        ServerStats,
        ServiceStats,
        StateCounts,
        StateTotals,
        Statistics,
        TrafficTotals,
    )
    from kempsdk.desired_state import (
        Change,
        Changed,
        Difference,
        RealServerSpec,
        SubVsSpec,
        Unchanged,
        VirtualServiceSpec,
    )
    from kempsdk.diagnostics import Report
    from kempsdk.dns import HostsEntry
    from kempsdk.errors import (
        AmbiguousName,
        ApiDisabled,
        AuthenticationFailed,
        BadAnswer,
        CertificateNotTrusted,
        CommandRejected,
        FieldDifference,
        InvalidRequest,
        KempError,
        NotFound,
        Outcome,
        OutcomeUnknown,
        PermissionDenied,
        RateLimited,
        UnknownCommand,
        Unreachable,
        WriteNotApplied,
    )
    from kempsdk.geo_clusters import GeoCluster, GeoClusterCheck, GeoClusterType
    from kempsdk.geo_models import (
        GeoCheck,
        GeoCheckMethod,
        GeoFqdn,
        GeoRecovery,
        GeoSelection,
        GeoSite,
        GeoState,
    )
    from kempsdk.geo_places import GeoRange
    from kempsdk.geo_records import GeoRecord, GeoRecordType
    from kempsdk.high_availability import HaMode, HaPreference, HaState, HaStatus
    from kempsdk.interfaces import BondMode, Interface
    from kempsdk.ldap_endpoints import LdapEndpoint, LdapSecurity
    from kempsdk.licensing import License, LicenseModel
    from kempsdk.limits import ClientLimit, ClientLimitKind, LimitAnswer, LimitMatch, LimitRule
    from kempsdk.mail import MailSecurity
    from kempsdk.models import AdaptiveCheck, HealthCheckTimers, RealServer, SubVs, VirtualService
    from kempsdk.ntp import NtpKeyType
    from kempsdk.permissions import Account, Permission
    from kempsdk.pre_authentication import PreAuthentication, SameSite
    from kempsdk.references import AnyVsRef, Protocol, RsRef, SubVsRef, VsRef
    from kempsdk.routes import Route
    from kempsdk.rule_models import (
        AddHeaderRule,
        DeleteHeaderRule,
        MatchContentRule,
        MatchType,
        ModifyUrlRule,
        OnServer,
        OnService,
        OnSubService,
        Phase,
        ReplaceBodyRule,
        ReplaceHeaderRule,
        Rule,
        RulePlace,
        RuleSettings,
    )
    from kempsdk.secret import Secret
    from kempsdk.settings import RsSettings, SlotSettings, VsSettings
    from kempsdk.snmp import SnmpAuthentication, SnmpPrivacy
    from kempsdk.sso_domains import LogonFormat, SessionLimit, SsoDomain, SsoProtocol
    from kempsdk.syslog import SyslogProtocol
    from kempsdk.system import Identity
    from kempsdk.templates import Template
    from kempsdk.transport.call import Call, ParamValue, Reply, Transport, Tree
    from kempsdk.transport.tls import Insecure, Pin, Trust, Verify
    from kempsdk.waf import WafFile, WafRule
    from kempsdk.waf_settings import WafLogFormat
    from kempsdk.waf_tuning import WafTuning
    from kempsdk.watch import Observation, Rates, ServerReading, ServiceReading, StatisticsWatch
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

_HOMES: Final = {
    "access_lists": "AccessEntry AccessList PacketFilter",
    "acme": "AcmeAccount AcmeCertificate",
    "api_keys": "MOST_API_KEYS",
    "auth": "ApiKey Auth ClientCert Password",
    "backups": "BackupPart",
    "certificates": "Certificate CertificateBackupPart KeyType",
    "cipher_sets": "CipherSet SYSTEM_CIPHER_SETS",
    "client": "LoadMaster",
    "clock": "Clock SystemClock",
    "cluster": "ClusterNode ClusterStatus NodeState",
    "counters": "ServerStats ServiceStats StateCounts StateTotals Statistics TrafficTotals",
    "diagnostics": "Report",
    "dns": "HostsEntry",
    "desired_state": "Change Changed Difference RealServerSpec SubVsSpec Unchanged "
    "VirtualServiceSpec",
    "errors": "AmbiguousName ApiDisabled AuthenticationFailed BadAnswer CertificateNotTrusted "
    "CommandRejected FieldDifference InvalidRequest KempError NotFound Outcome "
    "OutcomeUnknown PermissionDenied RateLimited UnknownCommand Unreachable "
    "WriteNotApplied",
    "geo_clusters": "GeoCluster GeoClusterCheck GeoClusterType",
    "geo_models": "GeoCheck GeoCheckMethod GeoFqdn GeoRecovery GeoSelection GeoSite GeoState",
    "geo_places": "GeoRange",
    "geo_records": "GeoRecord GeoRecordType",
    "high_availability": "HaMode HaPreference HaState HaStatus",
    "interfaces": "BondMode Interface",
    "ldap_endpoints": "LdapEndpoint LdapSecurity",
    "licensing": "License LicenseModel",
    "limits": "ClientLimit ClientLimitKind LimitAnswer LimitMatch LimitRule",
    "mail": "MailSecurity",
    "models": "AdaptiveCheck HealthCheckTimers RealServer SubVs VirtualService",
    "ntp": "NtpKeyType",
    "permissions": "Account Permission",
    "pre_authentication": "PreAuthentication SameSite",
    "references": "AnyVsRef Protocol RsRef SubVsRef VsRef",
    "routes": "Route",
    "rule_models": "AddHeaderRule DeleteHeaderRule MatchContentRule MatchType ModifyUrlRule "
    "OnServer OnService OnSubService Phase ReplaceBodyRule ReplaceHeaderRule Rule "
    "RulePlace RuleSettings",
    "secret": "Secret",
    "settings": "RsSettings SlotSettings VsSettings",
    "snmp": "SnmpAuthentication SnmpPrivacy",
    "sso_domains": "LogonFormat SessionLimit SsoDomain SsoProtocol",
    "syslog": "SyslogProtocol",
    "system": "Identity",
    "templates": "Template",
    "transport.call": "Call ParamValue Reply Transport Tree",
    "transport.tls": "Insecure Pin Trust Verify",
    "waf": "WafFile WafRule",
    "waf_settings": "WafLogFormat",
    "waf_tuning": "WafTuning",
    "watch": "Observation Rates ServerReading ServiceReading StatisticsWatch",
    "words": "CheckMethod CheckType Forward Persist RsStatus Schedule ServiceType SslRewrite "
    "VsStatus",
}
_HOME_OF: Final = {name: home for home, names in _HOMES.items() for name in names.split()}

__all__ = [
    "AccessEntry",
    "AccessList",
    "Account",
    "AcmeAccount",
    "AcmeCertificate",
    "AdaptiveCheck",
    "AddHeaderRule",
    "AmbiguousName",
    "AnyVsRef",
    "ApiDisabled",
    "ApiKey",
    "Auth",
    "AuthenticationFailed",
    "BackupPart",
    "BadAnswer",
    "BondMode",
    "Call",
    "Certificate",
    "CertificateBackupPart",
    "CertificateNotTrusted",
    "Change",
    "Changed",
    "CheckMethod",
    "CheckType",
    "CipherSet",
    "ClientCert",
    "ClientLimit",
    "ClientLimitKind",
    "Clock",
    "ClusterNode",
    "ClusterStatus",
    "CommandRejected",
    "DeleteHeaderRule",
    "Difference",
    "FieldDifference",
    "Forward",
    "GeoCheck",
    "GeoCheckMethod",
    "GeoCluster",
    "GeoClusterCheck",
    "GeoClusterType",
    "GeoFqdn",
    "GeoRange",
    "GeoRecord",
    "GeoRecordType",
    "GeoRecovery",
    "GeoSelection",
    "GeoSite",
    "GeoState",
    "HaMode",
    "HaPreference",
    "HaState",
    "HaStatus",
    "HealthCheckTimers",
    "HostsEntry",
    "Identity",
    "Insecure",
    "Interface",
    "InvalidRequest",
    "KempError",
    "KeyType",
    "LdapEndpoint",
    "LdapSecurity",
    "License",
    "LicenseModel",
    "LimitAnswer",
    "LimitMatch",
    "LimitRule",
    "LoadMaster",
    "LogonFormat",
    "MOST_API_KEYS",
    "MailSecurity",
    "MatchContentRule",
    "MatchType",
    "ModifyUrlRule",
    "NodeState",
    "NotFound",
    "NtpKeyType",
    "Observation",
    "OnServer",
    "OnService",
    "OnSubService",
    "Outcome",
    "OutcomeUnknown",
    "PacketFilter",
    "ParamValue",
    "Password",
    "Permission",
    "PermissionDenied",
    "Persist",
    "Phase",
    "Pin",
    "PreAuthentication",
    "Protocol",
    "RateLimited",
    "Rates",
    "RealServer",
    "RealServerSpec",
    "ReplaceBodyRule",
    "ReplaceHeaderRule",
    "Reply",
    "Report",
    "Route",
    "RsRef",
    "RsSettings",
    "RsStatus",
    "Rule",
    "RulePlace",
    "RuleSettings",
    "SYSTEM_CIPHER_SETS",
    "SameSite",
    "Schedule",
    "Secret",
    "ServerReading",
    "ServerStats",
    "ServiceReading",
    "ServiceStats",
    "ServiceType",
    "SessionLimit",
    "SlotSettings",
    "SnmpAuthentication",
    "SnmpPrivacy",
    "SslRewrite",
    "SsoDomain",
    "SsoProtocol",
    "StateCounts",
    "StateTotals",
    "Statistics",
    "StatisticsWatch",
    "SubVs",
    "SubVsRef",
    "SubVsSpec",
    "SyslogProtocol",
    "SystemClock",
    "Template",
    "TrafficTotals",
    "Transport",
    "Tree",
    "Trust",
    "Unchanged",
    "UnknownCommand",
    "Unreachable",
    "Verify",
    "VirtualService",
    "VirtualServiceSpec",
    "VsRef",
    "VsSettings",
    "VsStatus",
    "WafFile",
    "WafLogFormat",
    "WafRule",
    "WafTuning",
    "WriteNotApplied",
]


def __getattr__(name: str) -> object:
    home = _HOME_OF.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value: object = getattr(import_module(f"kempsdk.{home}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
