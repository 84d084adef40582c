"""The control port: faults and the other controls over HTTP, for tests in any language.

Who reaches it can do everything, without credentials: it is off by default, listens on
loopback only, and refuses what a web page could send (a foreign ``Host``, another body type
than JSON).
"""

import json
import logging
import threading
from collections.abc import Callable, Mapping
from dataclasses import asdict
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

from kempsdk.emulator.call_log import CallRecord
from kempsdk.emulator.controls import Controls
from kempsdk.emulator.faults import Fault, FaultRecord

_LOGGER = logging.getLogger(__name__)

_LOOPBACK: Final = "127.0.0.1"
_LONGEST_BODY: Final = 8 * 1024 * 1024
_SLOWEST_CLIENT_S: Final = 10.0


class _Wrong(Exception):
    """The request cannot be done.

    Attributes:
        status: HTTP status of the answer.
    """

    def __init__(self, text: str, status: HTTPStatus = HTTPStatus.BAD_REQUEST) -> None:
        super().__init__(text)
        self.status = status


def record_to_json(record: FaultRecord) -> dict[str, Any]:
    """Return a fault and what became of it as JSON data."""
    return {
        "number": record.number,
        "armed": record.armed,
        "passed": record.passed,
        "struck": record.struck,
        "errors": list(record.errors),
        "fault": record.fault.to_json(),
    }


def call_to_json(record: CallRecord) -> dict[str, Any]:
    """Return a call as JSON data; its secrets are masked already."""
    return asdict(record)


def _member(data: Mapping[str, Any], name: str, kind: type | tuple[type, ...]) -> Any:
    value = data.get(name)
    is_number = isinstance(value, int) and not isinstance(value, bool)
    if name not in data or not isinstance(value, kind) or (kind is int and not is_number):
        raise _Wrong(f"{name}: missing or of the wrong type")
    return value


class _Handler(BaseHTTPRequestHandler):
    """One request; every answer is JSON."""

    protocol_version = "HTTP/1.1"
    timeout = _SLOWEST_CLIENT_S
    server: "_Server"

    def do_GET(self) -> None:
        self._handle()

    do_POST = do_PUT = do_DELETE = do_GET  # noqa: N815 - named by the library

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - named there
        _LOGGER.debug("control port: " + format, *args)

    def _handle(self) -> None:
        try:
            status, data = self._answer()
        except _Wrong as wrong:
            status, data = wrong.status, {"error": str(wrong)}
        except (RuntimeError, ConnectionError) as ended:
            status, data = HTTPStatus.SERVICE_UNAVAILABLE, {"error": str(ended)}
        body = json.dumps(data).encode("utf-8") + b"\n"
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        if status >= HTTPStatus.BAD_REQUEST:
            # What is left of a refused request must not be read as the next one.
            self.send_header("Connection", "close")
            self.close_connection = True
        self.end_headers()
        self.wfile.write(body)

    def _answer(self) -> tuple[HTTPStatus, object]:
        host = self.headers.get("Host", "").rpartition(":")[0] or self.headers.get("Host", "")
        if host not in (_LOOPBACK, "localhost"):
            raise _Wrong(f"Host: only {_LOOPBACK} and localhost", HTTPStatus.FORBIDDEN)
        target = urlsplit(self.path)
        query = {name: values[-1] for name, values in parse_qs(target.query).items()}
        name, _, rest = target.path.strip("/").partition("/")
        verbs = ROUTES.get(name)
        if verbs is None or (rest and not (name == "faults" and rest.isdigit())):
            raise _Wrong(f"no such path; there are /{', /'.join(ROUTES)}", HTTPStatus.NOT_FOUND)
        action = verbs.get(self.command)
        if action is None or (rest and self.command != "DELETE"):
            allowed = "DELETE" if rest else ", ".join(verbs)
            raise _Wrong(f"here only {allowed}", HTTPStatus.METHOD_NOT_ALLOWED)
        if rest:
            query["number"] = rest
        return action(self.server.controls, self._body(), query)

    def _body(self) -> Any:
        if self.headers.get("Transfer-Encoding"):
            raise _Wrong("Content-Length is needed", HTTPStatus.LENGTH_REQUIRED)
        given = self.headers.get("Content-Length", "0")
        length = int(given) if given.isascii() and given.isdigit() and len(given) < 16 else -1
        if not 0 <= length <= _LONGEST_BODY:
            raise _Wrong(f"at most {_LONGEST_BODY} bytes", HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
        # Read in any case, or it would be taken for the next request.
        text = self.rfile.read(length)
        if self.command in ("GET", "DELETE"):
            return None
        if self.headers.get_content_type() != "application/json":
            raise _Wrong("Content-Type: application/json", HTTPStatus.UNSUPPORTED_MEDIA_TYPE)
        try:
            return json.loads(text or b"{}")
        except (ValueError, RecursionError):
            raise _Wrong("the body is no JSON") from None


def _object(body: Any) -> dict[str, Any]:
    if not isinstance(body, dict):
        raise _Wrong("the body is a JSON object")
    return body


def _look(controls: Controls, _body: Any, _query: Mapping[str, str]) -> tuple[HTTPStatus, object]:
    return HTTPStatus.OK, controls.description()


def _faults(controls: Controls, _body: Any, _query: Mapping[str, str]) -> tuple[HTTPStatus, object]:
    return HTTPStatus.OK, [record_to_json(one) for one in controls.faults]


def _arm(controls: Controls, body: Any, _query: Mapping[str, str]) -> tuple[HTTPStatus, object]:
    try:
        number = controls.arm(Fault.from_json(body))
    except ValueError as wrong:
        raise _Wrong(str(wrong)) from None
    return HTTPStatus.CREATED, {"number": number}


def _disarm(controls: Controls, _body: Any, query: Mapping[str, str]) -> tuple[HTTPStatus, object]:
    number = query.get("number")
    found = controls.disarm(None if number is None else int(number))
    return HTTPStatus.OK, {"disarmed": found}


def _calls(controls: Controls, _body: Any, query: Mapping[str, str]) -> tuple[HTTPStatus, object]:
    command = query.get("command")
    found = [one for one in controls.calls if command in (None, one.command)]
    return HTTPStatus.OK, [call_to_json(one) for one in found]


def _run(controls: Controls, body: Any, _query: Mapping[str, str]) -> tuple[HTTPStatus, object]:
    members = _object(body)
    command = _member(members, "cmd", str)
    params = {name: value for name, value in members.items() if name != "cmd"}
    # The command's own failure is not one of the control port.
    return HTTPStatus.OK, controls.run(command, **params)


def _health(controls: Controls, body: Any, _query: Mapping[str, str]) -> tuple[HTTPStatus, object]:
    data = _object(body)
    up = _member(data, "up", (bool, type(None)))
    controls.set_health(_member(data, "address", str), _member(data, "port", int), up)
    return HTTPStatus.OK, {}


def _stats(controls: Controls, body: Any, _query: Mapping[str, str]) -> tuple[HTTPStatus, object]:
    controls.freeze_stats(_member(_object(body), "frozen", bool))
    return HTTPStatus.OK, {}


def _sample(controls: Controls, _body: Any, _query: Mapping[str, str]) -> tuple[HTTPStatus, object]:
    controls.sample_now()
    return HTTPStatus.OK, {}


def _power(controls: Controls, body: Any, _query: Mapping[str, str]) -> tuple[HTTPStatus, object]:
    controls.set_power(_member(_object(body), "on", bool))
    return HTTPStatus.OK, {}


def _failover(
    controls: Controls, _body: Any, _query: Mapping[str, str]
) -> tuple[HTTPStatus, object]:
    try:
        controls.failover()
    except ValueError as wrong:
        raise _Wrong(str(wrong), HTTPStatus.CONFLICT) from None
    return HTTPStatus.OK, controls.description()


_Action = Callable[[Controls, Any, Mapping[str, str]], tuple[HTTPStatus, object]]
ROUTES: Final[Mapping[str, Mapping[str, _Action]]] = {
    "": {"GET": _look},
    "faults": {"GET": _faults, "POST": _arm, "DELETE": _disarm},
    "calls": {"GET": _calls},
    "run": {"POST": _run},
    "health": {"PUT": _health},
    "stats": {"PUT": _stats},
    "sample": {"POST": _sample},
    "power": {"PUT": _power},
    "failover": {"POST": _failover},
}


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def __init__(self, port: int, controls: Controls) -> None:
        self.controls = controls
        super().__init__((_LOOPBACK, port), _Handler)


class ControlPort:
    """Serves the controls of one virtual LoadMaster or pair while it is entered.

    ::

        with VirtualLoadMaster() as box, ControlPort(box) as control:
            print(control.url)
    """

    def __init__(self, controls: Controls, port: int = 0) -> None:
        """Describe it; nothing is opened before it is entered.

        Args:
            port: of loopback; 0 takes a free one.
        """
        self._controls = controls
        self._port = port
        self._server: _Server | None = None
        self._thread: threading.Thread | None = None

    @property
    def port(self) -> int:
        """The port it listens on."""
        return self._port

    @property
    def url(self) -> str:
        """Base URL, without a path."""
        return f"http://{_LOOPBACK}:{self._port}"

    def __enter__(self) -> "ControlPort":
        """Listen.

        Raises:
            OSError: the port cannot be bound.
        """
        try:
            self._server = _Server(self._port, self._controls)
        except OSError as failed:
            text = f"control port {self._port}: {failed.strerror}"
            raise OSError(failed.errno, text) from None
        self._port = self._server.server_address[1]
        self._thread = threading.Thread(
            target=self._server.serve_forever,
            kwargs={"poll_interval": 0.05},
            name="control port",
            daemon=True,
        )
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._server is not None and self._thread is not None:
            self._server.shutdown()
            self._thread.join()
            self._server.server_close()
