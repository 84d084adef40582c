"""Entries found by their fields, whatever they are wrapped in."""

import pytest

from kempsdk.codec import MalformedAnswer, XmlTree, parse_xml
from kempsdk.rows import find_rows, first_row


def xml(inner: str) -> XmlTree:
    return XmlTree(parse_xml(f"<Data>{inner}</Data>".encode()))


def test_one_and_many_on_both_wires() -> None:
    one = xml("<Thing><Name>a</Name><Size>1</Size></Thing>")
    two = xml("<Things><T><Name>a</Name></T><T><Name>b</Name><Size>2</Size></T></Things>")
    assert find_rows(one, "size") == [{"name": "a", "size": "1"}]
    assert [row["size"] for row in find_rows(two, "size")] == ["2"]
    assert first_row(xml("<NAME>a</NAME>"), "name") == {"name": "a"}
    assert find_rows({"Data": [{"Name": "a"}, {"Name": "b"}]}, "name") == [
        {"name": "a"},
        {"name": "b"},
    ]


@pytest.mark.parametrize("empty", [xml(""), xml("<Things/>"), xml("<A> <B/> </A>"), {}, {"D": []}])
def test_nothing_there(empty: XmlTree | dict[str, object]) -> None:
    assert find_rows(empty, "name") == []


@pytest.mark.parametrize("odd", [xml("<Things>7</Things>"), {"D": [{"x": 1}]}, {"n": 0}])
def test_something_else_is_not_nothing(odd: XmlTree | dict[str, object]) -> None:
    with pytest.raises(MalformedAnswer):
        find_rows(odd, "name")


def test_one_is_one() -> None:
    with pytest.raises(MalformedAnswer, match="0 entries"):
        first_row({}, "name")
    with pytest.raises(MalformedAnswer, match="2 entries"):
        first_row({"D": [{"Name": "a"}, {"Name": "b"}]}, "name")
