"""Options and arguments that several verbs of ``kemp host`` take."""

from collections.abc import Callable
from typing import Any

import click

from orchestrator.hosts.confirm_or_revert import REVERT_AFTER_S
from orchestrator.hosts.findings import MENDABLE


def which_hosts(verb: Callable[..., Any]) -> Callable[..., Any]:
    """Give a verb the ways to say which hosts it is about."""
    options = (
        click.argument("names", metavar="[HOST]...", nargs=-1),
        click.option(
            "-f",
            "--file",
            type=click.Path(dir_okay=False),
            metavar="FILE",
            help="Inventory or rollout file [KEMP_INVENTORY].",
        ),
        click.option("--all", "everything", is_flag=True, help="Every host that is in a pool."),
        click.option(
            "--group",
            "groups",
            multiple=True,
            metavar="POOL|LABEL=VALUE",
            help="The hosts of a pool, or those in pools that have a label of the inventory.",
        ),
        click.option(
            "--width",
            type=click.IntRange(1, 256),
            default=16,
            show_default=True,
            help="Hosts at the same time.",
        ),
    )
    for option in reversed(options):
        verb = option(verb)
    return verb


def local_options(verb: Callable[..., Any]) -> Callable[..., Any]:
    """Give a verb the ways to say what this machine is to carry."""
    options = (
        click.option(
            "--service",
            "services",
            multiple=True,
            metavar="PROTOCOL/VIP:PORT",
            help="What this machine is to carry, such as tcp/203.0.113.250:80.",
        ),
        click.option("--method", default="loopback", show_default=True),
        click.option("--interface", metavar="NAME", help="The default route's, unless named."),
        click.option("--address", metavar="ADDRESS", help="The interface's first, unless named."),
    )
    for option in reversed(options):
        verb = option(verb)
    return verb


adopt_option = click.option(
    "--adopt", is_flag=True, help="Take over files and settings that somebody else made."
)
mend_option = click.option(
    "--mend",
    multiple=True,
    type=click.Choice(MENDABLE),
    help="Mend this warning too: switch off what somebody else switched on.",
)
keep_going_option = click.option(
    "--keep-going", is_flag=True, help="Begin further hosts after one has failed."
)
revert_after_option = click.option(
    "--revert-after",
    "revert_after_s",
    type=click.IntRange(min=1),
    default=REVERT_AFTER_S,
    show_default=True,
    metavar="SECONDS",
    help="When a host takes back by itself what could have cut us off and was not confirmed "
    "over a new connection. Over ssh only.",
)
diff_option = click.option(
    "--diff/--no-diff", default=True, show_default=True, help="Show files before and after."
)
