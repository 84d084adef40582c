"""What other clients do with certificates, cipher sets and WAF files."""

import base64
import datetime
import json
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import pkcs12
from cryptography.x509.oid import NameOID

from tests.kempsdk.emulator.third_party import Shape, go_json, struct
from tests.kempsdk.emulator.wire import Wire


def key_pair(name: str, *, elliptic: bool = False) -> tuple[bytes, bytes, bytes]:
    """Return a certificate and its key as PEM, and both as a PFX without a password."""
    key = (
        ec.generate_private_key(ec.SECP256R1())
        if elliptic
        else rsa.generate_private_key(public_exponent=65537, key_size=2048)
    )
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.datetime.now(datetime.timezone.utc)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now)
        .not_valid_after(now + datetime.timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    plain = serialization.NoEncryption()
    return (
        certificate.public_bytes(serialization.Encoding.PEM),
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, plain
        ),
        pkcs12.serialize_key_and_certificates(b"x", key, certificate, None, plain),
    )


@pytest.fixture(scope="module")
def web() -> tuple[bytes, bytes, bytes]:
    return key_pair("web.example.test")


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def test_the_deploy_hook_of_acme_sh(wire: Wire, web: tuple[bytes, bytes, bytes]) -> None:
    certificate, key, _ = web

    def send(**members: object) -> dict[str, Any]:
        # No content type of JSON, and replace is a bare number.
        form = {"Content-Type": "application/x-www-form-urlencoded"}
        body = json.dumps({"apikey": wire.box.api_key, **members})
        return wire.request("POST", "/accessv2", body=body, headers=form).json

    for replace in (0, 1):
        names = [one["name"] for one in send(cmd="listcert").get("cert", [])]
        assert names.count("example.com") == replace
        data = _base64(certificate + key)
        answer = send(cmd="addcert", replace=replace, cert="example.com", data=data)
        assert answer["status"] == "ok"


def test_keyfactor(wire: Wire, web: tuple[bytes, bytes, bytes]) -> None:
    certificate, key, _ = web

    def target(command: str, **more: object) -> str:
        query = "".join(f"&{name}={value}" for name, value in more.items())
        return f"/access/{command}?apikey={wire.box.api_key}{query}"

    headers = {"Accept": "application/x-pkcs12"}
    for replace in (0, 1):
        reply = wire.request(
            "POST", target("addcert", cert="web", replace=replace), certificate + key, headers
        )
        assert (reply.xml.get("stat"), reply.xml.get("code")) == ("200", "ok")
    listed = wire.request("GET", target("listcert")).data
    assert [one.findtext("name") for one in listed.iterfind("cert")] == ["web"]
    read = wire.request("GET", target("readcert", cert="web")).data.findtext("certificate")
    assert x509.load_pem_x509_certificate((read or "").encode())
    # The switch to replace is sent for intermediate certificates, too, where it means nothing.
    added = wire.request(
        "POST", target("addintermediate", cert="ca", replace=0), certificate, headers
    )
    assert added.status == 200
    assert wire.request("GET", target("readintermediate", cert="ca")).status == 200
    assert wire.request("GET", target("delintermediate", cert="ca")).status == 200
    assert wire.request("GET", target("delcert", cert="web")).status == 200


def test_technicallyjack_on_certificates(wire: Wire, web: tuple[bytes, bytes, bytes]) -> None:
    shape: dict[str, Shape] = {
        **struct(int="code", string="message status certificate cipherset admincert"),
        "cert": [struct(string="name type")],
    }

    def call(command: str, **members: object) -> dict[str, Any]:
        answer = go_json(wire.v2(command, **members).json, shape)
        if answer["code"] != 200:
            raise LookupError(answer["message"])
        return answer

    certificate, key, pfx = web
    other_certificate, other_key, _ = key_pair("ecc.example.test", elliptic=True)
    call("addcert", cert="tfacc_test", data=_base64(certificate + key))
    assert call("listcert")["cert"] == [{"name": "tfacc_test", "type": "RSA"}]
    second = _base64(other_certificate + other_key)
    call("addcert", cert="tfacc_test", data=second, replace="1")
    assert call("listcert")["cert"][0]["type"] == "ECC"
    assert call("readcert", cert="tfacc_test")["certificate"].split() == (
        other_certificate.decode().split()
    )
    call("addcert", cert="tfacc_pfx", data=_base64(pfx))
    with pytest.raises(LookupError, match="Unknown certificate"):
        call("readcert", cert="gone")
    index = wire.fresh(port=18443, VStype="http")["Index"]
    call("modvs", vs=str(index), SSLAcceleration=True, CertFile="tfacc_test")
    with pytest.raises(LookupError, match="Certfile still associated with a VS"):
        call("delcert", cert="tfacc_test")
    two = "ECDHE-RSA-AES256-GCM-SHA384:ECDHE-RSA-AES128-GCM-SHA256"
    call("modifycipherset", name="tfacc_cs", value=two)
    assert call("getcipherset", name="tfacc_cs")["cipherset"] == two
    with pytest.raises(LookupError, match="Invalid Cipher list"):
        call("modifycipherset", name="tfacc_cs", value="NOT-A-CIPHER")
    call("modvs", vs=str(index), CipherSet="tfacc_cs")
    with pytest.raises(LookupError, match="Cipher set in use"):
        call("delcipherset", name="tfacc_cs")
    call("modvs", vs=str(index), CipherSet="Default")
    call("delcipherset", name="tfacc_cs")
    with pytest.raises(LookupError, match="Unknown cipher set"):
        call("getcipherset", name="tfacc_cs")
    assert call("get", param="admincert")["admincert"] == "No Admin Certificate assigned"
    call("set", param="admincert", value="tfacc_test")
    assert call("get", param="admincert")["admincert"] == "tfacc_test"
    call("addcert", cert="tfacc_test", data=second, replace="1")
    assert call("get", param="admincert")["admincert"] == "No Admin Certificate assigned"


def test_a_cipher_set_is_a_change_of_global_configuration(wire: Wire) -> None:
    wire.fresh(port=18080)
    sub = wire.sub(1)
    wire.fresh(port=18082)
    value = "ECDHE-RSA-AES128-GCM-SHA256"
    wire.v2("modifycipherset", name="tfaccrenumber", value=value)
    wire.v2("delcipherset", name="tfaccrenumber")
    assert wire.v2("listvs").json["VS"][0]["SubVS"][0]["VSIndex"] != sub["VSIndex"]


def test_kreemer_on_owasp_rules(wire: Wire) -> None:
    shape: dict[str, Shape] = {
        **struct(int="code", string="message status"),
        "Rule": struct(string="Id Type Name Enabled Runfirst"),
    }
    index = wire.fresh("10.0.0.4", 30500, VStype="http")["Index"]
    wire.sub(index)
    wire.change(index, InterceptMode=2)

    def rules(**members: object) -> dict[str, Any]:
        reply = wire.v2("owasprules", vs=str(index), **members)
        assert reply.status == 200, reply.text
        return go_json(reply.json, shape)

    rules(rule="913100", enable="yes")
    shown = rules(rule="913100")["Rule"]
    assert (shown["Id"], shown["Type"], shown["Enabled"]) == ("913100", "CRS", "yes")
    rules(rule="913100", enable="no")
    assert rules(rule="913100")["Rule"]["Enabled"] == "no"
    data = _base64(b"SecMarker BEGIN_ALLOWLIST_login\n")
    for first in ("0", "1"):
        # The same file is added again and again.
        assert wire.v2("addowaspcustomrule", filename="test", data=data).status == 200
        rules(rule="test", enable="yes", runfirst=first)
        shown = rules(rule="test")["Rule"]
        assert (shown["Name"], shown["Type"], shown["Enabled"]) == ("test", "custom", "yes")
        assert shown["Runfirst"] == ("yes" if first == "1" else "no")
    rules(rule="test", enable="no")
    assert rules(rule="test")["Rule"]["Enabled"] == "no"
    assert wire.v2("delowaspcustomrule", filename="test").status == 200


def test_kreemer_on_owasp_data(wire: Wire) -> None:
    data = _base64(b"TEST=test")
    for _ in range(2):
        assert wire.v2("addowaspcustomdata", filename="test_data.txt", data=data).status == 200
    shown = wire.v2("downloadowaspcustomdata", filename="test_data.txt").json
    assert shown["data"] == data
    # It is deleted by its name without the extension.
    assert wire.v2("delowaspcustomdata", filename="test_data").status == 200
    assert wire.v2("downloadowaspcustomdata", filename="test_data.txt").status == 404


def test_other_files_of_powershell(wire: Wire) -> None:
    wire.v1("useraddlocal", user="joe", password="Joe-12345")
    for answer in (wire.v1("usershow", user="joe"), wire.v1("userlist")):
        assert answer.data.findtext("User/Name") == "joe"
        assert answer.data.findtext("User/Perms") is not None
    wire.v1("addldapendpoint", name="l1", server="10.0.0.1", ldaptype=0)
    assert wire.v1("showldaplist").data.findtext("EndPoint/name") == "l1"
    assert wire.v1("getwafsettings").data.find("WAF") is not None
    assert wire.v1("listwafrules").data.find("Rules") is not None
    words = (wire.v1("addvlan", interface=0, vlanid=10).xml.findtext("Success") or "").split()
    assert wire.v1("showiface", interface=words[4]).data.findtext("Interface/VlanId") == "10"
    words = (wire.v1("addcluster", ip="10.0.0.9", name="c").xml.findtext("Success") or "").split()
    assert words[1] == "10.0.0.9"
