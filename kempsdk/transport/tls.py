"""Whom to trust: what the caller chose, and nothing from the environment."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from kempsdk.auth import ClientCert
from kempsdk.errors import CertificateNotTrusted, InvalidRequest, Unreachable

if TYPE_CHECKING:
    import ssl


@dataclass(frozen=True, slots=True)
class Verify:
    """Check the certificate against authorities, and the host name in it.

    Attributes:
        ca_file: PEM file of the authorities to trust; None for the public ones that come
            with certifi. Variables like REQUESTS_CA_BUNDLE and SSL_CERT_FILE do not count.
    """

    ca_file: Path | None = None

    def __init__(self, ca_file: str | Path | None = None) -> None:
        object.__setattr__(self, "ca_file", None if ca_file is None else Path(ca_file))


_SHA256: Final = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Pin:
    """Trust one certificate only, whoever signed it and whatever name is in it.

    Attributes:
        sha256: fingerprint, 64 hex digits in lower case; given with or without colons.
    """

    sha256: str

    def __post_init__(self) -> None:
        digits = self.sha256.replace(":", "").replace(" ", "").lower()
        if not _SHA256.fullmatch(digits):
            raise InvalidRequest(
                "a pin is a SHA-256 fingerprint: 64 hex digits, colons allowed",
                field="pin",
                value=self.sha256,
            )
        object.__setattr__(self, "sha256", digits)


@dataclass(frozen=True, slots=True)
class Insecure:
    """Trust anybody: credentials go to whoever answers. Also allows http to other hosts."""


Trust = Verify | Pin | Insecure


def make_context(trust: Trust, client: ClientCert | None) -> "ssl.SSLContext":
    """Return the TLS settings for a way to trust.

    Raises:
        InvalidRequest: a file cannot be read or is not what it should be.
    """
    import ssl  # here, so that scripts which never connect do not pay for it

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if isinstance(trust, Verify):
        _load_authorities(context, trust.ca_file)
    else:
        # Pin: the fingerprint is compared after the handshake, by urllib3.
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if client is not None:
        try:
            context.load_cert_chain(client.cert, client.key, password=_no_password)
        except (OSError, ValueError) as error:
            raise InvalidRequest(
                f"client certificate {client.cert}: {_reason(error)}",
                field="auth",
                value=str(client.cert),
            ) from None
    return context


def _load_authorities(context: "ssl.SSLContext", ca_file: Path | None) -> None:
    if ca_file is None:
        import certifi

        # certifi, not the system's store: OpenSSL finds the latter by SSL_CERT_FILE.
        context.load_verify_locations(certifi.where())
        return
    try:
        context.load_verify_locations(ca_file)
    except (OSError, ValueError) as error:
        raise InvalidRequest(
            f"authorities file {ca_file}: {_reason(error)}", field="tls", value=str(ca_file)
        ) from None


def _no_password() -> bytes:
    # Without this OpenSSL asks on the terminal.
    raise ValueError("the key is encrypted")


def _reason(error: Exception) -> str:
    text = getattr(error, "strerror", None) or getattr(error, "reason", None) or str(error)
    return str(text)


def shown_fingerprint(host: str, port: int, *, timeout_s: float) -> str:
    """Return the SHA-256 of the certificate a server shows, in hex.

    Nothing is trusted and nothing is sent after the handshake.

    Raises:
        Unreachable: no connection, or no TLS there.
    """
    import hashlib
    import socket
    import ssl

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    try:
        with (
            socket.create_connection((host, port), timeout=timeout_s) as plain,
            context.wrap_socket(plain, server_hostname=host) as secured,
        ):
            certificate = secured.getpeercert(binary_form=True)
    except (OSError, ValueError) as error:
        raise Unreachable(f"{host}:{port}: no certificate seen: {_reason(error)}") from None
    if certificate is None:
        raise Unreachable(f"{host}:{port}: no certificate seen")
    return hashlib.sha256(certificate).hexdigest()


def not_trusted(host: str, port: int, *, pinned: bool, timeout_s: float) -> CertificateNotTrusted:
    """Return the error for a refused certificate, with the fingerprint that was shown."""
    try:
        fingerprint: str | None = shown_fingerprint(host, port, timeout_s=timeout_s)
    except Unreachable:
        fingerprint = None
    why = "is not the pinned one" if pinned else "is not signed by a trusted authority for it"
    seen = f"; SHA-256 {fingerprint}" if fingerprint else ""
    return CertificateNotTrusted(
        f"the certificate of {host}:{port} {why}{seen}. Compare the fingerprint with the "
        f"appliance's own, then trust it: kemp config trust https://{host}:{port}",
        fingerprint=fingerprint,
    )
