"""What users and groups of an appliance may do, and how answers tell it."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Final

from kempsdk.codec import MalformedAnswer, nothing_else, texts
from kempsdk.errors import will_not_do
from kempsdk.rows import find_rows
from kempsdk.transport.call import Tree


class Permission(str, Enum):
    """One permission; every user may read (vendor's interface description, 2022)."""

    REAL_SERVERS = "real"
    SERVICES = "vs"
    RULES = "rules"
    BACKUP = "backup"
    CERTIFICATES = "certs"
    INTERMEDIATES = "cert3"
    CERTIFICATE_BACKUP = "certbackup"
    USERS = "users"
    ROOT = "root"
    GEO = "geo"
    EXTENDED_SERVICES = "addvs"


_KNOWN: Final = {one.value: one for one in Permission}


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """A local user, or a group of remote ones.

    Attributes:
        unknown_permissions: words that this version does not know.
    """

    name: str
    permissions: frozenset[Permission] = frozenset()
    unknown_permissions: tuple[str, ...] = ()
    extra: Mapping[str, object] = field(default_factory=nothing_else, compare=False)


def write_permissions(permissions: Collection[Permission]) -> str:
    """Return permissions as one parameter; none at all is the empty text.

    Raises:
        InvalidRequest: something that is none.
    """
    # A list: what a file holds need not be hashable.
    if isinstance(permissions, str) or any(one not in [*_KNOWN] for one in permissions):
        raise will_not_do("permissions", permissions, f"some of {' '.join(_KNOWN)}")
    asked = {Permission(one) for one in permissions}
    return ",".join(one.value for one in Permission if one in asked)


def read_accounts(tree: Tree) -> tuple[Account, ...]:
    """Return the accounts of an answer.

    The vendor shows no such answer. ``Name`` and ``Perms`` are what clients read; the
    element around them may be called anything.

    Raises:
        MalformedAnswer: an answer without names, or permissions that are no list.
    """
    return tuple(_account(row) for row in find_rows(tree, "name"))


def _account(row: dict[str, object]) -> Account:
    name = " ".join(texts(row.pop("name")))
    if not name:
        raise MalformedAnswer("an account without a name")
    words = _words(row.pop("perms", ""))
    return Account(
        name=name,
        permissions=frozenset(_KNOWN[one] for one in words if one in _KNOWN),
        unknown_permissions=tuple(one for one in words if one not in _KNOWN),
        extra=row,
    )


def _words(value: object) -> list[str]:
    if isinstance(value, Mapping):
        # That v1 could print them as elements is a guess.
        value = [word for name in value for word in texts(value[name])]
    if not isinstance(value, str | list):
        raise MalformedAnswer("permissions that are no list")
    return " ".join(texts(value)).replace(",", " ").split()
