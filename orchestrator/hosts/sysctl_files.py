"""What the sysctl files of a host say about ARP, in the order the boot reads them. Pure.

Read at boot from four directories, merged and sorted by file name, the same name in an
earlier directory hiding the later ones; ``sysctl --system`` then reads /etc/sysctl.conf
once more, last (seen with systemd 252 and procps 4.0).
"""

from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from pathlib import PurePosixPath

from orchestrator.hosts.state import PersistentSysctl

DIRECTORIES = (
    "/etc/sysctl.d",
    "/run/sysctl.d",
    "/usr/local/lib/sysctl.d",
    "/usr/lib/sysctl.d",
)
"""Where the files lie, the one that hides the others first."""

LAST_FILE = "/etc/sysctl.conf"
"""Read by ``sysctl --system`` after everything else, and by the boot only through a link."""

HEADER = "# Written by kemp (direct server return): quiet about addresses on lo. Do not edit.\n"
"""How our own file begins."""

_KEYS = ("arp_ignore", "arp_announce")


def our_file(values: Mapping[str, int]) -> str:
    """Return our own file, which sets these (keys as ``conf/all/arp_ignore``)."""
    # With slashes: in the dotted spelling an interface name like eth0.5 falls apart.
    return HEADER + "".join(f"net/ipv4/{key} = {value}\n" for key, value in sorted(values.items()))


def reading_order(paths: Iterable[str]) -> tuple[str, ...]:
    """Return those of the paths that are read, in that order."""
    given = set(paths)
    by_name: dict[str, str] = {}
    for directory in reversed(DIRECTORIES):
        for path in given:
            if path.rpartition("/")[0] == directory and path.endswith(".conf"):
                by_name[PurePosixPath(path).name] = path
    order = [by_name[name] for name in sorted(by_name)]
    return (*order, LAST_FILE) if LAST_FILE in given else tuple(order)


def lines_about_arp(files: Mapping[str, str]) -> tuple[PersistentSysctl, ...]:
    """Return every line about arp_ignore or arp_announce in the files (path to content)."""
    return tuple(
        PersistentSysctl(path=path, key=key, value=value)
        for path in reading_order(files)
        for line in files[path].splitlines()
        for key, value in _settings(line)
    )


def _settings(line: str) -> list[tuple[str, str]]:
    line = line.strip()
    if not line or line[0] in "#;":
        return []
    # "-key = value" only means that an error is no matter; "-key" alone is an exception
    # from the patterns of other lines.
    name, equals, value = line.removeprefix("-").partition("=")
    if not equals and not line.startswith("-"):
        return []
    parts = _normal(name.strip()).split("/")
    if len(parts) != 5 or not any(fnmatchcase(key, parts[4]) for key in _KEYS):
        return []
    if not all(map(fnmatchcase, ("net", "ipv4", "conf"), parts[:3])):
        return []
    return [("/".join(["conf", *parts[3:]]), value.strip())]


def _normal(name: str) -> str:
    """Return the name with slashes between its parts.

    The first separator decides: after a dot, dots separate and a slash stands for a dot in
    an interface's name; after a slash it is the other way round.
    """
    first = next((letter for letter in name if letter in "./"), "/")
    return name if first == "/" else name.translate(str.maketrans("./", "/."))
