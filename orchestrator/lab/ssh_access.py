"""Keys of a lab's own, and the ssh configuration that uses them and nothing of the user's."""

import os
import pwd
import subprocess
from collections.abc import Mapping
from pathlib import Path

from orchestrator.lab.isolation import require_tool
from orchestrator.lab.mounts import QUIET, bind, mount

_OPERATOR = "id_ed25519"
_SSH_CONFIG = Path("/etc/ssh/ssh_config")


def use_ssh_config(config: Path) -> None:
    """Make it this private world's: no key and no setting of the user's is used or seen there."""
    bind(config, _SSH_CONFIG, read_only=True)
    ours = Path(pwd.getpwuid(os.geteuid()).pw_dir) / ".ssh"
    if ours.is_dir():
        mount("tmpfs", ours, QUIET, "mode=0700")


class SshAccess:
    """The operator's key, a host key for each host, and files for ``ssh -F``.

    Attributes:
        config: names every host; to be used on the segment.
    """

    def __init__(self, directory: Path, hosts: Mapping[str, str]) -> None:
        """Make keys and files in a new directory.

        Args:
            hosts: addresses by name.

        Raises:
            IsolationUnavailable: there is no OpenSSH client here.
        """
        directory.mkdir(mode=0o700)
        self._directory = directory
        self.config = directory.parent / "ssh_config"
        user_key = self._make_key(_OPERATOR)
        known = [
            f"{name},{address} {self._public(self._make_key(name))}\n"
            for name, address in hosts.items()
        ]
        (directory / "known_hosts").write_text("".join(known))
        named = "".join(f"Host {name}\n    HostName {at}\n" for name, at in hosts.items())
        self.config.write_text(
            f"{named}Host *\n"
            "    User root\n"
            f"    IdentityFile {user_key}\n"
            "    IdentitiesOnly yes\n"
            "    IdentityAgent none\n"
            f"    UserKnownHostsFile {directory / 'known_hosts'}\n"
            "    GlobalKnownHostsFile /dev/null\n"
            "    StrictHostKeyChecking yes\n"
        )

    @property
    def authorized_key(self) -> str:
        """Return the line that lets the operator in."""
        return self._public(self._directory / _OPERATOR)

    def host_key(self, name: str) -> str:
        """Return a host's private key, for its sshd."""
        return (self._directory / name).read_text(encoding="ascii")

    def _make_key(self, name: str) -> Path:
        path = self._directory / name
        argv = [require_tool("ssh-keygen"), "-q", "-t", "ed25519"]
        subprocess.run([*argv, "-N", "", "-C", f"{name} of the lab", "-f", str(path)], check=True)
        return path

    def _public(self, key: Path) -> str:
        kind, body, *_ = key.with_name(f"{key.name}.pub").read_text(encoding="ascii").split()
        return f"{kind} {body}"
