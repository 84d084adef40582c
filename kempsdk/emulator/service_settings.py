"""What addvs and modvs do with the settings they are given.

QUIRK: almost nothing is refused. A value that is out of range or whose prerequisite is not
met is ignored, and some values are stored as others; the call succeeds (seen on 7.2.50 to
7.2.63 unless a comment says otherwise).
"""

import secrets

from kempsdk.emulator.answers import Refusal
from kempsdk.emulator.attributes import (
    ATTRIBUTES,
    COOKIE_PERSISTENCE,
    NICKNAME,
    PERSISTENCE,
    Attribute,
    Setting,
    default_settings,
)
from kempsdk.emulator.state import VirtualService
from kempsdk.emulator.values import Params, flag_of, words

_CHECK_BY_PORT = {
    80: "http",
    443: "https",
    21: "ftp",
    23: "telnet",
    25: "smtp",
    110: "pop3",
    119: "nntp",
    143: "imap",
    389: "ldap",
    636: "ldap",
}
_OPTION_GROUPS = (
    ("opnormal", "opblock"),
    ("auditnone", "auditrelevant", "auditall"),
    ("reqdataenable", "reqdatadisable"),
    ("resdataenable", "resdatadisable"),
    ("jsonenable", "jsondisable"),
    ("xmlenable", "xmldisable"),
    ("otherctypesenable", "otherctypesdisable"),
)
_SSL_REWRITE = {"": "0", "http": "1", "https": "2"}
_NEED_A_COOKIE = frozenset({"cookie", "cookie-src"})
"""Persistence modes without effect until a cookie is named; the other cookie modes have a
default or take any cookie."""
_DEFAULT_PERSIST_TIMEOUT = "360"
"""Seconds of a persistence mode that is set without a time: a guess, the web UI's default."""


def fresh_settings(
    protocol: str, port: int, *, transparent_http: bool, service_type: str | None = None
) -> dict[str, Setting]:
    """Return the settings of a service that was just made: they depend on its port."""
    settings = default_settings()
    if protocol == "udp":
        settings.update(ForceL4=True, ForceL7=False, Transparent=True, SubnetOriginating=False)
        settings["CheckType"] = "dns" if port == 53 else "icmp"
        return settings
    settings["CheckType"] = _CHECK_BY_PORT.get(port, "tcp")
    settings["VStype"] = service_type or ("http" if port in (80, 443) else "gen")
    if transparent_http and settings["VStype"] == "http":
        settings.update(Transparent=True, SubnetOriginating=False)
    return settings


def set_audit_default(service: VirtualService, params: Params) -> None:
    """Give a fresh layer-7 HTTP service its own default of the WAF options."""
    settings = service.settings
    if service.layer == 7 and settings["VStype"] in ("http", "http2"):
        options = settings["InterceptOpts"]
        if isinstance(options, list) and "interceptopts" not in params:
            settings["InterceptOpts"] = _merge_options(options, ["auditrelevant"])


def check_settings(params: Params) -> None:
    """Refuse the one value that is refused with an error: Verify outside of 0 to 7.

    Vendor's interface description, 2022; the text is a guess.

    Raises:
        Refusal: that value was given; nothing has changed.
    """
    if "verify" in params and (params.number("verify") or 0) > 7:
        raise Refusal("Verify: value out of range")


def apply_settings(
    service: VirtualService, params: Params, *, default_idle_s: int, rs_count: int
) -> None:
    """Change a service's settings by a call's parameters."""
    settings = service.settings
    _change_type(service, params.given("vstype"))
    _switch_ssl(settings, params)
    special = set(_SPECIAL)
    for name, given in params.items():
        attribute = ATTRIBUTES.get(name)
        if attribute is None or name in special:
            continue
        if attribute.ssl and not settings["SSLAcceleration"]:
            continue
        _set(settings, attribute, given)
    _set_ssl_details(settings, params)
    _set_names_and_numbers(service, params, default_idle_s)
    _set_waf(settings, params)
    _set_transparency(service, params)
    _set_persistence(settings, params)
    _set_minimum(settings, params, rs_count)
    # Last, since other settings can forbid layer 4.
    _set_layer(service, params)


def _set(settings: dict[str, Setting], attribute: Attribute, given: str) -> None:
    value = attribute.parse(given)
    if value is not None:
        settings[attribute.name] = value


def _change_type(service: VirtualService, given: str | None) -> None:
    settings = service.settings
    value = None if given is None else ATTRIBUTES["vstype"].parse(given)
    if value is None or value == settings["VStype"]:
        return
    settings["VStype"] = value
    service.body_rules.clear()
    settings.update(AddVia=0, Cache=False)


def _switch_ssl(settings: dict[str, Setting], params: Params) -> None:
    wanted = params.flag("sslacceleration")
    if wanted is None or wanted == settings["SSLAcceleration"]:
        return
    settings["SSLAcceleration"] = wanted
    if wanted:
        # The name of the self-signed certificate that serves until one is assigned.
        settings["CertFile"] = secrets.token_hex(16)
        if settings["TlsType"] == "0":
            settings["TlsType"] = "3"
    else:
        # The other SSL settings stay as they are and are back when it is switched on again.
        settings["CertFile"] = ""


def _set_ssl_details(settings: dict[str, Setting], params: Params) -> None:
    if not settings["SSLAcceleration"]:
        return
    rewrite = params.given("sslrewrite")
    if rewrite in _SSL_REWRITE:
        settings["SSLRewrite"] = _SSL_REWRITE[rewrite]
    sni = params.flag("passsni")
    if sni is not None and (settings["SSLReencrypt"] or not sni):
        settings["PassSni"] = sni
    if not settings["SSLReencrypt"]:
        settings["PassSni"] = False


def _set_names_and_numbers(service: VirtualService, params: Params, default_idle_s: int) -> None:
    settings = service.settings
    nickname = params.given("nickname")
    if nickname is not None and (nickname == "" or NICKNAME.fullmatch(nickname)):
        settings["NickName"] = nickname[:127]
    # The switch of a SubVS is the one of its slot; here it is ignored: a guess.
    if service.parent is None and (enable := params.flag("enable")) is not None:
        settings["Enable"] = enable
    idle = params.number("idletime")
    if idle is not None and idle <= 86400:
        settings["Idletime"] = idle or default_idle_s
    headers = params.given("checkheaders")
    if headers is not None:
        settings["CheckHeaders"] = " ".join(headers.split("|")[:4])
    for name in ("chkinterval", "chktimeout", "chkretrycount"):
        attribute = ATTRIBUTES[name]
        # 0, the global value, is not taken any more once a value was set.
        if name in params and not (params.number(name) == 0 and settings[attribute.name]):
            _set(settings, attribute, params.get(name))


def _set_waf(settings: dict[str, Setting], params: Params) -> None:
    mode = params.number("interceptmode")
    if mode is not None and mode <= 2:
        settings.update(InterceptMode=mode, Intercept=mode > 0)
    switch = params.flag("intercept")
    if switch is not None:
        settings["Intercept"] = switch
        settings["InterceptMode"] = (settings["InterceptMode"] or 1) if switch else 0
    for name in ("InterceptOpts", "OwaspOpts"):
        if not settings["Intercept"]:
            continue
        options = settings[name]
        given = params.get(name.lower()).replace(",", ";").split(";")
        if isinstance(options, list):
            settings[name] = _merge_options(options, given)


def _merge_options(options: list[str], given: list[str]) -> list[str]:
    """Put each given word in place of the other words of its group."""
    merged = list(options)
    for group in _OPTION_GROUPS:
        wanted = [word for word in given if word in group]
        if wanted:
            old = next((word for word in merged if word in group), None)
            if old is None:
                merged.append(wanted[-1])
            else:
                merged[merged.index(old)] = wanted[-1]
    return merged


def _set_layer(service: VirtualService, params: Params) -> None:
    settings = service.settings
    force4, force7 = params.flag("forcel4"), params.flag("forcel7")
    layer4: bool | None = force4
    if layer4 is None and force7 is not None:
        layer4 = not force7
    if layer4 is not None:
        settings["ForceL4"], settings["ForceL7"] = layer4, not layer4
    # Layer 4 is not to be had with these (vendor's interface description, 2022).
    content_switching = any(one.rules for one in service.backends())
    if (
        settings["SSLAcceleration"]
        or settings["Persist"] in COOKIE_PERSISTENCE
        or content_switching
        or service.slots
        or service.parent is not None
        or settings["Bandwidth"]
    ):
        settings["ForceL4"], settings["ForceL7"] = False, True


def _set_transparency(service: VirtualService, params: Params) -> None:
    settings = service.settings
    transparent = params.flag("transparent")
    # Servers beyond the local networks and encryption towards servers exclude it; that they
    # win is a guess.
    excluded = settings["SSLReencrypt"] or any(one.non_local for one in service.servers)
    if excluded:
        settings["Transparent"] = False
    elif transparent is not None:
        settings["Transparent"] = transparent
    originating = params.flag("subnetoriginating")
    if originating is not None:
        settings["SubnetOriginating"] = originating
    # The two exclude each other; that Transparent wins is a guess.
    if settings["Transparent"]:
        settings["SubnetOriginating"] = False


def _set_persistence(settings: dict[str, Setting], params: Params) -> None:
    mode = params.given("persist")
    if mode in ("", "none"):
        settings.update(Persist="", PersistTimeout="0")
    elif mode in PERSISTENCE and (mode not in _NEED_A_COOKIE or settings["Cookie"]):
        settings["Persist"] = mode
        if settings["PersistTimeout"] == "0":
            settings["PersistTimeout"] = _DEFAULT_PERSIST_TIMEOUT
    timeout = params.number("persisttimeout")
    if timeout is None or timeout > 2419200:
        return
    minutes = timeout // 60
    settings["PersistTimeout"] = str(minutes * 60)
    if minutes == 0:
        settings["Persist"] = ""
    elif not settings["Persist"]:
        settings["Persist"] = "src"


def _set_minimum(settings: dict[str, Setting], params: Params, rs_count: int) -> None:
    enhanced = flag_of(params.get("enhancedhealthchecks"))
    if enhanced:
        settings["EnhancedHealthChecks"] = True
    minimum = params.number("rsminimum")
    if minimum is not None and settings["EnhancedHealthChecks"] and minimum <= rs_count:
        settings["RsMinimum"] = 0 if minimum == 1 else minimum
    if enhanced is False and not settings["RsMinimum"]:
        settings["EnhancedHealthChecks"] = False


_SPECIAL = frozenset(
    words(
        "vstype sslacceleration sslrewrite passsni nickname enable idletime checkheaders"
        " chkinterval chktimeout chkretrycount interceptmode intercept interceptopts owaspopts"
        " forcel4 forcel7 transparent subnetoriginating persist persisttimeout"
        " enhancedhealthchecks rsminimum"
    )
)
