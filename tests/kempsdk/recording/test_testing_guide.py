"""The examples of the testing guide run as they stand there."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

from kempsdk.recording.document import read_text

ROOT: Final = Path(__file__).parents[3]
GUIDE: Final = (ROOT / "docs" / "pages" / "testing.md").read_text("utf-8")
BLOCKS: Final = re.findall(r"```(\w+)(?: title=\"(\S+)\")?\n(.*?)```", GUIDE, re.DOTALL)
SCRIPTS: Final = [text for kind, title, text in BLOCKS if kind == "python" and not title]


@pytest.mark.parametrize("script", SCRIPTS, ids=range(len(SCRIPTS)))
def test_script(script: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "fixtures").symlink_to(ROOT / "fixtures")
    monkeypatch.chdir(tmp_path)
    exec(compile(script, "testing.md", "exec"), {})  # noqa: S102 - the example itself


def test_the_guide_has_its_examples() -> None:
    assert len(SCRIPTS) == 5


def test_the_file_in_the_guide_is_a_conversation() -> None:
    (text,) = (text for kind, _, text in BLOCKS if kind == "yaml")
    assert read_text(text, Path("testing.md")).exchanges[0].request.command == "showhealth"


def _pytest(place: Path, *more: str) -> subprocess.CompletedProcess[str]:
    (place / "pytest.ini").write_text(
        f"[pytest]\nfilterwarnings = error\nkemp_recordings = {ROOT / 'fixtures'}\n"
    )
    # Only this plugin, and by its module: it works before the package is installed anew.
    plugins = ["-p", "kempsdk.pytest_plugin", "-p", "no:cacheprovider", "--strict-markers"]
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-q", *plugins, *more],
        cwd=place,
        env={"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def test_the_pytest_example(tmp_path: Path) -> None:
    (example,) = ((title, text) for _, title, text in BLOCKS if title)
    (tmp_path / example[0]).write_text(example[1])
    done = _pytest(tmp_path)
    assert "3 passed" in done.stdout, done.stdout + done.stderr


def test_a_test_that_does_not_ask_for_everything_fails(tmp_path: Path) -> None:
    (tmp_path / "test_idle.py").write_text(
        "def test_idle(recorded_loadmaster):\n    recorded_loadmaster('listvs/two-services-v1')\n"
    )
    done = _pytest(tmp_path)
    assert done.returncode == 1
    assert "never asked for" in done.stdout


def test_the_plugin_describes_itself(tmp_path: Path) -> None:
    done = _pytest(tmp_path, "--markers")
    assert "virtual_loadmaster(**options)" in done.stdout
