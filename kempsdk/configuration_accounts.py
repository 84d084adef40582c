"""Users and groups in a file. Passwords are never in it; a file may name where one lies."""

from collections.abc import Collection
from pathlib import Path
from typing import Any, Final

from kempsdk.configuration_things import Settings, Things
from kempsdk.desired_state import Kind
from kempsdk.errors import InvalidRequest
from kempsdk.fields import Switch, Table, Text, Words, field
from kempsdk.managers import Managers
from kempsdk.permissions import Account, Permission, write_permissions
from kempsdk.secret import Secret


class _Permissions(Words):
    def write(self, value: Any, *, name: str) -> str:
        super().write(value, name=name)
        return write_permissions(value)

    def same(self, asked: Any, got: object) -> bool:
        return {Permission(one) for one in asked} == got


_PERMISSIONS: Final = field("perms", "permissions", _Permissions())
_HOW: Final = ("password_file", "radius", "certificate")


def _permissions(settings: Settings) -> frozenset[Permission]:
    return frozenset(Permission(one) for one in settings.get("permissions", ()))


def _account_name(text: str) -> str:
    if not text:
        raise InvalidRequest("an account needs a name", field="name", value=text)
    return text


def _unknown(name: str, one: Account) -> list[str]:
    return [f"permission {word} of {name}: not known here" for word in one.unknown_permissions]


def _groups(hands: Managers, _names: Collection[str]) -> dict[str, object]:
    return {one.name: one for one in hands.user_groups.list()}


def _change_group(hands: Managers, name: str, settings: Settings, _now: object) -> None:
    hands.user_groups.set_permissions(name, _permissions(settings))


USER_GROUPS: Final = Things(
    key="user_groups",
    kind=Kind.USER_GROUP,
    table=Table([_PERMISSIONS]),
    name=_account_name,
    now=_groups,
    create=lambda hands, name, settings: hands.user_groups.create(
        name, permissions=_permissions(settings)
    ),
    update=_change_group,
    delete=lambda hands, name: hands.user_groups.delete(name),
    left_out=_unknown,
)
"""Groups of remote users."""


def _users(hands: Managers, _names: Collection[str]) -> dict[str, object]:
    return {one.name: one for one in hands.users.list()}


def _how_to_log_in(_name: str, settings: Settings) -> str | None:
    given = [one for one in _HOW if settings.get(one)]
    if len(given) != 1:
        return (
            "a new one needs one way to log in: password_file (the path of a file that holds the "
            "password), radius: true or certificate: true"
        )
    if given == ["password_file"] and not Path(settings["password_file"]).is_file():
        return f"its password_file {settings['password_file']} is no file"
    return None


def _add_user(hands: Managers, name: str, settings: Settings) -> None:
    password = None
    if file := settings.get("password_file"):
        password = _first_line(name, Path(file))
    hands.users.create(
        name,
        password=password,
        radius=bool(settings.get("radius")),
        permissions=_permissions(settings),
    )


def _first_line(name: str, path: Path) -> Secret:
    try:
        text = path.read_text(encoding="utf-8").partition("\n")[0].strip()
    except (OSError, UnicodeDecodeError):
        text = ""
    if not text:
        raise InvalidRequest(
            f"user {name}: {path} has no password in its first line", field="password_file"
        )
    return Secret(text)


def _change_user(hands: Managers, name: str, settings: Settings, _now: object) -> None:
    hands.users.set_permissions(name, _permissions(settings))


def _not_told(name: str, one: Account) -> list[str]:
    return [f"how user {name} logs in: not shown, or a secret", *_unknown(name, one)]


USERS: Final = Things(
    key="users",
    kind=Kind.USER,
    table=Table(
        [
            _PERMISSIONS,
            # How a user is made; no answer shows it.
            field("password", None, Text(), setting="password_file"),
            field("radius", None, Switch(), setting="radius"),
            field("nopass", None, Switch(), setting="certificate"),
        ]
    ),
    name=_account_name,
    now=_users,
    create=_add_user,
    update=_change_user,
    delete=lambda hands, name: hands.users.delete(name),
    refused=_how_to_log_in,
    left_out=_not_told,
)
"""Local users. The password of one that is there is never changed."""
