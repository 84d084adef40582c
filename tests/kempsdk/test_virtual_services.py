"""Virtual services: against a virtual LoadMaster, and against scripted oddities."""

import pytest

from kempsdk.auth import ApiKey
from kempsdk.client import LoadMaster
from kempsdk.emulator import VirtualLoadMaster
from kempsdk.errors import (
    AmbiguousName,
    BadAnswer,
    CommandRejected,
    InvalidRequest,
    NotFound,
    OutcomeUnknown,
    WriteNotApplied,
)
from kempsdk.references import RsRef, SubVsRef, VsRef
from kempsdk.words import CheckMethod, CheckType, Persist, Schedule, ServiceType
from tests.fakes.clock import FakeClock
from tests.fakes.transport import Scripted, ScriptedTransport

REF = VsRef.parse("tcp/10.0.1.250:80")
SHOWN: dict[str, object] = {
    "Index": 1,
    "VSAddress": "10.0.1.250",
    "VSPort": "80",
    "Protocol": "tcp",
    "Enable": True,
    "Idletime": 660,
}
GONE = NotFound("Unknown VS", status=422, reason="Unknown VS")
DONE: Scripted = {"message": "Command completed ok"}


def scripted(
    clock: FakeClock | None = None, **script: list[Scripted]
) -> tuple[LoadMaster, ScriptedTransport]:
    transport = ScriptedTransport(script)
    client = LoadMaster(
        "https://lb.example", ApiKey("key"), clock=clock or FakeClock(), transport=transport
    )
    return client, transport


def test_create_answers_what_the_appliance_made(lm: LoadMaster) -> None:
    made = lm.virtual_services.create(
        REF,
        nickname="web",
        force_l7=True,
        transparent=True,
        subnet_originating=False,
        type=ServiceType.HTTP,
        schedule=Schedule.WEIGHTED_LEAST_CONNECTION,
        persist=Persist.SRC,
        persist_timeout_s=360,
        idle_timeout_s=0,
        check_type=CheckType.HTTP,
        check_url="/health",
        check_host="web.example",
        check_use_http11=True,
        check_method=CheckMethod.GET,
        check_codes=["301"],
        check_interval_s=20,
        check_timeout_s=5,
        check_retries=3,
        cache=True,
        compress=True,
    )
    assert made.ref == REF
    assert made.idle_timeout_s == 660
    assert (made.nickname, made.layer, made.check_codes) == ("web", 7, ("301",))
    assert lm.virtual_services.get(REF) == made
    assert lm.virtual_services.list() == (made,)


def test_create_on_every_port_and_over_udp(lm: LoadMaster) -> None:
    every = lm.virtual_services.create(VsRef.parse("tcp/10.0.1.251:*"))
    assert every.port == 0
    dns = lm.virtual_services.create(VsRef.parse("udp/10.0.1.251:53"))
    assert dns.layer == 4
    six = lm.virtual_services.create(VsRef.parse("tcp/[2001:db8::1]:80"))
    assert six.address == "2001:db8::1"


def test_update_changes_only_what_is_named(lm: LoadMaster, web: VsRef) -> None:
    before = lm.virtual_services.get(web)
    now = lm.virtual_services.update(web, schedule=Schedule.LEAST_CONNECTION)
    assert now.schedule is Schedule.LEAST_CONNECTION
    assert now.nickname == before.nickname
    assert lm.virtual_services.update(web) == now
    cleared = lm.virtual_services.update(web, nickname=None)
    assert cleared.nickname is None


def test_persistence_is_switched_off(lm: LoadMaster) -> None:
    lm.virtual_services.create(REF, persist=Persist.SRC, persist_timeout_s=600)
    now = lm.virtual_services.update(REF, persist=Persist.NONE)
    assert (now.persist, now.persist_timeout_s) == (Persist.NONE, 0)


def test_what_depends_on_something_else_comes_after_it(lm: LoadMaster) -> None:
    lm.virtual_services.create(REF)
    for one in ("10.0.1.1:80", "10.0.1.2:80"):
        lm.real_servers.add(REF, RsRef.parse(one))
    now = lm.virtual_services.update(REF, enhanced_health_checks=True, rs_minimum=2)
    assert (now.enhanced_health_checks, now.rs_minimum) == (True, 2)
    now = lm.virtual_services.update(REF, enhanced_health_checks=False)
    assert (now.enhanced_health_checks, now.rs_minimum) == (False, 0)


def test_a_type_is_set_before_the_rest() -> None:
    shown = {**SHOWN, "VStype": "http", "Cache": True}
    lm, transport = scripted(modvs=[shown], showvs=[shown])
    lm.virtual_services.update(REF, cache=True, type=ServiceType.HTTP)
    changes = [dict(one.params) for one in transport.calls if one.mutates]
    place = {"vs": "10.0.1.250", "port": 80, "prot": "tcp"}
    assert changes == [{**place, "VStype": "http"}, {**place, "Cache": True}]


def test_references_survive_renumbering(lm: LoadMaster, web: VsRef) -> None:
    first = VsRef.parse("tcp/10.0.1.249:80")
    lm.virtual_services.create(first)
    old = lm.virtual_services.get(first).index
    lm.virtual_services.delete(web)
    lm.parameters.set("finalpersist", 120)
    now = lm.virtual_services.update(first, nickname="still-me")
    assert now.index != old
    assert now.ref == first


def test_delete(lm: LoadMaster, web: VsRef) -> None:
    lm.virtual_services.delete(web)
    assert lm.virtual_services.list() == ()
    with pytest.raises(NotFound):
        lm.virtual_services.get(web)
    with pytest.raises(NotFound):
        lm.virtual_services.delete(web)
    with pytest.raises(NotFound):
        lm.virtual_services.update(web, cache=True)


def test_an_existing_service_is_refused(lm: LoadMaster, web: VsRef) -> None:
    with pytest.raises(CommandRejected):
        lm.virtual_services.create(web)


def test_find(lm: LoadMaster, web: VsRef) -> None:
    other = VsRef.parse("tcp/10.0.1.250:443")
    sub_parent = VsRef.parse("tcp/10.0.1.251:80")
    lm.virtual_services.create(other)
    lm.virtual_services.create(sub_parent)
    sub = lm.sub_virtual_services.create(sub_parent, nickname="blue")
    find = lm.virtual_services.find
    assert find("web").ref == web
    assert find("tcp/10.0.1.250:443").ref == other
    assert find("10.0.1.250:443").ref == other
    assert find("10.0.1.251").ref == sub_parent
    assert find("blue").ref == sub.ref
    with pytest.raises(AmbiguousName) as caught:
        find("10.0.1.250")
    assert caught.value.candidates == ("tcp/10.0.1.250:443", "tcp/10.0.1.250:80")
    for absent in ("nobody", "10.9.9.9", "10.0.1.250:81", "tcp/10.0.1.250:81"):
        with pytest.raises(NotFound):
            find(absent)


def test_listing_is_one_call(box: VirtualLoadMaster, lm: LoadMaster, web: VsRef) -> None:
    before = len(box.calls)
    lm.virtual_services.list()
    assert [one.command for one in box.calls[before:]] == ["listvs"]


def test_out_of_range_is_not_sent() -> None:
    lm, transport = scripted()
    with pytest.raises(InvalidRequest, match="0 to 86400"):
        lm.virtual_services.create(REF, idle_timeout_s=90000)
    with pytest.raises(InvalidRequest, match="steps of 60"):
        lm.virtual_services.update(REF, persist_timeout_s=61)
    with pytest.raises(InvalidRequest):
        lm.virtual_services.update(SubVsRef(REF, 3), enable=False)
    assert transport.calls == []


def test_a_silently_ignored_value_is_an_error() -> None:
    lm, _ = scripted(modvs=[SHOWN], showvs=[SHOWN])
    with pytest.raises(WriteNotApplied) as caught:
        lm.virtual_services.update(REF, enable=False, nickname="web")
    assert [str(one) for one in caught.value.differences] == [
        "enable: asked False, got True",
        "nickname: asked 'web', got None",
    ]
    assert caught.value.target == str(REF)


def test_what_addvs_ignores_is_written_again() -> None:
    lm, transport = scripted(
        addvs=[SHOWN], showvs=[SHOWN, {**SHOWN, "NickName": "web"}], modvs=[SHOWN]
    )
    made = lm.virtual_services.create(REF, nickname="web", enable=True)
    assert made.nickname == "web"
    assert transport.commands == ["addvs", "showvs", "modvs", "showvs"]
    assert transport.calls[2].params["NickName"] == "web"
    assert "Enable" not in transport.calls[2].params


def test_a_new_service_may_take_a_moment_to_appear() -> None:
    clock = FakeClock()
    lm, _ = scripted(clock, addvs=[SHOWN], showvs=[GONE, GONE, SHOWN])
    assert lm.virtual_services.create(REF).index == 1
    assert sum(clock.sleeps) == pytest.approx(0.2)


def test_a_new_service_that_never_appears() -> None:
    clock = FakeClock()
    lm, _ = scripted(clock, addvs=[SHOWN], showvs=[GONE])
    with pytest.raises(NotFound):
        lm.virtual_services.create(REF)
    assert sum(clock.sleeps) == pytest.approx(1.0)


def test_the_index_of_addvs_is_not_believed() -> None:
    lm, transport = scripted(addvs=[{**SHOWN, "Index": 9, "VSAddress": "10.0.1.9"}], showvs=[SHOWN])
    assert lm.virtual_services.create(REF).index == 1
    assert transport.calls[1].params == {"vs": "10.0.1.250", "port": 80, "prot": "tcp"}


def test_an_answer_about_another_service_is_not_believed() -> None:
    lm, _ = scripted(showvs=[{**SHOWN, "VSAddress": "10.0.1.9"}])
    with pytest.raises(BadAnswer, match=r"10\.0\.1\.9"):
        lm.virtual_services.get(REF)
    lm, _ = scripted(showvs=[{"Colour": "red"}])
    with pytest.raises(BadAnswer):
        lm.virtual_services.get(REF)


def test_a_service_that_stays_is_an_error() -> None:
    lm, _ = scripted(delvs=[DONE], showvs=[SHOWN])
    with pytest.raises(WriteNotApplied, match="still there"):
        lm.virtual_services.delete(REF)


def test_an_unknown_outcome_is_raised_and_resolved_by_reading() -> None:
    lost = OutcomeUnknown("lost", command="modvs")
    lm, transport = scripted(modvs=[lost], showvs=[{**SHOWN, "NickName": "web"}])
    with pytest.raises(OutcomeUnknown):
        lm.virtual_services.update(REF, nickname="web")
    assert transport.commands == ["modvs"]
    assert lm.virtual_services.differences(REF, nickname="web") == ()
    assert lm.virtual_services.differences(REF, nickname="other") != ()


def test_a_page_for_when_no_server_is_there(
    box: VirtualLoadMaster, lm: LoadMaster, web: VsRef
) -> None:
    lm.virtual_services.upload_error_page(web, b"<p>Back soon</p>")
    assert box.calls[-1].command == "uploadvserrfile"
    with pytest.raises(InvalidRequest):
        lm.virtual_services.upload_error_page(web, b"")
    with pytest.raises(NotFound):
        lm.virtual_services.upload_error_page(VsRef.parse("tcp/10.0.1.99:80"), b"x")
