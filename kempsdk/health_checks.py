"""The global timers of the health checks, and the adaptive check."""

import re

from kempsdk.appliance import Appliance
from kempsdk.codec import entries, flatten
from kempsdk.errors import FieldDifference, InvalidRequest, WriteNotApplied, describe
from kempsdk.fields import Number, Table, Text, compare, field, write_settings
from kempsdk.models import AdaptiveCheck, HealthCheckTimers
from kempsdk.transport.call import Tree

TIMERS = Table(
    [
        # The longest interval is what the longest timeout and most retries need.
        field("RetryInterval", "retry_interval_s", Number(low=9, high=901)),
        field("Timeout", "timeout_s", Number(low=4, high=60)),
        field("RetryCount", "retry_count", Number(low=2, high=15)),
    ]
)

# The vendor's description has names and no ranges for these: the port's is that of other
# checks, the others are what the words can mean.
ADAPTIVE = Table(
    [
        field(
            "AdaptiveURL",
            "url",
            Text(longest=126, pattern=re.compile(r"/\S*"), hint="a path that begins with /"),
        ),
        field("AdaptivePort", "port", Number(low=3, high=65530)),
        field("AdaptiveInterval", "interval_s", Number(low=1, high=86_400)),
        field("MinPercent", "min_percent", Number(low=0, high=100)),
    ]
)


def _read(tree: Tree) -> HealthCheckTimers:
    return HealthCheckTimers(**TIMERS.read(flatten(tree)))


def _read_adaptive(tree: Tree) -> AdaptiveCheck:
    # The vendor's Python SDK reads them from one group further in.
    inner = entries(tree, "Data")
    return AdaptiveCheck(**ADAPTIVE.read(flatten(inner[0] if inner else tree)))


class HealthChecks:
    """The timers that hold for every service without its own: ``lm.health_checks``."""

    def __init__(self, appliance: Appliance) -> None:
        self._appliance = appliance

    def get(self) -> HealthCheckTimers:
        """Return the timers."""
        return self._appliance.read("showhealth", {}, _read)

    def update(
        self,
        *,
        retry_interval_s: int | None = None,
        timeout_s: int | None = None,
        retry_count: int | None = None,
    ) -> HealthCheckTimers:
        """Change timers and return them as they are now. Changes the device.

        Args:
            retry_interval_s: 9 to 120; more only where the other two need it.
            timeout_s: 4 to 60.
            retry_count: 2 to 15.

        Raises:
            InvalidRequest: out of range, or an interval too short for timeout and retries;
                nothing was sent.
            OutcomeUnknown: no answer; ``get`` tells.
            WriteNotApplied: the appliance made something else of it.
        """
        given = {
            "retry_interval_s": retry_interval_s,
            "timeout_s": timeout_s,
            "retry_count": retry_count,
        }
        asked = {name: value for name, value in given.items() if value is not None}
        params = write_settings(TIMERS, asked)
        before = self.get()
        _check_interval(before, asked)
        interval = params.pop("RetryInterval", None)
        # Documented: timeout and retries in one call, the interval in a second one. They
        # can raise the interval, which the second call then sets as asked.
        if params:
            self._appliance.write("modhealth", params, target="timers")
        if interval is not None:
            self._appliance.write("modhealth", {"RetryInterval": interval}, target="timers")
        now = self.get()
        if differences := compare(TIMERS, asked, now):
            raise _not_applied("modhealth", differences)
        return now

    def adaptive(self) -> AdaptiveCheck:
        """Return how servers are asked for their load, for the adaptive schedule."""
        return self._appliance.read("showadaptive", {}, _read_adaptive)

    def update_adaptive(
        self,
        *,
        url: str | None = None,
        port: int | None = None,
        interval_s: int | None = None,
        min_percent: int | None = None,
    ) -> AdaptiveCheck:
        """Change the adaptive check and return it as it is now. Changes the device.

        Args:
            url: path, at most 126 characters.
            port: 3 to 65530.
            interval_s: 1 to 86,400.
            min_percent: 0 to 100.

        Raises:
            InvalidRequest: out of range; nothing was sent.
            OutcomeUnknown: no answer; ``adaptive`` tells.
            WriteNotApplied: the appliance made something else of it.
        """
        given = {
            "url": url,
            "port": port,
            "interval_s": interval_s,
            "min_percent": min_percent,
        }
        asked = {name: value for name, value in given.items() if value is not None}
        params = write_settings(ADAPTIVE, asked)
        if params:
            self._appliance.write("modadaptive", params, target="adaptive check")
        now = self.adaptive()
        if differences := compare(ADAPTIVE, asked, now):
            raise _not_applied("modadaptive", differences)
        return now


def _check_interval(before: HealthCheckTimers, asked: dict[str, int]) -> None:
    interval_s = asked.get("retry_interval_s")
    if interval_s is None:
        return
    timeout_s = asked.get("timeout_s", before.timeout_s)
    retries = asked.get("retry_count", before.retry_count)
    least_s = retries * timeout_s + 1
    if not least_s <= interval_s <= max(120, least_s):
        allowed = f"{max(9, least_s)} to {max(120, least_s)}"
        raise InvalidRequest(
            f"retry_interval_s: {interval_s} will not do with {retries} retries of "
            f"{timeout_s} s: {allowed}",
            field="retry_interval_s",
            value=interval_s,
            allowed=allowed,
        )


def _not_applied(command: str, differences: tuple[FieldDifference, ...]) -> WriteNotApplied:
    return WriteNotApplied(
        f"{command}: the appliance did something else: {describe(differences)}",
        differences=differences,
        command=command,
    )
