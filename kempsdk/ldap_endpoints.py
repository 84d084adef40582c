"""LDAP end points: servers that logins and health checks ask."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Final, TypedDict

from kempsdk.appliance import Appliance, not_found
from kempsdk.codec import MalformedAnswer
from kempsdk.errors import FieldDifference, will_not_do
from kempsdk.fields import Number, Table, Text, Word, compare, field, write_settings
from kempsdk.parameter_groups import Items, credential
from kempsdk.read_back import check_applied, not_applied
from kempsdk.rows import find_rows
from kempsdk.transport.call import Tree

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from kempsdk.secret import Secret

_NAME: Final = re.compile(r"[A-Za-z0-9._-]+")


class LdapSecurity(str, Enum):
    """How the connection is protected; a number on the wire."""

    NONE = "none"
    STARTTLS = "starttls"
    LDAPS = "ldaps"
    OTHER = "other"


@dataclass(frozen=True, slots=True, kw_only=True)
class LdapEndpoint:
    """One end point. SSO domains, health checks and the web interface name it.

    Attributes:
        servers: addresses, each with ``:PORT`` where it is not the usual one.
        revalidation_s: how often a user is checked again, 10 to 86,400.
        referrals: how many referrals of a directory are followed, 0 to 10.
        timeout_s: 5 to 60.
        admin_user: account to ask with.
    """

    name: str
    security: LdapSecurity
    servers: tuple[str, ...]
    revalidation_s: int
    referrals: int
    timeout_s: int
    admin_user: str | None


class LdapSettings(TypedDict, total=False):
    """What can be written; see ``LdapEndpoint``. The password is never read back."""

    security: LdapSecurity
    servers: Sequence[str]
    revalidation_s: int
    referrals: int
    timeout_s: int
    admin_user: str | None
    admin_password: "str | Secret | None"


LDAP_ENDPOINT: Final = Table(
    [
        field("name", "name", Text(default=""), read_only=True),
        field(
            "ldaptype",
            "security",
            Word(
                LdapSecurity,
                default=LdapSecurity.NONE,
                other=LdapSecurity.OTHER,
                codes={
                    "0": LdapSecurity.NONE,
                    "1": LdapSecurity.STARTTLS,
                    "2": LdapSecurity.LDAPS,
                },
            ),
        ),
        field("server", "servers", Items(joiner=" ")),
        field("vinterval", "revalidation_s", Number(low=10, high=86_400)),
        field("referralcount", "referrals", Number(high=10)),
        field("timeout", "timeout_s", Number(low=5, high=60)),
        field("adminuser", "admin_user", Text()),
        credential("adminpass", "admin_password"),
    ]
)


class LdapEndpoints:
    """The LDAP end points of one LoadMaster: ``lm.ldap_endpoints``."""

    def __init__(self, appliance: Appliance) -> None:
        self._appliance = appliance

    def list(self) -> tuple[LdapEndpoint, ...]:
        """Return all end points."""
        return self._appliance.read("showldaplist", {}, _read)

    def get(self, name: str) -> LdapEndpoint:
        """Return one end point.

        Raises:
            NotFound: there is none of that name.
        """
        for one in self.list():
            if one.name == name:
                return one
        raise not_found(f"no LDAP end point {name!r}", command="showldaplist", target=name)

    def create(self, name: str, **settings: "Unpack[LdapSettings]") -> LdapEndpoint:
        """Make an end point and return it. Changes the device.

        Args:
            name: letters, digits, dots, underscores and hyphens.
            settings: see ``LdapEndpoint``; what is left out gets the appliance's default.

        Raises:
            InvalidRequest: a wrong name or value; nothing was sent.
            CommandRejected: the appliance refused, for instance since there is one.
            OutcomeUnknown: no answer; ``get`` tells.
            WriteNotApplied: it is there, with other settings than asked for.
        """
        if not _NAME.fullmatch(name):
            raise will_not_do("name", name, "letters, digits, dots, underscores, hyphens")
        return self._write("addldapendpoint", name, dict(settings))

    def update(self, name: str, **settings: "Unpack[LdapSettings]") -> LdapEndpoint:
        """Change an end point and return it as it is now. Changes the device.

        Raises:
            NotFound: there is none of that name.
            InvalidRequest, OutcomeUnknown, WriteNotApplied: as for ``create``.
        """
        write_settings(LDAP_ENDPOINT, dict(settings))
        found = self.get(name)
        return self._write("modifyldapendpoint", name, dict(settings)) if settings else found

    def delete(self, name: str) -> None:
        """Delete an end point. Changes the device.

        Raises:
            NotFound: there is none of that name.
            CommandRejected: something uses it.
            OutcomeUnknown: no answer; ``list`` tells.
            WriteNotApplied: it is still there.
        """
        self.get(name)
        self._appliance.write("deleteldapendpoint", {"name": name}, target=name)
        if any(one.name == name for one in self.list()):
            raise not_applied("deleteldapendpoint", name, FieldDifference("end point", None, name))

    def _write(self, command: str, name: str, settings: dict[str, object]) -> LdapEndpoint:
        params = write_settings(LDAP_ENDPOINT, settings)
        self._appliance.write(command, {"name": name, **params}, target=name)
        now = self.get(name)
        check_applied(command, name, compare(LDAP_ENDPOINT, settings, now))
        return now


def _read(tree: Tree) -> tuple[LdapEndpoint, ...]:
    return tuple([_endpoint(one) for one in find_rows(tree, "ldaptype", "vinterval")])


def _endpoint(row: dict[str, object]) -> LdapEndpoint:
    found = LdapEndpoint(**LDAP_ENDPOINT.read(row))
    if not found.name:
        raise MalformedAnswer("an LDAP end point without a name")
    return found
