"""The checks themselves, against small servers on loopback."""

import asyncio
import os
import ssl
from collections.abc import Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any, cast

import pytest

from kempsdk.emulator.certificate import self_signed, server_context
from kempsdk.emulator.checks import CheckSpec, probe

Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def _server(talk: Talk, tls: ssl.SSLContext | None = None) -> Any:
    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await talk(reader, writer)
        finally:
            writer.close()

    server = await asyncio.start_server(handle, "127.0.0.1", 0, ssl=tls)
    async with server:
        yield server.sockets[0].getsockname()[1]


def _says(greeting: bytes) -> Talk:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(greeting)
        await writer.drain()
        await reader.read()

    return talk


def _http(seen: list[bytes], status: int = 200, body: bytes = b"all is well") -> Talk:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        if b"Content-Length" in head:
            head += await reader.readexactly(int(head.split(b"Content-Length: ")[1].split()[0]))
        seen.append(head)
        writer.write(b"HTTP/1.1 %d X\r\nConnection: close\r\n\r\n%b" % (status, body))
        await writer.drain()

    return talk


def _check(talk: Talk, tls: ssl.SSLContext | None = None, **settings: Any) -> bool:
    async def run() -> bool:
        async with _server(talk, tls) as port:
            spec = CheckSpec(
                type="tcp",
                address="127.0.0.1",
                server_port=port,
                port=port,
                virtual_address="198.18.0.1",
            )
            return await asyncio.wait_for(probe(replace(spec, **settings)), 5)

    return asyncio.run(run())


def test_tcp() -> None:
    assert _check(_says(b""))


def test_nobody_listens() -> None:
    spec = CheckSpec(type="tcp", address="127.0.0.1", server_port=1, port=1)
    with pytest.raises(ConnectionRefusedError):
        asyncio.run(probe(spec))


@pytest.mark.parametrize(
    ("kind", "greeting", "good"),
    [
        ("smtp", b"220 mail ready\r\n", True),
        ("smtp", b"554 go away\r\n", False),
        ("ftp", b"220 ftp\r\n", True),
        ("nntp", b"200 posting allowed\r\n", True),
        ("nntp", b"201 no posting\r\n", True),
        ("nntp", b"400 closed\r\n", False),
        ("pop3", b"+OK ready\r\n", True),
        ("pop3", b"-ERR\r\n", False),
        ("imap", b"* OK ready\r\n", True),
        ("imap", b"+OK ready\r\n", True),
        ("imap", b"* BYE now\r\n", False),
        ("telnet", b"\xff\xfd\x18", True),
        ("telnet", b"login:", False),
        ("rdp", b"\x03\x00\x00\x0b", True),
        ("rdp", b"\x05\x00", False),
        ("ldap", b"\x30\x0c\x02\x01", True),
        ("ldap", b"HTTP", False),
    ],
)
def test_greetings(kind: str, greeting: bytes, good: bool) -> None:
    assert _check(_says(greeting), type=kind) is good


def test_a_silent_greeting_is_an_early_end() -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"2")

    with pytest.raises(EOFError):
        _check(talk, type="smtp")


@pytest.mark.parametrize(
    ("status", "codes", "good"),
    [
        (200, "", True),
        (204, "", True),
        (301, "", True),
        (302, "", True),
        (401, "", True),
        (404, "", False),
        (503, "", False),
        (503, "404 503", True),
        (500, "404 503", False),
    ],
)
def test_http_codes(status: int, codes: str, good: bool) -> None:
    assert _check(_http([], status), type="http", codes=codes) is good


@pytest.mark.parametrize(
    ("settings", "request_head"),
    [
        ({}, b"HEAD / HTTP/1.0\r\n\r\n"),
        ({"url": "/health", "method": 1}, b"GET /health HTTP/1.0\r\n\r\n"),
        (
            {"http11": True, "method": 3},
            b"OPTIONS / HTTP/1.1\r\nHost: 198.18.0.1\r\nConnection: close\r\n\r\n",
        ),
        (
            {"http11": True, "host": "web.example"},
            b"HEAD / HTTP/1.1\r\nHost: web.example\r\nConnection: close\r\n\r\n",
        ),
        # The host plays a part with HTTP/1.1 only.
        ({"host": "web.example"}, b"HEAD / HTTP/1.0\r\n\r\n"),
        ({"headers": "X-A:1 X-B:2"}, b"HEAD / HTTP/1.0\r\nX-A: 1\r\nX-B: 2\r\n\r\n"),
        (
            {"method": 2, "post_data": "a=b"},
            b"POST / HTTP/1.0\r\nContent-Type: application/x-www-form-urlencoded\r\n"
            b"Content-Length: 3\r\n\r\na=b",
        ),
    ],
)
def test_http_requests(settings: dict[str, Any], request_head: bytes) -> None:
    seen: list[bytes] = []
    assert _check(_http(seen), type="http", **settings)
    assert seen == [request_head]


@pytest.mark.parametrize(
    ("method", "pattern", "good"),
    [
        (1, "is w", True),
        (1, "^all.*l$", True),
        (1, "sick", False),
        (0, "sick", True),
        (2, "(", False),
    ],
)
def test_http_patterns(method: int, pattern: str, good: bool) -> None:
    assert _check(_http([]), type="http", method=method, pattern=pattern) is good


def test_https_does_not_verify() -> None:
    tls = server_context(self_signed("127.0.0.1"))
    assert _check(_http([]), tls, type="https")
    assert _check(_http([]), tls, type="https", http11=True, host="web.example")


def test_http_that_is_none() -> None:
    with pytest.raises(ValueError, match="HTTP"):
        _check(_says(b"SSH-2.0\r\n"), type="http")


@pytest.mark.parametrize(("expect", "good"), [("6f6b", True), ("", True), ("ffff", False)])
def test_binary(expect: str, good: bool) -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        assert await reader.readexactly(2) == b"\x01\x02"
        writer.write(b"is ok")

    assert _check(talk, type="bdata", url="0102", pattern=expect) is good


@pytest.mark.parametrize("answers", [True, False])
def test_dns(answers: bool) -> None:
    class Name(asyncio.DatagramProtocol):
        transport: asyncio.DatagramTransport

        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            # Not an instance of it on Python 3.11, though it is one.
            self.transport = cast(asyncio.DatagramTransport, transport)

        def datagram_received(self, data: bytes, addr: tuple[str | Any, int]) -> None:
            flags = 0x80 if answers else 0
            self.transport.sendto(data[:2] + bytes([data[2] | flags]) + data[3:], addr)

    async def run() -> bool:
        loop = asyncio.get_running_loop()
        transport, _ = await loop.create_datagram_endpoint(Name, local_addr=("127.0.0.1", 0))
        port = transport.get_extra_info("sockname")[1]
        spec = CheckSpec(type="dns", address="127.0.0.1", server_port=port, port=port)
        try:
            return await asyncio.wait_for(probe(spec), 5)
        finally:
            transport.close()

    assert asyncio.run(run()) is answers


def test_icmp() -> None:
    spec = CheckSpec(type="icmp", address="127.0.0.1", server_port=80, port=80)
    try:
        up = asyncio.run(asyncio.wait_for(probe(spec), 5))
    except PermissionError:
        # Neither ping sockets nor raw ones are open to this user: then a check fails.
        assert os.geteuid() != 0
    else:
        assert up
