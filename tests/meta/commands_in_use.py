"""Which commands the resource managers send, read from their source.

A word of the catalogue that stands in a module which talks to the appliance counts as sent,
and so does one that an f-string there can make of words in that module, in those that it
imports and in those that import it. So nothing has to run, and nothing is left out since
no test comes along there.
"""

import ast
import re
from functools import cache
from pathlib import Path
from typing import Final

from kempsdk.catalogue import commands

PACKAGE: Final = Path(__file__).parents[2] / "kempsdk"
_SENDERS: Final = frozenset({"read", "read_reply", "download", "write"})


def commands_in_use() -> dict[str, str]:
    """Return the catalogue's names of the commands, and a module that sends each."""
    words = frozenset(info.wire_name for info in commands().values())
    selectors = frozenset(name.partition("?")[2] for name in commands())
    found: dict[str, str] = {}
    for path in filter(_sends, sorted(PACKAGE.glob("*.py"))):
        sent, selected = _texts(path, words), _texts(path, selectors)
        for name, info in commands().items():
            # aclcontrol?list is used where there is an argument ``list`` too.
            selector = name.partition("?")[2]
            if info.wire_name in sent and (not selector or selector in selected):
                found.setdefault(name, path.name)
    return found


@cache
def _tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text("utf-8"))


def _sends(path: Path) -> bool:
    return path.name == "appliance.py" or any(
        isinstance(node, ast.Attribute)
        and node.attr in _SENDERS
        and isinstance(node.value, ast.Attribute)
        and node.value.attr == "_appliance"
        for node in ast.walk(_tree(path))
    )


@cache
def _constants(path: Path) -> set[str]:
    return {
        node.value
        for node in ast.walk(_tree(path))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }


@cache
def _imports(path: Path) -> set[Path]:
    named = {
        node.module.removeprefix("kempsdk.")
        for node in ast.walk(_tree(path))
        if isinstance(node, ast.ImportFrom) and node.module
    }
    return {one for name in named if (one := PACKAGE / f"{name}.py").exists()}


def _texts(path: Path, wanted: frozenset[str]) -> set[str]:
    """Return the texts in a module, and what its f-strings can make of those wanted."""
    near = {*_imports(path), *(one for one in PACKAGE.glob("*.py") if path in _imports(one))}
    words = set().union(*(_constants(place) for place in (path, *near)))
    made = {
        word
        for node in ast.walk(_tree(path))
        if isinstance(node, ast.JoinedStr)
        for word in wanted
        if (match := _pattern(node).fullmatch(word)) and words.issuperset(match.groups())
    }
    return _constants(path) | made


def _pattern(text: ast.JoinedStr) -> re.Pattern[str]:
    return re.compile(
        "".join(
            re.escape(str(part.value)) if isinstance(part, ast.Constant) else "(.+)"
            for part in text.values
        )
    )
