"""One appliance's HTTP connection: sends a request, returns a whole answer.

The only importer of requests. What the libraries raise ends here.
"""

import http.client
import logging
import re
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

import requests
import urllib3
from requests.cookies import RequestsCookieJar

from kempsdk.auth import ClientCert
from kempsdk.clock import Clock
from kempsdk.errors import (
    BadAnswer,
    InvalidRequest,
    Outcome,
    OutcomeUnknown,
    RateLimited,
    Unreachable,
)
from kempsdk.transport import observers
from kempsdk.transport.call import Call
from kempsdk.transport.connections import PROGRESS, Stage, TrackingAdapter
from kempsdk.transport.dialect import HttpAnswer, HttpRequest
from kempsdk.transport.endpoint import Endpoint
from kempsdk.transport.pacing import Pacer
from kempsdk.transport.rejections import about
from kempsdk.transport.retry import FailedAttempt, with_retries
from kempsdk.transport.tls import Pin, Trust, make_context, not_trusted

MAX_ANSWER_BYTES: Final = 64 * 1024 * 1024
_CHUNK_BYTES: Final = 1 << 16

LIBRARY_ERRORS: Final = (
    requests.RequestException,
    urllib3.exceptions.HTTPError,
    http.client.HTTPException,
    OSError,
    ValueError,
)
"""Everything requests, urllib3 and what lies below them raise (ssl's errors are OSErrors)."""


class QueryMask(logging.Filter):
    """Takes the query out of logged addresses: in v1 the API key travels there."""

    _QUERY: Final = re.compile(r"(/access\S*?)\?[^\s\"']*")

    def filter(self, record: logging.LogRecord) -> bool:
        text = record.getMessage()
        if "/access" in text:
            record.msg, record.args = self._QUERY.sub(r"\1?***", text), ()
        return True


_MASK: Final = QueryMask()
_LIBRARY_LOGGERS: Final = (
    "requests",
    "urllib3",
    "urllib3.connection",
    "urllib3.connectionpool",
    "urllib3.poolmanager",
    "urllib3.response",
    "urllib3.util.retry",
)


class _NoCookies(RequestsCookieJar):
    def set_cookie(self, cookie: object, *args: object, **kwargs: object) -> None:
        """Keep none: a call's only credential is the one the caller chose."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NoAnswer:
    """An attempt that brought no whole answer.

    Attributes:
        stage: how far the request got.
        late: a time limit ended it.
        hung_up: the other side closed the connection.
        distrusted: its certificate was refused.
        reason: why there was no connection, without addresses.
        answer: what came of an answer that was given up, else None.
        flaw: what was wrong with that answer, "" without one.
    """

    stage: Stage
    late: bool = False
    hung_up: bool = False
    distrusted: bool = False
    reason: str = ""
    answer: HttpAnswer | None = None
    flaw: str = ""


Observer = Callable[[HttpRequest, HttpAnswer | NoAnswer], None]
"""Told of each attempt, in the thread that makes it; it sees credentials."""

_CUT_SHORT: Final = "was cut short"


class HttpChannel:
    """Sends requests to one appliance over a few kept connections. Safe between threads."""

    def __init__(
        self,
        endpoint: Endpoint,
        *,
        trust: Trust,
        client: ClientCert | None,
        timeout_s: float,
        clock: Clock,
    ) -> None:
        self._endpoint = endpoint
        self._trust = trust
        self._client = client
        self._timeout_s = timeout_s
        self._clock = clock
        self._pacer = Pacer(clock)
        self._lock = threading.Lock()
        self._session: requests.Session | None = None
        self._observer: Observer | None = None
        for name in _LIBRARY_LOGGERS:
            logging.getLogger(name).addFilter(_MASK)

    def exchange(self, request: HttpRequest, call: Call, *, timeout_s: float | None) -> HttpAnswer:
        """Send a request, again where that is safe, and return the answer.

        Args:
            request: what to send.
            call: the command it stands for; whether it mutates decides what is repeated.
            timeout_s: for connecting and for each wait for data; None for the client's.

        Raises:
            Unreachable: nothing ran: no connection, or no answer to a read.
            OutcomeUnknown: a mutating call was written and not answered.
            BadAnswer: the answer was cut short or too large.
        """
        timeout = self._timeout_s if timeout_s is None else timeout_s
        session = self._open()

        def attempt() -> HttpAnswer:
            with self._pacer:
                result = self._try(session, request, timeout)
            if self._observer is not None:
                self._observer(request, result)
            observers.tell(self._endpoint.base, request, result)
            if isinstance(result, HttpAnswer):
                return result
            raise self._explain(result, call, timeout)

        return with_retries(attempt, clock=self._clock, deadline_s=2 * timeout)

    @contextmanager
    def observed(self, observer: Observer) -> Iterator[None]:
        """Tell an observer of each attempt while the block runs.

        Raises:
            InvalidRequest: another one is being told already.
        """
        with self._lock:
            if self._observer is not None:
                raise InvalidRequest("this client is being recorded already", field="observer")
            self._observer = observer
        try:
            yield
        finally:
            self._observer = None

    def close(self) -> None:
        """Close the kept connections."""
        with self._lock:
            session, self._session = self._session, None
        if session is not None:
            session.close()

    def _open(self) -> requests.Session:
        with self._lock:
            if self._session is None:
                self._session = self._new_session()
            return self._session

    def _new_session(self) -> requests.Session:
        session = requests.Session()
        # Without this requests takes authorities, proxies and ~/.netrc from the environment.
        session.trust_env = False
        session.cookies = _NoCookies()
        session.headers = requests.structures.CaseInsensitiveDict(
            {"User-Agent": "kempsdk", "Accept": "*/*", "Accept-Encoding": "identity"}
        )
        secure = self._endpoint.scheme == "https"
        adapter = TrackingAdapter(
            make_context(self._trust, self._client) if secure else None,
            fingerprint=self._trust.sha256 if isinstance(self._trust, Pin) else None,
        )
        session.mount(f"{self._endpoint.scheme}://", adapter)
        return session

    def _try(
        self, session: requests.Session, request: HttpRequest, timeout_s: float
    ) -> HttpAnswer | NoAnswer:
        PROGRESS.stage = Stage.CONNECTING
        try:
            with session.request(
                request.method,
                self._endpoint.base + request.target,
                data=request.body,
                headers=dict(request.headers),
                timeout=(timeout_s, timeout_s),
                allow_redirects=False,
                stream=True,
            ) as response:
                return self._read(response, timeout_s)
        except LIBRARY_ERRORS as error:
            chain = _chain(error)
        return NoAnswer(
            stage=PROGRESS.stage,
            late=any(_is_late(one) for one in chain),
            hung_up=any(isinstance(one, _HANG_UPS) for one in chain),
            distrusted=any(_is_distrust(one) for one in chain),
            reason=_reason(chain),
        )

    def _read(self, response: requests.Response, timeout_s: float) -> HttpAnswer | NoAnswer:
        kind = response.headers.get("Content-Type", "").partition(";")[0].strip().lower()
        chunks: list[bytes] = []
        size, flaw = 0, ""
        # A server that drips bytes would never run into the read timeout.
        deadline_s = self._clock.monotonic_s() + 6 * timeout_s
        try:
            for chunk in response.iter_content(_CHUNK_BYTES):
                chunks.append(chunk)
                size += len(chunk)
                if size > MAX_ANSWER_BYTES:
                    flaw = f"is larger than {MAX_ANSWER_BYTES >> 20} MiB"
                elif self._clock.monotonic_s() > deadline_s:
                    flaw = "took too long"
                if flaw:
                    break
        except LIBRARY_ERRORS:
            flaw = _CUT_SHORT
        answer = HttpAnswer(status=response.status_code, content_type=kind, body=b"".join(chunks))
        return NoAnswer(stage=Stage.WRITING, answer=answer, flaw=flaw) if flaw else answer

    def _explain(self, result: NoAnswer, call: Call, timeout_s: float) -> FailedAttempt:
        names: Any = {"command": call.command, "target": call.target}
        where = str(self._endpoint)
        again = "; it may have run: read back before trying again" if call.mutates else ""
        if result.answer is not None:
            bad = BadAnswer(
                f"{about(call)}: the answer of {where} {result.flaw}{again}",
                status=result.answer.status,
                outcome=Outcome.UNKNOWN if call.mutates else Outcome.REJECTED,
                **names,
            )
            cut_short = result.flaw == _CUT_SHORT
            return FailedAttempt(bad, repeatable=cut_short and not call.mutates)
        if result.stage is Stage.WRITING:
            what = f"no answer within {timeout_s:g} s" if result.late else "connection lost"
            text = f"{about(call)}: {where}: {what} after it was sent{again}"
            if call.mutates:
                return FailedAttempt(OutcomeUnknown(text, **names), repeatable=False)
            return FailedAttempt(Unreachable(text, **names), repeatable=True)
        if result.distrusted:
            error = not_trusted(
                self._endpoint.host,
                self._endpoint.port,
                pinned=isinstance(self._trust, Pin),
                timeout_s=timeout_s,
            )
            return FailedAttempt(error, repeatable=False)
        if result.hung_up:
            # A reset can be seen while connecting already; a closed port refuses instead.
            text = f"{where} closed the connection before TLS: too many calls, or no TLS there"
            return FailedAttempt(RateLimited(text, **names), repeatable=True)
        reason = f"no connection within {timeout_s:g} s" if result.late else result.reason
        text = f"{where}: {reason}; nothing was sent"
        return FailedAttempt(Unreachable(text, **names), repeatable=True)


_TIMEOUTS: Final = (TimeoutError, requests.Timeout, urllib3.exceptions.TimeoutError)
_HANG_UPS: Final = (
    ConnectionResetError,
    ConnectionAbortedError,
    BrokenPipeError,
    ssl.SSLEOFError,
    ssl.SSLZeroReturnError,
)


def _chain(error: BaseException) -> list[BaseException]:
    """Return an error and everything it wraps, by whatever way the libraries keep it."""
    found: list[BaseException] = []
    waiting: list[BaseException] = [error]
    while waiting:
        one = waiting.pop()
        if any(one is seen for seen in found):
            continue
        found.append(one)
        inner = [one.__cause__, one.__context__, getattr(one, "reason", None), *one.args]
        waiting.extend(part for part in inner if isinstance(part, BaseException))
    return found


def _is_late(error: BaseException) -> bool:
    # urllib3 derives "refused" and "no such host" from its connect timeout.
    refused = isinstance(error, urllib3.exceptions.NewConnectionError)
    return isinstance(error, _TIMEOUTS) and not refused


def _is_distrust(error: BaseException) -> bool:
    if isinstance(error, ssl.SSLCertVerificationError):
        return True
    # urllib3 compares fingerprints itself and says so in words only.
    return isinstance(error, urllib3.exceptions.SSLError) and "ingerprint" in str(error)


def _reason(chain: list[BaseException]) -> str:
    for one in chain:
        if isinstance(one, socket.gaierror | urllib3.exceptions.NameResolutionError):
            return "no such host name"
        if isinstance(one, ssl.SSLError):
            return f"TLS failed ({getattr(one, 'reason', None) or 'no reason given'})"
    for one in chain:
        # Only the system's own words: those of the libraries hold the whole address.
        if isinstance(one, OSError) and one.errno is not None and one.strerror:
            return one.strerror
    return "no connection"
