"""The appliance's refusals as errors."""

import re
from typing import Final

from kempsdk.errors import (
    ApiDisabled,
    AuthenticationFailed,
    BadAnswer,
    CommandRejected,
    KempError,
    NotFound,
    Outcome,
    PermissionDenied,
    UnknownCommand,
)
from kempsdk.transport.call import Call
from kempsdk.transport.dialect import HttpAnswer

_REASON_LENGTH: Final = 300
# Texts seen on 7.2.50 to 7.2.63, except "Unknown SubVS", which only a client's list has.
_NOT_FOUND: Final = re.compile(
    r"Unknown (VS|RS|SubVS|certificate|cipher set|ACME cert|parameter value\b.*)"
    r"|Rule (\S+ )?not found",
    re.IGNORECASE,
)
_NO_COMMAND: Final = re.compile(r"Unknown command\b.*|Command not available\.?", re.IGNORECASE)

_BY_STATUS: Final[dict[int, type[CommandRejected]]] = {
    # The table of the vendor's Python SDK.
    401: AuthenticationFailed,
    403: PermissionDenied,
    405: UnknownCommand,
}
_ADVICE: Final[dict[type[CommandRejected], str]] = {
    AuthenticationFailed: "wrong or missing credentials; not tried again, to lock nobody out",
    PermissionDenied: "this user has no right to it",
    ApiDisabled: "the API is switched off; switch it on at Certificates & Security > "
    "Remote Access > Enable API Interface",
    UnknownCommand: "this firmware or licence has no such command",
}


def _kind(status: int, reason: str) -> type[CommandRejected]:
    if kind := _BY_STATUS.get(status):
        return kind
    if _NOT_FOUND.fullmatch(reason):
        return NotFound
    if _NO_COMMAND.fullmatch(reason):
        return UnknownCommand
    if status == 404:
        # v2 uses it for a missing file too, with a body of its own.
        return ApiDisabled if re.search(r"\bAPI\b", reason) else NotFound
    return CommandRejected


def rejected(status: int, reason: str, call: Call) -> CommandRejected:
    """Return the error for a refusal in the API's own form.

    Args:
        status: ``stat`` (v1) or ``code`` (v2).
        reason: the appliance's text.
        call: what was refused.
    """
    text = " ".join(reason.split())[:_REASON_LENGTH] or f"refused with status {status}"
    return _build(_kind(status, text), status, text, call)


def _build(kind: type[CommandRejected], status: int, reason: str, call: Call) -> CommandRejected:
    advice = _ADVICE.get(kind)
    return kind(
        f"{about(call)}: {reason}" + (f" ({advice})" if advice else ""),
        status=status,
        reason=reason,
        command=call.command,
        target=call.target,
    )


def not_the_api(answer: HttpAnswer, call: Call) -> KempError:
    """Return the error for an answer that is not in the API's form, HTML most of the time.

    Bad credentials and a disabled API are answered so (seen on 7.2.50 to 7.2.63).
    """
    status = answer.status
    if status == 404:
        return _build(ApiDisabled, status, "not found", call)
    if kind := _BY_STATUS.get(status):
        return _build(kind, status, f"refused with status {status}", call)
    if 300 <= status < 400:
        return bad_answer("redirected, perhaps to a log-in page", answer, call, ran=False)
    if status == 503:
        # Whether it comes of the appliance before it ran anything is only claimed; a proxy on
        # the way may say so afterwards.
        return bad_answer("not ready: starting up or not licensed", answer, call)
    what = "an HTML page" if looks_like_html(answer) else "something that is not the API's"
    return bad_answer(f"{what} came back (status {status})", answer, call)


def bad_answer(what: str, answer: HttpAnswer, call: Call, *, ran: bool = True) -> BadAnswer:
    """Return the error for an unusable answer.

    Args:
        what: what is wrong with it, without any of its text.
        answer: the answer.
        call: what was asked.
        ran: False where the command certainly did not run.
    """
    unknown = call.mutates and ran
    advice = "; it may have run: read back before trying again" if unknown else ""
    return BadAnswer(
        f"{about(call)}: {what}{advice}",
        command=call.command,
        target=call.target,
        status=answer.status,
        outcome=Outcome.UNKNOWN if unknown else Outcome.REJECTED,
    )


def looks_like_html(answer: HttpAnswer) -> bool:
    """Return whether an answer is a page for people."""
    start = answer.body[:512].lstrip().lower()
    return answer.content_type == "text/html" or start.startswith((b"<!doctype html", b"<html"))


def about(call: Call) -> str:
    """Return how messages name a call: by command and target, never by its parameters."""
    return f"{call.command} {call.target}" if call.target else call.command
