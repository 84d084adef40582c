"""The two interfaces, v1 and v2, as ways to write a call and read its answer."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Protocol

from kempsdk.errors import InvalidRequest
from kempsdk.transport.call import Call, Reply


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpRequest:
    """A request without its host. ``target`` is path and query; it can hold a credential."""

    method: str
    target: str = field(repr=False)
    headers: Mapping[str, str] = field(repr=False, default_factory=dict)
    body: bytes | None = field(repr=False, default=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpAnswer:
    """A complete answer. ``content_type`` is in lower case, without parameters."""

    status: int
    content_type: str
    body: bytes = field(repr=False)


class Dialect(Protocol):
    """One of the two interfaces."""

    name: str

    def write(self, call: Call) -> HttpRequest:
        """Return the request for a call.

        Raises:
            InvalidRequest: a name that cannot stand in a request.
        """
        ...

    def read(self, answer: HttpAnswer, call: Call) -> Reply:
        """Return what an answer says.

        Raises:
            CommandRejected: the appliance said no.
            BadAnswer: not an answer of this interface.
        """
        ...


_COMMAND: Final = re.compile(r"[A-Za-z0-9_]+([/.][A-Za-z0-9_]+)?")
_NAME: Final = re.compile(r"[A-Za-z0-9_.\-]+")


def check_names(call: Call) -> None:
    """Refuse a command or parameter name that would change the request around it.

    Raises:
        InvalidRequest: other characters than such names have.
    """
    if not _COMMAND.fullmatch(call.command):
        raise InvalidRequest("not a command word", field="command", value=call.command)
    for name in call.params:
        if not _NAME.fullmatch(name):
            raise InvalidRequest(
                "not a parameter name", field="parameter", value=name, command=call.command
            )
