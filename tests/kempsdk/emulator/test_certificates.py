"""Certificates, intermediates, their backup, and cipher sets."""

import base64
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tests.kempsdk.emulator.certificate_files import key_pem, pair, pem, pfx
from tests.kempsdk.emulator.conftest import Start
from tests.kempsdk.emulator.wire import Reply, Wire, recorded_xml


def _add(wire: Wire, name: str, file: bytes, **more: object) -> Reply:
    return wire.v2("addcert", cert=name, data=base64.b64encode(file).decode(), **more)


def _whole(kind: str) -> bytes:
    return pem(kind) + key_pem(kind)


def test_lists_have_the_recorded_form(wire: Wire) -> None:
    assert wire.v2("listcert").json == {"code": 200, "status": "ok"}
    assert list(wire.v1("listcert").data) == []
    assert _add(wire, "ecccert", _whole("ec")).status == 200
    assert _add(wire, "rsacertificate", _whole("rsa")).status == 200
    shown = wire.v1("listcert").xml
    tags = [[one.tag for one in cert] for cert in shown.iter("cert")]
    recorded = recorded_xml("listcert-ecc-and-rsa.xml")
    assert tags == [[one.tag for one in cert] for cert in recorded.iter("cert")]
    elliptic, plain = wire.v2("listcert").json["cert"]
    public = pair("ec")[0].public_key()
    der = public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    assert elliptic == {
        "name": "ecccert",
        "type": "ECC",
        "publickey": base64.b64encode(der).decode(),
    }
    assert plain["type"] == "RSA"
    assert len(plain["modulus"]) == 512
    assert plain["modulus"] == plain["modulus"].upper()


@pytest.mark.parametrize("api", ["v1", "v2"])
def test_upload_and_read(wire: Wire, api: str) -> None:
    # A chain: the first certificate is kept only.
    file = pem("rsa") + pem("ec") + key_pem("rsa")
    if api == "v1":
        headers = {**wire.basic(), "Content-Type": "application/x-www-form-urlencoded"}
        reply = wire.request("POST", "/access/addcert?cert=one", body=file, headers=headers)
    else:
        reply = _add(wire, "one", file)
    assert reply.status == 200, reply.text
    text = wire.v2("readcert", cert="one").json["certificate"]
    assert text.encode() == pem("rsa")
    assert wire.v1("readcert", cert="one").data.findtext("certificate") == text
    read = base64.b64decode(wire.v2("readcert", cert="one", outform="DER").json["certificate"])
    assert x509.load_der_x509_certificate(read) == pair("rsa")[0]


def test_other_forms_of_upload(wire: Wire) -> None:
    assert _add(wire, "pfx", pfx("ec", "secret12"), password="secret12").status == 200
    locked = pem("rsa") + key_pem("rsa", password="secret12")
    assert _add(wire, "locked", locked, password="secret12").status == 200
    assert wire.v2("readcert", cert="pfx").json["certificate"].encode() == pem("ec")


@pytest.mark.parametrize(
    "file",
    [
        b"nonsense",
        pem("rsa"),
        pem("rsa") + key_pem("ec"),
        key_pem("ec"),
        pfx("ec", "another12"),
        pem("rsa") + key_pem("rsa", password="another12"),
    ],
)
def test_what_is_no_certificate_with_its_key_is_refused(wire: Wire, file: bytes) -> None:
    assert _add(wire, "one", file, password="secret12").status == 422
    assert wire.v2("readcert", cert="one").error == (422, "Unknown certificate")


def test_replacing(wire: Wire) -> None:
    assert _add(wire, "one", _whole("rsa"), replace=1).status == 422
    assert _add(wire, "one", _whole("rsa"), replace=0).status == 200
    assert _add(wire, "one", _whole("ec")).status == 422
    wire.v2("set", param="admincert", value="one")
    assert wire.v2("get", param="admincert").json["admincert"] == "one"
    assert _add(wire, "one", _whole("ec"), replace=1).status == 200
    assert wire.v2("readcert", cert="one").json["certificate"].encode() == pem("ec")
    # The administrative certificate loses its assignment.
    text = "No Admin Certificate assigned"
    assert wire.v2("get", param="admincert").json["admincert"] == text


def test_a_used_certificate_stays(wire: Wire) -> None:
    _add(wire, "one", _whole("rsa"))
    wire.fresh(port=443)
    wire.change(1, SSLAcceleration=1)
    wire.change(1, CertFile="other one")
    refused = (422, "Certfile still associated with a VS")
    assert wire.v1("delcert", cert="one").error == refused
    wire.change(1, CertFile="other")
    assert wire.v1("delcert", cert="one").status == 200
    assert wire.v1("delcert", cert="one").error == (422, "Unknown certificate")
    assert wire.v2("addcert", cert="x").error == (400, "data: File Value missing")


def test_intermediates(wire: Wire) -> None:
    data = base64.b64encode(pem("rsa")).decode()
    assert wire.v2("addintermediate", cert="ca", data=data).status == 200
    assert wire.v2("addintermediate", cert="ca", data=data).status == 422
    assert [one["name"] for one in wire.v2("listintermediate").json["cert"]] == ["ca"]
    assert wire.v2("listcert").json.get("cert") is None
    assert wire.v2("readintermediate", cert="ca").json["certificate"].encode() == pem("rsa")
    assert wire.v2("delintermediate", cert="ca").status == 200
    assert wire.v2("delintermediate", cert="ca").error == (422, "Unknown certificate")


@pytest.mark.parametrize(("kind", "own", "others"), [("full", 1, 1), ("vs", 1, 0), ("third", 0, 1)])
def test_backup_and_restore(wire: Wire, kind: str, own: int, others: int) -> None:
    _add(wire, "one", _whole("ec"))
    wire.v2("addintermediate", cert="ca", data=base64.b64encode(pem("rsa")).decode())
    file = wire.v1("backupcert", password="Secret12").body
    assert b"BEGIN" not in file
    wire.v2("delcert", cert="one")
    wire.v2("delintermediate", cert="ca")
    data = base64.b64encode(file).decode()

    def restore(password: str, kind: str) -> int:
        return wire.v2("restorecert", password=password, type=kind, data=data).status

    assert restore("Wrong1234", kind) == 422
    assert restore("Secret12", "Full") == 400
    assert restore("Secret12", kind) == 200
    assert len(wire.v2("listcert").json.get("cert", [])) == own
    assert len(wire.v2("listintermediate").json.get("cert", [])) == others
    for password in ("short", "with-dash", "x" * 65):
        assert wire.v2("backupcert", password=password).status == 422


def test_no_key_is_ever_kept(start: Start, tmp_path: Path) -> None:
    state = tmp_path / "state.json"
    wire = start(state_file=state)
    _add(wire, "one", _whole("ec"))
    wire.v2("useraddlocal", user="joe", password="longenough")
    wire.v2("usernewcert", user="joe", passphrase="hidden")
    text = state.read_text()
    assert "BEGIN CERTIFICATE" in text
    assert "PRIVATE" not in text
    wire.box.stop()
    again = start(state_file=state)
    assert again.v2("readcert", cert="one").json["certificate"].encode() == pem("ec")


def test_cipher_sets(wire: Wire) -> None:
    system = wire.v2("getcipherset", name="BestPractices").json["cipherset"]
    assert ":" in system
    assert wire.v2("getcipherset", name="mine").error == (422, "Unknown cipher set")
    value = "ECDHE-RSA-AES256-GCM-SHA384:ECDHE-RSA-AES128-GCM-SHA256"
    made = wire.v1("modifycipherset", name="mine", value=value)
    assert made.xml.findtext("Success") == "Cipher set updated"
    assert wire.v1("getcipherset", name="mine").data.findtext("cipherset") == value
    bad = wire.v2("modifycipherset", name="mine", value="nonsense here")
    assert bad.error == (422, "Invalid Cipher list")
    assert wire.v2("modifycipherset", name="BestPractices", value=value).status == 422
    assert wire.v2("delcipherset", name="BestPractices").status == 422


def test_a_used_cipher_set_stays(wire: Wire) -> None:
    wire.v2("modifycipherset", name="mine", value="ECDHE-RSA-AES256-GCM-SHA384")
    wire.fresh(port=443, SSLAcceleration=1)
    wire.change(1, CipherSet="mine")
    assert wire.v2("delcipherset", name="mine").error == (422, "Cipher set in use")
    wire.change(1, CipherSet="Default")
    assert wire.v2("delcipherset", name="mine").status == 200
    assert wire.v2("delcipherset", name="mine").error == (422, "Unknown cipher set")
    # The web interface of the unit that the defaults are from uses this one.
    assert wire.v2("delcipherset", name="FIPS2").error == (422, "Cipher set in use")


def test_ciphers_of_a_service_make_a_set_of_their_own(wire: Wire) -> None:
    wire.fresh(port=443, SSLAcceleration=1)
    shown = wire.change(1, Ciphers="AES256-GCM-SHA384:AES128-GCM-SHA256")
    assert shown["CipherSet"] == "Custom_1"
    ciphers = wire.v2("getcipherset", name="Custom_1").json["cipherset"]
    assert ciphers == "AES256-GCM-SHA384:AES128-GCM-SHA256"
    assert "Ciphers" not in wire.change(1, Ciphers="no such thing")
