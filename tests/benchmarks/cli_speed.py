"""How long ``kemp`` takes to start and to list, against an empty Python.

Run as a script: prints wall times and ratios, exits 1 over a limit. The best of several
runs counts, taken in turns, so that a busy machine slows both sides alike.
"""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from kempsdk import VsRef
from kempsdk.emulator import VirtualLoadMaster

ROUNDS = 15
HELP_LIMIT = 5.0
LIST_LIMIT = 15.0
SERVICES = 5


def wall_s(argv: Sequence[str], environ: Mapping[str, str]) -> float:
    """Return the seconds one command takes; it must succeed."""
    start = time.perf_counter()
    subprocess.run(
        argv, env=dict(environ), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, check=True
    )
    return time.perf_counter() - start


def main() -> int:
    """Measure, print, and return the exit code."""
    kemp = Path(sys.executable).with_name("kemp")
    if not kemp.exists():
        sys.stderr.write(f"{kemp} is missing: install the project first (make)\n")
        return 2
    with VirtualLoadMaster() as box, tempfile.TemporaryDirectory() as home:
        with box.client() as lm:
            for port in range(8001, 8001 + SERVICES):
                lm.virtual_services.create(VsRef.parse(f"tcp/10.0.0.1:{port}"))
        time.sleep(3)  # lets the calls above leave the window of the rate limit
        environ = {
            "PATH": os.environ["PATH"],
            "HOME": home,
            "KEMP_URL": box.url,
            "KEMP_API_KEY": box.api_key,
            "KEMP_TLS_PIN": box.fingerprint,
        }
        commands = {
            "python -c pass": [sys.executable, "-c", "pass"],
            "kemp --help": [str(kemp), "--help"],
            "kemp vs list": [str(kemp), "vs", "list"],
        }
        best = dict.fromkeys(commands, float("inf"))
        for _ in range(ROUNDS):
            for name, argv in commands.items():
                best[name] = min(best[name], wall_s(argv, environ))
    base = best["python -c pass"]
    say = sys.stdout.write
    say(f"{'python -c pass':<16} {base * 1000:7.1f} ms\n")
    within = True
    for name, limit in (("kemp --help", HELP_LIMIT), ("kemp vs list", LIST_LIMIT)):
        ratio = best[name] / base
        within = within and ratio <= limit
        verdict = "ok" if ratio <= limit else "TOO SLOW"
        say(f"{name:<16} {best[name] * 1000:7.1f} ms  {ratio:5.1f}x of {limit:g}x  {verdict}\n")
    return 0 if within else 1


if __name__ == "__main__":
    sys.exit(main())
