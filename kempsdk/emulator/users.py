"""Local users, their permissions and certificates, and groups of remote users."""

import re
from dataclasses import dataclass, field
from typing import Final

from kempsdk.emulator.answers import CERTIFICATE_TYPE, DONE, Answer, Many, Members, One, Refusal
from kempsdk.emulator.appliance import Appliance
from kempsdk.emulator.certificate import user_certificate
from kempsdk.emulator.permissions import RIGHTS
from kempsdk.emulator.registry import Request, command
from kempsdk.emulator.sections import BASE, section
from kempsdk.emulator.state import User

_GROUP: Final = re.compile(r"[A-Za-z0-9 =~^._+#,@/-]+")
_UNKNOWN_USER: Final = "Unknown user"
_UNKNOWN_GROUP: Final = "Unknown group"


@section("groups", part=BASE)
@dataclass(slots=True, kw_only=True)
class Groups:
    """Groups of remote users: their rights, by name."""

    rights: dict[str, list[str]] = field(default_factory=dict)


def _user(box: Appliance, request: Request) -> User:
    user = box.state.users.get(request.params.need("user"))
    # Those without a list of rights are the appliance's own (``bal``), not local users.
    if user is None or user.permissions is None:
        # The text is a guess.
        raise Refusal(_UNKNOWN_USER)
    return user


def _rights(request: Request) -> list[str]:
    """Return the rights given; the empty text takes all away.

    Raises:
        Refusal: one of them is no right; the text is a guess.
    """
    given = [one.strip() for one in request.params.get("perms").split(",") if one.strip()]
    if not set(given) <= set(RIGHTS):
        raise Refusal("Invalid permissions")
    return [one for one in RIGHTS if one in given]


def _password(box: Appliance, request: Request) -> str:
    password = request.params.need("password")
    least = int(box.state.parameters.get("minpassword", "8"))
    if len(password) < least:
        # The length is a parameter; the text is a guess.
        raise Refusal(f"Password must have at least {least} characters")
    return password


def _shown(name: str, rights: list[str]) -> Members:
    # The names of both members are clients'; that a comma separates rights is a guess.
    return [("Name", name), ("Perms", ",".join(rights))]


@command("userlist")
def userlist(box: Appliance, _request: Request) -> Answer:
    rows = [
        _shown(one.name, one.permissions)
        for one in box.state.users.values()
        if one.permissions is not None
    ]
    # The element is the vendor's PowerShell module's; ``Name`` in it was matched by a script.
    return Answer(members=[("User", Many(rows))] if rows else [])


@command("usershow")
def usershow(box: Appliance, request: Request) -> Answer:
    user = _user(box, request)
    members = _shown(user.name, user.permissions or [])
    # In v1 the vendor's PowerShell module reads one user and many in the same element; in v2
    # a client reads the members at the top.
    return Answer(members=members if request.api == "v2" else [("User", One(members))])


@command("useraddlocal", mutates=True)
def useraddlocal(box: Appliance, request: Request) -> Answer:
    params = request.params
    name = params.need("user")
    if name in box.state.users:
        raise Refusal("User already exists.")
    radius = bool(params.flag("radius"))
    user = User(name=name, password="", permissions=[], radius=radius)
    if not (radius or params.flag("nopass")):
        box.credentials.set_password(user, _password(box, request))
    box.state.users[name] = user
    box.changed()
    return DONE


@command("userdellocal", mutates=True)
def userdellocal(box: Appliance, request: Request) -> Answer:
    del box.state.users[_user(box, request).name]
    box.changed()
    return DONE


@command("userchangelocpass", mutates=True)
def userchangelocpass(box: Appliance, request: Request) -> Answer:
    user = _user(box, request)
    password = _password(box, request)
    request.params.need("radius")
    user.radius = bool(request.params.flag("radius"))
    box.credentials.set_password(user, password)
    box.changed()
    return DONE


@command("usersetperms", mutates=True)
def usersetperms(box: Appliance, request: Request) -> Answer:
    user = _user(box, request)
    user.permissions = _rights(request)
    box.changed()
    return DONE


@command("usernewcert", mutates=True)
def usernewcert(box: Appliance, request: Request) -> Answer:
    user = _user(box, request)
    made = user_certificate(user.name, request.params.get("passphrase"))
    user.certificate = made.certificate.decode("ascii")
    box.credentials.keep_user_key(user.name, made.key)
    box.trust_users()
    box.changed()
    return DONE


def _certificate(box: Appliance, request: Request) -> User:
    user = _user(box, request)
    if not user.certificate:
        # The text is a guess.
        raise Refusal("Unknown certificate")
    return user


@command("userreadcert")
def userreadcert(box: Appliance, request: Request) -> Answer:
    # The member is readcert's: a guess.
    return Answer(members=[("certificate", _certificate(box, request).certificate)])


@command("userdownloadcert")
def userdownloadcert(box: Appliance, request: Request) -> Answer:
    """Return certificate and key; the key is known until the process ends only."""
    user = _certificate(box, request)
    file = user.certificate.encode() + box.credentials.user_key(user.name)
    return Answer(file=file, content_type=CERTIFICATE_TYPE)


@command("userdelcert", mutates=True)
def userdelcert(box: Appliance, request: Request) -> Answer:
    _certificate(box, request).certificate = ""
    box.changed()
    return DONE


def _groups(box: Appliance) -> dict[str, list[str]]:
    return box.state.section(Groups).rights


def _group(box: Appliance, request: Request) -> str:
    name = request.params.need("group")
    if name not in _groups(box):
        # The text is a guess.
        raise Refusal(_UNKNOWN_GROUP)
    return name


@command("grouplist")
def grouplist(box: Appliance, _request: Request) -> Answer:
    rows = [_shown(name, rights) for name, rights in _groups(box).items()]
    return Answer(members=[("RemoteUserGroup", Many(rows))] if rows else [])


@command("groupshow")
def groupshow(box: Appliance, request: Request) -> Answer:
    name = _group(box, request)
    return Answer(members=[("RemoteUserGroup", One(_shown(name, _groups(box)[name])))])


@command("groupaddremote", mutates=True)
def groupaddremote(box: Appliance, request: Request) -> Answer:
    name = request.params.need("group")
    if name in _groups(box) or not _GROUP.fullmatch(name):
        # The allowed characters are the vendor's; both texts are guesses.
        raise Refusal("Group already exists." if name in _groups(box) else "Invalid group name")
    _groups(box)[name] = []
    box.changed()
    return DONE


@command("groupsetperms", mutates=True)
def groupsetperms(box: Appliance, request: Request) -> Answer:
    _groups(box)[_group(box, request)] = _rights(request)
    box.changed()
    return DONE


@command("groupdelremote", mutates=True)
def groupdelremote(box: Appliance, request: Request) -> Answer:
    del _groups(box)[_group(box, request)]
    box.changed()
    return DONE
