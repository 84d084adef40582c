"""A failover of a lab's pair by its controls; also the process that does it for ``kemp lab``.

Run beside the control port: ``python -m orchestrator.lab.failover --control URL``. Prints one
JSON object, ``active``: the own URL of the unit that is active then.
"""

import argparse
import json
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kempsdk.emulator.controls import Controls


def fail_over(controls: "Controls", *, power: bool) -> None:
    """Let the other unit of a pair take over; returns when it has.

    Args:
        power: the active unit loses its power for it, and comes back as the waiting one.

    Raises:
        ValueError: this is no pair.
    """
    if not power:
        controls.failover()
        return
    if len(controls.description()["units"]) == 1:
        raise ValueError("failover: this is no pair")
    controls.set_power(False)
    controls.set_power(True)


def main() -> None:
    """Fail over and say who is active."""
    from kempsdk.emulator.remote_control import RemoteControl

    parser = argparse.ArgumentParser(prog="python -m orchestrator.lab.failover")
    parser.add_argument("--control", required=True, help="URL of the control port")
    parser.add_argument("--power", action="store_true")
    given = parser.parse_args()
    controls = RemoteControl(given.control)
    try:
        fail_over(controls, power=given.power)
    except ValueError as error:
        sys.exit(str(error))
    (active,) = [one["url"] for one in controls.description()["units"] if one["active"]]
    sys.stdout.write(json.dumps({"active": active}) + "\n")


if __name__ == "__main__":
    main()
