"""Attached rules and their order: on a virtual LoadMaster, and scripted oddities."""

from collections.abc import Callable

import pytest

from kempsdk.client import LoadMaster
from kempsdk.errors import CommandRejected, InvalidRequest, NotFound, WriteNotApplied
from kempsdk.references import RsRef, VsRef
from kempsdk.rule_models import (
    AddHeaderRule,
    MatchContentRule,
    OnServer,
    OnService,
    OnSubService,
    Phase,
    ReplaceBodyRule,
    RulePlace,
)
from tests.kempsdk.test_virtual_services import DONE, REF, SHOWN, scripted

RS = RsRef.parse("10.0.1.11:80")
PARENT = VsRef.parse("tcp/10.0.1.250:443")
Maker = Callable[[LoadMaster], RulePlace]


def _service(phase: Phase) -> Maker:
    def make(lm: LoadMaster) -> RulePlace:
        lm.virtual_services.create(REF)
        return OnService(REF, phase)

    return make


def _server(lm: LoadMaster) -> RulePlace:
    lm.virtual_services.create(REF)
    lm.real_servers.add(REF, RS)
    return OnServer(REF, RS)


def _sub_service(lm: LoadMaster) -> RulePlace:
    lm.virtual_services.create(PARENT)
    return OnSubService(lm.sub_virtual_services.create(PARENT, nickname="blue").ref)


def _phase_of_sub_service(lm: LoadMaster) -> RulePlace:
    lm.virtual_services.create(PARENT)
    return OnService(lm.sub_virtual_services.create(PARENT).ref, Phase.REQUEST)


def _server_of_sub_service(lm: LoadMaster) -> RulePlace:
    lm.virtual_services.create(PARENT)
    ref = lm.sub_virtual_services.create(PARENT).ref
    lm.real_servers.add(ref, RS)
    return OnServer(ref, RS)


PLACES: dict[str, tuple[Maker, str]] = {
    "pre": (_service(Phase.PRE), "m"),
    "request": (_service(Phase.REQUEST), "h"),
    "response": (_service(Phase.RESPONSE), "h"),
    "response body": (_service(Phase.RESPONSE_BODY), "b"),
    "server": (_server, "m"),
    "SubVS": (_sub_service, "m"),
    "request of a SubVS": (_phase_of_sub_service, "h"),
    "server of a SubVS": (_server_of_sub_service, "m"),
}


def make_rules(lm: LoadMaster) -> None:
    for number in (1, 2, 3):
        lm.rules.create(MatchContentRule(name=f"m{number}", pattern="/"))
        lm.rules.create(AddHeaderRule(name=f"h{number}", header="X"))
        lm.rules.create(ReplaceBodyRule(name=f"b{number}", pattern="a"))


@pytest.mark.parametrize("kind", PLACES)
def test_attach_move_detach(lm: LoadMaster, kind: str) -> None:
    maker, letter = PLACES[kind]
    make_rules(lm)
    place = maker(lm)
    one, two, three = (f"{letter}{number}" for number in (1, 2, 3))
    at = lm.rule_attachments
    assert at.list(place) == ()
    assert at.attach(place, one) == (one,)
    assert at.attach(place, two) == (one, two)
    assert at.attach(place, three, position=1) == (three, one, two)
    assert at.move(place, three, 3) == (one, two, three)
    assert at.move(place, three, 3) == (one, two, three)
    assert at.move(place, two, 1) == (two, one, three)
    assert at.detach(place, one) == (two, three)
    assert at.list(place) == (two, three)
    lm.rules.delete(two)
    assert at.list(place) == (three,)


@pytest.mark.parametrize("kind", PLACES)
def test_positions_and_rules_that_are_not_there(lm: LoadMaster, kind: str) -> None:
    maker, letter = PLACES[kind]
    make_rules(lm)
    place = maker(lm)
    at = lm.rule_attachments
    at.attach(place, f"{letter}1")
    with pytest.raises(InvalidRequest, match="1 to 2"):
        at.attach(place, f"{letter}2", position=3)
    with pytest.raises(InvalidRequest, match="1 to 1"):
        at.move(place, f"{letter}1", 2)
    with pytest.raises(InvalidRequest, match="is not attached"):
        at.move(place, f"{letter}2", 1)
    with pytest.raises(InvalidRequest, match="from 1"):
        at.move(place, f"{letter}1", 0)
    with pytest.raises(NotFound):
        at.attach(place, "nosuchrule")
    with pytest.raises(NotFound):
        at.detach(place, f"{letter}2")
    with pytest.raises(InvalidRequest, match="letters, digits"):
        at.attach(place, "a-b")
    with pytest.raises(InvalidRequest, match="letters, digits"):
        at.detach(place, "a-b")
    assert at.list(place) == (f"{letter}1",)


def test_a_rule_of_the_wrong_type_is_accepted_without_effect(lm: LoadMaster, web: VsRef) -> None:
    make_rules(lm)
    with pytest.raises(WriteNotApplied, match="rule m1: asked 'attached', got 'not there'"):
        lm.rule_attachments.attach(OnService(web, Phase.REQUEST), "m1")
    lm.real_servers.add(web, RS)
    with pytest.raises(CommandRejected):
        lm.rule_attachments.attach(OnServer(web, RS), "h1")


def test_phases_are_apart(lm: LoadMaster, web: VsRef) -> None:
    make_rules(lm)
    lm.rule_attachments.attach(OnService(web, Phase.REQUEST), "h1")
    lm.rule_attachments.attach(OnService(web, Phase.RESPONSE), "h2")
    service = lm.virtual_services.get(web)
    assert (service.request_rules, service.response_rules) == (("h1",), ("h2",))
    assert lm.rule_attachments.list(OnService(web, Phase.PRE)) == ()


def test_unknown_places(lm: LoadMaster, web: VsRef) -> None:
    make_rules(lm)
    for place in (OnService(PARENT, Phase.PRE), OnServer(web, RS)):
        with pytest.raises(NotFound):
            lm.rule_attachments.list(place)
        with pytest.raises(NotFound):
            lm.rule_attachments.attach(place, "m1")


def test_what_is_sent_to_move_a_rule() -> None:
    before = {**SHOWN, "RequestRules": ["a", "b"]}
    lm, transport = scripted(showvs=[before], modvs=[DONE])
    with pytest.raises(WriteNotApplied, match="position 1"):
        lm.rule_attachments.move(OnService(REF, Phase.REQUEST), "b", 1)
    sent = transport.calls[1].params
    assert sent == {
        "vs": "10.0.1.250",
        "port": 80,
        "prot": "tcp",
        "RequestPrecedence": "b",
        "RequestPrecedencePos": 1,
    }


def test_a_rule_that_stays_attached_is_an_error() -> None:
    lm, _ = scripted(showvs=[{**SHOWN, "PreProcessRules": ["a"]}], delprerule=[DONE])
    with pytest.raises(WriteNotApplied, match="still there"):
        lm.rule_attachments.detach(OnService(REF, Phase.PRE), "a")
