"""DNSSEC key signing keys as they are imported: the .key and .private files of BIND's tools.

Nothing is signed here, so only what the keys are is kept; the private one is compared with
the public one and forgotten.
"""

import base64
import binascii
import email
import email.policy
import re
from typing import Final

from kempsdk.emulator.answers import Refusal, missing
from kempsdk.emulator.geo_state import Dnssec
from kempsdk.emulator.registry import Request

_NAMES: Final = ("publickey", "privatekey")
_ALGORITHMS: Final = {
    # RFC 8624, section 3.1: those of RSA, the only ones that geogenerateksk makes.
    "5": "RSASHA1",
    "7": "NSEC3RSASHA1",
    "8": "RSASHA256",
    "10": "RSASHA512",
}
_KEY_SIGNING: Final = "257"
_RECORD: Final = re.compile(
    r"^\S+\s+(?:\d+\s+)?(?:IN\s+)?DNSKEY\s+(\d+)\s+3\s+(\d+)\s+([A-Za-z0-9+/= \t]+)$", re.MULTILINE
)
_PRIVATE: Final = re.compile(r"^Algorithm:\s+(\d+)", re.MULTILINE)
_MODULUS: Final = re.compile(r"^Modulus:\s+([A-Za-z0-9+/=]+)$", re.MULTILINE)


def imported(request: Request) -> Dnssec:
    """Return what the two files of a call are.

    Raises:
        Refusal: one is missing, or they are no pair of key signing keys; the texts are
            guesses, the second one for want of any.
    """
    files = _files(request)
    texts = [files.get(name, b"").decode("ascii", "replace") for name in _NAMES]
    for name, text in zip(_NAMES, texts, strict=True):
        if not text:
            raise missing(name, "File")
    record, private = _RECORD.search(texts[0]), _PRIVATE.search(texts[1])
    modulus = _MODULUS.search(texts[1])
    if record is None or private is None or modulus is None:
        raise _invalid()
    flags, algorithm, encoded = record.groups()
    if flags != _KEY_SIGNING or algorithm not in _ALGORITHMS or private[1] != algorithm:
        raise _invalid()
    public = _modulus_of(_decoded(encoded))
    if public != _decoded(modulus[1]).lstrip(b"\0"):
        raise _invalid()
    return Dnssec(
        algorithm=_ALGORITHMS[algorithm], key_size=int.from_bytes(public, "big").bit_length()
    )


def _invalid() -> Refusal:
    return Refusal("Invalid key files")


def _files(request: Request) -> dict[str, bytes]:
    """Return the files by name: a form in v1; in v2 base64 members, which is a guess."""
    if request.api == "v2":
        return {name: _decoded(request.params.get(name)) for name in _NAMES}
    boundary = request.body.partition(b"\r\n")[0].removeprefix(b"--")
    head = b'Content-Type: multipart/form-data; boundary="' + boundary + b'"\r\n\r\n'
    form = email.message_from_bytes(head + request.body, policy=email.policy.HTTP)
    found: dict[str, bytes] = {}
    for part in form.walk():
        content = None if part.is_multipart() else part.get_payload(decode=True)
        if isinstance(content, bytes):
            found[str(part.get_param("name", header="content-disposition"))] = content
    return found


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError):
        return b""


def _modulus_of(key: bytes) -> bytes:
    """Return the modulus of an RSA key as DNSKEY has it (RFC 3110, section 2)."""
    length, start = (key[0], 1) if key[:1] not in (b"", b"\0") else (_long(key), 3)
    return key[start + length :].lstrip(b"\0")


def _long(key: bytes) -> int:
    return int.from_bytes(key[1:3], "big")
