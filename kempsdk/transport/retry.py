"""The one retry policy."""

from collections.abc import Callable
from typing import Final, TypeVar

from kempsdk.clock import Clock
from kempsdk.errors import KempError, RateLimited

T = TypeVar("T")

ATTEMPTS: Final = 4
_FIRST_WAIT_S: Final = 0.2
_FIRST_WAIT_LIMITED_S: Final = 0.6
"""Doubled each time: 0.6 + 1.2 + 2.4 s outlast the appliance's window of 3 s."""


class FailedAttempt(Exception):
    """An attempt that failed, and whether it may be made again. Stays inside transport."""

    def __init__(self, error: KempError, repeatable: bool) -> None:
        super().__init__()
        self.error = error
        self.repeatable = repeatable


def with_retries(attempt: Callable[[], T], *, clock: Clock, deadline_s: float) -> T:
    """Make an attempt, and again as long as it fails in a way that allows it.

    Args:
        attempt: raises FailedAttempt.
        clock: what waits.
        deadline_s: no attempt starts later than this after the first one.

    Raises:
        KempError: that of the last attempt.
    """
    started_s = clock.monotonic_s()
    try:
        return attempt()
    except FailedAttempt as failed:
        if not failed.repeatable:
            raise failed.error from None
        first = failed
    # Most runs never get here; the import takes longer than a call.
    import tenacity

    pending = [first]

    def again() -> T:
        if pending:
            raise pending.pop()
        return attempt()

    def wait_s(state: tenacity.RetryCallState) -> float:
        error = state.outcome.exception() if state.outcome else None
        limited = isinstance(error, FailedAttempt) and isinstance(error.error, RateLimited)
        base = _FIRST_WAIT_LIMITED_S if limited else _FIRST_WAIT_S
        return float(base * 2 ** (state.attempt_number - 1))

    class Stop(tenacity.stop.stop_base):
        # tenacity's own deadline looks at the machine's clock.
        def __call__(self, state: tenacity.RetryCallState) -> bool:
            late_s = clock.monotonic_s() - started_s + wait_s(state)
            return state.attempt_number >= ATTEMPTS or late_s >= deadline_s

    retrying = tenacity.Retrying(
        retry=tenacity.retry_if_exception(
            lambda error: isinstance(error, FailedAttempt) and error.repeatable
        ),
        stop=Stop(),
        wait=wait_s,
        sleep=clock.sleep,
        reraise=True,
    )
    try:
        return retrying(again)
    except FailedAttempt as failed:
        raise failed.error from None
