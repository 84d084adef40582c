"""Any model, written as an appliance would, is read back as it was: on both wires."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kempsdk import health_checks, statistics
from kempsdk.codec_services import read_servers, read_service_list
from kempsdk.counters import ServerStats, ServiceStats, TrafficTotals
from kempsdk.emulator.answers import Many, Members, One
from kempsdk.models import HealthCheckTimers, RealServer, VirtualService
from kempsdk.references import VsRef
from kempsdk.service_fields import SERVER
from tests.fuzz.conftest import examples
from tests.fuzz.models import (
    VS_REFS,
    members,
    over_the_wire,
    servers,
    service_list,
    services,
    values,
)
from tests.fuzz.readings import client

both = pytest.mark.parametrize("api", ["v1", "v2"])


@both
@examples(25)
@given(listed=services())
def test_services(api: str, listed: tuple[VirtualService, ...]) -> None:
    reply = over_the_wire(service_list(listed, api), api)
    assert read_service_list(reply.data) == listed


@both
@examples(50)
@given(one=servers())
def test_servers(api: str, one: RealServer) -> None:
    names = {field.attribute for field in SERVER.fields}
    fields = {name: getattr(one, name) for name in names if name is not None}
    written: Members = [*members(SERVER, fields, api), ("Addr", one.address), ("Port", one.port)]
    assert read_servers(over_the_wire([("Rs", Many([written]))], api).data) == (one,)


@both
@examples(50)
@given(fields=values(health_checks.TIMERS))
def test_timers(api: str, fields: dict[str, int]) -> None:
    reply = over_the_wire(members(health_checks.TIMERS, fields, api), api)
    assert client(reply).health_checks.get() == HealthCheckTimers(**fields)


_ROWS = st.lists(st.tuples(VS_REFS, values(statistics._SERVICE)), max_size=3)


@both
@examples(25)
@given(
    rows=_ROWS,
    of_servers=st.lists(values(statistics._SERVER), max_size=3),
    totals=values(statistics._TOTALS),
    time=st.tuples(st.integers(0, 2**40), st.integers(0, 999_999), st.integers(0, 10**9)),
)
def test_statistics(
    api: str,
    rows: list[tuple[VsRef, dict[str, Any]]],
    of_servers: list[dict[str, Any]],
    totals: dict[str, int],
    time: tuple[int, int, int],
) -> None:
    of_servers = [{**one, "address": one["address"] or ""} for one in of_servers]
    written: Members = [("VStotals", One(members(statistics._TOTALS, totals, api)))]
    if rows:
        written.append(("Vs", Many([_row(ref, fields, api) for ref, fields in rows])))
    if of_servers:
        of_all = [members(statistics._SERVER, one, api) for one in of_servers]
        written.append(("Rs", Many(of_all)))
    names = ("Sec", "Usec", "Period")
    written.append(("Timestamp", One(list(zip(names, time, strict=True)))))
    found = client(over_the_wire(written, api)).statistics.read()
    assert found.services == tuple(ServiceStats(ref=ref, **fields) for ref, fields in rows)
    assert found.servers == tuple(ServerStats(**one) for one in of_servers)
    assert found.totals == TrafficTotals(**totals)
    assert found.taken_at_s == time[0] + time[1] / 1e6
    assert found.period_s == time[2] / 1e6


def _row(ref: VsRef, fields: dict[str, Any], api: str) -> Members:
    port = "*" if ref.port == 0 else ref.port
    name: Members = [("VSAddress", ref.address), ("VSPort", port), ("VSProt", ref.protocol.value)]
    return [*name, *members(statistics._SERVICE, fields, api)]
