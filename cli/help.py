"""``kemp help``: topics, and the help of a noun."""

import click

from cli.command import Command, nearest
from cli.exit_codes import MEANING
from cli.render import Column
from cli.session import Session, pass_session

_ENVIRONMENT = """\
Where to connect and with what is looked for in this order: option, environment, profile.

  --profile, KEMP_PROFILE   a profile of the profile file
  --url, KEMP_URL           address of the LoadMaster: https://10.0.0.10
  KEMP_API_KEY              API key
  KEMP_API_KEY_FILE         file with the API key in its first line
  KEMP_USER                 user, together with
  KEMP_PASSWORD_FILE        file with the password in its first line
  KEMP_TLS_PIN              SHA-256 of the certificate; without it the certificate is verified
  --api, KEMP_API           auto, v1 or v2
  KEMP_CONFIG               profile file; else $XDG_CONFIG_HOME/kemp/config.yaml
                            (~/.config/kemp/config.yaml)
  KEMP_STORE                where runs are kept: a directory, or postgresql://user@host/database
                            (password in ~/.pgpass); else $XDG_STATE_HOME/kemp
                            (~/.local/state/kemp)
  OTEL_EXPORTER_OTLP_ENDPOINT
                            OpenTelemetry collector for traces of rollouts: http://127.0.0.1:4318
  KEMP_METRICS_FILE         file for Prometheus' metrics of rollouts: /var/lib/node/kemp.prom
  KEMP_METRICS_LISTEN       or an address where they can be asked for: 127.0.0.1:9464
  NO_COLOR                  no colours

With --url or KEMP_URL and no profile named, the profile with that very address lends its
pin and credential. A profile's credential never goes to another address. With no address
at all the default profile is used, or the only one. A profile that --profile names lends
its address, credential and pin even where the environment has others. Secrets are never
options: they come from the environment or from files.
"""


def _exit_codes(session: Session) -> None:
    columns = (Column("CODE", "code", right=True), Column("MEANING", "meaning"))
    session.show_list(
        [{"code": int(code), "meaning": text} for code, text in MEANING.items()],
        columns,
        row=dict,
        name=lambda one: str(one["code"]),
        empty="",
    )


@click.command(cls=Command)
@click.argument("topic", required=False)
@pass_session
@click.pass_context
def command(ctx: click.Context, session: Session, topic: str | None) -> None:
    """Show a help topic (exit-codes, environment) or the help of a command."""
    root = ctx.find_root()
    match topic:
        case None:
            click.echo(root.get_help())
        case "exit-codes":
            _exit_codes(session)
        case "environment":
            click.echo(_ENVIRONMENT, nl=False)
        case str(name):
            assert isinstance(root.command, click.Group)  # noqa: S101 - kemp is a group
            noun = root.command.get_command(root, name)
            if noun is None:
                known = ["exit-codes", "environment", *root.command.list_commands(root)]
                raise click.UsageError(f"no help topic {name!r}{nearest(name, known)}")
            click.echo(noun.get_help(click.Context(noun, info_name=name, parent=root)))
