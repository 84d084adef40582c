"""What an appliance writes into its log files while it runs."""

import time
from collections import deque
from typing import Final

_KEPT_LINES: Final = 10_000
SYSTEM: Final = ("messages",)
EXTENDED: Final = ("connection", "security", "user")


class LogFiles:
    """The files of one appliance; gone with it, and never in a state file.

    Attributes:
        lines: by name of the file.
    """

    def __init__(self) -> None:
        self.lines: dict[str, deque[str]] = {
            name: deque(maxlen=_KEPT_LINES) for name in (*SYSTEM, *EXTENDED)
        }

    def note(self, text: str) -> None:
        """Add a line to the system's messages."""
        now = time.strftime("%b %d %H:%M:%S", time.gmtime())
        self.lines["messages"].append(f"{now} {text}\n")
