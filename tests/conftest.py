"""What holds for every test."""

import os
import signal

import pytest

from tests.fakes.postgres import postgres  # noqa: F401 - a fixture

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
    if not os.environ.get("CI") or os.geteuid() != 0:
        return
    terminal = session.config.pluginmanager.get_plugin("terminalreporter")
    if isinstance(terminal, pytest.TerminalReporter) and (skips := _unexpected_skips(terminal)):
        terminal.write_line("skipped although CI has what they need:")
        for line in skips:
            terminal.write_line(f"  {line}")
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Tests against a real appliance are left out, not skipped, unless asked for."""
    if os.environ.get("KEMP_LIVE_URL"):
        return
    live = [item for item in items if item.get_closest_marker("live")]
    if live:
        config.hook.pytest_deselected(items=live)
        items[:] = [item for item in items if item not in live]
