"""The process that makes HTTP load: ``python -m orchestrator.lab.load_client --options JSON``.

Open loop: a request starts when its time has come, whether or not earlier ones were
answered, so a service that hangs shows as failures and not as fewer requests. Some requests
use a connection of their own, the others share kept-alive ones. Nothing is tried twice.

Speaks lines on its standard streams: reads ``phase NAME`` and ``stop`` (or end of file),
writes one JSON object a second and a last one with ``"final": true``.
"""

import argparse
import asyncio
import json
import signal
import sys
import time
from collections import Counter, deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from typing import Any

from orchestrator.lab.load import LoadOptions
from orchestrator.lab.load_connection import Connection, RequestFailed, connect, in_words, persons
from orchestrator.lab.load_downloads import Downloads

_SAMPLES = 20
_OUTSTANDING = 5000


@dataclass(slots=True)
class _Tally:
    total: int = 0
    failed: int = 0
    by_server: Counter[str] = field(default_factory=Counter)

    def result(self) -> dict[str, Any]:
        return {"total": self.total, "failed": self.failed, "by_server": dict(self.by_server)}


class LoadClient:
    """Makes the load in the running event loop."""

    def __init__(self, options: LoadOptions) -> None:
        self._options = options
        self._phase = options.phase
        self._phases: dict[str, _Tally] = {options.phase: _Tally()}
        self._failures: list[str] = []
        self._latencies_s: list[float] = []
        self._late_s = 0.0
        self._idle: deque[Connection] = deque()
        self._shared: set[Connection] = set()
        self._started_s = time.monotonic()
        self._ended_s: float | None = None
        self._persons = persons(options)
        self._asked = 0
        self._downloads = Downloads(options, self._persons)
        self._stop = asyncio.Event()
        self._defect: BaseException | None = None

    def phase(self, name: str) -> None:
        """Count the requests that begin from now on under ``name``."""
        self._phase = name
        self._phases.setdefault(name, _Tally())

    def stop(self) -> None:
        """Begin no more requests; those under way are still counted."""
        self._stop.set()

    async def run(self) -> None:
        """Make load until stopped or bounded, and wait for the last answers."""
        options = self._options
        outstanding: set[asyncio.Task[None]] = set()
        over = asyncio.Event()
        downloads = asyncio.ensure_future(self._downloads.run(over))
        downloads.add_done_callback(self._ended)
        self._started_s = begun_s = time.monotonic()
        share = 0.0
        number = 0
        while number < options.max_requests and not self._stop.is_set():
            due_s = number / options.rate_per_s
            if due_s >= options.max_seconds:
                break
            await self._wait_until(begun_s + due_s)
            if self._stop.is_set():
                break
            self._late_s = max(self._late_s, time.monotonic() - begun_s - due_s)
            number += 1
            share += options.kept_alive
            shared = share >= 1.0
            share -= shared
            if len(outstanding) >= _OUTSTANDING:
                self._count(self._phases[self._phase], error="too many requests are waiting")
                continue
            task = asyncio.ensure_future(self._one(shared=shared))
            outstanding.add(task)
            task.add_done_callback(outstanding.discard)
            task.add_done_callback(self._ended)
        over.set()
        await asyncio.wait((downloads, *outstanding))
        self._ended_s = time.monotonic()
        for connection in self._idle:
            connection.close()
        await asyncio.sleep(0)  # lets the transports close
        if self._defect is not None:
            raise self._defect

    def _ended(self, task: "asyncio.Task[None]") -> None:
        # A request that was not counted would make the count a lie: stop and say so.
        if not task.cancelled() and (defect := task.exception()) is not None:
            self._defect = defect
            self._stop.set()

    async def _wait_until(self, due_s: float) -> None:
        wait_s = due_s - time.monotonic()
        if wait_s > 0:
            stopping = asyncio.ensure_future(self._stop.wait())
            await asyncio.wait((stopping,), timeout=wait_s)
            stopping.cancel()
        else:
            await asyncio.sleep(0)

    async def _one(self, *, shared: bool) -> None:
        phase = self._phase  # of the moment when it began
        tally = self._phases[phase]
        since_s = time.monotonic()
        place = "kept-alive" if shared else "fresh"
        try:
            server = await asyncio.wait_for(self._request(shared=shared), self._options.timeout_s)
        except asyncio.TimeoutError:
            error = f"no answer within {self._options.timeout_s} s"
        except (OSError, RequestFailed) as failure:
            error = in_words(failure)
        else:
            self._latencies_s.append(time.monotonic() - since_s)
            self._count(tally, server=server)
            return
        at_s = since_s - self._started_s
        self._count(tally, error=f"{at_s:.3f} s, phase {phase}, {place}: {error}")

    def _count(self, tally: _Tally, *, server: str = "", error: str = "") -> None:
        tally.total += 1
        if error:
            tally.failed += 1
            if len(self._failures) < _SAMPLES:
                self._failures.append(error)
        else:
            tally.by_server[server] += 1

    async def _request(self, *, shared: bool) -> str:
        connection = self._take() if shared else None
        if connection is None:
            person = self._persons[self._asked % len(self._persons)]
            self._asked += 1
            connection = await connect(person, self._options)
            if shared:
                self._shared.add(connection)
        connection.uses += 1
        keep = shared and connection.uses < self._options.requests_per_connection
        server, may_keep = "", False
        try:
            server, may_keep = await _exchange(connection, self._options, keep=keep)
        finally:
            if keep and may_keep:
                self._idle.append(connection)
            else:
                self._close(connection, cleanly=server != "")
        return server

    def _take(self) -> Connection | None:
        """Return the connection that was idle longest, once there are enough of them."""
        self.close_old()
        if self._idle and len(self._shared) >= self._options.connections:
            return self._idle.popleft()
        return None

    def close_old(self) -> None:
        """Close idle connections past their time: nothing else would when few are used."""
        kept: deque[Connection] = deque()
        for connection in self._idle:
            if connection.usable(self._options):
                kept.append(connection)
            else:
                self._close(connection, cleanly=True)
        self._idle = kept

    def _close(self, connection: Connection, *, cleanly: bool) -> None:
        self._shared.discard(connection)
        if cleanly:
            connection.close()
        else:
            connection.abort()

    def downloads(self) -> list[dict[str, Any]]:
        """Return the downloads that have ended, ready for JSON."""
        return [asdict(one) for one in self._downloads.ended]

    def result(self) -> dict[str, Any]:
        """Return the counts so far, ready for JSON."""
        by_server: Counter[str] = Counter()
        for tally in self._phases.values():
            by_server.update(tally.by_server)
        latencies = sorted(self._latencies_s)
        return {
            "total": sum(tally.total for tally in self._phases.values()),
            "failed": sum(tally.failed for tally in self._phases.values()),
            "by_server": dict(by_server),
            "by_phase": {name: tally.result() for name, tally in self._phases.items()},
            "failures": self._failures,
            "latency_p50_ms": _percentile_ms(latencies, 50),
            "latency_p99_ms": _percentile_ms(latencies, 99),
            "late_ms": round(self._late_s * 1000, 3),
            "seconds": (self._ended_s or time.monotonic()) - self._started_s,
            "phase": self._phase,
        }


async def _exchange(
    connection: Connection, options: LoadOptions, *, keep: bool
) -> tuple[str, bool]:
    """Send one request and read its answer: the server's name, whether it may be followed."""
    head = await connection.ask(options, options.path, keep=keep)
    try:
        body = await connection.reader.readexactly(head.length)
    except asyncio.IncompleteReadError:
        raise RequestFailed("connection closed before the whole answer came") from None
    try:
        server = str(json.loads(body)["server"])
    except (ValueError, KeyError, TypeError):
        raise RequestFailed("the body does not name a server") from None
    return server, head.keeps


def _percentile_ms(ordered: list[float], percent: int) -> float | None:
    if not ordered:
        return None
    return round(ordered[min(len(ordered) - 1, len(ordered) * percent // 100)] * 1000, 3)


def _say(record: Mapping[str, Any]) -> None:
    sys.stdout.write(json.dumps(record) + "\n")
    sys.stdout.flush()


async def _listen(client: LoadClient) -> None:
    reader = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    transport, _ = await loop.connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), sys.stdin
    )
    try:
        while line := await reader.readline():
            word, _, name = line.decode().strip().partition(" ")
            if word == "phase" and name:
                client.phase(name)
            elif word == "stop":
                break
    finally:
        transport.close()
    client.stop()


async def _report(client: LoadClient) -> None:
    while True:
        await asyncio.sleep(1.0)
        client.close_old()
        _say(client.result())


@contextmanager
def _background(*tasks: "asyncio.Task[None]") -> Iterator[None]:
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()


async def _main(options: LoadOptions) -> None:
    client = LoadClient(options)
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, client.stop)
    listening = asyncio.ensure_future(_listen(client))
    reporting = asyncio.ensure_future(_report(client))
    with _background(listening, reporting):
        await client.run()
    for ended in await asyncio.gather(listening, reporting, return_exceptions=True):
        if isinstance(ended, Exception):
            raise ended
    _say({**client.result(), "downloads": client.downloads(), "final": True})


def main() -> None:
    """Make load until ``stop``, the end of stdin, SIGTERM or a bound; exit code 0."""
    parser = argparse.ArgumentParser(prog="python -m orchestrator.lab.load_client")
    parser.add_argument("--options", required=True, help="LoadOptions as a JSON object")
    given = json.loads(parser.parse_args().options)
    asyncio.run(_main(LoadOptions(**given)))


if __name__ == "__main__":
    main()
