"""Settings on the command line: KEY=VALUE read by the types that are declared for them."""

import types
from collections.abc import Iterable, Mapping, Sequence
from enum import Enum
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

import click

from cli.command import nearest

_YES = ("yes", "y", "true", "on", "1")
_NO = ("no", "n", "false", "off", "0")


def parse(declared: type, settings: Iterable[str], *, what: str = "setting") -> dict[str, Any]:
    """Read ``KEY=VALUE`` texts by the fields of a TypedDict or dataclass.

    Args:
        declared: has a type for each key.
        what: how messages call a key.

    Raises:
        UsageError: unknown key, or a value of another type.
    """
    hints = get_type_hints(declared)
    values: dict[str, Any] = {}
    for setting in settings:
        key, separator, text = setting.partition("=")
        key = key.replace("-", "_")
        if not separator:
            raise click.UsageError(f"{setting!r}: write KEY=VALUE")
        if key not in hints:
            hint = nearest(key, list(hints)) or f"; known: {', '.join(sorted(hints))}"
            raise click.UsageError(f"unknown {what} {key!r}{hint}")
        values[key] = _value(key, text, hints[key])
    return values


def _value(key: str, text: str, hint: Any) -> object:
    origin = get_origin(hint)
    if origin in (Union, types.UnionType):
        # An empty text is "not set" where that is allowed.
        members = [one for one in get_args(hint) if one is not types.NoneType]
        optional = len(members) < len(get_args(hint))
        return None if optional and not text else _value(key, text, members[0])
    if origin is Literal:
        return _word(key, text, {str(one): one for one in get_args(hint)})
    if isinstance(origin, type) and issubclass(origin, Mapping):
        pairs = (part.partition(":") for part in text.split(",") if part)
        return {name: value for name, _, value in pairs}
    if isinstance(origin, type) and issubclass(origin, Sequence):
        return tuple(part for part in text.split(",") if part)
    if isinstance(hint, type) and issubclass(hint, Enum):
        return _word(key, text, {str(one.value): one for one in hint})
    if hint is bool:
        return _switch(key, text)
    if hint in (int, float):
        return _number(key, text, hint)
    return text


def _switch(key: str, text: str) -> bool:
    if text.lower() in _YES:
        return True
    if text.lower() in _NO:
        return False
    raise click.UsageError(f"{key}: {text!r} is neither yes nor no")


def _number(key: str, text: str, kind: type[int] | type[float]) -> int | float:
    try:
        return kind(text)
    except ValueError:
        raise click.UsageError(f"{key}: {text!r} is not a number") from None


def _word(key: str, text: str, words: Mapping[str, object]) -> object:
    if text not in words:
        hint = nearest(text, list(words))
        raise click.UsageError(f"{key}: {text!r} is not one of {', '.join(words)}{hint}")
    return words[text]


def given(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options that were really given."""
    return {key: value for key, value in options.items() if value is not None}
