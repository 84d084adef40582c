"""Options that commands of several nouns take."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

yes_option = click.option("--yes", is_flag=True, help="Do not ask.")
interval_option = click.option(
    "--interval",
    "interval_s",
    type=click.FloatRange(min=0.1),
    default=5.0,
    show_default=True,
    metavar="S",
    help="Between two looks; the LoadMaster counts every 5 s.",
)


def html_option(words: str) -> Callable[[Any], Any]:
    """Take the file that a page is written to."""
    return click.option(
        "--html", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE", help=words
    )


def time_scale_option(default: float, words: str) -> Callable[[Any], Any]:
    """Take how fast a virtual LoadMaster's time goes."""
    return click.option(
        "--time-scale",
        type=click.FloatRange(min=0, min_open=True),
        default=default,
        show_default=True,
        help=words,
    )
