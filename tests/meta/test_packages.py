"""What an installation gets is what is here: pyproject.toml names each package and data file."""

import ast
import re
from pathlib import Path

_ROOT = Path(__file__).parents[2]
_SETTINGS = (_ROOT / "pyproject.toml").read_text(encoding="utf-8")
# Python 3.10 has no reader of TOML; these lists are Python's as well.
_SETUPTOOLS = _SETTINGS[_SETTINGS.index("[tool.setuptools]") : _SETTINGS.index("[tool.ruff]")]
_TOPS = ("kempsdk", "orchestrator", "cli")


def _named(pattern: str) -> dict[str, list[str]]:
    found = re.findall(rf"^({pattern}) = (\[.*?\]\n)", _SETUPTOOLS, re.DOTALL | re.MULTILINE)
    return {key: ast.literal_eval(value.strip()) for key, value in found}


def _files(top: str) -> set[Path]:
    return {
        one
        for one in (_ROOT / top).rglob("*")
        if one.is_file() and one.parent.name != "__pycache__"
    }


def test_every_package_is_named() -> None:
    places = {one.parent for top in _TOPS for one in _files(top) if one.suffix == ".py"}
    assert sorted(_named("packages")["packages"]) == sorted(
        ".".join(one.relative_to(_ROOT).parts) for one in places
    )


def test_every_data_file_is_named() -> None:
    globs = _named("|".join(_TOPS))
    for top in _TOPS:
        named = {one for glob in globs[top] for one in (_ROOT / top).glob(glob)}
        assert {one for one in _files(top) if one.suffix != ".py"} <= named, top
