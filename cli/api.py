"""``kemp api``: any command of the API, as it is."""

import re
import sys
from pathlib import Path

import click

from cli.command import Command
from cli.exit_codes import ExitCode, Failure
from cli.render import as_json, as_yaml, write, write_bytes
from cli.session import Session, pass_session

_SECRET_NAME = re.compile(r"(?i)pass|secret|apikey|^key$")


@click.command(cls=Command)
@click.argument("name", metavar="COMMAND")
@click.argument("arguments", nargs=-1, metavar="[K=V|K=@FILE|@FILE]...")
@click.option(
    "--out", type=click.Path(dir_okay=False, path_type=Path), help="Where a file answer goes."
)
@click.option("--force", is_flag=True, help="Send what the catalogue does not know.")
@pass_session
def command(
    session: Session, name: str, arguments: tuple[str, ...], out: Path | None, force: bool
) -> None:
    """Send COMMAND with parameters K=V and print the answer as JSON.

    K=@FILE takes a value from the first line of a file: passwords and keys must come that
    way. @FILE alone is the file to upload.
    """
    from kempsdk.catalogue import UnknownCommandName, check
    from kempsdk.catalogue import command as look_up
    from kempsdk.errors import InvalidRequest

    params, body = _arguments(arguments)
    try:
        check(name, params, body=body)
    except InvalidRequest as error:
        # The appliance ignores what it does not know, without a word.
        if not force:
            raise Failure(f"{error}; --force sends it all the same", ExitCode.USAGE) from None
        session.warn(str(error))
    try:
        info = look_up(name, params)
    except UnknownCommandName:
        wire_name = name
    else:
        wire_name = info.wire_name
        if info.returns_file and out is None and sys.stdout.isatty():
            raise click.UsageError("the answer is a file: give --out FILE, or redirect stdout")
    with session.load_master() as lm:
        reply = lm.command(wire_name, params, body=body)
    if reply.file is not None:
        _keep(session, reply.file, out)
        return
    answer = reply.data or ({"message": reply.message} if reply.message else {})
    write(as_yaml(answer) if session.output == "yaml" else as_json(answer))


def _arguments(arguments: tuple[str, ...]) -> tuple[dict[str, str], bytes | None]:
    params: dict[str, str] = {}
    body: bytes | None = None
    for argument in arguments:
        if argument.startswith("@"):
            if body is not None:
                raise click.UsageError("only one file can be uploaded")
            body = _bytes(argument[1:])
            continue
        key, separator, value = argument.partition("=")
        if not separator or not key:
            raise click.UsageError(f"{argument!r}: write NAME=VALUE, or @FILE for an upload")
        if value.startswith("@"):
            value = _bytes(value[1:]).decode("utf-8").partition("\n")[0].rstrip("\r")
        elif value and _SECRET_NAME.search(key):
            raise click.UsageError(
                f"{key} on the command line is seen by every user of this machine; "
                f"write it to a file and give {key}=@FILE"
            )
        params[key] = value
    return params, body


def _bytes(place: str) -> bytes:
    try:
        return Path(place).expanduser().read_bytes()
    except OSError as error:
        raise Failure(f"{place}: {error.strerror}", ExitCode.INVALID_FILE) from None


def _keep(session: Session, content: bytes, out: Path | None) -> None:
    if out is None:
        if sys.stdout.isatty():
            raise Failure(
                f"the answer is a file of {len(content)} bytes; give --out FILE", ExitCode.USAGE
            )
        write_bytes(content)
        return
    # Only for the owner: a backup holds every secret of the appliance.
    session.keep(out, content, what=f"{len(content)} bytes", private=True)
