"""Large hostile answers cost memory and time in proportion to their size, no more."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.fuzz.conftest import LONG

_MIB = 32 if LONG else 1
_MOST_MIB = 900 if LONG else 220
_MOST_CPU_S = 90 if LONG else 20
_READ = """
import resource, sys
from kempsdk.errors import KempError
from kempsdk.transport.dialect import HttpAnswer
from tests.fuzz.answers import Damaged
from tests.fuzz.checks import _CALL
from tests.fuzz.readings import DIALECTS, READINGS, client
limit = int(sys.argv[1])
resource.setrlimit(resource.RLIMIT_CPU, (limit, limit))
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
api, head, unit, tail = sys.argv[2], *(eval(one) for one in sys.argv[3:6])
size = int(sys.argv[6])
if "%d" in repr(unit):
    middle = b"".join(unit % (one, one) for one in range(size // (len(unit) + 10)))
else:
    middle = unit * (size // len(unit))
body = head + middle + tail
try:
    reply = DIALECTS[api].read(HttpAnswer(status=200, content_type="", body=body), _CALL)
except KempError:
    pass
else:
    lm = client(reply)
    for name in ("services", "servers", "statistics", "parameters", "rules", "users"):
        try:
            READINGS[name](lm)
        except KempError:
            pass
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024)
"""
_V1 = (b'<Response stat="200" code="ok"><Success><Data>', b"</Data></Success></Response>")
_V2 = (b'{"code": 200, "x": ', b', "status": "ok"}')
_SHAPES = {
    "XML that opens elements": ("v1", _V1[0], b"<a>", _V1[1]),
    "XML of empty elements": ("v1", _V1[0], b"<VS/>", _V1[1]),
    "XML of many names": ("v1", _V1[0], b"<a%d></a%d>", _V1[1]),
    "XML of many groups": ("v1", _V1[0], b"<a%d><b/></a%d>", _V1[1]),
    "XML of attributes": ("v1", _V1[0] + b"<a ", b'a%d="%d" ', b"/>" + _V1[1]),
    "JSON that opens arrays": ("v2", _V2[0], b"[", _V2[1]),
    "JSON of empty arrays": ("v2", _V2[0] + b"[", b"[],", b"0]" + _V2[1]),
    "JSON of services": ("v2", b'{"code": 200, "VS": [', b"{},", b'{}], "status": "ok"}'),
    "JSON of blanks": ("v2", _V2[0], b" ", _V2[1]),
    "JSON of one number": ("v2", _V2[0], b"9", _V2[1]),
    "JSON of many names": ("v2", b"{", b'"a%d": "%d",', b'"status": "ok"}'),
    "JSON to be repaired": ("v2", _V2[0], b'"PreProcessRules":[ ', _V2[1]),
    "JSON to be repaired, blanks": ("v2", _V2[0], b'"EspEnabled" : true ', _V2[1]),
}


@pytest.mark.parametrize("shape", _SHAPES)
def test_cost_is_in_proportion(shape: str) -> None:
    api, *parts = _SHAPES[shape]
    # Large enough that what grows with the square of it takes minutes.
    size = _MIB << 20
    argv = [sys.executable, "-c", _READ, str(_MOST_CPU_S), api, *map(repr, parts), str(size)]
    root = Path(__file__).parents[2]
    done = subprocess.run(argv, cwd=root, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[-500:] or "took too long"
    assert float(done.stdout) < _MOST_MIB
