"""What must hold for any answer: models or a ``KempError``, and no failure read as success."""

import json
import time
from xml.etree import ElementTree

from kempsdk.errors import KempError
from kempsdk.transport.call import Call, Reply
from tests.fuzz.answers import Damaged
from tests.fuzz.readings import DIALECTS, READINGS, client

_CALL = Call(command="listvs", mutates=False)
MOST_S = 2.0
"""Processor time for one answer and everything that is read from it."""


def check(one: Damaged) -> str:
    """Read an answer in every way there is; return ``refused``, ``file`` or ``read``.

    Raises:
        AssertionError: a failure was taken for a success, or it took too long.
        Exception: whatever else came out; only a ``KempError`` may.
    """
    start_s = time.process_time()
    try:
        reply = DIALECTS[one.api].read(one.answer, _CALL)
    except KempError as error:
        str(error).encode()
        return "refused"
    assert 200 <= one.answer.status < 400, "the HTTP status says no"
    if reply.file is None:
        (_check_v1 if one.api == "v1" else _check_v2)(one.answer.body)
    _read_all(reply)
    assert time.process_time() - start_s < MOST_S, "too slow"
    return "read" if reply.file is None else "file"


def _read_all(reply: Reply) -> None:
    lm = client(reply)
    for read in READINGS.values():
        try:
            model = read(lm)
        except KempError as error:
            str(error).encode()
        else:
            repr(model).encode()


def _check_v1(body: bytes) -> None:
    root = ElementTree.fromstring(body)  # noqa: S314 - got through the client's own checks
    assert root.tag == "Response"
    assert root.attrib["code"] == "ok"
    assert 100 <= int(root.attrib["stat"]) < 400
    assert [one.tag for one in root] == ["Success"]


def _check_v2(body: bytes) -> None:
    try:
        text = body.decode()
    except UnicodeDecodeError:
        text = body.decode("latin-1")
    try:
        members = json.loads(text, object_pairs_hook=list)
    except ValueError:
        assert "EspEnabled" in text, "broken, and not in the one way that is repaired"
        return
    codes = [value for name, value in members if name == "code"]
    states = [value for name, value in members if name == "status"]
    assert codes or states
    assert all(type(one) is int and 100 <= one < 400 for one in codes)
    assert len(codes) < 2
    assert "fail" not in states
    assert states[-1:] in ([], ["ok"])
