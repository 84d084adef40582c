"""What /etc/os-release says. Pure."""

import shlex

from orchestrator.hosts.state import Release


def parse(text: str) -> Release:
    """Return the release that a file names; what it does not name is ""."""
    values = {}
    for line in text.splitlines():
        name, equals, value = line.strip().partition("=")
        if equals and name in ("ID", "VERSION_ID"):
            values[name] = _unquoted(value)
    return Release(id=values.get("ID", ""), version_id=values.get("VERSION_ID", ""))


def _unquoted(value: str) -> str:
    try:
        return "".join(shlex.split(value))
    except ValueError:  # a quote that does not end
        return value
