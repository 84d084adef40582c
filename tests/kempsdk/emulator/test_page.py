"""The page about the virtual LoadMaster says what is so."""

import re
from pathlib import Path

import pytest

from kempsdk.emulator.control_port import ROUTES
from kempsdk.emulator.faults import FaultKind

PAGE = Path(__file__).parents[3] / "docs" / "pages" / "virtual-loadmaster.md"
TEXT = PAGE.read_text(encoding="utf-8")


@pytest.mark.parametrize("block", re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL))
def test_examples_run(block: str, capsys: pytest.CaptureFixture[str]) -> None:
    exec(compile(block, PAGE.name, "exec"), {"__name__": "example"})  # noqa: S102 - our own page
    printed = capsys.readouterr().out.splitlines()
    promised = re.findall(r"print\(.*\)  # (.+)", block)
    assert printed
    assert not promised or printed == promised


def test_every_fault_and_every_path_of_the_control_port_is_there() -> None:
    for kind in FaultKind:
        assert f"| `{kind.value}` |" in TEXT
    for path, verbs in ROUTES.items():
        for verb in verbs:
            assert f"| `{verb} /{path}`" in TEXT
