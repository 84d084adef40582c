"""A conversation with a LoadMaster: what was asked, what came back, where it is from."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Final, Literal

Api = Literal["v1", "v2"]

SUFFIX: Final = ".yaml"
UNKNOWN: Final = "unknown"
"""A firmware that nobody told."""


class Closed(str, Enum):
    """Why there was no answer."""

    BEFORE_TLS = "before TLS"
    """What the appliance does above its call rate: nothing was sent."""
    NO_CONNECTION = "no connection"
    BEFORE_ANSWER = "after the request"
    """The request was written; whether it ran is not known."""
    TIMEOUT = "timeout"
    """The same, by waiting too long."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Provenance:
    """Where a conversation comes from.

    Attributes:
        source: ``written from facts``, ``recorded from the virtual LoadMaster``, ...
        firmware: version that the answers have the form of, or ``unknown``.
        date: day of recording or writing, YYYY-MM-DD.
        note: what is special about it; "" for nothing.
    """

    source: str
    firmware: str
    date: str
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One command as it went over the wire, without host and credentials.

    Attributes:
        command: command word, sub-commands with a slash (``logging/df``) on both wires.
        params: texts in v1, JSON values in v2.
        file: an uploaded file; in v2 it travels as base64 in ``data``.
    """

    api: Api
    command: str
    method: str
    params: Mapping[str, object] = field(default_factory=dict)
    file: bytes | None = None

    def __str__(self) -> str:
        named = [f"{name}={value}" for name, value in self.params.items()]
        upload = [f"with a file of {len(self.file)} bytes"] if self.file is not None else []
        return " ".join([self.api, self.command, *named, *upload])


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A complete answer, or one that ends in the middle.

    Attributes:
        status: HTTP status.
        content_type: without parameters; "" for none.
        cut_short: the connection broke after ``body``.
    """

    status: int
    content_type: str
    body: bytes
    cut_short: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """One request and its answer, or why there was none."""

    request: Request
    reply: Answer | Closed


@dataclass(frozen=True, slots=True, kw_only=True)
class Conversation:
    """Exchanges in the order in which they happened."""

    provenance: Provenance
    exchanges: tuple[Exchange, ...]
