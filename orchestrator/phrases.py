"""How things are said to people, wherever they are said. Pure."""

from collections.abc import Sequence


def first_few(names: Sequence[str], most: int) -> str:
    """Return names in a row, and how many there are beyond the first ``most``."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return f"{', '.join(names[:most])}{more}"
