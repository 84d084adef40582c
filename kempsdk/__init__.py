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
    from kempsdk.auth import ApiKey, Auth, ClientCert, Password
    from kempsdk.client import LoadMaster
    from kempsdk.clock import Clock, SystemClock
    from kempsdk.counters import (
        ServerStats,
        ServiceStats,
        StateCounts,
        StateTotals,
        Statistics,
        TrafficTotals,
    )
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
    from kempsdk.models import HealthCheckTimers, RealServer, SubVs, VirtualService
    from kempsdk.references import AnyVsRef, Protocol, RsRef, SubVsRef, VsRef
    from kempsdk.secret import Secret
    from kempsdk.settings import RsSettings, SlotSettings, VsSettings
    from kempsdk.transport.call import Call, ParamValue, Reply, Transport, Tree
    from kempsdk.transport.tls import Insecure, Pin, Trust, Verify
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
    "auth": "ApiKey Auth ClientCert Password",
    "client": "LoadMaster",
    "clock": "Clock SystemClock",
    "counters": "ServerStats ServiceStats StateCounts StateTotals Statistics TrafficTotals",
    "errors": "AmbiguousName ApiDisabled AuthenticationFailed BadAnswer CertificateNotTrusted "
    "CommandRejected FieldDifference InvalidRequest KempError NotFound Outcome OutcomeUnknown "
    "PermissionDenied RateLimited UnknownCommand Unreachable WriteNotApplied",
    "models": "HealthCheckTimers RealServer SubVs VirtualService",
    "references": "AnyVsRef Protocol RsRef SubVsRef VsRef",
    "secret": "Secret",
    "settings": "RsSettings SlotSettings VsSettings",
    "transport.call": "Call ParamValue Reply Transport Tree",
    "transport.tls": "Insecure Pin Trust Verify",
    "words": "CheckMethod CheckType Forward Persist RsStatus Schedule ServiceType SslRewrite "
    "VsStatus",
}
_HOME_OF: Final = {name: home for home, names in _HOMES.items() for name in names.split()}

__all__ = [
    "AmbiguousName",
    "AnyVsRef",
    "ApiDisabled",
    "ApiKey",
    "Auth",
    "AuthenticationFailed",
    "BadAnswer",
    "Call",
    "CertificateNotTrusted",
    "CheckMethod",
    "CheckType",
    "ClientCert",
    "Clock",
    "CommandRejected",
    "FieldDifference",
    "Forward",
    "HealthCheckTimers",
    "Insecure",
    "InvalidRequest",
    "KempError",
    "LoadMaster",
    "NotFound",
    "Outcome",
    "OutcomeUnknown",
    "ParamValue",
    "Password",
    "PermissionDenied",
    "Persist",
    "Pin",
    "Protocol",
    "RateLimited",
    "RealServer",
    "Reply",
    "RsRef",
    "RsSettings",
    "RsStatus",
    "Schedule",
    "Secret",
    "ServerStats",
    "ServiceStats",
    "ServiceType",
    "SlotSettings",
    "SslRewrite",
    "StateCounts",
    "StateTotals",
    "Statistics",
    "SubVs",
    "SubVsRef",
    "SystemClock",
    "TrafficTotals",
    "Transport",
    "Tree",
    "Trust",
    "UnknownCommand",
    "Unreachable",
    "Verify",
    "VirtualService",
    "VsRef",
    "VsSettings",
    "VsStatus",
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
