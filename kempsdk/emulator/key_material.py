"""Certificates as they are uploaded: PEM or PKCS#12, with the key that belongs to them.

Only certificates leave this module; keys are compared and forgotten.
"""

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_private_key,
    pkcs12,
)

_KEY_ENDS = b"PRIVATE KEY-----"


class InvalidMaterial(Exception):
    """What was uploaded is no certificate, or its key is missing or another's."""


def _spki(key: object) -> bytes:
    public: bytes = key.public_bytes(  # type: ignore[attr-defined] # every public key has it
        Encoding.DER, PublicFormat.SubjectPublicKeyInfo
    )
    return public


def _pem_text(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(Encoding.PEM).decode("ascii")


def _from_pkcs12(file: bytes, password: str) -> x509.Certificate:
    key, certificate, _ = pkcs12.load_key_and_certificates(file, password.encode() or None)
    if key is None or certificate is None:
        raise InvalidMaterial
    return certificate


def _from_pem(file: bytes, password: str) -> x509.Certificate:
    # The appliance keeps the first certificate of a chain only.
    leaf = x509.load_pem_x509_certificates(file)[0]
    if _KEY_ENDS not in file:
        raise InvalidMaterial
    encrypted = b"ENCRYPTED" in file
    key = load_pem_private_key(_key_part(file), password.encode() if encrypted else None)
    if _spki(key.public_key()) != _spki(leaf.public_key()):
        raise InvalidMaterial
    return leaf


def _key_part(file: bytes) -> bytes:
    end = file.index(_KEY_ENDS)
    begin = file.rindex(b"-----BEGIN", 0, end)
    stop = file.index(b"-----END", begin)
    return file[begin : file.index(b"-----", stop + len(b"-----END")) + len(b"-----")] + b"\n"


def leaf_with_key(file: bytes, password: str) -> str:
    """Return the PEM of the certificate in an upload that also holds its key.

    Raises:
        InvalidMaterial: it is not, or the password does not open it.
    """
    try:
        pem = b"-----BEGIN" in file
        return _pem_text((_from_pem if pem else _from_pkcs12)(file, password))
    except (ValueError, TypeError, IndexError, UnsupportedAlgorithm):
        raise InvalidMaterial from None


def certificate_only(file: bytes) -> str:
    """Return the PEM of the first certificate in an upload, PEM or DER.

    Raises:
        InvalidMaterial: there is none.
    """
    try:
        if b"-----BEGIN" in file:
            return _pem_text(x509.load_pem_x509_certificates(file)[0])
        return _pem_text(x509.load_der_x509_certificate(file))
    except (ValueError, IndexError, UnsupportedAlgorithm):
        raise InvalidMaterial from None


def is_rsa(pem: str) -> bool:
    return isinstance(x509.load_pem_x509_certificate(pem.encode()).public_key(), rsa.RSAPublicKey)


def modulus_hex(pem: str) -> str:
    """Return the modulus of an RSA certificate, as upper-case hex."""
    key = x509.load_pem_x509_certificate(pem.encode()).public_key()
    if not isinstance(key, rsa.RSAPublicKey):
        raise TypeError("not an RSA certificate")
    return f"{key.public_numbers().n:X}"


def public_key_der(pem: str) -> bytes:
    return _spki(x509.load_pem_x509_certificate(pem.encode()).public_key())


def der(pem: str) -> bytes:
    return x509.load_pem_x509_certificate(pem.encode()).public_bytes(Encoding.DER)
