"""Parameter values of all clients, read as the appliance reads them."""

import ipaddress
import re
from collections.abc import Iterator, Mapping
from typing import Final

from kempsdk.emulator.answers import missing

_TRUE: Final = frozenset({"y", "1", "yes", "true", "on"})
_FALSE: Final = frozenset({"n", "0", "no", "false", "off"})
_NOT_IN_XML: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
"""Characters that no XML document holds; an answer in v1 could not show them."""


def words(text: str) -> tuple[str, ...]:
    """Return the words of a text: a table of names that stays readable."""
    return tuple(text.split())


def flag_of(text: str) -> bool | None:
    """Return the boolean that v1 words and v2 booleans stand for; None for anything else."""
    word = text.strip().lower()
    if word in _TRUE:
        return True
    return False if word in _FALSE else None


def number_of(text: str) -> int | None:
    """Return a non-negative decimal number, or None."""
    text = text.strip()
    return int(text) if text.isascii() and text.isdigit() and len(text) < 16 else None


def address_of(text: str) -> str | None:
    """Return an IPv4 or IPv6 address in its canonical spelling, or None."""
    try:
        return str(ipaddress.ip_address(text.strip().strip("[]")))
    except ValueError:
        return None


def _spell(value: object) -> str | None:
    if value is None:
        return None
    if isinstance(value, bool):
        return "Y" if value else "N"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, (list, tuple)):
        return ",".join(part for part in map(_spell, value) if part is not None)
    return str(value)


class Params:
    """The parameters of one call; names are matched without case, values are texts.

    Characters that v1 cannot print are left out: a guess.
    """

    __slots__ = ("_values",)

    def __init__(self, values: Mapping[str, object]) -> None:
        self._values: dict[str, str] = {}
        for name, value in values.items():
            text = _spell(value)
            if text is not None:
                self._values[name.lower()] = _NOT_IN_XML.sub("", text)

    def get(self, name: str, default: str = "") -> str:
        """Return a value, or the default where it was not given."""
        return self._values.get(name, default)

    def given(self, name: str) -> str | None:
        """Return a value, None where it was not given."""
        return self._values.get(name)

    def need(self, name: str, kind: str = "String") -> str:
        """Return a mandatory value.

        Raises:
            Refusal: it is missing or empty.
        """
        value = self._values.get(name, "").strip()
        if not value:
            raise missing(name, kind)
        return value

    def flag(self, name: str) -> bool | None:
        """Return a boolean; None where it is missing or no boolean."""
        return flag_of(self._values.get(name, ""))

    def number(self, name: str) -> int | None:
        """Return a number; None where it is missing or no number."""
        return number_of(self._values.get(name, ""))

    def __contains__(self, name: str) -> bool:
        return name in self._values

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def items(self) -> list[tuple[str, str]]:
        return list(self._values.items())
