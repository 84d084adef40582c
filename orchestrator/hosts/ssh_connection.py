"""Scripts carried to hosts by the system's OpenSSH client, over one connection per host."""

import contextlib
import os
import re
import shutil
import signal
import subprocess
import tempfile
import threading
import time
import weakref
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from orchestrator.hosts.driver import Host

_IDLE_S = 120
"""A connection that nobody uses ends by itself after this, also when we were killed."""
_CLOSING_S = 5.0
_SSH_FAILED = 255
_BEFORE_LOGIN = re.compile(r"exchange_identification|^Connection \w+ by UNKNOWN port", re.MULTILINE)
# No letter that means something to a shell: a ProxyCommand of the configuration may hold %h or
# %r, and that is run by one.
_NAME = re.compile(r"[A-Za-z0-9_.:%\[\]][A-Za-z0-9_.:%\[\]-]*")
_USER = re.compile(r"[A-Za-z0-9_.][A-Za-z0-9_.@\\-]*\$?")


class NoSsh(Exception):
    """The ssh command itself cannot be started, or may not be given this host."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """How ssh ended.

    Attributes:
        exit_code: that of the remote shell, 255 for ssh's own troubles; None: we ended it, for
            want of an answer.
    """

    exit_code: int | None
    stdout: bytes
    stderr: str


class SshConnections:
    """Connections of this process, with sockets in a private directory that goes at the end.

    Safe to use from several threads.
    """

    def __init__(
        self,
        *,
        program: str,
        config_file: str | None,
        connect_timeout_s: int,
        strict_host_keys: bool,
    ) -> None:
        self._base = [program, *(["-F", config_file] if config_file else [])]
        self._options = _options(
            [
                # Nothing here may wait for a person.
                "BatchMode=yes",
                *(["StrictHostKeyChecking=yes"] if strict_host_keys else []),
                f"ConnectTimeout={connect_timeout_s}",
                "ServerAliveInterval=5",
                "ServerAliveCountMax=3",
                "ClearAllForwardings=yes",
                "ForwardX11=no",
                "PermitLocalCommand=no",
                "RemoteCommand=none",
                "RequestTTY=no",
                "LogLevel=ERROR",
            ]
        )
        # Short on purpose: a socket's path holds about 100 bytes.
        self._directory = Path(tempfile.mkdtemp(prefix="kemp-ssh-"))
        self._masters: dict[tuple[str, ...], Path] = {}
        self._lock = threading.Lock()
        self._finalizer = weakref.finalize(
            self, _close, os.getpid(), self._base, self._directory, self._masters
        )

    def send(self, host: Host, script: bytes, *, timeout_s: float, anew: bool = False) -> Reply:
        """Have a shell on the host read the script, and wait for what it prints.

        Args:
            anew: over a connection made for this alone: whether there still is a way in. Where
                there is none, the shared one is not used again either.

        Raises:
            NoSsh: there is no ssh here, or the host has a name that it must not be given.
        """
        target = _target(host)
        socket = self._socket(target)
        shell = "sudo -n sh -s" if host.sudo else "sh -s"
        alone = [*_options(["ControlMaster=no", "ControlPath=none"]), *target, shell]
        if anew:
            reply = self._once(alone, script, timeout_s)
            if reply.exit_code != 0:
                _leave(self._base, target, socket)
            return reply
        sharing = ["ControlMaster=auto", f"ControlPersist={_IDLE_S}", f"ControlPath={socket}"]
        reply = self._once([*_options(sharing), *target, shell], script, timeout_s)
        if reply.exit_code is None:
            # It may be the connection that is stuck: the next call makes a new one.
            _leave(self._base, target, socket)
        if reply.exit_code == _SSH_FAILED and _BEFORE_LOGIN.search(reply.stderr):
            # No session was there, so nothing was sent. A connection that is to be shared hides
            # what a jump host's ssh says; one that is not shows it.
            reply = self._once(alone, script, timeout_s)
        return reply

    def close(self) -> None:
        """End every connection; nothing can be sent afterwards."""
        self._finalizer()

    def _once(self, arguments: Sequence[str], script: bytes, timeout_s: float) -> Reply:
        argv = [*self._base, "-T", *self._options, *arguments]
        # Files, not pipes: the background process that keeps the connection holds on to them.
        with (
            tempfile.TemporaryFile() as stdin,
            tempfile.TemporaryFile() as out,
            tempfile.TemporaryFile() as err,
        ):
            stdin.write(script)
            stdin.seek(0)
            try:
                process = subprocess.Popen(
                    argv,
                    stdin=stdin,
                    stdout=out,
                    stderr=err,
                    # Without a terminal, a jump host's own ssh cannot ask there either.
                    start_new_session=True,
                    env={**os.environ, "SSH_ASKPASS_REQUIRE": "never"},
                )
            except FileNotFoundError:
                raise NoSsh(
                    f"there is no {argv[0]} on this machine: install the package openssh-clients "
                    "(Debian: openssh-client)"
                ) from None
            except OSError as error:
                raise NoSsh(f"{argv[0]} cannot be started: {error.strerror}") from error
            return Reply(
                exit_code=_wait(process, timeout_s),
                stdout=_content(out),
                stderr=_content(err).decode("utf-8", "replace").strip(),
            )

    def _socket(self, target: tuple[str, ...]) -> Path:
        with self._lock:
            if not self._finalizer.alive:
                raise NoSsh("the connections are closed")
            return self._masters.setdefault(target, self._directory / str(len(self._masters)))


def _options(options: Sequence[str]) -> list[str]:
    return [word for option in options for word in ("-o", option)]


def _target(host: Host) -> tuple[str, ...]:
    """Return the arguments of ssh that say where to go.

    Raises:
        NoSsh: the host's name, user or port is nothing to give to ssh.
    """
    name = host.ssh_host or host.address
    if not _NAME.fullmatch(name):
        raise NoSsh(f"{name!r} is no name to give to ssh: letters, digits and ._:%[]- only")
    if host.user is not None and not _USER.fullmatch(host.user):
        raise NoSsh(f"{host.user!r} is no user to give to ssh")
    if host.port is not None and not 1 <= host.port <= 65535:
        raise NoSsh(f"{host.port} is no port: 1 to 65535")
    user = ["-l", host.user] if host.user is not None else []
    port = ["-p", str(host.port)] if host.port is not None else []
    return (*user, *port, "--", name)


def _wait(process: "subprocess.Popen[bytes]", timeout_s: float) -> int | None:
    started = time.monotonic()
    try:
        while process.poll() is None and (taken_s := time.monotonic() - started) < timeout_s:
            # Popen.wait looks at 32 and at 64 ms, and most round trips end right between.
            time.sleep(min(max(taken_s / 10, 0.0005), 0.05))
        return process.returncode
    finally:
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _content(file: IO[bytes]) -> bytes:
    file.seek(0)
    return file.read()


def _leave(base: Sequence[str], target: Sequence[str], socket: Path) -> None:
    """End the connection behind a socket, if it is there."""
    if not socket.exists():
        return
    process = subprocess.Popen(
        [*base, "-o", f"ControlPath={socket}", "-O", "exit", *target],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    _wait(process, _CLOSING_S)
    # One that does not answer is forgotten; it ends by itself when it has nothing to do.
    socket.unlink(missing_ok=True)


def _close(
    owner: int, base: Sequence[str], directory: Path, masters: dict[tuple[str, ...], Path]
) -> None:
    if os.getpid() != owner:
        return  # a fork of ours ends; the connections are not its own
    for target, socket in masters.items():
        _leave(base, target, socket)
    shutil.rmtree(directory, ignore_errors=True)
