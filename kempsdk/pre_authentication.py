"""Pre-authentication (ESP) of a service: who may log in, for what, and how that looks."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, TypedDict

from kempsdk.fields import Number, Switch, Table, Text, Word, Words, field
from kempsdk.parameter_groups import credential
from kempsdk.references import AnyVsRef
from kempsdk.service_groups import ServiceGroup

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from kempsdk.secret import Secret


class SameSite(str, Enum):
    """What the cookies of logins say of other sites; a number on the wire."""

    SYSTEM = "system"
    NONE = "None"
    LAX = "Lax"
    STRICT = "Strict"
    LEFT_OUT = "left-out"
    OTHER = "other"


@dataclass(frozen=True, slots=True, kw_only=True)
class PreAuthentication:
    """Logins in front of a service.

    Attributes:
        sso_domain: where users are known; ``further_domains`` besides.
        server_domain: SSO domain for logins at the servers.
        allowed_hosts, allowed_directories: what may be asked for, separated by blanks.
        excluded_directories: what needs no login.
        allowed_groups, allowed_group_sids: who is let in, by name or SID; nobody else then.
        nested_groups: groups within them too, one level.
        steering_groups: groups that content rules can look at, in order.
        logs: sum of 1 for users, 2 for security and 4 for connections.
        images: name of the image set of the login page. message: its text or HTML, at most
            255 characters; an apostrophe in it breaks logins.
        logout_texts: in an address they mean logout.
        ask_for_public_machine: whether the login page asks. no_password_field: it has none.
        server_form_path, server_form_body: the servers' own login form.
        user_header: header that tells the servers who the user is.
        token_server: where server tokens come from; the server itself when unset.
        mail_domains: domains that mail is received for.
        password_url, password_message: where users change their password, and what they are
            told then.
        warn_of_expiry, warn_days: whether they are warned before it ends, and how many days
            before, 1 to 30.
        bearer, bearer_certificate, bearer_texts: whether bearer tokens are checked, with what
            certificate, and what they must contain.
        captcha, captcha_public_key, captcha_url, captcha_check_url: a CAPTCHA on the login
            page, and where it comes from, without https.
    """

    sso_domain: str | None
    further_domains: tuple[str, ...]
    server_domain: str | None
    allowed_hosts: str | None
    allowed_directories: str | None
    excluded_directories: str | None
    allowed_groups: str | None
    allowed_group_sids: tuple[str, ...]
    nested_groups: bool
    steering_groups: str | None
    logs: int
    images: str | None
    message: str | None
    logout_texts: str | None
    ask_for_public_machine: bool
    no_password_field: bool
    same_site: SameSite
    server_form_path: str | None
    server_form_body: str | None
    server_form_user_only: bool
    user_header: str | None
    token_server: str | None
    mail_domains: str | None
    password_url: str | None
    password_message: str | None
    warn_of_expiry: bool
    warn_days: int
    bearer: bool
    bearer_certificate: str | None
    bearer_texts: tuple[str, ...]
    captcha: bool
    captcha_public_key: str | None
    captcha_url: str | None
    captcha_check_url: str | None


class PreAuthenticationChanges(TypedDict, total=False):
    """What can be changed; see ``PreAuthentication``. The CAPTCHA's key is never read."""

    sso_domain: str | None
    further_domains: Sequence[str]
    server_domain: str | None
    allowed_hosts: str | None
    allowed_directories: str | None
    excluded_directories: str | None
    allowed_groups: str | None
    allowed_group_sids: Sequence[str]
    nested_groups: bool
    steering_groups: str | None
    logs: int
    images: str | None
    message: str | None
    logout_texts: str | None
    ask_for_public_machine: bool
    no_password_field: bool
    same_site: SameSite
    server_form_path: str | None
    server_form_body: str | None
    server_form_user_only: bool
    user_header: str | None
    token_server: str | None
    mail_domains: str | None
    password_url: str | None
    password_message: str | None
    warn_of_expiry: bool
    warn_days: int
    bearer: bool
    bearer_certificate: str | None
    bearer_texts: Sequence[str]
    captcha: bool
    captcha_public_key: str | None
    captcha_private_key: "str | Secret | None"
    captcha_url: str | None
    captcha_check_url: str | None


_TEXT = Text()
_SHORT = Text(longest=254)
_LONG = Text(longest=2048)
_MARK = Text(longest=255)


class PreAuthentications(ServiceGroup[PreAuthentication]):
    """Pre-authentication of each service: ``lm.pre_authentication``.

    It is switched on by settings of the service: ``esp_enabled``, ``input_auth_mode`` and
    ``output_auth_mode``. Until then the appliance does not show most of this, and a change
    of it cannot be read back.
    """

    model = PreAuthentication
    table = Table(
        [
            field("Domain", "sso_domain", _TEXT),
            field("AltDomains", "further_domains", Words()),
            field("OutConf", "server_domain", _TEXT),
            field("AllowedHosts", "allowed_hosts", _SHORT),
            field("AllowedDirectories", "allowed_directories", _SHORT),
            field("ExcludedDirectories", "excluded_directories", _TEXT),
            field("AllowedGroups", "allowed_groups", _LONG),
            field("GroupSIDs", "allowed_group_sids", Words(joiner=";", ordered=False)),
            field("IncludeNestedGroups", "nested_groups", Switch()),
            field("SteeringGroups", "steering_groups", _LONG),
            field("ESPLogs", "logs", Number(high=7)),
            field("SingleSignOnDir", "images", _TEXT),
            field("SingleSignOnMessage", "message", _MARK),
            field("Logoff", "logout_texts", _MARK),
            field("DisplayPubPriv", "ask_for_public_machine", Switch()),
            field("DisablePasswordForm", "no_password_field", Switch()),
            field(
                "SameSite",
                "same_site",
                Word(
                    SameSite,
                    default=SameSite.SYSTEM,
                    other=SameSite.OTHER,
                    codes={
                        "0": SameSite.SYSTEM,
                        "1": SameSite.NONE,
                        "2": SameSite.LAX,
                        "3": SameSite.STRICT,
                        "4": SameSite.LEFT_OUT,
                    },
                ),
            ),
            field("ServerFbaPath", "server_form_path", _TEXT),
            field("ServerFBAPost", "server_form_body", _TEXT),
            field("ServerFbaUsernameOnly", "server_form_user_only", Switch()),
            field("AddAuthHeader", "user_header", _MARK),
            field("TokenServerFQDN", "token_server", Text(longest=127)),
            field("SMTPAllowedDomains", "mail_domains", _TEXT),
            field("UserPwdChangeURL", "password_url", _TEXT),
            field("UserPwdChangeMsg", "password_message", _TEXT),
            field("UserPwdExpiryWarn", "warn_of_expiry", Switch()),
            field("UserPwdExpiryWarnDays", "warn_days", Number(low=1, high=30)),
            field("VerifyBearer", "bearer", Switch()),
            field("BearerCertificateName", "bearer_certificate", _TEXT),
            field("BearerText", "bearer_texts", Words(joiner=",", ordered=False)),
            field("Captcha", "captcha", Switch()),
            field("CaptchaPublicKey", "captcha_public_key", _TEXT),
            credential("CaptchaPrivateKey", "captcha_private_key"),
            field("CaptchaAccessUrl", "captcha_url", _TEXT),
            field("CaptchaVerifyUrl", "captcha_check_url", _TEXT),
        ]
    )

    def update(
        self, vs: AnyVsRef, **settings: "Unpack[PreAuthenticationChanges]"
    ) -> PreAuthentication:
        """Change some of it in a service and return it as it is now. Changes the device.

        Raises:
            InvalidRequest: an unknown setting or a wrong value; nothing was sent.
            NotFound: there is no such service.
            OutcomeUnknown: no answer; ``get`` tells, except of the CAPTCHA's key.
            WriteNotApplied: the appliance made something else of it, or does not show it
                since pre-authentication is off.
        """
        return self._update(vs, settings)
