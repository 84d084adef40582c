"""A host of the lab before it is one: what it is to be, as plain data, and files for its disk."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from orchestrator.lab.release import Release

UNITS = Path("/etc/systemd/system")
DELIVERED = Path("/usr/lib/systemd/system")


@dataclass(frozen=True, slots=True, kw_only=True)
class FittedFile:
    """A file; with ``link`` a symbolic link to that text, with ``removed`` nothing at all.

    Attributes:
        copied: take the content from this file, which is on the disk already.
    """

    content: str = ""
    mode: int = 0o644
    link: str | None = None
    copied: Path | None = None
    removed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Fitting:
    """What one host is to be.

    Attributes:
        prefix: length of the segment's network prefix.
        firewalld: runs from the first boot on; installed it is always.
        web: command line of its web server, or empty for none.
        web_directory: where that command is started.
        host_key: private key of its sshd, in OpenSSH's format; public half in ``known_as``.
        authorized_key: line of the public key that may log in as root.
        hosts: names and addresses of its neighbours.
    """

    name: str
    address: str
    prefix: int
    gateway: str
    interface: str
    release: Release
    firewalld: bool
    web: tuple[str, ...]
    web_directory: Path
    host_key: str
    authorized_key: str
    hosts: Mapping[str, str]


def enabled(name: str, *, target: str = "multi-user") -> dict[Path, FittedFile]:
    """Return what ``systemctl enable`` makes for a unit that a package delivers."""
    unit = f"{name}.service"
    return {
        UNITS / f"{target}.target.wants" / unit: FittedFile(link=str(DELIVERED / unit)),
    }


def delivered(name: str, content: str, *, at_boot: bool) -> dict[Path, FittedFile]:
    """Return a unit as if a package had delivered it."""
    files = {DELIVERED / f"{name}.service": FittedFile(content=content)}
    return {**files, **(enabled(name) if at_boot else {})}
