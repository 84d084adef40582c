"""What every command is given: the settings of this call and the ways to the outside."""

import os
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import click

from cli.exit_codes import ExitCode, Failure

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from cli.connection import Connection
    from cli.render import Column
    from kempsdk import LoadMaster
    from kempsdk.clock import Clock
    from orchestrator.hosts.driver import HostDriver
    from orchestrator.rollout.adapters import Adapters as RolloutAdapters
    from orchestrator.spec import LoadMasterSpec, Spec


class Adapters(Protocol):
    """Builds the real things; ``cli.main`` has the only implementation outside tests."""

    def load_master(self, connection: "Connection", *, timeout_s: float) -> "LoadMaster":
        """Return a client of that appliance; nothing is sent yet."""
        ...

    def rollout(
        self, spec: "Spec", session: "Session", *, revert_after_s: int | None = None
    ) -> "AbstractContextManager[RolloutAdapters]":
        """Return what a rollout of this file touches; closed when the context ends.

        Args:
            revert_after_s: when a host takes back what could have cut us off, unconfirmed; None
                leaves it to the driver.
        """
        ...

    def here(self) -> "HostDriver":
        """Return what reads and changes this very machine."""
        ...

    def clock(self) -> "Clock":
        """Return the clock that waits go by."""
        ...


class Session:
    """One run of ``kemp``.

    Attributes:
        environ: the process environment; commands read it here and nowhere else.
        adapters: builders of what is outside.
        output: table, json, yaml, md or name; None while nobody chose.
        quiet: no messages on stderr, errors excepted.
    """

    def __init__(self, *, environ: Mapping[str, str], adapters: Adapters) -> None:
        self.environ = environ
        self.adapters = adapters
        self.output: str | None = None
        self.quiet = False
        self.debug = False
        self.log_level: str | None = None
        self.profile: str | None = None
        self.url: str | None = None
        self.api: str | None = None
        self.timeout_s = 10.0
        self.address: str | None = None

    def load_master(self) -> "LoadMaster":
        """Return a client of the LoadMaster this call is about.

        Raises:
            Failure: nothing says which, or with what credential.
        """
        from cli.connection import resolve

        connection = resolve(self.environ, profile=self.profile, url=self.url, api=self.api)
        self.address = connection.url
        return self.adapters.load_master(connection, timeout_s=self.timeout_s)

    def load_master_of(self, entry: "LoadMasterSpec") -> "LoadMaster":
        """Return a client of a LoadMaster that a rollout file names.

        Raises:
            Failure: no credential for it.
        """
        from cli.connection import resolve

        connection = resolve(
            self.environ,
            profile=entry.profile or self.profile,
            url=entry.url,
            api=self.api,
            tls_pin=entry.tls_pin,
        )
        self.address = connection.url
        return self.adapters.load_master(connection, timeout_s=self.timeout_s)

    @property
    def store_place(self) -> str:
        """Return where runs are kept; secret, since the URL of a database may hold a password."""
        named = self.environ.get("KEMP_STORE", "")
        return named if _is_url(named) else str(self.state_directory)

    @property
    def state_directory(self) -> Path:
        """Return the directory for state: KEMP_STORE if it is one, or below XDG_STATE_HOME."""
        named = self.environ.get("KEMP_STORE")
        if named and not _is_url(named):
            return Path(named).expanduser()
        base = self.environ.get("XDG_STATE_HOME") or "~/.local/state"
        return Path(base).expanduser() / "kemp"

    def say(self, text: str) -> None:
        """Write a message to stderr, unless ``--quiet``."""
        if not self.quiet:
            click.echo(text, err=True)

    def warn(self, text: str) -> None:
        """Write a warning to stderr, ``--quiet`` or not."""
        click.echo(f"kemp: warning: {text}", err=True)

    def keep(self, place: Path, content: str | bytes, *, what: str, private: bool = False) -> None:
        """Write a file that was asked for, and say so.

        Args:
            what: is written, as in "plan written to FILE".
            private: a new file is its owner's alone.

        Raises:
            Failure: it cannot be written.
        """
        wanted = content.encode() if isinstance(content, str) else content
        try:
            handle = os.open(
                place, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600 if private else 0o666
            )
            with os.fdopen(handle, "wb") as file:
                file.write(wanted)
        except OSError as error:
            raise Failure(f"{place}: {error.strerror}", ExitCode.INVALID_FILE) from None
        self.say(f"{what} written to {place}")

    def confirm(self, question: str, answer: str, *, yes: bool) -> None:
        """Ask to type ``answer``; anything else ends the command with nothing done.

        Args:
            question: what is about to happen.
            answer: the text to type, a name or a number.
            yes: ``--yes``: skips the question, never a check.

        Raises:
            Failure: no terminal to ask on, or another answer (usage).
        """
        if yes:
            return
        if not (sys.stdin.isatty() and sys.stderr.isatty()):
            raise Failure(f"{question} No terminal to ask on; give --yes", ExitCode.USAGE)
        sys.stdout.flush()
        typed = click.prompt(
            f"{question}\nType {answer} to go on", err=True, default="", show_default=False
        )
        if str(typed).strip() != answer:
            raise Failure("not confirmed; nothing was changed", ExitCode.USAGE)

    @property
    def colour(self) -> bool:
        """Whether to colour stdout: only a terminal, and not with NO_COLOR set."""
        return not self.environ.get("NO_COLOR") and sys.stdout.isatty()

    def show_list(
        self,
        records: Sequence[object],
        columns: "Sequence[Column]",
        *,
        row: Callable[[Any], Mapping[str, object]],
        name: Callable[[Any], str],
        empty: str,
    ) -> None:
        """Write records to stdout in the format of this call.

        Args:
            records: what there is; JSON and YAML show them whole.
            columns: of the table; row: the cells of one record by column key.
            name: the text of one record under ``--output name``.
            empty: said on stderr when a table would have no rows.
        """
        from cli import render

        match self.output or "table":
            case "json":
                render.write(render.as_json(records))
            case "yaml":
                render.write(render.as_yaml(records))
            case "name":
                for record in records:
                    render.write(name(record))
            case "md":
                render.write(render.markdown_table([row(record) for record in records], columns))
            case _ if records:
                rows = [row(record) for record in records]
                render.write(render.table(rows, columns, colour=self.colour))
            case _:
                self.say(empty)

    def show(
        self,
        record: object,
        *,
        details: Callable[[], str],
        name: str,
        markdown: Callable[[], str] | None = None,
    ) -> None:
        """Write one record to stdout in the format of this call.

        Args:
            record: JSON and YAML show it whole.
            details: makes the text for people.
            name: its text under ``--output name``.
            markdown: makes it for a document; None puts ``details`` there as they are.
        """
        from cli import render

        match self.output or "table":
            case "json":
                render.write(render.as_json(record))
            case "yaml":
                render.write(render.as_yaml(record))
            case "name":
                render.write(name)
            case "md":
                # One of this kind is never coloured: stdout is no terminal, or should not be.
                made = markdown() if markdown else f"```\n{click.unstyle(details())}\n```"
                render.write(made)
            case _:
                render.write(details())

    def changed(self, message: str, record: object, *, name: str) -> None:
        """Report a change: a message on stderr, and the new state where a machine reads."""
        self.say(message)
        if self.output in ("json", "yaml", "md", "name"):
            self.show(record, details=str, name=name)


def _is_url(place: str) -> bool:
    return re.match("[a-z]+://", place) is not None


pass_session = click.make_pass_decorator(Session)
