"""Cipher sets, and what services have to do with them."""

import re
from dataclasses import dataclass, field
from typing import Final

from kempsdk.emulator.answers import DONE, Answer, Refusal
from kempsdk.emulator.appliance import Appliance
from kempsdk.emulator.registry import Request, command
from kempsdk.emulator.sections import BASE, section
from kempsdk.emulator.state import VirtualService
from kempsdk.emulator.values import Params, words

UNKNOWN_SET: Final = "Unknown cipher set"
_INVALID: Final = "Invalid Cipher list"
_PARTS: Final = frozenset(
    words(
        "TLS ECDHE ECDSA ECDH DHE EDH DH ADH AECDH RSA DSS PSK SRP EXP AES AES128 AES256"
        " CAMELLIA128 CAMELLIA256 ARIA128 ARIA256 CHACHA20 POLY1305 SEED IDEA DES CBC CBC3 EDE"
        " 3DES GCM CCM CCM8 RC2 RC4 NULL 128 256 MD5 SHA SHA256 SHA384"
    )
)
"""What names of ciphers are made of; that no others are taken was seen on 7.2.63."""

_GCM: Final = (
    "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384"
    ":ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256"
)
_CBC: Final = ":ECDHE-RSA-AES256-SHA384:ECDHE-RSA-AES128-SHA256"
_PLAIN: Final = ":AES256-GCM-SHA384:AES128-GCM-SHA256:AES256-SHA256:AES128-SHA256"
SYSTEM_SETS: Final = {
    # The names are the vendor's; what is in each set is a guess.
    "Default": _GCM + _CBC + _PLAIN,
    "Default_NoRc4": _GCM + _CBC + _PLAIN,
    "BestPractices": _GCM,
    "Intermediate_compatibility": _GCM + _CBC,
    "Backward_compatibility": _GCM + _CBC + _PLAIN + ":AES256-SHA:AES128-SHA",
    "WUI": _GCM + _CBC,
    "FIPS": _GCM + _CBC,
    "Legacy": _GCM + _CBC + _PLAIN + ":AES256-SHA:AES128-SHA:DES-CBC3-SHA",
    "Null_Ciphers": "NULL-SHA256:NULL-SHA",
    "ECDSA_Default": "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-ECDSA-AES128-GCM-SHA256",
    "ECDSA_BestPractices": "ECDHE-ECDSA-AES256-GCM-SHA384",
}
_PARAMETERS: Final = words("wuicipherset outboundcipherset")


@section("cipher_sets", part=BASE)
@dataclass(slots=True, kw_only=True)
class CipherSets:
    """Custom sets: ciphers separated by colons, by name.

    The unit that the default parameters were taken from has the custom set FIPS2.
    """

    custom: dict[str, str] = field(default_factory=lambda: {"FIPS2": _GCM})


def _custom(box: Appliance) -> dict[str, str]:
    return box.state.section(CipherSets).custom


def _checked(value: str) -> str:
    ciphers = value.split(":")
    if not all(set(re.split("[-_]", one)) <= _PARTS and len(one) > 3 for one in ciphers):
        raise Refusal(_INVALID)
    return value


@command("getcipherset")
def getcipherset(box: Appliance, request: Request) -> Answer:
    name = request.params.need("name")
    found = SYSTEM_SETS.get(name) or _custom(box).get(name)
    if found is None:
        raise Refusal(UNKNOWN_SET)
    return Answer(members=[("cipherset", found)])


@command("modifycipherset", mutates=True)
def modifycipherset(box: Appliance, request: Request) -> Answer:
    name = request.params.need("name")
    value = _checked(request.params.need("value"))
    if name in SYSTEM_SETS:
        # Refused as documented; the text is a guess.
        raise Refusal("Cannot modify a system cipher set")
    _custom(box)[name] = value
    box.changed_globally()
    return Answer(message="Cipher set updated")


@command("delcipherset", mutates=True)
def delcipherset(box: Appliance, request: Request) -> Answer:
    name = request.params.need("name")
    if name in SYSTEM_SETS:
        raise Refusal("Cannot delete a system cipher set")
    if name not in _custom(box):
        raise Refusal(UNKNOWN_SET)
    used = any(one.settings["CipherSet"] == name for one in box.state.services.values())
    if used or any(box.state.parameters.get(one) == name for one in _PARAMETERS):
        raise Refusal("Cipher set in use")
    del _custom(box)[name]
    box.changed_globally()
    return DONE


def take_ciphers(box: Appliance, service: VirtualService, params: Params) -> None:
    """Make the set that a service's ``Ciphers`` stand for, and assign it.

    Vendor's interface description, 2022: it is named after the service's number. A list that
    is not valid is ignored like any other value (a guess).
    """
    given = params.get("ciphers")
    if not given or not service.settings["SSLAcceleration"]:
        return
    try:
        value = _checked(given)
    except Refusal:
        service.settings["Ciphers"] = ""
        return
    name = f"Custom_{service.index}"
    _custom(box)[name] = value
    service.settings["CipherSet"] = name
