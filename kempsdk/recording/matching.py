"""Whether a request is the one that was recorded."""

import json
import re
from typing import Final

from kempsdk.recording.conversation import Request
from kempsdk.recording.scrubbing import PLACEHOLDER, SCRUBBED_FILE

_ABSENT: Final = "nothing"


def matches(recorded: Request, sent: Request) -> bool:
    """Return whether a request is the recorded one.

    Parameter names are compared without case, as the appliance does. What was scrubbed
    matches anything but what the recording has for another secret.
    """
    return not differences(recorded, sent)


def differences(recorded: Request, sent: Request) -> list[str]:
    """Return what is different about a request, one readable line each."""
    found: list[str] = []
    for name in ("api", "command", "method"):
        old, new = getattr(recorded, name), getattr(sent, name)
        if old.lower() != new.lower():
            # Another command is further away than many other parameters.
            found += [f"{name}: recorded {old}, sent {new}"] * (10 if name == "command" else 1)
    old_params, new_params = _params(recorded), _params(sent)
    for name in {**old_params, **new_params}:
        old, new = old_params.get(name, _ABSENT), new_params.get(name, _ABSENT)
        if not _same(old, new):
            found.append(f"{name}: recorded {old}, sent {new}")
    if not _same_file(recorded.file, sent.file):
        found.append(f"file: recorded {_size(recorded.file)}, sent {_size(sent.file)}")
    return found


def _params(request: Request) -> dict[str, str]:
    return {
        name.lower(): value if isinstance(value, str) else json.dumps(value, sort_keys=True)
        for name, value in request.params.items()
    }


def _same(recorded: str, sent: str) -> bool:
    return recorded == sent or bool(
        PLACEHOLDER.search(recorded)
        # Taken from an answer of the recording, so it is that one or it is wrong.
        and not PLACEHOLDER.search(sent)
        and re.fullmatch(".*".join(map(re.escape, PLACEHOLDER.split(recorded))), sent, re.DOTALL)
    )


def _same_file(recorded: bytes | None, sent: bytes | None) -> bool:
    if recorded is None or sent is None:
        return recorded is sent
    if recorded == SCRUBBED_FILE:
        return True
    return _same(recorded.decode("iso-8859-1"), sent.decode("iso-8859-1"))


def _size(file: bytes | None) -> str:
    return "none" if file is None else f"{len(file)} bytes"
