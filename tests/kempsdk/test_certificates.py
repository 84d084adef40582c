"""Certificates: against a virtual LoadMaster, and against scripted oddities."""

import base64
import logging

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    load_pem_private_key,
    pkcs12,
)

from kempsdk.certificates import Certificate, CertificateBackupPart, KeyType
from kempsdk.client import LoadMaster
from kempsdk.errors import (
    BadAnswer,
    CommandRejected,
    InvalidRequest,
    NotFound,
    WriteNotApplied,
)
from kempsdk.references import VsRef
from kempsdk.secret import Secret
from kempsdk.transport.call import Call, Reply
from tests.fakes.certificates import self_signed
from tests.kempsdk.test_virtual_services import DONE, scripted

PASSWORD = "Backup2Password"


def _file(name: str) -> bytes:
    made = self_signed(name)
    return made.cert.read_bytes() + made.key.read_bytes()


def _pfx(name: str, passphrase: str) -> bytes:
    made = self_signed(name)
    key = load_pem_private_key(made.key.read_bytes(), None)
    certificate = x509.load_pem_x509_certificate(made.cert.read_bytes())
    return pkcs12.serialize_key_and_certificates(
        b"any",
        key,  # type: ignore[arg-type] # an EC key is one of the kinds it takes
        certificate,
        None,
        BestAvailableEncryption(passphrase.encode()),
    )


FIRST = _file("first.test")
SECOND = _file("second.test")


def _pem(file: bytes) -> str:
    return x509.load_pem_x509_certificate(file).public_bytes(Encoding.PEM).decode("ascii")


def test_a_life(lm: LoadMaster) -> None:
    assert lm.certificates.list() == ()
    made = lm.certificates.add("first", FIRST)
    assert (made.name, made.key_type, made.modulus) == ("first", KeyType.ECC, None)
    assert made.public_key
    assert lm.certificates.read_pem("first") == _pem(FIRST)
    with pytest.raises(CommandRejected):
        lm.certificates.add("first", SECOND)
    assert lm.certificates.replace("first", SECOND) != made
    assert lm.certificates.read_pem("first") == _pem(SECOND)
    lm.certificates.add("other", FIRST)
    assert [one.name for one in lm.certificates.list()] == ["first", "other"]
    lm.certificates.delete("first")
    assert [one.name for one in lm.certificates.list()] == ["other"]
    for act in (lm.certificates.get, lm.certificates.read_pem, lm.certificates.delete):
        with pytest.raises(NotFound):
            act("first")
    with pytest.raises(NotFound):
        lm.certificates.replace("first", FIRST)


def test_a_key_file_with_the_key_first(lm: LoadMaster) -> None:
    made = self_signed("first.test")
    lm.certificates.add("first", made.key.read_bytes() + made.cert.read_bytes())
    assert lm.certificates.read_pem("first") == _pem(FIRST)


@pytest.mark.parametrize("passphrase", ["open sesame", Secret("open sesame")], ids=["text", "s"])
def test_pfx_with_a_passphrase(
    lm: LoadMaster, passphrase: str | Secret, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    file = _pfx("first.test", "open sesame")
    lm.certificates.add("first", file, passphrase=passphrase)
    assert lm.certificates.read_pem("first") == _pem(FIRST)
    with pytest.raises(CommandRejected) as caught:
        lm.certificates.add("second", file, passphrase="wrong")
    assert "sesame" not in caplog.text + str(caught.value)
    assert "wrong" not in caplog.text + str(caught.value)


def test_one_in_use_is_not_deleted(lm: LoadMaster) -> None:
    lm.certificates.add("first", FIRST)
    ref = VsRef.parse("tcp/10.0.1.250:443")
    lm.virtual_services.create(ref, ssl_acceleration=True, cert_files=["first"])
    with pytest.raises(CommandRejected, match="still associated"):
        lm.certificates.delete("first")


def test_intermediates(lm: LoadMaster) -> None:
    kept = lm.intermediate_certificates
    pem = self_signed("first.test").cert.read_bytes()
    der = x509.load_pem_x509_certificate(SECOND).public_bytes(Encoding.DER)
    assert kept.add("ca", pem).name == "ca"
    kept.add("ca2", der)
    assert [one.name for one in kept.list()] == ["ca", "ca2"]
    assert kept.read_pem("ca2") == _pem(SECOND)
    with pytest.raises(CommandRejected):
        kept.add("ca", pem)
    kept.delete("ca")
    assert [one.name for one in kept.list()] == ["ca2"]
    with pytest.raises(NotFound):
        kept.delete("ca")
    assert lm.certificates.list() == ()


def test_backup_and_restore(lm: LoadMaster) -> None:
    lm.certificates.add("first", FIRST)
    lm.intermediate_certificates.add("ca", _pem(SECOND).encode())
    data = lm.certificates.backup(Secret(PASSWORD))
    lm.certificates.delete("first")
    lm.intermediate_certificates.delete("ca")
    with pytest.raises(CommandRejected):
        lm.certificates.restore(data, "Another2Password")
    assert lm.certificates.restore(data, PASSWORD, CertificateBackupPart.INTERMEDIATE) == ()
    assert lm.intermediate_certificates.get("ca")
    (back,) = lm.certificates.restore(data, PASSWORD)
    assert back.name == "first"


def test_what_is_not_sent() -> None:
    lm, transport = scripted()
    pem = self_signed("first.test")
    for file in (pem.cert.read_bytes(), pem.key.read_bytes()):
        with pytest.raises(InvalidRequest, match="with its private key"):
            lm.certificates.add("a", file)
    with pytest.raises(InvalidRequest, match="needs a name"):
        lm.certificates.add("", FIRST)
    for file in (b"", pem.key.read_bytes()):
        with pytest.raises(InvalidRequest, match="no certificate"):
            lm.intermediate_certificates.add("a", file)
    for password in ("short1", "x" * 65, "not letters!"):
        with pytest.raises(InvalidRequest, match="7 to 64") as caught:
            lm.certificates.backup(password)
        assert password not in str(caught.value)
        assert caught.value.value is None
        with pytest.raises(InvalidRequest, match="7 to 64"):
            lm.certificates.restore(b"data", password)
    with pytest.raises(InvalidRequest, match="empty"):
        lm.certificates.restore(b"", PASSWORD)
    assert transport.calls == []


def test_another_certificate_is_an_error() -> None:
    listed = {"cert": [{"name": "first", "type": "RSA", "modulus": "ABC"}]}
    lm, transport = scripted(
        addcert=[DONE], listcert=[listed], readcert=[{"certificate": _pem(SECOND)}]
    )
    with pytest.raises(WriteNotApplied, match="another one"):
        lm.certificates.replace("first", FIRST)
    assert transport.calls[0].params == {"cert": "first", "replace": 1}
    assert transport.calls[0].body == FIRST
    assert lm.certificates.get("first") == Certificate(
        name="first", key_type=KeyType.RSA, modulus="ABC"
    )


def test_a_certificate_that_is_not_there_or_stays_is_an_error() -> None:
    lm, _ = scripted(addcert=[DONE], listcert=[{}])
    with pytest.raises(WriteNotApplied, match="not there"):
        lm.certificates.add("first", FIRST)
    lm, _ = scripted(delcert=[DONE], listcert=[{"cert": [{"name": "first"}]}])
    with pytest.raises(WriteNotApplied, match="still there"):
        lm.certificates.delete("first")


def test_answers_without_certificates() -> None:
    lm, _ = scripted(readcert=[{"certificate": "soon"}], listcert=[{"cert": [{"type": "RSA"}]}])
    with pytest.raises(BadAnswer, match="no certificate"):
        lm.certificates.read_pem("first")
    with pytest.raises(BadAnswer):
        lm.certificates.list()
    # A file as such: application/x509-cert is among the content types of v1.
    lm, transport = scripted(readcert=[{"data": base64.b64encode(FIRST).decode()}])
    reply = transport.send(Call(command="readcert", mutates=False))
    assert reply == Reply(data={}, file=FIRST)
    assert lm.certificates.read_pem("first") == _pem(FIRST)
