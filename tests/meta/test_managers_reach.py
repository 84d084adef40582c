"""Every command of the catalogue is one of a manager, or said to be beyond the managers."""

import ast
import re
from itertools import product
from pathlib import Path
from typing import Final

from kempsdk.catalogue import commands
from kempsdk.limits import ClientLimitKind
from kempsdk.rule_models import Phase
from kempsdk.waf import WafFile

ROOT: Final = Path(__file__).parents[2]
PAGE: Final = ROOT / "docs" / "pages" / "resources" / "beyond.md"


def _joined(*parts: list[str]) -> set[str]:
    return {"".join(one) for one in product(*parts)}


# Commands whose names the managers put together.
BUILT: Final = (
    _joined([kind.value for kind in ClientLimitKind], ["list", "add", "del"])
    | _joined(["add", "del", "download"], [kind.value for kind in WafFile])
    | _joined(["add", "del"], [*(phase.value for phase in Phase), "rsrule"])
    | _joined(["add", "del", "read"], ["cert", "intermediate"])
    | _joined(["user"], ["list", "addlocal", "dellocal", "setperms"])
    | _joined(["group"], ["list", "addremote", "delremote", "setperms"])
)


def _texts() -> set[str]:
    """All literal texts of the managers' modules, in lower case."""
    found = set()
    for path in (ROOT / "kempsdk").glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                found.add(node.value.lower())
    return found - {"notice"}  # a level of events; the command shows a text to administrators


def _on_the_page() -> set[str]:
    rows = [line for line in PAGE.read_text("utf-8").splitlines() if line.startswith("| ")]
    return {name for row in rows[1:] for name in re.findall(r"`([^`]+)`", row.split("|")[2])}


def reached() -> set[str]:
    """All commands that some manager calls."""
    texts = _texts() | {one.lower() for one in BUILT}
    return {name for name in commands() if name.partition("?")[0].lower() in texts}


def test_every_command_is_somewhere() -> None:
    beyond = _on_the_page()
    assert beyond <= set(commands()), "the page names commands that there are not"
    assert sorted(set(commands()) - reached() - beyond) == [], "neither reached nor on the page"
    assert sorted(beyond & reached()) == [], "on the page, although a manager has it"
