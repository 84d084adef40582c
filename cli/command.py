"""Commands and groups of ``kemp``: shared options, and nouns imported when they are used."""

import importlib
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import click
from click.shell_completion import CompletionItem

from cli.session import Session

FORMATS = ("table", "json", "yaml", "md", "name")
LOG_LEVELS = ("debug", "info", "warning", "error")


class Noun(NamedTuple):
    """A subcommand that is not imported until it is used."""

    module: str
    help: str
    attribute: str = "command"


class _CommonOption(click.Option):
    """An option that every command takes; ``kemp vs list --help`` shows it apart."""


def _remember(ctx: click.Context, param: click.Parameter, value: object) -> None:
    session = ctx.find_object(Session)
    if session is None or value is None or value is False or value == 0:
        return
    if param.name == "verbose":
        session.log_level = "info" if value == 1 else "debug"
    else:
        setattr(session, str(param.name), value)


def _common(*declarations: str, **attributes: Any) -> _CommonOption:
    return _CommonOption(declarations, expose_value=False, callback=_remember, **attributes)


def common_options() -> list[click.Parameter]:
    """Return new instances of the options that stand before or after any command."""
    return [
        _common("-o", "--output", type=click.Choice(FORMATS), help="Form of the data on stdout."),
        _common("-q", "--quiet", is_flag=True, help="No messages on stderr, only errors."),
        _common("--profile", metavar="NAME", help="Profile to use [KEMP_PROFILE]."),
        _common("--url", metavar="URL", help="Address of the LoadMaster [KEMP_URL]."),
        _common("--api", type=click.Choice(("auto", "v1", "v2")), help="API version [KEMP_API]."),
        _common(
            "--timeout",
            "timeout_s",
            type=click.FloatRange(min=0.1),
            metavar="SECONDS",
            help="Longest wait for one answer (10).",
        ),
        _common("-v", "--verbose", count=True, help="Log changes; twice: reads as well."),
        _common("--log-level", type=click.Choice(LOG_LEVELS), help="Log to stderr."),
        _common("--debug", is_flag=True, help="Show the traceback of an unexpected error."),
    ]


def _write_options(command: click.Command, ctx: click.Context, text: click.HelpFormatter) -> None:
    own: list[tuple[str, str]] = []
    shared: list[tuple[str, str]] = []
    for param in command.get_params(ctx):
        record = param.get_help_record(ctx)
        # Arguments stand in the usage line, and the text says what they mean.
        if record is not None and isinstance(param, click.Option):
            (shared if isinstance(param, _CommonOption) else own).append(record)
    for heading, records in (("Options", own), ("Common options", shared)):
        if records:
            with text.section(heading):
                text.write_dl(records)


class OutputClosed(Exception):
    """Whoever read our stdout has gone; there is nobody to tell."""


class Command(click.Command):
    """A verb: its own options and the common ones."""

    def __init__(self, *args: Any, **attributes: Any) -> None:
        super().__init__(*args, **attributes)
        self.params.extend(common_options())

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        _write_options(self, ctx, formatter)

    def invoke(self, ctx: click.Context) -> object:
        """Run the verb with logging set up, and write everything out."""
        session = ctx.find_object(Session)
        if session is not None:
            from cli import logs

            logs.configure(session.log_level or ("error" if session.quiet else "warning"))
        try:
            result = super().invoke(ctx)
            sys.stdout.flush()
        except BrokenPipeError:
            # click would end with 1, which is our code for a defect.
            raise OutputClosed from None
        return result


class Group(click.Group):
    """A noun: its verbs."""

    command_class = Command
    group_class = type

    def __init__(self, *args: Any, **attributes: Any) -> None:
        super().__init__(*args, **attributes)
        self.params.extend(common_options())

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        self.format_commands(ctx, formatter)
        _write_options(self, ctx, formatter)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and not args[0].startswith("-") and self.get_command(ctx, args[0]) is None:
            ctx.fail(f"no command {args[0]!r}{nearest(args[0], self.list_commands(ctx))}")
        return super().resolve_command(ctx, args)


class LazyGroup(Group):
    """The root: nouns known by name and help text, imported one at a time."""

    def __init__(self, *args: Any, nouns: Mapping[str, Noun], **attributes: Any) -> None:
        super().__init__(*args, **attributes)
        self.nouns = nouns

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return list(self.nouns)

    def get_command(
        self,
        ctx: click.Context,  # noqa: ARG002 - click's signature
        cmd_name: str,
    ) -> click.Command | None:
        noun = self.nouns.get(cmd_name)
        if noun is None:
            return None
        command = getattr(importlib.import_module(noun.module), noun.attribute)
        assert isinstance(command, click.Command)  # noqa: S101 - a promise of our own modules
        return command

    def format_commands(
        self,
        ctx: click.Context,  # noqa: ARG002 - click's signature
        formatter: click.HelpFormatter,
    ) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, noun.help) for name, noun in self.nouns.items()])

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        found = [
            CompletionItem(name, help=noun.help)
            for name, noun in self.nouns.items()
            if name.startswith(incomplete)
        ]
        return found or click.Command.shell_complete(self, ctx, incomplete)


def nearest(word: str, known: Sequence[str]) -> str:
    """Return `` (did you mean "x"?)`` for the word most like it, or nothing."""
    from difflib import get_close_matches

    close = get_close_matches(word.lower(), known, n=1)
    return f' (did you mean "{close[0]}"?)' if close else ""


def group(text: str) -> Callable[[Callable[..., Any]], Group]:
    """Return a decorator that makes a noun with this help text."""
    return click.group(cls=Group, help=text)


def run_alone(ctx: click.Context, verb: click.Command, *argv: str) -> object:
    """Run a verb of the noun ``ctx``, which was typed without one."""
    with verb.make_context(verb.name, list(argv), parent=ctx) as inner:
        return verb.invoke(inner)
