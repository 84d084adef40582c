"""The page of every key of the file is what the command prints, and no key is missing there."""

import re
from pathlib import Path
from typing import Any

from cli.schema_text import schema_page
from orchestrator.inventory import json_schema

_PAGE = Path(__file__).parents[2] / "docs" / "pages" / "rollout-file.md"


def test_the_page_is_fresh() -> None:
    """Anew by: kemp config schema -o md > docs/pages/rollout-file.md."""
    assert _PAGE.read_text("utf-8") == schema_page(json_schema()) + "\n"


def test_every_key_stands_in_its_section_once() -> None:
    page = schema_page(json_schema())
    tables = re.findall(r"^\| Key .*?(?=\n\n|\Z)", page, re.DOTALL | re.MULTILINE)
    shown = [tuple(re.findall(r"^\| (\S+) \|", table, re.MULTILINE)[2:]) for table in tables]
    schema = json_schema()
    sections: list[dict[str, Any]] = [schema, *schema["$defs"].values()]
    wanted = [tuple(key.replace("_", r"\_") for key in one["properties"]) for one in sections]
    assert sorted(shown) == sorted(wanted)


def test_what_is_said_of_a_key() -> None:
    lines = schema_page(json_schema()).splitlines()
    drain = lines[lines.index("## rollout.drain") :]
    for line in (
        "| connections | whole number, at least 0 | 0 | Connections that may be left. |",
        "| window\\_s | number, more than 0, at most 604800 | 15 | Both counts must stay at the "
        "limit this long. |",
    ):
        assert line in drain
    page = "\n".join(lines)
    assert "| kind | add, drain, remove, roll, replace, rehome | must be there | " in page
    assert "| max\\_unavailable | whole number or percentage | 1 | " in page
    assert "| hooks | list: as rollout.hooks\\[\\] |  | " in page
    assert "| stations | by name: as hosts.NAME |  | " in page
