"""What commands that make load of their own say of it."""

from collections.abc import Callable
from typing import Any

import click


def rate_option(default: float) -> Callable[[Any], Any]:
    return click.option(
        "--rate",
        type=click.FloatRange(1, 500),
        default=default,
        show_default=True,
        help="HTTP requests begun per second.",
    )


def downloads_option(
    default: int, words: str = "Downloads kept under way."
) -> Callable[[Any], Any]:
    return click.option(
        "--downloads",
        type=click.IntRange(0, 50),
        default=default,
        show_default=True,
        help=words,
    )
