"""Name what failed in the last run of pytest, and say by the exit code whether it was little."""

import json
import sys
from pathlib import Path

CACHE = Path(__file__).parents[1] / ".pytest_cache" / "v" / "cache" / "lastfailed"

AT_MOST = 5
"""More than these is no accident of the clock, so running them alone would prove nothing."""


def main() -> int:
    """Print them, one a line; 1 when there are none or too many."""
    try:
        failed = sorted(json.loads(CACHE.read_text()))
    except FileNotFoundError:
        failed = []
    sys.stdout.write("\n".join([f"failed in the last run: {len(failed)}", *failed]) + "\n")
    return not 0 < len(failed) <= AT_MOST


if __name__ == "__main__":
    sys.exit(main())
