"""The attributes of a virtual service: wire order, v2 type, default and what is accepted.

Order, names and defaults are those of recordings of 7.2.5x; ranges are from the vendor's
interface description of 2022. The place of attributes that are left out while unset is
known for few of them and guessed for the rest.
"""

import re
from enum import Enum
from typing import Final

from kempsdk.emulator.values import flag_of, number_of, words

Setting = bool | int | str | list[str]

SCHEDULES: Final = "rr wrr lc wlc fixed adaptive sh dl sdn-adaptive uhash"
TYPES: Final = "gen http http2 ts tls log"
CHECKS: Final = "icmp https http tcp smtp nntp ftp telnet pop3 imap rdp bdata ldap dns none"
COOKIE_PERSISTENCE: Final = frozenset(
    words("cookie active-cookie cookie-src active-cook-src cookie-hash cookie-hash-src")
)
PERSISTENCE: Final = COOKIE_PERSISTENCE | frozenset(
    words(
        "ssl url query-hash host header super super-src src rdp rdp-src rdp-sb rdp-sb-src"
        " udpsip none"
    )
)
NICKNAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9.@_-]*")


class Kind(Enum):
    """How a value is typed on the wire."""

    FLAG = "Y/N, boolean"
    NUMBER = "number"
    NUMBER_TEXT = "number that v2 prints as a string"
    TEXT = "text"
    OPTIONS = "list of option words"


class Attribute:
    """One setting of a service.

    Attributes:
        low, high: accepted numbers; 0 is accepted besides where ``zero``.
        words: accepted words or numbers, or None for any text up to ``longest`` characters.
        optional: left out of answers while empty, off or 0.
        only_v1: printed by v1 only, as in the 7.2.5x recordings of one author.
        esp: printed only while EspEnabled is on: a guess.
        ssl: changes only while SSLAcceleration is on.
    """

    __slots__ = (
        "default",
        "esp",
        "high",
        "kind",
        "longest",
        "low",
        "name",
        "only_v1",
        "optional",
        "ssl",
        "words",
        "zero",
    )

    def __init__(
        self,
        name: str,
        kind: Kind,
        default: Setting,
        *,
        low: int = 0,
        high: int = 2**31 - 1,
        zero: bool = False,
        words: str | None = None,
        longest: int = 2048,
        optional: bool = False,
        only_v1: bool = False,
        esp: bool = False,
        ssl: bool = False,
    ) -> None:
        self.name = name
        self.kind = kind
        self.default = default
        self.low = low
        self.high = high
        self.zero = zero
        self.words = None if words is None else frozenset(words.split())
        self.longest = longest
        self.optional = optional
        self.only_v1 = only_v1
        self.esp = esp
        self.ssl = ssl

    def parse(self, given: str) -> Setting | None:
        """Return the value to store, or None where the appliance ignores what was given."""
        if self.kind is Kind.FLAG:
            return flag_of(given)
        if self.kind in (Kind.NUMBER, Kind.NUMBER_TEXT):
            if given == "" and self.kind is Kind.NUMBER_TEXT:
                return self.default
            number = number_of(given)
            if number is None or not (
                self.low <= number <= self.high or (self.zero and number == 0)
            ):
                return None
            if self.words is not None and str(number) not in self.words:
                return None
            return number if self.kind is Kind.NUMBER else str(number)
        if self.words is not None and given not in self.words:
            return None
        return given if len(given) <= self.longest else None


def _flags(*names: str, default: bool = False, ssl: bool = False) -> list[Attribute]:
    return [Attribute(name, Kind.FLAG, default, ssl=ssl) for name in names]


def _number(
    name: str,
    high: int = 2**31 - 1,
    *,
    default: int = 0,
    low: int = 0,
    optional: bool = False,
    only_v1: bool = False,
    ssl: bool = False,
) -> Attribute:
    return Attribute(
        name,
        Kind.NUMBER,
        default,
        low=low,
        high=high,
        zero=low > 0,
        optional=optional,
        only_v1=only_v1,
        ssl=ssl,
    )


def _number_text(name: str, low: int, high: int, *, ssl: bool = False) -> Attribute:
    return Attribute(name, Kind.NUMBER_TEXT, "0", low=low, high=high, zero=True, ssl=ssl)


def _texts(
    *names: str, longest: int = 2048, ssl: bool = False, esp: bool = False
) -> list[Attribute]:
    return [
        Attribute(name, Kind.TEXT, "", longest=longest, optional=True, ssl=ssl, esp=esp)
        for name in names
    ]


def _word(name: str, default: str, words: str) -> Attribute:
    return Attribute(name, Kind.TEXT, default, words=words)


def _options(name: str) -> Attribute:
    return Attribute(
        name, Kind.OPTIONS, ["opnormal", "auditnone", "reqdatadisable", "resdatadisable"]
    )


_ESP_TEXTS = words(
    "Domain AllowedHosts AllowedDirectories ExcludedDirectories ExcludedDomains AltDomains"
    " AllowedGroups GroupSIDs SteeringGroups Logoff AddAuthHeader SMTPAllowedDomains OutConf"
    " SingleSignOnDir SingleSignOnMessage ServerFbaPath ServerFBAPost TokenServerFQDN"
    " UserPwdChangeURL UserPwdChangeMsg CaptchaPublicKey CaptchaAccessUrl CaptchaVerifyUrl"
)

LAYOUT: Final[tuple[Attribute | str, ...]] = (
    # A plain text names a member that is no setting: its value comes from elsewhere.
    "Status",
    "Index",
    "VSAddress",
    "VSPort",
    "Layer",
    *_texts("NickName", longest=127),
    *_flags("Enable", default=True),
    *_texts("ExtraPorts", "AltAddress"),
    *_flags("SSLReverse", "SSLReencrypt", ssl=True),
    _number("InterceptMode", 2),
    *_flags("Intercept"),
    _options("InterceptOpts"),
    *_texts("InterceptPOSTOtherContentTypes"),
    _number("AlertThreshold", 100000),
    _options("OwaspOpts"),
    _number("BlockingParanoia", 4),
    *_flags("IPReputationBlocking"),
    _number("ExecutingParanoia", 4),
    _number("AnomalyScoringThreshold", 10000),
    _number("PCRELimit"),
    _number("JSONDLimit"),
    _number("BodyLimit"),
    *_texts("DefaultGW"),
    _number("Transactionlimit"),
    *_flags("Transparent"),
    *_flags("SubnetOriginating", default=True),
    _number("ServerInit", 6),
    _number("StartTLSMode", 6),
    _number("Idletime", 86400, default=660),
    *_flags("Cache"),
    _number("CachePercent", 100, optional=True),
    *_flags("Compress"),
    _number("Verify", 7),
    *_flags("UseforSnat", "ForceL4"),
    *_flags("ForceL7", default=True),
    *_flags("MultiConnect"),
    _number("ClientCert", 6, ssl=True),
    _number("SecurityHeaderOptions", 6, ssl=True),
    _number("SameSite", 4),
    *_flags("VerifyBearer"),
    *_texts("BearerCertificateName", "BearerText"),
    _number_text("ErrorCode", 200, 505),
    *_texts("ErrorUrl", "StandbyAddr"),
    _number("StandbyPort", 65530, low=3, optional=True),
    Attribute("NonLocalSorryServer", Kind.FLAG, False, optional=True),
    *_flags("CheckUse1.1"),
    _number("MatchLen", 8000),
    _number("CheckUseGet", 3),
    _number_text("SSLRewrite", 0, 2, ssl=True),
    _word("VStype", "gen", TYPES),
    _number("FollowVSID"),
    "FollowVS",
    "Protocol",
    _word("Schedule", "rr", SCHEDULES),
    "Adaptive",
    _word("CheckType", "tcp", CHECKS),
    *_texts("Persist"),
    _number_text("PersistTimeout", 0, 2419200),
    *_texts("Cookie", "QueryTag", longest=127),
    _number_text("CheckPort", 3, 65530),
    *_texts("CheckCodes"),
    *_texts("CheckHost", longest=254),
    *_texts("CheckUrl", longest=126),
    *_texts("CheckPattern", "CheckHeaders"),
    *_texts("CheckPostData", longest=2047),
    *_texts("LdapEndpoint", "ExtraHdrKey", "ExtraHdrValue", "CopyHdrFrom", "CopyHdrTo"),
    *_texts("LocalBindAddrs"),
    *_flags("HTTPReschedule"),
    "NRules",
    "NRequestRules",
    "RequestRules",
    "NResponseRules",
    "ResponseRules",
    "NMatchBodyRules",
    "MatchBodyRules",
    "NPreProcessRules",
    "PreProcessRules",
    *_flags("EspEnabled"),
    _number("InputAuthMode", 8),
    _number("OutputAuthMode", 4),
    *_texts(*_ESP_TEXTS, esp=True),
    *(
        Attribute(name, Kind.FLAG, default, esp=True)
        for name, default in (
            ("DisplayPubPriv", True),
            ("DisablePasswordForm", False),
            ("Captcha", False),
            ("IncludeNestedGroups", False),
            ("ServerFbaUsernameOnly", False),
            ("UserPwdExpiryWarn", False),
        )
    ),
    Attribute("ESPLogs", Kind.NUMBER, 7, high=7, esp=True),
    Attribute("UserPwdExpiryWarnDays", Kind.NUMBER, 15, low=1, high=30, esp=True),
    "MasterVS",
    "MasterVSID",
    "IsTransparent",
    _number("AddVia", 6),
    Attribute("QoS", Kind.NUMBER, 0, high=8, words="0 1 2 4 8"),
    _number_text("TlsType", 0, 30, ssl=True),
    *_flags("NeedHostName", "OCSPVerify", "AllowHTTP2", "PassCipher", "PassSni", ssl=True),
    _number("ChkInterval", 120, low=9),
    _number("ChkTimeout", 60, low=4),
    _number("ChkRetryCount", 15, low=2),
    _number("Bandwidth", 99999999, low=16),
    _number("ConnsPerSecLimit", 100000000),
    _number("RequestsPerSecLimit", 1000000),
    _number("MaxConnsLimit", 1000000),
    *_flags("RefreshPersist"),
    Attribute("ResponseStatusRemap", Kind.FLAG, False, only_v1=True),
    _number("ResponseRemapMsgFormat", only_v1=True),
    *_flags("EnhancedHealthChecks"),
    _number("RsMinimum", 65535),
    "NumberOfRSs",
    Attribute("SSLAcceleration", Kind.FLAG, False, optional=True),
    *_texts("CertFile", longest=8099, ssl=True),
    *_texts(
        "CipherSet",
        "Ciphers",
        "Tls13CipherSet",
        "ReverseSNIHostname",
        "IntermediateCerts",
        ssl=True,
    ),
    "SubVS",
    "Rs",
)
"""Every member of a service in the order of the wire."""

ATTRIBUTES: Final = {one.name.lower(): one for one in LAYOUT if isinstance(one, Attribute)}
"""Settings by the lower-case name that a request gives."""


def default_settings() -> dict[str, Setting]:
    """Return the settings of a fresh TCP service on no special port."""
    return {
        one.name: list(one.default) if isinstance(one.default, list) else one.default
        for one in ATTRIBUTES.values()
    }
