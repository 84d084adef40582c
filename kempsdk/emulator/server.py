"""Accepting connections: the load limits and faults come before TLS, HTTP after it."""

import asyncio
import contextlib
import errno
import socket
import ssl
from typing import Any

from aiohttp import web

from kempsdk.emulator.faults import Faults
from kempsdk.emulator.front import Front
from kempsdk.emulator.gate import Gate, hang_up

_SHUTDOWN_S = 1.0
_BACKLOG = 256
_TURNS_TO_CLOSE = 3
_BACK_OFF_S = 0.05
_LONGEST_LINE = 64 * 1024


def bound_socket(listen: tuple[str, int]) -> socket.socket:
    """Return a listening socket.

    Raises:
        OSError: the address is in use, or is none of this machine.
    """
    family = socket.AF_INET6 if ":" in listen[0] else socket.AF_INET
    sock = socket.create_server(listen, family=family, backlog=_BACKLOG)
    sock.setblocking(False)
    return sock


def _reserved(address: tuple[str, int]) -> socket.socket:
    """Return a socket that has the address and does not listen yet."""
    sock = socket.socket(socket.AF_INET6 if ":" in address[0] else socket.AF_INET)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind(address)
    except OSError:
        sock.close()
        raise
    sock.setblocking(False)
    return sock


class HttpServer:
    """Serves one listening socket until it is closed."""

    def __init__(
        self,
        listener: socket.socket,
        front: Front,
        *,
        gate: Gate,
        faults: Faults,
        tls: ssl.SSLContext | None,
    ) -> None:
        self._listener = listener
        self._address: tuple[str, int] = listener.getsockname()[:2]
        self._gate = gate
        self._faults = faults
        self._tls = tls
        self._on = asyncio.Event()
        self._off = asyncio.Event()
        self._open: dict[socket.socket, asyncio.BaseTransport] = {}
        self._server = web.Server(
            front.handle,
            access_log=None,
            # Longer lines than the API takes are the front's to answer.
            max_line_size=_LONGEST_LINE,
            max_field_size=_LONGEST_LINE,
            # The front hands out bodies as they came; nobody compresses them.
            auto_decompress=False,
        )

    async def run(self) -> None:
        """Accept connections until cancelled, while it is switched on."""
        try:
            while True:
                accepting = asyncio.create_task(self._accept())
                off = asyncio.create_task(self._off.wait())
                try:
                    await asyncio.wait((accepting, off), return_when=asyncio.FIRST_COMPLETED)
                finally:
                    await cancel(off)
                    await cancel(accepting)
                self.drop_connections()
                self._listener.close()
                self._listener = _reserved(self._address)
                await self._on.wait()
                self._listener.listen(_BACKLOG)
        finally:
            self._listener.close()

    def switch_off(self) -> None:
        """Close every connection, and soon the port: connecting is refused then."""
        self._on.clear()
        self._off.set()
        self.drop_connections()

    def switch_on(self) -> None:
        """Listen again, soon."""
        self._off.clear()
        self._on.set()

    async def _accept(self) -> None:
        loop = asyncio.get_running_loop()
        tasks: set[asyncio.Task[None]] = set()
        try:
            while True:
                try:
                    sock, _ = await loop.sock_accept(self._listener)
                except OSError as failed:
                    if failed.errno not in (errno.EMFILE, errno.ENFILE, errno.ECONNABORTED):
                        raise
                    # Out of files for the moment, or the client went away already.
                    await asyncio.sleep(_BACK_OFF_S)
                    continue
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                if self._faults.takes_close_before_tls() or self._gate.refuses_connection(
                    len(self._server.connections)
                ):
                    task = loop.create_task(hang_up(sock))
                else:
                    task = loop.create_task(self._connect(sock))
                tasks.add(task)
                task.add_done_callback(tasks.discard)
        finally:
            for task in list(tasks):
                await cancel(task)

    async def _connect(self, sock: socket.socket) -> None:
        """Hand a connection to the HTTP server."""
        try:
            transport, _ = await asyncio.get_running_loop().connect_accepted_socket(
                self._server, sock, ssl=self._tls
            )
        except OSError:
            # The client did not like the certificate, or went away.
            sock.close()
        else:
            self._open = {one: its for one, its in self._open.items() if one.fileno() >= 0}
            self._open[sock] = transport

    def drop_connections(self) -> None:
        """Close all connections at once."""
        for connection in self._server.connections:
            connection.force_close()

    async def close(self) -> None:
        """Close idle connections now and the others when they have their answer."""
        for connection in self._server.connections:
            connection.close()
        await self._server.shutdown(_SHUTDOWN_S)
        # TLS would wait for the client's farewell, longer than the loop lives.
        for transport in self._open.values():
            if isinstance(transport, asyncio.WriteTransport):
                transport.abort()
        for _ in range(_TURNS_TO_CLOSE):
            await asyncio.sleep(0)


async def cancel(task: "asyncio.Task[Any]") -> None:
    """Cancel a task and wait for its end."""
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
