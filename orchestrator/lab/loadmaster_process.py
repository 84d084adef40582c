"""The process of a lab's virtual LoadMaster; started by :mod:`orchestrator.lab.loadmaster`.

Prints one JSON object with ``url``, ``fingerprint`` and ``control_url`` when it answers.
"""

import argparse
import json
import sys
from pathlib import Path

from kempsdk.emulator.certificate import self_signed
from kempsdk.emulator.process import EmulatorOptions, serve


def main() -> None:
    """Serve until SIGTERM or the end of stdin."""
    parser = argparse.ArgumentParser(prog="python -m orchestrator.lab.loadmaster_process")
    parser.add_argument("--address", required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--l4-interface")
    parser.add_argument("--l7-interface")
    parser.add_argument("--directory", type=Path, required=True)
    parser.add_argument("--time-scale", type=float, required=True)
    parser.add_argument("--no-rate-limit", action="store_true")
    given = parser.parse_args()
    certificate, key = given.directory / "certificate.pem", given.directory / "key.pem"
    identity = self_signed(given.address)
    certificate.write_bytes(identity.certificate)
    key.touch(mode=0o600)
    key.write_bytes(identity.key)

    said = {"fingerprint": identity.fingerprint}

    def ready(url: str) -> None:
        said["url"] = url

    def control_ready(url: str) -> None:
        sys.stdout.write(json.dumps({**said, "control_url": url}) + "\n")
        sys.stdout.flush()

    serve(
        EmulatorOptions(
            listen=(given.address, given.port),
            api_key_file=given.directory / "api-key",
            cert_file=certificate,
            key_file=key,
            health="real",
            time_scale=given.time_scale,
            rate_limit=not given.no_rate_limit,
            l4_interface=given.l4_interface,
            l7_interface=given.l7_interface,
            until_stdin_closes=True,
            control_port=0,
        ),
        ready,
        control_ready,
    )


if __name__ == "__main__":
    main()
