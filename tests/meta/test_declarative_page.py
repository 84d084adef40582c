"""The page about wanted states: its Python runs, its file is applied, over both interfaces."""

import re
from pathlib import Path

import pytest
import yaml

from kempsdk.configuration import apply
from kempsdk.configuration_export import PARTS
from kempsdk.desired_state import Changed, Unchanged
from kempsdk.emulator import Switches, VirtualLoadMaster
from tests.fakes.clock import FakeClock

_PAGE = Path(__file__).parents[2] / "docs" / "pages" / "declarative.md"
_BLOCK = re.compile(r"```(\w+)\n(.*?)```", re.DOTALL)


def blocks(language: str) -> list[str]:
    found = [text for name, text in _BLOCK.findall(_PAGE.read_text("utf-8")) if name == language]
    assert found
    return found


@pytest.mark.parametrize("api", ["v1", "v2"])
def test_the_python_on_the_page(api: str) -> None:
    with (
        VirtualLoadMaster(health="up", switches=Switches(rate_limit=False)) as box,
        box.client(api=api, clock=FakeClock()) as lm,
    ):
        exec(compile("\n".join(blocks("python")), _PAGE.name, "exec"), {"lm": lm})  # noqa: S102 - our own page
    assert box.calls


@pytest.mark.parametrize("api", ["v1", "v2"])
def test_the_file_on_the_page(api: str, tmp_path: Path) -> None:
    (text,) = blocks("yaml")
    secret = tmp_path / "ann"
    secret.write_text("not-a-real-one\n")
    wanted = yaml.safe_load(text.replace("/run/secrets/ann", str(secret)))
    assert set(wanted) == {"version", "defaults", *PARTS}
    with (
        VirtualLoadMaster(health="up", switches=Switches(rate_limit=False)) as box,
        box.client(api=api, clock=FakeClock()) as lm,
    ):
        assert isinstance(apply(lm, wanted), Changed)
        assert apply(lm, wanted) == Unchanged()
        assert lm.virtual_services.find("blue").real_servers[0].port == 80
