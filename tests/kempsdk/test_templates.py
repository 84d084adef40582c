"""Templates: against a virtual LoadMaster, and against scripted oddities."""

import pytest

from kempsdk.client import LoadMaster
from kempsdk.emulator import VirtualLoadMaster
from kempsdk.errors import BadAnswer, CommandRejected, InvalidRequest, NotFound, WriteNotApplied
from kempsdk.references import VsRef
from kempsdk.templates import Template
from kempsdk.words import Schedule
from tests.fakes.clock import FakeClock
from tests.kempsdk.test_virtual_services import DONE, GONE, REF, SHOWN, scripted

NEW = VsRef.parse("tcp/10.0.1.251:80")
LISTED = {"template": [{"name": "shop", "comment": "", "certified": True}]}


@pytest.fixture
def installed(box: VirtualLoadMaster) -> str:
    """A template, brought there over v1: uploads do not work over v2."""
    with box.client(api="v1", clock=FakeClock()) as v1:
        v1.virtual_services.create(REF, nickname="shop", schedule=Schedule.LEAST_CONNECTION)
        assert v1.templates.upload(v1.templates.export(REF)) == (Template(name="shop"),)
    return "shop"


def test_a_life(lm: LoadMaster, installed: str) -> None:
    assert lm.templates.list() == (Template(name=installed),)
    made = lm.templates.apply(NEW, installed, nickname="shop2")
    assert (made.nickname, made.schedule) == ("shop2", Schedule.LEAST_CONNECTION)
    assert lm.virtual_services.get(NEW) == made
    with pytest.raises(CommandRejected):
        lm.templates.apply(NEW, installed)
    lm.templates.delete(installed)
    assert lm.templates.list() == ()
    assert lm.virtual_services.get(NEW) == made
    for act in (lm.templates.get, lm.templates.delete):
        with pytest.raises(NotFound):
            act(installed)
    with pytest.raises(NotFound):
        lm.templates.apply(VsRef.parse("tcp/10.0.1.252:80"), installed)


def test_the_template_decides_the_nickname_otherwise(lm: LoadMaster, installed: str) -> None:
    assert lm.templates.apply(NEW, installed).schedule is Schedule.LEAST_CONNECTION


def test_export_of_nothing(lm: LoadMaster) -> None:
    with pytest.raises(NotFound):
        lm.templates.export(NEW)


def test_upload_that_is_refused(lm: LoadMaster) -> None:
    with pytest.raises(CommandRejected):
        lm.templates.upload(b"no template")
    with pytest.raises(InvalidRequest, match="empty"):
        lm.templates.upload(b"")


def test_nothing_was_installed() -> None:
    lm, transport = scripted(uploadtemplate=[DONE], listtemplates=[{}])
    with pytest.raises(WriteNotApplied, match="none there"):
        lm.templates.upload(b"file")
    assert transport.calls[0].body == b"file"


def test_a_service_that_is_not_made_or_called_otherwise() -> None:
    lm, _ = scripted(listtemplates=[LISTED], addvs=[DONE], showvs=[GONE])
    with pytest.raises(WriteNotApplied, match="service: asked 'created'"):
        lm.templates.apply(REF, "shop")
    lm, transport = scripted(listtemplates=[LISTED], addvs=[DONE], showvs=[SHOWN])
    with pytest.raises(WriteNotApplied, match="nickname: asked 'web', got None"):
        lm.templates.apply(REF, "shop", nickname="web")
    assert transport.calls[1].params["template"] == "shop"
    assert lm.templates.get("shop").certified is True


def test_a_template_that_stays_is_an_error() -> None:
    lm, _ = scripted(listtemplates=[LISTED], deltemplate=[DONE])
    with pytest.raises(WriteNotApplied, match="still there"):
        lm.templates.delete("shop")


@pytest.mark.parametrize("answer", [{"template": [{"name": ""}]}, {"template": [{"id": "1"}]}])
def test_answers_without_templates(answer: dict[str, object]) -> None:
    lm, _ = scripted(listtemplates=[answer])
    with pytest.raises(BadAnswer):
        lm.templates.list()
