"""How values of the journal are said to people."""

from collections.abc import Mapping
from typing import Any


def word(value: Any) -> str:
    """Return a value as a person would write it."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)


def differences(
    before: Mapping[str, Any], after: Mapping[str, Any], *, was: str, now: str
) -> tuple[str, ...]:
    """Return each name that has another value: ``weight: left as 1000, found 3``."""
    return tuple(
        f"{key}: {was} {word(before.get(key))}, {now} {word(after.get(key))}"
        for key in sorted({*before, *after})
        if before.get(key) != after.get(key)
    )
