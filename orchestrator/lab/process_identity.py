"""Which process is which: a number alone may be somebody else's by now."""

from pathlib import Path

from orchestrator.errors import HostUnreachable, IsolationUnavailable


def boot_id() -> str:
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()


def _stat(pid: int) -> list[str] | None:
    """Return the fields of a process that follow its name; None when it is gone."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    # The name stands in parentheses and may hold anything.
    return text.rpartition(")")[2].split()


def start_ticks(pid: int) -> int | None:
    fields = _stat(pid)
    return None if fields is None or fields[0] == "Z" else int(fields[19])


def only_child(parent: int) -> int:
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            fields = _stat(int(entry.name))
            if fields is not None and int(fields[1]) == parent:
                return int(entry.name)
    raise IsolationUnavailable("the lab ended right after its start")


def namespace_of(pid: int, kind: str) -> str:
    try:
        return str(Path(f"/proc/{pid}/ns/{kind}").readlink())
    except PermissionError:
        raise HostUnreachable("the lab belongs to another user") from None
    except OSError:
        raise HostUnreachable("the lab has ended") from None
