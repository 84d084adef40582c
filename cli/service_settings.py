"""The options that say how a virtual service is to be, shared by create and set."""

from collections.abc import Callable, Mapping
from typing import Any

import click

from cli.settings import given, parse

_Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]

_OPTIONS: tuple[_Decorator, ...] = (
    click.option("--name", "nickname", metavar="NAME", help="Nickname."),
    click.option("--l4", is_flag=True, help="Layer 4 (ForceL4), as DSR needs."),
    click.option("--force-l7", is_flag=True, help="Layer 7 (ForceL7)."),
    click.option("--transparent/--no-transparent", default=None, help="Keep client addresses."),
    click.option(
        "--subnet-originating/--no-subnet-originating",
        default=None,
        help="Use an address of the LoadMaster as source.",
    ),
    click.option("--type", "type", metavar="TYPE", help="gen, http, http2, ts, tls or log."),
    click.option("--schedule", metavar="WORD", help="rr, wrr, lc, wlc, fixed, sh, ..."),
    click.option("--persist", metavar="WORD", help="src, cookie, super, ...; none ends it."),
    click.option("--persist-timeout", "persist_timeout_s", type=int, metavar="S"),
    click.option("--idle-timeout", "idle_timeout_s", type=int, metavar="S"),
    click.option("--check", "check_type", metavar="WORD", help="http, tcp, icmp, none, ..."),
    click.option("--check-port", type=int, metavar="PORT"),
    click.option("--check-url", metavar="PATH"),
    click.option("--check-host", metavar="HOST", help="Host header; needs --check-http11."),
    click.option("--check-http11/--check-http10", "check_use_http11", default=None),
    click.option("--check-method", metavar="WORD", help="head, get, post or options."),
    click.option("--check-codes", metavar="CODES", help="Further codes that count as good."),
    click.option("--check-interval", "check_interval_s", type=int, metavar="S"),
    click.option("--check-timeout", "check_timeout_s", type=int, metavar="S"),
    click.option("--check-retries", type=int, metavar="N"),
    click.option("--enabled/--disabled", "enable", default=None),
    click.option(
        "--set", "more", multiple=True, metavar="KEY=VALUE", help="Any other setting of the SDK."
    ),
)


def service_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options of a service; it gets them as keyword arguments."""
    for option in reversed(_OPTIONS):
        function = option(function)
    return function


def chosen(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings as the SDK names them, only those that were given.

    Raises:
        UsageError: an unknown setting, or a value of another type.
    """
    from kempsdk.settings import VsSettings

    settings = given(options)
    l4, l7, more = (
        settings.pop("l4", False),
        settings.pop("force_l7", False),
        settings.pop("more", ()),
    )
    if l4 and l7:
        raise click.UsageError("--l4 and --force-l7 exclude each other")
    if l4 or l7:
        settings["force_l4" if l4 else "force_l7"] = True
    words = [f"{key}={settings.pop(key)}" for key in list(settings) if key in _WORDS]
    return {**settings, **parse(VsSettings, [*words, *more])}


_WORDS = ("nickname", "type", "schedule", "persist", "check_type", "check_method", "check_codes")
"""Options read like --set: the SDK declares their words, and a wrong one lists them."""
