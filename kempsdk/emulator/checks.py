"""The health checks themselves, one coroutine a protocol."""

import asyncio
import logging
import os
import re
import secrets
import socket
import ssl
import struct
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Final

_LOGGER = logging.getLogger(__name__)

_METHODS: Final = ("HEAD", "GET", "POST", "OPTIONS")
_READ_LIMIT: Final = 64 * 1024
_GREETINGS: Final[Mapping[str, tuple[bytes, ...]]] = {
    "smtp": (b"220",),
    "ftp": (b"220",),
    "nntp": (b"200", b"201"),
    "pop3": (b"+OK",),
    "imap": (b"* OK", b"+OK"),
    # Telnet servers begin with an IAC negotiation.
    "telnet": (b"\xff",),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckSpec:
    """What one server is checked for.

    Attributes:
        port: where the check goes; ``server_port`` unless CheckPort says otherwise.
        virtual_address: the service's address, the Host of HTTP/1.1 checks without CheckHost.
        method: CheckUseGet, 0 HEAD, 1 GET, 2 POST, 3 OPTIONS.
        interval_s, timeout_s: in the device's seconds.
    """

    type: str
    address: str
    server_port: int
    port: int
    virtual_address: str = ""
    url: str = ""
    host: str = ""
    http11: bool = False
    method: int = 0
    codes: str = ""
    pattern: str = ""
    headers: str = ""
    post_data: str = ""
    match_length: int = 0
    interval_s: int = 9
    timeout_s: int = 4
    retry_count: int = 2


async def probe(spec: CheckSpec) -> bool:
    """Run one check.

    Raises:
        OSError: no connection, or it broke.
        EOFError: the answer ended early.
        ValueError: the answer is none of the protocol.
    """
    if spec.type in ("http", "https"):
        return await _http(spec)
    if spec.type in _GREETINGS:
        return await _exchange(spec, b"", _GREETINGS[spec.type])
    return await _PROBES.get(spec.type, _connect)(spec)


class _Connection:
    """A TCP connection that is closed without waiting for the other side."""

    def __init__(self, spec: CheckSpec) -> None:
        self._spec = spec
        self._writer: asyncio.StreamWriter | None = None

    async def __aenter__(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        spec = self._spec
        context: ssl.SSLContext | None = None
        name: str | None = None
        if spec.type == "https":
            # The appliance does not verify the certificates of real servers in checks.
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
            name = spec.host if spec.http11 and spec.host else None
        reader, self._writer = await asyncio.open_connection(
            spec.address,
            spec.port,
            ssl=context,
            server_hostname=name or ("" if context else None),
            limit=_READ_LIMIT,
        )
        return reader, self._writer

    async def __aexit__(self, *_: object) -> None:
        if self._writer is not None:
            self._writer.transport.abort()


async def _connect(spec: CheckSpec) -> bool:
    async with _Connection(spec):
        return True


async def _exchange(spec: CheckSpec, say: bytes, expect: tuple[bytes, ...]) -> bool:
    """Connect, say something, and compare how the answer begins."""
    async with _Connection(spec) as (reader, writer):
        if say:
            writer.write(say)
        answer = await reader.readexactly(min(map(len, expect)))
        missing = max(map(len, expect)) - len(answer)
        return answer.startswith(expect) or (answer + await reader.read(missing)).startswith(expect)


def _http_request(spec: CheckSpec) -> bytes:
    method = _METHODS[spec.method]
    lines = [f"{method} {spec.url or '/'} HTTP/{'1.1' if spec.http11 else '1.0'}"]
    if spec.http11:
        host = spec.host or spec.virtual_address or spec.address
        lines += [f"Host: {f'[{host}]' if ':' in host else host}", "Connection: close"]
    lines += [one.replace(":", ": ", 1) for one in spec.headers.split()]
    body = spec.post_data.encode() if method == "POST" else b""
    if method == "POST":
        lines += [
            "Content-Type: application/x-www-form-urlencoded",
            f"Content-Length: {len(body)}",
        ]
    return "\r\n".join([*lines, "", ""]).encode() + body


async def _http(spec: CheckSpec) -> bool:
    async with _Connection(spec) as (reader, writer):
        writer.write(_http_request(spec))
        status_line = await reader.readline()
        match = re.match(rb"HTTP/\d\.\d (\d{3})", status_line)
        if match is None:
            raise ValueError("not an HTTP answer")
        code = int(match.group(1))
        # 2xx, 301, 302 and 401 count as up by the vendor's feature description.
        if not (200 <= code <= 299 or code in (301, 302, 401)):
            return str(code) in spec.codes.split()
        if not spec.pattern or spec.method not in (1, 2):
            return True
        await reader.readuntil(b"\r\n\r\n")
        body = (await _read_to_end(reader)).decode("iso-8859-1")
        try:
            return re.search(spec.pattern, body) is not None
        except re.error:
            return spec.pattern in body


async def _read_to_end(reader: asyncio.StreamReader) -> bytes:
    parts: list[bytes] = []
    left = _READ_LIMIT
    while left > 0 and (part := await reader.read(left)):
        parts.append(part)
        left -= len(part)
    return b"".join(parts)


async def _ldap(spec: CheckSpec) -> bool:
    # An anonymous bind, LDAPv3; any LDAPMessage in return will do.
    return await _exchange(spec, bytes.fromhex("300c020101600702010304008000"), (b"\x30",))


async def _rdp(spec: CheckSpec) -> bool:
    # X.224 connection request in a TPKT; the answer is a TPKT, version 3.
    return await _exchange(spec, bytes.fromhex("0300000b06e00000000000"), (b"\x03\x00",))


async def _binary(spec: CheckSpec) -> bool:
    say, expect = bytes.fromhex(spec.url), bytes.fromhex(spec.pattern)
    async with _Connection(spec) as (reader, writer):
        if say:
            writer.write(say)
        if not expect:
            return True
        seen = b""
        limit = spec.match_length or _READ_LIMIT
        while len(seen) < limit and (part := await reader.read(limit - len(seen))):
            seen += part
            if expect in seen:
                return True
        return False


def _family(address: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in address else socket.AF_INET


async def _ask(sock: socket.socket, address: str, port: int, question: bytes) -> bytes:
    loop = asyncio.get_running_loop()
    sock.setblocking(False)
    # At once for datagrams; the loop's own connect would resolve the address first.
    sock.connect((address, port))
    await loop.sock_sendall(sock, question)
    return await loop.sock_recv(sock, 4096)


async def _dns(spec: CheckSpec) -> bool:
    # The name servers of the root; any well-formed reply to the question will do.
    number = secrets.token_bytes(2)
    question = number + struct.pack("!HHHHH", 0x0100, 1, 0, 0, 0) + b"\0" + struct.pack("!HH", 2, 1)
    with socket.socket(_family(spec.address), socket.SOCK_DGRAM) as sock:
        answer = await _ask(sock, spec.address, spec.port, question)
    return len(answer) >= 12 and answer[:2] == number and bool(answer[2] & 0x80)


async def _icmp(spec: CheckSpec) -> bool:
    v6 = ":" in spec.address
    payload = os.urandom(16)
    header = struct.pack("!BBHHH", 128 if v6 else 8, 0, 0, os.getpid() & 0xFFFF, 1)
    packet = header[:2] + struct.pack("!H", _checksum(header + payload)) + header[4:] + payload
    with _icmp_socket(spec.address) as sock:
        answer = await _ask(sock, spec.address, 0, packet)
        # A raw socket sees other ICMP too, on loopback the request itself.
        while not _is_echo_reply(sock, answer, payload):
            answer = await asyncio.get_running_loop().sock_recv(sock, 4096)
    return True


def _icmp_socket(address: str) -> socket.socket:
    protocol = socket.getprotobyname("ipv6-icmp" if ":" in address else "icmp")
    try:
        return socket.socket(_family(address), socket.SOCK_DGRAM, protocol)
    except PermissionError:
        # net.ipv4.ping_group_range does not include us.
        return socket.socket(_family(address), socket.SOCK_RAW, protocol)


def _is_echo_reply(sock: socket.socket, packet: bytes, payload: bytes) -> bool:
    has_ip_header = sock.type == socket.SOCK_RAW and sock.family == socket.AF_INET
    message = packet[(packet[0] & 0x0F) * 4 :] if has_ip_header and packet else packet
    kind = 129 if sock.family == socket.AF_INET6 else 0
    return message[:1] == bytes([kind]) and message.endswith(payload)


def _checksum(data: bytes) -> int:
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    total = (total & 0xFFFF) + (total >> 16)
    return int(~(total + (total >> 16)) & 0xFFFF)


_PROBES: Final[Mapping[str, Callable[[CheckSpec], Awaitable[bool]]]] = {
    "ldap": _ldap,
    "rdp": _rdp,
    "bdata": _binary,
    "dns": _dns,
    "icmp": _icmp,
}
