"""ACME: account and certificates, under the names of 7.2.5x and those of 7.2.61 and newer.

No certification authority is asked. A certificate that is requested is there at once, as an
entry; there is no key and no PEM of it.
"""

import datetime
import re
import time
import uuid
from dataclasses import dataclass, field
from typing import Final

from kempsdk.emulator.addressing import service_by_index
from kempsdk.emulator.answers import DONE, Answer, Many, Members, One, Refusal, missing
from kempsdk.emulator.appliance import Appliance
from kempsdk.emulator.registry import Request, command
from kempsdk.emulator.sections import NOT_IN_BACKUP, section
from kempsdk.emulator.values import Params

UNKNOWN_CERTIFICATE: Final = "Unknown ACME cert"
_TYPES: Final = {"1": "Let's Encrypt", "2": "DigiCert"}
_LIFETIME_S: Final = 90 * 86400
_NAME: Final = re.compile(r"(\*\.)?[A-Za-z0-9.-]+")


@dataclass(slots=True, kw_only=True)
class Account:
    id: str = ""
    email: str = ""
    directory: str = ""
    renew_days: int = 30
    key_id: str = ""
    has_key: bool = False


@dataclass(slots=True, kw_only=True)
class AcmeCertificate:
    """One certificate.

    Attributes:
        service: index of the service that the challenge is answered by.
        provider: ``1`` Let's Encrypt, ``2`` DigiCert.
    """

    domain: str
    service: int
    names: list[str]
    expires_s: int
    key_size: int
    elliptic: bool
    provider: str


@section("acme", part=NOT_IN_BACKUP)
@dataclass(slots=True, kw_only=True)
class Acme:
    """Accounts by provider; certificates by name."""

    accounts: dict[str, Account] = field(default_factory=dict)
    certificates: dict[str, AcmeCertificate] = field(default_factory=dict)


def _acme(box: Appliance) -> Acme:
    return box.state.section(Acme)


def _provider(params: Params) -> str:
    provider = params.get("acmetype", "1")
    if provider not in _TYPES:
        raise missing("acmetype")
    return provider


def _account(box: Appliance, params: Params) -> Account:
    return _acme(box).accounts.setdefault(_provider(params), Account())


def _directory(box: Appliance, account: Account) -> str:
    return account.directory or box.state.parameters.get("directoryurl", "")


def _wrapped(request: Request, members: Members) -> Answer:
    # v2 has them in a member ``Data`` (a client's type); v1 has Data anyway.
    return Answer(members=members if request.api == "v1" else [("Data", One(members))])


@command("registerleaccount", "registeracmeaccount", mutates=True)
def registerleaccount(box: Appliance, request: Request) -> Answer:
    account = _account(box, request.params)
    account.id = str(uuid.uuid4())
    account.email = request.params.get("email")
    box.changed_globally()
    return DONE


@command("fetchleaccount", mutates=True, takes_file=True)
def fetchleaccount(box: Appliance, request: Request) -> Answer:
    """Take over an account; its key is not kept, since nothing is signed with it."""
    request.params.need("password")
    if b"PRIVATE KEY" not in request.body and b'"kty"' not in request.body:
        raise missing("data", "File")
    return registerleaccount(box, request)


@command("leaccountinfo", "acmeaccountinfo")
def leaccountinfo(box: Appliance, request: Request) -> Answer:
    provider = _provider(request.params)
    account = _acme(box).accounts.get(provider)
    if account is None or not account.id:
        # The text is a guess.
        raise Refusal("Unknown ACME account")
    return _wrapped(
        request,
        [
            ("AccountType", _TYPES[provider]),
            ("AccountID", account.id),
            ("AccountDirectory", _directory(box, account)),
            ("AccountEmail", account.email),
        ],
    )


@command("getacmedirectoryurl", "getacmerenewperiod")
def get_setting(box: Appliance, request: Request) -> Answer:
    account = _acme(box).accounts.get(_provider(request.params), Account())
    if request.command.endswith("url"):
        return Answer(members=[("directoryurl", _directory(box, account))])
    return Answer(members=[("renewperiod", account.renew_days)])


@command("setacmedirectoryurl", mutates=True)
def setacmedirectoryurl(box: Appliance, request: Request) -> Answer:
    _account(box, request.params).directory = request.params.need("directoryurl")
    box.changed_globally()
    return DONE


@command("setacmerenewperiod", mutates=True)
def setacmerenewperiod(box: Appliance, request: Request) -> Answer:
    request.params.need("renewperiod")
    days = request.params.number("renewperiod")
    if days is None or not 1 <= days <= 60:
        raise Refusal("renewperiod: value out of range")
    _account(box, request.params).renew_days = days
    box.changed_globally()
    return DONE


@command("setacmekid", "setacmehmac", mutates=True)
def set_credential(box: Appliance, request: Request) -> Answer:
    """Note the key's number; of the key itself only that there is one: nothing is signed."""
    if request.command == "setacmekid":
        _account(box, request.params).key_id = request.params.need("kid")
    else:
        request.params.need("hmac")
        _account(box, request.params).has_key = True
    box.changed_globally()
    return DONE


@command("delacmeconfig", mutates=True)
def delacmeconfig(box: Appliance, request: Request) -> Answer:
    provider = _provider(request.params)
    acme = _acme(box)
    if any(one.provider == provider for one in acme.certificates.values()):
        # Refused while there are certificates (a client's remark); the text is a guess.
        raise Refusal("ACME certificates exist")
    acme.accounts.pop(provider, None)
    box.changed_globally()
    return DONE


def _members(box: Appliance, name: str, one: AcmeCertificate) -> Members:
    expires = datetime.datetime.fromtimestamp(one.expires_s, datetime.timezone.utc)
    users = [
        service.text
        for service in box.state.services.values()
        if name in str(service.settings["CertFile"]).split()
    ]
    return [
        ("Identifier", name),
        ("DomainName", one.domain),
        # The form of the date is a guess.
        ("ExpiryDate", expires.strftime("%b %d %H:%M:%S %Y GMT")),
        ("SubjectAlternateNames", ",".join(one.names)),
        ("Type", "ECC" if one.elliptic else "RSA"),
        ("KeySize", str(one.key_size)),
        ("HTTPChallengeVS", str(one.service)),
        ("VirtualServices", ",".join(users)),
    ]


def _named(box: Appliance, request: Request) -> str:
    name = request.params.need("cert")
    if name not in _acme(box).certificates:
        raise Refusal(UNKNOWN_CERTIFICATE)
    return name


@command("getlecert", "getacmecert")
def getlecert(box: Appliance, request: Request) -> Answer:
    name = _named(box, request)
    return _wrapped(request, _members(box, name, _acme(box).certificates[name]))


@command("listlecert", "listacmecert")
def listlecert(box: Appliance, request: Request) -> Answer:
    rows = [_members(box, name, one) for name, one in _acme(box).certificates.items()]
    # Both elements are guesses after getacmecert's.
    name = "cert" if request.api == "v1" else "Data"
    return Answer(members=[(name, Many(rows))] if rows else [])


@command("addlecert", "addacmecert", mutates=True)
def addlecert(box: Appliance, request: Request) -> Answer:
    params = request.params
    acme = _acme(box)
    name, domain = params.need("cert"), params.need("cn")
    params.need("vid")
    provider = _provider(params)
    account = acme.accounts.get(provider)
    # The texts of these refusals are guesses.
    if account is None or not account.id:
        raise Refusal("Unknown ACME account")
    if name in acme.certificates:
        raise Refusal("Certificate already exists")
    names = [params.get(f"san{i}") for i in range(1, 11) if params.get(f"san{i}")]
    if not all(_NAME.fullmatch(one) for one in (domain, *names)):
        raise Refusal("cn: Invalid name")
    service = service_by_index(box, params.number("vid") or 0)
    elliptic = bool(params.flag("ec"))
    size = params.number("key_size") or params.number("keysize")
    acme.certificates[name] = AcmeCertificate(
        domain=domain,
        service=service.index,
        names=names,
        expires_s=int(time.time()) + _LIFETIME_S,
        key_size=size or (256 if elliptic else 2048),
        elliptic=elliptic,
        provider=provider,
    )
    box.changed_globally()
    return DONE


@command("renewlecert", "renewacmecert", mutates=True)
def renewlecert(box: Appliance, request: Request) -> Answer:
    one = _acme(box).certificates[_named(box, request)]
    one.expires_s = int(time.time()) + _LIFETIME_S
    box.changed_globally()
    return DONE


@command("dellecert", "delacmecert", mutates=True)
def dellecert(box: Appliance, request: Request) -> Answer:
    del _acme(box).certificates[_named(box, request)]
    box.changed_globally()
    return DONE
