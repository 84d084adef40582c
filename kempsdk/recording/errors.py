"""What recording and replaying raise.

A replay that does not fit is a failed test, so those errors are AssertionErrors: the
client under test maps only what libraries raise and lets them through.
"""

from pathlib import Path


class InvalidConversation(ValueError):
    """A file that is no conversation, or not one this version reads.

    Attributes:
        path: which file.
    """

    def __init__(self, path: Path, message: str) -> None:
        super().__init__(f"{path}: {message}")
        self.path = path


class SecretLeft(RuntimeError):
    """A secret would have been in the file; nothing was written. The message does not hold it."""


class UnmatchedRequest(AssertionError):
    """A request for which the recording has no answer."""


class UnusedExchanges(AssertionError):
    """The replay ended before all of the recording was asked for."""
