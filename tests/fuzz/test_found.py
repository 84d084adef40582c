"""What fuzzing found, one case each."""

import pytest

from kempsdk.codec import MalformedAnswer, XmlTree, parse_json, parse_xml
from kempsdk.codec_services import read_service_list
from kempsdk.errors import BadAnswer, CommandRejected
from kempsdk.transport.call import Call, Reply
from kempsdk.transport.dialect import HttpAnswer
from tests.fuzz.readings import DIALECTS, client


def _read(api: str, body: bytes) -> Reply:
    answer = HttpAnswer(status=200, content_type="text/xml", body=body)
    return DIALECTS[api].read(answer, Call(command="listvs", mutates=False))


@pytest.mark.parametrize(
    "envelope",
    [
        b'<Response stat="%s" code="ok"><Success/></Response>' % (b"9" * 5000),
        b'<Response stat="200" code="ok"><Success/><Error>no</Error></Response>',
        b'<Response stat="200" code="o\'k"><Success/></Response>',
        b'<?xml version="1.0"?><x><Response/><Success/></x>',
    ],
)
def test_odd_envelopes_of_v1_are_no_success(envelope: bytes) -> None:
    with pytest.raises(BadAnswer):
        _read("v1", envelope)


@pytest.mark.parametrize(
    "envelope",
    [
        b'{"code": "422", "status": "ok"}',
        b'{"code": null, "status": "ok"}',
        b'{"code": 200, "status": null}',
        b'{"code": true, "status": "ok"}',
        b'{"code": 200, "status": "fail", "st\\u0061tus": "ok"}',
        b'{"code": 422, "code": 200, "status": "ok"}',
    ],
)
def test_odd_envelopes_of_v2_are_no_success(envelope: bytes) -> None:
    with pytest.raises(BadAnswer):
        _read("v2", envelope)


def test_an_object_may_have_a_status_of_its_own() -> None:
    body = b'{"code": 200, "status": "Running", "status": "ok"}'
    assert _read("v2", body).data == {"status": "Running"}
    with pytest.raises(CommandRejected):
        _read("v2", b'{"code": 422, "status": "Running", "status": "fail"}')


@pytest.mark.parametrize(
    "service",
    [
        '"Index": 1.5',
        '"Index": "1_0"',
        '"Index": "\u00b2"',
        f'"Index": {"9" * 400}',
        '"Index": 1, "Status": []',
        '"Index": 1, "NickName": {"a": 1}',
        '"Index": 1, "VSPort": "\u00b2"',
        '"Index": 1, "Rs": [{"Addr": "192.0.2.1", "Port": 99999}]',
        '"Index": 1, "PreProcessRules": [{"a": 1}]',
    ],
)
def test_odd_members_of_a_service_are_malformed(service: str) -> None:
    body = f'{{"VS": [{{"VSAddress": "192.0.2.1", "VSPort": "80", {service}}}]}}'
    with pytest.raises(MalformedAnswer):
        read_service_list(parse_json(body.encode()))


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999"])
def test_numbers_that_are_none(number: str) -> None:
    with pytest.raises(MalformedAnswer):
        parse_json(f'{{"code": 200, "x": {number}}}'.encode())


def test_half_a_character_becomes_a_question_mark() -> None:
    assert parse_json(b'{"a": "\\ud800", "b": "\\ud83d\\ude00"}') == {"a": "?", "b": "\U0001f600"}


def test_markup_without_end_is_malformed() -> None:
    root = parse_xml(b"<r>" + b"<a>" * 5000 + b"</a>" * 5000 + b"</r>")
    with pytest.raises(MalformedAnswer):
        XmlTree(root).markup()


def test_huge_times_of_statistics_are_a_bad_answer() -> None:
    lm = client(_read("v2", b'{"code":200,"Timestamp":{"Sec":%s},"status":"ok"}' % (b"9" * 400)))
    with pytest.raises(BadAnswer):
        lm.statistics.read()
