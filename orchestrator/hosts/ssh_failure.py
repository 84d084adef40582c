"""What went wrong on the way to a host or on it, in words that say what to do. Pure.

The words looked for are those of OpenSSH 7.6 to 9.x, which does not translate them, and those
that the C library has for errors in English, which is what the scripts ask for.
"""

import re

from orchestrator.hosts.driver import Host

_PACKAGES = {
    "ip": "iproute (Debian: iproute2)",
    "setsid": "util-linux",
    "sudo": "sudo",
}
_COREUTILS = "coreutils"

# All of them from before a session was there: then no part of a script has run. What ssh says
# of a session that broke off ("Connection to HOST closed by remote host", "Read from remote
# host HOST: Connection timed out") must not match.
_ABOUT_ACCESS = tuple(
    (re.compile(sign, re.IGNORECASE | re.MULTILINE), meaning)
    for sign, meaning in (
        (
            r"host identification has changed|^host key for .* has changed",
            "its host key is not the one in known_hosts. Either it was installed anew or "
            "somebody else answers in its place: find out which before you go on; if the new "
            "key is right, take the old one out with ssh-keygen -R",
        ),
        (
            r"revoked host key|host key .*revoked",
            "its host key is marked as revoked in known_hosts: find out why before you go on",
        ),
        (
            r"host key is known for|^host key verification failed",
            "its host key is not in known_hosts: log in once by hand, compare the fingerprint, "
            "then try again",
        ),
        (
            r"permission denied \(|too many authentication failures",
            "permission denied: it accepts none of our keys for this user. Is the right key "
            "loaded (ssh-add -l), and is it the right user?",
        ),
        (
            r"bad configuration option|bad owner or permissions|can't open user config|"
            r"^\S+ line \d+:",
            "the ssh configuration is wrong",
        ),
        (
            r"could not resolve hostname",
            "its name is not known here; where ssh's configuration has an alias for it, give "
            "that as the host's ssh name",
        ),
        (
            r"stdio forwarding failed|^channel \d+: open failed",
            "the jump host was reached, but does not reach it",
        ),
        (
            r"^ssh: connect to host .* timed out|timed out during banner exchange|"
            r"^connection to .* timed out",
            "it does not answer (timeout): is it up, and is the way there open?",
        ),
        (
            r"^ssh: connect to host .* refused",
            "nothing listens there: does sshd run, and on this port?",
        ),
        (r"^ssh: connect to host ", "there is no way to it"),
        (
            r"exchange_identification|^connection (closed|reset) by \S+ port|banner exchange",
            "it hung up before the login: sshd may be overloaded, starting or blocking us",
        ),
    )
)

_ABOUT_CHANGES = (
    ("read-only file system", "the file system is read-only: mend it, then apply again"),
    ("no space left on device", "the disk is full (df -h and df -i say where): make room"),
    ("disk quota exceeded", "the quota is used up: make room"),
    ("permission denied", "log in as root, or set sudo for this host"),
    ("operation not permitted", "log in as root, or set sudo for this host"),
)
_SUDO_SAYS_NO = re.compile(r"\bsudo:|sudoers|not allowed to execute")


def no_way_in(stderr: str) -> str | None:
    """Return why ssh did not get in; None if it is not one of the known reasons for that."""
    for sign, meaning in _ABOUT_ACCESS:
        if sign.search(stderr):
            return f"{meaning}. {said(stderr)}"
    return None


def no_shell(host: Host, exit_code: int, stderr: str) -> str:
    """Return why the login did not lead to a shell that runs our script."""
    if host.sudo and exit_code == 127 and "sudo" in stderr:
        return f"{missing('sudo')}, or log in as root. {said(stderr)}"
    if host.sudo and _SUDO_SAYS_NO.search(stderr):
        return (
            "sudo was refused: allow this user 'NOPASSWD: ALL' in sudoers, without requiretty, "
            f"or log in as root. {said(stderr)}"
        )
    return f"the login does not lead to a shell (exit code {exit_code}). {said(stderr)}"


def missing(tool: str) -> str:
    """Return what to say about a tool that the host does not have."""
    package = _PACKAGES.get(tool, _COREUTILS)
    return f"there is no {tool} on the host: install the package {package}"


def with_cure(reason: str) -> str:
    """Return the reason of a failed change with what mends it, where that is known."""
    lower = reason.lower()
    for sign, cure in _ABOUT_CHANGES:
        if sign in lower:
            return f"{reason}: {cure}"
    return reason or "no reason was given"


def said(stderr: str) -> str:
    """Return what ssh or the host said last, on one line."""
    # Without the frame around ssh's warnings.
    lines = [line.strip() for line in stderr.splitlines() if line.strip("@ ")]
    return f"ssh said: {' | '.join(lines[-4:])}" if lines else "ssh said nothing"
