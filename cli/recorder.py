"""``kemp record``: run a command and keep what it says to the LoadMaster, scrubbed."""

import re
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cli.command import Command
from cli.exit_codes import ExitCode, Failure
from cli.session import Adapters, Session, pass_session

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from cli.connection import Connection
    from kempsdk import LoadMaster
    from kempsdk.clock import Clock
    from orchestrator.hosts.driver import HostDriver
    from orchestrator.rollout.adapters import Adapters as RolloutAdapters
    from orchestrator.spec import Spec


class _Recording:
    """The adapters of a session, with a recorder at every client they build."""

    def __init__(
        self, adapters: Adapters, stack: ExitStack, path: Path, *, addresses: bool, note: str
    ) -> None:
        self._adapters = adapters
        self._stack = stack
        self._path = path
        self._addresses = addresses
        self._note = note
        self.written: list[Path] = []

    def load_master(self, connection: "Connection", *, timeout_s: float) -> "LoadMaster":
        from kempsdk.recording import record

        client = self._adapters.load_master(connection, timeout_s=timeout_s)
        number = len(self.written) + 1
        stem = self._path.name if number == 1 else f"{self._path.name}-{number}"
        tape = self._stack.enter_context(
            record(client, self._path.with_name(stem), addresses=self._addresses, note=self._note)
        )
        self.written.append(tape.path)
        return client

    def rollout(self, spec: "Spec", session: Session) -> "AbstractContextManager[RolloutAdapters]":
        return self._adapters.rollout(spec, session)

    def here(self) -> "HostDriver":
        return self._adapters.here()

    def clock(self) -> "Clock":
        return self._adapters.clock()


@click.command("record", cls=Command)
@click.option(
    "--out",
    required=True,
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DIR",
    help="Folder for the recording; made if need be.",
)
@click.option("--addresses", is_flag=True, help="Replace IP addresses, consistently.")
@click.argument("words", nargs=-1, required=True, metavar="-- COMMAND...")
@pass_session
def command(session: Session, out: Path, addresses: bool, words: tuple[str, ...]) -> int:
    """Run a kemp COMMAND, like `vs list`, and record what it says to the LoadMaster.

    Credentials, keys and serial numbers are scrubbed. A command that fails is recorded too.
    The file is named after the command and replaces one of that name.
    """
    from cli.main import kemp
    from kempsdk.recording import SecretLeft

    argv = list(words[1:] if words[0] == "kemp" else words)
    if not argv or argv[0] == "record":
        raise click.UsageError("name a kemp command to record: kemp record --out DIR -- vs list")
    path = out / _stem(argv)
    adapters = session.adapters
    failed: Exception | None = None
    result: object = None
    try:
        with ExitStack() as stack:
            recording = _Recording(
                adapters, stack, path, addresses=addresses, note=f"kemp {_stem(argv)}"
            )
            session.adapters = recording
            try:
                result = kemp.main(args=argv, prog_name="kemp", standalone_mode=False, obj=session)
            except Exception as error:  # noqa: BLE001 - told below, once the recording is written
                failed = error
    except SecretLeft as error:
        raise Failure(str(error), ExitCode.INTERNAL) from None
    except OSError as error:
        raise Failure(f"{error.filename}: {error.strerror}", ExitCode.INVALID_FILE) from None
    finally:
        session.adapters = adapters
    for one in recording.written:
        session.say(f"recorded in {one}")
    if not recording.written:
        session.say("nothing was said to a LoadMaster; nothing recorded")
    if failed is not None:
        raise failed
    return result if isinstance(result, int) else ExitCode.OK


def _stem(argv: list[str]) -> str:
    """Return a file name: the command's words, without options and what could be a secret."""
    words = []
    for word in argv[:2]:
        if not re.fullmatch(r"[a-z][a-z-]*", word):
            break
        words.append(word)
    return "-".join(words) or "command"
