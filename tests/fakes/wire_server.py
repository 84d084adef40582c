"""A local HTTP(S) server that does what a script says, also what no server should do."""

import contextlib
import socket
import ssl
import struct
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from types import TracebackType
from typing import BinaryIO

from tests.fakes.certificates import self_signed


@dataclass(frozen=True, slots=True)
class Received:
    """A request as it came in; header names are in lower case."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Say:
    """An answer.

    Attributes:
        length: the Content-Length to claim; None for the true one.
        close: close the connection afterwards without saying so.
    """

    body: bytes = b""
    status: int = 200
    content_type: str = "text/xml"
    headers: dict[str, str] = field(default_factory=dict)
    length: int | None = None
    close: bool = False


@dataclass(frozen=True, slots=True)
class HangUp:
    """Close the connection after the request was read."""


@dataclass(frozen=True, slots=True)
class Silence:
    """Read the request and never answer."""


Action = Say | HangUp | Silence


class WireServer:
    """Answers requests with the script's actions in order, then with the last one for ever.

    Attributes:
        received: every request, in order.
        accepted: number of connections taken.
        drops: connections still to be closed right after they were made, before TLS.
    """

    def __init__(
        self, *script: Action, tls: bool = True, drops: int = 0, client_ca: str | None = None
    ) -> None:
        self.certificate = self_signed()
        self.received: list[Received] = []
        self.accepted = 0
        self.drops = drops
        self._script = deque(script)
        self._lock = threading.Lock()
        self._closing = threading.Event()
        self._sockets: set[socket.socket] = set()
        self._threads: list[threading.Thread] = []
        self._context: ssl.SSLContext | None = None
        if tls:
            self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self._context.load_cert_chain(self.certificate.cert, self.certificate.key)
            if client_ca is not None:
                self._context.verify_mode = ssl.CERT_REQUIRED
                self._context.load_verify_locations(client_ca)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.url = f"{'https' if tls else 'http'}://127.0.0.1:{self.port}"

    def __enter__(self) -> "WireServer":
        self._start(self._accept)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._closing.set()
        # A blocked accept does not notice that its socket was closed.
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1):
            pass
        self._listener.close()
        self.cut_connections()
        for thread in self._threads:
            thread.join(5)
            assert not thread.is_alive(), "the test server did not end"

    def cut_connections(self) -> None:
        """Close every open connection, as an idle timeout of the server would."""
        with self._lock:
            for one in self._sockets:
                with contextlib.suppress(OSError):
                    one.shutdown(socket.SHUT_RDWR)

    def _start(self, target: Callable[..., None], *args: object) -> None:
        thread = threading.Thread(target=target, args=args, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while not self._closing.is_set():
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            if self._closing.is_set():
                connection.close()
                return
            self.accepted += 1
            if self.drops > 0:
                self.drops -= 1
                # A reset, not an orderly end: what an overloaded appliance does.
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                connection.close()
                continue
            self._start(self._serve, connection)

    def _serve(self, plain: socket.socket) -> None:
        # The client may leave at any moment, or not speak HTTP: some tests are about that.
        with contextlib.suppress(OSError, ValueError):
            self._serve_until_left(plain)

    def _serve_until_left(self, plain: socket.socket) -> None:
        connection = plain
        with self._lock:
            self._sockets.add(plain)
        try:
            if self._context is not None:
                connection = self._context.wrap_socket(plain, server_side=True)
                with self._lock:
                    self._sockets.discard(plain)
                    self._sockets.add(connection)
            with connection.makefile("rb") as stream:
                while (request := _read(stream)) is not None:
                    if not self._answer(connection, request):
                        return
        finally:
            with self._lock:
                self._sockets.discard(connection)
                self._sockets.discard(plain)
            connection.close()

    def _answer(self, connection: socket.socket, request: Received) -> bool:
        with self._lock:
            self.received.append(request)
            action = self._script.popleft() if len(self._script) > 1 else self._script[0]
        if isinstance(action, HangUp):
            return False
        if isinstance(action, Silence):
            self._closing.wait(30)
            return False
        length = len(action.body) if action.length is None else action.length
        headers = {
            "Content-Type": action.content_type,
            "Content-Length": str(length),
            **action.headers,
        }
        head = f"HTTP/1.1 {action.status} Scripted\r\n"
        head += "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        connection.sendall(head.encode("latin-1") + b"\r\n" + action.body)
        return not action.close


def _read(stream: BinaryIO) -> Received | None:
    line = stream.readline()
    if not line:
        return None
    method, target, _ = line.decode("latin-1").split(" ", 2)
    headers: dict[str, str] = {}
    while (line := stream.readline().strip()) != b"":
        name, _, value = line.decode("latin-1").partition(":")
        headers[name.lower()] = value.strip()
    body = stream.read(int(headers.get("content-length", "0")))
    return Received(method, target, headers, body)
