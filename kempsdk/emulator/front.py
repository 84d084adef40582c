"""The two APIs over HTTP: who calls, which command, and the answer in its own form."""

import asyncio
import base64
import binascii
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import parse_qsl, unquote

from aiohttp import web

from kempsdk.emulator import render_v1, render_v2
from kempsdk.emulator.answers import Answer, Refusal, missing
from kempsdk.emulator.appliance import Appliance
from kempsdk.emulator.call_log import CallLog
from kempsdk.emulator.faults import SPOILERS, Fault, FaultKind, Faults, Strike
from kempsdk.emulator.firmware import has_v2
from kempsdk.emulator.gate import Gate
from kempsdk.emulator.licensing import is_licensed, needs_no_credentials
from kempsdk.emulator.not_emulated import HEADER, NotEmulated
from kempsdk.emulator.pages import page, respond
from kempsdk.emulator.parameters import is_api_enabled
from kempsdk.emulator.registry import COMMANDS, Api, Request
from kempsdk.emulator.values import Params

MAX_BODY: Final = 64 * 1024 * 1024
_ENABLE_API: Final = "param=enableapi&value=yes"
_CONTENT_TYPES: Final[Mapping[Api, str]] = {
    "v1": render_v1.CONTENT_TYPE,
    "v2": render_v2.CONTENT_TYPE,
}
_METHODS: Final[Mapping[Api, frozenset[str]]] = {
    # That v1 refuses other methods is a guess; PUT and DELETE must not change anything.
    "v1": frozenset({"GET", "HEAD", "POST"}),
    "v2": frozenset({"POST"}),
}
_GARBAGE: Final = bytes(range(256)) * 2
_CONTINUE: Final = b"HTTP/1.1 100 Continue\r\n\r\n"


@dataclass(frozen=True, slots=True)
class _Call:
    """A call as read from the wire, before it is known who it is from."""

    api: Api
    command: str
    params: Params
    user: str | None
    body: bytes


class _Drop(Exception):
    """The connection ends without an answer."""


class _Page(Exception):
    """An HTML page is the answer."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


class Front:
    """Answers HTTP requests for one appliance."""

    def __init__(self, box: Appliance, *, gate: Gate, faults: Faults, log: CallLog) -> None:
        self._box = box
        self._gate = gate
        self._faults = faults
        self._log = log

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer one request; a dropped connection is closed and gets no answer."""
        try:
            return await self._answer(request)
        except _Page as answer:
            return page(answer.status)
        except _Drop:
            if request.transport is not None:
                request.transport.abort()
            # Goes nowhere: the connection is gone.
            return web.Response(status=503)

    async def _answer(self, request: web.BaseRequest) -> web.StreamResponse:
        path, query = _split(request.raw_path)
        if path.startswith("/progs/") and not has_v2(self._box.switches.firmware):
            return self._use_web_interface(request, path)
        if path == "/accessv2" or path.startswith("/accessv2/"):
            api: Api = "v2"
        elif path.startswith("/access/"):
            api = "v1"
        else:
            raise _Page(404)
        if api == "v2" and not has_v2(self._box.switches.firmware):
            raise _Page(404)
        if self._gate.refuses_call():
            raise _Drop
        self._gate.count_call()
        if api == "v1" and len(query) > self._box.switches.url_limit:
            raise _Drop
        is_enabling = api == "v1" and path == "/access/set" and query.startswith(_ENABLE_API)
        # The oldest firmware has only its web interface to switch the API on with.
        can_enable = is_enabling and has_v2(self._box.switches.firmware)
        if not is_api_enabled(self._box.state) and not can_enable:
            raise _Page(404)
        if request.method not in _METHODS[api]:
            raise _Page(405)
        body = await _read(request) if request.body_exists else b""
        call = self._read_v2(body) if api == "v2" else self._read_v1(path, query, body, request)
        return await self._meet_faults(request, call)

    def _use_web_interface(self, request: web.BaseRequest, path: str) -> web.Response:
        """Switch the API on, as a client does it where the API cannot do it itself."""
        if path == "/progs/status/logout":
            return page(200)
        user = self._read_v1("/access/", "", b"", request).user
        if path != "/progs/doconfig/enableapi/set/yes":
            raise _Page(404)
        if user is None:
            raise _Page(401)
        self._box.run(
            Request(
                api="v1",
                command="set",
                params=Params({"param": "enableapi", "value": "yes"}),
                user=user,
            )
        )
        return page(200)

    async def _meet_faults(self, http: web.BaseRequest, call: _Call) -> web.StreamResponse:
        """Run a call with whatever strikes it before and after."""
        strikes = self._faults.strikes(call.command)
        if not strikes:
            return self._run(http, call)
        early = [one for one in strikes if one.fault.when == "before"]
        late = [one for one in strikes if one.fault.when == "after"]
        await self._let_happen(early)
        for one in early:
            if one.fault.kind in SPOILERS:
                if one.fault.kind is FaultKind.REJECT:
                    code = one.fault.status or 0
                    self._log.add(self._box, call.api, call.command, call.params, code)
                return await self._spoil(one.fault, http, call, web.Response())
        response = self._run(http, call)
        await self._let_happen(late)
        for one in late:
            if one.fault.kind in SPOILERS:
                return await self._spoil(one.fault, http, call, response)
        return response

    async def _let_happen(self, strikes: Sequence[Strike]) -> None:
        """Let pass the time, change what others change, and fail over."""
        for one in strikes:
            if one.fault.kind is FaultKind.DELAY:
                await asyncio.sleep(one.fault.seconds)
            elif one.fault.kind is FaultKind.CHANGE:
                for members in one.fault.calls:
                    try:
                        self.run(members)
                    except Refusal as refusal:
                        one.failed(f"{members['cmd']}: {refusal.text}")
            elif one.fault.kind is FaultKind.FAILOVER and self._faults.failover is not None:
                # Elsewhere: it waits for this loop and for that of the other unit.
                await asyncio.to_thread(self._faults.failover)

    async def _spoil(
        self, fault: Fault, http: web.BaseRequest, call: _Call, response: web.Response
    ) -> web.StreamResponse:
        """Answer something else than the response."""
        code = fault.status or 0
        if fault.kind is FaultKind.TRUNCATE:
            return await _cut_short(http, response)
        if fault.kind is FaultKind.GARBAGE:
            return respond(200, _GARBAGE, _CONTENT_TYPES[call.api])
        if fault.kind is FaultKind.PAGE:
            return page(code)
        if fault.kind is FaultKind.REJECT:
            return self._refuse(call.api, Refusal(fault.message, code))
        raise _Drop

    def run(self, members: Mapping[str, object]) -> Answer:
        """Run a command for an administrator who is no client of the APIs.

        Args:
            members: ``cmd`` and its parameters, as v2 has them.

        Raises:
            Refusal: the command fails.
        """
        call = self._read_members(members)
        return self._box.run(
            Request(
                api="v2",
                command=call.command,
                params=call.params,
                user=next(iter(self._box.state.users)),
                body=call.body,
            )
        )

    def _read_v1(self, path: str, query: str, body: bytes, http: web.BaseRequest) -> _Call:
        command = unquote(path.removeprefix("/access/")).strip("/")
        pairs = _pairs(query)
        found = COMMANDS.get(command)
        if body and not (found is not None and found.takes_file):
            try:
                text = body.decode("ascii")
            except UnicodeDecodeError:
                text = ""
            pairs.update(_pairs(text))
            body = b""
        user: str | None = None
        key = pairs.pop("apikey", "")
        authorization = http.headers.get("Authorization", "")
        if key:
            user = self._box.credentials.by_key(key)
        elif not authorization:
            user = self._by_certificate(http)
        elif authorization[:6].lower() == "basic ":
            name, _, password = _basic(authorization[6:]).partition(":")
            user = self._box.log_in(name, password)
        return _Call("v1", command, Params(pairs), user, body)

    def _by_certificate(self, http: web.BaseRequest) -> str | None:
        """Return the user whose certificate the client showed, where such a login is on."""
        parameters = self._box.state.parameters
        tls = http.get_extra_info("ssl_object")
        shown = None if tls is None else tls.getpeercert(binary_form=True)
        if (
            not shown
            or parameters.get("sessioncontrol") != "yes"
            or parameters.get("adminclientaccess", "0") == "0"
        ):
            return None
        return self._box.credentials.by_certificate(shown)

    def _read_v2(self, body: bytes) -> _Call:
        try:
            data = json.loads(body)
        except (ValueError, RecursionError):
            data = None
        if not isinstance(data, dict):
            raise _Page(400)
        return self._read_members(data)

    def _read_members(self, data: Mapping[str, object]) -> _Call:
        members = {str(name).lower(): value for name, value in data.items()}
        command = str(members.pop("cmd", None) or "").replace(".", "/")
        key = members.pop("apikey", None)
        name, password = members.pop("apiuser", None), members.pop("apipass", None)
        user: str | None = None
        if key:
            user = self._box.credentials.by_key(str(key))
        elif name is not None and password is not None:
            user = self._box.log_in(str(name), str(password))
        upload = b""
        found = COMMANDS.get(command)
        file = members.get("data")
        if found is not None and found.takes_file and isinstance(file, str):
            del members["data"]
            try:
                upload = base64.b64decode(file, validate=False)
            except binascii.Error:
                upload = b""
        return _Call("v2", command, Params(members), user, upload)

    def _run(self, http: web.BaseRequest, call: _Call) -> web.Response:
        user = call.user
        is_fresh = self._box.switches.unlicensed and not is_licensed(self._box)
        if is_fresh and needs_no_credentials(self._box, call.command):
            user = user or next(iter(self._box.state.users))
        if user is None:
            self._log.add(self._box, call.api, call.command, call.params, 401)
            if self._box.switches.html_on_401:
                return page(401)
            return self._refuse(call.api, Refusal("Authorization Required", 401))
        request = Request(
            api=call.api,
            command=call.command,
            params=call.params,
            user=user,
            peer=http.remote or "",
            body=call.body,
        )
        entry = self._log.add(self._box, call.api, call.command, call.params, 200)
        try:
            if not call.command:
                raise missing("cmd")
            if is_fresh and not needs_no_credentials(self._box, call.command):
                raise Refusal("Command not available.")
            answer = self._box.run(request)
        except Refusal as refusal:
            self._log.set_code(entry, refusal.code)
            return self._refuse(call.api, refusal)
        return self._succeed(call.api, answer)

    def _succeed(self, api: Api, answer: Answer) -> web.Response:
        if api == "v2":
            switches = self._box.switches
            body = render_v2.success(
                answer,
                broken_preprocess_json=switches.broken_preprocess_json
                or switches.firmware == "7.2.50",
            )
            return respond(200, body, render_v2.CONTENT_TYPE)
        if answer.file is not None:
            return respond(200, answer.file, answer.content_type)
        return respond(200, render_v1.success(answer), render_v1.CONTENT_TYPE)

    def _refuse(self, api: Api, refusal: Refusal) -> web.Response:
        if api == "v1":
            response = respond(refusal.code, render_v1.failure(refusal), render_v1.CONTENT_TYPE)
        else:
            status = 200 if self._box.switches.v2_failures_with_http_200 else refusal.code
            response = respond(status, render_v2.failure(refusal), render_v2.CONTENT_TYPE)
        if isinstance(refusal, NotEmulated):
            response.headers[HEADER] = "not emulated"
        return response


def _pairs(query: str) -> dict[str, str]:
    try:
        return dict(parse_qsl(query, keep_blank_values=True, errors="strict"))
    except UnicodeDecodeError:
        # v1 speaks ISO-8859-1; a client may well ask in it.
        return dict(parse_qsl(query, keep_blank_values=True, encoding="iso-8859-1"))


def _basic(encoded: str) -> str:
    try:
        return base64.b64decode(encoded).decode("utf-8")
    except ValueError:
        return ""


def _split(target: str) -> tuple[str, str]:
    """Return path and query of a request target, which may be a whole URL (RFC 9112, 3.2.2)."""
    scheme, separator, rest = target.partition("://")
    if separator and scheme.lower() in ("http", "https"):
        target = f"/{rest.partition('/')[2]}"
    path, _, query = target.partition("?")
    return path, query


async def _read(request: web.BaseRequest) -> bytes:
    if (request.content_length or 0) > MAX_BODY:
        raise _Page(413)
    # .NET (the vendor's PowerShell module) and curl ask before they send a file.
    if request.headers.get("Expect", "").lower() == "100-continue":
        await request.writer.write(_CONTINUE)
        request.writer.output_size = 0
    parts: list[bytes] = []
    size = 0
    try:
        async for part in request.content.iter_any():
            size += len(part)
            if size > MAX_BODY:
                raise _Page(413)
            parts.append(part)
    except ConnectionError:
        # The client went away within its request.
        raise _Drop from None
    return b"".join(parts)


async def _cut_short(request: web.BaseRequest, whole: web.Response) -> web.StreamResponse:
    """Send the head and half of the body, then close the connection."""
    body = whole.body if isinstance(whole.body, bytes) else b""
    response = web.StreamResponse(status=whole.status, headers=whole.headers)
    response.content_length = len(body)
    await response.prepare(request)
    await response.write(body[: len(body) // 2])
    if request.transport is not None:
        request.transport.close()
    return response
