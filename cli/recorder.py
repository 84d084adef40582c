"""``kemp record``: run a command or script and keep what it says to LoadMasters, scrubbed."""

import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cli.command import Command, nearest
from cli.exit_codes import ExitCode, Failure
from cli.session import Session, pass_session

if TYPE_CHECKING:
    from kempsdk.recording import Recordings


@click.command("record", cls=Command)
@click.option(
    "--out",
    required=True,
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DIR",
    help="Folder for the recording; made if need be.",
)
@click.option("--name", metavar="NAME", help="Name of the recording; otherwise the command's.")
@click.option("--addresses", is_flag=True, help="Replace IP addresses, consistently.")
@click.argument("words", nargs=-1, required=True, metavar="-- COMMAND...")
@pass_session
def command(
    session: Session, out: Path, name: str | None, addresses: bool, words: tuple[str, ...]
) -> int:
    """Run a COMMAND and record what it says to the LoadMaster.

    COMMAND is one of kemp, like `vs list`, or any program, like `python my_script.py`: what
    kempsdk says in it, and in what it starts, is recorded. One file for each LoadMaster,
    replacing one of that name; credentials, keys and serial numbers are scrubbed. A command
    that fails is recorded too. It ends as the command does.
    """
    from kempsdk.recording import Provenance, Recordings, SecretLeft
    from kempsdk.recording.conversation import UNKNOWN

    if name is not None and not re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_.-]*", name):
        raise click.UsageError(f"--name {name}: letters, digits, dots, hyphens and underscores")
    argv = list(words[1:] if words[0] == "kemp" else words)
    if not argv or argv[0] == "record":
        raise click.UsageError("name a command to record: kemp record --out DIR -- vs list")
    ours = words[0] == "kemp" or argv[0] in _nouns() or argv[0].startswith("-")
    own_name = _stem(argv) if ours else _stem_of_program(argv)
    recordings = Recordings(out / (name or own_name), addresses=addresses)
    failed: Exception | None = None
    code: int = ExitCode.OK
    try:
        code = _run(session, argv, recordings) if ours else _run_program(session, argv, recordings)
    except Exception as error:  # noqa: BLE001 - told below, once the recording is written
        failed = error
    provenance = Provenance(
        source="recorded from an appliance",
        firmware=UNKNOWN,
        date=time.strftime("%Y-%m-%d"),
        note=f"kemp {own_name}" if ours else own_name,
    )
    try:
        written = recordings.write(provenance)
    except SecretLeft as error:
        raise Failure(str(error), ExitCode.INTERNAL) from None
    except OSError as error:
        raise Failure(f"{error.filename}: {error.strerror}", ExitCode.INVALID_FILE) from None
    for one in written:
        session.say(f"recorded in {one}")
    if not written and failed is None:
        hint = (
            "" if ours else " (a Python with -I, -E or -S, or without kempsdk, cannot be recorded)"
        )
        session.say(f"nothing was said to a LoadMaster; nothing recorded{hint}")
    if failed is not None:
        raise failed
    return code


def _nouns() -> Sequence[str]:
    from cli.main import NOUNS

    return list(NOUNS)


def _run(session: Session, argv: list[str], recordings: "Recordings") -> int:
    from cli.main import kemp

    with recordings.of_this_process():
        result = kemp.main(args=argv, prog_name="kemp", standalone_mode=False, obj=session)
    return result if isinstance(result, int) else ExitCode.OK


def _run_program(session: Session, argv: list[str], recordings: "Recordings") -> int:
    from kempsdk.recording.listening import listening

    program = shutil.which(argv[0])
    if program is None:
        hint = nearest(argv[0], _nouns())
        raise click.UsageError(f"{argv[0]}: neither a command of kemp{hint} nor a program")
    sys.stdout.flush()
    # The program has a Ctrl-C as well, and may have something to put right. An exception that
    # comes just as it ends would lose how it ended.
    before = signal.signal(signal.SIGINT, lambda _number, _frame: None)
    try:
        with listening(recordings.keep, session.environ) as environment:
            try:
                child = subprocess.Popen([program, *argv[1:]], env=environment)
            except OSError as error:
                raise click.UsageError(f"{argv[0]}: {error.strerror}") from None
            code = child.wait()
    finally:
        signal.signal(signal.SIGINT, before)
    # As a shell tells of a signal.
    return code if code >= 0 else 128 - code


def _stem(argv: list[str]) -> str:
    """Return a file name: the command's words, without options and what could be a secret."""
    words = []
    for word in argv[:2]:
        if not re.fullmatch(r"[a-z][a-z-]*", word):
            break
        words.append(word)
    return "-".join(words) or "command"


def _stem_of_program(argv: list[str]) -> str:
    """Return a file name: the script's or the program's own, without its arguments."""
    program = Path(argv[0]).name
    scripts = [Path(word).stem for word in argv if re.fullmatch(r"[^-].*\.py", word)]
    module = argv[2:3] if program.startswith("python") and argv[1:2] == ["-m"] else []
    stem = (scripts or module or [program])[0]
    return re.sub(r"[^A-Za-z0-9_.-]+", "-", stem).strip("-.") or "command"
