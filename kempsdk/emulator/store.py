"""The state file: JSON, replaced as a whole so that a crash leaves the old one or the new one."""

import json
import os
import secrets
import tempfile
from pathlib import Path

from kempsdk.emulator.firmware import VERSIONS
from kempsdk.emulator.parameter_table import default_parameters
from kempsdk.emulator.state import ApplianceState, from_json, to_json
from kempsdk.emulator.switches import Switches


def initial_state(path: Path | None, switches: Switches) -> ApplianceState:
    """Return the saved state, or that of a new appliance without users.

    Raises:
        ValueError: the file holds something else.
    """
    saved = None if path is None else load_state(path)
    if saved is not None:
        return saved
    parameters = default_parameters()
    parameters["version"] = VERSIONS[switches.firmware]
    made_up = 1_000_000 + secrets.randbelow(9_000_000)
    parameters["serialnumber"] = switches.serial_number or str(made_up)
    return ApplianceState(users={}, parameters=parameters)


def load_state(path: Path) -> ApplianceState | None:
    """Return the saved state; None where there is no file yet.

    Raises:
        ValueError: the file holds something else.
    """
    try:
        text = path.read_bytes()
    except FileNotFoundError:
        return None
    try:
        data = json.loads(text)
    except ValueError:
        raise ValueError(f"{path}: not JSON") from None
    if not isinstance(data, dict):
        raise ValueError(f"{path}: not a virtual LoadMaster's state")
    return from_json(data)


def save_state(path: Path, state: ApplianceState) -> None:
    """Replace the file; it is readable by its owner only."""
    write_atomically(path, json.dumps(to_json(state), separators=(",", ":")).encode())


def write_atomically(path: Path, content: bytes) -> None:
    """Write a file that appears whole or not at all, with mode 0600."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
