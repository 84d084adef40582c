"""The LoadMaster's check of a server, against real sockets."""

import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from kempsdk import CheckMethod, CheckType, RsRef, VirtualService, VsRef
from orchestrator.probes.health_check import (
    CheckEvidence,
    HealthCheck,
    check_of,
    http_request,
    make_check,
)
from tests.fakes.certificates import self_signed

Answer = Callable[[socket.socket], None]


@contextmanager
def serving(answer: Answer, *, tls: ssl.SSLContext | None = None) -> Iterator[int]:
    """Serve one connection on loopback with the function."""

    def serve() -> None:
        with server.accept()[0] as taken:
            taken.settimeout(10)
            try:
                with tls.wrap_socket(taken, server_side=True) if tls else taken as ready:
                    answer(ready)
            except OSError:
                return  # the asker has gone, as it may

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=serve)
        thread.start()
        yield server.getsockname()[1]
        thread.join()


def saying(data: bytes, heard: list[bytes] | None = None) -> Answer:
    def answer(taken: socket.socket) -> None:
        if heard is not None:
            heard.append(taken.recv(4096))
        taken.sendall(data)

    return answer


def after_request(data: bytes) -> Answer:
    return saying(data, [])


def check(kind: CheckType, port: int, **more: object) -> CheckEvidence:
    return make_check(HealthCheck(type=kind, address="127.0.0.1", port=port, **more))  # type: ignore[arg-type] # the fields of the check, as a test writes them


@pytest.mark.parametrize(
    ("status", "codes", "passed"),
    [
        (200, (), True),
        (204, (), True),
        (301, (), True),
        (302, (), True),
        (401, (), True),
        (303, (), False),
        (403, (), False),
        (503, (), False),
        (503, ("404", "503"), True),
    ],
)
def test_codes(status: int, codes: tuple[str, ...], *, passed: bool) -> None:
    with serving(after_request(b"HTTP/1.1 %d Word\r\nContent-Length: 0\r\n\r\n" % status)) as port:
        evidence = check(CheckType.HTTP, port, codes=codes)
    assert (evidence.passed, evidence.said) == (passed, f"it answered {status}")


@pytest.mark.parametrize(
    ("method", "pattern", "passed"),
    [
        (CheckMethod.GET, "al+ good", True),
        (CheckMethod.GET, "bad", False),
        (CheckMethod.GET, "(", False),
        (CheckMethod.POST, "all", True),
        # A pattern counts after GET and POST only.
        (CheckMethod.HEAD, "bad", True),
        (CheckMethod.OPTIONS, "bad", True),
    ],
)
def test_patterns(method: CheckMethod, pattern: str, *, passed: bool) -> None:
    answer = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n8\r\nall good\r\n0\r\n\r\n"
    with serving(after_request(answer)) as port:
        assert check(CheckType.HTTP, port, method=method, pattern=pattern).passed is passed


def test_the_request_is_the_services_own() -> None:
    service = VirtualService(
        ref=VsRef.parse("tcp/203.0.113.250:443"),
        index=1,
        check_type=CheckType.HTTPS,
        check_port=8443,
        check_url="/health?deep=1",
        check_method=CheckMethod.POST,
        check_use_http11=True,
        check_headers="X-One:1 X-Two:2",
        check_post_data="a=b",
        check_timeout_s=9,
    )
    made = check_of(service, RsRef("203.0.113.11", 443))
    assert (made.address, made.port, made.timeout_s) == ("203.0.113.11", 8443, 9)
    assert str(made) == "https check POST /health?deep=1 at 203.0.113.11:8443"
    assert http_request(made) == (
        b"POST /health?deep=1 HTTP/1.1\r\nHost: 203.0.113.250\r\nConnection: close\r\n"
        b"X-One: 1\r\nX-Two: 2\r\nContent-Type: application/x-www-form-urlencoded\r\n"
        b"Content-Length: 3\r\n\r\na=b"
    )


def test_without_settings_it_is_a_head_of_the_root() -> None:
    service = VirtualService(
        ref=VsRef.parse("tcp/[2001:db8::fa]:80"), index=1, check_type=CheckType.HTTP
    )
    made = check_of(service, RsRef("2001:db8::b", 80))
    assert str(made) == "http check HEAD / at [2001:db8::b]:80"
    assert http_request(made) == b"HEAD / HTTP/1.0\r\n\r\n"


def test_https_takes_any_certificate() -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate = self_signed("elsewhere.test")
    context.load_cert_chain(certificate.cert, certificate.key)
    with serving(after_request(b"HTTP/1.0 200 OK\r\n\r\n"), tls=context) as port:
        assert check(CheckType.HTTPS, port).passed is True
    with serving(after_request(b"HTTP/1.0 200 OK\r\n\r\n")) as port:
        evidence = check(CheckType.HTTPS, port)
    assert evidence.passed is False


@pytest.mark.parametrize(
    ("kind", "data", "passed"),
    [
        (CheckType.SMTP, b"220 mail ready\r\n", True),
        (CheckType.SMTP, b"554 no\r\n", False),
        (CheckType.FTP, b"220 ok\r\n", True),
        (CheckType.NNTP, b"201 read only\r\n", True),
        (CheckType.POP3, b"+OK\r\n", True),
        (CheckType.IMAP, b"* OK ready\r\n", True),
        (CheckType.TELNET, b"\xff\xfd\x18", True),
        (CheckType.TELNET, b"login:", False),
        (CheckType.LDAP, b"\x30\x0c", True),
        (CheckType.RDP, b"\x03\x00\x00\x0b", True),
        (CheckType.SMTP, b"", False),
    ],
)
def test_greetings(kind: CheckType, data: bytes, *, passed: bool) -> None:
    with serving(saying(data)) as port:
        assert check(kind, port).passed is passed


@pytest.mark.parametrize(
    ("limit", "passed"), [(0, True), (8, True), (5, False)], ids=["no-limit", "within", "beyond"]
)
def test_binary(limit: int, *, passed: bool) -> None:
    heard: list[bytes] = []
    with serving(saying(b"\x00\x01\x02\x03\xca\xfe", heard)) as port:
        evidence = check(CheckType.BINARY, port, url="beef", pattern="cafe", match_length=limit)
    assert (evidence.passed, heard) == (passed, [b"\xbe\xef"])


def test_tcp_needs_a_connection_only() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        assert check(CheckType.TCP, server.getsockname()[1]).passed is True
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        evidence = check(CheckType.TCP, holder.getsockname()[1])
    assert (evidence.passed, evidence.said) == (False, "Connection refused")


@pytest.mark.parametrize("kind", [CheckType.NONE, CheckType.OTHER])
def test_what_is_not_checked_neither_passes_nor_fails(kind: CheckType) -> None:
    assert check(kind, 1).passed is None


def test_ping() -> None:
    assert check(CheckType.ICMP, 1).passed is True


@pytest.mark.parametrize(
    ("data", "passed"),
    [(b"\x81\x85" + bytes(8), True), (b"\x01\x00" + bytes(8), False)],
    ids=["answer", "question"],
)
def test_dns(data: bytes, *, passed: bool) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))
        server.settimeout(10)

        def answer() -> None:
            question, peer = server.recvfrom(512)
            server.sendto(question[:2] + data, peer)

        thread = threading.Thread(target=answer)
        thread.start()
        evidence = check(CheckType.DNS, server.getsockname()[1], timeout_s=0.3)
        thread.join()
    assert evidence.passed is passed


@pytest.mark.parametrize("kind", [CheckType.HTTP, CheckType.SMTP])
def test_an_answer_drop_by_drop_is_bounded_as_a_whole(kind: CheckType) -> None:
    def drip(taken: socket.socket) -> None:
        for _ in range(200):
            taken.sendall(b"H")
            time.sleep(0.02)

    with serving(drip) as port:
        evidence = check(kind, port, timeout_s=0.3)
    assert evidence.passed is False
    assert evidence.seconds < 3


def test_silence_is_bounded_and_said() -> None:
    with serving(lambda taken: time.sleep(0.6)) as port:
        evidence = check(CheckType.HTTP, port, timeout_s=0.2)
    assert (evidence.passed, evidence.said) == (False, "no whole answer within 0.2 s")
