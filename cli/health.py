"""``kemp health``: the timers of the LoadMaster's health checks."""

import click

from cli.command import Group, run_alone
from cli.render import details, plain
from cli.session import Session, pass_session
from cli.settings import given


@click.group(
    cls=Group,
    invoke_without_command=True,
    help="Timers of the health checks; without a verb: show.",
)
@click.pass_context
def command(ctx: click.Context) -> None:
    """Show them, where no verb says otherwise."""
    if ctx.invoked_subcommand is None:
        run_alone(ctx, show)


@command.command()
@pass_session
def show(session: Session) -> None:
    """Show the global timers."""
    with session.load_master() as lm:
        timers = lm.health_checks.get()
    record = _record(timers)
    session.show(record, details=lambda: details(record, colour=session.colour), name="health")


@command.command("set")
@click.option("--retry-interval", "retry_interval_s", type=int, metavar="S", help="9 to 901.")
@click.option("--check-timeout", "timeout_s", type=int, metavar="S", help="4 to 60.")
@click.option("--retry-count", type=int, metavar="N", help="2 to 15.")
@pass_session
def set_timers(
    session: Session, retry_interval_s: int | None, timeout_s: int | None, retry_count: int | None
) -> None:
    """Change the global timers; the interval must exceed timeout x retries."""
    asked = given(
        {"retry_interval_s": retry_interval_s, "timeout_s": timeout_s, "retry_count": retry_count}
    )
    if not asked:
        raise click.UsageError("nothing to set")
    with session.load_master() as lm:
        timers = lm.health_checks.update(**asked)
    record = _record(timers)
    session.changed(
        "health check timers: " + ", ".join(f"{key} {value}" for key, value in record.items()),
        record,
        name="health",
    )


def _record(timers: object) -> dict[str, object]:
    record = plain(timers)
    assert isinstance(record, dict)  # noqa: S101 - a dataclass becomes a mapping
    return record
