"""Requests as they go over HTTP, read back into commands and parameters."""

import base64
import binascii
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import parse_qsl, unquote, urlsplit

from kempsdk.recording.conversation import Request

V1_PATH: Final = "/access/"
V2_PATH: Final = "/accessv2"
CREDENTIALS: Final = frozenset({"apikey", "apiuser", "apipass"})
_FORM: Final = "application/x-www-form-urlencoded"


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A request and what it logged in with.

    Attributes:
        secrets: credentials that stood in it: key, password; never the user's name.
    """

    request: Request
    secrets: tuple[str, ...] = field(repr=False)


def read_request(method: str, target: str, headers: Mapping[str, str], body: bytes | None) -> Asked:
    """Return what a request asks for.

    Args:
        method: GET or POST.
        target: path and query.
        headers: names in any case.
        body: None or empty where there is none.

    Raises:
        ValueError: not a request of the API.
    """
    parts = urlsplit(target)
    named = {name.lower(): value for name, value in headers.items()}
    secrets = _login(named.get("authorization", ""))
    file: bytes | None = None
    params: dict[str, object] = {}
    if parts.path.startswith(V1_PATH):
        pairs = parse_qsl(parts.query, keep_blank_values=True)
        if body and named.get("content-type", "").startswith(_FORM):
            pairs += parse_qsl(body.decode("ascii", "replace"), keep_blank_values=True)
        elif body:
            file = body
        params.update(pairs)
        command = unquote(parts.path[len(V1_PATH) :]).strip("/")
    elif parts.path.startswith(V2_PATH):
        value = json.loads(body or b"null")
        if not isinstance(value, dict):
            raise ValueError("the body of a v2 request is a JSON object")
        params.update(value)
        command = str(params.pop("cmd", "")).replace(".", "/")
        file = _upload(params)
    else:
        raise ValueError("neither below /access/ nor /accessv2")
    for name in [one for one in params if one.lower() in CREDENTIALS]:
        given = params.pop(name)
        if name.lower() != "apiuser":
            secrets = (*secrets, str(given))
    request = Request(
        api="v1" if parts.path.startswith(V1_PATH) else "v2",
        command=command,
        method=method.upper(),
        params=params,
        file=file,
    )
    return Asked(request=request, secrets=tuple(one for one in secrets if one))


def _login(header: str) -> tuple[str, ...]:
    scheme, _, value = header.partition(" ")
    if scheme.lower() != "basic":
        return (value,)
    try:
        pair = base64.b64decode(value)
    except binascii.Error:
        return (value,)
    return (pair.decode("utf-8", "replace").partition(":")[2], value)


def _upload(params: dict[str, object]) -> bytes | None:
    """Take an uploaded file out of the members of a v2 request."""
    value = params.get("data")
    if not isinstance(value, str):
        return None
    try:
        content = base64.b64decode("".join(value.split()), validate=True)
    except (binascii.Error, ValueError):
        return None
    del params["data"]
    return content
