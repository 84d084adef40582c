"""The lab's web server, as a process on loopback."""

import http.client
import json
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator

import pytest


class Server:
    """A running server process and its port."""

    def __init__(self, process: "subprocess.Popen[str]", port: int) -> None:
        self.process = process
        self.port = port

    def connection(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)


@pytest.fixture
def server() -> Iterator[Server]:
    argv = [sys.executable, "-X", "dev", "-m", "orchestrator.lab.webserver", "--until-eof"]
    argv += ["--name", "web1", "--version", "7", "--address", "127.0.0.1", "--port", "0"]
    with subprocess.Popen(
        argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        yield Server(process, int(process.stdout.readline().split()[-1]))
        process.kill()


def test_requests_on_one_connection(server: Server) -> None:
    connection = server.connection()
    for path in ("/", "/health"):
        connection.request("GET", path)
        answer = connection.getresponse()
        assert answer.status == 200
        assert json.loads(answer.read()) == {"server": "web1", "version": "7"}
    connection.request("HEAD", "/health")
    answer = connection.getresponse()
    assert (answer.status, answer.read()) == (200, b"")
    connection.request("GET", "/nothing")
    answer = connection.getresponse()
    assert (answer.status, answer.read()) == (404, b"not here\n")
    connection.close()


def test_a_slow_download_has_its_length_and_takes_its_time(server: Server) -> None:
    connection = server.connection()
    began_s = time.monotonic()
    connection.request("GET", "/download?bytes=100001&seconds=0.3")
    assert len(connection.getresponse().read()) == 100_001
    assert time.monotonic() - began_s > 0.25
    connection.close()


@pytest.mark.parametrize("garbage", [b"nonsense\r\n\r\n", b"\x00" * 70_000, b""])
def test_what_is_no_http_does_not_hurt_it(server: Server, garbage: bytes) -> None:
    with socket.create_connection(("127.0.0.1", server.port), 10) as connection:
        connection.sendall(garbage)
        connection.shutdown(socket.SHUT_WR)
        try:
            assert connection.recv(100) == b""
        except ConnectionResetError:
            assert garbage, "bytes that were not read make the kernel reset"
    test_requests_on_one_connection(server)


def test_as_a_lame_duck_it_finishes_open_requests_and_takes_no_more(server: Server) -> None:
    busy, idle = server.connection(), server.connection()
    idle.request("GET", "/")
    idle.getresponse().read()
    busy.request("GET", "/download?bytes=50000&seconds=0.6")
    answer = busy.getresponse()
    server.process.send_signal(signal.SIGTERM)
    assert idle.sock.recv(1) == b"", "an idle connection is closed"
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", server.port), 10).close()
    assert len(answer.read()) == 50_000
    busy.close()
    idle.close()
    _out, errors = server.process.communicate(timeout=10)
    assert (server.process.returncode, errors) == (0, "")


def test_it_ends_with_its_parent_even_in_the_middle_of_a_request(server: Server) -> None:
    connection = server.connection()
    connection.request("GET", "/download?bytes=50000&seconds=60")
    connection.getresponse()
    assert server.process.stdin is not None
    threading.Timer(0.05, server.process.stdin.close).start()
    assert server.process.wait(10) == 0
    connection.close()
