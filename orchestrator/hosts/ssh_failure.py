"""What went wrong on the way to a host or on it, in words that say what to do. Pure.

The words looked for are those of OpenSSH 7.6 to 9.x, which does not translate them, and those
that the C library has for errors in English, which is what the scripts ask for.
"""

import re
from dataclasses import dataclass

from orchestrator.errors import HostTrouble
from orchestrator.hosts.driver import Host
from orchestrator.hosts.packages import package_of
from orchestrator.hosts.state import Release


@dataclass(frozen=True, slots=True)
class Failure:
    """What went wrong, for a program and in words."""

    reason: HostTrouble
    text: str


# All of them from before a session was there: then no part of a script has run. What ssh says
# of a session that broke off ("Connection to HOST closed by remote host", "Read from remote
# host HOST: Connection timed out") must not match.
_ABOUT_ACCESS = tuple(
    (re.compile(sign, re.IGNORECASE | re.MULTILINE), reason, meaning)
    for sign, reason, meaning in (
        (
            r"host identification has changed|^host key for .* has changed",
            HostTrouble.HOST_KEY,
            "its host key is not the one in known_hosts. Either it was installed anew or "
            "somebody else answers in its place: find out which before you go on; if the new "
            "key is right, take the old one out with ssh-keygen -R",
        ),
        (
            r"revoked host key|host key .*revoked",
            HostTrouble.HOST_KEY,
            "its host key is marked as revoked in known_hosts: find out why before you go on",
        ),
        (
            r"host key is known for|^host key verification failed",
            HostTrouble.HOST_KEY,
            "its host key is not in known_hosts: log in once by hand, compare the fingerprint, "
            "then try again",
        ),
        (
            r"permission denied \(|too many authentication failures",
            HostTrouble.PERMISSION,
            "permission denied: it accepts none of our keys for this user. Is the right key "
            "loaded (ssh-add -l), and is it the right user?",
        ),
        (
            r"bad configuration option|bad owner or permissions|can't open user config|"
            r"^\S+ line \d+:",
            HostTrouble.OTHER,
            "the ssh configuration is wrong",
        ),
        (
            r"could not resolve hostname",
            HostTrouble.UNREACHABLE,
            "its name is not known here; where ssh's configuration has an alias for it, give "
            "that as the host's ssh name",
        ),
        (
            r"stdio forwarding failed|^channel \d+: open failed",
            HostTrouble.UNREACHABLE,
            "the jump host was reached, but does not reach it",
        ),
        (
            r"^ssh: connect to host .* timed out|timed out during banner exchange|"
            r"^connection to .* timed out",
            HostTrouble.UNREACHABLE,
            "it does not answer (timeout): is it up, and is the way there open?",
        ),
        (
            r"^ssh: connect to host .* refused",
            HostTrouble.UNREACHABLE,
            "nothing listens there: does sshd run, and on this port?",
        ),
        (r"^ssh: connect to host ", HostTrouble.UNREACHABLE, "there is no way to it"),
        (
            r"exchange_identification|^connection (closed|reset) by \S+ port|banner exchange",
            HostTrouble.UNREACHABLE,
            "it hung up before the login: sshd may be overloaded, starting or blocking us",
        ),
    )
)

_ABOUT_CHANGES = (
    (
        "read-only file system",
        HostTrouble.READ_ONLY,
        "the file system is read-only: mend it, then apply again",
    ),
    (
        "no space left on device",
        HostTrouble.DISK_FULL,
        "the disk is full (df -h and df -i say where): make room",
    ),
    ("disk quota exceeded", HostTrouble.DISK_FULL, "the quota is used up: make room"),
    ("permission denied", HostTrouble.PERMISSION, "log in as root, or set sudo for this host"),
    (
        "operation not permitted",
        HostTrouble.PERMISSION,
        "log in as root, or set sudo for this host",
    ),
)
_SUDO_SAYS_NO = re.compile(r"\bsudo:|sudoers|not allowed to execute")


def no_way_in(stderr: str) -> Failure | None:
    """Return why ssh did not get in; None if it is not one of the known reasons for that."""
    for sign, reason, meaning in _ABOUT_ACCESS:
        if sign.search(stderr):
            return Failure(reason, f"{meaning}. {said(stderr)}")
    return None


def no_shell(host: Host, exit_code: int, stderr: str) -> Failure:
    """Return why the login did not lead to a shell that runs our script."""
    if host.sudo and exit_code == 127 and "sudo" in stderr:
        return Failure(
            HostTrouble.MISSING_TOOL,
            f"{missing('sudo').text}, or log in as root. {said(stderr)}",
        )
    if host.sudo and _SUDO_SAYS_NO.search(stderr):
        return Failure(
            HostTrouble.SUDO,
            "sudo was refused: allow this user 'NOPASSWD: ALL' in sudoers, without requiretty, "
            f"or log in as root. {said(stderr)}",
        )
    return Failure(
        HostTrouble.PERMISSION,
        f"the login does not lead to a shell (exit code {exit_code}). {said(stderr)}",
    )


def missing(tool: str, release: Release | None = None) -> Failure:
    """Return what to say about a tool that the host does not have."""
    return Failure(
        HostTrouble.MISSING_TOOL,
        f"there is no {tool} on the host: install the package {package_of(tool, release)}",
    )


def with_cure(reason: str) -> Failure:
    """Return the reason of a failed change with what mends it, where that is known."""
    lower = reason.lower()
    for sign, trouble, cure in _ABOUT_CHANGES:
        if sign in lower:
            return Failure(trouble, f"{reason}: {cure}")
    return Failure(HostTrouble.OTHER, reason or "no reason was given")


def said(stderr: str) -> str:
    """Return what ssh or the host said last, on one line."""
    # Without the frame around ssh's warnings.
    lines = [line.strip() for line in stderr.splitlines() if line.strip("@ ")]
    return f"ssh said: {' | '.join(lines[-4:])}" if lines else "ssh said nothing"
