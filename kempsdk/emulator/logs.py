"""Log files: one line for each start and each change; lists, downloads, clearing.

The names of the files are those of the vendor's examples, the rest is a guess.
"""

import io
import tarfile

from kempsdk.emulator.answers import DONE, Answer, Many, Members, Refusal
from kempsdk.emulator.appliance import Appliance
from kempsdk.emulator.log_files import EXTENDED, SYSTEM
from kempsdk.emulator.registry import Request, command


def _chosen(request: Request) -> tuple[str, ...]:
    """Return the names that ``fsel`` means; all of the kind without it."""
    names = EXTENDED if "extlogs" in request.command else SYSTEM
    wanted = request.params.get("fsel")
    if not wanted:
        return names
    if wanted not in names:
        raise Refusal("Unknown log file")
    return (wanted,)


@command("logging/listsyslogfiles", "listextlogfiles")
def list_files(box: Appliance, request: Request) -> Answer:
    names = EXTENDED if "ext" in request.command else SYSTEM
    rows: list[Members] = [[("name", name), ("size", _size(box, name))] for name in names]
    return Answer(members=[("file", Many(rows))])


def _size(box: Appliance, name: str) -> int:
    return sum(map(len, box.logs.lines[name]))


@command("logging/savelogs", "logging/downloadlogs", "logging/saveextlogs")
def savelogs(box: Appliance, request: Request) -> Answer:
    """Send a gzip-compressed tar archive, as documented."""
    whole = io.BytesIO()
    with tarfile.open(fileobj=whole, mode="w:gz") as archive:
        for name in _chosen(request):
            content = "".join(box.logs.lines[name]).encode()
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return Answer(file=whole.getvalue())


@command("logging/clearlogs", "logging/resetlogs", "logging/clearextlogs", mutates=True)
def clearlogs(box: Appliance, request: Request) -> Answer:
    for name in _chosen(request):
        box.logs.lines[name].clear()
    return DONE
