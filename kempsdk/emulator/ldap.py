"""LDAP end points."""

import re
from dataclasses import dataclass, field
from typing import Final

from kempsdk.emulator.answers import DONE, Answer, Many, Members, One, Refusal
from kempsdk.emulator.appliance import Appliance
from kempsdk.emulator.records import Secret, Table, Values, number, text, word
from kempsdk.emulator.registry import Request, command
from kempsdk.emulator.sections import BASE, section

_NAME: Final = re.compile(r"[A-Za-z0-9._-]+")
_UNKNOWN: Final = "Unknown LDAP endpoint"
_TABLE: Final = Table(
    # A text in v2, as a client reads it; the others are numbers there.
    word("ldaptype", "0", ("0", "1", "2")),
    text("server"),
    number("vinterval", 10, 86400, 60),
    number("referralcount", 0, 10, 0),
    number("timeout", 5, 60, 5),
    text("adminuser"),
    Secret("adminpass"),
)


@section("ldap", part=BASE)
@dataclass(slots=True, kw_only=True)
class Ldap:
    """Settings of end points by name."""

    endpoints: dict[str, Values] = field(default_factory=dict)


def _endpoints(box: Appliance) -> dict[str, Values]:
    return box.state.section(Ldap).endpoints


def _named(box: Appliance, request: Request) -> str:
    name = request.params.need("name")
    if name not in _endpoints(box):
        # A missing one is refused with 422 (seen by a script); the text is a guess.
        raise Refusal(_UNKNOWN)
    return name


def _members(box: Appliance, name: str) -> Members:
    return [("name", name), *_TABLE.members(_endpoints(box)[name])]


@command("showldapendpoint")
def showldapendpoint(box: Appliance, request: Request) -> Answer:
    members = _members(box, _named(box, request))
    # v2 wraps them in a member of this name (a client's type); v1 has Data anyway.
    return Answer(members=members if request.api == "v1" else [("Data", One(members))])


@command("showldaplist")
def showldaplist(box: Appliance, _request: Request) -> Answer:
    # The element is the one that the vendor's PowerShell module reads.
    rows = [_members(box, name) for name in _endpoints(box)]
    return Answer(members=[("EndPoint", Many(rows))] if rows else [])


@command("addldapendpoint", mutates=True)
def addldapendpoint(box: Appliance, request: Request) -> Answer:
    name = request.params.need("name")
    if not _NAME.fullmatch(name):
        # The rule is the vendor's; this text and the next are guesses.
        raise Refusal("Invalid LDAP endpoint name")
    if name in _endpoints(box):
        raise Refusal("LDAP endpoint already exists")
    values = _TABLE.defaults()
    _TABLE.apply(values, request.params)
    _endpoints(box)[name] = values
    box.changed_globally()
    return DONE


@command("modifyldapendpoint", mutates=True)
def modifyldapendpoint(box: Appliance, request: Request) -> Answer:
    name = _named(box, request)
    _TABLE.apply(_endpoints(box)[name], request.params)
    box.changed_globally()
    return DONE


@command("deleteldapendpoint", mutates=True)
def deleteldapendpoint(box: Appliance, request: Request) -> Answer:
    name = _named(box, request)
    if box.state.parameters.get("wuildapep") == name or any(
        one.settings["LdapEndpoint"] == name for one in box.state.services.values()
    ):
        # Refused as documented; the text is a guess.
        raise Refusal("LDAP endpoint in use")
    del _endpoints(box)[name]
    box.changed_globally()
    return DONE
