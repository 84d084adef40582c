"""One HTTP connection of the load's clients, and who makes it; see :mod:`.load_client`."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from orchestrator.lab.load import LoadOptions


class RequestFailed(Exception):
    """One request had no good answer; the text says in which way."""


@dataclass(slots=True, kw_only=True)
class Person:
    """Somebody whom the service may know again.

    Attributes:
        source: the address that the connections come from; None leaves it to the kernel.
        cookies: those that services gave; None where this one takes none.
    """

    source: str | None = None
    cookies: dict[str, str] | None = None


def persons(options: LoadOptions) -> Sequence[Person]:
    """Return who makes the load: one for each source, or one at all."""
    return [
        Person(source=source, cookies={} if options.cookies else None)
        for source in options.sources or (None,)
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerHead:
    """How an answer begins.

    Attributes:
        server: what it calls itself; empty where it does not say.
        length: of the body that follows, in bytes.
        keeps: another request may follow on the connection.
    """

    server: str
    length: int
    keeps: bool


@dataclass(slots=True, eq=False)
class Connection:
    """An open connection."""

    person: Person
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    uses: int = 0
    since_s: float = field(default_factory=time.monotonic)

    def usable(self, options: LoadOptions) -> bool:
        """Return whether one more request may use it."""
        return (
            self.uses < options.requests_per_connection
            and time.monotonic() - self.since_s < options.connection_age_s
            and not self.reader.at_eof()
        )

    def close(self) -> None:
        self.writer.close()

    def abort(self) -> None:
        """Close without waiting for what could not be sent."""
        self.writer.transport.abort()

    async def ask(self, options: LoadOptions, path: str, *, keep: bool) -> AnswerHead:
        """Send one request and read how its answer begins; the body is left to be read.

        Raises:
            RequestFailed: the answer is no good one.
            OSError: the connection has broken.
        """
        lines = [
            f"GET {path} HTTP/1.1",
            f"Host: {options.address}",
            f"Connection: {'keep-alive' if keep else 'close'}",
        ]
        if self.person.cookies:
            pairs = "; ".join(f"{name}={value}" for name, value in self.person.cookies.items())
            lines.append(f"Cookie: {pairs}")
        self.writer.write(("\r\n".join(lines) + "\r\n\r\n").encode("latin-1"))
        try:
            head = (await self.reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            first, *rest = head.split("\r\n")
            status = first.split(" ", 2)[1]
            length = -1
            server, keeps = "", True
            for line in rest:
                name, _, value = (part.strip() for part in line.partition(":"))
                match name.lower():
                    case "content-length":
                        length = int(value)
                    case "server":
                        server = value
                    case "connection":
                        keeps = value.lower() != "close"
                    case "set-cookie" if self.person.cookies is not None:
                        key, _, text = value.partition(";")[0].partition("=")
                        self.person.cookies[key] = text
        except asyncio.IncompleteReadError:
            raise RequestFailed("connection closed before the whole answer came") from None
        except (asyncio.LimitOverrunError, ValueError, IndexError):
            length = -1
        if length < 0:
            raise RequestFailed("the answer is not the HTTP that was expected")
        if status != "200":
            raise RequestFailed(f"HTTP status {status}")
        return AnswerHead(server=server, length=length, keeps=keeps)


async def connect(person: Person, options: LoadOptions) -> Connection:
    """Open a connection.

    Raises:
        OSError: it cannot be opened.
    """
    streams = await asyncio.open_connection(
        options.address,
        options.port,
        local_addr=None if person.source is None else (person.source, 0),
    )
    return Connection(person, *streams)


def in_words(failure: Exception) -> str:
    """Return why there was no good answer; raises what is a defect of the load itself."""
    match failure:
        case ConnectionRefusedError():
            return "connection refused"
        case ConnectionResetError():
            return "connection reset"
        case OSError():
            return f"network error: {failure.strerror}"
        case RequestFailed():
            return str(failure)
    raise failure
