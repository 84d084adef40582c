"""The way from the YAML files to the compiled file, the stub and the pages."""

from pathlib import Path
from typing import Any

import pytest

from kempsdk.catalogue import generate
from kempsdk.catalogue.compiler import CatalogueMistake, compile_catalogue, read_areas
from kempsdk.catalogue.store import Catalogue
from kempsdk.catalogue.stub import stub

AREA = """
area: tests
title: Tests
commands:
  frob/add:
    summary: Frob something.
    mutates: true
    accepts: frob
    params:
      vs: {type: service, required: true}
      port: {type: integer, range: [3, null], required: with-vs-address}
      mode: {type: string, words: {fast: quickly, slow: ''}, note: How to frob.}
    answer: {returns: none}
attributes:
  frob:
    x-ray: {type: boolean}
    seen: {type: string, read_only: true}
parameters:
  frobs: {type: integer, note: Number of frobs.}
"""


def written(folder: Path, text: str = AREA) -> Path:
    folder.joinpath("tests.yaml").write_text(text, encoding="utf-8")
    return folder


def test_an_area_is_compiled(tmp_path: Path) -> None:
    catalogue = Catalogue(compile_catalogue(read_areas(written(tmp_path))))

    info = catalogue.find("frob.add")

    assert (info.area, info.method, info.mutates) == ("tests", "GET", True)
    assert info.params[0].required
    assert (info.params[1].low, info.params[1].high) == (3, None)
    assert info.params[1].required_with_address == "vs"
    assert set(catalogue.accepted("frob/add")) == {"vs", "port", "mode", "x-ray"}
    assert catalogue.find_parameter("FROBS") is not None


def test_the_stub_says_the_same(tmp_path: Path) -> None:
    text = stub(Catalogue(compile_catalogue(read_areas(written(tmp_path)))))

    assert "class FrobAttributes(TypedDict, total=False):" in text
    assert "    x_ray: bool\n" in text
    assert "On the wire: x-ray." in text
    assert "    def frob_add(\n" in text
    assert '        mode: Literal["fast", "slow"] | None = None,\n' in text
    assert "        **attributes: Unpack[FrobAttributes],\n" in text
    assert "mode: How to frob. One of fast (quickly), slow." in text


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("mutates: true", "mutate: true", "a command has no mutate"),
        ("type: boolean", "type: bool", "no type 'bool'"),
        ("note: Number of frobs.", "nota: Number.", "a parameter has no nota"),
        ("returns: none", "gives: none", "a answer has no gives"),
    ],
)
def test_a_mistake_is_named(tmp_path: Path, old: str, new: str, said: str) -> None:
    folder = written(tmp_path, AREA.replace(old, new))

    with pytest.raises(CatalogueMistake, match=said):
        read_areas(folder)


def test_a_command_in_two_areas_is_a_mistake(tmp_path: Path) -> None:
    areas: list[dict[str, Any]] = read_areas(written(tmp_path))

    with pytest.raises(CatalogueMistake, match="two areas"):
        compile_catalogue(areas * 2)


def test_what_is_generated_is_written_and_then_fresh(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pages = tmp_path / "docs/pages/commands"
    pages.mkdir(parents=True)
    (pages / "gone.md").write_text("old")
    stub_file = tmp_path / "kempsdk/commands.pyi"

    assert generate.main(["--check"], root=tmp_path) == 1
    assert "stale: docs/pages/commands/gone.md" in capsys.readouterr().err
    assert not stub_file.exists()
    assert generate.main([], root=tmp_path) == 0
    assert generate.main(["--check"], root=tmp_path) == 0
    assert not (pages / "gone.md").exists()
    assert (pages / "real-servers.md").exists()
    stub_file.write_text("touched")
    assert generate.main(["--check"], root=tmp_path) == 1


def test_a_project_without_docs_gets_no_pages(tmp_path: Path) -> None:
    assert {path.name for path in generate.outputs(root=tmp_path)} == {
        "catalogue.json",
        "commands.pyi",
    }
