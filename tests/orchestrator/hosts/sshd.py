"""A real OpenSSH server for tests, inside a host's namespace, with keys of its own."""

import contextlib
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path

import pytest

from orchestrator.network_namespace import NetworkNamespace

_EL_SBIN = "/usr/sbin"
_CURE = "apt-get install openssh-server openssh-client iproute2, or dnf install openssh-server "
_CURE += "openssh-clients iproute"


def need_openssh() -> None:
    """Skip the test where there is no OpenSSH, or no right to run its server."""
    tools = {"sshd": _sshd(), "ssh": shutil.which("ssh"), "ip": shutil.which("ip")}
    if gone := [name for name, path in tools.items() if path is None]:
        pytest.skip(f"no {', '.join(gone)} on this machine: {_CURE}")
    if os.geteuid() != 0:
        pytest.skip("a login over ssh needs root here: run as root")


def _sshd() -> str | None:
    # By its full path: it starts itself again for each connection, and insists on one.
    return shutil.which("sshd", path=f"{os.environ.get('PATH', '')}:{_EL_SBIN}")


def make_key(path: Path) -> Path:
    """Make a key pair; the public half gets .pub."""
    subprocess.run(
        ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "test", "-f", str(path)], check=True
    )
    return path


class Sshd:
    """A server that lets root in with one key, and a client's configuration that leads there.

    Attributes:
        config: for ``ssh -F``: knows the host key and has the user's key.
        tools: directory that comes first on the PATH of every login.
        folder: where all its files are.
    """

    def __init__(self, namespace: NetworkNamespace, address: str, folder: Path) -> None:
        """Make keys and files; starts nothing yet."""
        self._namespace = namespace
        self._address = address
        self.folder = folder
        folder.mkdir()
        self.tools = folder / "tools"
        self.tools.mkdir()
        self.host_key = make_key(folder / "host_key")
        self.user_key = make_key(folder / "user_key")
        self.known_hosts = folder / "known_hosts"
        self.trust(self.host_key)
        self._log = folder / "log"
        self.config = self.write_config("ssh_config", {})
        self._process: subprocess.Popen[bytes] | None = None

    def trust(self, key: Path) -> None:
        """Make the client know this host key, and no other."""
        kind, body, *_ = key.with_name(f"{key.name}.pub").read_text().split()
        self.known_hosts.write_text(f"{self._address} {kind} {body}\n")

    def write_config(self, name: str, changes: Mapping[str, str]) -> str:
        """Return a configuration of the client, with some options changed."""
        options = {
            "User": "root",
            "IdentityFile": str(self.user_key),
            "IdentitiesOnly": "yes",
            "IdentityAgent": "none",
            "UserKnownHostsFile": str(self.known_hosts),
            "GlobalKnownHostsFile": "/dev/null",
            **changes,
        }
        path = self.folder / name
        path.write_text("".join(f"{key} {value}\n" for key, value in options.items()))
        path.chmod(0o600)
        return str(path)

    def tool(self, name: str, script: str) -> None:
        """Put a stand-in for a command before the host's own."""
        path = self.tools / name
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)

    def start(self, *extra: str) -> "Sshd":
        """Start the server and wait until it listens."""
        sshd = _sshd()
        assert sshd is not None
        authorized = self.folder / "authorized_keys"
        authorized.write_text(self.user_key.with_name("user_key.pub").read_text())
        config = self.folder / "sshd_config"
        lines = [
            f"ListenAddress {self._address}:22",
            f"HostKey {self.host_key}",
            f"AuthorizedKeysFile {authorized}",
            "StrictModes no",
            "PermitRootLogin prohibit-password",
            "PasswordAuthentication no",
            f"UsePAM {_pam()}",
            "PidFile none",
            "LogLevel VERBOSE",
            # A home of its own: what root's shell does here when it starts is not the test.
            f"SetEnv PATH={self.tools}:/usr/sbin:/usr/bin:/sbin:/bin HOME={self.folder}",
            *extra,
        ]
        config.write_text("".join(f"{line}\n" for line in lines))
        self._make_empty_directory(sshd, config)
        before = self._starts()
        process = self._namespace.run(
            lambda: subprocess.Popen(
                [sshd, "-D", "-f", str(config), "-E", str(self._log)],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
        )
        self._process = process
        deadline = time.monotonic() + 10
        while self._starts() == before:
            assert process.poll() is None, self.log()
            assert time.monotonic() < deadline, self.log()
            time.sleep(0.005)
        return self

    def _make_empty_directory(self, sshd: str, config: Path) -> None:
        # Where it locks its helper in; at boot systemd makes it.
        tried = subprocess.run([sshd, "-t", "-f", str(config)], capture_output=True, text=True)
        _, found, path = tried.stderr.partition("Missing privilege separation directory: ")
        if found:
            Path(path.strip()).mkdir(mode=0o755)

    def log(self) -> str:
        return self._log.read_text() if self._log.exists() else ""

    def _starts(self) -> int:
        return self.log().count(f"Server listening on {self._address}")

    def logins(self) -> int:
        """Return how many connections were accepted."""
        return self.log().count("Accepted publickey")

    def round_trips(self) -> int:
        """Return how many scripts were taken, over whatever connections."""
        return self.log().count("Starting session: ")

    def cut(self) -> None:
        """End every connection, and nothing that runs over them; new ones are taken."""
        assert self._process is not None
        for pid in _connections(self._process.pid):
            with contextlib.suppress(ProcessLookupError):  # it ended by itself
                os.kill(pid, signal.SIGKILL)

    def stop(self) -> None:
        """End the server and every connection."""
        if self._process is not None:
            self.cut()
            self._process.terminate()
            self._process.wait()
            self._process = None

    def __enter__(self) -> "Sshd":
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


def _pam() -> str:
    """Return whether PAM must be asked: without it, a locked root (as in images) stays out."""
    shadow = Path("/etc/shadow").read_text().splitlines()
    password = next((line.split(":")[1] for line in shadow if line.startswith("root:")), "")
    return "yes" if password.startswith("!") else "no"


def _connections(pid: int) -> list[int]:
    """Return the processes below the server that are sshd themselves, the innermost first."""
    try:
        tasks = list(Path(f"/proc/{pid}/task").iterdir())
        children = [int(one) for task in tasks for one in (task / "children").read_text().split()]
    except OSError:
        return []  # it has just ended
    return [one for child in children for one in (*_connections(child), child) if _is_sshd(one)]


def _is_sshd(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/comm").read_text().startswith("sshd")
    except OSError:
        return False
