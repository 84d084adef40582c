"""The project's recordings: both wires say the same, and they are up to date."""

import base64
from http import HTTPStatus
from pathlib import Path
from typing import Final, get_args

import pytest

from kempsdk.recording import Answer, read_file, replay
from kempsdk.recording.cases import CASES
from kempsdk.recording.cases.case import Case
from kempsdk.recording.conversation import Api
from kempsdk.recording.make_fixtures import SOURCE, make
from kempsdk.recording.scrubbing import SCRUBBED_FILE

FIXTURES: Final = Path(__file__).parents[3] / "fixtures"
ALL: Final = sorted(FIXTURES.rglob("*.yaml"))
NEW_EACH_TIME: Final = """
accepteula/second-step addapikey/one addlecert/two-names delapikey/made-before
fetchleaccount/with-its-key get/single-unit get/standby-unit getall/defaults leaccountinfo/one
listapikeys/two listlecert/one readeula/first-step registerleaccount/new renewlecert/one
stats/empty stats/two-services stats/watch userdownloadcert/one
"""
"""Cases whose results hold a time, a number made at random, or a secret."""


def _name(case: Case) -> str:
    return case.name


@pytest.mark.parametrize("case", CASES, ids=_name)
def test_both_wires_give_the_same_typed_result(case: Case) -> None:
    results = []
    for api in get_args(Api):
        with replay(FIXTURES / f"{case.name}-{api}") as box, box.client() as lm:
            results.append(case.run(lm))
    assert (results[0] == results[1]) is (not case.differs)


@pytest.mark.parametrize("api", get_args(Api))
@pytest.mark.parametrize("case", [one for one in CASES if not one.written], ids=_name)
def test_recordings_are_what_the_virtual_loadmaster_says_today(case: Case, api: Api) -> None:
    path = FIXTURES / f"{case.name}-{api}.yaml"
    made = make(case, api, path)
    assert read_file(path) == made.conversation, "run: make fixtures"
    if not case.grows:
        # Scrubbing takes nothing away but secrets.
        with replay(path) as box, box.client() as lm:
            same = case.run(lm) == made.results
        assert same is (case.name not in NEW_EACH_TIME.split())


def test_every_recording_has_its_case() -> None:
    names = [one.name for one in CASES]
    assert len(names) == len(set(names))
    expected = {FIXTURES / f"{name}-{api}.yaml" for name in names for api in get_args(Api)}
    # Those of trouble are done by test_hostile.py.
    assert {path for path in ALL if path.parent.name != "hostile"} == expected


def test_written_by_hand_is_only_what_cannot_be_recorded() -> None:
    written = [one for one in CASES if one.written]
    for case in written:
        for api in get_args(Api):
            made = make(case, api, FIXTURES / "none")
            (reply,) = (one.reply for one in made.conversation.exchanges)
            assert isinstance(reply, Answer)
            taken_out = base64.b64encode(SCRUBBED_FILE) in reply.body or reply.body == SCRUBBED_FILE
            assert taken_out or reply.status != HTTPStatus.OK, f"{case.name} can be recorded"


@pytest.mark.parametrize("path", ALL, ids=lambda path: str(path.relative_to(FIXTURES)))
def test_provenance(path: Path) -> None:
    about = read_file(path).provenance
    written = {f"{one.name}-{api}" for one in CASES if one.written for api in get_args(Api)}
    by_hand = path.parent.name == "hostile" or str(path.relative_to(FIXTURES))[:-5] in written
    assert about.source == ("written from facts" if by_hand else SOURCE)
    assert about.firmware.startswith("7.")
    assert len(about.date) == len("2026-01-01")
    assert bool(about.note) is by_hand


@pytest.mark.parametrize("path", ALL, ids=lambda path: str(path.relative_to(FIXTURES)))
def test_a_file_is_named_after_its_interface(path: Path) -> None:
    assert {one.request.api for one in read_file(path).exchanges} == {path.stem.split("-")[-1]}
