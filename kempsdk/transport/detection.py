"""The transport to a real appliance: v1, v2, or whichever of them it has."""

import threading
from contextlib import AbstractContextManager
from typing import Literal

from kempsdk.auth import Auth, ClientCert
from kempsdk.clock import Clock
from kempsdk.errors import ApiDisabled, AuthenticationFailed, CommandRejected
from kempsdk.transport.call import Call, Reply
from kempsdk.transport.dialect import Dialect, HttpAnswer
from kempsdk.transport.endpoint import Endpoint
from kempsdk.transport.http import HttpChannel, Observer
from kempsdk.transport.tls import Trust
from kempsdk.transport.v1 import V1
from kempsdk.transport.v2 import V2

Api = Literal["auto", "v1", "v2"]


class WireTransport:
    """Sends calls over HTTP(S); see ``Transport``. Connects at the first call.

    With ``auto`` the first call itself is the test: it goes to v2, and to v1 if the answer
    shows that there is no v2. So detection costs at most one call, once.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        *,
        auth: Auth,
        api: Api,
        trust: Trust,
        timeout_s: float,
        clock: Clock,
    ) -> None:
        client = auth if isinstance(auth, ClientCert) else None
        self._channel = HttpChannel(
            endpoint, trust=trust, client=client, timeout_s=timeout_s, clock=clock
        )
        self._auth = auth
        self._dialect: Dialect | None = None
        self._detecting = threading.Lock()
        if api == "v2":
            self._dialect = V2(auth)
        elif api == "v1" or client is not None:
            self._dialect = V1(auth)

    def send(self, call: Call, *, timeout_s: float | None = None) -> Reply:
        dialect = self._dialect
        if dialect is None:
            with self._detecting:
                dialect = self._dialect
                if dialect is None:
                    return self._detect(call, timeout_s)
        return dialect.read(self._ask(dialect, call, timeout_s), call)

    def close(self) -> None:
        self._channel.close()

    def observed(self, observer: Observer) -> AbstractContextManager[None]:
        """Tell an observer of each HTTP attempt while a block runs."""
        return self._channel.observed(observer)

    def _ask(self, dialect: Dialect, call: Call, timeout_s: float | None) -> HttpAnswer:
        return self._channel.exchange(dialect.write(call), call, timeout_s=timeout_s)

    def _detect(self, call: Call, timeout_s: float | None) -> Reply:
        v2: Dialect = V2(self._auth)
        answer = self._ask(v2, call, timeout_s)
        if answer.body.lstrip().startswith(b"{"):
            self._dialect = v2
            return v2.read(answer, call)
        if not _absent(answer, call):
            # A refused login, for instance: trying it on v1 too would count as a second one.
            return v2.read(answer, call)
        v1: Dialect = V1(self._auth)
        answer = self._ask(v1, call, timeout_s)
        try:
            reply = v1.read(answer, call)
        except (ApiDisabled, AuthenticationFailed):
            raise  # says nothing about which interfaces there are
        except CommandRejected:
            self._dialect = v1
            raise
        self._dialect = v1
        return reply


def _absent(answer: HttpAnswer, call: Call) -> bool:
    """Return whether an answer that is no JSON object shows that v2 is not there.

    A disabled API looks the same, but does on v1 too. A page with status 200 proves
    less, so it is not reason enough to send a mutating call a second time.
    """
    if answer.status in (404, 405) or 300 <= answer.status < 400:
        return True
    return answer.status == 200 and not call.mutates
