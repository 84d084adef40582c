"""SSO domains: where users of pre-authentication log in, and for how long."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from dataclasses import field as attribute
from enum import Enum
from typing import TYPE_CHECKING, Final, TypedDict

from kempsdk.appliance import Appliance, not_found
from kempsdk.codec import MalformedAnswer, nothing_else
from kempsdk.errors import FieldDifference, InvalidRequest
from kempsdk.fields import Number, Switch, Table, Text, Word, compare, field, write_settings
from kempsdk.parameter_groups import Items, credential
from kempsdk.read_back import check_applied, not_applied
from kempsdk.rows import find_rows
from kempsdk.transport.call import Tree

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from kempsdk.secret import Secret

_LONGEST_NAME: Final = 64


class SsoProtocol(str, Enum):
    """How logins are checked. SAML is not in the vendor's list, though its fields are."""

    LDAP_STARTTLS = "LDAP-StartTLS"
    LDAP = "LDAP-Unencrypted"
    LDAPS = "LDAP-LDAPS"
    RADIUS = "RADIUS"
    RSA_SECURID = "RSA-SECURID"
    KCD = "KCD"
    CERTIFICATES = "Certificates"
    RADIUS_AND_LDAP = "RADIUS and LDAP-Unencrypted"
    RADIUS_AND_LDAP_STARTTLS = "RADIUS and LDAP-StartTLS"
    RADIUS_AND_LDAPS = "RADIUS and LDAP-LDAPS"
    RSA_SECURID_AND_LDAP = "RSA-SECURID and LDAP-Unencrypted"
    RSA_SECURID_AND_LDAP_STARTTLS = "RSA-SECURID and LDAP-StartTLS"
    RSA_SECURID_AND_LDAPS = "RSA-SECURID and LDAP-LDAPS"
    OIDC = "OIDC-OAUTH"
    SAML = "SAML"
    OTHER = "other"


class LogonFormat(str, Enum):
    """How a login name is completed with the domain."""

    UNSPECIFIED = "not specified"
    PRINCIPAL_NAME = "Principalname"
    USER_NAME = "Username"
    USER_NAME_ONLY = "Username only"
    OTHER = "other"


class SessionLimit(str, Enum):
    """What ends a session."""

    IDLE = "idle time"
    DURATION = "max duration"
    OTHER = "other"


@dataclass(frozen=True, slots=True, kw_only=True)
class SsoDomain:
    """One domain.

    Attributes:
        name: in upper case, as the appliance keeps it; at most 64 characters.
        servers: of the directory or for RADIUS, where no end point is used.
        second_servers: of the directory, where RADIUS or RSA is asked first.
        second_logon_format: how the name goes to the server.
        latin1_logons: turn names and passwords from Latin-1 into UTF-8.
        certificate_user: who looks up the owners of certificates.
        match_security_identities, match_common_name: what of a certificate is compared.
        server_side: the domain is for logins at servers.
        check_as_admin: check the end point with its own administrator.
        idp_exact_certificate: insist on that very certificate of the identity provider.
        sp_certificate: signs logouts; ``useselfsigned`` or an intermediate's name.
        account_check_min: minutes between two looks at a user's account, 0 to 300; 0 is never.
        failed_logins: before a user is locked, 0 to 999; 0 locks nobody.
        failures_forgotten_s: 60 to 86,400, below ``locked_s``.
        locked_s: 60 to 86,400.
        idle_public_s, idle_private_s, duration_public_s, duration_private_s: of a session,
            60 to 604,800; which pair counts is said by ``session_limit``.
        extra: the rest, by the appliance's names in lower case.
    """

    name: str
    protocol: SsoProtocol
    ldap_endpoint: str | None
    servers: tuple[str, ...]
    second_servers: tuple[str, ...]
    logon_format: LogonFormat
    second_logon_format: LogonFormat
    logon_domain: str | None
    latin1_logons: bool
    radius_send_nas_id: bool
    radius_nas_id: str | None
    kerberos_domain: str | None
    kerberos_kdc: str | None
    kcd_user: str | None
    test_user: str | None
    certificate_user: str | None
    match_security_identities: bool
    match_common_name: bool
    server_side: bool
    check_as_admin: bool
    account_check_min: int
    failed_logins: int
    failures_forgotten_s: int
    locked_s: int
    session_limit: SessionLimit
    idle_public_s: int
    idle_private_s: int
    duration_public_s: int
    duration_private_s: int
    idp_entity_id: str | None
    idp_sso_url: str | None
    idp_logoff_url: str | None
    idp_certificate: str | None
    idp_exact_certificate: bool
    sp_entity_id: str | None
    sp_certificate: str | None
    oidc_app_id: str | None
    oidc_redirect_uri: str | None
    oidc_authorization_url: str | None
    oidc_token_url: str | None
    oidc_logoff_url: str | None
    extra: Mapping[str, object] = attribute(default_factory=nothing_else, compare=False)


class SsoSettings(TypedDict, total=False):
    """What can be written; see ``SsoDomain``. Credentials are never read back."""

    protocol: SsoProtocol
    ldap_endpoint: str | None
    servers: "list[str] | tuple[str, ...]"
    second_servers: "list[str] | tuple[str, ...]"
    logon_format: LogonFormat
    second_logon_format: LogonFormat
    logon_domain: str | None
    latin1_logons: bool
    radius_secret: "str | Secret | None"
    radius_send_nas_id: bool
    radius_nas_id: str | None
    kerberos_domain: str | None
    kerberos_kdc: str | None
    kcd_user: str | None
    kcd_password: "str | Secret | None"
    test_user: str | None
    test_password: "str | Secret | None"
    certificate_user: str | None
    certificate_password: "str | Secret | None"
    match_security_identities: bool
    match_common_name: bool
    server_side: bool
    check_as_admin: bool
    account_check_min: int
    failed_logins: int
    failures_forgotten_s: int
    locked_s: int
    session_limit: SessionLimit
    idle_public_s: int
    idle_private_s: int
    duration_public_s: int
    duration_private_s: int
    idp_entity_id: str | None
    idp_sso_url: str | None
    idp_logoff_url: str | None
    idp_certificate: str | None
    idp_exact_certificate: bool
    sp_entity_id: str | None
    sp_certificate: str | None
    oidc_app_id: str | None
    oidc_secret: "str | Secret | None"
    oidc_redirect_uri: str | None
    oidc_authorization_url: str | None
    oidc_token_url: str | None
    oidc_logoff_url: str | None


_URL: Final = Text(longest=255)
_SESSION: Final = Number(low=60, high=604_800)
_LOCK: Final = Number(low=60, high=86_400)
SSO_DOMAIN: Final = Table(
    [
        field("name", "name", Text(default=""), read_only=True),
        field(
            "auth_type",
            "protocol",
            Word(SsoProtocol, default=SsoProtocol.LDAP_STARTTLS, other=SsoProtocol.OTHER),
        ),
        field("ldap_endpoint", "ldap_endpoint", Text()),
        field("server", "servers", Items(joiner=" ")),
        field("server2", "second_servers", Items(joiner=" ")),
        field(
            "logon_fmt",
            "logon_format",
            Word(LogonFormat, default=LogonFormat.PRINCIPAL_NAME, other=LogonFormat.OTHER),
        ),
        field(
            "logon_fmt2",
            "second_logon_format",
            Word(LogonFormat, default=LogonFormat.PRINCIPAL_NAME, other=LogonFormat.OTHER),
        ),
        field("logon_domain", "logon_domain", Text()),
        field("logon_transcode", "latin1_logons", Switch()),
        credential("radius_shared_secret", "radius_secret"),
        field("radius_send_nas_id", "radius_send_nas_id", Switch()),
        field("radius_nas_id", "radius_nas_id", Text()),
        field("kerberos_domain", "kerberos_domain", Text()),
        field("kerberos_kdc", "kerberos_kdc", Text()),
        field("kcd_username", "kcd_user", Text()),
        credential("kcd_password", "kcd_password"),
        field("testuser", "test_user", Text()),
        credential("testpass", "test_password"),
        field("ldap_admin", "certificate_user", Text()),
        credential("ldap_password", "certificate_password"),
        field("cert_check_asi", "match_security_identities", Switch()),
        field("cert_check_cn", "match_common_name", Switch()),
        field("server_side", "server_side", Switch()),
        field("ldapephc", "check_as_admin", Switch()),
        field("user_acc_control", "account_check_min", Number(high=300)),
        field("max_failed_auths", "failed_logins", Number(high=999)),
        field("reset_fail_tout", "failures_forgotten_s", _LOCK),
        field("unblock_tout", "locked_s", _LOCK),
        field(
            "sess_tout_type",
            "session_limit",
            Word(SessionLimit, default=SessionLimit.IDLE, other=SessionLimit.OTHER),
        ),
        field("sess_tout_idle_pub", "idle_public_s", _SESSION),
        field("sess_tout_idle_priv", "idle_private_s", _SESSION),
        field("sess_tout_duration_pub", "duration_public_s", _SESSION),
        field("sess_tout_duration_priv", "duration_private_s", _SESSION),
        field("idp_entity_id", "idp_entity_id", _URL),
        field("idp_sso_url", "idp_sso_url", _URL),
        field("idp_logoff_url", "idp_logoff_url", _URL),
        field("idp_cert", "idp_certificate", Text()),
        field("idp_match_cert", "idp_exact_certificate", Switch()),
        field("sp_entity_id", "sp_entity_id", _URL),
        field("sp_cert", "sp_certificate", Text()),
        field("oidc_app_id", "oidc_app_id", _URL),
        credential("oidc_secret", "oidc_secret"),
        field("oidc_redirect_uri", "oidc_redirect_uri", _URL),
        field("oidc_auth_ep_url", "oidc_authorization_url", _URL),
        field("oidc_token_ep_url", "oidc_token_url", _URL),
        field("oidc_logoff_url", "oidc_logoff_url", _URL),
    ]
)


class SsoDomains:
    """The SSO domains of one LoadMaster: ``lm.sso_domains``; at most 128.

    Names have no case: the appliance keeps them in capitals.
    """

    def __init__(self, appliance: Appliance) -> None:
        self._appliance = appliance

    def list(self) -> tuple[SsoDomain, ...]:
        """Return all domains."""
        return self._appliance.read("showdomain", {}, _read)

    def get(self, name: str) -> SsoDomain:
        """Return one domain.

        Raises:
            NotFound: there is none of that name.
        """
        for one in self.list():
            if one.name.upper() == name.upper():
                return one
        raise not_found(f"no SSO domain {name!r}", command="showdomain", target=name)

    def create(self, name: str, **settings: "Unpack[SsoSettings]") -> SsoDomain:
        """Make a domain and return it. Changes the device, in two calls.

        Args:
            name: at most 64 characters.
            settings: see ``SsoDomain``; what is left out gets the appliance's default.

        Raises:
            InvalidRequest: a wrong name or value; nothing was sent.
            CommandRejected: the appliance refused, for instance since there is one.
            OutcomeUnknown: no answer; ``get`` tells.
            WriteNotApplied: it is there, with other settings than asked for.
        """
        if not 1 <= len(name) <= _LONGEST_NAME or name != name.strip():
            raise InvalidRequest(f"name: 1 to {_LONGEST_NAME} characters", field="name", value=name)
        asked: dict[str, object] = dict(settings)
        write_settings(SSO_DOMAIN, asked)
        _check_lock(asked)
        self._appliance.write("adddomain", {"domain": name}, target=name)
        made = self.get(name)
        return self._write(made, asked) if asked else made

    def update(self, name: str, **settings: "Unpack[SsoSettings]") -> SsoDomain:
        """Change a domain and return it as it is now. Changes the device.

        Raises:
            NotFound: there is none of that name.
            InvalidRequest, OutcomeUnknown, WriteNotApplied: as for ``create``.
        """
        asked: dict[str, object] = dict(settings)
        write_settings(SSO_DOMAIN, asked)
        found = self.get(name)
        now = {
            "failures_forgotten_s": found.failures_forgotten_s,
            "locked_s": found.locked_s,
        }
        if now.keys() & asked.keys():
            _check_lock({**now, **asked})
        return self._write(found, asked) if asked else found

    def delete(self, name: str) -> None:
        """Delete a domain. Changes the device.

        Raises:
            NotFound: there is none of that name.
            CommandRejected: the appliance refused, perhaps since a service uses it.
            OutcomeUnknown: no answer; ``list`` tells.
            WriteNotApplied: it is still there.
        """
        found = self.get(name)
        self._appliance.write("deldomain", {"domain": found.name}, target=found.name)
        if any(one.name == found.name for one in self.list()):
            raise not_applied("deldomain", name, FieldDifference("domain", None, found.name))

    def unlock_user(self, name: str, user: str) -> None:
        """Let a locked user try again. Changes the device.

        Raises:
            NotFound: there is no such domain.
            CommandRejected: the appliance refused.
            OutcomeUnknown: no answer; it can be called again.
        """
        found = self.get(name)
        params = {"domain": found.name, "users": user}
        self._appliance.write("unlockdomainusers", params, target=found.name)

    def end_all_sessions(self, name: str) -> None:
        """Log everybody out of a domain. Changes the device.

        Raises:
            NotFound: there is no such domain.
            CommandRejected: the appliance refused.
            OutcomeUnknown: no answer; it can be called again.
        """
        found = self.get(name)
        self._appliance.write(
            "ssodomain/killallsessions", {"domain": found.name}, target=found.name
        )

    def flush_cache(self) -> None:
        """Forget what is remembered of users, who must log in again. Changes the device.

        Raises:
            CommandRejected: the appliance refused.
            OutcomeUnknown: no answer; it can be called again.
        """
        self._appliance.write("logging/ssoflush", {}, target="SSO cache")

    def _write(self, domain: SsoDomain, asked: Mapping[str, object]) -> SsoDomain:
        params = write_settings(SSO_DOMAIN, asked)
        self._appliance.write("moddomain", {"domain": domain.name, **params}, target=domain.name)
        now = self.get(domain.name)
        check_applied("moddomain", domain.name, compare(SSO_DOMAIN, asked, now))
        return now


def _check_lock(asked: Mapping[str, object]) -> None:
    forgotten, locked = asked.get("failures_forgotten_s"), asked.get("locked_s")
    if isinstance(forgotten, int) and isinstance(locked, int) and forgotten >= locked:
        raise InvalidRequest(
            "failures_forgotten_s: must be below locked_s",
            field="failures_forgotten_s",
            value=forgotten,
            allowed=f"below {locked}",
        )


def _read(tree: Tree) -> tuple[SsoDomain, ...]:
    return tuple([_domain(one) for one in find_rows(tree, "auth_type")])


def _domain(row: dict[str, object]) -> SsoDomain:
    found = SsoDomain(**SSO_DOMAIN.read(row))
    if not found.name:
        raise MalformedAnswer("an SSO domain without a name")
    return replace(found, extra=row) if row else found
