"""Certificates and passwords of the project's fixtures; nothing here protects anything.

The keys are small numbers, so that none has to be kept anywhere.
"""

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from kempsdk.emulator.certificate import Identity

PASSWORD: Final = "Correct1Horse2Battery"  # noqa: S105 - of the virtual LoadMaster

SITE: Final = """\
-----BEGIN CERTIFICATE-----
MIIBLDCB06ADAgECAgEBMAoGCCqGSM49BAMCMBcxFTATBgNVBAMMDHNob3AuZXhh
bXBsZTAeFw0yNjAxMDEwMDAwMDBaFw00NjAxMDEwMDAwMDBaMBcxFTATBgNVBAMM
DHNob3AuZXhhbXBsZTBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABGsX0fLhLEJH
+Lzm5WOkQPJ3A32BLeszoPShOUXYmMKWT+NC4v4af5uO5+tKfA+eFivOM1drMV7O
y7ZAaDe/UfWjEDAOMAwGA1UdEwEB/wQCMAAwCgYIKoZIzj0EAwIDSAAwRQIgLiLh
oIqC6LisWwf0rs2VQaR6pSOXZjqdgYS/vfVPg10CIQCdsne9hmr8CduYlU1xVeJy
cNDaGEno6sXoI7/zjaug7g==
-----END CERTIFICATE-----
"""
RENEWED: Final = """\
-----BEGIN CERTIFICATE-----
MIIBLDCB06ADAgECAgECMAoGCCqGSM49BAMCMBcxFTATBgNVBAMMDHNob3AuZXhh
bXBsZTAeFw0yNjAxMDEwMDAwMDBaFw00NjAxMDEwMDAwMDBaMBcxFTATBgNVBAMM
DHNob3AuZXhhbXBsZTBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABHzyexiNA09+
ilI4AwS1GsPAiWnid/IbNaYLSPxHZpl4B3dVENuO0EApPZrGn3Qw27p9reY86YIp
ngS3nSJ4c9GjEDAOMAwGA1UdEwEB/wQCMAAwCgYIKoZIzj0EAwIDSAAwRQIgCZEq
RMaQzAAfMBfSb/Mr3rkTQcLU225kRx2/nXIxzywCIQCSIs4jbNGbQJwNdv6A5oMj
KHaxfu7WzfDDph4/HtiKmg==
-----END CERTIFICATE-----
"""
LOGIN: Final = """\
-----BEGIN CERTIFICATE-----
MIIBGzCBwaADAgECAgEDMAoGCCqGSM49BAMCMA4xDDAKBgNVBAMMA2FkYTAeFw0y
NjAxMDEwMDAwMDBaFw00NjAxMDEwMDAwMDBaMA4xDDAKBgNVBAMMA2FkYTBZMBMG
ByqGSM49AgEGCCqGSM49AwEHA0IABF7L5NGmMwpEyPfvlR1L8WXmxrch762phftB
ZhvG5/1shzRkDEmY/343SwbOGmSi7NgqsDY4T7g9mnmxJ6J9UDKjEDAOMAwGA1Ud
EwEB/wQCMAAwCgYIKoZIzj0EAwIDSQAwRgIhAJlGJWhqxEghjYQyvq/t+njVCTrL
Y9UVbk7qnH0rlywgAiEArKnkIxD3VohZmNpOrzXXIxoaqDpR/J/9xd47otcvABU=
-----END CERTIFICATE-----
"""
AUTHORITY: Final = """\
-----BEGIN CERTIFICATE-----
MIIBOjCB4KADAgECAgEEMAoGCCqGSM49BAMCMBwxGjAYBgNVBAMMEUV4YW1wbGUg
QXV0aG9yaXR5MB4XDTI2MDEwMTAwMDAwMFoXDTQ2MDEwMTAwMDAwMFowHDEaMBgG
A1UEAwwRRXhhbXBsZSBBdXRob3JpdHkwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNC
AATiU0o1MtCPu6At3mWe5ivQAx/i23hVlu9QkwJEawMIUuDxV1pMYzzHGd/uX9qG
LXZO/JbD8w7gBVxCwj8YTtjGoxMwETAPBgNVHRMBAf8EBTADAQH/MAoGCCqGSM49
BAMCA0kAMEYCIQD1QK8KobV0O4wlpPYLXOWHAJJl8Jz1mSsPgo2EDWeILgIhAOyT
LbzHutT9PHgCMHtyJeYA9gagKWD37U1aQPtjyDIy
-----END CERTIFICATE-----
"""

_KEYS: Final = {SITE: 1, RENEWED: 2, LOGIN: 3}
"""The private key that belongs to a certificate, as the number that it is."""


def with_key(certificate: str) -> bytes:
    """Return a certificate and its key as one PEM file, as it is uploaded."""
    return certificate.encode("ascii") + _key(certificate, "")


def login_identity(name: str, passphrase: str) -> "Identity":  # noqa: ARG001 - as the real one
    """Return the same certificate for every user, in place of a new one each time."""
    from kempsdk.emulator.certificate import Identity

    return Identity(LOGIN.encode("ascii"), _key(LOGIN, passphrase))


def _key(certificate: str, passphrase: str) -> bytes:
    # Here, so that replaying does without.
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    protection: serialization.KeySerializationEncryption = serialization.NoEncryption()
    if passphrase:
        protection = serialization.BestAvailableEncryption(passphrase.encode("utf-8"))
    return ec.derive_private_key(_KEYS[certificate], ec.SECP256R1()).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, protection
    )
