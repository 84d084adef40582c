"""Cipher sets: against a virtual LoadMaster, and against scripted oddities."""

import pytest

from kempsdk.cipher_sets import SYSTEM_CIPHER_SETS, CipherSet
from kempsdk.client import LoadMaster
from kempsdk.errors import BadAnswer, CommandRejected, InvalidRequest, NotFound, WriteNotApplied
from kempsdk.references import VsRef
from tests.kempsdk.test_virtual_services import DONE, scripted

STRONG = ("ECDHE-RSA-AES256-GCM-SHA384", "ECDHE-RSA-AES128-GCM-SHA256")


def test_a_life(lm: LoadMaster) -> None:
    with pytest.raises(NotFound):
        lm.cipher_sets.get("Mine")
    made = lm.cipher_sets.set("Mine", STRONG)
    assert made == CipherSet(name="Mine", ciphers=STRONG)
    assert not made.is_system
    assert lm.cipher_sets.set("Mine", STRONG[:1]).ciphers == STRONG[:1]
    lm.cipher_sets.delete("Mine")
    for act in (lm.cipher_sets.get, lm.cipher_sets.delete):
        with pytest.raises(NotFound):
            act("Mine")


def test_system_sets_are_read_only(lm: LoadMaster) -> None:
    for name in SYSTEM_CIPHER_SETS:
        assert lm.cipher_sets.get(name).is_system
        with pytest.raises(InvalidRequest, match="own sets"):
            lm.cipher_sets.set(name, STRONG)
        with pytest.raises(InvalidRequest, match="own sets"):
            lm.cipher_sets.delete(name)


def test_one_in_use_is_not_deleted(lm: LoadMaster) -> None:
    lm.cipher_sets.set("Mine", STRONG)
    ref = VsRef.parse("tcp/10.0.1.250:443")
    lm.virtual_services.create(ref, ssl_acceleration=True, cipher_set="Mine")
    with pytest.raises(CommandRejected, match="in use"):
        lm.cipher_sets.delete("Mine")
    assert lm.cipher_sets.get("Mine").ciphers == STRONG


@pytest.mark.parametrize("ciphers", [[], "ECDHE-RSA-AES256-GCM-SHA384", ["a:b"], ["a b"], [""]])
def test_no_list_of_ciphers_is_not_sent(ciphers: list[str]) -> None:
    lm, transport = scripted()
    with pytest.raises(InvalidRequest, match="names of ciphers"):
        lm.cipher_sets.set("Mine", ciphers)
    with pytest.raises(InvalidRequest, match="needs a name"):
        lm.cipher_sets.set("", STRONG)
    assert transport.calls == []


@pytest.mark.parametrize(
    "answer", [{"cipherset": "A-1:B-2"}, {"Cipher": ["A-1", "B-2"]}, {"ciphers": "A-1, B-2"}]
)
def test_forms_that_an_answer_may_have(answer: dict[str, object]) -> None:
    lm, _ = scripted(getcipherset=[answer])
    assert lm.cipher_sets.get("Mine").ciphers == ("A-1", "B-2")


@pytest.mark.parametrize("answer", [{}, {"cipherset": ""}, {"cipherset": "<b>none</b>"}])
def test_answers_without_ciphers(answer: dict[str, object]) -> None:
    lm, _ = scripted(getcipherset=[answer])
    with pytest.raises(BadAnswer, match="no list of ciphers"):
        lm.cipher_sets.get("Mine")


def test_something_else_was_stored() -> None:
    lm, transport = scripted(
        modifycipherset=[DONE], getcipherset=[{"cipherset": "A-1"}], delcipherset=[DONE]
    )
    with pytest.raises(WriteNotApplied, match="ciphers: asked"):
        lm.cipher_sets.set("Mine", STRONG)
    assert transport.calls[0].params == {"name": "Mine", "value": ":".join(STRONG)}
    assert transport.calls[0].mutates
    with pytest.raises(WriteNotApplied, match="still there"):
        lm.cipher_sets.delete("Mine")
