"""The examples on the pages about resources run as they are printed there.

All Python blocks of a page are run in order, as one script, in an empty folder. They find
``lm``, a client of a virtual LoadMaster without services. A page with the comment
``<!-- example: v1 only -->`` is not run over v2.
"""

import re
from pathlib import Path

import pytest

from kempsdk.client import LoadMaster
from kempsdk.emulator import Switches, VirtualLoadMaster
from tests.fakes.clock import FakeClock

PAGES = Path(__file__).parents[2] / "docs" / "pages" / "resources"
V1_ONLY = "<!-- example: v1 only -->"
_BLOCK = re.compile(r"```python\n(.*?)```", re.DOTALL)


def _runs() -> list[tuple[str, str]]:
    found = []
    for page in sorted(PAGES.glob("*.md")):
        apis = ["v1"] if V1_ONLY in page.read_text(encoding="utf-8") else ["v1", "v2"]
        found += [(page.name, api) for api in apis]
    return found


def test_there_are_pages() -> None:
    assert _runs()


@pytest.mark.parametrize(("page", "api"), _runs())
def test_example(page: str, api: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    blocks = _BLOCK.findall((PAGES / page).read_text(encoding="utf-8"))
    assert blocks, "a page without an example"
    monkeypatch.chdir(tmp_path)
    with VirtualLoadMaster(health="up", switches=Switches(rate_limit=False)) as box:
        lm: LoadMaster
        with box.client(api=api, clock=FakeClock()) as lm:
            names = {"lm": lm, "__name__": "example"}
            exec(compile("\n".join(blocks), page, "exec"), names)  # noqa: S102 - our own page
    assert box.calls
