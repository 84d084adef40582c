"""E-mail about events."""

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, TypedDict

from kempsdk.fields import Number, Switch, Table, Text, Word, field
from kempsdk.parameter_groups import ParameterGroup, credential

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from kempsdk.secret import Secret


class MailSecurity(str, Enum):
    """How the connection to the mail server is protected; a number on the wire."""

    NONE = "none"
    STARTTLS_IF_AVAILABLE = "starttls-if-available"
    STARTTLS = "starttls"
    TLS = "tls"
    OTHER = "other"


@dataclass(frozen=True, slots=True, kw_only=True)
class MailSettings:
    """E-mail about events, one recipient (or several with commas) for each severity.

    Attributes:
        server: name or address of the mail server. port: 0 to 65535.
        user: account that sends. domain: for authentication, where it is needed.
    """

    enabled: bool
    server: str | None
    port: int
    security: MailSecurity
    user: str | None
    domain: str | None
    emergency: str | None
    critical: str | None
    error: str | None
    warning: str | None
    notice: str | None
    info: str | None


class MailChanges(TypedDict, total=False):
    """What can be changed; see ``MailSettings``. The password is never read back."""

    enabled: bool
    server: str | None
    port: int
    security: MailSecurity
    user: str | None
    password: "str | Secret | None"
    domain: str | None
    emergency: str | None
    critical: str | None
    error: str | None
    warning: str | None
    notice: str | None
    info: str | None


class Mail(ParameterGroup[MailSettings]):
    """E-mail of one LoadMaster: ``lm.mail``."""

    name = "e-mail"
    model = MailSettings
    table = Table(
        [
            field("emailserver", "server", Text()),
            field("emailport", "port", Number(low=0, high=65535)),
            field(
                "emailsslmode",
                "security",
                Word(
                    MailSecurity,
                    default=MailSecurity.NONE,
                    other=MailSecurity.OTHER,
                    codes={
                        "0": MailSecurity.NONE,
                        "1": MailSecurity.STARTTLS_IF_AVAILABLE,
                        "2": MailSecurity.STARTTLS,
                        "3": MailSecurity.TLS,
                    },
                ),
            ),
            field("emailuser", "user", Text()),
            credential("emailpassword", "password"),
            field("emaildomain", "domain", Text()),
            field("emailemergency", "emergency", Text()),
            field("emailcritical", "critical", Text()),
            field("emailerror", "error", Text()),
            field("emailwarn", "warning", Text()),
            field("emailnotice", "notice", Text()),
            field("emailinfo", "info", Text()),
            # Last: with its server in place.
            field("emailenable", "enabled", Switch()),
        ]
    )

    def update(self, **settings: "Unpack[MailChanges]") -> MailSettings:
        """Change some of it and return it as it is now. Changes the device.

        Raises:
            InvalidRequest: an unknown setting or a wrong value; nothing was sent.
            OutcomeUnknown: no answer; ``get`` tells, except of the password.
            WriteNotApplied: the appliance made something else of it.
        """
        return self._update(settings)
