"""``kemp param``: the LoadMaster's global parameters."""

import click

from cli.command import group
from cli.connection import read_secret
from cli.render import Column
from cli.session import Session, pass_session


@group("Global parameters: get, set, list.")
def command() -> None:
    """Hold the verbs."""


@command.command()
@click.argument("name")
@pass_session
def get(session: Session, name: str) -> None:
    """Show the value of one parameter."""
    with session.load_master() as lm:
        value = lm.parameters.get(name)
    session.show({"name": name, "value": value}, details=lambda: _text(value), name=_text(value))


@command.command("set")
@click.argument("name")
@click.argument("value")
@pass_session
def set_parameter(session: Session, name: str, value: str) -> None:
    """Change one parameter and read it back; @FILE takes the value from a file."""
    from kempsdk.catalogue import find_parameter

    info = find_parameter(name)
    if value.startswith("@"):
        value = read_secret(value[1:], what="value")
    elif info is not None and info.secret:
        raise click.UsageError(
            f"{name} on the command line is seen by every user of this machine; "
            "write it to a file and give @FILE"
        )
    with session.load_master() as lm:
        now = lm.parameters.set(name, value)
    session.changed(f"{name} is now {_text(now)}", {"name": name, "value": now}, name=name)


@command.command("list")
@click.argument("pattern", required=False)
@pass_session
def list_parameters(session: Session, pattern: str | None) -> None:
    """List all parameters that are set, or those whose name contains PATTERN."""
    with session.load_master() as lm:
        found = lm.parameters.list()
    records = [
        {"name": name, "value": value}
        for name, value in found.items()
        if pattern is None or pattern.lower() in name.lower()
    ]
    session.show_list(
        records,
        (Column("NAME", "name"), Column("VALUE", "value")),
        row=dict,
        name=lambda one: str(one["name"]),
        empty="no such parameters",
    )


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return ",".join(map(str, value)) if isinstance(value, tuple) else str(value)
