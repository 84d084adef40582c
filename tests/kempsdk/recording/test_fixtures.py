"""The project's recordings: both wires say the same, and they are up to date."""

import os
from pathlib import Path
from typing import Final, get_args
from unittest.mock import patch

import pytest

from kempsdk.recording import read_file, replay
from kempsdk.recording.conversation import Api
from kempsdk.recording.fixture_cases import CASES, Case
from kempsdk.recording.make_fixtures import SOURCE, make, recorded

FIXTURES: Final = Path(__file__).parents[3] / "fixtures"
ALL: Final = sorted(FIXTURES.rglob("*.yaml"))
USED: Final = """
listvs showvs addvs modvs delvs addrs modrs showrs delrs enablers disablers showhealth
modhealth stats vstotals get set getall listapi addapikey listapikeys delapikey backup
restore addrule modrule showrule delrule addprerule delprerule addrequestrule
delrequestrule addresponserule delresponserule addresponsebodyrule delresponsebodyrule
addrsrule delrsrule aclcontrol
"""


def _name(case: Case) -> str:
    return case.name


@pytest.mark.parametrize("case", CASES, ids=_name)
def test_both_wires_give_the_same_typed_result(case: Case) -> None:
    results = []
    for api in get_args(Api):
        with replay(FIXTURES / f"{case.name}-{api}") as box, box.client() as lm:
            results.append(case.result(lm))
    assert results[0] == results[1]
    assert results[0] is not None or case.name == "delvs/unknown"


@pytest.mark.parametrize("api", get_args(Api))
@pytest.mark.parametrize("case", CASES, ids=_name)
def test_recordings_are_what_the_virtual_loadmaster_says_today(case: Case, api: Api) -> None:
    path = FIXTURES / f"{case.name}-{api}.yaml"
    with patch.object(os, "cpu_count", return_value=2):
        _, made = make(case, api, path)
    assert read_file(path) == made, "run: python -m kempsdk.recording.make_fixtures"


def test_every_recording_of_the_virtual_loadmaster_has_its_case() -> None:
    expected = {FIXTURES / f"{one.name}-{api}.yaml" for one in CASES for api in get_args(Api)}
    assert set(recorded(FIXTURES)) == expected


@pytest.mark.parametrize("command", USED.split())
@pytest.mark.parametrize("api", get_args(Api))
def test_every_command_in_use_is_recorded(command: str, api: Api) -> None:
    asked = [
        one.request.command
        for path in sorted((FIXTURES / command).glob(f"*-{api}.yaml"))
        for one in read_file(path).exchanges
    ]
    assert command in asked


@pytest.mark.parametrize("path", ALL, ids=lambda path: str(path.relative_to(FIXTURES)))
def test_provenance_is_complete(path: Path) -> None:
    about = read_file(path).provenance
    assert about.source in (SOURCE, "written from facts")
    assert about.firmware.startswith("7.")
    assert len(about.date) == len("2026-01-01")
    assert about.note or about.source == SOURCE


@pytest.mark.parametrize("path", ALL, ids=lambda path: str(path.relative_to(FIXTURES)))
def test_a_file_is_named_after_its_interface(path: Path) -> None:
    assert {one.request.api for one in read_file(path).exchanges} == {path.stem.split("-")[-1]}
