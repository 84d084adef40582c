"""The examples of the README run as they are printed there."""

import re
from pathlib import Path

import pytest

from kempsdk.emulator import VirtualLoadMaster
from kempsdk.emulator.switches import Switches

README = Path(__file__).parents[2] / "README.md"
BLOCKS = re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)


def test_the_first_screen_has_exactly_two_commands() -> None:
    first_screen = README.read_text(encoding="utf-8").partition("\n## ")[0].splitlines()
    assert [line.split("#")[0].strip() for line in first_screen if line.startswith("    ")] == [
        "make demo",
        "make test",
    ]


def test_the_script(capsys: pytest.CaptureFixture[str]) -> None:
    [script] = [block for block in BLOCKS if "ApiKey(key)" in block]
    with VirtualLoadMaster(health="up", switches=Switches(rate_limit=False)) as box:
        exec(  # noqa: S102 - our own page, run as a reader would
            script.replace('"https://10.0.0.10"', "url"),
            {"key": box.api_key, "fingerprint": box.fingerprint, "url": box.url},
        )
    assert capsys.readouterr().out.splitlines() == [
        "10.0.1.11:80 Up 1000",
        "10.0.1.12:80 Up 1000",
    ]


def test_the_test_without_hardware() -> None:
    [example] = [block for block in BLOCKS if "def test_my_script" in block]
    names: dict[str, object] = {}
    exec(example, names)  # noqa: S102 - as above
    test = names["test_my_script"]
    assert callable(test)
    test()


def test_every_page_that_it_names_is_there() -> None:
    links = re.findall(r"\]\((docs/[^)#]+)\)", README.read_text(encoding="utf-8"))
    assert links
    assert [link for link in links if not (README.parent / link).exists()] == []
