"""A PostgreSQL server of the tests' own: a real one, in a temporary directory."""

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psycopg
import pytest

PASSWORD = "pgPasswordThatNobodyMaySee"
_USER = "kemp"


def _program(name: str) -> str:
    """Return a program of the server, which distributions keep off the path."""
    for directory in sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True):
        if (directory / name).exists():
            return str(directory / name)
    if found := shutil.which(name):
        return found
    if os.geteuid() == 0:
        raise AssertionError("PostgreSQL is missing; .ci/packages installs it")
    pytest.skip("PostgreSQL is missing: 'apt-get install postgresql' or 'dnf install ...-server'")


class PostgresServer:
    """A server on a port of the loopback; databases are made and thrown away."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._data = directory / "data"
        self._process: subprocess.Popen[bytes] | None = None
        self._made = 0
        # The server refuses to be root.
        self._as: Mapping[str, Any] = {}
        if os.geteuid() == 0:
            account = pwd.getpwnam("nobody")
            os.chown(directory, account.pw_uid, account.pw_gid)
            self._as = {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port: int = probe.getsockname()[1]
        secret = directory / "password"
        secret.write_text(PASSWORD)
        secret.chmod(0o644)
        self._run(
            "initdb",
            f"--pgdata={self._data}",
            f"--username={_USER}",
            f"--pwfile={secret}",
            "--auth=scram-sha-256",
            "--encoding=UTF8",
            "--no-sync",
        )
        secret.unlink()

    def _run(self, program: str, *argv: str) -> None:
        done = subprocess.run(
            [_program(program), *argv],
            cwd=self.directory,
            env={"LC_ALL": "C", "PATH": os.environ["PATH"]},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
            **self._as,
        )
        assert done.returncode == 0, done.stderr

    def start(self) -> None:
        """Start it and wait until it answers."""
        settings = {
            "listen_addresses": "127.0.0.1",
            "port": str(self.port),
            "unix_socket_directories": str(self.directory),
            # Fast, and true all the same: what dies here is the process, not the machine.
            "fsync": "off",
            "shared_buffers": "16MB",
            "max_connections": "60",
        }
        options = [word for key, value in settings.items() for word in ("-c", f"{key}={value}")]
        with (self.directory / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [_program("postgres"), "-D", str(self._data), *options],
                cwd=self.directory,
                env={"LC_ALL": "C", "PATH": os.environ["PATH"]},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=log,
                **self._as,
            )
        deadline = time.monotonic() + 60
        while True:
            try:
                psycopg.connect(self.url("postgres")).close()
            except psycopg.OperationalError:
                assert time.monotonic() < deadline, (self.directory / "log").read_text()
                time.sleep(0.05)
            else:
                return

    def stop(self, number: signal.Signals = signal.SIGINT) -> None:
        """Stop it: at once by default, SIGQUIT without a checkpoint."""
        if self._process is not None:
            self._process.send_signal(number)
            self._process.wait(60)
            self._process = None

    def kill(self) -> None:
        """Kill every process of it, as a machine does that loses its power."""
        assert self._process is not None
        children = Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children")
        for pid in [self._process.pid, *map(int, children.read_text().split())]:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self._process.wait(60)
        self._process = None

    def url(self, database: str) -> str:
        """Return the address of a database, password included."""
        return f"postgresql://{_USER}:{PASSWORD}@127.0.0.1:{self.port}/{database}"

    def execute(self, statement: str, *, database: str = "postgres") -> None:
        """Carry out a statement by hand."""
        with psycopg.connect(self.url(database), autocommit=True) as connection:
            connection.execute(statement.encode())

    def new_database(self) -> str:
        """Make an empty database and return its address."""
        self._made += 1
        self.execute(f"CREATE DATABASE test_{self._made}")
        return self.url(f"test_{self._made}")


@contextmanager
def running_postgres() -> Iterator[PostgresServer]:
    """Make a server, start it, and leave nothing behind."""
    # Not pytest's directory: whom the server runs as may not enter that.
    with tempfile.TemporaryDirectory(prefix="kemp-postgres-") as directory:
        server = PostgresServer(Path(directory))
        try:
            server.start()
            yield server
        finally:
            server.stop()


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """One server for all tests that leave it running."""
    with running_postgres() as server:
        yield server
