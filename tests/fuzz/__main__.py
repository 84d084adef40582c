"""The long form: ``python -m tests.fuzz [--inputs N] [--minutes M] [--first NUMBER]``.

Reads damaged answers by their numbers, in as many processes as there are processors. Every
failure is printed with its number; ``--first NUMBER --inputs 1`` makes it again.
"""

import argparse
import multiprocessing
import os
import random
import resource
import sys
import time
import traceback
from collections import Counter

from tests.fuzz.answers import damaged, sound_answers
from tests.fuzz.checks import check

INPUTS = 200_000
MINUTES = 10.0
MOST_MIB = 300.0
_BLOCK = 500
_SHOWN = 5


def _block(work: tuple[int, int, float]) -> tuple[Counter[str], list[str], float]:
    first, count, until_s = work
    outcomes: Counter[str] = Counter()
    failures: list[str] = []
    for number in range(first, first + count):
        if time.time() > until_s:
            break
        try:
            outcomes[check(damaged(number))] += 1
        except Exception:  # noqa: BLE001 - whatever it is, it is what is looked for
            failures.append(f"input {number}:\n{traceback.format_exc(limit=-6)}")
    return outcomes, failures, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> int:
    """Print what came out; return 1 on a failure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--inputs", type=int, default=INPUTS)
    parser.add_argument("--minutes", type=float, default=MINUTES)
    parser.add_argument("--first", type=int, default=random.SystemRandom().randrange(2**40))
    given = parser.parse_args()
    say = sys.stdout.write
    say(f"{given.inputs:,} inputs from number {given.first}\n")
    start_s = time.time()
    until_s = start_s + 60 * given.minutes
    last = given.first + given.inputs
    blocks = [
        (first, min(_BLOCK, last - first), until_s) for first in range(given.first, last, _BLOCK)
    ]
    outcomes: Counter[str] = Counter()
    failures: list[str] = []
    peak_mib = 0.0
    sound_answers()  # made once; the processes below inherit it
    with multiprocessing.get_context("fork").Pool(os.cpu_count()) as pool:
        for counted, failed, mib in pool.imap_unordered(_block, blocks):
            outcomes += counted
            failures += failed
            peak_mib = max(peak_mib, mib)
    done = outcomes.total() + len(failures)
    taken_s = time.time() - start_s
    say(f"{done:,} inputs in {taken_s:.0f} s: {dict(outcomes)}, {len(failures)} failures\n")
    say(f"peak memory of a process: {peak_mib:.0f} of at most {MOST_MIB:.0f} MiB\n")
    if done < given.inputs:
        say(f"stopped after {given.minutes:g} minutes\n")
    for one in failures[:_SHOWN]:
        say(f"\n{one}")
    return int(bool(failures) or peak_mib > MOST_MIB)


if __name__ == "__main__":
    sys.exit(main())
