"""Stands outside a private world that boots machines, and clears away what the world cannot.

``python -m orchestrator.lab.caretaker -- COMMAND...`` runs the command in a control group and
removes the group when the command has ended, however it ended: whoever is in a world of
processes that is killed cannot do that any more. SIGTERM kills the command. Needs root.
"""

import argparse
import os
import signal
import subprocess
import sys
from types import FrameType

from orchestrator.lab import mounts
from orchestrator.lab.control_group import ControlGroup


def main() -> None:
    """Entry of the process; started by :mod:`orchestrator.lab.supervisor`, not by people."""
    parser = argparse.ArgumentParser(prog="python -m orchestrator.lab.caretaker")
    parser.add_argument("--keep", type=int, action="append", default=[], help="descriptor")
    parser.add_argument("argv", nargs="+")
    options = parser.parse_args()
    mounts.unshare(mounts.NEWNS)
    mounts.make_private()
    group = ControlGroup(f"kemp-lab-{os.getpid()}")

    def settle_in() -> None:
        group.join()
        mounts.die_with_parent()

    try:
        process = subprocess.Popen(options.argv, pass_fds=options.keep, preexec_fn=settle_in)
        for descriptor in options.keep:
            os.close(descriptor)

        def end(_number: int, _frame: FrameType | None) -> None:
            process.kill()

        signal.signal(signal.SIGTERM, end)
        code = process.wait()
    finally:
        group.remove()
    sys.exit(code if code >= 0 else 128 - code)


if __name__ == "__main__":
    main()
