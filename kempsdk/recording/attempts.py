"""Attempts as a client made them, and how they travel from a script to its recorder."""

import base64
import json
from dataclasses import dataclass, field
from typing import Any, Final

from kempsdk.recording.conversation import Answer, Closed, Exchange, Request
from kempsdk.recording.wire import read_request
from kempsdk.transport.connections import Stage
from kempsdk.transport.dialect import HttpAnswer, HttpRequest
from kempsdk.transport.http import NoAnswer

_KEPT_OF_GIVEN_UP: Final = 1 << 16
"""Bytes of an answer that the client stopped reading: it may be huge."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One attempt, not scrubbed yet.

    Attributes:
        where: base URL of the appliance.
        secrets: what the client logged in with.
    """

    where: str
    exchange: Exchange = field(repr=False)
    secrets: tuple[str, ...] = field(repr=False)


def seen(where: str, request: HttpRequest, reply: HttpAnswer | NoAnswer) -> Attempt:
    """Return what an observer of a client was told."""
    asked = read_request(request.method, request.target, request.headers, request.body)
    exchange = Exchange(request=asked.request, reply=_reply(reply))
    return Attempt(where=where, exchange=exchange, secrets=asked.secrets)


def _reply(reply: HttpAnswer | NoAnswer) -> Answer | Closed:
    if isinstance(reply, HttpAnswer):
        return Answer(status=reply.status, content_type=reply.content_type, body=reply.body)
    if reply.answer is not None:
        return Answer(
            status=reply.answer.status,
            content_type=reply.answer.content_type,
            body=reply.answer.body[:_KEPT_OF_GIVEN_UP],
            cut_short=True,
        )
    if reply.stage is Stage.WRITING:
        return Closed.TIMEOUT if reply.late else Closed.BEFORE_ANSWER
    return Closed.BEFORE_TLS if reply.hung_up else Closed.NO_CONNECTION


def pack(attempt: Attempt) -> bytes:
    """Return an attempt as a message; it holds secrets."""
    request, reply = attempt.exchange.request, attempt.exchange.reply
    fields = {
        "where": attempt.where,
        "secrets": attempt.secrets,
        "request": {
            "api": request.api,
            "command": request.command,
            "method": request.method,
            "params": request.params,
            "file": None if request.file is None else _text(request.file),
        },
        "reply": reply.value
        if isinstance(reply, Closed)
        else {
            "status": reply.status,
            "content_type": reply.content_type,
            "body": _text(reply.body),
            "cut_short": reply.cut_short,
        },
    }
    return json.dumps(fields).encode("ascii")


def unpack(message: bytes) -> Attempt:
    """Return the attempt in a message.

    Raises:
        ValueError, TypeError, KeyError: another version wrote it, or something else did.
    """
    fields = json.loads(message)
    request, reply = fields["request"], fields["reply"]
    file = request.pop("file")
    return Attempt(
        where=fields["where"],
        secrets=tuple(fields["secrets"]),
        exchange=Exchange(
            request=Request(**request, file=None if file is None else base64.b64decode(file)),
            reply=Closed(reply) if isinstance(reply, str) else _answer(reply),
        ),
    )


def _answer(fields: dict[str, Any]) -> Answer:
    return Answer(**{**fields, "body": base64.b64decode(fields["body"])})


def _text(content: bytes) -> str:
    return base64.b64encode(content).decode("ascii")
