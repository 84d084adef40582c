"""The files of conversations: readable, and the same bytes when read back."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kempsdk.recording import (
    Answer,
    Closed,
    Conversation,
    Exchange,
    InvalidConversation,
    Provenance,
    Request,
    write_text,
)
from kempsdk.recording.document import conversation_path, read_file, read_text

PLACE = Path("some.yaml")
ABOUT = Provenance(source="written from facts", firmware="7.2.54", date="2026-01-01")
ASKED = Request(api="v1", command="listvs", method="GET")

texts = st.text(st.characters(codec="utf-8"), max_size=60)
bodies = st.one_of(
    st.binary(max_size=80),
    texts.map(lambda text: text.encode("utf-8")),
    st.text(st.sampled_from("<a> \t\r\n:#é"), max_size=40).map(lambda one: one.encode("latin-1")),
)
values = st.recursive(
    st.one_of(texts, st.booleans(), st.integers(), st.none()),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(texts, inner, max_size=3)),
    max_leaves=5,
)
requests = st.builds(
    Request,
    api=st.sampled_from(["v1", "v2"]),
    command=texts,
    method=st.sampled_from(["GET", "POST"]),
    params=st.dictionaries(texts, values, max_size=3),
    file=st.none() | bodies,
)
replies = st.sampled_from(Closed) | st.builds(
    Answer,
    status=st.integers(100, 599),
    content_type=st.sampled_from(["", "text/xml", "application/json"]),
    body=bodies,
    cut_short=st.booleans(),
)
conversations = st.builds(
    Conversation,
    provenance=st.just(ABOUT),
    exchanges=st.lists(st.builds(Exchange, request=requests, reply=replies), max_size=3).map(tuple),
)


def _with_body(body: bytes) -> Conversation:
    reply = Answer(status=200, content_type="text/xml", body=body)
    return Conversation(provenance=ABOUT, exchanges=(Exchange(request=ASKED, reply=reply),))


@given(conversations)
def test_what_is_written_reads_back_the_same(conversation: Conversation) -> None:
    assert read_text(write_text(conversation), PLACE) == conversation


def test_a_body_is_a_block_as_it_came() -> None:
    text = write_text(_with_body(b"<a>\r\n\t<b>1</b> \r\n</a>\r\n"))
    assert "    line_ends: crlf\n    body: |\n      <a>\n      \t<b>1</b> \n      </a>\n" in text


def test_latin_1_stays_readable() -> None:
    text = write_text(_with_body("<a>Zürich</a>\n<b/>\n".encode("iso-8859-1")))
    assert "encoding: iso-8859-1" in text
    assert "<a>Zürich</a>" in text


def test_what_is_no_text_is_base64() -> None:
    assert "base64: |\n      AAEC\n" in write_text(_with_body(b"\x00\x01\x02"))


def test_a_filled_body_is_as_long_as_it_says() -> None:
    text = write_text(_with_body(b"-")).replace(
        "body: '-'", "filled: {before: a, repeated: bc, times: 3, after: d}"
    )
    (exchange,) = read_text(text, PLACE).exchanges
    assert isinstance(exchange.reply, Answer)
    assert exchange.reply.body == b"abcbcbcd"


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("provenance:", "provenence:", "unknown provenence"),
        ("status: 200", "state: 200", "unknown state"),
        ("status: 200", "closed: sometimes", "sometimes"),
        ("api: v1", "api: v3", "request 1: api is v1 or v2"),
        ("exchanges:", "exchanges: none\nother:", "unknown other"),
        ("  firmware: 7.2.54\n", "", "firmware"),
        ("body: x", "body: 5", "body is not a text"),
        ("body: x", "body: x: y", "mapping values"),
    ],
)
def test_other_files_are_refused_with_their_name(old: str, new: str, message: str) -> None:
    text = write_text(_with_body(b"x"))
    assert old in text
    with pytest.raises(InvalidConversation, match=message) as raised:
        read_text(text.replace(old, new), PLACE)
    assert str(raised.value).startswith("some.yaml: ")
    assert raised.value.path == PLACE


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidConversation, match=r"nothing-here\.yaml"):
        read_file(tmp_path / "nothing-here")


def test_the_suffix_may_be_left_out() -> None:
    assert conversation_path("a/b-7.2.50") == Path("a/b-7.2.50.yaml")
    assert conversation_path("a/b.yaml") == Path("a/b.yaml")
