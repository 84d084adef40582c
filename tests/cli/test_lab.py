"""``kemp lab``: up, looked at, used, down."""

import json
from pathlib import Path

import pytest

from cli.exit_codes import ExitCode
from tests.cli.conftest import Terminal


def test_without_a_lab(kemp: Terminal) -> None:
    for argv in (("status",), ("exec", "web1", "--", "true")):
        result = kemp("lab", *argv)
        assert result.code == ExitCode.NOT_FOUND
        assert "kemp lab up" in result.err
    assert kemp("lab", "down").code == 0


def test_no_namespaces_is_said_and_has_its_code(
    kemp: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("orchestrator.lab.isolation.shutil.which", lambda *_args, **_more: None)
    result = kemp("lab", "up")
    assert result.code == ExitCode.ISOLATION
    assert "install" in result.err


@pytest.mark.kernel
def test_up_exec_down(kemp: Terminal, tmp_path: Path) -> None:
    made = kemp.process("lab", "up", "--hosts", "2")
    assert made.code == 0, made.err
    try:
        assert kemp.process("lab", "up").code == ExitCode.LOCKED
        shown = json.loads(kemp("lab", "status", "-o", "json").out)
        assert set(shown["stations"]) >= {"client", "router", "lb", "web1", "web2"}
        assert "web2" in kemp("lab", "status").out

        inside = kemp.argv("vs", "list", "-o", "json")
        listed = kemp.process("lab", "exec", "admin", "--", *inside)
        assert (listed.code, listed.out) == (0, "[]\n"), listed.err
        assert kemp.process("lab", "exec", "web1", "--", "sh", "-c", "exit 7").code == 7
        assert kemp("lab", "exec", "web9", "--", "true").code == ExitCode.NOT_FOUND
    finally:
        ended = kemp.process("lab", "down")
    assert ended.code == 0, ended.err
    assert not Path(f"/proc/{shown['pid']}").exists()
    assert kemp("lab", "status").code == ExitCode.NOT_FOUND
    left = {one.name for one in (tmp_path / "state" / "kemp").iterdir()} - {"lab.lock"}
    assert left == set()
