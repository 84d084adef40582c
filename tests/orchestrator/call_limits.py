"""What a rollout may ask of an appliance, checked in the virtual LoadMaster's own log."""

from collections import Counter
from collections.abc import Sequence

from kempsdk.emulator import CallRecord

MUTATING = frozenset({"addrs", "modrs", "delrs", "enablers", "disablers"})
MOST_CHANGES = 4
MOST_CALLS, WINDOW_S = 30, 3.0


def changes(calls: Sequence[CallRecord]) -> Counter[tuple[str, str]]:
    """Return how many calls changed each server of each service."""
    return Counter(
        (one.params.get("vs", ""), one.params["rs"]) for one in calls if one.command in MUTATING
    )


def busiest(calls: Sequence[CallRecord]) -> int:
    """Return how many calls came within the window at most."""
    times = [one.time_s for one in calls]
    return max(
        (
            sum(begin <= one < begin + WINDOW_S for one in times[at:])
            for at, begin in enumerate(times)
        ),
        default=0,
    )


def assert_frugal(calls: Sequence[CallRecord]) -> None:
    """Check that no server cost more than four changes in a service, nor the calls the rate."""
    assert max(changes(calls).values()) <= MOST_CHANGES, changes(calls)
    assert busiest(calls) <= MOST_CALLS
