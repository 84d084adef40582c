"""``kemp config-export``, ``kemp diff`` and ``kemp apply``: a whole LoadMaster as a file."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cli.command import Command
from cli.exit_codes import ExitCode, Failure
from cli.options import yes_option
from cli.session import Session, pass_session

if TYPE_CHECKING:
    from kempsdk.desired_state import Change
    from orchestrator.marked_yaml import MarkedDocument

_Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]

_file_option: _Decorator = click.option(
    "-f",
    "--file",
    "file",
    type=click.Path(dir_okay=False, path_type=Path),
    required=True,
    metavar="FILE",
    help="What the LoadMaster is to be: YAML or JSON.",
)
_prune_option: _Decorator = click.option(
    "--prune",
    multiple=True,
    metavar="KIND/NAME",
    help="Delete this, which the file does not mention; may be repeated.",
)

_allow_option: _Decorator = click.option(
    "--allow",
    multiple=True,
    metavar="KIND/NAME",
    help="Make this change, although it can cut you off; may be repeated.",
)

_SIGNS = {"create": ("+", "green"), "update": ("~", "yellow"), "delete": ("-", "red")}


@click.command("config-export", cls=Command)
@click.option(
    "--out", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE", help="Where to."
)
@click.option("--only", "parts", multiple=True, metavar="PART", help="Only this part; repeatable.")
@click.option("--left-out", is_flag=True, help="List on stderr what is not in the file, and why.")
@pass_session
def export_command(
    session: Session, out: Path | None, parts: tuple[str, ...], left_out: bool
) -> None:
    """Write the configuration as YAML, or as JSON with -o json.

    PART is a key at the top of the file: services, rules, interfaces, users, and so on.
    Secrets are not in it, nor what tells one LoadMaster from another.
    """
    from cli.render import as_json, write
    from kempsdk.configuration import PARTS, export

    if session.output in ("table", "name"):
        raise click.UsageError("a configuration is YAML or JSON: -o yaml or -o json")
    with session.load_master() as lm:
        saved = export(lm, parts or PARTS)
    text = as_json(saved.data) + "\n" if session.output == "json" else saved.to_yaml()
    if out is None:
        write(text.rstrip("\n"))
    else:
        session.keep(out, text, what="configuration")
    if left_out:
        for one in saved.left_out:
            session.say(f"left out: {one}")
    elif saved.left_out:
        session.say(f"{len(saved.left_out)} things are not in it; --left-out lists them")


@click.command("diff", cls=Command)
@_file_option
@_prune_option
@pass_session
def diff_command(session: Session, file: Path, prune: tuple[str, ...]) -> ExitCode:
    """Show what apply would change; changes nothing.

    Ends with 0 when the LoadMaster is as the file says, and with 9 (drift) when not. What
    the file does not mention is not looked at.
    """
    from cli.render import as_json, as_yaml, write
    from kempsdk.configuration import diff

    document = _read(file)
    with session.load_master() as lm, _lines(document):
        changes = diff(lm, document.data, prune=prune)
    if session.output == "json":
        write(as_json([_record(one) for one in changes]))
    elif session.output == "yaml":
        write(as_yaml([_record(one) for one in changes]))
    elif session.output == "name":
        for one in changes:
            write(f"{one.kind.value}/{one.name}")
    elif changes:
        write(changes_text(changes, colour=session.colour))
    if not changes:
        session.say("nothing to change")
        return ExitCode.OK
    session.say(_count(changes))
    return ExitCode.DRIFT


@click.command("apply", cls=Command)
@_file_option
@_prune_option
@_allow_option
@yes_option
@pass_session
def apply_command(
    session: Session, file: Path, prune: tuple[str, ...], allow: tuple[str, ...], yes: bool
) -> ExitCode:
    """Make the LoadMaster as the file says, and read it back.

    The changes are shown first, on stderr, and go ahead when their number is typed. It
    stops at the first failure; run it again to go on. Changes that can cut you off, of an
    interface's address or the default gateway for instance, need --allow.
    """
    from kempsdk.configuration import ConfigurationMoved, apply, check_allowed, diff

    document = _read(file)
    made: list[Change] = []

    def done(change: "Change") -> None:
        made.append(change)
        session.say(f"done: {_headline(change)}")

    with session.load_master() as lm:
        with _lines(document):
            changes = diff(lm, document.data, prune=prune)
        if changes:
            click.echo(changes_text(changes, colour=False), err=True)
            check_allowed(changes, allow)
            where = session.address or "the LoadMaster"
            session.confirm(f"{_count(changes)} on {where}.", str(len(changes)), yes=yes)
            try:
                apply(
                    lm,
                    document.data,
                    prune=prune,
                    allow=allow,
                    expected=changes,
                    on_change=done,
                )
            except ConfigurationMoved as error:
                raise Failure(f"{error}; nothing was changed", ExitCode.DRIFT) from None
            except Exception:
                session.warn(f"{len(made)} of {len(changes)} changes were made before this:")
                raise
    if not changes:
        session.say("nothing to change")
    session.changed(
        f"{_count(made)} made" if made else "",
        {"changes": [_record(one) for one in made]},
        name="\n".join(f"{one.kind.value}/{one.name}" for one in made),
    )
    return ExitCode.OK


def changes_text(changes: Sequence["Change"], *, colour: bool) -> str:
    """Return changes for people: what is made (+), changed (~) and deleted (-)."""
    lines: list[str] = []
    for one in changes:
        head = _headline(one)
        lines.append(
            click.style(head, fg=_SIGNS[one.action.value][1], bold=True) if colour else head
        )
        for each in one.differences:
            new = one.action.value == "create"
            before = "" if new else f"{_shown(each.before)} -> "
            lines.append(f"    {each.field}: {before}{_shown(each.after)}")
    return "\n".join(lines)


def _headline(change: "Change") -> str:
    said = f"{_SIGNS[change.action.value][0]} {change.kind.value} {_printable(change.name)}"
    return f"{said} (can cut you off)" if change.guarded else said


def _count(changes: Sequence["Change"]) -> str:
    return "1 change" if len(changes) == 1 else f"{len(changes)} changes"


def _shown(value: object) -> str:
    if value is None or value == "":
        return "(not set)"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return " ".join(_printable(str(one)) for one in value) or "(none)"
    return _printable(str(value))


def _printable(text: str) -> str:
    # What stands on the appliance must not move the cursor.
    return text if text.isprintable() else text.encode("unicode_escape").decode("ascii")


def _record(change: "Change") -> Mapping[str, object]:
    return {
        "kind": change.kind.value,
        "name": change.name,
        "action": change.action.value,
        "guarded": change.guarded,
        "differences": [
            {"field": one.field, "before": one.before, "after": one.after}
            for one in change.differences
        ],
    }


def _read(file: Path) -> "MarkedDocument":
    from orchestrator.marked_yaml import parse

    try:
        text = file.read_text(encoding="utf-8")
    except OSError as error:
        raise Failure(f"{file}: {error.strerror}", ExitCode.INVALID_FILE) from None
    except UnicodeDecodeError:
        raise Failure(f"{file}: not UTF-8", ExitCode.INVALID_FILE) from None
    return parse(text, path=str(file))


@contextmanager
def _lines(document: "MarkedDocument") -> Iterator[None]:
    """Tell of mistakes with the line they stand on."""
    from kempsdk.configuration import InvalidConfiguration

    try:
        yield
    except InvalidConfiguration as error:
        known = f" (known: {error.allowed})" if error.allowed else ""
        told = str(error)
        document.fail(error.place, told if (error.allowed or "") in told else told + known)
