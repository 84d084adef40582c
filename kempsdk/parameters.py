"""The global parameters: get, set, getall."""

import re
from collections.abc import Mapping, Sequence
from typing import Final

from kempsdk.appliance import Appliance, not_found
from kempsdk.codec import XmlTree
from kempsdk.errors import FieldDifference, WriteNotApplied
from kempsdk.transport.call import ParamValue, Tree

Value = str | int | bool | tuple[str, ...]
"""A parameter: a switch is a bool, a number an int, a list a tuple, all else a text."""

_NUMBER: Final = re.compile(r"-?(0|[1-9]\d{0,17})")
_SWITCHES: Final = {"yes": True, "no": False}
_HIDDEN: Final = "********"
_LISTS: Final = frozenset({"nameserver", "searchlist"})
"""Parameters that v2 prints as an array and v1 with commas between the entries."""


class Parameters:
    """The global parameters of one LoadMaster: ``lm.parameters``. Names have no case."""

    def __init__(self, appliance: Appliance) -> None:
        self._appliance = appliance

    def get(self, name: str) -> Value:
        """Return one parameter; credentials come as ``********``.

        Raises:
            NotFound: the appliance knows no such parameter.
        """
        found = self._appliance.read("get", {"param": name}, _values, target=name)
        # The answer's key has the appliance's own spelling.
        for key, value in found.items():
            if key.lower() == name.lower():
                return value
        raise not_found(f"the answer does not hold parameter {name!r}", command="get", target=name)

    def list(self) -> Mapping[str, Value]:
        """Return all parameters that are set, by the appliance's spelling. One call."""
        return self._appliance.read("getall", {}, _values)

    def set(self, name: str, value: ParamValue | Sequence[str]) -> Value:
        """Change one parameter and return it as it is now. Changes the device.

        Args:
            name: the parameter.
            value: a bool for a switch; a list for parameters that hold several.

        Raises:
            InvalidRequest: not in the range or among the words that the catalogue has for
                it; nothing was sent.
            NotFound: the appliance knows no such parameter.
            OutcomeUnknown: no answer; ``get`` tells.
            WriteNotApplied: the appliance made something else of it.
        """
        plain: ParamValue = value if isinstance(value, str | int) else " ".join(value)
        params = {"param": name, "value": plain}
        _check(name, params)
        self._appliance.write("set", params, target=name)
        now = self.get(name)
        if now != _HIDDEN and _comparable(plain) != _comparable(now):
            shown = FieldDifference(name, plain, now)
            raise WriteNotApplied(
                f"parameter {shown}", differences=[shown], command="set", target=name
            )
        return now


def same_value(one: Value | None, other: Value | None) -> bool:
    """Return whether two spellings mean the same; None is not set."""
    return _comparable("" if one is None else one) == _comparable("" if other is None else other)


def check_value(name: str, value: ParamValue) -> None:
    """Check a value of a parameter that the catalogue knows.

    Raises:
        InvalidRequest: out of its range, or not among its words.
    """
    _check(name, {"param": name, "value": value})


def _check(name: str, params: Mapping[str, ParamValue]) -> None:
    # Here, so that scripts which set nothing never load the catalogue.
    from kempsdk.catalogue import find_parameter
    from kempsdk.catalogue.validation import check

    if find_parameter(name) is not None:
        check("set", params)


def _values(tree: Tree) -> dict[str, Value]:
    return {name: _value(name, one) for name, one in tree.items()}


def _value(name: str, raw: object) -> Value:
    if isinstance(raw, XmlTree):
        return raw.markup()  # a text that holds HTML, printed without escapes
    if isinstance(raw, list | tuple):
        return tuple(word for one in raw for word in _words(str(one)))
    if isinstance(raw, int):
        return raw
    text = str(raw).strip()
    if name.lower() in _LISTS:
        return _words(text)
    if text in _SWITCHES:
        return _SWITCHES[text]
    return int(text) if _NUMBER.fullmatch(text) else text


def _comparable(value: Value) -> tuple[str, ...]:
    if isinstance(value, bool):
        return ("1" if value else "0",)
    if isinstance(value, tuple):
        return tuple(value)
    text = str(value).strip()
    word = {"yes": "1", "no": "0", "y": "1", "n": "0"}.get(text.lower())
    return (word,) if word else _words(text)


def _words(text: str) -> tuple[str, ...]:
    return tuple(one for one in re.split(r"[,\s]+", text) if one)
