"""The examples on the pages about the SDK and its resources run as they are printed there.

All Python blocks of a page are run in order, as one script, in an empty folder. They find
``lm``, a client of a virtual LoadMaster without services, and what another client needs:
``url``, ``key``, ``user``, ``password``, ``fingerprint``. A page with the comment
``<!-- example: v1 only -->`` is not run over v2.
"""

import re
from functools import cached_property
from pathlib import Path

import pytest

from kempsdk.client import LoadMaster
from kempsdk.emulator import Switches, VirtualLoadMaster
from kempsdk.managers import Managers
from tests.fakes.clock import FakeClock

PAGES = Path(__file__).parents[2] / "docs" / "pages"
FOLDERS = ("sdk", "resources")
TABLES_ONLY = ("resources/index.md", "sdk/coming-from.md")
V1_ONLY = "<!-- example: v1 only -->"
_BLOCK = re.compile(r"```python\n(.*?)```", re.DOTALL)


def _runs() -> list[tuple[str, str]]:
    found = []
    for page in sorted(one for folder in FOLDERS for one in (PAGES / folder).glob("*.md")):
        name = page.relative_to(PAGES).as_posix()
        apis = ["v1"] if V1_ONLY in page.read_text(encoding="utf-8") else ["v1", "v2"]
        found += [(name, api) for api in apis if name not in TABLES_ONLY]
    return found


def _blocks(page: str) -> list[str]:
    return _BLOCK.findall((PAGES / page).read_text(encoding="utf-8"))


def test_every_manager_has_an_example_and_is_in_the_index() -> None:
    managers = [
        name
        for name, value in vars(Managers).items()
        if isinstance(value, cached_property) and not name.startswith("_")
    ] + ["virtual_services", "sub_virtual_services", "real_servers"]
    assert len(managers) > 40
    examples = "\n".join(block for page, _ in _runs() for block in _blocks(page))
    index = (PAGES / "resources" / "index.md").read_text(encoding="utf-8")
    assert [name for name in managers if not re.search(rf"lm\.{name}\.", examples)] == []
    assert [name for name in managers if f"`{name}`" not in index] == []


@pytest.mark.parametrize(("page", "api"), _runs())
def test_example(page: str, api: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    blocks = _blocks(page)
    assert blocks, "a page without an example"
    monkeypatch.chdir(tmp_path)
    with VirtualLoadMaster(health="up", switches=Switches(rate_limit=False)) as box:
        lm: LoadMaster
        with box.client(api=api, clock=FakeClock()) as lm:
            names = {
                "lm": lm,
                "url": box.url,
                "key": box.api_key,
                "user": box.user,
                "password": box.password,
                "fingerprint": box.fingerprint,
                "__name__": "example",
            }
            exec(compile("\n".join(blocks), page, "exec"), names)  # noqa: S102 - our own page
    assert box.calls
