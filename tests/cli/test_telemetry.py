"""Where the environment wants traces and metrics of runs to go."""

import pytest

from cli.exit_codes import Failure
from cli.telemetry import options_of


def test_nowhere_unless_it_says_so() -> None:
    assert not options_of({}).wanted


def test_what_it_says() -> None:
    asked = options_of(
        {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://[::1]:4318", "KEMP_METRICS_LISTEN": "[::1]:9464"}
    )
    assert (asked.traces, asked.metrics_listen) == ("http://[::1]:4318", ("::1", 9464))
    with pytest.raises(Failure, match="is not ADDRESS:PORT"):
        options_of({"KEMP_METRICS_LISTEN": "9464"})
