"""Certificates and intermediate certificates, and their backup."""

import re
from dataclasses import dataclass
from enum import Enum
from typing import Final

from kempsdk.appliance import Appliance, not_found
from kempsdk.codec import MalformedAnswer, texts
from kempsdk.errors import FieldDifference, InvalidRequest, NotFound
from kempsdk.key_file import certificate_in, first_certificate, has_private_key, is_pem, read_pem
from kempsdk.read_back import not_applied
from kempsdk.rows import find_rows
from kempsdk.secret import Secret
from kempsdk.transport.call import ParamValue, Tree

_PASSWORD: Final = re.compile(r"[A-Za-z0-9]{7,64}")
_SLOW_S: Final = 60.0
"""Backups and uploads take longer than other calls."""


class KeyType(str, Enum):
    """Kind of key of a certificate."""

    RSA = "RSA"
    ECC = "ECC"
    OTHER = "other"


class CertificateBackupPart(str, Enum):
    """What of a backup is put back."""

    ALL = "full"
    INTERMEDIATE = "third"
    SERVICES = "vs"


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificate:
    """A certificate on the appliance; the list does not hold the certificate itself.

    Attributes:
        name: what services call it by.
        modulus: of an RSA key, in upper-case hex.
        public_key: of an elliptic-curve key, DER in base64.
    """

    name: str
    key_type: KeyType = KeyType.OTHER
    modulus: str | None = None
    public_key: str | None = None


_KEY_TYPES: Final = {one.value: one for one in KeyType}


def _read_list(tree: Tree) -> tuple[Certificate, ...]:
    return tuple(_certificate(row) for row in find_rows(tree, "name"))


def _certificate(row: dict[str, object]) -> Certificate:
    name, kind, modulus, public = (
        " ".join(texts(row.get(one))) for one in ("name", "type", "modulus", "publickey")
    )
    if not name:
        raise MalformedAnswer("a certificate without a name")
    return Certificate(
        name=name,
        key_type=_KEY_TYPES.get(kind, KeyType.OTHER),
        modulus=modulus or None,
        public_key=public or None,
    )


class _Kept:
    """What both kinds of certificates have in common."""

    def __init__(self, appliance: Appliance, *, word: str, listing: str) -> None:
        self._appliance = appliance
        self._word = word
        self._listing = listing

    def list(self) -> tuple[Certificate, ...]:
        """Return all of them in the appliance's order. One API call."""
        return self._appliance.read(self._listing, {}, _read_list)

    def get(self, name: str) -> Certificate:
        """Return one by its name, which has case.

        Raises:
            NotFound: there is none.
        """
        for one in self.list():
            if one.name == name:
                return one
        raise not_found(f"there is no {self._word} {name!r}", command=self._listing, target=name)

    def read_pem(self, name: str) -> str:
        """Return the certificate itself, as PEM text, without any key.

        Raises:
            NotFound: there is none.
        """
        command = f"read{self._word}"
        return self._appliance.read_reply(command, {"cert": name}, read_pem, target=name)

    def delete(self, name: str) -> None:
        """Delete one. Changes the device, and can renumber its services.

        Raises:
            NotFound: there is none.
            CommandRejected: the appliance refused, as for one that a service uses.
            OutcomeUnknown: no answer; ``get`` tells whether it is still there.
            WriteNotApplied: it is still there.
        """
        command = f"del{self._word}"
        self._appliance.write(command, {"cert": name}, target=name)
        try:
            self.get(name)
        except NotFound:
            return
        raise not_applied(command, name, FieldDifference("certificate", "deleted", "still there"))

    def _upload(
        self, name: str, file: bytes, params: "dict[str, ParamValue]", leaf: bytes | None
    ) -> Certificate:
        if not name:
            raise InvalidRequest("a certificate needs a name", field="name", value=name)
        command = f"add{self._word}"
        self._appliance.write(
            command, {"cert": name, **params}, target=name, body=file, timeout_s=_SLOW_S
        )
        try:
            now = self.get(name)
        except NotFound:
            raise not_applied(
                command, name, FieldDifference("certificate", "installed", "not there")
            ) from None
        if leaf is not None and first_certificate(self.read_pem(name).encode("ascii")) != leaf:
            raise not_applied(
                command, name, FieldDifference("certificate", "the one in the file", "another one")
            )
        return now


class Certificates(_Kept):
    """The certificates with keys of one LoadMaster: ``lm.certificates``.

    Changes of certificates give services new indices (seen on 7.2.50 to 7.2.63); references
    stay right.
    """

    def __init__(self, appliance: Appliance) -> None:
        super().__init__(appliance, word="cert", listing="listcert")

    def add(self, name: str, file: bytes, *, passphrase: str | Secret | None = None) -> Certificate:
        """Install a certificate under a new name. Changes the device.

        Args:
            name: what services will call it by.
            file: PFX, or PEM with the certificate and its private key.
            passphrase: of the file, if it has one.

        Raises:
            InvalidRequest: PEM text without certificate or key; nothing was sent.
            CommandRejected: the appliance refused, for instance since the name exists.
            OutcomeUnknown: no answer; ``get`` tells.
            WriteNotApplied: it is not there, or another certificate is.
        """
        return self._install(name, file, passphrase, replace=0)

    def replace(
        self, name: str, file: bytes, *, passphrase: str | Secret | None = None
    ) -> Certificate:
        """Put another certificate in the place of one; its services use it from then on.

        Changes the device. The certificate of the web interface loses that role when it is
        replaced (seen on 7.2.50 to 7.2.63); set the parameter ``admincert`` again.

        Args:
            name: of the one that is there.
            file: PFX, or PEM with the certificate and its private key.
            passphrase: of the file, if it has one.

        Raises:
            InvalidRequest: PEM text without certificate or key; nothing was sent.
            NotFound, CommandRejected: the appliance refused, for instance since there is none.
            OutcomeUnknown: no answer; ``read_pem`` tells.
            WriteNotApplied: the old one, or another one, is there. For a PFX file that this
                machine cannot open, only whether one is there.
        """
        return self._install(name, file, passphrase, replace=1)

    def backup(self, password: str | Secret, *, timeout_s: float = _SLOW_S) -> bytes:
        """Return all certificates, with their keys and the intermediates, encrypted.

        Args:
            password: 7 to 64 letters and digits.
            timeout_s: seconds to wait for data.

        Raises:
            InvalidRequest: another password; nothing was sent.
        """
        params: dict[str, ParamValue] = {"password": _backup_password(password)}
        return self._appliance.download(
            "backupcert", params, target="certificates", timeout_s=timeout_s
        )

    def restore(
        self,
        data: bytes,
        password: str | Secret,
        part: CertificateBackupPart = CertificateBackupPart.ALL,
        *,
        timeout_s: float = _SLOW_S,
    ) -> tuple[Certificate, ...]:
        """Put certificates back from a backup. Changes the device.

        What is in the file cannot be seen from here, so nothing is compared.

        Args:
            data: what ``backup`` returned.
            password: the one of the backup.
            part: all, the intermediates only, or all but those.
            timeout_s: seconds to wait for the answer.

        Returns:
            The certificates as they are now, without the intermediates.

        Raises:
            InvalidRequest: no data, or no such password; nothing was sent.
            CommandRejected: the appliance refused the file or the password.
            OutcomeUnknown: no answer; ``list`` shows what is there.
        """
        if not data:
            raise InvalidRequest("the backup is empty", field="data")
        params: dict[str, ParamValue] = {
            "password": _backup_password(password),
            "type": CertificateBackupPart(part).value,
        }
        self._appliance.write(
            "restorecert", params, target="certificates", body=data, timeout_s=timeout_s
        )
        return self.list()

    def _install(
        self, name: str, file: bytes, passphrase: str | Secret | None, *, replace: int
    ) -> Certificate:
        if is_pem(file) and (first_certificate(file) is None or not has_private_key(file)):
            raise InvalidRequest(
                "the file holds no certificate with its private key", field="file", target=name
            )
        secret = Secret(passphrase) if isinstance(passphrase, str) else passphrase
        params: dict[str, ParamValue] = {"replace": replace}
        if secret is not None:
            params["password"] = secret.reveal()
        return self._upload(name, file, params, certificate_in(file, secret))


class IntermediateCertificates(_Kept):
    """The authorities' certificates of one LoadMaster: ``lm.intermediate_certificates``.

    That they are listed like other certificates is a guess.
    """

    def __init__(self, appliance: Appliance) -> None:
        super().__init__(appliance, word="intermediate", listing="listintermediate")

    def add(self, name: str, file: bytes) -> Certificate:
        """Install an intermediate certificate under a new name. Changes the device.

        One that exists cannot be replaced; delete it first.

        Args:
            name: what it is called.
            file: PEM or DER.

        Raises:
            InvalidRequest: PEM text without a certificate; nothing was sent.
            CommandRejected: the appliance refused, for instance since the name exists.
            OutcomeUnknown: no answer; ``get`` tells.
            WriteNotApplied: it is not there, or another certificate is.
        """
        leaf = first_certificate(file) if is_pem(file) else file
        if not leaf:
            raise InvalidRequest("the file holds no certificate", field="file", target=name)
        return self._upload(name, file, {}, leaf)


def _backup_password(password: str | Secret) -> str:
    text = password.reveal() if isinstance(password, Secret) else password
    if not _PASSWORD.fullmatch(text):
        allowed = "7 to 64 letters and digits"
        raise InvalidRequest(
            f"the password of a backup is {allowed}", field="password", allowed=allowed
        )
    return text
