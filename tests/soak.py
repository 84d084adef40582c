"""How long the tests of hazards run: a short form in CI, the long one under ``make soak``."""

import os

LONG = bool(os.environ.get("KEMP_SOAK"))


def runs(*, short: int, long: int) -> int:
    """Return how often to repeat what must never go wrong."""
    return long if LONG else short
