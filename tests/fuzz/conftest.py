"""How many examples: few in ``make test``, many in ``make fuzz``."""

import os

from hypothesis import settings

LONG = os.environ.get("KEMP_FUZZ") == "long"


def examples(short: int) -> settings:
    """Return the settings of a property that needs that many examples in the short form."""
    return settings(max_examples=20 * short if LONG else short, deadline=None)
