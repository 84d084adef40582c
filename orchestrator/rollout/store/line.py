"""Whose turn it is among the runs that wait for a worker. Pure.

Runs that share a partition, a LoadMaster and a segment, go one after another, in the order in
which they were queued; others go side by side.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class InLine:
    """A run that waits for a worker, or has one.

    Attributes:
        partitions: none where nobody noted them, as earlier versions did: it waits for none.
        waits: it has no worker yet.
        undoes: it takes another run back; servers are out until it has, so it waits for none.
    """

    run_id: str
    partitions: tuple[str, ...]
    waits: bool
    undoes: bool


def ahead(line: Iterable[InLine]) -> Mapping[str, tuple[str, ...]]:
    """Return the runs right before each one that waits; none where it is its turn.

    Args:
        line: those that have a worker, then those that wait, in the order of the queue.
    """
    last: dict[str, str] = {}
    found: dict[str, tuple[str, ...]] = {}
    for one in line:
        if one.waits:
            before = [last[name] for name in one.partitions if name in last]
            found[one.run_id] = () if one.undoes else tuple(dict.fromkeys(before))
        last |= dict.fromkeys(one.partitions, one.run_id)
    return found
