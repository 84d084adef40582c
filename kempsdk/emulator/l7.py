"""The virtual LoadMaster's layer-7 data path: a TCP proxy with the appliance's persistence.

Each service is listened for on its own address and port. Not carried: TLS ended at the
service, SubVSs, content rules, UDP, several ports in one service.
"""

import asyncio
import contextlib
import logging
import socket
import threading
import time
from collections.abc import Coroutine, Mapping, Sequence
from typing import Any, TypeVar

from kempsdk.emulator.datapath import L7Service, ServerCounters
from kempsdk.emulator.l7_connections import COOKIE_MODES, Connection, L7ConnectionTable
from kempsdk.emulator.l7_http import END, MOST_HEAD, cookies_of, set_cookie_of, with_cookie
from kempsdk.emulator.l7_network import IP_TRANSPARENT, ProxyNetwork

_log = logging.getLogger(__name__)

_TICK_S = 0.2
_CONNECT_S = 5.0
_CHUNK = 64 * 1024
IDLE_S = 660.0
"""The appliance's own idle time where a service has none."""

_Result = TypeVar("_Result")


class Proxy:
    """Implements :class:`kempsdk.emulator.datapath.L7DataPath` with ordinary sockets.

    Works in a thread of its own, in the network namespace of the thread that starts it.
    """

    def __init__(self, interface: str | None = None) -> None:
        """Describe a proxy; nothing is opened before ``start``.

        Args:
            interface: device that gets the services' addresses, announced by gratuitous
                ARP; needs CAP_NET_ADMIN. None: they are there already, such as 127.0.0.2.
                Transparent services need it; without it servers see the proxy's address.
        """
        self._network = ProxyNetwork(interface) if interface is not None else None
        self._listeners: dict[tuple[str, int], _Listener] = {}
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop: asyncio.Event | None = None

    def start(self) -> None:
        """Start its thread."""
        ready = threading.Event()
        self._thread = threading.Thread(
            target=lambda: asyncio.run(self._run(ready)), name="l7-proxy", daemon=True
        )
        self._thread.start()
        ready.wait()

    def stop(self) -> None:
        """End every connection and the thread; once or more often."""
        if self._thread is None or self._loop is None or self._stop is None:
            return
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()
        self._thread = self._loop = None

    def program(self, services: Sequence[L7Service]) -> None:
        """Replace the services; those that are new are listened for when this returns.

        An address that cannot be listened on is logged, and tried again the next time.
        """
        self._in_loop(self._program(services))

    def counters(self) -> Mapping[int, ServerCounters]:
        return self._in_loop(self._counters())

    # -- its own thread

    def _in_loop(self, work: Coroutine[Any, Any, _Result]) -> _Result:
        if self._loop is None:
            work.close()
            raise RuntimeError("not started")
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    async def _run(self, ready: threading.Event) -> None:
        self._loop = asyncio.get_running_loop()
        self._stop = asyncio.Event()
        ready.set()
        while not self._stop.is_set():
            for listener in self._listeners.values():
                listener.tick()
            with contextlib.suppress(asyncio.TimeoutError):
                await asyncio.wait_for(self._stop.wait(), _TICK_S)
        for listener in self._listeners.values():
            await listener.close()
        if self._network is not None:
            await asyncio.to_thread(self._network.own, (), ())

    async def _program(self, services: Sequence[L7Service]) -> None:
        wanted = {(one.address, one.port): one for one in services}
        await self._own(services)
        for place in [one for one in self._listeners if one not in wanted]:
            await self._listeners.pop(place).close()
        for place, service in wanted.items():
            listener = self._listeners.get(place)
            if listener is None:
                listener = _Listener(service, transparent=self._network is not None)
                try:
                    await listener.open()
                except OSError as error:
                    _log.warning("%s:%d cannot be served: %s", *place, error.strerror)
                    continue
                self._listeners[place] = listener
            listener.program(service)

    async def _own(self, services: Sequence[L7Service]) -> None:
        if self._network is None:
            return
        addresses = {one.address for one in services}
        replies = {
            (server.address, server.port)
            for one in services
            if one.transparent
            for server in one.servers
        }
        # Its library runs an event loop of its own, which does not go inside this one.
        try:
            await asyncio.to_thread(self._network.own, addresses, replies)
        except OSError as error:
            _log.warning("addresses of the services: %s", error.strerror)

    async def _counters(self) -> dict[int, ServerCounters]:
        return {
            index: counters
            for listener in self._listeners.values()
            for index, counters in listener.table.counters()
        }


class _Listener:
    """One service: its listening socket and its connections."""

    def __init__(self, service: L7Service, *, transparent: bool) -> None:
        self.table = L7ConnectionTable(service)
        self._transparent = transparent
        self._flows: dict[Connection, _Flow] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None

    async def open(self) -> None:
        """Listen.

        Raises:
            OSError: the address is not this machine's, or taken.
        """
        service = self.table.service
        self._server = await asyncio.start_server(
            self._accepted, service.address, service.port, backlog=1024, limit=MOST_HEAD
        )

    async def close(self) -> None:
        if self._server is not None:
            self._server.close()
        tasks = tuple(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def program(self, service: L7Service) -> None:
        self._cut(*self.table.program(service, now_s=time.monotonic()))

    def tick(self) -> None:
        now_s = time.monotonic()
        self._cut(*self.table.expire(now_s=now_s))
        idle_s = self.table.service.idle_timeout_s or IDLE_S
        self._cut(*[one for one, flow in self._flows.items() if now_s - flow.used_s > idle_s])

    def _cut(self, *connections: Connection) -> None:
        for one in connections:
            if flow := self._flows.get(one):
                flow.abort()

    def _accepted(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(self._serve(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await self._carry(reader, writer)
        except (OSError, asyncio.TimeoutError, asyncio.IncompleteReadError):
            # The client, or its server, is gone: the other one is told by the reset.
            _log.debug("a connection to %s ended early", self.table.service.address)
        finally:
            # Not closed in peace before: whoever is left sees a reset.
            writer.transport.abort()

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        client: str = writer.get_extra_info("peername")[0]
        head, cookies = b"", None
        if self.table.service.persist in COOKIE_MODES:
            head = await _head(reader)
            cookies = cookies_of(head)
        connection = self.table.open(client, cookies, now_s=time.monotonic())
        if connection is None:
            return  # reset: what the appliance sends without a server is a guess
        try:
            server = await asyncio.wait_for(self._connect(client, connection), _CONNECT_S)
            flow = _Flow(self.table, connection, (reader, writer), server)
            self._flows[connection] = flow
            try:
                await flow.run(head)
            finally:
                del self._flows[connection]
                server[1].transport.abort()
        finally:
            self.table.close(connection)

    async def _connect(
        self, client: str, connection: Connection
    ) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        target = connection.target.server
        if not (self._transparent and self.table.service.transparent):
            return await asyncio.open_connection(target.address, target.port, limit=MOST_HEAD)
        opened = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        try:
            opened.setblocking(False)
            opened.setsockopt(socket.SOL_IP, IP_TRANSPARENT, 1)
            opened.bind((client, 0))
            loop = asyncio.get_running_loop()
            await loop.sock_connect(opened, (target.address, target.port))
        except BaseException:
            opened.close()
            raise
        return await asyncio.open_connection(sock=opened, limit=MOST_HEAD)


class _Flow:
    """The two directions of one connection."""

    def __init__(
        self,
        table: L7ConnectionTable,
        connection: Connection,
        client: tuple[asyncio.StreamReader, asyncio.StreamWriter],
        server: tuple[asyncio.StreamReader, asyncio.StreamWriter],
    ) -> None:
        self._table = table
        self._connection = connection
        self._client = client
        self._server = server
        self.used_s = time.monotonic()

    async def run(self, head: bytes) -> None:
        """Carry bytes until both sides have ended."""
        there = asyncio.create_task(self._pump(self._client[0], self._server[1], head))
        back = asyncio.create_task(self._back())
        try:
            await asyncio.gather(there, back)
        finally:
            for task in (there, back):
                task.cancel()
            await asyncio.gather(there, back, return_exceptions=True)

    def abort(self) -> None:
        for _, writer in (self._client, self._server):
            writer.transport.abort()

    async def _back(self) -> None:
        connection = self._connection
        head = b""
        if connection.cookie is not None or connection.learns:
            head = await _head(self._server[0])
            if connection.cookie is not None:
                head = with_cookie(head, *connection.cookie)
            elif value := set_cookie_of(head, self._table.cookie_name):
                self._table.learned(connection, value, now_s=time.monotonic())
        await self._pump(self._server[0], self._client[1], head)

    async def _pump(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, first: bytes
    ) -> None:
        data = first or await reader.read(_CHUNK)
        while data:
            self.used_s = time.monotonic()
            self._connection.target.bytes += len(data)
            writer.write(data)
            await writer.drain()
            data = await reader.read(_CHUNK)
        if reader.at_eof() and not writer.transport.is_closing():
            writer.write_eof()
            await writer.drain()


async def _head(reader: asyncio.StreamReader) -> bytes:
    """Return the head of an HTTP message, or whatever comes instead of one."""
    try:
        return await reader.readuntil(END)
    except asyncio.IncompleteReadError as error:
        return error.partial
    except asyncio.LimitOverrunError:
        return await reader.read(_CHUNK)
