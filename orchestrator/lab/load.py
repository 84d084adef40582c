"""Steady HTTP load from the lab's client through the VIP, counted honestly.

Open loop: a request starts when its time has come, whether or not earlier ones were
answered, so a service that hangs shows as failures and not as fewer requests. Some requests
use a connection of their own, the others share kept-alive ones. Nothing is tried twice.

Beside the requests, downloads can be kept under way: each lasts for seconds, and is cut when
its server is taken away too early.
"""

import json
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import IO, Any, Protocol

from orchestrator.errors import OrchestratorError


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadOptions:
    """What load to make.

    Attributes:
        address: the virtual service's address.
        rate_per_s: requests begun in each second, up to 2000.
        kept_alive: share of the requests, 0 to 1, that use kept-alive connections.
        connections: kept-alive connections that are used in turn; more only while all are busy.
        requests_per_connection: a kept-alive connection is closed after that many ...
        connection_age_s: ... or at about that age, so that a drained server loses them.
        timeout_s: a request that takes longer, connecting included, has failed.
        max_requests: the load ends by itself after that many ...
        max_seconds: ... or after that time.
        phase: name under which the first requests are counted.
        sources: the client's own addresses, used in turn, each like a client of its own.
        cookies: each of those clients sends back the cookies that it was given.
        downloads: how many are under way at any time.
        download_s: how long each lasts; one without news for ``timeout_s`` was cut.
    """

    address: str
    port: int = 80
    path: str = "/"
    rate_per_s: float = 100.0
    kept_alive: float = 0.5
    connections: int = 8
    requests_per_connection: int = 20
    connection_age_s: float = 2.0
    timeout_s: float = 2.0
    max_requests: int = 100_000
    max_seconds: float = 600.0
    phase: str = "start"
    sources: Sequence[str] = ()
    cookies: bool = False
    downloads: int = 0
    download_s: float = 5.0

    def __post_init__(self) -> None:
        if not 0 < self.rate_per_s <= 2000:
            raise ValueError(f"rate_per_s is above 0 and at most 2000, not {self.rate_per_s}")
        if not 0 <= self.kept_alive <= 1:
            raise ValueError(f"kept_alive is a share between 0 and 1, not {self.kept_alive}")
        if min(self.connections, self.requests_per_connection, self.max_requests) < 1:
            raise ValueError("numbers of connections and requests are at least 1")
        if not 0 <= self.downloads <= 200:
            raise ValueError(f"downloads is between 0 and 200, not {self.downloads}")
        times = (self.timeout_s, self.max_seconds, self.connection_age_s, self.download_s)
        if min(times) <= 0:
            raise ValueError("times are positive numbers of seconds")


@dataclass(frozen=True, slots=True, kw_only=True)
class PhaseResult:
    """The requests that began in one phase."""

    total: int
    failed: int
    by_server: Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Download:
    """One download. Times are seconds since the epoch.

    Attributes:
        server: empty where no server began to answer.
        failure: in words; empty where all of it came.
    """

    server: str
    began_s: float
    ended_s: float
    failure: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadResult:
    """What became of the requests.

    Attributes:
        failed: refused, reset, timed out, cut short, wrong status or wrong content.
        by_server: good answers by the name of the server that gave them.
        failures: the first twenty failures in words, with the time since the load's start.
        latency_p50_ms: of good answers; None without any.
        late_ms: the longest that a request began after its time: a client that lacks a
            processor for seconds finds answers too late that came in time.
        seconds: from the first request to the last answer.
        downloads: those that ended, in this order; empty before the final result.
    """

    total: int
    failed: int
    by_server: Mapping[str, int]
    by_phase: Mapping[str, PhaseResult]
    failures: tuple[str, ...]
    latency_p50_ms: float | None
    latency_p99_ms: float | None
    late_ms: float
    seconds: float
    downloads: tuple[Download, ...] = ()

    @property
    def cut(self) -> tuple[Download, ...]:
        """The downloads of which not everything came."""
        return tuple(one for one in self.downloads if one.failure)


class Stations(Protocol):
    """Where the client of a load is started: a lab."""

    def spawn(
        self, name: str, argv: Sequence[str], *, stdout: int | IO[str]
    ) -> "subprocess.Popen[str]":
        """Start a process on a station; its stdin is a pipe."""
        ...

    def end(self, process: "subprocess.Popen[str]") -> int:
        """End it, and return its exit code."""
        ...


class LoadRun:
    """Load from the lab's client; ends with the context at the latest.

    ::

        with LoadRun(lab, LoadOptions(address=lab.vip)) as load:
            load.phase("add web1")
            ...
            result = load.stop()
    """

    def __init__(self, lab: Stations, options: LoadOptions, *, station: str = "client") -> None:
        """Describe a load that the station ``station`` of the lab makes."""
        self._lab = lab
        self._station = station
        self._options = options
        self._latest: dict[str, Any] | None = None
        self._first = threading.Event()

    def __enter__(self) -> "LoadRun":
        """Start the client; its first request follows within some 0.2 s."""
        self._process = self._lab.spawn(
            self._station,
            [
                sys.executable,
                "-m",
                "orchestrator.lab.load_client",
                "--options",
                json.dumps(asdict(self._options)),
            ],
            stdout=subprocess.PIPE,
        )
        self._ended = False
        self._reading = threading.Thread(target=self._read, name="load-progress", daemon=True)
        self._reading.start()
        return self

    def __exit__(self, *_: object) -> None:
        if not self._ended:
            self._end()

    def _read(self) -> None:
        assert self._process.stdout is not None  # noqa: S101 - made as a pipe above
        for line in self._process.stdout:
            self._latest = json.loads(line)
            self._first.set()
        self._first.set()

    def phase(self, name: str) -> None:
        """Count the requests that begin from now on under ``name`` (one line, not empty).

        Raises:
            OrchestratorError: the client has ended.
        """
        if not name.strip() or "\n" in name:
            raise ValueError(f"not a phase's name: {name!r}")
        self._tell(f"phase {name}\n")

    def progress(self) -> LoadResult:
        """Return the counts of at most about a second ago; waits for the first ones.

        Raises:
            OrchestratorError: the client ended without any.
        """
        self._first.wait()
        if self._latest is None:
            raise OrchestratorError("the load client ended without a report")
        return _result(self._latest)

    def stop(self) -> LoadResult:
        """Begin no more requests, wait for those under way and return the final counts.

        Raises:
            OrchestratorError: the client failed; its counts are not to be trusted.
        """
        code = self._end()
        if code != 0 or self._latest is None or not self._latest.get("final"):
            raise OrchestratorError(f"the load client ended with exit code {code}")
        return _result(self._latest)

    @property
    def _patience_s(self) -> float:
        last_s = self._options.download_s if self._options.downloads else 0.0
        return self._options.timeout_s + last_s + 5.0

    def _tell(self, line: str) -> None:
        assert self._process.stdin is not None  # noqa: S101 - the lab makes it a pipe
        try:
            self._process.stdin.write(line)
            self._process.stdin.flush()
        except (BrokenPipeError, ValueError):
            raise OrchestratorError("the load client has ended") from None

    def _end(self) -> int:
        self._ended = True
        if self._process.poll() is None:
            with suppress(OrchestratorError):  # it may end by itself just now
                self._tell("stop\n")
            try:
                self._process.wait(self._patience_s)
            except subprocess.TimeoutExpired:
                self._process.kill()
        self._reading.join()
        return self._lab.end(self._process)


def _result(record: Mapping[str, Any]) -> LoadResult:
    return LoadResult(
        total=record["total"],
        failed=record["failed"],
        by_server=record["by_server"],
        by_phase={
            name: PhaseResult(
                total=tally["total"], failed=tally["failed"], by_server=tally["by_server"]
            )
            for name, tally in record["by_phase"].items()
        },
        failures=tuple(record["failures"]),
        latency_p50_ms=record["latency_p50_ms"],
        latency_p99_ms=record["latency_p99_ms"],
        late_ms=record["late_ms"],
        seconds=record["seconds"],
        downloads=tuple(Download(**one) for one in record.get("downloads", ())),
    )
