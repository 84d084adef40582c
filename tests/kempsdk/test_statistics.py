"""The counters."""

import pytest

from kempsdk.client import LoadMaster
from kempsdk.codec import MalformedAnswer, XmlTree, parse_xml
from kempsdk.errors import BadAnswer
from kempsdk.references import RsRef, VsRef
from kempsdk.statistics import _read
from kempsdk.words import VsStatus
from tests.kempsdk.recordings import recording
from tests.kempsdk.test_virtual_services import scripted

RS = RsRef.parse("10.0.1.11:80")
SERVICE_ROW = {
    "VSAddress": "10.0.1.250",
    "VSPort": 80,
    "VSProt": "tcp",
    "Index": 3,
    "Status": "up",
    "Enable": 1,
    "ActiveConns": 7,
    "TotalConns": 70,
    "ConnsPerSec": 2,
}
SERVER_ROW = {
    "VSIndex": 3,
    "RSIndex": 9,
    "Addr": "10.0.1.11",
    "Port": 80,
    "Enable": 1,
    "Weight": 1000,
    "ActivConns": 5,
    "Conns": 50,
    "ConnsPerSec": 1,
    "Pkts": 500,
    "Bytes": 5000,
}


def test_a_captured_answer() -> None:
    data = parse_xml(recording("stats-two-vs.xml")).find("Success/Data")
    assert data is not None
    found = _read(XmlTree(data))
    assert [str(one.ref) for one in found.services] == ["tcp/10.35.48.17:80", "tcp/10.35.48.24:80"]
    assert found.services[0].status is VsStatus.DOWN
    assert found.servers == ()
    assert found.taken_at_s == pytest.approx(1637849344.682846)
    assert found.period_s == pytest.approx(5.006303)
    assert found.changed_at_s == 1637849309
    assert {"CPU", "Memory", "Network", "TPS"} <= set(found.extra)


def test_rows_are_matched_by_index_within_one_reading() -> None:
    other = {**SERVER_ROW, "VSIndex": 4, "ActivConns": 99}
    lm, _ = scripted(stats=[{"Vs": [SERVICE_ROW], "Rs": [other, SERVER_ROW]}])
    found = lm.statistics.read()
    row = found.server(VsRef.parse("tcp/10.0.1.250:80"), RS)
    assert row is not None
    assert (row.active_connections, row.total_connections, row.rs_index) == (5, 50, 9)
    assert (row.packets, row.bytes, row.weight, row.enabled) == (500, 5000, 1000, True)
    assert found.services[0].active_connections == 7
    assert found.services[0].status is VsStatus.UP
    assert found.server(VsRef.parse("tcp/10.0.1.251:80"), RS) is None
    assert found.server(VsRef.parse("tcp/10.0.1.250:80"), RsRef.parse("10.0.1.12:80")) is None
    assert (found.taken_at_s, found.period_s, found.changed_at_s) == (0, 0, None)


@pytest.mark.parametrize(
    "answer",
    [
        {"Vs": [{**SERVICE_ROW, "VSProt": "sctp"}]},
        {"Vs": [{**SERVICE_ROW, "VSAddress": ""}]},
        {"Rs": [{**SERVER_ROW, "ActivConns": "few"}]},
        {"ChangeTime": "yesterday"},
    ],
)
def test_nonsense_is_not_a_counter(answer: dict[str, object]) -> None:
    lm, _ = scripted(stats=[answer])
    with pytest.raises(BadAnswer):
        lm.statistics.read()
    with pytest.raises(MalformedAnswer):
        _read(answer)


def test_of_a_virtual_load_master(lm: LoadMaster, web: VsRef) -> None:
    lm.real_servers.add(web, RS, enable=False)
    found = lm.statistics.read()
    assert found.period_s == pytest.approx(5, abs=1)
    row = found.server(web, RS)
    assert row is not None
    assert (row.enabled, row.weight) == (False, 1000)
    totals = lm.statistics.totals()
    assert totals.servers.disabled == 1
    assert totals.services.up + totals.services.down + totals.services.disabled == 1
    assert totals.sub_services.up == 0
