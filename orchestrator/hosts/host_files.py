"""Files of a host whose root is a directory of ours: read and written inside it only."""

import contextlib
import errno
import os
import stat
import tempfile
from pathlib import Path

_MOST_LINKS = 40
_LABEL = "security.selinux"


class OutsideRoot(OSError):
    """The path does not lead to a place below the host's root."""


class HostFiles:
    """The files below one root; paths are the host's own, absolute.

    Links are followed as the host itself would follow them: an absolute one starts again at
    the root, so nothing outside is ever read or written.
    """

    def __init__(self, root: str) -> None:
        self._root = Path(root).resolve()

    def read(self, path: str) -> str | None:
        """Return the content, or None where there is no such file.

        Raises:
            OSError: it is there and cannot be read.
        """
        place = self._locate(path)
        if not place.is_file():
            return None
        return place.read_text(encoding="utf-8", errors="replace")

    def names_in(self, directory: str) -> list[str]:
        """Return the paths of everything in a directory; none if it is not there."""
        place = self._locate(directory)
        if not place.is_dir():
            return []
        return [f"{directory.rstrip('/')}/{name}" for name in os.listdir(place)]  # noqa: PTH208 - names, not paths of ours

    def write(self, path: str, content: str, *, mode: int | None = None) -> None:
        """Replace the file in one step; owner and SELinux label as they were. Makes directories.

        Whoever reads sees the old content or the new, also after a power cut.

        Args:
            mode: permission bits; left out, as they were, 0644 for a new file. Directories
                made on the way are as closed as the file.

        Raises:
            OSError: could not; the old file is as it was.
        """
        place = self._entry(path)
        directory = place.parent
        closed = mode is not None and mode & 0o077 == 0
        _make_directories(directory, 0o700 if closed else 0o755)
        # The name must not end in .conf: a reader of the directory would take it.
        handle, name = tempfile.mkstemp(dir=directory, prefix=f".{place.name}.", suffix=".kemp")
        new = Path(name)
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                if mode is None:
                    mode = stat.S_IMODE(place.stat().st_mode) if place.is_file() else 0o644
                os.fchmod(file.fileno(), mode)
                if place.is_file():
                    old, mine = place.stat(), os.fstat(file.fileno())
                    if (old.st_uid, old.st_gid) != (mine.st_uid, mine.st_gid):
                        os.fchown(file.fileno(), old.st_uid, old.st_gid)
                    if (label := _label(place)) is not None:
                        os.setxattr(file.fileno(), _LABEL, label)
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            new.replace(place)
        except BaseException:
            with contextlib.suppress(FileNotFoundError):
                new.unlink()
            raise
        _sync(directory)

    def has_label(self, path: str) -> bool:
        """Return whether the file is there with an SELinux label, which ``write`` keeps."""
        place = self._locate(path)
        return place.is_file() and _label(place) is not None

    def remove(self, path: str) -> None:
        """Remove the file; one that is not there is no matter."""
        place = self._entry(path)
        if place.is_symlink() or place.exists():
            place.unlink()
            _sync(place.parent)

    def _entry(self, path: str) -> Path:
        """Return where the file's own name lies; a link of that name is not followed."""
        directory, _, name = path.rpartition("/")
        if not path.startswith("/") or "\0" in name or name in ("", ".", ".."):
            raise OutsideRoot(f"{path!r} is not the absolute path of a file of the host")
        return self._locate(directory or "/") / name

    def _locate(self, path: str) -> Path:
        """Return where a path of the host leads, every link followed."""
        if not path.startswith("/") or ".." in path.split("/") or "\0" in path:
            raise OutsideRoot(f"{path!r} is not an absolute path of the host")
        place, left, links = self._root, Path(path).parts[1:], 0
        while left:
            part, left = left[0], left[1:]
            if part == "..":
                place = place.parent if place != self._root else place
                continue
            step = place / part
            if not step.is_symlink():
                place = step
                continue
            links += 1
            if links > _MOST_LINKS:
                raise OutsideRoot(f"{path} goes round in circles")
            target = step.readlink()
            if target.is_absolute():
                place, left = self._root, (*target.parts[1:], *left)
            else:
                left = (*target.parts, *left)
        return place


def _label(place: Path) -> bytes | None:
    """Return the SELinux label; None where there is none, or the file system keeps none."""
    try:
        return os.getxattr(place, _LABEL)
    except OSError as error:
        if error.errno in (errno.ENODATA, errno.ENOTSUP):
            return None
        raise


def _make_directories(directory: Path, mode: int) -> None:
    # Not mkdir(parents=True): that gives the mode to the last one only.
    missing = [one for one in (directory, *directory.parents) if not one.exists()]
    for one in reversed(missing):
        one.mkdir(mode=mode, exist_ok=True)


def _sync(directory: Path) -> None:
    handle = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
