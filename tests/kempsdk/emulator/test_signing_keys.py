"""geoimportksk: two files in one form, by the SDK's client and by hand."""

import base64
from dataclasses import dataclass

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from kempsdk.client import LoadMaster
from kempsdk.emulator import Switches, VirtualLoadMaster
from kempsdk.errors import CommandRejected
from tests.kempsdk.emulator.certificate_files import pair
from tests.kempsdk.emulator.wire import Wire


@dataclass(frozen=True)
class KeyFiles:
    """A pair as BIND's dnssec-keygen writes it."""

    public: bytes
    private: bytes


def key_files(flags: int = 257, algorithm: int = 8, modulus: int | None = None) -> KeyFiles:
    key = pair("rsa")[1]
    assert isinstance(key, rsa.RSAPrivateKey)
    numbers = key.public_key().public_numbers()
    n = numbers.n.to_bytes(256, "big")
    e = numbers.e.to_bytes(3, "big")
    record = base64.b64encode(bytes([len(e)]) + e + n).decode()
    own = base64.b64encode(n if modulus is None else modulus.to_bytes(256, "big")).decode()
    return KeyFiles(
        public=(
            "; This is a key-signing key, keyid 1, for example.com.\n"
            f"example.com. 3600 IN DNSKEY {flags} 3 {algorithm} {record[:60]} {record[60:]}\n"
        ).encode(),
        private=(
            f"Private-key-format: v1.3\nAlgorithm: {algorithm} (RSASHA256)\n"
            f"Modulus: {own}\nPublicExponent: AQAB\n"
        ).encode(),
    )


@pytest.mark.parametrize("api", ["v1", "v2"])
def test_the_client_sends_both_files(api: str) -> None:
    files = key_files()
    with (
        VirtualLoadMaster(switches=Switches(rate_limit=False)) as box,
        box.client(api=api) as lm,
    ):
        with pytest.raises(CommandRejected):
            lm.commands.geosetdnssec(enable=True)
        lm.commands.geoimportksk(publickey=files.public, privatekey=files.private)
        lm.commands.geosetdnssec(enable=True)
        shown = lm.commands.geoshowdnssec().data
        assert {name: str(value) for name, value in shown.items()} == {
            "DNSSEC": "yes",
            "Algorithm": "RSASHA256",
            "KeySize": "2048",
        }
        (call,) = [one for one in box.calls if one.command == "geoimportksk"]
        assert files.private.decode() not in str(call)
        assert base64.b64encode(files.private).decode() not in str(call)
        _refused(lm, key_files(flags=256))
        _refused(lm, key_files(algorithm=3))
        _refused(lm, key_files(modulus=7))
        _refused(lm, KeyFiles(b"example.com. IN A 192.0.2.1", files.private))
        _refused(lm, KeyFiles(files.public, b"-----BEGIN PRIVATE KEY-----"))
        assert lm.commands.geoshowdnssec().data == shown


def _refused(lm: LoadMaster, files: KeyFiles) -> None:
    with pytest.raises(CommandRejected, match="Invalid key files"):
        lm.commands.geoimportksk(publickey=files.public, privatekey=files.private)


def test_a_form_as_curl_sends_it(wire: Wire) -> None:
    files = key_files()
    boundary = "------------------------d74496d66958873e"
    parts = [
        f"--{boundary}\r\nContent-Disposition: form-data; "
        f'name="{name}"; filename="K{name}"\r\n'
        f"Content-Type: application/octet-stream\r\n\r\n{content.decode()}\r\n"
        for name, content in (("publickey", files.public), ("privatekey", files.private))
    ]
    kind = {"Content-Type": f"multipart/form-data; boundary={boundary}"}
    whole = f"{''.join(parts)}--{boundary}--\r\n"
    half = f"{parts[0]}--{boundary}--\r\n"
    reply = wire.request("POST", "/access/geoimportksk", whole, {**wire.basic(), **kind})
    assert reply.status == 200
    reply = wire.request("POST", "/access/geoimportksk", half, {**wire.basic(), **kind})
    assert reply.error == (400, "privatekey: File Value missing")
    assert wire.v1("geoimportksk").error == (400, "publickey: File Value missing")
