"""The transport of a client, made at its first call: requests takes 100 ms to import."""

import threading
from typing import TYPE_CHECKING, Literal

from kempsdk.auth import Auth
from kempsdk.clock import Clock
from kempsdk.transport.call import Call, Reply
from kempsdk.transport.endpoint import Endpoint
from kempsdk.transport.tls import Trust

if TYPE_CHECKING:
    from kempsdk.transport.detection import WireTransport


class LazyTransport:
    """Keeps what the real transport needs until somebody calls."""

    def __init__(
        self,
        endpoint: Endpoint,
        *,
        auth: Auth,
        api: Literal["auto", "v1", "v2"],
        trust: Trust,
        timeout_s: float,
        clock: Clock,
    ) -> None:
        self._endpoint = endpoint
        self._auth = auth
        self._api = api
        self._trust = trust
        self._timeout_s = timeout_s
        self._clock = clock
        self._lock = threading.Lock()
        self._made: WireTransport | None = None

    def send(self, call: Call, *, timeout_s: float | None = None) -> Reply:
        return self.real().send(call, timeout_s=timeout_s)

    def close(self) -> None:
        with self._lock:
            if self._made is not None:
                self._made.close()

    def real(self) -> "WireTransport":
        """Return the transport, made now if it was not needed yet."""
        with self._lock:
            if self._made is None:
                from kempsdk.transport.detection import WireTransport

                self._made = WireTransport(
                    self._endpoint,
                    auth=self._auth,
                    api=self._api,
                    trust=self._trust,
                    timeout_s=self._timeout_s,
                    clock=self._clock,
                )
            return self._made
