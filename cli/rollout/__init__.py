"""``kemp rollout``: plan, run and follow safe changes of the servers behind a service."""

import click

from cli.command import Group, run_alone
from cli.exit_codes import ExitCode
from cli.rollout.asking import abandon, abort, approve, pause, retry, skip, unlock
from cli.rollout.looking import list_runs, locks, status
from cli.rollout.options import file_option
from cli.rollout.planning import plan
from cli.rollout.rehearsing import rehearse
from cli.rollout.reporting import report
from cli.rollout.running import resume, run_command, undo
from cli.rollout.watching import logs, watch


@click.group(
    cls=Group,
    invoke_without_command=True,
    help="Plan and run safe rolling changes of servers; without a verb: plan.",
)
@file_option
@click.pass_context
def command(ctx: click.Context, file: str | None) -> object:
    """Plan, where only a file is named: changing anything takes a word more."""
    if ctx.invoked_subcommand is None:
        if file is None:
            click.echo(ctx.get_help(), err=True)
            return ExitCode.USAGE
        return run_alone(ctx, plan, "--file", file)
    if file is not None:
        raise click.UsageError(f"-f comes after {ctx.invoked_subcommand}")
    return None


for _verb in (
    plan,
    rehearse,
    run_command,
    resume,
    undo,
    status,
    watch,
    logs,
    list_runs,
    report,
    pause,
    abort,
    skip,
    retry,
    approve,
    abandon,
    locks,
    unlock,
):
    command.add_command(_verb)
