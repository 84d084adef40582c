"""The pages of the documentation: all in the navigation, all links lead somewhere."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

DOCS: Final = Path(__file__).parents[2] / "docs"
PAGES: Final = DOCS / "pages"
ALL: Final = sorted(path.relative_to(PAGES).as_posix() for path in PAGES.rglob("*.md"))
_LINK: Final = re.compile(r"\]\(([^)\s]+)\)")
_CODE: Final = re.compile(r"```.*?```|`[^`\n]*`", re.DOTALL)


def _entries(nav: Any) -> Iterator[str]:
    if isinstance(nav, str):
        yield nav
    else:
        for one in nav.values() if isinstance(nav, dict) else nav:
            yield from _entries(one)


def _anchors(page: Path) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", page.read_text("utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\s-]", "", one).strip().lower().replace(" ", "-") for one in headings}


def test_every_page_is_in_the_navigation_once() -> None:
    nav = yaml.safe_load((DOCS / "mkdocs.yml").read_text("utf-8"))["nav"]
    listed = list(_entries(nav))
    assert sorted(set(ALL) - set(listed)) == [], "pages that are not in the nav of docs/mkdocs.yml"
    assert sorted(listed) == ALL, "the nav of docs/mkdocs.yml names pages twice, or none"


@pytest.mark.parametrize("name", ALL)
def test_links_of_a_page_lead_somewhere(name: str) -> None:
    page = PAGES / name
    for link in _LINK.findall(_CODE.sub("", page.read_text("utf-8"))):
        if re.match(r"[a-z]+:", link):
            continue
        target, _, anchor = link.partition("#")
        there = (page.parent / target).resolve() if target else page
        assert there.is_file(), f"{name}: {link}"
        if anchor and there.suffix == ".md":
            assert anchor in _anchors(there), f"{name}: {link}"


@pytest.mark.parametrize("name", ALL)
def test_a_page_begins_with_its_title(name: str) -> None:
    lines = [
        line
        for line in (PAGES / name).read_text("utf-8").splitlines()
        if line and not line.startswith("<!--")
    ]
    assert re.fullmatch(r"# \S.*", lines[0])
    assert sum(line.startswith("# ") for line in _CODE.sub("", "\n".join(lines)).splitlines()) == 1
