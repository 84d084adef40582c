"""The undo record as a file among a host's facts: read and written by every method. Pure."""

from orchestrator.errors import HostChangeFailed
from orchestrator.hosts.changes import WriteFile
from orchestrator.hosts.driver import Host
from orchestrator.hosts.state import RECORD_FILE, NetState
from orchestrator.hosts.undo_record import UndoRecord

_MODE = 0o600


def read_record(state: NetState, host: Host) -> UndoRecord:
    """Return the record on the host; an empty one where there is none.

    Raises:
        HostChangeFailed: it makes no sense, so what was there before is not known.
    """
    text = state.files.get(RECORD_FILE)
    if text is None:
        return UndoRecord()
    try:
        return UndoRecord.parse(text)
    except ValueError as error:
        raise HostChangeFailed(
            f"{host.name}: the undo record {RECORD_FILE} cannot be understood ({error}): without "
            "it the old values are not known; look at it, then move it away"
        ) from error


def write_record(state: NetState, host: Host, record: UndoRecord) -> tuple[WriteFile, ...]:
    """Return the change that puts the record on the host; none where it says the same.

    A record with nothing in it is removed.
    """
    before = state.files.get(RECORD_FILE)
    content = None if record.empty else record.render()
    if content is None and before is None:
        return ()
    if content is not None and before is not None and read_record(state, host) == record:
        return ()
    return (WriteFile(path=RECORD_FILE, content=content, before=before, mode=_MODE),)
