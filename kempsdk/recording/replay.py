"""Plays the appliance from a recording, without any network.

::

    with replay("fixtures/listvs/two-services-v1") as box, box.client() as lm:
        services = lm.virtual_services.list()

Every request must be in the recording and all of the recording must be asked for;
anything else fails the test and says what is nearest.
"""

import errno
import re
import ssl
import threading
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Literal
from urllib.parse import urlsplit

import requests
import responses
from requests import PreparedRequest
from requests.adapters import HTTPAdapter
from typing_extensions import Self

from kempsdk.auth import ApiKey
from kempsdk.recording.conversation import Answer, Closed, Conversation, Request
from kempsdk.recording.document import conversation_path, read_file
from kempsdk.recording.errors import UnmatchedRequest, UnusedExchanges
from kempsdk.recording.matching import differences, matches
from kempsdk.recording.scrubbing import Scrubber
from kempsdk.recording.wire import read_request
from kempsdk.transport.connections import PROGRESS, Stage

if TYPE_CHECKING:
    from kempsdk.client import LoadMaster

_LONGEST_LABEL: Final = 63
"""Characters between two dots of a host name."""

Order = Literal["strict", "any"]


class ReplayClock:
    """A clock on which waiting takes no time: pacing and retries do not slow a test down."""

    def __init__(self) -> None:
        self._now_s = 0.0
        self._lock = threading.Lock()

    def monotonic_s(self) -> float:
        with self._lock:
            return self._now_s

    def time_s(self) -> float:
        return self.monotonic_s()

    def sleep(self, seconds: float) -> None:
        with self._lock:
            self._now_s += max(0.0, seconds)


class Replay:
    """A recording that answers; use it as a context manager.

    While it is open, HTTP requests of this process go to it, or to a replay or
    ``responses`` mock that was open before, never to a network.

    Attributes:
        url: the address under which it answers.
        auth: a credential to give to a client; any other does as well.
        api: the interface that was recorded, ``auto`` for both.
        clock: gives a client of your own the waiting that takes no time.
    """

    def __init__(self, path: Path, conversation: Conversation, order: Order) -> None:
        name = re.sub("[^a-z0-9]+", "-", path.stem.lower()).strip("-")[-_LONGEST_LABEL:]
        # A top-level name that is never in the DNS (RFC 2606).
        self.url = f"https://{name.strip('-') or 'recording'}.invalid"
        self.auth = ApiKey("replayed")
        self.clock = ReplayClock()
        apis = {one.request.api for one in conversation.exchanges}
        self.api: Literal["auto", "v1", "v2"] = apis.pop() if len(apis) == 1 else "auto"
        self.conversation = conversation
        self._path = path
        self._order = order
        self._left = list(enumerate(conversation.exchanges, 1))
        self._lock = threading.Lock()
        self._failure: UnmatchedRequest | None = None
        self._mock: responses.RequestsMock | None = None

    def client(self, **options: Any) -> "LoadMaster":
        """Return a client of this appliance; options as for ``LoadMaster``."""
        from kempsdk.client import LoadMaster
        from kempsdk.transport.tls import Pin

        usual = {
            "auth": self.auth,
            "api": self.api,
            # No TLS is spoken; the authorities of this machine take 40 ms to load.
            "tls": Pin("0" * 64),
            "clock": self.clock,
        }
        return LoadMaster(self.url, **{**usual, **options})

    def __enter__(self) -> Self:
        before = HTTPAdapter.send
        mock = responses.RequestsMock(assert_all_requests_are_fired=False, real_adapter_send=before)
        if before.__module__ == HTTPAdapter.__module__:
            where = re.compile("")  # nothing but the network was there before
        else:
            where = re.compile(re.escape(self.url) + "[:/]")
            mock.add_passthru(re.compile(""))
        for method in ("GET", "POST"):
            mock.add_callback(method, where, callback=self._answer, content_type=None)
        mock.start()
        self._mock = mock
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._mock is not None:
            self._mock.stop()
            self._mock.reset()
        if kind is not None:
            return
        if self._failure is not None:
            raise self._failure
        if self._left:
            listed = "\n".join(f"  {number}: {one.request}" for number, one in self._left)
            raise UnusedExchanges(f"{self._path}: never asked for:\n{listed}")

    def _answer(self, request: PreparedRequest) -> tuple[int, Mapping[str, str], bytes]:
        host = urlsplit(request.url or "").hostname
        if host != urlsplit(self.url).hostname:
            raise self._fail(f"{self._path}: answers for {self.url}, not for {host}")
        try:
            asked = _read(request)
        except ValueError as error:
            raise self._fail(f"{self._path}: not a request of the API: {error}") from None
        reply = self._take(asked)
        if isinstance(reply, Closed):
            PROGRESS.stage, failure = _FAILURES[reply]
            raise failure(request)
        PROGRESS.stage = Stage.WRITING
        headers = {"Content-Type": reply.content_type} if reply.content_type else {}
        if reply.cut_short:
            # More was announced than comes, as when the connection breaks.
            headers["Content-Length"] = str(len(reply.body) + 1)
        return reply.status, headers, reply.body

    def _take(self, sent: Request) -> Answer | Closed:
        with self._lock:
            choice = self._left[:1] if self._order == "strict" else self._left
            for place, (_, one) in enumerate(choice):
                if matches(one.request, sent):
                    del self._left[place]
                    return one.reply
            text = self._explain(sent)
        raise self._fail(text)

    def _explain(self, sent: Request) -> str:
        shown = Scrubber().request(sent)
        if not self._left:
            count = len(self.conversation.exchanges)
            return f"{self._path}: all {count} exchanges are used up, asked for: {shown}"
        number, nearest = min(self._left, key=lambda one: len(differences(one[1].request, sent)))
        lines = [f"{self._path}: no answer recorded here for: {shown}"]
        if self._order == "strict":
            lines.append(f"  next is {self._left[0][0]}: {self._left[0][1].request}")
        lines.append(f"  nearest is {number}: {nearest.request}")
        lines += [f"    {one}" for one in differences(nearest.request, shown)]
        return "\n".join(lines)

    def _fail(self, text: str) -> UnmatchedRequest:
        failure = UnmatchedRequest(text)
        with self._lock:
            self._failure = self._failure or failure
        return failure


def _read(prepared: PreparedRequest) -> Request:
    body = prepared.body.encode("utf-8") if isinstance(prepared.body, str) else prepared.body
    if body is not None and not isinstance(body, bytes):
        raise ValueError("a streamed body")
    headers = {name: str(value) for name, value in prepared.headers.items()}
    return read_request(str(prepared.method), prepared.path_url, headers, body).request


def _hung_up(request: PreparedRequest) -> Exception:
    eof = ssl.SSLEOFError(ssl.SSL_ERROR_EOF, "EOF occurred in violation of protocol")
    return requests.exceptions.SSLError(eof, request=request)


def _refused(request: PreparedRequest) -> Exception:
    why = ConnectionRefusedError(errno.ECONNREFUSED, "Connection refused")
    return requests.exceptions.ConnectionError(why, request=request)


def _lost(request: PreparedRequest) -> Exception:
    why = ConnectionResetError(errno.ECONNRESET, "Connection reset by peer")
    return requests.exceptions.ConnectionError(why, request=request)


def _late(request: PreparedRequest) -> Exception:
    return requests.exceptions.ReadTimeout("Read timed out.", request=request)


_FAILURES: Final = {
    Closed.BEFORE_TLS: (Stage.SECURING, _hung_up),
    Closed.NO_CONNECTION: (Stage.CONNECTING, _refused),
    Closed.BEFORE_ANSWER: (Stage.WRITING, _lost),
    Closed.TIMEOUT: (Stage.WRITING, _late),
}


def replay(path: str | Path, *, order: Order = "strict") -> Replay:
    """Return a recording, ready to answer.

    Args:
        path: the file; ``.yaml`` may be left out.
        order: ``strict``: requests come as they were recorded. ``any``: each recorded
            answer is used once, in any order, as suits a script with several threads.

    Raises:
        InvalidConversation: no such recording.
    """
    place = conversation_path(path)
    return Replay(place, read_file(place), order)
