"""XML and JSON texts to trees."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kempsdk.codec import (
    MalformedAnswer,
    XmlTree,
    entries,
    flatten,
    parse_json,
    parse_xml,
    texts,
)


def tree(xml: str) -> XmlTree:
    return XmlTree(parse_xml(xml.encode("iso-8859-1")))


def test_one_entry_of_a_list_looks_like_many() -> None:
    one = tree("<Data><VS><Index>1</Index></VS></Data>")
    none = tree("<Data></Data>")
    assert [dict(vs) for vs in entries(one, "VS")] == [{"Index": "1"}]
    assert isinstance(one["VS"], list)
    assert list(entries(none, "VS")) == []
    assert entries({"VS": [{"Index": 1}]}, "VS") == [{"Index": 1}]
    assert entries({"VS": {"Index": 1}}, "VS") == [{"Index": 1}]


def test_leaves_are_stripped_and_wrappers_are_lists() -> None:
    data = tree(
        "<Data><cachesize>\n100\n</cachesize><Empty></Empty>"
        "<CheckUse1.1>N</CheckUse1.1>"
        "<InterceptOpts>\r\n<Opt>opnormal</Opt>\r\n</InterceptOpts></Data>"
    )
    assert data["cachesize"] == "100"
    assert data["Empty"] == ""
    assert data["CheckUse1.1"] == "N"
    assert data["InterceptOpts"] == ["opnormal"]
    fields = flatten(data)
    assert fields["InterceptOpts"] == ["opnormal"]
    assert fields["Empty"] == ""
    assert fields["CheckUse1.1"] == "N"
    with pytest.raises(KeyError):
        data["absent"]


def test_attributes_are_members() -> None:
    controller = tree('<Data><controller id="3"><clusters>x</clusters></controller></Data>')
    found = controller["controller"]
    assert isinstance(found, XmlTree)
    assert dict(found) == {"@id": "3", "clusters": "x"}
    assert len(found) == 2


def test_a_value_that_is_html_comes_back_as_text() -> None:
    data = tree("<Data><WUIPreauth>Go <b>away</b> now</WUIPreauth></Data>")
    found = data["WUIPreauth"]
    assert isinstance(found, XmlTree)
    assert found.markup() == "Go <b>away</b> now"


def test_latin_1_is_read_as_declared() -> None:
    body = '<?xml version="1.0" encoding="ISO-8859-1"?><Response>é</Response>'.encode("iso-8859-1")
    assert parse_xml(body).text == "é"
    assert parse_xml("<Response>é</Response>".encode()).text == "é"


@pytest.mark.parametrize(
    "body",
    [
        b'<!DOCTYPE r [<!ENTITY a "b">]><Response>&a;</Response>',
        b"<?xml version='1.0' encoding='UTF-16'?><Response/>",
        '<?xml version="1.0"?><!DOCTYPE r><Response/>'.encode("utf-16"),
        b"<?xml version='1.0' encoding='cp037'?><Response/>",
        b"<Response>",
        b"<Response></Response><Response/>",
        b"\xff\xfe",
        b"",
    ],
)
def test_odd_xml_is_refused(body: bytes) -> None:
    with pytest.raises(MalformedAnswer):
        parse_xml(body)


def test_json_of_7_2_50_is_repaired() -> None:
    body = (
        b'{ "code": 200,\n"PreProcessRules": [\n"one",\n"two" \n "EspEnabled" : false,\n]\n'
        b', "Index" : 9,\n "status": "ok"\n}'
    )
    found = parse_json(body)
    assert found["PreProcessRules"] == ["one", "two"]
    assert found["EspEnabled"] is False
    assert found["Index"] == 9


def test_json_in_latin_1_is_read() -> None:
    assert parse_json('{"a": "é"}'.encode("iso-8859-1")) == {"a": "é"}


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b"1", b'{"a":' + b"[" * 100_000])
def test_odd_json_is_refused(body: bytes) -> None:
    with pytest.raises(MalformedAnswer):
        parse_json(body)


@given(st.binary(max_size=200))
def test_no_bytes_get_through_as_another_error(body: bytes) -> None:
    for parse in (parse_xml, parse_json):
        try:
            parse(body)
        except MalformedAnswer:
            continue


@given(st.dictionaries(st.text(max_size=5), st.integers() | st.text(max_size=5), max_size=4))
def test_good_json_is_not_touched(value: dict[str, object]) -> None:
    assert parse_json(json.dumps(value).encode()) == value


def test_texts() -> None:
    assert texts(" a ") == ("a",)
    assert texts("") == ()
    assert texts(["a", "b"]) == ("a", "b")
    assert texts(None) == ()
