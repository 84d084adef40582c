"""The tables for those who come from another tool: what they name here is there."""

import re
from pathlib import Path
from typing import Final

import click
import pytest

import kempsdk
from cli.main import kemp
from kempsdk.configuration_export import PARTS
from kempsdk.configuration_file import RULE_WORDS
from kempsdk.settings import VsSettings
from tests.kempsdk.test_virtual_services import scripted

PAGE: Final = Path(__file__).parents[2] / "docs" / "pages" / "sdk" / "coming-from.md"
SECTIONS: Final = PAGE.read_text("utf-8").split("\n## ")[1:]


def _rows(text: str) -> list[list[str]]:
    tables = [line for line in text.splitlines() if line.startswith("|")]
    cells = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in tables]
    return [row for row in cells if not row[0].startswith("-") and "`" in "".join(row)]


def _names(*cells: str) -> list[str]:
    return [name for cell in cells for name in re.findall(r"`([^`]+)`", cell)]


SDK, POWERSHELL, TERRAFORM = SECTIONS
RESOURCES, ARGUMENTS = TERRAFORM.split("| argument of a service |")
HERE: Final = sorted(
    {
        *_names(*(row[1] for row in _rows(SDK))),
        *_names(*(row[1] for row in _rows(POWERSHELL))),
        *_names(*(row[2] for row in _rows(RESOURCES))),
    }
)
TERMINAL: Final = sorted(
    name for row in _rows(POWERSHELL) for name in _names(row[2] if len(row) > 2 else "")
)


def test_there_are_tables() -> None:
    assert len(_rows(SDK)) > 50
    assert len(_rows(POWERSHELL)) > 40
    assert len(_rows(RESOURCES)) > 15


@pytest.mark.parametrize("name", HERE)
def test_a_name_of_the_sdk(name: str) -> None:
    if name.startswith("lm."):
        found: object = scripted()[0]
        for part in name.split(".")[1:]:
            found = getattr(found, part)
        assert callable(found) or name == "lm.commands"
    else:
        assert name in kempsdk.__all__


@pytest.mark.parametrize("name", TERMINAL)
def test_a_command_of_the_terminal(name: str) -> None:
    program, *words = name.split()
    assert program == "kemp"
    found: click.Command = kemp
    with click.Context(kemp) as context:
        for word in words:
            assert isinstance(found, click.Group)
            inner = found.get_command(context, word)
            assert inner is not None, name
            found = inner


def test_parts_and_settings_of_a_file() -> None:
    known = {*PARTS, *VsSettings.__annotations__, "sub_services", "servers"}
    known |= {"request_rules", "response_rules", *(f"type: {word}" for word in RULE_WORDS)}
    for row in _rows(RESOURCES) + _rows("| argument of a service |" + ARGUMENTS):
        for name in _names(row[1]):
            assert name in known or name.startswith("tcp/"), name
