"""How long the catalogue takes to load, against the bare JSON parse and an empty Python.

Run ``python -m tests.benchmarks.catalogue_load``; exit code 1 when it is over the limits.
"""

import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable

from kempsdk.catalogue.store import COMPILED, catalogue

ROUNDS = 21
MOST_TIMES_THE_PARSE = 3.0
MOST_TIMES_EMPTY_PYTHON = 3.0


def median_s(run: Callable[[], object]) -> float:
    """Return the median time of a number of runs, in seconds."""
    times = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        run()
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def python_s(code: str) -> float:
    """Return how long a fresh Python takes for some code."""
    return median_s(lambda: subprocess.run([sys.executable, "-c", code], check=True))


def load() -> object:
    """Load the catalogue from nothing and ask one question."""
    catalogue.cache_clear()
    return catalogue().find("modrs")


def main() -> int:
    """Print the ratios; return the exit code."""
    content = COMPILED.read_bytes()
    parse = median_s(lambda: json.loads(content))
    loaded = median_s(load)
    empty = python_s("pass")
    first = python_s("from kempsdk.catalogue import command; command('modrs')")
    lines = [
        f"compiled file              {len(content) / 1024:8.0f} KiB",
        f"json.loads of it           {parse * 1000:8.2f} ms",
        f"load and first command     {loaded * 1000:8.2f} ms  {loaded / parse:5.2f} x the parse",
        f"python -c pass             {empty * 1000:8.2f} ms",
        f"python, import and ask     {first * 1000:8.2f} ms  {first / empty:5.2f} x empty Python",
    ]
    sys.stdout.write("\n".join(lines) + "\n")
    over = loaded / parse > MOST_TIMES_THE_PARSE or first / empty > MOST_TIMES_EMPTY_PYTHON
    return 1 if over else 0


if __name__ == "__main__":
    sys.exit(main())
