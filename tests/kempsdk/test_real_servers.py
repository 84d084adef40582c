"""Real servers: against a virtual LoadMaster, and against scripted oddities."""

import pytest

from kempsdk.client import LoadMaster
from kempsdk.errors import (
    BadAnswer,
    CommandRejected,
    InvalidRequest,
    NotFound,
    OutcomeUnknown,
    WriteNotApplied,
)
from kempsdk.references import RsRef, VsRef
from kempsdk.words import Forward, RsStatus
from tests.kempsdk.test_virtual_services import DONE, REF, SHOWN, scripted

RS = RsRef.parse("10.0.1.11:80")
ROW: dict[str, object] = {
    "Status": "Up",
    "VSIndex": 1,
    "RsIndex": 4,
    "Addr": "10.0.1.11",
    "Port": 80,
    "Forward": "nat",
    "Weight": 1000,
    "Limit": 0,
    "Enable": True,
    "Critical": False,
}


def test_add_for_direct_return(lm: LoadMaster, web: VsRef) -> None:
    made = lm.real_servers.add(web, RS, forward=Forward.ROUTE, weight=500, limit=10, enable=False)
    assert (made.forward, made.weight, made.limit) == (Forward.ROUTE, 500, 10)
    assert made.enabled is False
    assert made.status is RsStatus.DISABLED
    assert lm.real_servers.list(web) == (made,)
    assert lm.real_servers.get(web, RS) == made


def test_add_is_enabled_unless_told_otherwise(lm: LoadMaster, web: VsRef) -> None:
    assert lm.real_servers.add(web, RS, forward=Forward.ROUTE).enabled is True
    other = RsRef.parse("10.0.1.12:80")
    assert lm.real_servers.add(web, other).enabled is True


def test_direct_return_gets_no_traffic_before_it_is_set() -> None:
    on = {**ROW, "Forward": "route"}
    lm, transport = scripted(
        addrs=[{"Rs": [ROW]}],
        modrs=[DONE],
        showrs=[{"Rs": [{**ROW, "Enable": False}]}, {"Rs": [on]}],
    )
    made = lm.real_servers.add(REF, RS, forward=Forward.ROUTE)
    assert transport.calls[0].params["enable"] is False
    assert transport.calls[2].params.items() >= {"forward": "route", "enable": True}.items()
    assert made.enabled is True


def test_update_and_switches(lm: LoadMaster, web: VsRef) -> None:
    lm.real_servers.add(web, RS)
    assert lm.real_servers.update(web, RS, weight=1).weight == 1
    assert lm.real_servers.disable_in(web, RS).enabled is False
    assert lm.real_servers.enable_in(web, RS).enabled is True
    assert lm.real_servers.update(web, RS).weight == 1
    moved = lm.real_servers.update(web, RS, new_port=81)
    assert moved.ref == RsRef.parse("10.0.1.11:81")
    with pytest.raises(NotFound):
        lm.real_servers.get(web, RS)


def test_everywhere_is_everywhere(lm: LoadMaster, web: VsRef) -> None:
    second = VsRef.parse("tcp/10.0.1.250:443")
    lm.virtual_services.create(second)
    sub = lm.sub_virtual_services.create(second)
    lm.real_servers.add(web, RS)
    lm.real_servers.add(sub.ref, RsRef.parse("10.0.1.11:443"))
    lm.real_servers.add(web, RsRef.parse("10.0.1.12:80"))
    off = lm.real_servers.disable_everywhere("10.0.1.11")
    assert [one.enabled for one in off] == [False, False]
    assert lm.real_servers.get(web, RsRef.parse("10.0.1.12:80")).enabled
    assert all(one.enabled for one in lm.real_servers.enable_everywhere("10.0.1.11"))
    with pytest.raises(CommandRejected):
        lm.real_servers.disable_everywhere("10.9.9.9")
    with pytest.raises(InvalidRequest):
        lm.real_servers.disable_everywhere("web1")


def test_everywhere_of_a_stranger_is_not_found_even_if_the_appliance_does_not_mind() -> None:
    lm, _ = scripted(disablers=[DONE], listvs=[{"VS": [SHOWN]}])
    with pytest.raises(NotFound, match="in no service"):
        lm.real_servers.disable_everywhere("10.0.1.11")


def test_everywhere_but_one() -> None:
    lm, _ = scripted(disablers=[DONE], listvs=[{"VS": [{**SHOWN, "Rs": [ROW]}]}])
    with pytest.raises(WriteNotApplied, match=r"enable in tcp/10\.0\.1\.250:80"):
        lm.real_servers.disable_everywhere("10.0.1.11")


def test_delete(lm: LoadMaster, web: VsRef) -> None:
    lm.real_servers.add(web, RS)
    lm.real_servers.delete(web, RS)
    assert lm.real_servers.list(web) == ()
    with pytest.raises(NotFound):
        lm.real_servers.delete(web, RS)
    with pytest.raises(NotFound):
        lm.real_servers.update(web, RS, weight=1)


def test_an_unknown_service(lm: LoadMaster) -> None:
    with pytest.raises(NotFound):
        lm.real_servers.add(REF, RS)
    with pytest.raises(NotFound):
        lm.real_servers.list(REF)


def test_a_server_that_stays_is_an_error() -> None:
    lm, _ = scripted(delrs=[DONE], showrs=[{"Rs": [ROW]}])
    with pytest.raises(WriteNotApplied, match="still there"):
        lm.real_servers.delete(REF, RS)


def test_out_of_range_is_not_sent() -> None:
    lm, transport = scripted()
    with pytest.raises(InvalidRequest, match="1 to 65535"):
        lm.real_servers.add(REF, RS, weight=0)
    with pytest.raises(InvalidRequest, match="0 to 100000"):
        lm.real_servers.update(REF, RS, limit=100001)
    with pytest.raises(InvalidRequest):
        lm.real_servers.add(REF, RS, new_port=81)
    assert transport.calls == []


def test_a_silently_ignored_value_is_an_error() -> None:
    lm, transport = scripted(modrs=[DONE], showrs=[{"Rs": [ROW]}])
    with pytest.raises(WriteNotApplied, match="enable: asked False, got True"):
        lm.real_servers.disable_in(REF, RS)
    assert transport.commands == ["modrs", "showrs"]


def test_an_answer_about_another_server_is_not_believed() -> None:
    lm, _ = scripted(showrs=[{"Rs": [{**ROW, "Addr": "10.0.1.99"}]}])
    with pytest.raises(NotFound):
        lm.real_servers.get(REF, RS)
    lm, _ = scripted(showrs=[{"Rs": [{**ROW, "Weight": "heavy"}]}])
    with pytest.raises(BadAnswer, match="Weight"):
        lm.real_servers.get(REF, RS)


def test_an_unknown_outcome_is_raised_and_resolved_by_reading() -> None:
    lost = OutcomeUnknown("lost", command="modrs")
    lm, transport = scripted(modrs=[lost], showrs=[{"Rs": [ROW]}])
    with pytest.raises(OutcomeUnknown):
        lm.real_servers.disable_in(REF, RS)
    assert transport.commands == ["modrs"]
    (difference,) = lm.real_servers.differences(REF, RS, enable=False)
    assert difference.got is True
