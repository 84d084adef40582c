"""The virtual LoadMaster's proxy on real sockets of loopback."""

import http.client
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from kempsdk import LoadMaster, RsRef, VsRef
from kempsdk.emulator import Switches, VirtualLoadMaster
from kempsdk.emulator.l7 import Proxy

SERVICE_ADDRESS = "127.0.0.2"


def free_port(address: str) -> int:
    with socket.create_server((address, 0)) as probe:
        port: int = probe.getsockname()[1]
        return port


class Backend(ThreadingHTTPServer):
    """A web server that says its name; ``/slow`` waits until it is let go."""

    daemon_threads = True

    def __init__(self, name: str) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.name = name
        self.let_go = threading.Event()

    @property
    def ref(self) -> RsRef:
        return RsRef("127.0.0.1", self.server_port)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Backend

    def do_GET(self) -> None:
        name = self.server.name.encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(name)))
        self.send_header("Set-Cookie", f"SID={self.server.name}")
        self.end_headers()
        self.wfile.write(name[:1])
        if self.path == "/slow":
            self.wfile.flush()
            self.server.let_go.wait(20)
        self.wfile.write(name[1:])

    def log_message(self, *_: object) -> None:
        """Say nothing."""


class Stage:
    """A virtual LoadMaster with a proxy, one layer-7 service and two web servers."""

    def __init__(self, box: VirtualLoadMaster, lm: LoadMaster, backends: list[Backend]) -> None:
        self.box, self.lm, self.backends = box, lm, backends
        self.port = free_port(SERVICE_ADDRESS)
        self.vs = VsRef.parse(f"tcp/{SERVICE_ADDRESS}:{self.port}")

    def prepare(self, **settings: object) -> None:
        self.lm.virtual_services.create(self.vs, force_l7=True, **settings)  # type: ignore[arg-type] # the tests' own settings
        for backend in self.backends:
            self.lm.real_servers.add(self.vs, backend.ref)

    def connect(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection(SERVICE_ADDRESS, self.port, timeout=10)

    def ask(self, cookie: str | None = None) -> tuple[str, str | None]:
        """Return who answered a fresh connection, and the cookies given."""
        connection = self.connect()
        try:
            connection.request("GET", "/", headers={"Cookie": cookie} if cookie else {})
            answer = connection.getresponse()
            return answer.read().decode(), ", ".join(answer.headers.get_all("Set-Cookie") or ())
        finally:
            connection.close()

    def active(self) -> dict[str, int]:
        self.box.sample_now()
        by_index = {
            rs.rs_index: rs.port for rs in self.lm.virtual_services.get(self.vs).real_servers
        }
        names = {one.server_port: one.name for one in self.backends}
        return {
            names[by_index[row.rs_index]]: row.active_connections
            for row in self.lm.statistics.read().servers
        }


def until(true: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        if true():
            return True
        time.sleep(0.05)
    return False


@pytest.fixture
def stage() -> Iterator[Stage]:
    with ExitStack() as stack:
        backends = [Backend("one"), Backend("two")]
        for backend in backends:
            thread = threading.Thread(target=backend.serve_forever, args=(0.05,), daemon=True)
            thread.start()
            stack.callback(thread.join)
            stack.callback(backend.server_close)
            stack.callback(backend.shutdown)
            stack.callback(backend.let_go.set)
        box = stack.enter_context(
            VirtualLoadMaster(
                http=True,
                health="up",
                l7=Proxy(),
                time_scale=60,
                switches=Switches(rate_limit=False),
            )
        )
        yield Stage(box, stack.enter_context(box.client()), backends)


def test_a_service_is_served_as_soon_as_it_is_there(stage: Stage) -> None:
    stage.prepare()
    assert {stage.ask()[0] for _ in range(4)} == {"one", "two"}
    stage.lm.virtual_services.delete(stage.vs)
    with pytest.raises(ConnectionError):
        stage.ask()


def test_a_kept_alive_connection_stays_with_its_server(stage: Stage) -> None:
    stage.prepare()
    connection = stage.connect()
    names = set()
    for _ in range(6):
        connection.request("GET", "/")
        names.add(connection.getresponse().read())
    assert len(names) == 1
    assert sum(stage.active().values()) == 1
    connection.close()
    assert until(lambda: sum(stage.active().values()) == 0)


def test_disabling_lets_open_requests_end_and_sends_nothing_new(stage: Stage) -> None:
    stage.prepare()
    connection = stage.connect()
    connection.request("GET", "/slow")
    answer = connection.getresponse()
    (busy,) = [name for name, count in stage.active().items() if count]
    backend = next(one for one in stage.backends if one.name == busy)
    stage.lm.real_servers.disable_in(stage.vs, backend.ref)
    assert {stage.ask()[0] for _ in range(6)} == {"one", "two"} - {busy}
    assert stage.active()[busy] == 1
    backend.let_go.set()
    assert answer.read().decode() == busy  # not cut
    connection.close()
    assert until(lambda: stage.active()[busy] == 0)


def test_drain_time_zero_cuts(stage: Stage) -> None:
    stage.lm.parameters.set("finalpersist", 0)
    stage.prepare()
    connection = stage.connect()
    connection.request("GET", "/slow")
    answer = connection.getresponse()
    (busy,) = [name for name, count in stage.active().items() if count]
    backend = next(one for one in stage.backends if one.name == busy)
    stage.lm.real_servers.disable_in(stage.vs, backend.ref)
    with pytest.raises((ConnectionError, http.client.IncompleteRead)):
        answer.read()
    connection.close()


def test_cookie_persistence_over_the_wire(stage: Stage) -> None:
    stage.prepare(persist="active-cookie", cookie="LB")
    name, given = stage.ask()
    assert given is not None
    cookie = next(one for one in given.split(", ") if one.startswith("LB=")).split(";")[0]
    assert {stage.ask(f"other=1; {cookie}") for _ in range(4)} == {(name, f"SID={name}")}


def test_a_server_s_cookie_is_learned_over_the_wire(stage: Stage) -> None:
    stage.prepare(persist="cookie", cookie="SID")
    for wanted in ("one", "two"):
        assert until(lambda wanted=wanted: stage.ask()[0] == wanted)  # type: ignore[misc] # mypy cannot infer a lambda with a default argument
    for wanted in ("one", "two", "one", "one"):
        assert stage.ask(f"SID={wanted}")[0] == wanted


def test_a_server_that_refuses_shows_as_a_reset(stage: Stage) -> None:
    """No second server is tried: what a wrong order costs must be seen by the clients."""
    stage.prepare()
    for backend in stage.backends:
        backend.shutdown()
        backend.server_close()
    with pytest.raises(ConnectionError):
        stage.ask()


def test_an_address_that_is_not_here_is_logged_and_the_rest_goes_on(
    stage: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    stage.lm.virtual_services.create(VsRef.parse("tcp/192.0.2.55:80"), force_l7=True)
    stage.prepare()
    assert stage.ask()[0] in ("one", "two")
    assert "192.0.2.55:80 cannot be served" in caplog.text
