"""Parts of the state that belong to one family of commands each.

A family declares a dataclass with ``@section``; the state holds one instance of it by name,
saves it, and restores it with the part of a backup that it belongs to.
"""

import typing
from collections.abc import Callable
from dataclasses import dataclass, is_dataclass
from typing import Any, Final, TypeVar

_Class = TypeVar("_Class")

BASE: Final = 1
SERVICES: Final = 2
GEO: Final = 4
SSO: Final = 8
NOT_IN_BACKUP: Final = 0


@dataclass(frozen=True, slots=True)
class SectionKind:
    """A declared section.

    Attributes:
        kind: its dataclass.
        part: the bit of ``restore``'s type that brings it back; 0 when a backup has it not.
    """

    kind: type[Any]
    part: int


SECTIONS: Final[dict[str, SectionKind]] = {}
_NAMES: Final[dict[type[Any], str]] = {}


def section(name: str, *, part: int) -> Callable[[type[_Class]], type[_Class]]:
    """Declare a dataclass, every field of which has a default, as a section of the state."""

    def register(kind: type[_Class]) -> type[_Class]:
        SECTIONS[name] = SectionKind(kind, part)
        _NAMES[kind] = name
        return kind

    return register


def name_of(kind: type[Any]) -> str:
    """Return the name that a section is stored under."""
    return _NAMES[kind]


def build(hint: Any, data: Any) -> Any:
    """Return what JSON data stands for: dataclasses, and lists and dictionaries of them.

    Raises:
        TypeError: the data is of another form.
        KeyError: a field is unknown.
    """
    arguments = typing.get_args(hint)
    origin = typing.get_origin(hint)
    if is_dataclass(hint) and isinstance(hint, type):
        hints = typing.get_type_hints(hint)
        return hint(**{name: build(hints[name], value) for name, value in data.items()})
    if origin is list:
        return [build(arguments[0], one) for one in data]
    if origin is dict:
        return {arguments[0](key): build(arguments[1], one) for key, one in data.items()}
    return data
