"""Objects that are tables of settings: LDAP end points, SSO domains, GEO objects.

What such a command does with a value that is out of range is not known; here it is ignored,
as addvs and modvs are seen to do.
"""

from collections.abc import Iterable, Mapping
from typing import Final

from kempsdk.emulator.answers import Members, Words
from kempsdk.emulator.attributes import Attribute, Kind, Setting
from kempsdk.emulator.values import Params, flag_of
from kempsdk.secret import MASK

Values = dict[str, Setting]


class Switch(Attribute):
    """A switch that is shown as 0 or 1."""

    __slots__ = ()

    def __init__(self, name: str, *, default: int = 0, optional: bool = False) -> None:
        super().__init__(name, Kind.NUMBER, default, high=1, optional=optional)

    def parse(self, given: str) -> Setting | None:
        flag = flag_of(given)
        return None if flag is None else int(flag)


class Secret(Attribute):
    """A secret: only that there is one is kept."""

    __slots__ = ()

    def __init__(self, name: str) -> None:
        super().__init__(name, Kind.TEXT, "", optional=True)

    def parse(self, given: str) -> Setting | None:
        return MASK if given else ""


def text(name: str, default: str = "", *, longest: int = 2047, optional: bool = True) -> Attribute:
    return Attribute(name, Kind.TEXT, default, longest=longest, optional=optional)


def word(name: str, default: str, words: Iterable[str]) -> Attribute:
    attribute = Attribute(name, Kind.TEXT, default)
    attribute.words = frozenset(words)
    return attribute


def number(name: str, low: int, high: int, default: int, *, zero: bool = False) -> Attribute:
    return Attribute(name, Kind.NUMBER, default, low=low, high=high, zero=zero)


def flag(name: str, *, default: bool = False) -> Attribute:
    return Attribute(name, Kind.FLAG, default)


class Table:
    """The settings of one kind of object, in the order in which they are shown."""

    def __init__(self, *attributes: Attribute, request: Mapping[str, str] | None = None) -> None:
        """Describe them.

        Args:
            request: names that requests give to settings which answers name otherwise.
        """
        self._attributes: Final = attributes
        self._asked: Final = request or {}

    def defaults(self) -> Values:
        return {one.name: _copy(one.default) for one in self._attributes}

    def apply(self, values: Values, params: Params) -> None:
        """Change an object's settings by a call's parameters."""
        for one in self._attributes:
            name = self._asked.get(one.name, one.name).lower()
            given = params.given(name)
            value = None if given is None else one.parse(given)
            if value is not None:
                values[one.name] = value

    def members(self, values: Values) -> Members:
        found: Members = []
        for one in self._attributes:
            value = values.get(one.name, one.default)
            if one.optional and not value:
                continue
            found.append(
                (one.name, Words("Opt", tuple(value)) if isinstance(value, list) else value)
            )
        return found


def _copy(value: Setting) -> Setting:
    return list(value) if isinstance(value, list) else value
