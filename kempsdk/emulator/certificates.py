"""Certificates and intermediate certificates, and their backup file.

Private keys are checked against their certificates and then forgotten: nothing here serves
TLS with them, and the state file holds no secrets.
"""

import base64
import hashlib
import json
import re
from dataclasses import dataclass, field
from typing import Final

from cryptography.fernet import Fernet, InvalidToken

from kempsdk.emulator import key_material
from kempsdk.emulator.answers import DONE, Answer, Many, Members, Refusal, missing
from kempsdk.emulator.appliance import Appliance
from kempsdk.emulator.registry import Request, command
from kempsdk.emulator.sections import NOT_IN_BACKUP, section

UNKNOWN_CERTIFICATE: Final = "Unknown certificate"
_PASSWORD: Final = re.compile(r"[A-Za-z0-9]{7,64}")


@section("certificates", part=NOT_IN_BACKUP)
@dataclass(slots=True, kw_only=True)
class Certificates:
    """PEM by name."""

    own: dict[str, str] = field(default_factory=dict)
    intermediate: dict[str, str] = field(default_factory=dict)


def certificates_of(box: Appliance) -> Certificates:
    return box.state.section(Certificates)


def _is_used(box: Appliance, name: str) -> bool:
    return any(name in str(one.settings["CertFile"]).split() for one in box.state.services.values())


def _shown(name: str, pem: str) -> Members:
    if key_material.is_rsa(pem):
        return [("name", name), ("type", "RSA"), ("modulus", key_material.modulus_hex(pem))]
    public = base64.b64encode(key_material.public_key_der(pem)).decode("ascii")
    return [("name", name), ("type", "ECC"), ("publickey", public)]


def _listed(kept: dict[str, str]) -> Answer:
    if not kept:
        return Answer(members=[])
    return Answer(members=[("cert", Many([_shown(name, pem) for name, pem in kept.items()]))])


def _read(kept: dict[str, str], request: Request) -> Answer:
    pem = kept.get(request.params.need("cert"))
    if pem is None:
        raise Refusal(UNKNOWN_CERTIFICATE)
    if request.params.get("outform").upper() == "DER":
        # That DER stands in the same member is a guess.
        pem = base64.b64encode(key_material.der(pem)).decode("ascii")
    return Answer(members=[("certificate", pem)])


def _upload(request: Request) -> bytes:
    if not request.body:
        raise missing("data", "File")
    return request.body


@command("listcert")
def listcert(box: Appliance, _request: Request) -> Answer:
    return _listed(certificates_of(box).own)


@command("listintermediate")
def listintermediate(box: Appliance, _request: Request) -> Answer:
    return _listed(certificates_of(box).intermediate)


@command("readcert")
def readcert(box: Appliance, request: Request) -> Answer:
    return _read(certificates_of(box).own, request)


@command("readintermediate")
def readintermediate(box: Appliance, request: Request) -> Answer:
    return _read(certificates_of(box).intermediate, request)


@command("addcert", mutates=True, takes_file=True)
def addcert(box: Appliance, request: Request) -> Answer:
    params = request.params
    name = params.need("cert")
    file = _upload(request)
    kept = certificates_of(box).own
    replace = bool(params.flag("replace"))
    # Documented: replace is 1 for a name that exists and 0 for a new one. What happens
    # otherwise is not, so both refusals and their texts are guesses.
    if replace and name not in kept:
        raise Refusal(UNKNOWN_CERTIFICATE)
    if not replace and name in kept:
        raise Refusal("Certificate already exists")
    try:
        kept[name] = key_material.leaf_with_key(file, params.get("password"))
    except key_material.InvalidMaterial:
        # The text is a guess.
        raise Refusal("Invalid certificate") from None
    if replace and box.state.parameters.get("admincert") == name:
        # QUIRK: the administrative certificate loses its assignment (7.2.50 to 7.2.63).
        del box.state.parameters["admincert"]
    box.changed_globally()
    return DONE


@command("delcert", mutates=True)
def delcert(box: Appliance, request: Request) -> Answer:
    name = request.params.need("cert")
    kept = certificates_of(box).own
    if name not in kept:
        raise Refusal(UNKNOWN_CERTIFICATE)
    if _is_used(box, name):
        raise Refusal("Certfile still associated with a VS")
    del kept[name]
    box.changed_globally()
    return DONE


@command("addintermediate", mutates=True, takes_file=True)
def addintermediate(box: Appliance, request: Request) -> Answer:
    name = request.params.need("cert")
    file = _upload(request)
    kept = certificates_of(box).intermediate
    if name in kept:
        # There is no way to replace one; the text is a guess.
        raise Refusal("Certificate already exists")
    try:
        kept[name] = key_material.certificate_only(file)
    except key_material.InvalidMaterial:
        raise Refusal("Invalid certificate") from None
    box.changed_globally()
    return DONE


@command("delintermediate", mutates=True)
def delintermediate(box: Appliance, request: Request) -> Answer:
    kept = certificates_of(box).intermediate
    if kept.pop(request.params.need("cert"), None) is None:
        raise Refusal(UNKNOWN_CERTIFICATE)
    box.changed_globally()
    return DONE


def _lock(request: Request) -> Fernet:
    password = request.params.need("password")
    if not _PASSWORD.fullmatch(password):
        # The rule is the vendor's; the text is a guess.
        raise Refusal("password: String Value out of range")
    key = hashlib.scrypt(password.encode(), salt=b"virtual LoadMaster", n=2**14, r=8, p=1, dklen=32)
    return Fernet(base64.urlsafe_b64encode(key))


@command("backupcert")
def backupcert(box: Appliance, request: Request) -> Answer:
    kept = certificates_of(box)
    data = {"vs": kept.own, "third": kept.intermediate}
    return Answer(file=_lock(request).encrypt(json.dumps(data).encode()))


@command("restorecert", mutates=True, takes_file=True)
def restorecert(box: Appliance, request: Request) -> Answer:
    kind = request.params.need("type")
    if kind not in ("full", "third", "vs"):
        raise missing("type")
    try:
        data = json.loads(_lock(request).decrypt(_upload(request)))
    except InvalidToken:
        # The text is a guess, also for a wrong password.
        raise Refusal("Invalid backup file") from None
    kept = certificates_of(box)
    if kind in ("full", "vs"):
        kept.own.update(data["vs"])
    if kind in ("full", "third"):
        kept.intermediate.update(data["third"])
    box.changed_globally()
    return DONE
