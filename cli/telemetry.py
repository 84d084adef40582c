"""Where the environment wants traces and metrics of runs to go."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from cli.exit_codes import ExitCode, Failure

if TYPE_CHECKING:
    from orchestrator.rollout.telemetry import TelemetryOptions


def options_of(environ: Mapping[str, str]) -> "TelemetryOptions":
    """Return what the environment asks for; nothing unless it does.

    Raises:
        Failure: an address that is none.
    """
    from orchestrator.rollout.telemetry import TelemetryOptions

    file = environ.get("KEMP_METRICS_FILE")
    return TelemetryOptions(
        traces=environ.get("OTEL_EXPORTER_OTLP_ENDPOINT") or None,
        metrics_file=Path(file).expanduser() if file else None,
        metrics_listen=_place(environ.get("KEMP_METRICS_LISTEN")),
    )


def _place(text: str | None) -> tuple[str, int] | None:
    if not text:
        return None
    address, _, port = text.rpartition(":")
    if not (address and port.isascii() and port.isdigit() and int(port) <= 65535):
        raise Failure(f"KEMP_METRICS_LISTEN: {text!r} is not ADDRESS:PORT", ExitCode.USAGE)
    return address.strip("[]"), int(port)
