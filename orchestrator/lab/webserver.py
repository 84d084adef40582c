"""The lab's web server: ``python -m orchestrator.lab.webserver --name web1 --port 80``.

HTTP/1.1 with keep-alive: ``GET /`` names server and version, ``GET /health`` answers 200,
``GET /download?bytes=N&seconds=S`` sends a body slowly, ``POST /upload`` answers with the
size and SHA-256 of what arrived. SIGTERM is a lame duck's end: no new connections, open
requests are finished, then it exits.
"""

import argparse
import asyncio
import hashlib
import json
import os
import signal
import socket
import sys
from contextlib import suppress
from urllib.parse import parse_qs, urlsplit

_MAX_DOWNLOAD = 1 << 30
_IDLE_S = 5.0
"""A kept-alive connection waits that long for a request, as Apache's do unless told otherwise."""
_FIRST_REQUEST_S = 5.0


class WebServer:
    """One server; ``stop`` makes it a lame duck."""

    def __init__(self, *, name: str, version: str, any_path: bool = False) -> None:
        self._name = name
        self._any_path = any_path
        self._body = json.dumps({"server": name, "version": version}).encode() + b"\n"
        self._stopping = asyncio.Event()
        self._open: set[asyncio.Task[None]] = set()
        self._idle: set[asyncio.Task[bytes]] = set()

    async def serve(self, address: str, port: int) -> None:
        """Listen until ``stop`` is called and the open requests are answered.

        Prints ``listening ADDRESS PORT`` on stdout when it does.
        """
        server = await asyncio.start_server(
            self._accepted, address, port, backlog=1024, limit=1 << 16
        )
        host, real_port = server.sockets[0].getsockname()[:2]
        print(f"listening {host} {real_port}", flush=True)  # noqa: T201 - the ready line
        _notify_ready()
        try:
            await self._stopping.wait()
        finally:
            server.close()
        for waiting in self._idle:
            waiting.cancel()
        if self._open:
            await asyncio.wait(self._open)

    def stop(self) -> None:
        """Take no more connections, finish the open requests, close idle connections."""
        self._stopping.set()

    def _accepted(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.ensure_future(self._connection(reader, writer))
        self._open.add(task)
        task.add_done_callback(self._open.discard)

    async def _connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            # A connection that was accepted just before the stop still gets its answer.
            keep = await self._request(reader, writer, first=True)
            while keep and not self._stopping.is_set():
                keep = await self._request(reader, writer, first=False)
        except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, ValueError):
            return  # the client is gone, or does not speak HTTP: nothing to answer
        finally:
            writer.close()
            with suppress(OSError):  # the client may have reset it
                await writer.wait_closed()

    async def _head(self, reader: asyncio.StreamReader, *, first: bool) -> bytes | None:
        """Wait for a request's head; None when there is none to come."""
        waiting = asyncio.ensure_future(reader.readuntil(b"\r\n\r\n"))
        if not first:
            self._idle.add(waiting)
        try:
            return await asyncio.wait_for(waiting, _FIRST_REQUEST_S if first else _IDLE_S)
        except (asyncio.TimeoutError, asyncio.CancelledError, asyncio.IncompleteReadError):
            return None
        finally:
            self._idle.discard(waiting)

    async def _request(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, first: bool
    ) -> bool:
        """Answer one request; False when the connection is to be closed."""
        head = await self._head(reader, first=first)
        if head is None:
            return False
        request_line, *lines = head.decode("latin-1").split("\r\n")
        method, target, version = request_line.split(" ")
        headers = {
            name.strip().lower(): value.strip()
            for name, colon, value in (line.partition(":") for line in lines)
            if colon
        }
        keep = version == "HTTP/1.1" and headers.get("connection", "").lower() != "close"
        url = urlsplit(target)
        if method == "POST" and url.path == "/upload":
            body = await _digest(reader, int(headers.get("content-length", "0")))
            status = "200 OK"
        elif method in ("GET", "HEAD") and url.path == "/download":
            query = parse_qs(url.query)
            size = min(int(query.get("bytes", ["65536"])[0]), _MAX_DOWNLOAD)
            seconds = float(query.get("seconds", ["0"])[0])
            await self._download(writer, size, seconds, keep=keep)
            return keep
        elif method in ("GET", "HEAD") and (self._any_path or url.path in ("/", "/health")):
            status, body = "200 OK", self._body
        else:
            status, body = "404 Not Found", b"not here\n"
        keep = keep and not self._stopping.is_set()
        writer.write(self._answer_head(status, len(body), keep=keep))
        if method != "HEAD":
            writer.write(body)
        await writer.drain()
        return keep

    async def _download(
        self, writer: asyncio.StreamWriter, size: int, seconds: float, *, keep: bool
    ) -> None:
        writer.write(self._answer_head("200 OK", size, keep=keep))
        pieces = max(1, min(round(seconds * 10), size) if seconds > 0 else size // 65536)
        sent = 0
        for piece in range(1, pieces + 1):
            if seconds > 0:
                await asyncio.sleep(seconds / pieces)
            until = size * piece // pieces
            writer.write(bytes(until - sent))
            await writer.drain()
            sent = until

    def _answer_head(self, status: str, length: int, *, keep: bool) -> bytes:
        return (
            f"HTTP/1.1 {status}\r\nServer: {self._name}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {length}\r\n"
            f"Connection: {'keep-alive' if keep else 'close'}\r\n\r\n"
        ).encode()


def _notify_ready() -> None:
    """Tell systemd, where it started us as a service of Type=notify."""
    if path := os.environ.get("NOTIFY_SOCKET"):
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as told:
            told.sendto(b"READY=1", path)


async def _digest(reader: asyncio.StreamReader, length: int) -> bytes:
    digest, left = hashlib.sha256(), length
    while left > 0:
        chunk = await reader.read(min(left, 65536))
        if not chunk:
            raise asyncio.IncompleteReadError(b"", left)
        digest.update(chunk)
        left -= len(chunk)
    return json.dumps({"bytes": length, "sha256": digest.hexdigest()}).encode()


async def watch_stdin(ended: asyncio.Event) -> None:
    """Set ``ended`` when stdin reaches its end: whoever started us is gone."""
    reader = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    transport, _ = await loop.connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), sys.stdin
    )
    try:
        while await reader.read(4096):
            pass
    finally:
        transport.close()
    ended.set()


async def _main(options: argparse.Namespace) -> None:
    server = WebServer(name=options.name, version=options.version, any_path=options.any_path)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, server.stop)
    serving = asyncio.ensure_future(server.serve(options.address, options.port))
    if not options.until_eof:
        await serving
        return
    orphaned = asyncio.Event()
    watching = asyncio.ensure_future(watch_stdin(orphaned))
    await asyncio.wait((serving, watching), return_when=asyncio.FIRST_COMPLETED)
    for task in (serving, watching):
        task.cancel()  # an orphan does not wait for open requests
    results = await asyncio.gather(serving, watching, return_exceptions=True)
    for result in results:
        if isinstance(result, Exception):
            raise result


def main() -> None:
    """Run one server until SIGTERM, or the end of stdin with ``--until-eof``."""
    parser = argparse.ArgumentParser(prog="python -m orchestrator.lab.webserver")
    parser.add_argument("--name", required=True)
    parser.add_argument("--version", default="1", help="what GET / says beside the name")
    parser.add_argument("--address", default="0.0.0.0")  # noqa: S104 - DSR: must hear the VIP too
    parser.add_argument("--port", type=int, default=80)
    parser.add_argument("--any-path", action="store_true", help="what / says, everywhere")
    parser.add_argument("--until-eof", action="store_true", help="end with the parent process")
    asyncio.run(_main(parser.parse_args()))


if __name__ == "__main__":
    main()
