"""addapikey, listapikeys, delapikey, usersetsyspassword."""

from kempsdk.emulator.answers import DONE, Answer, Refusal, Words
from kempsdk.emulator.appliance import Appliance
from kempsdk.emulator.credentials import new_api_key
from kempsdk.emulator.registry import Request, command
from kempsdk.emulator.state import User


def _keys(box: Appliance, user: User) -> Answer:
    # As the vendor's PowerShell module (v1) and a tested client (v2) read them.
    return Answer(members=[("apikeys", Words("key", box.credentials.keys_of(user)))])


def _caller(box: Appliance, request: Request) -> User:
    return box.state.users[request.user]


@command("addapikey", mutates=True)
def addapikey(box: Appliance, request: Request) -> Answer:
    user = _caller(box, request)
    box.credentials.add_key(user, new_api_key())
    box.changed()
    return _keys(box, user)


@command("listapikeys")
def listapikeys(box: Appliance, request: Request) -> Answer:
    return _keys(box, _caller(box, request))


@command("delapikey", mutates=True)
def delapikey(box: Appliance, request: Request) -> Answer:
    key = request.params.need("key")
    owner = request.params.get("user") or request.user
    caller = _caller(box, request)
    rights = caller.permissions
    if owner != caller.name and rights is not None and "users" not in rights:
        # Another user's key needs the right to administer users.
        raise Refusal("Access denied", 403)
    user = box.state.users.get(owner)
    if user is None or not box.credentials.remove_key(user, key):
        # The text is a guess.
        raise Refusal("Unknown API key")
    box.changed()
    return _keys(box, user)


@command("usersetsyspassword", mutates=True)
def usersetsyspassword(box: Appliance, request: Request) -> Answer:
    params = request.params
    current, new = params.need("currpassword"), params.need("password")
    user = _caller(box, request)
    if box.credentials.by_password(user.name, current) is None:
        # The text is a guess.
        raise Refusal("Invalid password")
    box.credentials.set_password(user, new)
    box.changed()
    return DONE
