"""The licence and the steps of the initial configuration, each of which needs the one before.

readeula, accepteula, accepteula2, alsilicense or license, set_initial_passwd. No licence
server is asked: any account and any file will do.
"""

import uuid
from dataclasses import dataclass
from typing import Final

from kempsdk.emulator.answers import DONE, Answer, Members, One, Refusal, missing
from kempsdk.emulator.appliance import Appliance
from kempsdk.emulator.registry import Request, command
from kempsdk.emulator.sections import NOT_IN_BACKUP, section
from kempsdk.emulator.values import words

_TYPES: Final = ("trial", "perm", "free")
_NOT_ACCEPTED: Final = "Attempt to license called out of sequence. EULA not accepted"
_EULA: Final = "This is a virtual LoadMaster for tests; there is nothing to agree to."

FRESH: Final = frozenset(words("readeula accepteula accepteula2 alsilicense license listapi"))
"""Commands of a unit without a licence, none of which needs credentials."""


@section("licence", part=NOT_IN_BACKUP)
@dataclass(slots=True, kw_only=True)
class Licence:
    """Attributes:
    stage: licensed, fresh, read, accepted, complete (accepted twice) or passwordless.
    magic: what the next step must give.
    """

    stage: str = ""
    magic: str = ""
    type: str = "perm"


def licence_of(box: Appliance) -> Licence:
    """Return the licence; a new unit has one unless a switch says otherwise."""
    licence = box.state.section(Licence)
    if not licence.stage:
        licence.stage = "fresh" if box.switches.unlicensed else "licensed"
    return licence


def is_licensed(box: Appliance) -> bool:
    return licence_of(box).stage == "licensed"


def needs_no_credentials(box: Appliance, name: str) -> bool:
    """Whether a command runs without a login, and although the API is off."""
    stage = licence_of(box).stage
    if stage == "licensed":
        return False
    return name == "set_initial_passwd" if stage == "passwordless" else name in FRESH


def _step(box: Appliance, stage: str, magic: str = "") -> Licence:
    licence = licence_of(box)
    licence.stage, licence.magic = stage, magic
    box.changed()
    return licence


def _magic(box: Appliance, request: Request, stage: str, text: str) -> None:
    """Check that a step follows its predecessor.

    Raises:
        Refusal: it does not; the text is known for accepteula2 and guessed for accepteula.
    """
    licence = licence_of(box)
    if licence.stage != stage or request.params.need("magic") != licence.magic:
        raise Refusal(text)


def _answer(licence: Licence, members: Members) -> Answer:
    return Answer(members=[*members, ("Magic", licence.magic)])


@command("readeula")
def readeula(box: Appliance, _request: Request) -> Answer:
    if licence_of(box).stage in ("licensed", "passwordless"):
        # A unit that has a licence shows the text, and no step follows: a guess.
        return _answer(Licence(magic=str(uuid.uuid4())), [("Eula", _EULA)])
    return _answer(_step(box, "read", str(uuid.uuid4())), [("Eula", _EULA)])


@command("accepteula", mutates=True)
def accepteula(box: Appliance, request: Request) -> Answer:
    _magic(box, request, "read", "Accepteula called out of sequence")
    wanted = request.params.need("type").lower()
    if wanted not in _TYPES:
        raise Refusal("Unknown license model")
    licence = _step(box, "accepted", str(uuid.uuid4()))
    licence.type = wanted
    return _answer(licence, [("Eula2", _EULA)])


@command("accepteula2", mutates=True)
def accepteula2(box: Appliance, request: Request) -> Answer:
    _magic(box, request, "accepted", "Accepteula2 called out of sequence")
    if request.params.need("accept") not in ("yes", "no"):
        raise missing("accept")
    _step(box, "complete")
    return DONE


def _license(box: Appliance) -> Answer:
    stage = licence_of(box).stage
    if stage not in ("complete", "licensed"):
        raise Refusal(_NOT_ACCEPTED)
    if stage == "complete":
        _step(box, "passwordless")
    return DONE


@command("alsilicense", mutates=True)
def alsilicense(box: Appliance, request: Request) -> Answer:
    for name in ("kempid", "password"):
        request.params.need(name)
    return _license(box)


@command("license", mutates=True, takes_file=True)
def license_offline(box: Appliance, request: Request) -> Answer:
    if b"begin" not in request.body or b"end" not in request.body:
        # The file reaches from one of these words to the other; the text is a guess.
        raise Refusal("Invalid license")
    return _license(box)


@command("set_initial_passwd", mutates=True)
def set_initial_passwd(box: Appliance, request: Request) -> Answer:
    if licence_of(box).stage != "passwordless":
        raise Refusal("Command not available.")
    password = request.params.need("passwd")
    if len(password) < int(box.state.parameters.get("minpassword", "8")):
        raise Refusal("Password is too short")
    owner = next(one for one in box.state.users.values() if one.permissions is None)
    box.credentials.set_password(owner, password)
    if box.switches.licensing_disables_api:
        box.state.parameters["enableapi"] = "no"
    _step(box, "licensed")
    return DONE


@command("licenseinfo")
def licenseinfo(box: Appliance, _request: Request) -> Answer:
    """Show the licence; that values are quoted and end a line is an observation of clients.

    The names are those that the vendor's Python SDK reads, but for the case of the outer ones.
    """
    licence = licence_of(box)
    values = (
        ("LicenseType", licence.type),
        ("LicenseStatus", "Permanent License"),
        ("LicensedUntil", "unlimited"),
        ("SupportUntil", "unlimited"),
        ("ApplianceModel", "virtual LoadMaster"),
    )
    subscription: Members = [
        ("Name", "virtual LoadMaster"),
        ("Expires", "never"),
        ("FeatureList", ""),
    ]
    members: Members = [(name, f'"{value}"\n') for name, value in values]
    return Answer(members=[*members, ("SubscriptionEntry1", One(subscription))])
