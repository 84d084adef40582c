"""``ensure``: against a virtual LoadMaster, over both interfaces."""

from typing import Any

import pytest

from kempsdk.attachment_changes import arranged
from kempsdk.client import LoadMaster
from kempsdk.desired_state import (
    Action,
    Change,
    Changed,
    Difference,
    Kind,
    RealServerSpec,
    SubVsSpec,
    Unchanged,
    VirtualServiceSpec,
    bring_about,
)
from kempsdk.emulator import VirtualLoadMaster
from kempsdk.errors import InvalidRequest, NotFound, WriteNotApplied
from kempsdk.references import RsRef, VsRef
from kempsdk.rule_models import AddHeaderRule, MatchContentRule, Phase
from kempsdk.words import Forward, Schedule

REF = VsRef.parse("tcp/10.0.1.250:80")
RS = RsRef.parse("10.0.1.11:80")


def writes(box: VirtualLoadMaster) -> list[str]:
    """Return the commands so far that changed something."""
    reads = {"listvs", "showvs", "showrs", "showrule", "getall", "get", "showhealth", "listapi"}
    return [one.command for one in box.calls if one.command not in reads]


def test_creates_changes_and_leaves_alone(lm: LoadMaster, box: VirtualLoadMaster) -> None:
    made = lm.virtual_services.ensure(REF, nickname="web", schedule=Schedule.LEAST_CONNECTION)
    assert isinstance(made, Changed)
    assert [one.action for one in made.changes] == [Action.CREATE]
    changed = lm.virtual_services.ensure(REF, nickname="shop")
    assert changed.differences == (Difference("nickname", "web", "shop"),)
    before = writes(box)
    assert lm.virtual_services.ensure(REF, nickname="shop") == Unchanged()
    assert writes(box) == before
    now = lm.virtual_services.get(REF)
    assert (now.nickname, now.schedule) == ("shop", Schedule.LEAST_CONNECTION)


def test_dry_run_changes_nothing(lm: LoadMaster, box: VirtualLoadMaster) -> None:
    found = lm.virtual_services.ensure(REF, nickname="web", dry_run=True)
    assert isinstance(found, Changed)
    assert not found.applied
    assert writes(box) == []
    assert lm.virtual_services.list() == ()


def test_settings_by_port_are_asked_for(lm: LoadMaster) -> None:
    # A new service on port 80 would be of type http with an http check.
    lm.virtual_services.ensure(REF, type="gen", check_type="tcp")  # type: ignore[arg-type]  # words do as well
    now = lm.virtual_services.get(REF)
    assert (now.type.value, now.check_type.value) == ("gen", "tcp")


def test_refuses_before_anything_is_sent(lm: LoadMaster, box: VirtualLoadMaster) -> None:
    bad = VirtualServiceSpec(
        ref=REF, real_servers=(RealServerSpec(ref=RS, settings={"weight": 0}),)
    )
    with pytest.raises(InvalidRequest, match="weight"):
        lm.virtual_services.ensure(bad)
    with pytest.raises(InvalidRequest, match="of its own"):
        lm.virtual_services.ensure(VirtualServiceSpec(ref=REF), nickname="web")
    assert writes(box) == []


def test_server(lm: LoadMaster, box: VirtualLoadMaster, web: VsRef) -> None:
    made = lm.real_servers.ensure(web, RS, forward=Forward.ROUTE, weight=3)
    assert [one.kind for one in made.changes] == [Kind.SERVER]
    before = writes(box)
    assert lm.real_servers.ensure(web, RS, forward=Forward.ROUTE) == Unchanged()
    assert writes(box) == before
    changed = lm.real_servers.ensure(web, RS, enable=False)
    assert changed.differences == (Difference("enable", True, False),)
    now = lm.real_servers.get(web, RS)
    assert (now.enabled, now.weight, now.forward) == (False, 3, Forward.ROUTE)
    with pytest.raises(NotFound):
        lm.real_servers.ensure(VsRef.parse("tcp/10.0.1.9:80"), RS)
    with pytest.raises(InvalidRequest, match="new_port"):
        lm.real_servers.ensure(web, RS, new_port=81)


def test_a_whole_service(lm: LoadMaster) -> None:
    for name in ("a", "b", "c"):
        lm.rules.create(MatchContentRule(name=name, pattern=f"/{name}"))
    lm.rules.create(AddHeaderRule(name="via", header="Via", value="x"))
    blue: dict[str, Any] = {"weight": 5, "schedule": "wlc"}
    spec = VirtualServiceSpec(
        ref=REF,
        settings={"persist": "src", "persist_timeout_s": 300},
        rules={Phase.REQUEST: ("via",)},
        sub_services=(
            SubVsSpec(
                nickname="blue",
                settings=blue,
                match_rules=("b", "a"),
                real_servers=(RealServerSpec(ref=RS, settings={"weight": 7}),),
            ),
            SubVsSpec(),
            SubVsSpec(settings={"enable": False, "check_type": "tcp"}),
        ),
    )
    lm.virtual_services.ensure(spec)
    (service,) = lm.virtual_services.list()
    assert service.request_rules == ("via",)
    assert [one.name for one in service.sub_services] == ["blue", None, None]
    assert [one.enabled for one in service.sub_services] == [True, True, False]
    first = service.sub_services[0]
    assert (first.weight, first.match_rules) == (5, ("b", "a"))
    assert first.service is not None
    assert [one.weight for one in first.service.real_servers] == [7]
    assert lm.virtual_services.ensure(spec) == Unchanged()


def test_rules_that_are_not_mentioned_stay_where_they_are(lm: LoadMaster, web: VsRef) -> None:
    from kempsdk.rule_models import OnService

    lm.virtual_services.update(web, force_l4=False, force_l7=True)
    place = OnService(web, Phase.REQUEST)
    for name in ("one", "two", "three"):
        lm.rules.create(AddHeaderRule(name=name, header="X", value=name))
        if name != "three":
            lm.rule_attachments.attach(place, name)
    spec = VirtualServiceSpec(ref=web, rules={Phase.REQUEST: ("three", "one")})
    (change,) = lm.virtual_services.ensure(spec).changes
    assert change.differences == (Difference("rules", ["one", "two"], ["three", "two", "one"]),)
    assert lm.rule_attachments.list(place) == ("three", "two", "one")


@pytest.mark.parametrize(
    ("wanted", "now", "after"),
    [
        ((), ("x",), ["x"]),
        (("a",), (), ["a"]),
        (("a", "b"), ("b", "x", "a"), ["a", "x", "b"]),
        (("a", "b"), ("x", "b"), ["x", "a", "b"]),
    ],
)
def test_arranged(wanted: tuple[str, ...], now: tuple[str, ...], after: list[str]) -> None:
    assert arranged(wanted, now) == after


def test_a_change_that_does_not_last_is_told(lm: LoadMaster) -> None:
    calls: list[int] = []
    stubborn = Change(
        kind=Kind.PARAMETER,
        name="motd",
        action=Action.UPDATE,
        differences=(Difference("value", "a", "b"),),
        run=lambda _: calls.append(1),
    )
    with pytest.raises(WriteNotApplied, match="motd value: asked 'b', got 'a'"):
        bring_about(lm, lambda: [stubborn], [stubborn])
    assert len(calls) == 2


def test_features_of_a_service(lm: LoadMaster) -> None:
    ref = VsRef.parse("tcp/10.0.1.249:80")
    spec = VirtualServiceSpec(
        ref=ref,
        settings={"esp_enabled": True},
        features={
            "pre_authentication": {"sso_domain": "OFFICE", "ask_for_public_machine": False},
            "waf_tuning": {"anomaly_threshold": 40},
        },
    )
    assert isinstance(lm.virtual_services.ensure(spec), Changed)
    assert lm.virtual_services.ensure(spec) == Unchanged()
    assert lm.pre_authentication.get(ref).ask_for_public_machine is False
    assert lm.waf_tuning.get(ref).anomaly_threshold == 40
    for features in ({"cache": {"size": 3}}, {"waf_tuning": {"anomaly_threshold": 0}}):
        with pytest.raises(InvalidRequest):
            lm.virtual_services.ensure(VirtualServiceSpec(ref=ref, features=features))
