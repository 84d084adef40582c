"""Traces and metrics of a run, as a collector on loopback receives them."""

import threading
import urllib.request
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from orchestrator.errors import TelemetryUnavailable
from orchestrator.rollout.records import Event
from orchestrator.rollout.telemetry import TelemetryOptions, Watcher, telemetry

SERVICE = "tcp/203.0.113.250:80"


class Collector(HTTPServer):
    """Keeps what is sent to it."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.received: list[tuple[str, bytes]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def every_span(self) -> list[Any]:
        assert {path for path, _ in self.received} == {"/v1/traces"}
        requests = [ExportTraceServiceRequest.FromString(body) for _, body in self.received]
        scopes = [
            scope
            for one in requests
            for resource in one.resource_spans
            for scope in resource.scope_spans
        ]
        return [span for scope in scopes for span in scope.spans]

    def spans(self) -> dict[str, Any]:
        return {span.name: span for span in self.every_span()}


class _Handler(BaseHTTPRequestHandler):
    server: Collector

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.received.append((self.path, body))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def collector() -> Iterator[Collector]:
    server = Collector()
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def event(
    at_s: float, kind: str, step: str | None = None, *, run: str = "r1", **data: Any
) -> Event:
    return Event(
        run_id=run,
        at_s=1_780_000_000.0 + at_s,
        kind=kind,
        text=f"{kind} said",
        server=step.partition("/")[0] if step else None,
        step=step,
        data=data,
    )


def a_run(watcher: Watcher) -> None:
    for one in (
        event(0, "run-started"),
        event(1, "step-started", "web1/drain"),
        event(2, "waiting", "web1/drain", connections=7),
        event(2, "healthy", service=SERVICE, healthy=3, floor=2),
        event(11, "step-ended", "web1/drain"),
        event(12, "step-started", "web1/healthy"),
        event(13, "step-failed", "web1/healthy"),
        event(14, "run-paused"),
    ):
        watcher.hear(one)


def attributes(span: Any) -> dict[str, str]:
    return {one.key: one.value.string_value for one in span.attributes}


def test_traces_reach_the_collector(collector: Collector) -> None:
    with telemetry(TelemetryOptions(traces=collector.url)) as watcher:
        a_run(watcher)
    spans = collector.spans()
    assert set(spans) == {"rollout", "drain", "healthy"}
    drain = spans["drain"]
    assert drain.parent_span_id == spans["rollout"].span_id
    assert drain.end_time_unix_nano - drain.start_time_unix_nano == 10_000_000_000
    assert [one.name for one in drain.events] == ["waiting"]
    assert attributes(drain) == {
        "kemp.run": "r1",
        "kemp.server": "web1",
        "kemp.status": "done",
    }
    assert spans["healthy"].status.code == 2
    assert attributes(spans["rollout"])["kemp.state"] == "paused"


def test_a_run_that_is_cut_off_leaves_its_spans(collector: Collector) -> None:
    with telemetry(TelemetryOptions(traces=collector.url)) as watcher:
        watcher.hear(event(1, "run-started"))
        watcher.hear(event(2, "step-started", "web1/drain"))
    assert set(collector.spans()) == {"rollout", "drain"}


@pytest.mark.parametrize("end", ["run-paused", "run-finished", "run-aborted", "run-reverted"])
def test_runs_of_one_worker_are_kept_apart(collector: Collector, tmp_path: Path, end: str) -> None:
    """Two runs over hosts of the same names, on two LoadMasters."""
    file = tmp_path / "kemp.prom"
    with telemetry(TelemetryOptions(traces=collector.url, metrics_file=file)) as watcher:
        for at_s, run in ((0, "r1"), (5, "r2")):
            watcher.hear(event(at_s, "run-started", run=run))
            watcher.hear(event(at_s, "step-started", "web1/drain", run=run))
        for at_s, run in ((20, "r1"), (21, "r2")):
            watcher.hear(event(at_s, "step-ended", "web1/drain", run=run))
            watcher.hear(event(at_s, end, run=run))
        text = file.read_text()
    spans = collector.every_span()
    runs = {attributes(one)["kemp.run"]: one for one in spans if one.name == "rollout"}
    drains = {attributes(one)["kemp.run"]: one for one in spans if one.name == "drain"}
    for run, seconds in (("r1", 20), ("r2", 16)):
        assert drains[run].parent_span_id == runs[run].span_id
        lasted_ns = drains[run].end_time_unix_nano - drains[run].start_time_unix_nano
        assert lasted_ns == seconds * 1_000_000_000
        assert attributes(runs[run])["kemp.state"] == end.removeprefix("run-")
        assert f'kemp_rollout_running{{run="{run}"}} 0.0' in text
    assert 'kemp_rollout_step_seconds_sum{step="drain"} 36.0' in text


def test_metrics_in_a_file(tmp_path: Path) -> None:
    file = tmp_path / "kemp.prom"
    with telemetry(TelemetryOptions(metrics_file=file)) as watcher:
        a_run(watcher)
        text = file.read_text()
    for line in (
        'kemp_rollout_running{run="r1"} 0.0',
        'kemp_rollout_steps_total{status="done",step="drain"} 1.0',
        'kemp_rollout_steps_total{status="failed",step="healthy"} 1.0',
        'kemp_rollout_step_seconds_sum{step="drain"} 10.0',
        f'kemp_rollout_healthy_servers{{service="{SERVICE}"}} 3.0',
        f'kemp_rollout_healthy_floor{{service="{SERVICE}"}} 2.0',
    ):
        assert line in text, line
    assert "connections_left{" not in text  # the drain is over


def test_a_file_does_not_say_that_a_run_goes_on_which_the_process_has_left(tmp_path: Path) -> None:
    file = tmp_path / "kemp.prom"
    with telemetry(TelemetryOptions(metrics_file=file)) as watcher:
        watcher.hear(event(0, "run-started"))
        watcher.hear(event(1, "step-started", "web1/drain"))
        watcher.hear(event(2, "waiting", "web1/drain", connections=7))
        assert 'kemp_rollout_running{run="r1"} 1.0' in file.read_text()
    text = file.read_text()
    assert 'kemp_rollout_running{run="r1"} 0.0' in text
    assert "connections_left{" not in text


def test_metrics_where_they_are_asked_for(tmp_path: Path) -> None:
    from socket import create_server

    with create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    with telemetry(TelemetryOptions(metrics_listen=("127.0.0.1", port))) as watcher:
        a_run(watcher)
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as answer:
            assert 'steps_total{status="done",step="drain"} 1.0' in answer.read().decode()


def test_what_cannot_be_had_is_said_before_anything_begins(tmp_path: Path) -> None:
    with (
        pytest.raises(TelemetryUnavailable, match="No such file"),
        telemetry(TelemetryOptions(metrics_file=tmp_path / "nowhere" / "kemp.prom")),
    ):
        pytest.fail("begun")


def test_an_exporter_that_breaks_in_mid_run_does_not_stop_it(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = tmp_path / "metrics"
    folder.mkdir()
    with telemetry(TelemetryOptions(metrics_file=folder / "kemp.prom")) as watcher:
        for one in folder.iterdir():
            one.unlink()
        folder.rmdir()
        a_run(watcher)
        watcher.hear(event(15, "run-started"))
    assert "telemetry of run-started" in caplog.text
