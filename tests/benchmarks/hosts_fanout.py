"""How long many hosts take side by side, against the slowest of them, over SSH and simulated.

Run as a script (as root, for the real hosts): prints each host's time and round trips, and
exits 1 where a host took more than 4 round trips for a whole apply, or all of them more than
1.3 times the slowest one and the floor. The floor is what the fan-out itself costs here and
now: the same hosts, as many at a time, each with as many round trips that do nothing, measured
right after. Of the simulated hosts the best of several runs counts, since a busy machine slows
the planning and not the waiting.
"""

import os
import shutil
import sys
import tempfile
from pathlib import Path

from orchestrator.errors import IsolationUnavailable
from orchestrator.fleet import DEFAULT_WIDTH
from tests.orchestrator import fan_out

ROUNDS = 3
SIMULATED = 200
REAL = 20


def report(title: str, found: fan_out.Measured) -> bool:
    """Print what was measured, and return whether it is within the limits."""
    say = sys.stdout.write
    say(f"{title}, {DEFAULT_WIDTH} at a time\n")
    for name, seconds in found.seconds.items():
        say(
            f"  {name:<8} {seconds * 1000:7.0f} ms  {found.round_trips[name]} round trips  "
            f"{found.applied[name].outcome.value}\n"
        )
    slow = found.wall_s > found.limit_s
    most = max(found.round_trips.values())
    say(
        f"  {len(found.seconds)} hosts, {len(found.cutting)} of them with a change that could cut "
        f"us off\n"
        f"  reading all facts once     {found.facts_s:7.2f} s\n"
        f"  slowest host               {found.slowest_s:7.2f} s\n"
        f"  floor of the fan-out       {found.floor_s:7.2f} s\n"
        f"  plan, apply and verify all {found.wall_s:7.2f} s of {found.limit_s:.2f} s  "
        f"{'TOO SLOW' if slow else 'ok'}\n"
        f"  round trips                {most:>7} of {fan_out.MOST_ROUND_TRIPS}  "
        f"{'ok' if most <= fan_out.MOST_ROUND_TRIPS else 'TOO MANY'}\n"
        f"  all changed, and right     {'ok' if found.whole else 'NO':>7}\n"
    )
    return found.whole and not slow


def main() -> int:
    """Measure, print, and return the exit code."""
    rounds = [fan_out.simulated(SIMULATED) for _ in range(ROUNDS)]
    best = min(rounds, key=lambda one: one.wall_s / one.limit_s)
    within = report("simulated hosts", best) and all(one.whole for one in rounds)
    if os.geteuid() != 0 or shutil.which("ssh") is None:
        sys.stderr.write("the hosts over ssh are left out: they need root and OpenSSH\n")
        return 2
    with tempfile.TemporaryDirectory(prefix="kemp-bench-") as folder:
        try:
            found = fan_out.over_ssh(REAL, Path(folder))
        except IsolationUnavailable as error:
            sys.stderr.write(f"the hosts over ssh are left out: {error}\n")
            return 2
    return 0 if report("hosts over ssh", found) and within else 1


if __name__ == "__main__":
    sys.exit(main())
