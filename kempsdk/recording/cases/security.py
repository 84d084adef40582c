"""Where users log in (SSO domains, LDAP end points), and the web application firewall."""

from typing import TYPE_CHECKING, Final

from kempsdk.ldap_endpoints import LdapSecurity
from kempsdk.pre_authentication import SameSite
from kempsdk.recording.cases.case import Case, case
from kempsdk.recording.cases.material import PASSWORD
from kempsdk.recording.cases.state import WEB, with_services
from kempsdk.sso_domains import LogonFormat, SsoProtocol
from kempsdk.waf import WafFile
from kempsdk.waf_settings import WafLogFormat

if TYPE_CHECKING:
    from kempsdk.client import LoadMaster
    from kempsdk.waf_settings import WafChanges

_RULE: Final = "911100"
_WAF_SETTINGS: "Final[tuple[WafChanges, ...]]" = (
    {"log_format": WafLogFormat.JSON},
    {"auto_update": True},
    {"auto_install": True},
    {"install_hour": 3},
)
"""Each takes a command of its own."""


def _with_domain(lm: "LoadMaster") -> None:
    lm.sso_domains.create("office", protocol=SsoProtocol.LDAPS, servers=["192.0.2.5"])


def _with_end_point(lm: "LoadMaster") -> None:
    lm.ldap_endpoints.create("office", security=LdapSecurity.LDAPS, servers=["192.0.2.5"])


def _with_waf(lm: "LoadMaster") -> None:
    with_services(lm)
    lm.virtual_services.update(WEB, waf=True, waf_mode=2)


def _with_logins(lm: "LoadMaster") -> None:
    with_services(lm)
    _with_domain(lm)
    lm.virtual_services.update(WEB, esp_enabled=True, input_auth_mode=2)


def _send_waf_logs(lm: "LoadMaster") -> object:
    return lm.waf_settings.send_logs("https://logs.example/waf", "waf", PASSWORD)


def _waf_setting(command: str, settings: "WafChanges") -> Case:
    return case(f"{command}/one", lambda lm: lm.waf_settings.update(**settings))


def _some(lm: "LoadMaster", *, of_service: bool) -> object:
    found = lm.waf.rules(WEB if of_service else None)
    return len(found), found[:3]


def _file(kind: WafFile) -> tuple[Case, ...]:
    name = "bots.data" if kind.value.endswith("data") else "bots.conf"
    content = b"# nothing\n"

    def prepare(lm: "LoadMaster") -> None:
        lm.waf.upload(kind, name, content)

    return (
        case(
            f"add{kind.value}/new",
            lambda lm: lm.waf.upload(kind, name, content),
            lambda lm: lm.waf.download(kind, name),
        ),
        case(
            f"download{kind.value}/one",
            lambda lm: lm.waf.download(kind, name),
            lambda lm: lm.waf.download(kind, "none"),
            prepare=prepare,
        ),
        case(
            f"del{kind.value}/one",
            lambda lm: lm.waf.delete(kind, name),
            lambda lm: lm.waf.download(kind, name),
            prepare=prepare,
        ),
    )


CASES: Final = (
    case("showdomain/none", lambda lm: lm.sso_domains.list()),
    case(
        "showdomain/one",
        lambda lm: lm.sso_domains.list(),
        lambda lm: lm.sso_domains.get("office"),
        prepare=_with_domain,
    ),
    case(
        "adddomain/radius-and-ldaps",
        lambda lm: lm.sso_domains.create(
            "office",
            protocol=SsoProtocol.RADIUS_AND_LDAPS,
            servers=["192.0.2.5", "192.0.2.6"],
            logon_format=LogonFormat.USER_NAME,
            radius_secret=PASSWORD,
        ),
    ),
    case(
        "moddomain/lockout",
        lambda lm: lm.sso_domains.update("office", failed_logins=5, locked_s=1800),
        prepare=_with_domain,
    ),
    case(
        "unlockdomainusers/one",
        lambda lm: lm.sso_domains.unlock_user("office", "ada"),
        lambda lm: lm.sso_domains.unlock_user("none", "ada"),
        prepare=_with_domain,
    ),
    case(
        "ssodomain/killallsessions/done",
        lambda lm: lm.sso_domains.end_all_sessions("office"),
        lambda lm: lm.sso_domains.end_all_sessions("none"),
        prepare=_with_domain,
    ),
    case(
        "deldomain/one",
        lambda lm: lm.sso_domains.delete("office"),
        lambda lm: lm.sso_domains.list(),
        prepare=_with_domain,
    ),
    case("showldaplist/none", lambda lm: lm.ldap_endpoints.list()),
    case(
        "showldaplist/one",
        lambda lm: lm.ldap_endpoints.list(),
        lambda lm: lm.ldap_endpoints.get("office"),
        prepare=_with_end_point,
    ),
    case(
        "addldapendpoint/with-account",
        lambda lm: lm.ldap_endpoints.create(
            "office",
            security=LdapSecurity.STARTTLS,
            servers=["192.0.2.5", "192.0.2.6:3269"],
            admin_user="cn=reader",
            admin_password=PASSWORD,
        ),
    ),
    case(
        "modifyldapendpoint/referrals",
        lambda lm: lm.ldap_endpoints.update("office", referrals=3),
        prepare=_with_end_point,
    ),
    case(
        "deleteldapendpoint/one",
        lambda lm: lm.ldap_endpoints.delete("office"),
        lambda lm: lm.ldap_endpoints.list(),
        prepare=_with_end_point,
    ),
    case("logging/ssoflush/done", lambda lm: lm.sso_domains.flush_cache()),
    case(
        "modvs/pre-authentication",
        lambda lm: lm.pre_authentication.update(
            WEB, sso_domain="OFFICE", allowed_hosts="mail.example", same_site=SameSite.LAX
        ),
        lambda lm: lm.pre_authentication.get(WEB),
        prepare=_with_logins,
    ),
    case(
        "modvs/firewall-tuning",
        lambda lm: lm.waf_tuning.update(WEB, blocking_paranoia=1, anomaly_threshold=50),
        lambda lm: lm.waf_tuning.get(WEB),
        prepare=_with_waf,
    ),
    case("getwafsettings/defaults", lambda lm: lm.waf_settings.get()),
    *map(
        _waf_setting,
        ("setwaflogformat", "setwafautoupdate", "setwafautoinstall", "setwafinstalltime"),
        _WAF_SETTINGS,
    ),
    case("enablewafremotelogging/new", _send_waf_logs),
    case(
        "disablewafremotelogging/done",
        lambda lm: lm.waf_settings.keep_logs(),
        prepare=_send_waf_logs,
    ),
    case("owasprules/all", lambda lm: _some(lm, of_service=False)),
    case("owasprules/of-a-service", lambda lm: _some(lm, of_service=True), prepare=_with_waf),
    case(
        "owasprules/disabled-and-enabled",
        lambda lm: lm.waf.disable_rule(WEB, _RULE),
        lambda lm: lm.waf.enable_rule(WEB, _RULE),
        prepare=_with_waf,
    ),
    case(
        "owasprules/rule-set",
        lambda lm: lm.waf.disable_rule_set(WEB, _RULE[:3]),
        lambda lm: lm.waf.enable_rule_set(WEB, _RULE[:3]),
        prepare=_with_waf,
    ),
    case(
        "owasprules/one",
        lambda lm: lm.waf.rule(_RULE, WEB),
        lambda lm: lm.waf.rule("999999", WEB),
        prepare=_with_waf,
    ),
    *[one for kind in WafFile for one in _file(kind)],
)
