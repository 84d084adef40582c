"""What an uploaded certificate file holds: enough to see that it arrived.

The only importer of cryptography outside of the emulator; what it raises ends here.
"""

import base64
import binascii
import re
from typing import Final

from kempsdk.codec import MalformedAnswer
from kempsdk.secret import Secret
from kempsdk.transport.call import Reply

_CERTIFICATE: Final = re.compile(
    rb"-----BEGIN (?:X509 |TRUSTED )?CERTIFICATE-----(.*?)-----END", re.DOTALL
)
_PRIVATE_KEY: Final = b"PRIVATE KEY-----"


def is_pem(file: bytes) -> bool:
    """Return whether a file is PEM text."""
    return b"-----BEGIN " in file


def has_private_key(file: bytes) -> bool:
    """Return whether PEM text holds a private key."""
    return _PRIVATE_KEY in file


def first_certificate(file: bytes) -> bytes | None:
    """Return the first certificate in PEM text as DER, None without one."""
    found = _CERTIFICATE.search(file)
    if found is None:
        return None
    try:
        return base64.b64decode(b"".join(found.group(1).split()), validate=True)
    except binascii.Error:
        return None


def certificate_in(file: bytes, passphrase: Secret | None) -> bytes | None:
    """Return the certificate of a PEM or PFX file as DER.

    None where it cannot be told: a PFX file in an old encryption that this machine's
    OpenSSL does not have, or another passphrase.
    """
    if is_pem(file):
        return first_certificate(file)
    # Here, since cryptography takes long to import.
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.serialization import Encoding, pkcs12

    word = passphrase.reveal().encode() if passphrase is not None else None
    try:
        _, certificate, _ = pkcs12.load_key_and_certificates(file, word)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        return None
    return certificate.public_bytes(Encoding.DER) if certificate is not None else None


def read_pem(reply: Reply) -> str:
    """Return the first certificate in an answer as clean PEM text.

    It is a member of the answer. That some firmware sends the text itself is a guess.

    Raises:
        MalformedAnswer: there is none.
    """
    member = str(reply.data.get("certificate", "")).encode("ascii", "replace")
    der = first_certificate(member if reply.file is None else reply.file)
    if der is None:
        raise MalformedAnswer("no certificate in the answer")
    body = base64.encodebytes(der).decode("ascii").replace("\n", "")
    lines = "\n".join(body[start : start + 64] for start in range(0, len(body), 64))
    return f"-----BEGIN CERTIFICATE-----\n{lines}\n-----END CERTIFICATE-----\n"
