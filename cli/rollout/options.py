"""Options and arguments that several verbs of ``kemp rollout`` take."""

import click

file_option = click.option(
    "-f", "--file", "file", type=click.Path(dir_okay=False), metavar="FILE", help="Rollout file."
)
place_argument = click.argument("place", metavar="[FILE]", required=False)
run_argument = click.argument("run_id", metavar="[RUN]", required=False)
wanted_run = click.argument("run_id", metavar="RUN")
wanted_server = click.argument("server", metavar="SERVER")
wait_option = click.option(
    "--wait",
    "wait_s",
    type=click.FloatRange(min=0),
    default=15.0,
    show_default=True,
    metavar="SECONDS",
    help="Longest wait for the run's answer.",
)
note_option = click.option("--note", default="", help="Why; kept with the run.")


def one_of(place: str | None, file: str | None) -> str | None:
    """Return the rollout file, which may stand alone or after ``-f``, but not both."""
    if place is not None and file is not None:
        raise click.UsageError("name the rollout file once")
    return place or file
