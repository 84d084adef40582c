"""Does a real server serve the VIP, does its health check answer, who is still connected."""

import socket
import time
from collections.abc import Iterable
from dataclasses import dataclass

from orchestrator.hosts.state import NetState, Socket
from orchestrator.network_namespace import NetworkNamespace
from orchestrator.probes.packet_socket import in_namespace

_ANY = ("0.0.0.0", "::")  # noqa: S104 - what a listener says, not a place to listen
_NO_CONNECTION = ("listen", "time_wait", "close", "unconn")


@dataclass(frozen=True, slots=True, kw_only=True)
class BoundEvidence:
    """Who listens on a port of a host.

    Attributes:
        listeners: those that take what is sent to the VIP.
        elsewhere: those on the same port that do not, as they listen on other addresses only.
    """

    listeners: tuple[Socket, ...]
    elsewhere: tuple[Socket, ...]

    @property
    def bound(self) -> bool:
        return bool(self.listeners)


def bound(state: NetState, vip: str, port: int, protocol: str) -> BoundEvidence:
    """Return who listens for the VIP's port. Pure.

    A listener on ``::`` is taken to serve IPv4 too, as it does unless the program asked
    otherwise: a guess, which ``answers_vip_frame`` confirms.
    """
    open_state = "listen" if protocol == "tcp" else "unconn"
    there = [
        one
        for one in state.sockets
        if (one.protocol, one.local_port, one.state) == (protocol, port, open_state)
    ]
    wanted = (vip, *_ANY)
    return BoundEvidence(
        listeners=tuple(one for one in there if one.local_address in wanted),
        elsewhere=tuple(one for one in there if one.local_address not in wanted),
    )


def connections_left(state: NetState, vip: str, ports: Iterable[int]) -> tuple[Socket, ...]:
    """Return the connections to the VIP's ports that are open or still closing. Pure.

    ``peer_address`` says whose they are. Listeners and time_wait, which is only a memory of
    a connection, are left out.
    """
    wanted = frozenset(ports)
    return tuple(
        one
        for one in state.sockets
        if one.local_address == vip and one.local_port in wanted and one.state not in _NO_CONNECTION
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpEvidence:
    """How a health check over HTTP ended.

    Attributes:
        status: the status code, or None where there was no HTTP answer.
        failure: why there was none, or "".
        seconds: how long it took.
    """

    status: int | None
    failure: str
    seconds: float

    @property
    def healthy(self) -> bool:
        """Return whether the LoadMaster's default check would take it: any 2xx."""
        return self.status is not None and 200 <= self.status < 300


def http_answers(
    address: str,
    port: int,
    path: str = "/",
    *,
    namespace: NetworkNamespace | None = None,
    timeout_s: float = 2.0,
    host_header: str | None = None,
) -> HttpEvidence:
    """Ask for a page as a health check does and look at the status line.

    Args:
        timeout_s: for everything together, in seconds.
        host_header: the Host to name; the address unless given.

    Raises:
        ValueError: the path or the host cannot stand in a request.
    """
    host = host_header or address
    if not path.startswith("/") or any(not "!" <= letter <= "~" for letter in path + host):
        raise ValueError(f"{path!r} on {host!r} cannot be asked for")
    request = f"GET {path} HTTP/1.0\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode()
    started = time.monotonic()
    deadline = started + timeout_s

    def evidence(status: int | None, failure: str = "") -> HttpEvidence:
        return HttpEvidence(status=status, failure=failure, seconds=time.monotonic() - started)

    try:
        connection = in_namespace(namespace, lambda: socket.socket(socket.AF_INET))
        with connection:
            connection.settimeout(timeout_s)
            connection.connect((address, port))
            connection.sendall(request)
            line = _first_line(connection, deadline)
    except TimeoutError:
        return evidence(None, f"no answer within {timeout_s:g} s")
    except OSError as error:
        return evidence(None, error.strerror or str(error))
    word, _, rest = line.partition(" ")
    if not word.startswith("HTTP/") or not rest[:3].isdigit():
        return evidence(None, f"not HTTP: {line[:40]!r}")
    return evidence(int(rest[:3]))


def _first_line(connection: socket.socket, deadline: float) -> str:
    heard = b""
    while b"\n" not in heard and len(heard) < 4096:
        left = deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError
        connection.settimeout(left)
        piece = connection.recv(4096)
        if not piece:
            break
        heard += piece
    return heard.partition(b"\n")[0].decode("latin-1").strip()
