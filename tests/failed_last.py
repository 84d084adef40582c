"""Name what failed in the last run of pytest, and say whether running that again tells anything."""

import json
import sys
from pathlib import Path
from typing import Any

CACHE = Path(__file__).parents[1] / ".pytest_cache" / "v"

AT_MOST = 5
"""More than these is no accident of the clock, so running them alone would prove nothing."""


def _kept(name: str) -> Any:
    try:
        return json.loads((CACHE / name).read_text())
    except FileNotFoundError:
        return {}


def main() -> int:
    """Print them, one a line; 1 unless few tests failed and nothing else was wrong.

    A run that was broken off, or that skipped what it should have run, is not made good by
    the tests that failed in it.
    """
    failed = sorted(_kept("cache/lastfailed"))
    only_failures = _kept("kemp/ended").get("only_failures", False)
    more = "" if only_failures else "; and that was not all that was wrong"
    sys.stdout.write("\n".join([f"failed in the last run: {len(failed)}{more}", *failed]) + "\n")
    return not (only_failures and 0 < len(failed) <= AT_MOST)


if __name__ == "__main__":
    sys.exit(main())
