"""A run as traces and metrics, for those who watch many: OpenTelemetry and Prometheus.

The only module that knows their libraries, which are an extra (``kemp-automation[telemetry]``)
and loaded only when asked for. What it is told are the events of runs; it never stops one.
"""

import logging
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from orchestrator.errors import TelemetryUnavailable
from orchestrator.rollout.records import Event

if TYPE_CHECKING:
    from opentelemetry.trace import Span, Tracer

_log = logging.getLogger(__name__)

_ENDED = {"step-ended": "done", "step-failed": "failed", "step-stopped": "stopped"}
_RESTS = ("run-paused", "run-finished", "run-aborted", "run-reverted")


@dataclass(frozen=True, slots=True, kw_only=True)
class TelemetryOptions:
    """Where to send what; nothing that is None.

    Attributes:
        traces: address of an OTLP collector over HTTP, such as http://127.0.0.1:4318.
        metrics_file: written as Prometheus' text, whole or not at all, for a collector of
            text files; its name ends in .prom.
        metrics_listen: address and port on which Prometheus may ask, while the run lasts.
    """

    traces: str | None = None
    metrics_file: Path | None = None
    metrics_listen: tuple[str, int] | None = None

    @property
    def wanted(self) -> bool:
        return any((self.traces, self.metrics_file, self.metrics_listen))


class Watcher(Protocol):
    """Is told of every event; from several threads."""

    def hear(self, event: Event) -> None: ...


@contextmanager
def telemetry(options: TelemetryOptions) -> Iterator[Watcher]:
    """Watch runs until the end of the block, and send what is left then.

    Raises:
        TelemetryUnavailable: before anything is begun.
    """
    with ExitStack() as stack:
        watchers: list[Watcher] = []
        try:
            if options.traces is not None:
                watchers.append(stack.enter_context(_traced(options.traces)))
            if options.metrics_file is not None or options.metrics_listen is not None:
                watchers.append(stack.enter_context(_measured(options)))
        except ImportError as error:
            raise TelemetryUnavailable(
                f"{error.name} is not installed: pip install 'kemp-automation[telemetry]'"
            ) from None
        yield _All(watchers)


class _All:
    def __init__(self, watchers: list[Watcher]) -> None:
        self._watchers = watchers

    def hear(self, event: Event) -> None:
        for one in self._watchers:
            try:
                one.hear(event)
            except Exception:  # noqa: BLE001 - whatever its fault, the change itself goes on
                _log.exception("telemetry of %s", event.kind)


def _step_kind(event: Event) -> str:
    return (event.step or "").partition("/")[2]


def _ns(seconds: float) -> int:
    return round(seconds * 1e9)


# -- traces


@contextmanager
def _traced(endpoint: str) -> Iterator[Watcher]:
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    exporter = OTLPSpanExporter(endpoint=f"{endpoint.rstrip('/')}/v1/traces", timeout=5)
    # A provider of our own: the process-wide one belongs to whoever imports us.
    provider = TracerProvider(
        resource=Resource({"service.name": "kemp-rollout"}), shutdown_on_exit=False
    )
    provider.add_span_processor(BatchSpanProcessor(exporter))
    spans = Traces(provider.get_tracer("kemp"))
    try:
        yield spans
    finally:
        spans.end()
        provider.shutdown()


class Traces:
    """One span a run, one a step; a resumed run begins a new trace with the same run id."""

    def __init__(self, tracer: "Tracer") -> None:
        self._tracer = tracer
        self._guard = threading.Lock()
        self._runs: dict[str, Span] = {}
        self._steps: dict[tuple[str, str], Span] = {}

    def hear(self, event: Event) -> None:
        """Begin, mark or end the span that the event is about."""
        with self._guard:
            run = self._runs.get(event.run_id)
            if event.kind == "run-started":
                self._runs[event.run_id] = self._tracer.start_span(
                    "rollout",
                    start_time=_ns(event.at_s),
                    attributes={"kemp.run": event.run_id, "kemp.rollout": event.text},
                )
            elif event.kind == "step-started" and event.step is not None:
                self._begin(event, event.step)
            elif event.kind in _ENDED and event.step is not None:
                self._end_step(event, event.step)
            elif run is not None:
                span = self._steps.get((event.run_id, event.step or ""), run)
                span.add_event(event.kind, {"text": event.text}, timestamp=_ns(event.at_s))
                if event.kind in _RESTS:
                    run.set_attribute("kemp.state", event.kind.removeprefix("run-"))
                    run.end(end_time=_ns(event.at_s))
                    del self._runs[event.run_id]

    def end(self) -> None:
        """End what is still open: the process leaves the run as it stands."""
        with self._guard:
            for span in (*self._steps.values(), *self._runs.values()):
                span.end()
            self._steps.clear()
            self._runs.clear()

    def _begin(self, event: Event, step: str) -> None:
        from opentelemetry.trace import set_span_in_context

        run = self._runs.get(event.run_id)
        parent = set_span_in_context(run) if run is not None else None
        attributes = {"kemp.run": event.run_id, "kemp.server": event.server or ""}
        self._steps[event.run_id, step] = self._tracer.start_span(
            _step_kind(event), context=parent, start_time=_ns(event.at_s), attributes=attributes
        )

    def _end_step(self, event: Event, step: str) -> None:
        from opentelemetry.trace import StatusCode

        span = self._steps.pop((event.run_id, step), None)
        if span is None:
            return
        span.set_attribute("kemp.status", _ENDED[event.kind])
        if event.kind == "step-failed":
            span.set_status(StatusCode.ERROR, event.text)
        span.end(end_time=_ns(event.at_s))


# -- metrics


@contextmanager
def _measured(options: TelemetryOptions) -> Iterator[Watcher]:
    from prometheus_client import start_http_server

    metrics = Metrics(options.metrics_file)
    with ExitStack() as stack:
        if options.metrics_listen is not None:
            address, port = options.metrics_listen
            try:
                server, thread = start_http_server(port, address, registry=metrics.registry)
            except OSError as error:
                raise TelemetryUnavailable(f"{address}:{port}: {error.strerror}") from None
            stack.callback(thread.join)
            stack.callback(server.server_close)
            stack.callback(server.shutdown)
        metrics.write()
        try:
            yield metrics
        finally:
            metrics.end()


class Metrics:
    """Counters and gauges of the runs of one process.

    Attributes:
        registry: holds them, and nothing of the process's own.
    """

    def __init__(self, file: Path | None = None) -> None:
        """Make them; ``file`` is written anew after every event but looks."""
        from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

        self._file = file
        self._guard = threading.Lock()
        self._began_s: dict[tuple[str, str], float] = {}
        self._at_work: set[str] = set()
        self.registry = CollectorRegistry()
        settings: dict[str, Any] = {"registry": self.registry, "namespace": "kemp_rollout"}
        self._running = Gauge("running", "1 while a run is at work.", ["run"], **settings)
        self._steps = Counter("steps", "Steps that ended.", ["step", "status"], **settings)
        self._seconds = Histogram(
            "step_seconds",
            "How long steps took.",
            ["step"],
            buckets=(0.1, 0.5, 1, 5, 15, 60, 300, 900, 3600),
            **settings,
        )
        self._left = Gauge(
            "connections_left",
            "Connections of a draining server; not there while unknown.",
            ["server"],
            **settings,
        )
        self._healthy = Gauge("healthy_servers", "Enabled and up.", ["service"], **settings)
        self._floor = Gauge("healthy_floor", "Fewest that are allowed.", ["service"], **settings)

    def hear(self, event: Event) -> None:
        """Count the event."""
        with self._guard:
            self._count(event)
            if event.kind != "waiting":
                self._write()

    def end(self) -> None:
        """Say that nothing is at work any more: the process leaves its runs as they stand."""
        with self._guard:
            for run_id in self._at_work:
                self._running.labels(run_id).set(0)
            self._left.clear()
            try:
                self._write()
            except OSError as error:
                _log.warning("%s: %s", self._file, error.strerror)

    def write(self) -> None:
        """Write the file, where one is wanted.

        Raises:
            TelemetryUnavailable: it cannot be written.
        """
        try:
            self._write()
        except OSError as error:
            raise TelemetryUnavailable(f"{self._file}: {error.strerror}") from None

    def _write(self) -> None:
        from prometheus_client import write_to_textfile

        if self._file is not None:
            write_to_textfile(str(self._file), self.registry)

    def _count(self, event: Event) -> None:
        if event.kind == "run-started" or event.kind in _RESTS:
            begun = event.kind == "run-started"
            self._running.labels(event.run_id).set(begun)
            (self._at_work.add if begun else self._at_work.discard)(event.run_id)
        elif event.kind == "step-started" and event.step is not None:
            self._began_s[event.run_id, event.step] = event.at_s
        elif event.kind in _ENDED and event.step is not None:
            self._steps.labels(_step_kind(event), _ENDED[event.kind]).inc()
            began_s = self._began_s.pop((event.run_id, event.step), event.at_s)
            self._seconds.labels(_step_kind(event)).observe(max(0.0, event.at_s - began_s))
            if event.server is not None:
                self._forget_connections(event.server)
        if event.server is not None and "connections" in event.data:
            if event.data["connections"] is None:
                self._forget_connections(event.server)
            else:
                self._left.labels(event.server).set(event.data["connections"])
        if {"service", "healthy", "floor"} <= event.data.keys():
            service = str(event.data["service"])
            self._healthy.labels(service).set(event.data["healthy"])
            self._floor.labels(service).set(event.data["floor"])

    def _forget_connections(self, server: str) -> None:
        # An old count would look like a new one.
        with suppress(KeyError):
            self._left.remove(server)
