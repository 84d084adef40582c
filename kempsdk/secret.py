"""A text that must not be shown: passwords and API keys travel wrapped in it."""

from typing import Final

MASK: Final = "********"


class Secret:
    """Holds a credential; only ``reveal()`` gives it out, everything else shows a mask."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """Return the credential. Call it where it goes on the wire, nowhere else."""
        return self._value

    def __repr__(self) -> str:
        return f"Secret({MASK!r})"

    def __str__(self) -> str:
        return MASK

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._value == self._value

    def __hash__(self) -> int:
        return hash((Secret, self._value))

    def __reduce__(self) -> tuple[object, ...]:
        # Pickling would write the plain text into whatever store asked for it.
        raise TypeError("a Secret is not to be stored")
