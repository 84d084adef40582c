"""How one field is read from the wire, written to it, and compared.

A table of ``Field`` describes an object; nothing else knows the wire's names.
"""

import re
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final, Protocol

from kempsdk.codec import MalformedAnswer, texts
from kempsdk.errors import FieldDifference, InvalidRequest, will_not_do
from kempsdk.references import check_address
from kempsdk.transport.call import ParamValue


class Kind(Protocol):
    """A way to spell values. ``default`` is what a missing field means."""

    @property
    def default(self) -> object: ...

    # A property, so that a kind may use a function of C as it is.
    @property
    def read(self) -> Callable[[Any], object]:
        """What returns the value of a field; ValueError, TypeError or KeyError without one."""
        ...

    def write(self, value: object, *, name: str) -> ParamValue:
        """Return the parameter for a value.

        Raises:
            InvalidRequest: the appliance would refuse or ignore it.
        """
        ...

    def same(self, asked: object, got: object) -> bool:
        """Return whether ``got`` is what the appliance makes of ``asked``."""
        ...


_SWITCHES: Final[dict[object, bool]] = {
    **dict.fromkeys(("Y", "y", "1", "yes", "Yes", "true", "True", True), True),
    **dict.fromkeys(("N", "n", "0", "no", "No", "false", "False", False, ""), False),
}


class Switch:
    """Y/N, 1/0, yes/no in v1; true/false in v2."""

    default: object = False
    # In C: switches are every third field of a list of thousands.
    read = staticmethod(_SWITCHES.__getitem__)

    def write(self, value: object, *, name: str) -> bool:
        if not isinstance(value, bool):
            raise will_not_do(name, value, "True or False")
        return value

    def same(self, asked: object, got: object) -> bool:
        return asked is got


_MOST_DIGITS: Final = 20
"""Of the largest counter of 64 bits."""


class _Numbers(dict[object, int]):
    """Whole numbers as the wire writes them: small ones are looked up, in C."""

    def __missing__(self, raw: object) -> int:
        if isinstance(raw, str):
            # What int takes besides, like 1_000, is not how an appliance writes numbers.
            if len(raw) <= _MOST_DIGITS and raw.isascii() and "_" not in raw:
                return int(raw)
        elif isinstance(raw, int) and -(2**64) < raw < 2**64:
            return raw
        raise ValueError("no whole number")


_NUMBERS: Final = _Numbers({one: n for n in range(2048) for one in (n, str(n))})


@dataclass(frozen=True, slots=True)
class Number:
    """A whole number; some are strings in v2.

    Attributes:
        low, high: what is accepted.
        also: further values, like 0 for "the global setting".
        step: values must be multiples of it.
        ignored: asked values that the appliance stores as something else on purpose.
    """

    low: int = 0
    high: int = 2**31 - 1
    also: tuple[int, ...] = ()
    step: int = 1
    ignored: tuple[int, ...] = ()
    default: object = 0

    read = staticmethod(_NUMBERS.__getitem__)

    def write(self, value: object, *, name: str) -> int:
        if isinstance(value, bool) or not isinstance(value, int):
            raise will_not_do(name, value, self.allowed)
        in_range = self.low <= value <= self.high and value % self.step == 0
        if not in_range and value not in self.also:
            raise will_not_do(name, value, self.allowed)
        return value

    def same(self, asked: object, got: object) -> bool:
        return asked == got or asked in self.ignored

    @property
    def allowed(self) -> str:
        """The range in words."""
        others = "".join(f"{one}, or " for one in self.also if not self.low <= one <= self.high)
        steps = f" in steps of {self.step}" if self.step != 1 else ""
        return f"{others}{self.low} to {self.high}{steps}"


class Word:
    """One of a closed set.

    Attributes:
        codes: the wire's spelling where it is not the word itself.
    """

    def __init__(
        self,
        words: type[Enum],
        *,
        default: Enum,
        other: Enum,
        codes: Mapping[str, Enum] | None = None,
    ) -> None:
        self.default: object = default
        self._words = words
        self.other = other
        self._coded = codes is not None
        self._read: dict[object, Enum] = {}
        for one in words:
            self._read[one.value] = one
            self._read[str(one.value).lower()] = one  # stats writes states in lower case
        if codes is not None:
            self._read = {code: one for code, one in codes.items()}  # noqa: C416 - dict() keeps the key type
            self._read.update((int(code), one) for code, one in codes.items())
        self._write = {one: code for code, one in (codes or {}).items()}
        self._read.setdefault("", default)

    def read(self, raw: object) -> Enum:
        if not isinstance(raw, Hashable):
            raise MalformedAnswer("something nested where a word is expected")
        found = self._read.get(raw)
        return found if found is not None else self._read.get(str(raw).strip(), self.other)

    def write(self, value: object, *, name: str) -> str:
        allowed = [str(one.value) for one in self._words if one is not self.other]
        word = str(value.value) if isinstance(value, Enum) else value
        if word not in allowed:
            raise will_not_do(name, word, "one of " + ", ".join(one for one in allowed if one))
        return self._write[self._words(word)] if self._coded else str(word)

    def same(self, asked: object, got: object) -> bool:
        return self._words(asked) is got


@dataclass(frozen=True, slots=True)
class Text:
    """A text; None where it is unset, and to unset it.

    Attributes:
        longest: most characters accepted.
        pattern: what it must look like.
        hint: the pattern in words.
    """

    longest: int = 8099
    pattern: re.Pattern[str] | None = None
    hint: str = ""
    default: object = None

    def read(self, raw: object) -> object:
        if isinstance(raw, str):
            return raw.strip() or self.default
        if not isinstance(raw, int | float):
            raise TypeError("no text")
        return str(raw)

    def write(self, value: object, *, name: str) -> str:
        if value is None:
            return ""
        if not isinstance(value, str):
            raise will_not_do(name, value, "a text")
        if len(value) > self.longest:
            raise will_not_do(name, value, f"at most {self.longest} characters")
        if value and self.pattern is not None and not self.pattern.fullmatch(value):
            raise will_not_do(name, value, self.hint)
        return value

    def same(self, asked: object, got: object) -> bool:
        return (asked or None) == got


class HeaderList(Text):
    """Name:value pairs, written with ``|`` between them and stored with blanks."""

    def same(self, asked: object, got: object) -> bool:
        return _pairs(asked) == _pairs(got)


def _pairs(value: object) -> list[str]:
    return str(value or "").replace("|", " ").split()


class Address:
    """An IP address, or None."""

    default: object = None

    def read(self, raw: object) -> str | None:
        text = str(raw).strip()
        return check_address(text, field="address") if text else None

    def write(self, value: object, *, name: str) -> str:
        return "" if value in (None, "") else check_address(str(value), field=name)

    def same(self, asked: object, got: object) -> bool:
        return (self.write(asked, name="") or None) == got


@dataclass(frozen=True, slots=True)
class Words:
    """A list of words: an array, a wrapper, or one text with separators.

    Attributes:
        joiner: what is written between them.
        ordered: whether their order means anything.
        numbers: if they are numbers, the range of each.
    """

    joiner: str = " "
    ordered: bool = True
    numbers: tuple[int, int] | None = None
    default: object = ()

    def read(self, raw: object) -> tuple[str, ...]:
        if isinstance(raw, str):
            return tuple(one for one in re.split(r"[\s,;]+", raw) if one)
        return texts(raw)

    def write(self, value: object, *, name: str) -> str:
        if isinstance(value, str) or not isinstance(value, Sequence):
            raise will_not_do(name, value, "a list of words")
        if self.numbers is not None:
            low, high = self.numbers
            for one in value:
                if not (str(one).isascii() and str(one).isdigit() and low <= int(one) <= high):
                    raise will_not_do(name, one, f"numbers, {low} to {high}")
        return self.joiner.join(str(one) for one in value)

    def same(self, asked: object, got: object) -> bool:
        left, right = self.read(self.write(asked, name="")), got
        if self.ordered or not isinstance(right, tuple):
            return left == right
        return sorted(left) == sorted(right)


@dataclass(frozen=True, slots=True)
class Field:
    """One field of an object.

    Attributes:
        wire: its name in answers.
        attribute: its name in the model, None if the model does not carry it.
        kind: how it is spelled.
        setting: its name as a keyword, None if it cannot be written.
        request: its name in requests.
        shown: whether answers are known to show it; if not, a missing one proves nothing.
    """

    wire: str
    attribute: str | None
    kind: Kind
    setting: str | None
    request: str
    shown: bool = True


def field(
    wire: str,
    attribute: str | None,
    kind: Kind,
    *,
    setting: str | None = None,
    request: str | None = None,
    read_only: bool = False,
    shown: bool = True,
) -> Field:
    """Describe a field; the keyword is the attribute's name unless said otherwise."""
    keyword = None if read_only else setting or attribute
    return Field(wire, attribute, kind, keyword, request or wire, shown)


class Table:
    """The fields of one kind of object."""

    def __init__(self, fields: Sequence[Field]) -> None:
        self.fields = tuple(fields)
        self.by_setting = {one.setting: one for one in fields if one.setting is not None}
        self._read = [
            (one.wire, one.attribute, one.kind.read, one.kind.default)
            for one in fields
            if one.attribute is not None and not isinstance(one.kind, Word)
        ]
        self._words = [
            (one.wire, one.attribute, one.kind)
            for one in fields
            if one.attribute is not None and isinstance(one.kind, Word)
        ]

    def read(self, fields: dict[str, object]) -> dict[str, Any]:
        """Take the fields it knows out of ``fields`` and return them by attribute.

        Words that it does not know stay in ``fields``.

        Raises:
            MalformedAnswer: a field holds something else than its kind.
        """
        take = fields.pop
        values: dict[str, Any] = {}
        for wire, attribute, read, default in self._read:
            raw = take(wire, None)
            if raw is None:
                values[attribute] = default
                continue
            try:
                values[attribute] = read(raw)
            except (ValueError, TypeError, KeyError, InvalidRequest):
                values[attribute] = _read_again(wire, raw, read, default)
        for wire, attribute, kind in self._words:
            raw = take(wire, None)
            values[attribute] = value = kind.default if raw is None else kind.read(raw)
            if value is kind.other and raw is not None:
                fields[wire] = raw
        return values


def _read_again(wire: str, raw: object, read: Callable[[Any], object], default: object) -> object:
    # The fast way takes values as they are. White space around them is rare, and so are
    # an empty text or (in very old firmware) an N for a number that is not set.
    cleaned = raw.strip() if isinstance(raw, str) else raw
    if cleaned in ("", "N"):
        return default
    try:
        return read(cleaned)
    except (ValueError, TypeError, KeyError, InvalidRequest):
        raise MalformedAnswer(f"{wire} holds something unexpected") from None


def write_settings(
    table: Table, settings: Mapping[str, object], *, allowed: frozenset[str] | None = None
) -> dict[str, ParamValue]:
    """Return the parameters for settings, checked.

    Args:
        table: the object's fields.
        settings: values by keyword.
        allowed: keywords that may be given; None for all of the table.

    Raises:
        InvalidRequest: an unknown keyword or a value out of its range.
    """
    params: dict[str, ParamValue] = {}
    for name, value in settings.items():
        known = table.by_setting.get(name)
        if known is None or (allowed is not None and name not in allowed):
            choice = allowed if allowed is not None else table.by_setting
            raise InvalidRequest(
                f"{name!r} is not a setting here; there are: {', '.join(sorted(choice))}",
                field=name,
                value=value,
            )
        params[known.request] = known.kind.write(value, name=name)
    return params


def compare(table: Table, asked: Mapping[str, object], got: object) -> tuple[FieldDifference, ...]:
    """Return where a model is not what was asked for.

    Args:
        table: the object's fields.
        asked: values by keyword, already checked.
        got: the model that was read back.
    """
    differences = []
    for name, value in asked.items():
        known = table.by_setting[name]
        if known.attribute is None:
            continue
        now = getattr(got, known.attribute)
        if known.kind.same(value, now) or (not known.shown and now == known.kind.default):
            continue
        differences.append(FieldDifference(name, value, now))
    return tuple(differences)
