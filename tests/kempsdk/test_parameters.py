"""The global parameters."""

import pytest

from kempsdk.client import LoadMaster
from kempsdk.codec import XmlTree, parse_xml
from kempsdk.errors import BadAnswer, InvalidRequest, NotFound, WriteNotApplied
from kempsdk.parameters import Value, _values
from tests.kempsdk.recordings import recording
from tests.kempsdk.test_virtual_services import DONE, scripted


def test_types(lm: LoadMaster) -> None:
    assert lm.parameters.get("Hostname") == "lb100"
    assert lm.parameters.get("finalpersist") == 300
    assert lm.parameters.get("snat") is True
    assert lm.parameters.get("NAMESERVER") == ("8.8.8.8", "8.8.4.4")
    everything = lm.parameters.list()
    assert everything["finalpersist"] == 300
    assert everything["snat"] is True


@pytest.mark.parametrize(
    ("name", "value", "now"),
    [
        ("finalpersist", 600, 600),
        ("finalpersist", "600", 600),
        ("nonlocalrs", False, False),
        ("nonlocalrs", "yes", True),
        ("hostname", "lb7", "lb7"),
        ("nameserver", ["10.0.0.1", "10.0.0.2"], ("10.0.0.1", "10.0.0.2")),
    ],
)
def test_set(lm: LoadMaster, name: str, value: str | int | list[str], now: Value) -> None:
    assert lm.parameters.set(name, value) == now
    assert lm.parameters.get(name) == now


def test_unknown(lm: LoadMaster) -> None:
    with pytest.raises(NotFound):
        lm.parameters.get("nosuchthing")
    with pytest.raises(NotFound):
        lm.parameters.set("nosuchthing", 1)


def test_out_of_range_is_not_sent() -> None:
    lm, transport = scripted()
    with pytest.raises(InvalidRequest, match="60"):
        lm.parameters.set("finalpersist", 59)
    assert transport.calls == []


def test_something_else_was_stored() -> None:
    lm, _ = scripted(set=[DONE], get=[{"finalpersist": 300}])
    with pytest.raises(WriteNotApplied, match="asked 600, got 300"):
        lm.parameters.set("finalpersist", 600)


def test_credentials_cannot_be_compared() -> None:
    lm, _ = scripted(set=[DONE], get=[{"radiussecret": "********"}])
    assert lm.parameters.set("radiussecret", "s3cret") == "********"


def test_an_answer_about_another_parameter_is_not_believed() -> None:
    lm, _ = scripted(get=[{"snat": True}])
    with pytest.raises(NotFound):
        lm.parameters.get("hostname")
    lm, _ = scripted(get=[{}])
    with pytest.raises((NotFound, BadAnswer)):
        lm.parameters.get("hostname")


def test_white_space_and_html_of_v1() -> None:
    data = parse_xml(recording("get-cachesize.xml")).find("Success/Data")
    assert data is not None
    assert _values(XmlTree(data)) == {"cachesize": 100}
    page = XmlTree(parse_xml(b"<Data><WUIPreauth>Go <b>away</b></WUIPreauth></Data>"))
    assert _values(page) == {"WUIPreauth": "Go <b>away</b>"}
    fragment = XmlTree(parse_xml(b"<Data>" + recording("get-nameserver-fragment.xml") + b"</Data>"))
    assert _values(fragment) == {"nameserver": ("8.8.8.8", "8.8.4.4")}
