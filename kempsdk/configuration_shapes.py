"""The shapes of plain data, as YAML and JSON give it: what is wrong is told with its place."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from kempsdk.errors import InvalidRequest

Place = tuple[str | int, ...]
"""Keys and list positions that lead to a value in the file."""


class InvalidConfiguration(InvalidRequest):
    """The file says something that cannot be; nothing was sent that changes anything.

    Attributes:
        place: where in the file.
    """

    def __init__(
        self, message: str, *, place: Place, value: object = None, allowed: str | None = None
    ) -> None:
        where = " > ".join(str(one + 1 if isinstance(one, int) else one) for one in place)
        super().__init__(
            f"{where}: {message}" if where else message,
            field=str(place[-1]) if place else "configuration",
            value=value,
            allowed=allowed,
        )
        self.place = place
        self.reason = message


def mapping(data: object, place: Place, *, allowed: Sequence[str] | None = None) -> dict[str, Any]:
    """Return a mapping with texts as keys; nothing is an empty one.

    Args:
        data: what stands in the file.
        place: where.
        allowed: the keys that there are; None for any.

    Raises:
        InvalidConfiguration: something else.
    """
    if data is None:
        return {}
    if not isinstance(data, Mapping):
        raise InvalidConfiguration(f"{data!r} is not a mapping", place=place)
    for key in data:
        if not isinstance(key, str):
            raise InvalidConfiguration(f"the key {key!r} is not a text", place=place)
        if allowed is not None and key not in allowed:
            raise InvalidConfiguration(
                f"there is no {key!r} here", place=(*place, key), allowed=", ".join(allowed)
            )
    return dict(data)


def listed(data: object, place: Place) -> list[Any]:
    """Return a list; nothing is an empty one.

    Raises:
        InvalidConfiguration: something else.
    """
    if data is None:
        return []
    if not isinstance(data, list | tuple):
        raise InvalidConfiguration(f"{data!r} is not a list", place=place)
    return list(data)


@contextmanager
def placed(place: Place) -> Iterator[None]:
    """Tell the place of what a block refuses.

    Raises:
        InvalidConfiguration: in place of any other InvalidRequest.
    """
    try:
        yield
    except InvalidConfiguration:
        raise
    except InvalidRequest as error:
        raise InvalidConfiguration(
            str(error), place=place, value=error.value, allowed=error.allowed
        ) from None
