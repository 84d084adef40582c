"""Any bytes become models or a ``KempError``."""

from hypothesis import given, settings
from hypothesis import strategies as st

from kempsdk.transport.dialect import HttpAnswer
from tests.fuzz.answers import Damaged, damaged, sound_answers
from tests.fuzz.checks import check


def test_sound_answers_are_read() -> None:
    for api, kind in (("v1", "text/xml"), ("v2", "application/json")):
        outcomes = [
            check(Damaged(api, HttpAnswer(status=200, content_type=kind, body=body)))
            for body in sound_answers()[api]
        ]
        # The others are refusals: nothing there to be shown.
        assert outcomes.count("read") > 0.8 * len(outcomes)


@settings(max_examples=400, deadline=None)
@given(st.integers(0, 2**64).map(damaged))
def test_damaged_answers(one: Damaged) -> None:
    check(one)


@settings(max_examples=200, deadline=None)
@given(
    st.sampled_from(("v1", "v2")),
    st.sampled_from(("text/xml", "application/json", "")),
    st.binary(max_size=60),
)
def test_any_bytes(api: str, kind: str, body: bytes) -> None:
    check(Damaged(api, HttpAnswer(status=200, content_type=kind, body=body)))
