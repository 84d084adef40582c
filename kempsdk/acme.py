"""Certificates from Let's Encrypt, which the appliance renews by itself."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from kempsdk.appliance import Appliance, not_found
from kempsdk.codec import MalformedAnswer, nothing_else
from kempsdk.errors import FieldDifference, InvalidRequest
from kempsdk.fields import Number, Table, Text
from kempsdk.fields import field as described
from kempsdk.parameter_groups import Items
from kempsdk.read_back import not_applied
from kempsdk.references import AnyVsRef
from kempsdk.rows import find_rows, first_row
from kempsdk.secret import Secret
from kempsdk.transport.call import ParamValue, Tree

_SLOW_S: Final = 300.0
"""The authority looks whether the service answers its challenge."""
_MOST_NAMES: Final = 10
_HOST: Final = re.compile(r"(\*\.)?[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?")
_KEY_SIZES: Final = (2048, 4096)


@dataclass(frozen=True, slots=True, kw_only=True)
class AcmeAccount:
    """The account with the authority.

    Attributes:
        id, directory, email: None where the appliance does not say.
    """

    id: str | None
    directory: str | None
    email: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AcmeCertificate:
    """A certificate from the authority.

    Attributes:
        name: what the appliance calls it; services name it so in ``cert_files``.
        domain: its common name. names: its further names.
        expires: as the appliance writes it; the form is not documented.
        challenge_service: index of the service that answers the challenge.
        extra: the rest.
    """

    name: str
    domain: str | None
    names: tuple[str, ...]
    expires: str | None
    kind: str | None
    key_size: int
    challenge_service: int
    extra: Mapping[str, object] = field(default_factory=nothing_else, compare=False)


# The names of the answers are those that a client reads; the vendor's description has none.
_ACCOUNT: Final = Table(
    [
        described("accountid", "id", Text()),
        described("accountdirectory", "directory", Text()),
        described("accountemail", "email", Text()),
    ]
)
_CERTIFICATE: Final = Table(
    [
        described("identifier", "name", Text(default="")),
        described("domainname", "domain", Text()),
        described("subjectalternatenames", "names", Items()),
        described("expirydate", "expires", Text()),
        described("type", "kind", Text()),
        described("keysize", "key_size", Number()),
        described("httpchallengevs", "challenge_service", Number()),
    ]
)


class Acme:
    """Let's Encrypt on one LoadMaster: ``lm.acme``."""

    def __init__(self, appliance: Appliance) -> None:
        self._appliance = appliance

    def account(self) -> AcmeAccount:
        """Return the account.

        Raises:
            CommandRejected: there is none.
        """
        return self._appliance.read("leaccountinfo", {}, _read_account)

    def register(self, email: str | None = None) -> AcmeAccount:
        """Register an account, which accepts the authority's terms. Changes the device.

        Args:
            email: where the authority writes to.

        Raises:
            CommandRejected: the authority or the appliance refused.
            OutcomeUnknown: no answer; ``account`` tells.
            WriteNotApplied: the account has another address.
        """
        params: dict[str, ParamValue] = {} if email is None else {"email": email}
        self._appliance.write("registerleaccount", params, target="account", timeout_s=_SLOW_S)
        found = self.account()
        if email is not None and found.email not in (email, None):
            wrong = FieldDifference("email", email, found.email)
            raise not_applied("registerleaccount", "account", wrong)
        return found

    def take_over(self, key_file: bytes, password: Secret | str) -> AcmeAccount:
        """Use an account that another client registered. Changes the device.

        Args:
            key_file: the account's key, as certbot keeps it for instance.
            password: of the key file, by its place in the vendor's description.

        Raises:
            CommandRejected: the authority or the appliance refused.
            OutcomeUnknown: no answer; ``account`` tells.
        """
        plain = password.reveal() if isinstance(password, Secret) else password
        params: dict[str, ParamValue] = {"password": plain}
        self._appliance.write(
            "fetchleaccount", params, target="account", body=key_file, timeout_s=_SLOW_S
        )
        return self.account()

    def list(self) -> tuple[AcmeCertificate, ...]:
        """Return all certificates from the authority."""
        return self._appliance.read("listlecert", {}, _read_all)

    def get(self, name: str) -> AcmeCertificate:
        """Return one certificate.

        Raises:
            NotFound: there is none of that name.
        """
        for one in self.list():
            if one.name == name:
                return one
        raise not_found(f"no ACME certificate {name!r}", command="listlecert", target=name)

    def request(
        self,
        name: str,
        domain: str,
        *,
        challenge_service: AnyVsRef,
        names: Sequence[str] = (),
        elliptic: bool = False,
        key_size: int | None = None,
    ) -> AcmeCertificate:
        """Get a certificate and return it. Changes the device; takes up to minutes.

        Args:
            name: what the appliance calls it.
            domain: its common name, which must lead to the service from everywhere.
            challenge_service: answers the authority's challenge; an HTTP service on port 80.
            names: further names, at most 10, answered for by the same service.
            elliptic: an elliptic curve key instead of an RSA one.
            key_size: 2048 or 4096, for RSA.

        Raises:
            InvalidRequest: wrong names, or a size that does not fit; nothing was sent.
            NotFound: there is no such service.
            CommandRejected: the authority or the appliance refused.
            OutcomeUnknown: no answer within 5 minutes; ``get`` tells.
            WriteNotApplied: there is no such certificate afterwards.
        """
        for one in (domain, *names):
            if not _HOST.fullmatch(one):
                raise InvalidRequest(f"{one!r} is not a host name", field="names", value=one)
        if not name or len(names) > _MOST_NAMES:
            raise InvalidRequest(
                f"a name, and at most {_MOST_NAMES} further host names", field="names", value=name
            )
        if key_size is not None and (elliptic or key_size not in _KEY_SIZES):
            raise InvalidRequest(
                "key_size: 2048 or 4096, for RSA only", field="key_size", value=key_size
            )
        index = self._appliance.index(challenge_service)
        params: dict[str, ParamValue] = {"cert": name, "cn": domain, "vid": index}
        for number, one in enumerate(names, 1):
            params |= {f"san{number}": one, f"vid{number}": index}
        params["ec"] = "yes" if elliptic else "no"
        if key_size is not None:
            params["key_size"] = key_size
        self._appliance.write("addlecert", params, target=name, timeout_s=_SLOW_S)
        for found in self.list():
            if found.name == name:
                return found
        raise not_applied("addlecert", name, FieldDifference("certificate", name, None))

    def renew(self, name: str) -> AcmeCertificate:
        """Renew a certificate now and return it. Changes the device; takes up to minutes.

        Raises:
            NotFound: there is none of that name.
            CommandRejected: the authority or the appliance refused.
            OutcomeUnknown: no answer within 5 minutes; ``get`` shows when it expires.
        """
        self.get(name)
        self._appliance.write("renewlecert", {"cert": name}, target=name, timeout_s=_SLOW_S)
        return self.get(name)

    def delete(self, name: str) -> None:
        """Delete a certificate. Changes the device.

        Raises:
            NotFound: there is none of that name.
            CommandRejected: a service uses it.
            OutcomeUnknown: no answer; ``list`` tells.
            WriteNotApplied: it is still there.
        """
        self.get(name)
        self._appliance.write("dellecert", {"cert": name}, target=name)
        if any(one.name == name for one in self.list()):
            raise not_applied("dellecert", name, FieldDifference("certificate", None, name))


def _read_account(tree: Tree) -> AcmeAccount:
    return AcmeAccount(**_ACCOUNT.read(first_row(tree, "accountid", "accountemail")))


def _read_all(tree: Tree) -> tuple[AcmeCertificate, ...]:
    return tuple([_certificate(one) for one in find_rows(tree, "identifier")])


def _certificate(row: dict[str, object]) -> AcmeCertificate:
    found = AcmeCertificate(**_CERTIFICATE.read(row), extra=row)
    if not found.name:
        raise MalformedAnswer("an ACME certificate without a name")
    return found
