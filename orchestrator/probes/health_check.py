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
from typing import NamedTuple

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

    @property
    def header_lines(self) -> tuple[str, ...]:
        """Return the further headers as a request has them."""
        pairs = self.headers.replace("|", " ").split()
        return tuple(one.replace(":", ": ", 1) for one in pairs)

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
        status: of an HTTP answer, or None.
    """

    passed: bool | None
    said: str
    seconds: float
    status: int | None = None


class Answer(NamedTuple):
    """What came of a check; as in ``CheckEvidence``."""

    passed: bool | None
    said: str
    status: int | None = None

    def evidence(self, seconds: float) -> CheckEvidence:
        return CheckEvidence(
            passed=self.passed, said=self.said, seconds=seconds, status=self.status
        )


NOTHING_CHECKED = Answer(None, "the service checks nothing")


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
    try:
        answer = _answer(check, namespace)
    except (OSError, http.client.HTTPException) as error:
        words = error.strerror if isinstance(error, OSError) else None
        answer = Answer(False, words or str(error) or type(error).__name__)
    seconds = time.monotonic() - started
    if answer.passed is False and seconds >= check.timeout_s:
        answer = Answer(False, f"no whole answer within {check.timeout_s:g} s")
    return answer.evidence(seconds)


def _answer(check: HealthCheck, namespace: NetworkNamespace | None) -> Answer:
    match check.type:
        case CheckType.NONE:
            return NOTHING_CHECKED
        case CheckType.OTHER:
            return Answer(None, "a kind of check that is not known here")
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
            return Answer(True, "it takes connections")
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
    lines += check.header_lines
    body = check.post_data.encode() if check.method is CheckMethod.POST else b""
    if check.method is CheckMethod.POST:
        lines += [
            "Content-Type: application/x-www-form-urlencoded",
            f"Content-Length: {len(body)}",
        ]
    return "\r\n".join([*lines, "", ""]).encode() + body


def judge_answer(check: HealthCheck, code: int, body: str) -> Answer:
    """Return whether the LoadMaster takes an HTTP answer for health, and what it was."""
    said = f"it answered {code}"
    good = 200 <= code < 300 or code in _HEALTHY_BESIDE_2XX or str(code) in check.codes
    if not good or not check.pattern or check.method not in _WITH_PATTERN:
        return Answer(good, said, code)
    there = _found(check.pattern, body)
    how = "with" if there else "without"
    return Answer(there, f"{said}, {how} the pattern {check.pattern!r}", code)


def _http_answer(check: HealthCheck, connection: socket.socket) -> Answer:
    response = http.client.HTTPResponse(connection, method=check.method.value.upper())
    try:
        response.begin()
        wanted = check.pattern and check.method in _WITH_PATTERN
        body = response.read(_READ_LIMIT).decode("latin-1") if wanted else ""
        return judge_answer(check, response.status, body)
    finally:
        response.close()


def _found(pattern: str, body: str) -> bool:
    try:
        return re.search(pattern, body) is not None
    except re.error:
        return pattern in body


def _binary(check: HealthCheck, connection: socket.socket) -> Answer:
    try:
        say = bytes.fromhex(check.url if check.url != "/" else "")
        wanted = bytes.fromhex(check.pattern)
    except ValueError:
        return Answer(False, "what the service sends or expects is not hexadecimal")
    limit = check.match_length or _READ_LIMIT
    return _talk(connection, say, lambda heard: wanted in heard[:limit], limit=limit)


def _talk(
    connection: socket.socket, say: bytes, enough: Callable[[bytes], bool], *, limit: int
) -> Answer:
    connection.sendall(say)
    heard = b""
    while not enough(heard) and len(heard) < limit and (piece := connection.recv(limit)):
        heard += piece
    return Answer(enough(heard), f"it said {heard[:40]!r}")


# -- without connections ---------------------------------------------------------------


def _by_datagram(check: HealthCheck, namespace: NetworkNamespace | None) -> Answer:
    ping = check.type is CheckType.ICMP
    token = os.urandom(8)
    deadline = time.monotonic() + check.timeout_s
    with in_namespace(namespace, lambda: _datagrams(check)) as connection:
        connection.send(_ping(check.address, token) if ping else DNS_QUESTION)
        while (left_s := deadline - time.monotonic()) > 0:
            connection.settimeout(left_s)
            heard = connection.recv(4096)
            if _is_ping_answer(connection, heard, token) if ping else _is_dns_answer(heard):
                return Answer(True, "it answered")
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
