"""Every request of the load is counted for what it was."""

import asyncio
import json
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

import pytest

from orchestrator.errors import OrchestratorError
from orchestrator.lab.lab import Lab
from orchestrator.lab.load import LoadOptions, LoadRun
from orchestrator.lab.load_client import LoadClient
from tests.orchestrator.lab.web_servers import WebServers

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
GOOD = b'{"server": "a"}'


def _answer(body: bytes, *, status: str = "200 OK", length: int | None = None) -> bytes:
    size = len(body) if length is None else length
    return f"HTTP/1.1 {status}\r\nContent-Length: {size}\r\n\r\n".encode() + body


@asynccontextmanager
async def _server(handler: Handler) -> AsyncIterator[int]:
    handling: set[asyncio.Task[None]] = set()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        handling.add(task)
        with suppress(OSError, asyncio.IncompleteReadError):
            await handler(reader, writer)
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()

    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        await asyncio.sleep(0.01)  # connections that were accepted just now
        if handling:
            await asyncio.wait(handling, timeout=5)  # their clients are gone


def _load(handler: Handler, **options: Any) -> dict[str, Any]:
    async def run() -> dict[str, Any]:
        async with _server(handler) as port:
            given = {"rate_per_s": 500, "max_requests": 20, "timeout_s": 0.3, **options}
            client = LoadClient(LoadOptions(address="127.0.0.1", port=port, **given))
            await client.run()
            return client.result()

    return asyncio.run(run())


def _always(answer: bytes) -> Handler:
    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await reader.readuntil(b"\r\n\r\n"):
            writer.write(answer)
            await writer.drain()

    return handle


def _once(answer: bytes) -> Handler:
    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)

    return handle


async def _reset(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")
    writer.transport.abort()


async def _stall(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read()


def test_good_answers_are_counted_by_server() -> None:
    result = _load(_always(_answer(GOOD)))
    assert (result["total"], result["failed"], result["by_server"]) == (20, 0, {"a": 20})
    assert result["failures"] == []
    assert 0 < result["latency_p50_ms"] <= result["latency_p99_ms"] < 300
    assert 0 < result["late_ms"] < 300


def test_a_client_that_is_held_up_says_so() -> None:
    async def block(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        time.sleep(0.4)  # in the client's own event loop
        writer.write(_answer(GOOD))

    result = _load(block, max_requests=2)
    assert result["late_ms"] > 300


@pytest.mark.parametrize(
    ("handler", "words"),
    [
        (_once(_answer(GOOD, status="503 Busy")), "HTTP status 503"),
        (_once(_answer(GOOD, length=99)), "closed before the whole answer"),
        (_once(b""), "closed before the whole answer"),
        (_once(b"SSH-2.0-x\r\n\r\n"), "not the HTTP that was expected"),
        (_once(_answer(b"<html>")), "does not name a server"),
        (_once(_answer(b"[]")), "does not name a server"),
        (_reset, "connection reset|closed before"),
        (_stall, "no answer within 0.3 s"),
    ],
)
def test_each_way_to_fail_is_a_failure(handler: Handler, words: str) -> None:
    result = _load(handler, max_requests=5)
    assert (result["total"], result["failed"], result["by_server"]) == (5, 5, {})
    assert all(any(word in text for word in words.split("|")) for text in result["failures"])
    assert result["latency_p99_ms"] is None


def test_nobody_listening_is_a_failure() -> None:
    async def run() -> dict[str, Any]:
        async with _server(_stall) as port:
            pass
        client = LoadClient(LoadOptions(address="127.0.0.1", port=port, max_requests=3))
        await client.run()
        return client.result()

    result = asyncio.run(run())
    assert (result["total"], result["failed"]) == (3, 3)
    assert all("connection refused" in text for text in result["failures"])


def test_a_server_that_stalls_does_not_slow_the_load_down() -> None:
    began_s = time.monotonic()
    result = _load(_stall, rate_per_s=100, max_requests=50, timeout_s=0.4)
    assert (result["total"], result["failed"]) == (50, 50)
    assert time.monotonic() - began_s < 3, "one after the other they would take 20 s"


@pytest.mark.parametrize(("kept_alive", "least", "most"), [(0.0, 20, 20), (1.0, 2, 4)])
def test_kept_alive_connections_are_shared_and_bounded(
    kept_alive: float, least: int, most: int
) -> None:
    opened = []

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        opened.append(writer)
        await _always(_answer(GOOD))(reader, writer)

    result = _load(
        handler=handle,
        rate_per_s=100,
        kept_alive=kept_alive,
        connections=2,
        requests_per_connection=10,
    )
    assert result["failed"] == 0
    assert least <= len(opened) <= most


def test_an_old_connection_is_not_used_again() -> None:
    opened = []

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        opened.append(writer)
        await _always(_answer(GOOD))(reader, writer)

    _load(handle, rate_per_s=50, kept_alive=1.0, connections=1, connection_age_s=0.1)
    assert len(opened) >= 3, "20 requests take 0.4 s"


def test_time_bounds_the_load() -> None:
    result = _load(_always(_answer(GOOD)), rate_per_s=100, max_requests=10_000, max_seconds=0.2)
    assert result["total"] == 20


def test_requests_count_for_the_phase_in_which_they_began() -> None:
    async def slow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        await asyncio.sleep(0.2)
        writer.write(_answer(GOOD))

    async def run() -> dict[str, Any]:
        async with _server(slow) as port:
            client = LoadClient(
                LoadOptions(
                    address="127.0.0.1", port=port, rate_per_s=100, max_requests=20, phase="one"
                )
            )
            asyncio.get_running_loop().call_later(0.1, client.phase, "two")
            await client.run()
            return client.result()

    phases = asyncio.run(run())["by_phase"]
    assert phases["one"]["total"] + phases["two"]["total"] == 20
    assert 5 <= phases["one"]["total"] <= 15
    assert phases["one"]["by_server"] == {"a": phases["one"]["total"]}


@pytest.mark.parametrize(
    "wrong",
    [
        {"rate_per_s": 0},
        {"rate_per_s": 2001},
        {"kept_alive": 1.1},
        {"connections": 0},
        {"timeout_s": 0},
        {"max_seconds": -1},
    ],
)
def test_options_out_of_range_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"not|at least|positive"):
        LoadOptions(address="203.0.113.250", **wrong)


@pytest.mark.kernel
def test_a_run_from_the_labs_client(lab: Lab) -> None:
    WebServers(lab).start("web1", version="1")
    options = LoadOptions(address="203.0.113.11", rate_per_s=50, phase="before")
    with LoadRun(lab, options) as load:
        assert load.progress().failed == 0
        load.phase("after it")
        time.sleep(0.3)
        result = load.stop()
    assert result.failed == 0, result.failures
    assert result.by_server == {"web1": result.total}
    assert set(result.by_phase) == {"before", "after it"}
    assert sum(phase.total for phase in result.by_phase.values()) == result.total
    assert result.total == pytest.approx(result.seconds * 50, abs=10)


@pytest.mark.kernel
def test_a_load_client_that_dies_has_no_result(lab: Lab) -> None:
    with LoadRun(lab, LoadOptions(address="203.0.113.11", rate_per_s=20)) as load:
        load._process.kill()
        load._process.wait()
        with pytest.raises(OrchestratorError, match="exit code -9"):
            load.stop()
        with pytest.raises(OrchestratorError, match="has ended"):
            load.phase("more")


@pytest.mark.kernel
def test_it_speaks_json_lines(lab: Lab) -> None:
    options = json.dumps({"address": "203.0.113.12", "max_requests": 2, "timeout_s": 0.2})
    argv = [sys.executable, "-m", "orchestrator.lab.load_client", "--options", options]
    process, line = lab.spawn_ready("client", argv)
    lab.end(process)
    record = json.loads(line)
    assert (record["final"], record["total"], record["failed"]) == (True, 2, 2)


def _downloads(handler: Handler, **options: Any) -> list[dict[str, Any]]:
    async def run() -> list[dict[str, Any]]:
        async with _server(handler) as port:
            given = {"max_requests": 5, "rate_per_s": 10, "timeout_s": 0.3, "download_s": 0.2}
            client = LoadClient(
                LoadOptions(address="127.0.0.1", port=port, downloads=3, **{**given, **options})
            )
            await client.run()
            return client.downloads()

    return asyncio.run(run())


async def _slowly(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    path = (await reader.readuntil(b"\r\n\r\n")).split(b" ")[1]
    writer.write(b"HTTP/1.1 200 OK\r\nServer: a\r\nContent-Length: 8\r\n\r\n")
    for _ in range(8 if path.startswith(b"/download") else 0):
        writer.write(b"x")
        await writer.drain()
        await asyncio.sleep(0.02)


def test_downloads_are_kept_under_way_and_end_whole() -> None:
    found = _downloads(_slowly)
    assert len(found) > 3, "each takes the turn of one that ended"
    assert {one["server"] for one in found} == {"a"}
    assert {one["failure"] for one in found} == {""}
    assert all(one["ended_s"] - one["began_s"] >= 0.1 for one in found)


async def _half(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")
    writer.write(b"HTTP/1.1 200 OK\r\nServer: a\r\nContent-Length: 8\r\n\r\nxxxx")
    await writer.drain()
    await asyncio.sleep(0.05)


async def _half_and_silence(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await _half(reader, writer)
    await reader.read()


@pytest.mark.parametrize(
    ("handler", "words"),
    [(_half, "connection reset"), (_half_and_silence, "nothing came for 0.3 s")],
)
def test_a_download_that_is_cut_is_counted_as_cut(handler: Handler, words: str) -> None:
    found = _downloads(handler)
    assert found
    assert {(one["server"], one["failure"]) for one in found} == {("a", words)}


def test_each_source_is_a_client_with_cookies_of_its_own() -> None:
    seen: list[tuple[str, bytes]] = []

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        source: str = writer.get_extra_info("peername")[0]
        seen.append((source, head.partition(b"Cookie: ")[2].partition(b"\r\n")[0]))
        writer.write(
            f"HTTP/1.1 200 OK\r\nSet-Cookie: Who=I{source}; path=/\r\n"
            f"Content-Length: {len(GOOD)}\r\n\r\n".encode()
            + GOOD
        )

    sources = ["127.0.0.2", "127.0.0.3"]
    result = _load(
        handle, kept_alive=0.0, rate_per_s=50, max_requests=6, sources=sources, cookies=True
    )
    assert result["failed"] == 0, result["failures"]
    assert sorted({source for source, _ in seen}) == sources
    assert all(sent in (b"", f"Who=I{source}".encode()) for source, sent in seen)
    assert [sent for _, sent in seen[:2]] == [b"", b""]
    assert all(sent for _, sent in seen[2:])
