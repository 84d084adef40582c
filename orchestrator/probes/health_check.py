"""The LoadMaster's own check of a server, made with the service's settings from where we are.

What counts as healthy follows the vendor's description: an HTTP answer with 2xx, 301, 302 or
401, or a code that the service names; a pattern is looked for after GET and POST only.
Certificates of servers are not verified, as the appliance does not verify them either.
"""

import contextlib
import http.client
import os
import re
import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from kempsdk import CheckMethod, CheckType, RsRef, VirtualService
from orchestrator.network_namespace import NetworkNamespace
from orchestrator.probes.packet_socket import in_namespace

DNS_QUESTION = bytes.fromhex("4b45 0100 0001 0000 0000 0000 00 0002 0001")
"""Who serves the root zone: every name server answers, if only to refuse."""

_READ_LIMIT = 64 * 1024
_HEALTHY_BESIDE_2XX = (301, 302, 401)
_WITH_PATTERN = (CheckMethod.GET, CheckMethod.POST)

_TALKS: Mapping[CheckType, tuple[bytes, tuple[bytes, ...]]] = {
    # What is said, and how the answer may begin.
    CheckType.SMTP: (b"", (b"220",)),
    CheckType.FTP: (b"", (b"220",)),
    CheckType.NNTP: (b"", (b"200", b"201")),
    CheckType.POP3: (b"", (b"+OK",)),
    CheckType.IMAP: (b"", (b"* OK", b"+OK")),
    CheckType.TELNET: (b"", (b"\xff",)),
    CheckType.LDAP: (bytes.fromhex("300c020101600702010304008000"), (b"\x30",)),
    CheckType.RDP: (bytes.fromhex("0300000b06e00000000000"), (b"\x03\x00",)),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthCheck:
    """What a server is asked.

    Attributes:
        port: where, which need not be the server's.
        host: Host header of an HTTP/1.1 check; the service's address where it names none.
        timeout_s: for everything together, in seconds.
        rest as in ``VirtualService``.
    """

    type: CheckType
    address: str
    port: int
    host: str = ""
    http11: bool = False
    method: CheckMethod = CheckMethod.HEAD
    url: str = "/"
    pattern: str = ""
    headers: str = ""
    post_data: str = ""
    codes: tuple[str, ...] = ()
    match_length: int = 0
    timeout_s: float = 4.0

    def __str__(self) -> str:
        place = f"[{self.address}]" if ":" in self.address else self.address
        match self.type:
            case CheckType.HTTP | CheckType.HTTPS:
                asked = f"{self.method.value.upper()} {self.url} "
            case CheckType.ICMP:
                return f"ping of {self.address}"
            case _:
                asked = ""
        return f"{self.type.value} check {asked}at {place}:{self.port}"


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckEvidence:
    """How a check ended.

    Attributes:
        passed: None where it was not made: the service has none, or its kind is not known
            here.
        said: what was answered, or why there was no answer.
        seconds: how long it took.
    """

    passed: bool | None
    said: str
    seconds: float


def check_of(service: VirtualService, rs: RsRef) -> HealthCheck:
    """Return how the LoadMaster checks a server of the service. Pure."""
    return HealthCheck(
        type=service.check_type,
        address=rs.address,
        port=service.check_port or rs.port,
        host=service.check_host or service.address,
        http11=service.check_use_http11,
        method=service.check_method,
        url=service.check_url or "/",
        pattern=service.check_pattern or "",
        headers=service.check_headers or "",
        post_data=service.check_post_data or "",
        codes=service.check_codes,
        match_length=service.check_match_length,
        timeout_s=service.check_timeout_s or 4.0,
    )


def make_check(check: HealthCheck, *, namespace: NetworkNamespace | None = None) -> CheckEvidence:
    """Ask the server once, as the LoadMaster would."""
    started = time.monotonic()
    passed: bool | None
    try:
        passed, said = _answer(check, namespace)
    except (OSError, http.client.HTTPException) as error:
        words = error.strerror if isinstance(error, OSError) else None
        passed, said = False, words or str(error) or type(error).__name__
    seconds = time.monotonic() - started
    if passed is False and seconds >= check.timeout_s:
        said = f"no whole answer within {check.timeout_s:g} s"
    return CheckEvidence(passed=passed, said=said, seconds=seconds)


def _answer(check: HealthCheck, namespace: NetworkNamespace | None) -> tuple[bool | None, str]:
    match check.type:
        case CheckType.NONE:
            return None, "the service checks nothing"
        case CheckType.OTHER:
            return None, "a kind of check that is not known here"
        case CheckType.ICMP | CheckType.DNS:
            return _by_datagram(check, namespace)
    with contextlib.ExitStack() as stack:
        connection = stack.enter_context(in_namespace(namespace, lambda: _connect(check)))
        # A server that answers drop by drop is cut off when the time is over.
        handle = stack.enter_context(connection.dup())
        deadline = threading.Timer(check.timeout_s, _cut, [handle])
        stack.callback(deadline.cancel)
        deadline.start()
        if check.type is CheckType.TCP:
            return True, "it takes connections"
        if check.type in (CheckType.HTTP, CheckType.HTTPS):
            if check.type is CheckType.HTTPS:
                connection = stack.enter_context(_encrypted(check, connection))
            connection.sendall(http_request(check))
            return _http_answer(check, connection)
        if check.type is CheckType.BINARY:
            return _binary(check, connection)
        say, expected = _TALKS[check.type]
        return _talk(connection, say, lambda heard: heard.startswith(expected), limit=64)


def _connect(check: HealthCheck) -> socket.socket:
    return socket.create_connection((check.address, check.port), timeout=check.timeout_s)


def _cut(connection: socket.socket) -> None:
    with contextlib.suppress(OSError):  # it has ended by itself
        connection.shutdown(socket.SHUT_RDWR)


def _encrypted(check: HealthCheck, connection: socket.socket) -> ssl.SSLSocket:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    name = check.host if check.http11 else None
    return context.wrap_socket(connection, server_hostname=name)


def http_request(check: HealthCheck) -> bytes:
    """Return the request of an HTTP check, as the appliance sends it."""
    method = check.method.value.upper()
    lines = [f"{method} {check.url} HTTP/{'1.1' if check.http11 else '1.0'}"]
    if check.http11:
        host = f"[{check.host}]" if ":" in check.host else check.host
        lines += [f"Host: {host}", "Connection: close"]
    lines += [one.replace(":", ": ", 1) for one in check.headers.replace("|", " ").split()]
    body = check.post_data.encode() if check.method is CheckMethod.POST else b""
    if check.method is CheckMethod.POST:
        lines += [
            "Content-Type: application/x-www-form-urlencoded",
            f"Content-Length: {len(body)}",
        ]
    return "\r\n".join([*lines, "", ""]).encode() + body


def healthy_code(check: HealthCheck, code: int) -> bool:
    """Return whether the LoadMaster takes an HTTP code for health."""
    return 200 <= code < 300 or code in _HEALTHY_BESIDE_2XX or str(code) in check.codes


def _http_answer(check: HealthCheck, connection: socket.socket) -> tuple[bool, str]:
    response = http.client.HTTPResponse(connection, method=check.method.value.upper())
    try:
        response.begin()
        said = f"it answered {response.status}"
        if not healthy_code(check, response.status):
            return False, said
        if not check.pattern or check.method not in _WITH_PATTERN:
            return True, said
        body = response.read(_READ_LIMIT).decode("latin-1")
    finally:
        response.close()
    there = _found(check.pattern, body)
    return there, f"{said}, {'with' if there else 'without'} the pattern {check.pattern!r}"


def _found(pattern: str, body: str) -> bool:
    try:
        return re.search(pattern, body) is not None
    except re.error:
        return pattern in body


def _binary(check: HealthCheck, connection: socket.socket) -> tuple[bool, str]:
    try:
        say = bytes.fromhex(check.url if check.url != "/" else "")
        wanted = bytes.fromhex(check.pattern)
    except ValueError:
        return False, "what the service sends or expects is not hexadecimal"
    limit = check.match_length or _READ_LIMIT
    return _talk(connection, say, lambda heard: wanted in heard[:limit], limit=limit)


def _talk(
    connection: socket.socket, say: bytes, enough: Callable[[bytes], bool], *, limit: int
) -> tuple[bool, str]:
    connection.sendall(say)
    heard = b""
    while not enough(heard) and len(heard) < limit and (piece := connection.recv(limit)):
        heard += piece
    return enough(heard), f"it said {heard[:40]!r}"


# -- without connections ---------------------------------------------------------------


def _by_datagram(check: HealthCheck, namespace: NetworkNamespace | None) -> tuple[bool, str]:
    ping = check.type is CheckType.ICMP
    token = os.urandom(8)
    deadline = time.monotonic() + check.timeout_s
    with in_namespace(namespace, lambda: _datagrams(check)) as connection:
        connection.send(_ping(check.address, token) if ping else DNS_QUESTION)
        while (left_s := deadline - time.monotonic()) > 0:
            connection.settimeout(left_s)
            heard = connection.recv(4096)
            if _is_ping_answer(connection, heard, token) if ping else _is_dns_answer(heard):
                return True, "it answered"
    raise TimeoutError


def _datagrams(check: HealthCheck) -> socket.socket:
    family = socket.AF_INET6 if ":" in check.address else socket.AF_INET
    if check.type is CheckType.DNS:
        opened = socket.socket(family, socket.SOCK_DGRAM)
    else:
        number = socket.IPPROTO_ICMPV6 if family == socket.AF_INET6 else socket.IPPROTO_ICMP
        try:
            opened = socket.socket(family, socket.SOCK_DGRAM, number)
        except PermissionError:  # net.ipv4.ping_group_range leaves us out
            opened = socket.socket(family, socket.SOCK_RAW, number)
    try:
        opened.connect((check.address, check.port if check.type is CheckType.DNS else 0))
    except BaseException:
        opened.close()
        raise
    return opened


def _ping(address: str, token: bytes) -> bytes:
    request = struct.pack("!BBHHH", 128 if ":" in address else 8, 0, 0, os.getpid() & 0xFFFF, 1)
    total = sum(struct.unpack("!8H", request + token))
    total = (total & 0xFFFF) + (total >> 16)
    return request[:2] + struct.pack("!H", ~(total + (total >> 16)) & 0xFFFF) + request[4:] + token


def _is_ping_answer(connection: socket.socket, heard: bytes, token: bytes) -> bool:
    # A raw socket hears other pings too, and what we send to ourselves.
    has_header = connection.type == socket.SOCK_RAW and connection.family == socket.AF_INET
    message = heard[(heard[0] & 0x0F) * 4 :] if has_header and heard else heard
    return message[:1] in (b"\0", b"\x81") and message.endswith(token)


def _is_dns_answer(heard: bytes) -> bool:
    return len(heard) >= 12 and heard[:2] == DNS_QUESTION[:2] and bool(heard[2] & 0x80)
