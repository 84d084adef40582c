"""A fixed share of one processor for a process, as if it were on a machine of its own."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_PLACE = Path("/sys/fs/cgroup")
_PERIOD_US = 20_000


def _limit(group: Path, share: float) -> None:
    quota_us = round(share * _PERIOD_US)
    if (group / "cpu.max").exists():
        (group / "cpu.max").write_text(f"{quota_us} {_PERIOD_US}")
    else:
        (group / "cpu.cfs_period_us").write_text(str(_PERIOD_US))
        (group / "cpu.cfs_quota_us").write_text(str(quota_us))


@contextmanager
def processor_share(name: str, share: float) -> Iterator[Path]:
    """Yield a control group (version 1 or 2) whose processes get this much of one processor.

    Args:
        share: above 0; 0.4 is 40 % of one processor.

    Raises:
        OSError: no right to make one; root has it.
    """
    first = _PLACE / "cpu"
    if not first.is_dir():
        first = _PLACE
        (first / "cgroup.subtree_control").write_text("+cpu")
    group = first / f"kemp-{os.getpid()}-{name}"
    group.mkdir()
    try:
        _limit(group, share)
        yield group
    finally:
        group.rmdir()


def put_into(group: Path, process_id: int) -> None:
    """Move a process there; what it starts from now on goes with it."""
    (group / "cgroup.procs").write_text(str(process_id))
