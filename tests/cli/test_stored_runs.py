"""How a command about a run ends, by how the run stands."""

from collections.abc import Collection
from typing import cast

import pytest

from cli.exit_codes import ExitCode
from cli.rollout.stored_runs import conclusion
from cli.session import Adapters, Session


@pytest.mark.parametrize(
    ("state", "outcomes", "gates", "code"),
    [
        ("finished", {"done", "unchanged"}, (), ExitCode.OK),
        ("finished", {"done", "failed"}, ("healthy-deadline",), ExitCode.PARTIAL),
        ("finished", {"done", "skipped"}, (), ExitCode.PARTIAL),
        ("paused", {"done", "failed"}, ("drain-deadline",), ExitCode.PARTIAL),
        ("paused", {"skipped", "not_attempted"}, (), ExitCode.STOPPED),
        ("paused", {"failed"}, ("action-timeout",), ExitCode.COMMAND_TIMED_OUT),
        ("abandoned", {"failed"}, ("hook-timeout",), ExitCode.PARTIAL),
        ("abandoned", {"in_progress"}, (), ExitCode.STOPPED),
    ],
)
def test_exit_code(
    state: str, outcomes: Collection[str], gates: Collection[str], code: ExitCode
) -> None:
    session = Session(environ={}, adapters=cast(Adapters, None))
    assert conclusion(session, "r1", state, outcomes=outcomes, gates=gates) is code
