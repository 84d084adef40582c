"""The process of a lab's virtual LoadMaster; started by :mod:`orchestrator.lab.loadmaster`.

Prints one JSON object with ``url``, ``fingerprint`` and ``control_url`` when it answers.
"""

import argparse
import json
import sys
from pathlib import Path

from kempsdk.emulator.certificate import self_signed
from kempsdk.emulator.l4 import PacketDirector
from kempsdk.emulator.l7 import Proxy
from kempsdk.emulator.process import EmulatorOptions, serve
from kempsdk.emulator.shared_address import UnitPlace
from orchestrator.network_namespace import NetworkNamespace

TAKEOVER_S = 1.0
"""In which no unit is active: on an appliance it is seconds, too."""


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
    parser.add_argument("--unit", action="append", default=[], help="of a pair: ADDRESS=NAMESPACE")
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
            l4_interface=None if given.unit else given.l4_interface,
            l7_interface=None if given.unit else given.l7_interface,
            places=tuple(_place(unit, given) for unit in given.unit),
            takeover_s=TAKEOVER_S,
            until_stdin_closes=True,
            control_port=0,
        ),
        ready,
        control_ready,
    )


def _place(unit: str, given: argparse.Namespace) -> UnitPlace:
    address, _, namespace = unit.partition("=")
    l4, l7 = given.l4_interface, given.l7_interface
    return UnitPlace(
        address=address,
        interface=l4 or l7,
        within=NetworkNamespace(namespace).entered,
        data_path=PacketDirector(l4) if l4 else None,
        l7=Proxy(l7) if l7 else None,
    )


if __name__ == "__main__":
    main()
