"""The seam to the wire: what is asked, what comes back."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

ParamValue = str | int | bool
"""A parameter as the caller means it; the wire's spelling is the codec's business."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One command.

    Attributes:
        command: command word as in the catalogue (``listvs``, ``logging/df``).
        params: names are matched without case by the appliance.
        body: a file to upload (raw in v1, base64 in v2).
        files: several files to upload, by the names of their form fields.
        mutates: whether it changes the appliance; retries go by this, never by HTTP verb.
        target: what it is about, for errors and logs; never a credential.
    """

    command: str
    params: Mapping[str, ParamValue] = field(default_factory=dict)
    body: bytes | None = None
    files: Mapping[str, bytes] = field(default_factory=dict, repr=False)
    mutates: bool
    target: str | None = None


Tree = Mapping[str, object]
"""An answer's data: names to text, numbers, booleans, lists or further trees."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """A successful answer; failures are raised.

    Attributes:
        data: the members below ``Data`` (v1) or of the flat object without envelope (v2).
        message: text of an answer without data (``Command completed ok``), else "".
        file: the bytes of a download, else None.
    """

    data: Tree
    message: str = ""
    file: bytes | None = None


class Transport(Protocol):
    """Sends commands to one appliance. Safe to use from several threads."""

    def send(self, call: Call, *, timeout_s: float | None = None) -> Reply:
        """Send one command and return its answer.

        Raises:
            KempError: see kempsdk.errors; nothing else gets out.
        """
        ...

    def close(self) -> None:
        """Close connections; sending afterwards opens new ones."""
        ...
