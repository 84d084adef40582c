"""urllib3 connections that know how far a request got.

Whether a failed call may be repeated depends on whether any of it was written. That
cannot be told from the exceptions: TLS fails alike before and after the request.
"""

import threading
from enum import IntEnum
from typing import TYPE_CHECKING, Any

from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

from kempsdk.transport.pacing import IN_FLIGHT

if TYPE_CHECKING:
    import socket
    import ssl

    from requests import PreparedRequest


class Stage(IntEnum):
    """How far the request of this thread got."""

    CONNECTING = 0
    SECURING = 1
    WRITING = 2


class Progress(threading.local):
    """The stage of the request that the current thread is making."""

    stage = Stage.CONNECTING


PROGRESS = Progress()


class _TrackedHttp(HTTPConnection):
    def _new_conn(self) -> "socket.socket":
        connected = super()._new_conn()
        PROGRESS.stage = Stage.SECURING
        return connected

    def send(self, data: Any) -> None:
        if self.sock is None:
            self.connect()
        PROGRESS.stage = Stage.WRITING
        super().send(data)


class _TrackedHttps(HTTPSConnection):
    def _new_conn(self) -> "socket.socket":
        connected = super()._new_conn()
        PROGRESS.stage = Stage.SECURING
        return connected

    def connect(self) -> None:
        super().connect()
        # Whom to trust was the caller's choice; urllib3 would warn at every call.
        self.is_verified = True

    def send(self, data: Any) -> None:
        if self.sock is None:
            self.connect()
        PROGRESS.stage = Stage.WRITING
        super().send(data)


class _HttpPool(HTTPConnectionPool):
    ConnectionCls = _TrackedHttp


class _HttpsPool(HTTPSConnectionPool):
    ConnectionCls = _TrackedHttps


class TrackingAdapter(HTTPAdapter):
    """Keeps a few connections open; trust is in the context it is given, nowhere else."""

    def __init__(self, context: "ssl.SSLContext | None", *, fingerprint: str | None) -> None:
        self._tls: dict[str, Any] = {}
        if context is not None:
            self._tls["ssl_context"] = context
        if fingerprint is not None:
            self._tls["assert_fingerprint"] = fingerprint
        super().__init__(pool_connections=1, pool_maxsize=IN_FLIGHT, pool_block=True)

    def init_poolmanager(
        self, connections: int, maxsize: int, block: bool = False, **pool_kwargs: Any
    ) -> None:
        super().init_poolmanager(connections, maxsize, block=block, **pool_kwargs, **self._tls)
        self.poolmanager.pool_classes_by_scheme = {"http": _HttpPool, "https": _HttpsPool}

    def build_connection_pool_key_attributes(
        self, request: "PreparedRequest", verify: Any, cert: Any = None
    ) -> tuple[Any, Any]:
        # requests would derive its own trust from session.verify and the environment.
        host, _ = super().build_connection_pool_key_attributes(request, verify, cert)
        return host, {}

    def cert_verify(self, conn: Any, url: str, verify: Any, cert: Any) -> None:
        """Leave the context alone: requests would load public authorities into it."""
