"""What holds for every test."""

import os
import signal

import pytest

from tests.fakes.postgres import postgres  # noqa: F401 - a fixture
from tests.soak import LONG

ABSENT_RECORDINGS = "recordings absent"
"""Start of the one reason to skip that CI accepts: captures that do not ship with the project."""


def pytest_configure() -> None:
    """Let Ctrl-C reach the processes that tests start.

    A shell starts background jobs with SIGINT ignored, and children inherit that.
    """
    signal.signal(signal.SIGINT, signal.default_int_handler)


def _unexpected_skips(terminal: pytest.TerminalReporter) -> list[str]:
    reasons = []
    for report in terminal.stats.get("skipped", []):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        if ABSENT_RECORDINGS not in reason:
            reasons.append(f"{report.nodeid}: {reason}")
    return reasons


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Under CI as root nothing is missing, so a skipped test is a failed one."""
    terminal = session.config.pluginmanager.get_plugin("terminalreporter")
    if not isinstance(terminal, pytest.TerminalReporter):
        return  # one of several processes, which do not know of each other
    nothing_missing = os.environ.get("CI") and os.geteuid() == 0
    skips = _unexpected_skips(terminal) if nothing_missing else []
    if skips:
        terminal.write_line("skipped although CI has what they need:")
        for line in skips:
            terminal.write_line(f"  {line}")
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
    cache: pytest.Cache | None = getattr(session.config, "cache", None)  # -p no:cacheprovider
    if cache is not None:
        # What decides whether running the failed ones again can tell anything.
        cache.set("kemp/ended", {"only_failures": exitstatus == 1 and not skips})


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out, not skip, unless asked for: a real appliance, and what takes too long for CI."""
    without = [
        name
        for name, asked in (("live", os.environ.get("KEMP_LIVE_URL")), ("long", LONG))
        if not asked
    ]
    left = [item for item in items if any(item.get_closest_marker(one) for one in without)]
    if left:
        config.hook.pytest_deselected(items=left)
        items[:] = [item for item in items if item not in left]
