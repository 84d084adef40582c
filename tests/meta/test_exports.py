"""What kempsdk offers is what it says, and can be imported."""

import ast
from pathlib import Path

import kempsdk

_SOURCE = ast.parse(Path(kempsdk.__file__).read_text(encoding="utf-8"))


def _typed_names() -> set[str]:
    """Return the names that type checkers see: those imported under TYPE_CHECKING."""
    names: set[str] = set()
    for statement in _SOURCE.body:
        if isinstance(statement, ast.If) and ast.unparse(statement.test) == "TYPE_CHECKING":
            for one in statement.body:
                assert isinstance(one, ast.ImportFrom)
                names |= {alias.name for alias in one.names}
    return names


def test_all_is_sorted_and_complete() -> None:
    assert list(kempsdk.__all__) == sorted(set(kempsdk.__all__))
    assert set(kempsdk.__all__) == _typed_names()


def test_every_name_can_be_imported_and_comes_from_where_checkers_think() -> None:
    for statement in ast.walk(_SOURCE):
        if not isinstance(statement, ast.ImportFrom) or not (statement.module or "").startswith(
            "kempsdk."
        ):
            continue
        for alias in statement.names:
            module = __import__(str(statement.module), fromlist=[alias.name])
            assert getattr(kempsdk, alias.name) is getattr(module, alias.name)
    assert set(kempsdk.__all__) <= set(dir(kempsdk))


def test_other_names_are_not_there() -> None:
    assert not hasattr(kempsdk, "nosuchname")
